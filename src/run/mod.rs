//! The scheduler. [`run`] starts every shot where the ledger has it (`start`), lets them into
//! flight one by one (`dispatch`), and each lives its own life (`life`, `deliver`) through one door
//! that commits before it acts (`floor`). Knocks of the gateway are looked into by `evidence`, real
//! charges asked for by `charges`; `story` tells the log, `gauges` counts and times what happens. It
//! decides nothing about money or states itself: that is
//! [`crate::domain::state`] and [`crate::policy`].

mod charges;
mod deliver;
mod dispatch;
mod evidence;
mod floor;
mod gauges;
mod life;
mod orders;
mod pacer;
mod start;
mod story;

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::shot::Shot;
use crate::ledger::LedgerError;

use floor::Floor;
pub use gauges::{Gauges, Histogram, OUTCOMES};
pub use orders::{Ended, Ends, Orders, Pause, Stop, Stopped, Tally, Tools};
pub use story::{STORY, Told};

/// Renders the shots, or goes on with them, until nothing is left to do or something stops it.
/// `tally` always holds the present counts. With [`Orders::submit`] off, `shots` is not looked at:
/// what the ledger has in flight is polled and fetched.
///
/// # Errors
/// When the ledger fails before anything was sent.
pub async fn run(
    shots: Arc<[Shot]>,
    orders: Orders,
    tools: Tools,
    stop: Stop,
    tally: watch::Sender<Tally>,
) -> Result<Ended, LedgerError> {
    let floor = Arc::new(Floor::new(shots, orders, tools, tally));
    let lives = start::start(&floor).await?;
    let ended = dispatch::run(&floor, lives, &stop).await;
    if let Some(evidence) = &floor.evidence {
        evidence.close();
    }
    let failure = floor.board().unsent_failure.take();
    match failure {
        Some(failure) if ended != Ended::Interrupted => Err(failure),
        _ => Ok(ended),
    }
}
