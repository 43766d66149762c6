//! The campaign's ledger: the only truth about what was sent, bought, paid and fetched, and the
//! only room that knows SQL. Promises that what a call wrote is on the disk when the call returns,
//! and that no claim is granted over the cap. Must not know the gateway, the clips or the clock.
//!
//! The plain types stand here; `sqlite` keeps them in a file, [`SqliteLedger`].

mod error;
mod kind;
mod sqlite;
mod types;

pub use error::LedgerError;
pub use kind::Kind;
pub use sqlite::{Snapshot, SqliteLedger};
pub use types::{
    AttemptSpec, CallbackSubscription, Claim, ClipFile, Committed, Entry, OpenOptions,
    OrphanReservation, Released, RevisionId, Row, SpendGroup, Spending, Summary,
};
