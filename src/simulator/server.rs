//! The simulator as a server: the gateway's endpoints, the clips, and `/sim/books`. Cuts are
//! real cuts and hangs hang; what they mean for the money is decided in [`SimState`].

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures::StreamExt;
use futures::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::domain::time::Clock;
use crate::listener::reachable;

use super::caller::Caller;
use super::files;
use super::reply::{Answered, Clip, ClipReply, Reply};
use super::state::SimState;

/// The longest request body, in bytes.
const MAX_BODY: usize = 32 << 20;
/// How long clients have to take what is being sent to them once the server stops.
const GRACE: Duration = Duration::from_secs(2);

struct Server {
    state: Arc<Mutex<SimState>>,
    caller: Caller,
    clock: Arc<dyn Clock>,
    key: Option<String>,
    stopping: watch::Receiver<bool>,
}

type Shared = State<Arc<Server>>;

/// Serves a simulator until `shutdown`; then lets answers that are on their way arrive, for two
/// seconds at most, and cuts clients that wait for one that would never come. `POST` and `GET`
/// `/api/v1/video/generations`, `POST` `/api/v1/files`, and `GET` `/api/v1/records/ID`,
/// `/api/v1/balance` and `/api/v1/models` want a bearer key: the simulator's own, or any that is not
/// empty.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    mut state: SimState,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    state.serve_at(format!("http://{}", reachable(listener.local_addr()?)));
    let (stop, stopping) = watch::channel(false);
    let key = state.options().key.clone();
    let grace = stopping.clone();
    let (state, caller) = (Arc::new(Mutex::new(state)), Caller::default());
    let server = Arc::new(Server { state, caller, clock, key, stopping });
    let calls = Arc::clone(&server);
    let routes = Router::new()
        .route("/api/v1/video/generations", get(poll).post(submit))
        .route("/api/v1/records/{task}", get(record))
        .route("/api/v1/files", post(upload))
        .route("/api/v1/balance", get(balance))
        .route("/api/v1/models", get(models))
        .route_layer(from_fn_with_state(Arc::clone(&server), with_key))
        .route("/clips/{name}", get(clip))
        .route("/sim/books", get(books))
        .fallback(|| async { to_response(Answered::page(404, "Not Found")) })
        .with_state(server);
    // Without it a small answer may wait for the client's delayed acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
        shutdown.await;
        stop.send_replace(true);
    });
    let ended = tokio::select! {
        ended = serving.into_future() => ended,
        () = overdue(grace) => Ok(()),
    };
    calls.caller.end();
    ended
}

async fn overdue(stopping: watch::Receiver<bool>) {
    stopped(stopping).await;
    tokio::time::sleep(GRACE).await;
}

/// Ends when the server is to stop.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the server is gone, which is as good.
    let _ = stopping.wait_for(|stops| *stops).await;
}

impl Server {
    fn state(&self) -> MutexGuard<'_, SimState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, reply: Reply) -> Response<Body> {
        match reply {
            Reply::Answered(answered) => to_response(answered),
            // It arrived, so the simulator itself is at fault: nothing was sold.
            Reply::NotSent(why) => to_response(Answered::refusal(503, &why, false)),
            Reply::Torn(mut answered, at) => {
                let total = answered.body.len();
                let piece = answered.body.split_to(at.min(total));
                let mut response = to_response(answered);
                response.headers_mut().insert(header::CONTENT_LENGTH, total.into());
                *response.body_mut() = body(vec![piece], Duration::ZERO, true);
                response
            }
            Reply::Cut => cut(),
            Reply::Hang => self.hang().await,
        }
    }

    async fn hang(&self) -> Response<Body> {
        stopped(self.stopping.clone()).await;
        cut()
    }
}

/// Lets a request with the right key pass.
async fn with_key(State(server): Shared, request: Request, next: Next) -> Response<Body> {
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim())
        .unwrap_or_default();
    let is_right = match &server.key {
        Some(key) => shown == key,
        None => !shown.is_empty(),
    };
    if is_right {
        next.run(request).await
    } else {
        to_response(Answered::refusal(401, "Unauthorized: invalid API key", false))
    }
}

async fn submit(State(server): Shared, body: Body) -> Response<Body> {
    // A body that announces too much is refused before it is sent.
    let too_large = || to_response(Answered::refusal(413, "Payload Too Large", false));
    if body.size_hint().lower() > MAX_BODY as u64 {
        return too_large();
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return too_large() };
    let now = server.clock.now();
    let reply = server.state().submit(&body, now);
    server.caller.take_on(&server.state, &server.clock);
    server.send(reply).await
}

async fn upload(headers: HeaderMap, body: Body) -> Response<Body> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match to_bytes(body, files::MAX_FORM).await {
        Ok(form) => to_response(files::taken(kind.unwrap_or_default(), &form)),
        Err(_) => to_response(Answered::refusal(413, "Payload Too Large", false)),
    }
}

async fn poll(
    State(server): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let Some(task) = query.get("task_id") else {
        return to_response(Answered::refusal(400, "Bad Request: task_id is missing", false));
    };
    let now = server.clock.now();
    let reply = server.state().poll(task, now);
    server.send(reply).await
}

async fn record(State(server): Shared, Path(task): Path<String>) -> Response<Body> {
    let now = server.clock.now();
    to_response(server.state().record(&task, now))
}

async fn balance(State(server): Shared) -> Response<Body> {
    let now = server.clock.now();
    to_response(server.state().balance(now))
}

async fn models(State(server): Shared) -> Response<Body> {
    to_response(server.state().models())
}

async fn clip(State(server): Shared, headers: HeaderMap, address: Uri) -> Response<Body> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let from = text(header::RANGE)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let resume = from.map(|from| (from, text(header::IF_RANGE)));
    let now = server.clock.now();
    let reply = server.state().clip(address.path(), resume, now);
    match reply {
        ClipReply::Answered(answered) => to_response(answered),
        ClipReply::Hang => server.hang().await,
        ClipReply::Clip(clip) => clip_response(&clip),
    }
}

async fn books(State(server): Shared) -> impl IntoResponse {
    let now = server.clock.now();
    let books = server.state().books(now);
    axum::Json(books)
}

fn clip_response(clip: &Clip) -> Response<Body> {
    let mut response = Response::new(body(clip.pieces(), clip.pause, clip.cut));
    say(&mut response, header::CONTENT_TYPE, "video/mp4");
    if clip.announced {
        say(&mut response, header::CONTENT_LENGTH, &(clip.total - clip.starts_at).to_string());
        say(&mut response, header::ETAG, &clip.etag);
        say(&mut response, header::ACCEPT_RANGES, "bytes");
    }
    if clip.starts_at > 0 {
        let (first, last) = (clip.starts_at, clip.total.saturating_sub(1));
        let range = format!("bytes {first}-{last}/{}", clip.total);
        say(&mut response, header::CONTENT_RANGE, &range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// Bytes in pieces, each after a pause; the connection then breaks, if it is to be cut.
fn body(pieces: Vec<Bytes>, pause: Duration, is_cut: bool) -> Body {
    let sent = stream::iter(pieces).then(move |piece| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(piece)
    });
    if !is_cut {
        return Body::from_stream(sent);
    }
    Body::from_stream(sent.chain(stream::once(async {
        // While this waits, the server flushes what it has.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Err(cut_error())
    })))
}

/// Cuts the connection without a byte of an answer: a body that fails at once keeps the server from
/// flushing the head.
fn cut() -> Response<Body> {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(cut_error()) })))
}

fn cut_error() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the simulator")
}

fn to_response(answered: Answered) -> Response<Body> {
    let mut response = Response::new(Body::from(answered.body));
    *response.status_mut() =
        StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    say(&mut response, header::CONTENT_TYPE, answered.content_type);
    if let Some(after) = answered.retry_after {
        say(&mut response, header::RETRY_AFTER, &after.header());
    }
    response
}

fn say(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}
