//! Whose tasks a ledger holds.

/// Whose tasks a ledger holds. A ledger is of one kind for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gateway's: real money.
    Gateway,
    /// The in-process simulator's.
    Simulator,
}
