//! A scripted HTTP/1.1 server on 127.0.0.1: does exactly what a test says, request by request, and
//! records everything it was asked. It lives on a thread of its own, so that tests may be async or
//! block on a child process; dropping it closes every connection.
//!
//! ```ignore
//! let server = Script::new()
//!     .post(Reply::json(200, &json!({"data": {"taskId": "t1"}})))
//!     .post(Reply::cut())
//!     .always_get(Reply::json(200, &json!({"data": {"state": "pending"}})))
//!     .serve();
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// What the server does about one request.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    manner: Manner,
    held: Option<watch::Receiver<bool>>,
}

#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Answer and keep the connection open.
    Whole,
    /// Answer, then close without having said so.
    ThenClose,
    /// Send so many bytes of the answer, head included, then close.
    CutAfter(usize),
    /// Send so many bytes of the answer, head included, then nothing until the server is dropped.
    HangAfter(usize),
    /// Send the answer a byte at a time, with this pause between them.
    Drip(Duration),
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("Content-Type", "application/json")
    }

    /// An answer with any body.
    pub fn text(status: u16, body: &str) -> Self {
        Self::bytes(status, body.as_bytes())
    }

    /// An answer with any bytes.
    pub fn bytes(status: u16, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: body.to_vec(), manner: Manner::Whole, held: None }
    }

    /// Reads the request and closes without an answer.
    pub fn cut() -> Self {
        Self::text(200, "").cut_after(0)
    }

    /// Reads the request and never answers.
    pub fn hang() -> Self {
        Self::text(200, "").hang_after(0)
    }

    /// Adds a header; one named `Content-Length` replaces the true one, with `""` it is left out.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Closes the connection afterwards, without having said so.
    pub fn then_close(self) -> Self {
        Self { manner: Manner::ThenClose, ..self }
    }

    /// Closes after so many bytes of the answer, head included.
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { manner: Manner::CutAfter(bytes), ..self }
    }

    /// Closes so many bytes before the end of the answer.
    pub fn cut_before_end(self, missing: usize) -> Self {
        let sent = self.on_the_wire().len() - missing;
        self.cut_after(sent)
    }

    /// Sends nothing before `gate` holds `true` or its sender is gone.
    pub fn held(self, gate: watch::Receiver<bool>) -> Self {
        Self { held: Some(gate), ..self }
    }

    /// Stands still after so many bytes of the answer, head included.
    pub fn hang_after(self, bytes: usize) -> Self {
        Self { manner: Manner::HangAfter(bytes), ..self }
    }

    /// Stands still so many bytes before the end of the answer.
    pub fn hang_before_end(self, missing: usize) -> Self {
        let sent = self.on_the_wire().len() - missing;
        self.hang_after(sent)
    }

    /// Sends the answer a byte at a time.
    pub fn drip(self, pause: Duration) -> Self {
        Self { manner: Manner::Drip(pause), ..self }
    }

    fn on_the_wire(&self) -> Vec<u8> {
        let is_named = |name: &str| self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let mut head = vec![format!("HTTP/1.1 {} Scripted", self.status)];
        if !is_named("content-length") && !is_named("transfer-encoding") {
            head.push(format!("Content-Length: {}", self.body.len()));
        }
        let is_left_out = |name: &str, value: &str| {
            name.eq_ignore_ascii_case("content-length") && value.is_empty()
        };
        let headers = self.headers.iter().filter(|(name, value)| !is_left_out(name, value));
        head.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        [head.join("\r\n").as_bytes(), b"\r\n\r\n", &self.body].concat()
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In order, names as they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 1.
    pub connection: usize,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether it asks for the balance or the models, and so for no shot.
    pub fn is_about_account(&self) -> bool {
        self.target.ends_with("/balance") || self.target.ends_with("/models")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Handler = Box<dyn FnMut(&Request) -> Option<Reply> + Send>;

/// What the server will do, in the order it is told.
#[derive(Default)]
pub struct Script {
    posts: VecDeque<Reply>,
    gets: VecDeque<Reply>,
    always_post: Option<Reply>,
    always_get: Option<Reply>,
    handler: Option<Handler>,
    balance: Option<Reply>,
    models: Option<Reply>,
    slammed: usize,
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// The reply to the next POST.
    pub fn post(mut self, reply: Reply) -> Self {
        self.posts.push_back(reply);
        self
    }

    /// The reply to the next GET.
    pub fn get(mut self, reply: Reply) -> Self {
        self.gets.push_back(reply);
        self
    }

    /// The reply to every POST after the scripted ones.
    pub fn always_post(self, reply: Reply) -> Self {
        Self { always_post: Some(reply), ..self }
    }

    /// The reply to every GET after the scripted ones.
    pub fn always_get(self, reply: Reply) -> Self {
        Self { always_get: Some(reply), ..self }
    }

    /// Asks `handler` first; what it answers `None` to goes by the script.
    pub fn on(self, handler: impl FnMut(&Request) -> Option<Reply> + Send + 'static) -> Self {
        Self { handler: Some(Box::new(handler)), ..self }
    }

    /// The reply to questions for the balance, which take no other; 404 by default.
    pub fn balance(self, reply: Reply) -> Self {
        Self { balance: Some(reply), ..self }
    }

    /// The reply to questions for the models, which take no other; 404 by default.
    pub fn models(self, reply: Reply) -> Self {
        Self { models: Some(reply), ..self }
    }

    /// Closes the first `connections` as soon as they are accepted.
    pub fn slam(self, connections: usize) -> Self {
        Self { slammed: connections, ..self }
    }

    /// Starts it. A request the script has no reply for is answered 599.
    pub fn serve(self) -> Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(self),
            requests: Mutex::default(),
            received: watch::Sender::new(0),
            connections: watch::Sender::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let listener = TcpListener::from_std(listener).unwrap();
                    tokio::select! {
                        () = accept(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        Server { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    fn reply(&mut self, request: &Request) -> Reply {
        if request.is_about_account() {
            let scripted = if request.target.ends_with("/balance") {
                self.balance.clone()
            } else {
                self.models.clone()
            };
            return scripted.unwrap_or_else(|| Reply::text(404, "Not Found"));
        }
        if let Some(reply) = self.handler.as_mut().and_then(|handler| handler(request)) {
            return reply;
        }
        let (queue, always) = match request.method.as_str() {
            "POST" => (&mut self.posts, &self.always_post),
            _ => (&mut self.gets, &self.always_get),
        };
        queue
            .pop_front()
            .or_else(|| always.clone())
            .unwrap_or_else(|| Reply::text(599, "not in the script"))
    }
}

struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<Request>>,
    received: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far, but for the account.
    pub fn requests(&self) -> Vec<Request> {
        self.asked().into_iter().filter(|request| !request.is_about_account()).collect()
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The connections accepted so far.
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Waits until so many requests were read.
    pub async fn received(&self, requests: usize) {
        let mut received = self.shared.received.subscribe();
        received.wait_for(|so_far| *so_far >= requests).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the scripted server panicked");
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        shared.connections.send_modify(|count| *count += 1);
        let connection = *shared.connections.borrow();
        if connection > shared.script.lock().unwrap().slammed {
            tasks.spawn(converse(stream, connection, Arc::clone(&shared)));
        }
    }
}

/// Reads requests and plays their replies until either side is done with the connection.
async fn converse(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    let mut unread = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut unread, connection).await {
        shared.requests.lock().unwrap().push(request.clone());
        let reply = shared.script.lock().unwrap().reply(&request);
        if !request.is_about_account() {
            shared.received.send_modify(|count| *count += 1);
        }
        if play(&mut stream, &reply).await.is_none() {
            return;
        }
    }
}

/// `None` when the connection is over.
async fn play(stream: &mut TcpStream, reply: &Reply) -> Option<()> {
    let wire = reply.on_the_wire();
    if let Some(mut gate) = reply.held.clone() {
        let _ = gate.wait_for(|open| *open).await;
    }
    match reply.manner {
        Manner::Whole => stream.write_all(&wire).await.ok(),
        Manner::ThenClose => {
            stream.write_all(&wire).await.ok()?;
            None
        }
        Manner::CutAfter(bytes) => {
            stream.write_all(&wire[..bytes]).await.ok()?;
            None
        }
        Manner::HangAfter(bytes) => {
            stream.write_all(&wire[..bytes]).await.ok()?;
            std::future::pending().await
        }
        Manner::Drip(pause) => {
            for byte in wire {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(pause).await;
            }
            Some(())
        }
    }
}

/// The next request; `None` when the client closed or speaks no HTTP.
async fn read_request(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    connection: usize,
) -> Option<Request> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(unread.drain(..end).collect()).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: Vec::new(), connection };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while unread.len() < length {
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    request.body = unread.drain(..length).collect();
    Some(request)
}
