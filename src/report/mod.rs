//! What the ledger says, for people and programs. Reads the ledger and nothing else; knows no
//! manifest, no network and no terminal.

mod answer;
pub mod contact_sheet;
pub mod csv;
pub mod eta;
pub mod export;
pub mod json;
pub mod listing;
pub mod model;
pub mod only;
pub mod reasons;
pub mod remedy;
pub mod standing;
pub mod status;
pub mod text;

use std::io;

use crate::ledger::{LedgerError, Row, Snapshot};

pub use eta::Outlook;
pub use model::Counts;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The report cannot be written.
    #[error("the report cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Hands every row to `write`, up to the first that cannot be written.
pub(crate) fn each_row<W: ?Sized>(
    source: &dyn Snapshot,
    out: &mut W,
    write: &mut dyn FnMut(&mut W, &Row) -> io::Result<()>,
) -> Result<(), ReportError> {
    let mut result = Ok(());
    source.rows(&mut |row| {
        if result.is_ok() {
            result = write(out, &row);
        }
    })?;
    Ok(result?)
}
