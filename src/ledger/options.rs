//! What it takes to open a ledger, and whose tasks it holds.

use std::time::Duration;

use super::Work;
use super::identity::Identity;
use crate::blocking::Threads;
use crate::domain::time::Timestamp;

/// What it takes to open a ledger for writing.
#[derive(Clone, Debug)]
pub struct LedgerOptions<'a> {
    /// The campaign's name.
    pub campaign: &'a str,
    /// Whose tasks it will hold.
    pub kind: Kind,
    /// What the lock says about its holder, such as `rushes run`.
    pub holder: &'a str,
    /// Now.
    pub at: Timestamp,
    /// Where it is written.
    pub threads: Threads,
    /// What tells whether a stored revision is what a shot asks for today.
    pub identity: Identity,
    /// How long a POST may be on the wire at most: what a worker that fell silent may still buy.
    pub post_lasts: Duration,
    /// What a run tells a ledger that several share; `None`: it only looks, or says a word.
    pub work: Option<Work>,
}

/// How long a POST may be on the wire at most, unless the manifest allows it longer.
const POST_LASTS: Duration = Duration::from_secs(10 * 60);

/// How long a POST may be on the wire at most under a `submit_timeout`, which is also how long it may
/// take to connect.
#[must_use]
pub fn post_lasts(submit_timeout: Duration) -> Duration {
    submit_timeout.saturating_mul(2).clamp(POST_LASTS, MAX_POST_LASTS)
}

/// Longer spans cannot be added to a time.
const MAX_POST_LASTS: Duration = Duration::from_secs(366 * 24 * 3600);

/// Whose tasks a ledger holds. A ledger is of one kind for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gateway's: real money.
    Gateway,
    /// The in-process simulator's.
    Simulator,
}
