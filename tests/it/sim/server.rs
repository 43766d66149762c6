//! The world over a socket, spoken to byte by byte. Because a reply follows from the seed and the
//! request, a twin of the served world says which request will be cut, torn or left hanging.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::support::calls::Calls;
use futures::StreamExt;
use rushes::blocking::Threads;
use rushes::clips::{ClipStore, FolderStore, clip_path};
use rushes::domain::outcome::{PollOutcome, SubmitOutcome};
use rushes::domain::time::{Clock, Timestamp};
use rushes::provider::{HttpProvider, HttpSettings, Provider};
use rushes::simulator::{Accounts, Profile, Reply, SimOptions, SimState, serve};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{START, body, storm, task, usd, world};

/// A clock that stands still.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        START
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start(world: SimState) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, world, Arc::new(Stopped), async move {
            stopped.await.ok();
        }));
        Self { address, stop, serving }
    }

    /// Sends a request whole; what comes back until the connection closes.
    async fn say(&self, request: String) -> Vec<u8> {
        let address = self.address;
        tokio::task::spawn_blocking(move || read(send(address, &request))).await.unwrap()
    }

    async fn post(&self, body: &str) -> Vec<u8> {
        self.say(post("Bearer key", body)).await
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        self.say(format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\nconnection: close\r\n\r\n"
        ))
        .await
    }

    async fn books(&self) -> Accounts {
        serde_json::from_slice(&content(&self.get("/sim/books").await)).expect("books")
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }
}

fn post(authorization: &str, body: &str) -> String {
    format!(
        "POST /api/v1/video/generations HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    // Only a defect makes a test wait so long; then it fails instead of hanging.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn read(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // A reset counts as an end: what came before it is what there is.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    answer
}

fn split(answer: &[u8]) -> (String, Vec<u8>) {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(answer[..at].to_vec()).unwrap();
    (head.to_ascii_lowercase(), answer[at..].to_vec())
}

fn content(answer: &[u8]) -> Vec<u8> {
    split(answer).1
}

/// The first request, among those numbered from 0, that a served world of these options replies to
/// as wanted.
fn request_that(options: SimOptions, wanted: impl Fn(&Reply) -> bool) -> String {
    let mut twin = world(SimOptions { purse: usd("100000"), ..options });
    twin.serve_at("http://127.0.0.1".into());
    (0..20_000)
        .map(body)
        .find(|body| wanted(&twin.submit(body.as_bytes(), START)))
        .expect("such a reply")
}

fn at_once(profile: Profile) -> SimOptions {
    SimOptions { render_ms: 0..0, ..SimOptions::new(profile) }
}

#[tokio::test]
async fn a_shot_is_bought_polled_and_fetched_and_the_books_agree() {
    let running = Running::start(world(at_once(Profile::Calm))).await;
    let (head, bought) = split(&running.post(&body(1)).await);
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    let bought: serde_json::Value = serde_json::from_slice(&bought).unwrap();
    let task = bought["data"]["taskId"].as_str().unwrap();
    let polled = running.get(&format!("/api/v1/video/generations?task_id={task}")).await;
    let polled: serde_json::Value = serde_json::from_slice(&content(&polled)).unwrap();
    let url = polled["data"]["resultUrls"][0].as_str().unwrap();
    let path = url.strip_prefix(&format!("http://{}", running.address)).unwrap();
    let (head, clip) = split(&running.get(path).await);
    assert!(head.contains("content-type: video/mp4\r\n"), "{head}");
    mp4parse::read_mp4(&mut std::io::Cursor::new(&clip)).unwrap();
    let (head, rest) = split(
        &running
            .say(format!(
                "GET {path} HTTP/1.1\r\nhost: x\r\nrange: bytes=9-\r\nconnection: close\r\n\r\n"
            ))
            .await,
    );
    assert!(head.starts_with("http/1.1 206"), "{head}");
    assert!(head.contains(&format!("content-range: bytes 9-{}/{}", clip.len() - 1, clip.len())));
    assert_eq!(rest, clip[9..]);
    let books = running.books().await;
    assert_eq!((books.charged, books.purchases.len()), (usd("0.3165"), 1));
    assert_eq!(books.purchases[0].purchase.task_id, task);
    running.stop().await;
}

#[tokio::test]
async fn a_cut_closes_the_connection_without_a_byte_though_it_may_have_bought() {
    let bought_by = |body: &str| {
        let mut twin = world(storm(1));
        twin.submit(body.as_bytes(), START);
        twin.books(START).purchases.len()
    };
    let running = Running::start(world(storm(1))).await;
    let is_cut = |reply: &Reply| *reply == Reply::Cut;
    let mut twin = world(SimOptions { purse: usd("100000"), ..storm(1) });
    twin.serve_at("http://127.0.0.1".into());
    let cut: Vec<_> =
        (0..1_000).map(body).filter(|b| is_cut(&twin.submit(b.as_bytes(), START))).collect();
    let sold: usize = cut.iter().map(|body| bought_by(body)).sum();
    assert!(0 < sold && sold < cut.len(), "{sold} of {}", cut.len());
    for body in &cut {
        assert_eq!(running.post(body).await, b"");
    }
    let books = running.books().await;
    assert_eq!((books.purchases.len(), books.tally.unanswered), (sold, cut.len() as u64));
    running.stop().await;
}

#[tokio::test]
async fn a_torn_answer_announces_more_than_it_brings() {
    let torn = request_that(storm(2), |reply| matches!(reply, Reply::Torn(_, 20..)));
    let running = Running::start(world(storm(2))).await;
    let (head, came) = split(&running.post(&torn).await);
    let announced = head.split("content-length: ").nth(1).unwrap();
    let announced: usize = announced.split("\r\n").next().unwrap().parse().unwrap();
    assert!((20..announced).contains(&came.len()), "{} of {announced}", came.len());
    assert_eq!(running.books().await.purchases.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn the_server_stops_even_while_a_client_hangs_and_never_answers_it() {
    let hanging = request_that(storm(3), |reply| *reply == Reply::Hang);
    let running = Running::start(world(storm(3))).await;
    let request = post("Bearer key", &hanging);
    let stream = send(running.address, &request);
    let arrived = async { while running.books().await.tally.unanswered == 0 {} };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("the request arrives");
    running.stop().await;
    assert_eq!(tokio::task::spawn_blocking(|| read(stream)).await.unwrap(), b"");
}

#[tokio::test]
async fn no_key_or_a_wrong_one_is_a_401_that_no_book_knows() {
    let any = Running::start(world(SimOptions::new(Profile::Calm))).await;
    let one = SimOptions { key: Some("key".into()), ..SimOptions::new(Profile::Calm) };
    let one = Running::start(world(one)).await;
    for (running, authorization, status) in [
        (&any, "", "401"),
        (&any, "Bearer ", "401"),
        (&any, "Basic key", "401"),
        (&any, "Bearer whatever", "200"),
        (&one, "Bearer whatever", "401"),
        (&one, "bearer key", "200"),
    ] {
        let answer = running.say(post(authorization, &body(1))).await;
        assert_eq!(&split(&answer).0[9..12], status, "{authorization}");
    }
    assert_eq!(one.books().await.tally.posts, 1);
    any.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn odd_requests_get_an_answer_and_the_server_lives_on() {
    let running = Running::start(world(SimOptions::new(Profile::Calm))).await;
    for (path, status) in [
        ("/api/v1/video/generations", "400"),
        ("/api/v1/video/generations?task_id=%00%ff", "404"),
        ("/clips/..%2f..%2fsimulator.jsonl", "404"),
        ("/", "404"),
    ] {
        assert_eq!(&split(&running.get(path).await).0[9..12], status, "{path}");
    }
    let huge = format!(
        "POST /api/v1/video/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        64 << 20
    );
    assert_eq!(&split(&running.say(huge).await).0[9..12], "413");
    let stream = send(running.address, "nonsense\r\n\r\n");
    stream.shutdown(Shutdown::Both).ok();
    assert_eq!(running.books().await.tally.posts, 0);
    running.stop().await;
}

#[tokio::test]
async fn the_socket_tells_the_same_story_as_the_world_itself() {
    let running = Running::start(world(storm(6))).await;
    let mut twin = world(storm(6));
    twin.serve_at("http://127.0.0.1".into());
    let quick = (0..60).map(body).filter(|body| twin.submit(body.as_bytes(), START) != Reply::Hang);
    let quick: Vec<_> = quick.collect();
    futures::stream::iter(&quick)
        .for_each_concurrent(8, async |body| {
            running.post(body).await;
        })
        .await;
    let mut again = world(storm(6));
    again.serve_at("http://127.0.0.1".into());
    let tasks = quick.iter().filter(|b| task(&again.submit(b.as_bytes(), START)).is_some()).count();
    let (here, there) = (again.books(START), running.books().await);
    assert_eq!((here.tally, here.held), (there.tally, there.held));
    assert_eq!(here.tally.answered_task, tasks as u64);
    running.stop().await;
}

#[tokio::test]
async fn the_gateways_own_client_sees_every_purchase_the_books_admit_and_the_clips_hold() {
    let running = Running::start(world(SimOptions { render_ms: 0..1, ..storm(7) })).await;
    let client = HttpProvider::new(HttpSettings {
        poll_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(300),
        ..HttpSettings::new(
            format!("http://{}", running.address),
            "key".into(),
            Duration::from_secs(2),
            Arc::new(Stopped),
        )
    })
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clips = FolderStore::open(dir.path(), Threads::Pool).unwrap();
    let (mut bought, mut stored) = (0, 0);
    for number in 0..60 {
        let SubmitOutcome::Bought { task } = client.buy(body(number).into()).await else {
            continue;
        };
        bought += 1;
        for _ in 0..8 {
            let PollOutcome::Completed { urls, .. } = client.ask(&task).await else { continue };
            let Ok(mut download) = client.fetch(&urls[0], None).await else { continue };
            let mut partial = clips.begin(&clip_path(task.as_str(), 1, 1)).unwrap();
            while let Some(Ok(bytes)) = download.bytes.next().await {
                partial.write(bytes).await.unwrap();
            }
            if partial.publish(download.total).await.is_ok() {
                stored += 1;
                break;
            }
        }
    }
    let books = running.books().await;
    assert_eq!(bought, books.tally.answered_task);
    assert!(bought > 20 && stored > 15, "{stored} of {bought}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_be_called_is_called_again_until_it_is_heard() {
    let ear = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks/secret", ear.local_addr().unwrap());
    let running = Running::start(world(at_once(Profile::Calm))).await;
    let asking = body(1).replace('}', &format!(r#","callback_url":"{url}"}}"#));
    let bought = content(&running.post(&asking).await);
    let bought: serde_json::Value = serde_json::from_slice(&bought).unwrap();
    let task = bought["data"]["taskId"].as_str().unwrap().to_owned();
    let heard = tokio::task::spawn_blocking(move || {
        // The first call is not heard, the second is refused, the third is taken.
        let mut calls = Vec::new();
        for answer in ["", "HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 204 Thanks\r\n\r\n"] {
            let (mut stream, _) = ear.accept().unwrap();
            let mut call = vec![0; 4096];
            let mut length = 0;
            while !String::from_utf8_lossy(&call[..length]).contains("completed") {
                length += stream.read(&mut call[length..]).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            calls.push(String::from_utf8_lossy(&call[..length]).into_owned());
        }
        calls
    });
    let calls = heard.await.unwrap();
    for call in &calls {
        assert!(call.starts_with("POST /hooks/secret HTTP/1.1\r\n"), "{call}");
        let body = call.split("\r\n\r\n").nth(1).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["code"], body["data"]["taskId"].as_str()), (&200.into(), Some(&*task)));
    }
    let record = running.get(&format!("/api/v1/records/{task}")).await;
    let record: serde_json::Value = serde_json::from_slice(&content(&record)).unwrap();
    assert_eq!(record["data"]["credits"], 0.3165);
    let without_key = running
        .say("GET /api/v1/records/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into());
    assert!(split(&without_key.await).0.starts_with("http/1.1 401"));
    running.stop().await;
}
