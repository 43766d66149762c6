//! A ledger's rows, and of them only those of some shots.

use crate::domain::shot::ShotId;
use crate::ledger::{
    Entry, KeptPrice, LedgerError, RevisionId, Row, Snapshot, Spending, StoredRequest, Summary,
};

/// A snapshot that shows some shots only; the money stays the whole campaign's.
pub struct Only<'a> {
    source: &'a dyn Snapshot,
    selects: &'a dyn Fn(&str) -> bool,
}

impl<'a> Only<'a> {
    /// Of `source` the shots that `selects` says yes to, by their ids.
    #[must_use]
    pub fn new(source: &'a dyn Snapshot, selects: &'a dyn Fn(&str) -> bool) -> Self {
        Self { source, selects }
    }
}

impl Snapshot for Only<'_> {
    fn summary(&self) -> Result<Summary, LedgerError> {
        self.source.summary()
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.source.rows(&mut |row| {
            if (self.selects)(row.entry.shot.as_str()) {
                each(row);
            }
        })
    }

    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.source.earlier_clips(&mut |row| {
            if (self.selects)(row.entry.shot.as_str()) {
                each(row);
            }
        })
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        self.source.spending()
    }

    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError> {
        let mut kept = self.source.kept_prices()?;
        kept.retain(|one| (self.selects)(one.shot.as_str()));
        Ok(kept)
    }

    fn lists(&self, path: &str) -> Result<bool, LedgerError> {
        self.source.lists(path)
    }

    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError> {
        self.source.files(revision)
    }

    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError> {
        self.source.has_attempts(shot)
    }

    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError> {
        self.source.request(revision)
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = self.source.entries()?;
        entries.retain(|entry| (self.selects)(entry.shot.as_str()));
        Ok(entries)
    }
}
