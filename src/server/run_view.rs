//! What the live page shows of a run, what its buttons act on, and where the run is in the words of
//! the page.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::domain::sanitize::plain;
use crate::policy::limits::Rate;
use crate::scheduler::{CancelToken, Metrics, PauseSwitch, Progress, RunOutcome, StopReason};

/// A reason is cut to so many characters.
const MAX_WHY: usize = 500;

/// What is shown of a run and what the buttons act on.
#[derive(Clone)]
pub struct RunView {
    /// The run's counts.
    pub progress: watch::Receiver<Progress>,
    /// The run's pace.
    pub rate: Rate,
    /// The stop button.
    pub stop: CancelToken,
    /// The pause button.
    pub pause: PauseSwitch,
    /// What the run counts and times.
    pub metrics: Arc<Metrics>,
}

impl RunView {
    /// Where the run is now.
    pub(super) fn status(&self, ended: Option<&Ended>) -> RunStatus {
        RunStatus::of(&self.progress.borrow(), ended, self.rate.to_string())
    }
}

/// The run has ended, and why if it ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub why: Option<String>,
}

/// The data of the event `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    /// `running`, `paused`, `stopping` or `ended`.
    pub state: &'static str,
    pub why: Option<String>,
    pub in_flight: usize,
    pub rate: String,
}

impl RunStatus {
    /// Where a run with these counts is.
    #[must_use]
    pub fn of(progress: &Progress, ended: Option<&Ended>, rate: String) -> Self {
        let (state, why) = match (ended, &progress.stopping, progress.paused) {
            (Some(ended), ..) => ("ended", ended.why.clone()),
            (None, Some(outcome), _) => ("stopping", outcome.why()),
            (None, None, true) => ("paused", None),
            (None, None, false) => ("running", None),
        };
        let why = why.map(|why| plain(&why, MAX_WHY));
        Self { state, why, in_flight: progress.in_flight(), rate }
    }
}

/// Why the run is not well, if it is not: it has ended, or something could not be written.
#[must_use]
pub fn illness(progress: &Progress, ended: Option<&Ended>) -> Option<String> {
    if ended.is_some() {
        return Some("the run has ended".to_owned());
    }
    match &progress.stopping {
        Some(RunOutcome::Stopped(
            stopped @ (StopReason::Ledger(_)
            | StopReason::Disk(_)
            | StopReason::Bucket(_)
            | StopReason::Defect(_)),
        )) => Some(plain(&stopped.to_string(), MAX_WHY)),
        _ => None,
    }
}
