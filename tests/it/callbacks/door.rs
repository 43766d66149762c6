//! The listener by itself: what it lets in, and whom it throws out.

use std::sync::Arc;

use futures::FutureExt;
use rushes::callback::{WebhookQueue, new_token};
use rushes::listener::BoundedServer;
use rushes::server::listen;

use super::*;

/// An open door, and the queue behind it.
async fn open() -> (BoundedServer, SocketAddr, Arc<WebhookQueue>) {
    let queue = Arc::new(WebhookQueue::default());
    queue.open();
    let address = free_address();
    (listen(address, Arc::clone(&queue)).await.unwrap(), address, queue)
}

/// Does something that blocks, beside the listener.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_known_token_comes_in_whatever_stands_before_it() {
    let (door, address, queue) = open().await;
    let token = new_token().unwrap();
    queue.expect(token);
    for prefix in ["", "/rushes", "/a/b/c", "//", "/%2e%2e"] {
        let path = format!("{prefix}/{}?x=1", token.reveal());
        let status = beside(move || send(address, "POST", &path, br#"{"taskId":"t1"}"#)).await;
        assert_eq!(status, 204, "{prefix}");
        let (who, tasks) = queue.next().await;
        assert_eq!((who, tasks[0].as_str()), (token, "t1"));
    }
    door.close(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_until_its_token_can_be_known_and_comes_again_once_nothing_listens() {
    let queue = Arc::new(WebhookQueue::default());
    let address = free_address();
    let door = listen(address, Arc::clone(&queue)).await.unwrap();
    let token = new_token().unwrap();
    let path = format!("/{}", token.reveal());
    let empty = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    let mut early = TcpStream::connect(address).unwrap();
    early.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    early.write_all(empty.as_bytes()).unwrap();
    let (mut early, silence) = beside(move || {
        let silence = early.read(&mut [0; 100]);
        (early, silence)
    })
    .await;
    assert!(silence.is_err(), "nobody is thanked yet");
    early.set_read_timeout(Some(PATIENCE)).unwrap();
    queue.expect(token);
    queue.open();
    assert_eq!(queue.next().await.0, token);
    let answer = beside(move || {
        let mut answer = String::new();
        early.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.contains(" 204 "));
    let mut late = TcpStream::connect(address).unwrap();
    write!(late, "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n").unwrap();
    // It is inside once somebody who came after it has been answered.
    assert_eq!(beside(move || send(address, "GET", "/", b"")).await, 404);
    queue.close();
    let answer = beside(move || {
        late.write_all(b"x").unwrap();
        let mut answer = String::new();
        late.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.contains(" 503 "));
    assert_eq!(queue.next().now_or_never(), None);
    door.close(Duration::ZERO).await;
}

#[tokio::test]
async fn who_sends_too_much_is_cut_and_nothing_comes_in() {
    let (door, address, queue) = open().await;
    let token = new_token().unwrap();
    queue.expect(token);
    let path = format!("/{}", token.reveal());
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n");
    let long_header = format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("{head}{}\r\n", "X: y\r\n".repeat(100_000));
    let chunks = "400\r\n".to_owned() + "x".repeat(1024).as_str() + "\r\n";
    let endless = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunks.repeat(1000));
    let announced = format!("{head}Content-Length: 99999999999\r\n\r\nx");
    let nonsense = "\0".repeat(200_000);
    for sent in [long_header, many_headers, endless, announced, nonsense] {
        let began = sent[..30.min(sent.len())].to_owned();
        let answer = beside(move || exchange(address, sent.as_bytes())).await;
        assert!(!answer.contains(" 204"), "{began}: {answer}");
    }
    assert_eq!(queue.next().now_or_never(), None);
    door.close(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_cut_off_and_the_next_one_is_served() {
    let (door, address, queue) = open().await;
    let token = new_token().unwrap();
    queue.expect(token);
    let path = format!("/{}", token.reveal());
    // As many as there are places; one of them sends a byte now and then, the others nothing.
    let lorises: Vec<_> = (0..64)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let request =
                    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n");
                if n == 0 {
                    let drip = |byte: u8| {
                        std::thread::sleep(Duration::from_millis(100));
                        stream.write_all(&[byte])
                    };
                    // It would take twenty seconds if nobody cut it.
                    let said = request.bytes().chain([b'x'; 200]).try_for_each(drip);
                    assert!(said.is_err(), "it was let to finish");
                    return;
                }
                stream.write_all(&request.as_bytes()[..n]).unwrap();
                let ended = stream.read(&mut [0; 100]);
                assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
                let over = ended.err().map(|error| error.kind());
                assert_ne!(over, Some(std::io::ErrorKind::WouldBlock), "it was never cut");
            })
        })
        .collect();
    let status = beside(move || send(address, "POST", &path, b"{}")).await;
    assert_eq!(status, 204);
    assert_eq!(queue.next().await.0, token);
    let joined =
        beside(move || lorises.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>())
            .await;
    assert!(joined.iter().all(Result::is_ok));
    door.close(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_door_leaves_neither_a_port_nor_a_connection() {
    let (door, address, _) = open().await;
    let mut idle = TcpStream::connect(address).unwrap();
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    // An answered request on another connection: the idle one is accepted by then.
    assert_eq!(beside(move || send(address, "GET", "/", b"")).await, 404);
    door.close(Duration::ZERO).await;
    let ended = beside(move || idle.read(&mut [0; 10])).await;
    assert!(
        matches!(&ended, Ok(0)) || ended.is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock)
    );
    drop(TcpListener::bind(address).unwrap());
    let again = listen(address, Arc::default()).await.unwrap();
    assert!(listen(address, Arc::default()).await.is_err(), "one at a time");
    again.close(Duration::ZERO).await;
}

#[tokio::test]
async fn calls_that_may_be_another_workers_are_taken_until_no_place_is_left_for_them() {
    let (door, address, queue) = open().await;
    queue.keep_others();
    let token = new_token().unwrap();
    queue.expect(token);
    let called = |key: String| {
        beside(move || send(address, "POST", &format!("/rushes/{key}"), br#"{"taskId":"t1"}"#))
    };
    for n in 0..64 {
        assert_eq!(called(format!("{n:032x}")).await, 204);
    }
    assert_eq!(called(format!("{:032x}", 64)).await, 503, "it is to come again later");
    assert_eq!(called(format!("{:032x}", 63)).await, 204, "it is kept already");
    assert_eq!(called(token.reveal()).await, 204);
    assert_eq!(called("nothing-like-a-key".to_owned()).await, 404);
    assert_eq!(queue.next().await.0, token);
    assert_eq!(queue.take_others().len(), 64);
    assert_eq!(called(format!("{:032x}", 64)).await, 204, "there is room again");
    door.close(Duration::ZERO).await;
}
