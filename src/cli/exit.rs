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
    /// `plan --check`: a run would buy something that fits under the cap.
    WouldBuy = 10,
    /// `plan --check`: a run would buy nothing, and poll or fetch what is bought.
    WouldFetch = 11,
    /// Interrupted; the same command goes on.
    Interrupted = 130,
}

impl Exit {
    /// How a run ends that ended so and left its shots (those of `--only`) in these states.
    #[must_use]
    pub const fn of(ended: &RunOutcome, counts: &Counts) -> Self {
        match ended {
            RunOutcome::Interrupted => Self::Interrupted,
            RunOutcome::Stopped(_) => Self::StoppedEarly,
            RunOutcome::Done if counts.delivered == counts.all() => Self::Delivered,
            RunOutcome::Done => Self::Unfinished,
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
