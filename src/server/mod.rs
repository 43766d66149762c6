//! The page that follows a run, its buttons and its figures, over HTTP. Looks on and never stands in
//! the way: what fails or dawdles here costs the run nothing, and closing the page changes nothing.
//!
//! | below the prefix | is |
//! |---|---|
//! | `GET ./` | the page, fresh at each load |
//! | `GET ./events` | what changed since, as server-sent events: `head`, `shots`, `gone`, `run` |
//! | `GET ./clips/…` | delivered clips, whole or in ranges |
//! | `POST ./pause`, `./resume`, `./stop` | buttons for buying, with `X-Rushes: 1` |
//! | `GET ./metrics` | figures in the Prometheus text format 0.0.4 |
//! | `GET ./healthz` | 200 while the run lives and its ledger and disk can be written |
//!
//! # Who comes in
//! On loopback whoever can connect. Anywhere else only who knows the token, 128 random bits that
//! begin every path; everybody else is told that there is nothing (404). Pages of other sites in the
//! same browser are kept out by the `Host` they name (on loopback), the `Origin` they come from, and
//! the header that a button needs.

mod access;
mod address;
mod backlog;
mod callback_listener;
mod changes;
mod clip_files;
mod events;
mod metrics;
mod routes;
mod run_status;
mod show;

pub use address::{Port, USUAL_PORT, Wish};
pub use callback_listener::{CallbackListener, listen};
pub use show::{Show, Typed};

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::listener::{BoundedListener, ConnLimits, ShutdownHandle};

use changes::Feed;
use run_status::Over;

/// What a connection may cost. One carries one request; pages, events and clips stay longer.
const BOUNDS: ConnLimits = ConnLimits {
    connections: 64,
    life: Duration::from_secs(10),
    stall: Duration::from_secs(30),
    received: 32 << 10,
};
/// How long clients have to take the last news once the run has ended.
const GRACE: Duration = Duration::from_secs(1);

/// A live page. Dropping it cuts everybody off; [`Live::close`] tells them first.
pub struct Live {
    over: watch::Sender<Option<Over>>,
    feed: Feed,
    latch: ShutdownHandle,
    serving: JoinHandle<()>,
    following: JoinHandle<()>,
}

impl Live {
    /// Lets people in.
    #[must_use]
    pub fn open(port: Port, show: Show) -> Self {
        let (over, is_over) = watch::channel(None);
        let (listener, gate) = port.into_parts();
        let (feed, follower) = changes::feed(&show, is_over.clone());
        let following = tokio::spawn(follower.follow());
        let (doorway, latch) = BoundedListener::new(listener, BOUNDS);
        let routes = routes::routes(gate, show, feed.clone(), is_over);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(doorway, routes).await {
                tracing::warn!("the live page is not served any more: {error}");
            }
        });
        Self { over, feed, latch, serving, following }
    }

    /// Says that the run has ended, and why if it ended early; then frees the port and closes every
    /// connection, within a second.
    pub async fn close(mut self, why: Option<String>) {
        self.over.send_replace(Some(Over { why }));
        let told = async {
            // That either did not end by itself is no news.
            drop((&mut self.following).await);
            self.serving.abort();
            drop((&mut self.serving).await);
            self.latch.emptied().await;
        };
        if timeout(GRACE, told).await.is_err() {
            tracing::debug!("somebody did not take the end of the live page");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.feed.quit();
        self.serving.abort();
        self.following.abort();
        self.latch.shut();
    }
}
