//! What the ledger says, for people and programs. Reads the ledger and nothing else; knows no
//! manifest, no network and no terminal.

pub mod contact_sheet;
pub mod csv;
pub mod eta;
pub mod json;
pub mod model;
pub mod remedy;
pub mod status;
pub mod text;

use std::io;

use crate::ledger::{LedgerError, Row, Snapshot, Spending, Summary};

pub use eta::Outlook;
pub use model::Counts;

/// Where a report's rows come from: a ledger, or a test.
pub trait Source {
    /// What the ledger says of itself.
    ///
    /// # Errors
    /// When it cannot be read.
    fn summary(&self) -> Result<Summary, LedgerError>;

    /// Hands every row that a report shows to `each`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError>;

    /// Where the money lies and how it got there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn spending(&self) -> Result<Spending, LedgerError>;
}

impl Source for Snapshot {
    fn summary(&self) -> Result<Summary, LedgerError> {
        Self::summary(self)
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        Self::rows(self, each)
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        Self::spending(self)
    }
}

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
    source: &dyn Source,
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

#[cfg(test)]
pub(crate) mod sample;
