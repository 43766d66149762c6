//! The ledger as one `SQLite` file.
//!
//! # The file
//! An `SQLite` database (`application_id` `rush`, `user_version` the number of its schema, write-ahead
//! log, full sync). Anyone may read it with `sqlite3`, also during a run; the schema is in
//! `schema/1.sql` and the files after it. A ledger of an older schema is read as it is, and brought
//! to the newest by whoever opens it for writing, whole or not at all.
//!
//! | table or view | holds |
//! |---|---|
//! | `campaign` | one row: its name, whose tasks it holds (`gateway` or `simulator`), the cap, who made the file |
//! | `revisions` | a row per (shot, fingerprint): its number, place in the manifest, request, state, reason, URLs |
//! | `attempts` | a row per POST, written before it is sent: its price, whether a failed task is charged, its outcome, task id, and the account its price lies in; the secret part of its callback's address, and what the gateway says it really cost |
//! | `money` | every movement of an attempt's price into (positive) or out of (negative) `reserved`, `spent`, `unconfirmed`; never changed |
//! | `balance` | one row: the sums of `money`, kept by a trigger and compared with it at every opening |
//! | `files` | the clips of delivered revisions, and what they turned out to be: length, size, sound |
//! | `results` | for people: a row per revision, dollars as decimal text, times as RFC 3339 |
//! | `spend` | for people: cap, spent, reserved and unconfirmed in dollars |
//!
//! Money is in millionths of a dollar, times are milliseconds since the Unix epoch.
//!
//! # Beside it
//! `….lock` is locked while a run works, and says who; `….reserve` is room that is given up when the
//! disk is full, so that task ids can still be written; `….mark` says how much the ledger knew, so
//! that one that was emptied or replaced by an older copy is not believed; `….rescued` is what a run
//! knew when its ledger was taken away from under it, and the next run puts it back. After a failed write the file is not touched
//! again by this process: every later call answers with that failure.

mod file;
mod file_watch;
#[cfg(test)]
mod full_disk;
mod group_commit;
mod high_water_mark;
mod lock;
mod open;
mod rescue;
mod reserve;
mod rows;
mod schema;
mod snapshot;
mod spending;
mod sync_manifest;
mod writer;

pub use snapshot::Snapshot;

use std::path::Path;
use std::sync::Arc;

use super::types::{
    AttemptSpec, CallbackSubscription, Claim, ClipFile, Committed, Entry, OpenOptions, Released,
    RevisionId,
};
use crate::domain::charge::Charge;
use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::domain::transition::Transition;
use crate::ledger::error::LedgerError;
use crate::policy::budget::{Balance, Budget};

use group_commit::GroupCommit;

/// A ledger open for writing; holds the run lock until the last clone is dropped.
#[derive(Clone)]
pub struct SqliteLedger {
    queue: Arc<GroupCommit>,
}

impl SqliteLedger {
    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// When another run holds the lock; when the file is newer than this program, of another
    /// campaign or kind, damaged, or cannot be written.
    pub fn open(opening: &OpenOptions<'_>) -> Result<Self, LedgerError> {
        Ok(Self { queue: Arc::new(open::for_writing(opening)?) })
    }

    /// Whether a ledger, or anything that speaks of one, lies at `path`. Blocking.
    #[must_use]
    pub fn is_known(path: &Path) -> bool {
        let lies = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
            || lies(&file::beside(path, "mark"))
            || rescue::is_there(path)
    }

    /// The cap as it is kept.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.queue.purse().0
    }

    /// The money as it is.
    #[must_use]
    pub fn balance(&self) -> Balance {
        self.queue.purse().1
    }

    /// Keeps another cap.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn set_budget(&self, budget: Budget) -> Result<(), LedgerError> {
        self.queue.ask(move |tx| writer::set_budget(tx, budget)).await
    }

    /// Makes these shots the campaign's current ones: unknown (shot, fingerprint) pairs become new
    /// revisions, queued; known ones keep their state; all others are no longer current. Answers
    /// the current entries, in the order of `shots`. Writes only what changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn record(
        &self,
        shots: Arc<[Shot]>,
        at: Timestamp,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.queue.ask(move |tx| sync_manifest::record(tx, &shots, at)).await
    }

    /// Every current revision, and those older or removed ones whose purchase is unfinished
    /// ([`crate::domain::state::State::is_unfinished_purchase`]).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.queue.ask(|tx| Ok(snapshot::open_entries(tx)?)).await
    }

    /// Of [`SqliteLedger::entries`] those that [`SqliteLedger::record`] does not answer: older or removed
    /// revisions whose purchase is unfinished.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn leftovers(&self) -> Result<Vec<Entry>, LedgerError> {
        self.queue.ask(|tx| Ok(snapshot::leftovers(tx)?)).await
    }

    /// Records an attempt and reserves its price, if the cap allows it, in one transaction: the
    /// revision is `submitting` when this returns [`Claim::Granted`].
    ///
    /// # Errors
    /// When it cannot be written; then nothing more may be sent.
    pub async fn claim(
        &self,
        revision: RevisionId,
        terms: AttemptSpec,
        at: Timestamp,
    ) -> Result<Claim, LedgerError> {
        self.queue.ask(move |tx| writer::claim(tx, revision, terms, at)).await
    }

    /// Makes a transition durable: the revision's job, the attempt's change and the money's move.
    ///
    /// # Errors
    /// When it cannot be written even after the reserve was given up; then nothing more may be
    /// sent.
    pub async fn commit(
        &self,
        revision: RevisionId,
        step: Transition,
        at: Timestamp,
    ) -> Result<Committed, LedgerError> {
        self.deliver(revision, step, Vec::new(), at).await
    }

    /// Like [`SqliteLedger::commit`] for a delivery, together with the files.
    ///
    /// # Errors
    /// As for [`SqliteLedger::commit`].
    pub async fn deliver(
        &self,
        revision: RevisionId,
        step: Transition,
        files: Vec<ClipFile>,
        at: Timestamp,
    ) -> Result<Committed, LedgerError> {
        self.queue.ask(move |tx| writer::commit(tx, revision, &step, &files, at)).await
    }

    /// Whether the ledger knows a task id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn knows_task(&self, task: &TaskId) -> Result<bool, LedgerError> {
        let task = task.clone();
        self.queue.ask(move |tx| Ok(snapshot::knows_task(tx, &task)?)).await
    }

    /// Whether something could not be written, after which nothing more may be sent. True before
    /// those whose call it was are told.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.queue.has_failed()
    }

    /// When an attempt was sent; `None` when there is no such attempt.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn sent_at(&self, attempt: AttemptId) -> Result<Option<Timestamp>, LedgerError> {
        self.queue.ask(move |tx| Ok(snapshot::sent_at(tx, attempt)?)).await
    }

    /// When the first request was sent that may have bought a revision which `attempt` put in
    /// doubt: nobody can tell which of several did.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn doubtful_since(
        &self,
        revision: RevisionId,
        attempt: AttemptId,
    ) -> Result<Option<Timestamp>, LedgerError> {
        self.queue.ask(move |tx| Ok(snapshot::doubtful_since(tx, revision, attempt)?)).await
    }

    /// [`SqliteLedger::commit`] for evidence that an attempt in doubt bought `task`; `None`, and nothing
    /// is written, when the ledger knows that task already.
    ///
    /// # Errors
    /// As for [`SqliteLedger::commit`].
    pub async fn recover(
        &self,
        revision: RevisionId,
        step: Transition,
        task: TaskId,
        at: Timestamp,
    ) -> Result<Option<Committed>, LedgerError> {
        self.queue.ask(move |tx| writer::recover(tx, revision, &step, &task, at)).await
    }

    /// [`SqliteLedger::commit`] for a shot that was not bought by what the user says: in the same
    /// transaction every other attempt of the revision that is reserved and has no task is
    /// released too.
    ///
    /// # Errors
    /// As for [`SqliteLedger::commit`].
    pub async fn not_bought(
        &self,
        revision: RevisionId,
        step: Transition,
        at: Timestamp,
    ) -> Result<Released, LedgerError> {
        self.queue.ask(move |tx| writer::not_bought(tx, revision, &step, at)).await
    }

    /// The attempts that the gateway may call about: those that are submitting, rendering or in
    /// doubt and have a token, of every revision.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn calls(&self) -> Result<Vec<CallbackSubscription>, LedgerError> {
        self.queue.ask(|tx| Ok(snapshot::calls(tx)?)).await
    }

    /// Keeps what the gateway says an attempt really cost. Moves no money.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn charge(&self, attempt: AttemptId, charge: Charge) -> Result<(), LedgerError> {
        self.queue.ask(move |tx| writer::charge(tx, attempt, &charge)).await
    }
}
