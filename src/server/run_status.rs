//! Where the run is, in the words of the page.

use serde::Serialize;

use crate::domain::sanitize::plain;
use crate::scheduler::{Progress, RunOutcome, StopReason};

/// A reason is cut to so many characters.
const MAX_WHY: usize = 500;

/// The run has ended, and why if it ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) why: Option<String>,
}

/// The data of the event `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Phase {
    /// `running`, `paused`, `stopping` or `ended`.
    pub(super) state: &'static str,
    pub(super) why: Option<String>,
    pub(super) in_flight: usize,
    pub(super) rate: String,
}

impl Phase {
    pub(super) fn of(progress: &Progress, over: Option<&Over>, rate: String) -> Self {
        let (state, why) = match (over, &progress.stopping, progress.paused) {
            (Some(over), ..) => ("ended", over.why.clone()),
            (None, Some(ended), _) => ("stopping", why(ended)),
            (None, None, true) => ("paused", None),
            (None, None, false) => ("running", None),
        };
        let why = why.map(|why| plain(&why, MAX_WHY));
        Self { state, why, in_flight: progress.in_flight(), rate }
    }
}

fn why(ended: &RunOutcome) -> Option<String> {
    match ended {
        RunOutcome::Done => None,
        RunOutcome::Interrupted => Some("stopped by the user".to_owned()),
        RunOutcome::Stopped(stopped) => Some(stopped.to_string()),
    }
}

/// Why the run is not well, if it is not: it has ended, or something could not be written.
pub(super) fn illness(progress: &Progress, over: Option<&Over>) -> Option<String> {
    if over.is_some() {
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
        let state = |progress: &Progress, over: Option<&Over>| {
            let phase = Phase::of(progress, over, "2/s".into());
            assert_eq!(phase.in_flight, 3);
            (phase.state, phase.why)
        };
        let full = Some(RunOutcome::Stopped(StopReason::Disk("\u{1b}[31mfull".into())));
        let told = Some("the disk cannot be written: full".to_owned());
        let over = Over { why: Some("the cap".into()) };
        assert_eq!(state(&progress(None, false), None), ("running", None));
        assert_eq!(state(&progress(None, true), None), ("paused", None));
        assert_eq!(state(&progress(full.clone(), true), None), ("stopping", told.clone()));
        assert_eq!(state(&progress(full.clone(), true), Some(&over)), ("ended", over.why.clone()));
        assert_eq!(illness(&progress(full, false), None), told);
        assert_eq!(illness(&progress(Some(RunOutcome::Interrupted), true), None), None);
        assert!(illness(&progress(None, false), Some(&over)).is_some());
    }
}
