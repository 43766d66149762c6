//! How the program ends. The codes are part of the command line's contract.

use std::process::ExitCode;

use crate::report::Counts;
use crate::scheduler::{RunOutcome, StopReason};

/// Every shot is delivered; for other commands than `run` and `fetch`: the work is done.
pub const DELIVERED: u8 = 0;
/// It went to the end; some shots are failed, in doubt, stalled or not fetched.
pub const UNFINISHED: u8 = 1;
/// A mistake in the manifest, the usage or the set-up; nothing was sent.
pub const NOT_STARTED: u8 = 2;
/// Stopped early; the same command goes on.
pub const STOPPED_EARLY: u8 = 3;
/// Interrupted; the same command goes on.
pub const INTERRUPTED: u8 = 130;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// [`DELIVERED`]
    Delivered,
    /// [`UNFINISHED`]
    Unfinished,
    /// [`NOT_STARTED`]
    NotStarted,
    /// [`STOPPED_EARLY`]
    StoppedEarly,
    /// [`INTERRUPTED`]
    Interrupted,
}

impl Exit {
    /// How a run ends that ended so and left its shots (those of `--only`) in these states.
    #[must_use]
    pub const fn of(ended: &RunOutcome, counts: &Counts) -> Self {
        match ended {
            RunOutcome::Interrupted => Self::Interrupted,
            RunOutcome::Stopped(
                StopReason::Cap { .. }
                | StopReason::Credit(_)
                | StopReason::Key(_)
                | StopReason::Address(_)
                | StopReason::Unreached(_)
                | StopReason::Throttled(_)
                | StopReason::Deadline
                | StopReason::Failures(_)
                | StopReason::Ledger(_)
                | StopReason::Disk(_)
                | StopReason::Defect(_),
            ) => Self::StoppedEarly,
            RunOutcome::Done if counts.delivered == counts.all() => Self::Delivered,
            RunOutcome::Done => Self::Unfinished,
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Delivered => DELIVERED,
            Self::Unfinished => UNFINISHED,
            Self::NotStarted => NOT_STARTED,
            Self::StoppedEarly => STOPPED_EARLY,
            Self::Interrupted => INTERRUPTED,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_code_that_applies_wins() {
        let done = Counts { delivered: 3, ..Counts::default() };
        let doubt = Counts { in_doubt: 1, ..done };
        let stopped = RunOutcome::Stopped(StopReason::Deadline);
        for (ended, counts, code) in [
            (RunOutcome::Interrupted, &done, 130),
            (RunOutcome::Interrupted, &doubt, 130),
            (stopped.clone(), &done, 3),
            (stopped, &doubt, 3),
            (RunOutcome::Done, &doubt, 1),
            (RunOutcome::Done, &Counts { rendered: 1, ..done }, 1),
            (RunOutcome::Done, &Counts { queued: 1, ..done }, 1),
            (RunOutcome::Done, &done, 0),
        ] {
            assert_eq!(Exit::of(&ended, counts).code(), code, "{ended:?} {counts:?}");
        }
    }
}
