//! What a page is made from.

use crate::domain::time::Timestamp;
use crate::ledger::Snapshot;
use crate::report::remedy::Again;

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The ledger.
    pub source: &'a dyn Snapshot,
    /// Makes the commands that it tells people to type.
    pub again: Again<'a>,
    /// When it is made.
    pub now: Timestamp,
    /// Whether it follows the events of a run that serves it.
    pub live: bool,
}
