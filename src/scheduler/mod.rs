//! The scheduler. [`run`] starts every shot where the ledger has it (`start`), lets them into
//! flight one by one (`dispatch`), and each lives its own life (`life`, `deliver`) through one door
//! that commits before it acts (`floor`). Knocks of the gateway are looked into by `evidence`, real
//! charges asked for by `charges`; `story` tells the log, `gauges` counts and times what happens. It
//! decides nothing about money or states itself: that is
//! [`crate::domain::state`] and [`crate::policy`].

mod charges;
mod deliver;
mod dispatch;
mod event_log;
mod evidence;
mod floor;
mod life;
mod metrics;
mod orders;
mod pacer;
mod start;

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::shot::Shot;
use crate::ledger::LedgerError;

pub use event_log::{EVENT_LOG, EventRecord};
use floor::Floor;
pub use metrics::{Histogram, Metrics, OUTCOMES};
pub use orders::{
    CancelToken, Deps, Ends, PauseSwitch, Progress, RunOptions, RunOutcome, StopReason,
};

/// Renders the shots, or goes on with them, until nothing is left to do or something stops it.
/// `tally` always holds the present counts. With [`RunOptions::submit`] off, `shots` is not looked at:
/// what the ledger has in flight is polled and fetched.
///
/// # Errors
/// When the ledger fails before anything was sent.
pub async fn run(
    shots: Arc<[Shot]>,
    orders: RunOptions,
    tools: Deps,
    stop: CancelToken,
    tally: watch::Sender<Progress>,
) -> Result<RunOutcome, LedgerError> {
    let floor = Arc::new(Floor::new(shots, orders, tools, tally));
    let lives = start::start(&floor).await?;
    let ended = dispatch::run(&floor, lives, &stop).await;
    if let Some(evidence) = &floor.evidence {
        evidence.close();
    }
    let failure = floor.board().unsent_failure.take();
    match failure {
        Some(failure) if ended != RunOutcome::Interrupted => Err(failure),
        _ => Ok(ended),
    }
}
