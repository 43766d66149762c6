//! The HTTP listener for callbacks: small POSTs. A connection carries one request, is closed after ten
//! seconds, and is cut when it sends more than a callback can be long.
//!
//! The port is bound at once, but no connection is accepted before the queue is open: a call that came
//! before its key was known would be answered 204 and lost. Requests that are still open when the
//! queue closes are answered 503, so that the gateway calls again.
//!
//! Every POST to something that looks like a key is answered 204 at once, whether the key is known or
//! not, and everything else 404: the answer says nothing that its sender did not know.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::IntoResponse;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::domain::secret::Secret;
use crate::listener::{BoundedListener, ConnLimits, Connection, ShutdownHandle};

use crate::callback::WebhookQueue;
use crate::provider::callback_body::tasks_named;

/// The longest body, in bytes.
const MAX_BODY: usize = 64 << 10;
/// What a connection may cost; it may send a body, its head, and what chunks add.
const BOUNDS: ConnLimits = ConnLimits {
    connections: 64,
    life: Duration::from_secs(10),
    received: MAX_BODY + (32 << 10),
    ..ConnLimits::NONE
};

/// An open door. Dropping it closes it; [`CallbackListener::close`] waits until it is.
#[derive(Debug)]
pub struct CallbackListener {
    address: SocketAddr,
    latch: ShutdownHandle,
    serving: JoinHandle<()>,
}

/// Listens for calls, which go to `queue`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(address: SocketAddr, queue: Arc<WebhookQueue>) -> io::Result<CallbackListener> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (doorway, latch) = BoundedListener::new(listener, BOUNDS);
    let door = Door { doorway, queue: Arc::clone(&queue) };
    let routes = Router::new().fallback(knock).with_state(queue);
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(door, routes).await {
            tracing::warn!("callbacks are not listened for any more: {error}");
        }
    });
    Ok(CallbackListener { address, latch, serving })
}

impl CallbackListener {
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
        self.latch.emptied().await;
    }

    fn shut(&self) {
        self.latch.shut();
        self.serving.abort();
    }
}

impl Drop for CallbackListener {
    fn drop(&mut self) {
        self.shut();
    }
}

/// One request. What it says is for the scheduler alone.
async fn knock(
    State(queue): State<Arc<WebhookQueue>>,
    request: Request<Body>,
) -> impl IntoResponse {
    let last = request.uri().path().rsplit('/').next();
    let token = last.and_then(Secret::parse).filter(|_| *request.method() == Method::POST);
    let status = match token {
        None => StatusCode::NOT_FOUND,
        // A body that announces too much is not waited for.
        Some(_) if request.body().size_hint().lower() > MAX_BODY as u64 => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        Some(token) => match to_bytes(request.into_body(), MAX_BODY).await {
            Ok(_) if !queue.is_open() => StatusCode::SERVICE_UNAVAILABLE,
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Ok(body) => {
                queue.push(token, tasks_named(&body));
                StatusCode::NO_CONTENT
            }
        },
    };
    (status, [(header::CONNECTION, "close")])
}

/// A listener that accepts no connection before the queue is open.
struct Door {
    doorway: BoundedListener,
    queue: Arc<WebhookQueue>,
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        self.queue.opened().await;
        self.doorway.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.doorway.local_addr()
    }
}
