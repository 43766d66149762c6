//! Where a ledger is. The one place that turns an address into a ledger, so that the rest of the
//! program need not know what keeps it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::sqlite::{SqliteLedger, SqliteSnapshot};
use super::{Ledger, LedgerError, LedgerOptions, Snapshot};

/// Where a campaign's ledger is: a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerAddress {
    path: PathBuf,
}

impl LedgerAddress {
    /// An `SQLite` file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder that must exist before it can be opened for writing.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a ledger, or anything that speaks of one, is there. Blocking.
    #[must_use]
    pub fn is_known(&self) -> bool {
        SqliteLedger::is_known(&self.path)
    }

    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// See [`SqliteLedger::open`].
    pub fn open(&self, options: &LedgerOptions<'_>) -> Result<Arc<dyn Ledger>, LedgerError> {
        Ok(Arc::new(SqliteLedger::open(&self.path, options)?))
    }

    /// Opens an existing ledger for reading; changes nothing. Blocking.
    ///
    /// # Errors
    /// When there is none, or it is newer than this program, damaged or unreadable.
    pub fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(SqliteSnapshot::open(&self.path, true)?))
    }

    /// The same for the process that holds the run lock and has ended its work: what it left half
    /// done is shown as the next run will find it.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn snapshot_at_end(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(SqliteSnapshot::open(&self.path, false)?))
    }
}

/// As it is typed.
impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}
