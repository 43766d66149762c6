//! The door itself: an HTTP listener for small POSTs. A connection carries one request, lives for
//! ten seconds at most whatever its client does, and is cut when it sends more than a callback
//! can be long.
//!
//! The port is taken at once, but nobody is let in before the inbox is open: a knock that came before
//! its token was known would be thanked for and forgotten. Who is inside when it closes is told to
//! come again.
//!
//! Every POST to something that looks like a token is answered 204 at once, whether the token is
//! known or not, and everything else 404: the answer says nothing that its sender did not know.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::IntoResponse;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::token::Token;

use super::{Inbox, tasks_named};

/// The longest body, in bytes.
const MOST_BODY: usize = 64 << 10;
/// The most that a connection may send in all, in bytes: a body, its head, and what chunks add.
const MOST_SENT: usize = MOST_BODY + (32 << 10);
/// Connections at once; others wait until one of them ends.
const MOST_CONNECTIONS: usize = 64;
/// How long a connection lives, from being accepted to its last byte.
const LIFE: Duration = Duration::from_secs(10);

/// An open door. Dropping it closes it; [`Listening::close`] waits until it is.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    places: Arc<Semaphore>,
    serving: JoinHandle<()>,
}

/// Opens the door: knocks go to `inbox`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(address: SocketAddr, inbox: Arc<Inbox>) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (closing, is_closing) = watch::channel(false);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (places_of, inbox_of) = (Arc::clone(&places), Arc::clone(&inbox));
    let door = Door { listener, places: places_of, inbox: inbox_of, closing: is_closing };
    let routes = Router::new().fallback(knock).with_state(inbox);
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(door, routes).await {
            tracing::warn!("callbacks are not listened for any more: {error}");
        }
    });
    Ok(Listening { address, closing, places, serving })
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the door and waits until its port is free and every connection is gone.
    pub async fn close(mut self) {
        self.shut();
        // It was told to end; that it did not end by itself is no news.
        drop((&mut self.serving).await);
        let all = u32::try_from(MOST_CONNECTIONS).unwrap_or(u32::MAX);
        drop(self.places.acquire_many(all).await);
    }

    fn shut(&self) {
        self.closing.send_replace(true);
        self.serving.abort();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shut();
    }
}

/// One request. What it says is looked at only by whoever waits for it.
async fn knock(State(inbox): State<Arc<Inbox>>, request: Request<Body>) -> impl IntoResponse {
    let last = request.uri().path().rsplit('/').next();
    let token = last.and_then(Token::parse).filter(|_| *request.method() == Method::POST);
    let status = match token {
        None => StatusCode::NOT_FOUND,
        // A body that announces too much is not waited for.
        Some(_) if request.body().size_hint().lower() > MOST_BODY as u64 => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        Some(token) => match to_bytes(request.into_body(), MOST_BODY).await {
            Ok(_) if !inbox.is_open() => StatusCode::SERVICE_UNAVAILABLE,
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Ok(body) => {
                inbox.knock(token, tasks_named(&body));
                StatusCode::NO_CONTENT
            }
        },
    };
    (status, [(header::CONNECTION, "close")])
}

/// A listener whose connections are few and short.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    inbox: Arc<Inbox>,
    closing: watch::Receiver<bool>,
}

impl Listener for Door {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        self.inbox.opened().await;
        // The semaphore is never closed; without a place there would merely be no limit.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, from) = Listener::accept(&mut self.listener).await;
        let mut closing = self.closing.clone();
        let over = Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(LIFE) => {}
                _ = closing.wait_for(|closes| *closes) => {}
            }
        });
        (Socket { stream, over, is_over: false, left: MOST_SENT, _place: place }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with an end.
struct Socket {
    stream: TcpStream,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    /// Bytes that may still come.
    left: usize,
    _place: Option<OwnedSemaphorePermit>,
}

impl Socket {
    /// Also has the connection woken when its time is over.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.is_over = self.is_over || self.over.as_mut().poll(context).is_ready();
        if self.is_over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        let read = into.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
