//! What it takes to open a ledger, and whose tasks it holds.

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
}

/// Whose tasks a ledger holds. A ledger is of one kind for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gateway's: real money.
    Gateway,
    /// The in-process simulator's.
    Simulator,
}
