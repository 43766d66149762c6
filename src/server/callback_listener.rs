//! The HTTP listener for callbacks: small POSTs. A connection carries one request, is closed after ten
//! seconds, and is cut when it sends more than a callback can be long.
//!
//! The port is bound at once, but no connection is accepted before the queue is open: a call that came
//! before its key was known would be answered 204 and lost. Requests that come or are still open when
//! the queue closes are answered 503, so that the gateway calls again.
//!
//! Every POST to something that looks like a key is answered 204 at once, whether the key is known or
//! not, and everything else 404: the answer says nothing that its sender did not know. Where other workers
//! may know a key, and more such calls wait than are kept, the answer is 503.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use tokio::net::TcpListener;

use crate::callback::WebhookQueue;
use crate::domain::secret::Secret;
use crate::listener::{BoundedServer, ConnLimits};
use crate::provider::callback_body::tasks_named;

/// The longest body, in bytes.
const MAX_BODY: usize = 64 << 10;
const LIMITS: ConnLimits =
    ConnLimits { life: Some(Duration::from_secs(10)), ..ConnLimits::DEFAULT };

/// Listens for calls, which go to `queue`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(address: SocketAddr, queue: Arc<WebhookQueue>) -> io::Result<BoundedServer> {
    let listener = TcpListener::bind(address).await?;
    let routes = Router::new().fallback(receive).with_state(Arc::clone(&queue));
    Ok(BoundedServer::start(listener, routes, LIMITS, async move { queue.opened().await }))
}

/// Queues one call. What it says is for the scheduler alone.
async fn receive(State(queue): State<Arc<WebhookQueue>>, request: Request<Body>) -> StatusCode {
    let last = request.uri().path().rsplit('/').next();
    let token = last.and_then(Secret::parse).filter(|_| *request.method() == Method::POST);
    let Some(token) = token else { return StatusCode::NOT_FOUND };
    // A body that announces too much is not waited for.
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    match to_bytes(request.into_body(), MAX_BODY).await {
        Ok(_) if !queue.is_open() => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Ok(body) if queue.push(token, tasks_named(&body)) => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
