//! The ledger in an `SQLite` file: the only room that knows SQL.
//!
//! # The file
//! An `SQLite` database (`application_id` `rush`, `user_version` the number of its schema, write-ahead
//! log, full sync). It may be read with `sqlite3`, also during a run; the schema is in
//! `schema/1.sql` and the files after it. A ledger of an older schema is read as it is, and brought
//! to the newest when it is opened for writing, whole or not at all.
//!
//! | table or view | holds |
//! |---|---|
//! | `campaign` | one row: its name, whose tasks it holds (`gateway` or `simulator`), the cap, who made the file |
//! | `revisions` | a row per (shot, fingerprint): its number, place in the manifest, request, state, reason, URLs |
//! | `attempts` | a row per POST, written before it is sent: its price, whether a failed task is charged, its outcome, task id, and the account its price lies in; its key (`token`) and whether the gateway was told it, where it was sent, what was sent (`wire`), and what the gateway says it really cost |
//! | `origins` | where attempts were sent, and from which account (a salted hash of its key) |
//! | `money` | every movement of an attempt's price into (positive) or out of (negative) `reserved`, `spent`, `unconfirmed`; never changed |
//! | `balance` | one row: the sums of `money`, kept by a trigger and compared with it at every opening |
//! | `files` | the clips of delivered revisions, and what they turned out to be: length, size, sound |
//! | `results` | for people: a row per revision, dollars as decimal text, times as RFC 3339 |
//! | `spend` | for people: cap, spent, reserved and unconfirmed in dollars |
//!
//! Money is in millionths of a dollar, times are milliseconds since the Unix epoch.
//!
//! # Beside it
//! `….lock` is locked while a run works, and says who, and whether it still buys; `….reserve` is room
//! that is given up when the disk is full, so that task ids can still be written; `….mark` says how much
//! the ledger knew, so that one that was emptied or replaced by an older copy is not believed;
//! `….rescued` is what a run knew when its ledger was taken away from under it, and the next run puts it
//! back. After a failed write the file is not touched again by this process: every later call answers
//! with that failure.

mod attempts;
mod connection;
mod file_watch;
mod group_commit;
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

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;

use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::policy::budget::{Balance, Budget};

use super::{
    Answer, Assign, CallbackSubscription, ClipFile, Commit, Committed, EarlierTask, Entry,
    Identity, Ledger, LedgerError, LedgerOptions, Note, ReservedAttempt, RevisionId, RunNote,
    Snapshot, StoredAttempt, StoredRequest,
};
use crate::ledger::beside::beside;
use group_commit::GroupCommit;
#[cfg(debug_assertions)]
use group_commit::Relief;

pub use reserve::RESERVE_BYTES;
pub use snapshot::SqliteSnapshot;

/// A ledger file open for writing; holds the run lock until the last clone is dropped.
#[derive(Clone)]
pub struct SqliteLedger {
    commits: Arc<GroupCommit>,
    identity: Identity,
}

impl SqliteLedger {
    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// When another run holds the lock; when the file is newer than this program, of another
    /// campaign or kind, damaged, or cannot be written.
    pub fn open(path: &Path, options: &LedgerOptions<'_>) -> Result<Self, LedgerError> {
        let identity = options.identity.clone();
        Ok(Self { commits: Arc::new(open::for_writing(path, options)?), identity })
    }

    /// For tests of full disks: looks at the connection while no batch is written. The second argument
    /// is what then makes room when the reserve is given up.
    #[cfg(debug_assertions)]
    pub fn between_batches(&self, act: impl FnOnce(&rusqlite::Connection, &mut Relief)) {
        self.commits.between_batches(act);
    }

    /// Whether a ledger, or anything that speaks of one, lies at `path`. Blocking.
    #[must_use]
    pub fn is_known(path: &Path) -> bool {
        let lies = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
            || lies(&beside(path, "mark"))
            || rescue::is_there(path)
    }
}

impl Ledger for SqliteLedger {
    fn budget(&self) -> Budget {
        self.commits.money().0
    }

    fn balance(&self) -> Balance {
        self.commits.money().1
    }

    fn has_failed(&self) -> bool {
        self.commits.has_failed()
    }

    fn tell(&self, note: &RunNote) {
        self.commits.tell(note);
    }

    fn note(&self, note: Note) -> Answer<'_, ()> {
        self.commits.ask(move |tx| writer::note(tx, &note)).boxed()
    }

    fn set_budget(&self, budget: Budget) -> Answer<'_, ()> {
        self.commits.ask(move |tx| writer::set_budget(tx, budget)).boxed()
    }

    fn record(&self, shots: Arc<[Shot]>, at: Timestamp) -> Answer<'_, Vec<Entry>> {
        let identity = self.identity.clone();
        self.commits.ask(move |tx| sync_manifest::record(tx, &shots, &identity, at)).boxed()
    }

    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>> {
        let read = move |tx: &group_commit::Tx<'_>| match which {
            Assign::All => Ok(snapshot::open_entries(tx)?),
            Assign::Leftovers => Ok(snapshot::leftovers(tx)?),
        };
        self.commits.ask(read).boxed()
    }

    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>> {
        self.commits.ask(|tx| Ok(snapshot::subscriptions(tx)?)).boxed()
    }

    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed> {
        self.commits.ask(move |tx| writer::commit(tx, &batch)).boxed()
    }

    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool> {
        let task = task.clone();
        self.commits.ask(move |tx| Ok(snapshot::knows_task(tx, &task)?)).boxed()
    }

    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>> {
        self.commits.ask(move |tx| Ok(snapshot::reserved_attempts(tx, revision)?)).boxed()
    }

    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>> {
        self.commits.ask(|tx| Ok(attempts::earlier(tx)?)).boxed()
    }

    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool> {
        self.commits.ask(move |tx| Ok(attempts::may_have_clip(tx, revision)?)).boxed()
    }

    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>> {
        self.commits.ask(move |tx| Ok(attempts::of(tx, revision)?)).boxed()
    }

    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest> {
        self.commits.ask(move |tx| Ok(snapshot::stored_request(tx.conn, revision)?)).boxed()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(SqliteSnapshot::open(self.commits.path(), true)?))
    }
}
