//! How the program ends. The codes are part of the command line's contract.

use std::process::ExitCode;

use crate::report::Counts;
use crate::run::{Ended, Stopped};

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
    pub const fn of(ended: &Ended, counts: &Counts) -> Self {
        match ended {
            Ended::Interrupted => Self::Interrupted,
            Ended::Stopped(
                Stopped::Cap { .. }
                | Stopped::Credit(_)
                | Stopped::Key(_)
                | Stopped::Address(_)
                | Stopped::Unreached(_)
                | Stopped::Throttled(_)
                | Stopped::Deadline
                | Stopped::Failures(_)
                | Stopped::Ledger(_)
                | Stopped::Disk(_)
                | Stopped::Defect(_),
            ) => Self::StoppedEarly,
            Ended::Done if counts.delivered == counts.all() => Self::Delivered,
            Ended::Done => Self::Unfinished,
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
        let stopped = Ended::Stopped(Stopped::Deadline);
        for (ended, counts, code) in [
            (Ended::Interrupted, &done, 130),
            (Ended::Interrupted, &doubt, 130),
            (stopped.clone(), &done, 3),
            (stopped, &doubt, 3),
            (Ended::Done, &doubt, 1),
            (Ended::Done, &Counts { rendered: 1, ..done }, 1),
            (Ended::Done, &Counts { queued: 1, ..done }, 1),
            (Ended::Done, &done, 0),
        ] {
            assert_eq!(Exit::of(&ended, counts).code(), code, "{ended:?} {counts:?}");
        }
    }
}
