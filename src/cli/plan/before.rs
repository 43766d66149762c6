//! What there is already of shots that would be bought anew, as the ledger tells it.

use crate::catalog::Catalog;
use crate::ledger::{Entry, LedgerError, Snapshot};
use crate::plan::{Line, ParamChange, changes};

/// Where it is read.
pub struct Before<'a> {
    /// The ledger; `None` before the first run.
    pub reader: Option<&'a dyn Snapshot>,
    /// Today's models and defaults.
    pub catalog: &'a Catalog,
}

impl Before<'_> {
    /// What a shot asks for otherwise than the revision that it replaces; nothing where it replaces
    /// none.
    pub fn changes(&self, line: &Line<'_>) -> Result<Vec<ParamChange>, LedgerError> {
        match (self.reader, line.replaces()) {
            (Some(reader), Some(entry)) => {
                Ok(changes(line.shot, &reader.request(entry.revision)?, self.catalog))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The clips of a revision, relative to the campaign folder.
    pub fn files(&self, entry: &Entry) -> Result<Vec<String>, LedgerError> {
        self.reader.map_or_else(|| Ok(Vec::new()), |reader| reader.files(entry.revision))
    }
}
