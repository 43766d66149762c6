//! The bounds of connections, in real time.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures::stream;
use rushes::listener::{BoundedServer, ConnLimits};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async fn endless() -> Body {
    let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 4096]));
    Body::from_stream(stream::repeat_with(piece))
}

/// A server of endless answers, and a client that has sent it something.
async fn connected(limits: ConnLimits, sent: &str) -> (BoundedServer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/", get(endless));
    let server = BoundedServer::start(listener, routes, limits, std::future::ready(()));
    let client = TcpStream::connect(address).await.unwrap();
    client.writable().await.unwrap();
    client.try_write(sent.as_bytes()).unwrap();
    (server, client)
}

/// Takes what is sent, for so long; whether the connection is still there.
async fn takes(client: &TcpStream, span: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < span {
        client.readable().await.unwrap();
        match client.try_read(&mut [0; 4096]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_client_that_sends_no_whole_head_is_cut_when_its_time_is_over() {
    for sent in ["", "GET / HT"] {
        let limits = ConnLimits { head: SHORT, ..ConnLimits::DEFAULT };
        let (_server, mut client) = connected(limits, sent).await;
        let ended = timeout(PATIENCE, client.read_to_end(&mut Vec::new())).await;
        drop(ended.expect("it is never cut"));
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_and_one_that_takes_may_stay() {
    let limits = ConnLimits { head: SHORT, stall: 2 * SHORT, ..ConnLimits::DEFAULT };
    let (server, client) = connected(limits, REQUEST).await;
    assert!(takes(&client, 5 * SHORT).await, "it was cut while it took what it was sent");
    // From here on the client takes nothing: its connection ends before the server would cut it.
    let closing = Instant::now();
    server.close(PATIENCE).await;
    assert!(closing.elapsed() < PATIENCE, "it is never cut");
}

#[tokio::test]
async fn a_connection_is_cut_at_the_end_of_its_life_whatever_it_does() {
    let limits = ConnLimits { life: Some(SHORT), ..ConnLimits::DEFAULT };
    let (_server, client) = connected(limits, REQUEST).await;
    assert!(!takes(&client, PATIENCE).await, "it is never cut");
}

#[tokio::test]
async fn further_clients_wait_while_there_are_as_many_connections_as_may_be() {
    let limits = ConnLimits { connections: 1, ..ConnLimits::DEFAULT };
    let (server, first) = connected(limits, REQUEST).await;
    assert!(takes(&first, SHORT).await);
    let second = TcpStream::connect(first.peer_addr().unwrap()).await.unwrap();
    second.try_write(REQUEST.as_bytes()).unwrap();
    let waits = timeout(SHORT, second.readable()).await.is_err();
    assert!(waits, "it is answered beside the first");
    drop(first);
    timeout(PATIENCE, second.readable()).await.expect("its turn never comes").unwrap();
    assert!(takes(&second, SHORT).await);
    server.close(Duration::ZERO).await;
}

#[tokio::test]
async fn nothing_is_accepted_before_the_server_is_ready_and_closing_frees_the_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/", get(endless));
    let never = std::future::pending();
    let server = BoundedServer::start(listener, routes, ConnLimits::DEFAULT, never);
    let client = TcpStream::connect(address).await.unwrap();
    client.try_write(REQUEST.as_bytes()).unwrap();
    assert!(timeout(SHORT, client.readable()).await.is_err(), "it is answered too early");
    server.close(PATIENCE).await;
    drop(TcpListener::bind(address).await.unwrap());
}
