//! The scheduler: drives jobs, commits, acts.

use std::sync::Arc;

use tokio::sync::watch;

use crate::clips::Clips;
use crate::gateway::Gateway;
use crate::job::Rules;
use crate::ledger::{Ledger, LedgerError};
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::shot::Shot;
use crate::time::{Clock, Timestamp};

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Orders {
    /// What it keeps to.
    pub limits: Limits,
    /// What decides transitions.
    pub rules: Rules,
    /// Whether anything is bought; `false` for `rushes fetch`.
    pub submit: bool,
    /// Whether clips are fetched; `false` for `--no-download`.
    pub download: bool,
    /// Which shots may be submitted; `None` is all.
    pub only: Option<globset::GlobMatcher>,
    /// Whether failed shots go back to the queue first.
    pub retry_failed: bool,
    /// Stop submitting after so many shots failed in this run.
    pub max_failures: Option<u32>,
    /// Stop submitting at this moment.
    pub deadline: Option<Timestamp>,
}

/// What a run works with.
pub struct Tools {
    /// Who renders.
    pub gateway: Arc<dyn Gateway>,
    /// Where everything is written first; its lock is held.
    pub ledger: Ledger,
    /// Where clips go.
    pub clips: Clips,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing left that this run could do.
    Done,
    /// The user stopped it.
    Interrupted,
    /// Something else stopped it early.
    Stopped(Stopped),
}

/// What stopped a run early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Shots that no longer fit under the cap.
    Cap {
        /// How many are held back.
        held: usize,
    },
    /// 402.
    Credit(String),
    /// 401, 403.
    Key(String),
    /// Not the gateway.
    Address(String),
    /// Never reached at all.
    Unreached(String),
    /// 429 again and again with nothing accepted.
    Throttled(String),
    /// The deadline passed with shots left.
    Deadline,
    /// `--max-failures`.
    Failures(u32),
    /// The ledger could not be written.
    Ledger(String),
    /// The disk is full or cannot be written.
    Disk(String),
}

/// Shots by state and the money, as they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Queued, of those this run may submit.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Rendering, stalled ones not counted.
    pub rendering: usize,
    /// Rendered and not yet fetched.
    pub rendered: usize,
    /// Delivered.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// In doubt.
    pub in_doubt: usize,
    /// Stalled.
    pub stalled: usize,
    /// The money.
    pub balance: Balance,
    /// The cap.
    pub budget: Budget,
    /// Whether submitting has stopped.
    pub stopping: bool,
}

/// The user's stop button; clones press the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks the run to stop: submit nothing more, write down what is on the wire, return.
    pub fn press(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was pressed.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        *self.0.borrow()
    }
}

/// Renders the shots, or goes on with them, until nothing is left to do or something stops it.
/// `tally` always holds the present counts.
///
/// # Errors
/// When the ledger fails before anything was sent.
pub async fn run(
    _shots: Arc<[Shot]>,
    _orders: Orders,
    _tools: Tools,
    _stop: Stop,
    _tally: watch::Sender<Tally>,
) -> Result<Ended, LedgerError> {
    todo!()
}
