//! What the live page shows of a run, what its buttons act on, and where the run is in the words of
//! the page.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::domain::sanitize::plain;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::Snapshot;
use crate::policy::limits::Rate;
use crate::report::contact_sheet::Sheet;
use crate::scheduler::{CancelToken, Metrics, PauseSwitch, Progress, RunOutcome, StopReason};

/// A reason is cut to so many characters.
const MAX_WHY: usize = 500;

/// What is shown of a run and what the buttons act on.
#[derive(Clone)]
pub struct RunView {
    /// The ledger.
    pub ledger: PathBuf,
    /// Makes the commands that the page tells the user to type; see
    /// [`crate::report::remedy::Again`].
    pub again: Arc<dyn Fn(&str, &str) -> String + Send + Sync>,
    /// The campaign folder.
    pub folder: PathBuf,
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
    /// The page of what the ledger says now.
    pub(super) fn sheet<'a>(&'a self, ledger: &'a Snapshot) -> Sheet<'a> {
        Sheet { source: ledger, again: &*self.again, now: SystemClock.now(), live: true }
    }

    /// Where the run is now.
    pub(super) fn status(&self, ended: Option<&Ended>) -> RunStatus {
        RunStatus::of(&self.progress.borrow(), ended, self.rate.to_string())
    }
}

/// The run has ended, and why if it ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) why: Option<String>,
}

/// The data of the event `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RunStatus {
    /// `running`, `paused`, `stopping` or `ended`.
    pub(super) state: &'static str,
    pub(super) why: Option<String>,
    pub(super) in_flight: usize,
    pub(super) rate: String,
}

impl RunStatus {
    fn of(progress: &Progress, ended: Option<&Ended>, rate: String) -> Self {
        let (state, why) = match (ended, &progress.stopping, progress.paused) {
            (Some(ended), ..) => ("ended", ended.why.clone()),
            (None, Some(outcome), _) => ("stopping", why(outcome)),
            (None, None, true) => ("paused", None),
            (None, None, false) => ("running", None),
        };
        let why = why.map(|why| plain(&why, MAX_WHY));
        Self { state, why, in_flight: progress.in_flight(), rate }
    }
}

fn why(outcome: &RunOutcome) -> Option<String> {
    match outcome {
        RunOutcome::Done => None,
        RunOutcome::Interrupted => Some("stopped by the user".to_owned()),
        RunOutcome::Stopped(stopped) => Some(stopped.to_string()),
    }
}

/// Why the run is not well, if it is not: it has ended, or something could not be written.
pub(super) fn illness(progress: &Progress, ended: Option<&Ended>) -> Option<String> {
    if ended.is_some() {
        return Some("the run has ended".to_owned());
    }
    match &progress.stopping {
        Some(RunOutcome::Stopped(
            stopped @ (StopReason::Ledger(_) | StopReason::Disk(_) | StopReason::Defect(_)),
        )) => Some(plain(&stopped.to_string(), MAX_WHY)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_told_what_the_run_does_and_why() {
        let progress =
            |stopping, paused| Progress { stopping, paused, rendering: 3, ..Progress::default() };
        let state = |progress: &Progress, ended: Option<&Ended>| {
            let status = RunStatus::of(progress, ended, "2/s".into());
            assert_eq!(status.in_flight, 3);
            (status.state, status.why)
        };
        let full = Some(RunOutcome::Stopped(StopReason::Disk("\u{1b}[31mfull".into())));
        let told = Some("the disk cannot be written: full".to_owned());
        let ended = Ended { why: Some("the cap".into()) };
        assert_eq!(state(&progress(None, false), None), ("running", None));
        assert_eq!(state(&progress(None, true), None), ("paused", None));
        assert_eq!(state(&progress(full.clone(), true), None), ("stopping", told.clone()));
        assert_eq!(
            state(&progress(full.clone(), true), Some(&ended)),
            ("ended", ended.why.clone())
        );
        assert_eq!(illness(&progress(full, false), None), told);
        assert_eq!(illness(&progress(Some(RunOutcome::Interrupted), true), None), None);
        assert!(illness(&progress(None, false), Some(&ended)).is_some());
    }
}
