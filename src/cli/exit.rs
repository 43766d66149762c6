//! How the program ends. The codes are part of the command line's contract.

use std::process::ExitCode;

use crate::report::Counts;
use crate::scheduler::RunOutcome;

/// How the program ends; the numbers are its exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every shot is delivered; for other commands than `run` and `fetch`: the work is done.
    Delivered = 0,
    /// It went to the end; some shots are failed, in doubt, stalled or not fetched.
    Unfinished = 1,
    /// A mistake in the manifest, the usage or the set-up; nothing was sent.
    NotStarted = 2,
    /// Stopped early; the same command goes on.
    StoppedEarly = 3,
    /// Interrupted; the same command goes on.
    Interrupted = 130,
}

impl Exit {
    /// How a run ends that ended so and left its shots (those of `--only`) in these states.
    pub const fn of(ended: &RunOutcome, counts: &Counts) -> Self {
        match ended {
            RunOutcome::Interrupted => Self::Interrupted,
            RunOutcome::Stopped(_) => Self::StoppedEarly,
            RunOutcome::Done if counts.delivered == counts.all() => Self::Delivered,
            RunOutcome::Done => Self::Unfinished,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
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
    use crate::scheduler::StopReason;

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
