//! What it takes to open a ledger.

use super::Kind;
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
}
