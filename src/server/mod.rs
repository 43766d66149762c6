//! The page that follows a run, or shows a campaign without one, over HTTP; its buttons, its figures, and
//! what is decided on it about clips. Of a run it is a read-only observer: what fails or takes long here
//! cannot hold it up, and closing the page changes nothing.
//!
//! | below the prefix | is |
//! |---|---|
//! | `GET ./` | the page, fresh at each load |
//! | `GET ./events` | what changed since, as server-sent events: `head`, `shots`, `gone`, `run`, `review` |
//! | `GET ./clips/…` | delivered clips, whole or in ranges |
//! | `POST ./review` | keeps what is decided about a clip, with `X-Rushes: 1` |
//! | `POST ./pause`, `./resume`, `./stop` | buttons for buying, with `X-Rushes: 1` |
//! | `GET ./metrics` | figures of a run in the Prometheus text format 0.0.4 |
//! | `GET ./healthz` | 200 while the run lives and its ledger and disk can be written; always 200 without a run |
//!
//! # Access
//! On loopback every client that can connect. Anywhere else a token, 128 random bits, begins every
//! path; without it the answer is that there is nothing (404). Pages of other sites in the same
//! browser are kept out by the `Host` they name (on loopback), the `Origin` they come from, and the
//! header that a button needs.

pub mod access;
mod address;
mod callback_listener;
pub mod campaign_view;
pub mod clip_files;
mod decisions;
mod events;
pub mod metrics;
mod routes;
pub mod run_view;
mod spool;

pub use address::{Port, USUAL_PORT, Wish};
pub use callback_listener::listen;
pub use campaign_view::CampaignView;
pub use run_view::RunView;

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::listener::{BoundedServer, ConnLimits};

use decisions::Decisions;
use run_view::Ended;

/// How long clients have to take the last events once the run has ended.
const GRACE: Duration = Duration::from_secs(1);

/// A page that is served. Dropping it cuts every connection; [`LivePage::close`] tells clients the end first.
pub struct LivePage {
    ended: watch::Sender<Option<Ended>>,
    server: BoundedServer,
    /// Cuts readings of the ledger short, so that the end of the program does not wait for one.
    _reading: DropGuard,
}

impl LivePage {
    /// Accepts connections from now on. Must be called inside a runtime.
    #[must_use]
    pub fn open(port: Port, view: CampaignView) -> Self {
        let (sender, ended) = watch::channel(None);
        let closing = CancellationToken::new();
        let decisions = view.reviews.clone().map(Decisions::new);
        if let Some(decisions) = decisions.clone() {
            tokio::spawn(decisions.follow(closing.clone()));
        }
        let routes = routes::routes(port.access, view, decisions, ended, closing.clone());
        let ready = std::future::ready(());
        let server = BoundedServer::start(port.listener, routes, ConnLimits::DEFAULT, ready);
        Self { ended: sender, server, _reading: closing.drop_guard() }
    }

    /// Says that the run has ended, and why if it ended early; then frees the port and closes every
    /// connection, within a second.
    pub async fn close(self, why: Option<String>) {
        self.ended.send_replace(Some(Ended { why }));
        self.server.close(GRACE).await;
    }
}
