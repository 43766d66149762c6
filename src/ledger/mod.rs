//! The campaign's ledger: the only truth about what was sent, bought, paid and fetched, and the
//! only room that knows SQL. Promises that what a call wrote is on the disk when the call returns,
//! and that no claim is granted over the cap. Must not know the gateway, the clips or the clock.
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

mod encode;
mod error;
#[cfg(test)]
mod full_disk;
mod lock;
mod mark;
mod open;
mod queue;
mod reader;
mod record;
mod rescue;
mod reserve;
mod schema;
mod spending;
mod watch;
mod writer;

pub use error::LedgerError;
pub use reader::Reader;
pub use spending::{Pile, Spending, Stray};

use std::path::Path;
use std::sync::Arc;

use crate::domain::charge::Charge;
use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::shot::{Fingerprint, Shot, ShotId};
use crate::domain::state::{AttemptId, RevisionState};
use crate::domain::time::Timestamp;
use crate::domain::transition::Transition;
use crate::policy::budget::{Balance, Budget};

use queue::Queue;

/// A revision's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(pub i64);

/// Whose tasks a ledger holds. A ledger is of one kind for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gateway's: real money.
    Gateway,
    /// The in-process simulator's.
    Simulator,
}

/// What it takes to open a ledger for writing.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The `SQLite` file; its folder exists.
    pub path: &'a Path,
    /// The campaign's name.
    pub campaign: &'a str,
    /// Whose tasks it will hold.
    pub kind: Kind,
    /// What the lock says about its holder, such as `rushes run`.
    pub holder: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// A revision as the scheduler sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its row.
    pub revision: RevisionId,
    /// Whose revision it is.
    pub shot: ShotId,
    /// 1 for the first text a shot had, then 2, …
    pub number: u32,
    /// The request's fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether the manifest says this text today (as of the last `record`).
    pub current: bool,
    /// The clips' path below `clips/`, without revision, part and `.mp4`; unique in the ledger
    /// among revision 1s without regard to case.
    pub clip_name: Box<str>,
    /// Where it stands.
    pub status: RevisionState,
    /// What its next purchase would cost; for bought ones what the last attempt reserved.
    pub price: Option<Usd>,
    /// While an attempt of it is open: whether that is charged even if its task fails.
    pub charged_if_failed: bool,
}

/// On what terms an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it costs by the catalog; `None`: nobody knows.
    pub price: Option<Usd>,
    /// Whether it costs that even if its task fails. Kept with the attempt, because who sees the
    /// task fail may go by another catalog.
    pub charged_if_failed: bool,
    /// Whether the shot is in doubt and bought again; otherwise only a queued one can be claimed.
    pub despite_doubt: bool,
    /// The secret part of the address at which the gateway may call about it.
    pub token: Option<Secret>,
}

impl Terms {
    /// A queued shot at this price, and for nothing if the task fails.
    #[must_use]
    pub const fn new(price: Option<Usd>) -> Self {
        Self { price, charged_if_failed: false, despite_doubt: false, token: None }
    }
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The attempt and its reserved price are durable; the POST may leave.
    Granted {
        /// The attempt.
        attempt: AttemptId,
        /// The money after it.
        balance: Balance,
    },
    /// The price does not fit under what is left of the cap; nothing was written.
    OverCap {
        /// The money as it is.
        balance: Balance,
    },
}

/// An attempt that the gateway may call about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The attempt.
    pub attempt: AttemptId,
    /// The secret part of the address it was given.
    pub token: Secret,
    /// When its POST left.
    pub sent_at: Timestamp,
}

/// A transition is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The money after it.
    pub balance: Balance,
    /// The disk was full and the reserve was given up to write this: send nothing more.
    pub reserve_used: bool,
    /// The file was taken away and this was written to the copy that was saved: send nothing more.
    pub displaced: Option<LedgerError>,
    /// The shot that had the task before, if it was bought by this transition and is known from
    /// another attempt. Both are kept and counted.
    pub task_first_of: Option<ShotId>,
}

/// What came free when the user said that a shot was not bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed {
    /// How many of its requests were reserved.
    pub requests: usize,
    /// The sum of their prices, as far as they are known.
    pub price: Usd,
    /// Whether some had no known price.
    pub unpriced: bool,
}

/// A delivered clip's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFile {
    /// Relative to the campaign folder, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: [u8; 32],
    /// What it turned out to be; `None` where that could not be read, or an older version, which
    /// did not look, fetched it.
    pub clip_info: Option<ClipInfo>,
    /// Why the footage could not be read, for people.
    pub unread: Option<Box<str>>,
}

/// Everything a report says of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As the scheduler sees it.
    pub entry: Entry,
    /// The model's API name.
    pub model: String,
    /// The request's JSON without local files' bytes (their paths as written stand in for them).
    pub request: String,
    /// The manifest's tags.
    pub tags: Vec<String>,
    /// The id of the manifest's entry that it comes from; `None` where an older version wrote it.
    pub entry_id: Option<String>,
    /// What tells it from the other shots of that entry: names and values.
    pub variant: Vec<(String, String)>,
    /// The task that bought it, also after it was delivered or failed.
    pub task: Option<TaskId>,
    /// The shot that had the same task before, which no honest gateway lets happen.
    pub task_first_of: Option<ShotId>,
    /// The price of the attempt that bought it or may have, else the catalog's; `None`: unknown.
    pub price: Option<Usd>,
    /// What the gateway says that attempt really cost, once it did.
    pub charge: Option<Charge>,
    /// POSTs recorded for it.
    pub attempts: u32,
    /// Result URLs, when it was rendered.
    pub urls: Vec<String>,
    /// Delivered clips.
    pub files: Vec<ClipFile>,
    /// When its last POST left.
    pub submitted_at: Option<Timestamp>,
    /// When the gateway finished it.
    pub completed_at: Option<Timestamp>,
    /// When its clips were safe.
    pub delivered_at: Option<Timestamp>,
}

/// What a ledger says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The campaign.
    pub campaign: String,
    /// Whose tasks it holds.
    pub kind: Kind,
    /// The cap it keeps.
    pub budget: Budget,
    /// Its money.
    pub balance: Balance,
    /// Who holds the run lock, as one phrase (`rushes run, process 4242 on host, since …`).
    pub held_by: Option<String>,
}

/// A ledger open for writing; holds the run lock until the last clone is dropped.
#[derive(Clone)]
pub struct Ledger {
    queue: Arc<Queue>,
}

impl Ledger {
    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// When another run holds the lock; when the file is newer than this program, of another
    /// campaign or kind, damaged, or cannot be written.
    pub fn open(opening: &Opening<'_>) -> Result<Self, LedgerError> {
        Ok(Self { queue: Arc::new(open::for_writing(opening)?) })
    }

    /// Whether a ledger, or anything that speaks of one, lies at `path`. Blocking.
    #[must_use]
    pub fn is_known(path: &Path) -> bool {
        let lies = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
            || lies(&lock::beside(path, "mark"))
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
        self.queue.ask(move |pen| writer::set_budget(pen, budget)).await
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
        self.queue.ask(move |pen| record::record(pen, &shots, at)).await
    }

    /// Every current revision, and those older or removed ones whose purchase is unfinished
    /// ([`crate::domain::state::State::is_unfinished_purchase`]).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.queue.ask(|pen| Ok(reader::open_entries(pen)?)).await
    }

    /// Of [`Ledger::entries`] those that [`Ledger::record`] does not answer: older or removed
    /// revisions whose purchase is unfinished.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn leftovers(&self) -> Result<Vec<Entry>, LedgerError> {
        self.queue.ask(|pen| Ok(reader::leftovers(pen)?)).await
    }

    /// Records an attempt and reserves its price, if the cap allows it, in one transaction: the
    /// revision is `submitting` when this returns [`Claim::Granted`].
    ///
    /// # Errors
    /// When it cannot be written; then nothing more may be sent.
    pub async fn claim(
        &self,
        revision: RevisionId,
        terms: Terms,
        at: Timestamp,
    ) -> Result<Claim, LedgerError> {
        self.queue.ask(move |pen| writer::claim(pen, revision, terms, at)).await
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

    /// Like [`Ledger::commit`] for a delivery, together with the files.
    ///
    /// # Errors
    /// As for [`Ledger::commit`].
    pub async fn deliver(
        &self,
        revision: RevisionId,
        step: Transition,
        files: Vec<ClipFile>,
        at: Timestamp,
    ) -> Result<Committed, LedgerError> {
        self.queue.ask(move |pen| writer::commit(pen, revision, &step, &files, at)).await
    }

    /// Whether the ledger knows a task id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn knows_task(&self, task: &TaskId) -> Result<bool, LedgerError> {
        let task = task.clone();
        self.queue.ask(move |pen| Ok(reader::knows_task(pen, &task)?)).await
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
        self.queue.ask(move |pen| Ok(reader::sent_at(pen, attempt)?)).await
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
        self.queue.ask(move |pen| Ok(reader::doubtful_since(pen, revision, attempt)?)).await
    }

    /// [`Ledger::commit`] for evidence that an attempt in doubt bought `task`; `None`, and nothing
    /// is written, when the ledger knows that task already.
    ///
    /// # Errors
    /// As for [`Ledger::commit`].
    pub async fn recover(
        &self,
        revision: RevisionId,
        step: Transition,
        task: TaskId,
        at: Timestamp,
    ) -> Result<Option<Committed>, LedgerError> {
        self.queue.ask(move |pen| writer::recover(pen, revision, &step, &task, at)).await
    }

    /// [`Ledger::commit`] for a shot that was not bought by what the user says: in the same
    /// transaction every other attempt of the revision that is reserved and has no task is
    /// released too.
    ///
    /// # Errors
    /// As for [`Ledger::commit`].
    pub async fn not_bought(
        &self,
        revision: RevisionId,
        step: Transition,
        at: Timestamp,
    ) -> Result<Freed, LedgerError> {
        self.queue.ask(move |pen| writer::not_bought(pen, revision, &step, at)).await
    }

    /// The attempts that the gateway may call about: those that are submitting, rendering or in
    /// doubt and have a token, of every revision.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn calls(&self) -> Result<Vec<Call>, LedgerError> {
        self.queue.ask(|pen| Ok(reader::calls(pen)?)).await
    }

    /// Keeps what the gateway says an attempt really cost. Moves no money.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn charge(&self, attempt: AttemptId, charge: Charge) -> Result<(), LedgerError> {
        self.queue.ask(move |pen| writer::charge(pen, attempt, &charge)).await
    }
}
