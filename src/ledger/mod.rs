//! The campaign's ledger: the only truth about what was sent, bought, paid and fetched, and the
//! only room that knows SQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::answer::TaskId;
use crate::job::{AttemptId, Job, Step};
use crate::money::Usd;
use crate::policy::budget::{Balance, Budget};
use crate::shot::{Fingerprint, Shot, ShotId};
use crate::time::Timestamp;

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
    /// The SQLite file; its folder exists.
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
    pub job: Job,
    /// What its next purchase would cost; for bought ones what the last attempt reserved.
    pub price: Option<Usd>,
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

/// A transition is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The money after it.
    pub balance: Balance,
    /// The disk was full and the reserve was given up to write this: send nothing more.
    pub reserve_used: bool,
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
    /// The task that bought it, also after it was delivered or failed.
    pub task: Option<TaskId>,
    /// The price of the attempt that bought it or may have, else the catalog's; `None`: unknown.
    pub price: Option<Usd>,
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

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// To be replaced.
    #[error("{0}")]
    Other(String),
}

/// A ledger open for writing; holds the run lock until the last clone is dropped.
#[derive(Clone)]
pub struct Ledger {
    _inner: Arc<PathBuf>,
}

impl Ledger {
    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// When another run holds the lock; when the file is newer than this program, of another
    /// campaign or kind, damaged, or cannot be written.
    pub fn open(_opening: &Opening<'_>) -> Result<Self, LedgerError> {
        todo!()
    }

    /// The cap as it is kept.
    #[must_use]
    pub fn budget(&self) -> Budget {
        todo!()
    }

    /// The money as it is.
    #[must_use]
    pub fn balance(&self) -> Balance {
        todo!()
    }

    /// Keeps another cap.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn set_budget(&self, _budget: Budget) -> Result<(), LedgerError> {
        todo!()
    }

    /// Makes these shots the campaign's current ones: unknown (shot, fingerprint) pairs become new
    /// revisions, queued; known ones keep their state; all others are no longer current. Answers
    /// the current entries, in the order of `shots`. Writes only what changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn record(
        &self,
        _shots: Arc<[Shot]>,
        _at: Timestamp,
    ) -> Result<Vec<Entry>, LedgerError> {
        todo!()
    }

    /// Every current revision, and those older or removed ones whose purchase is unfinished
    /// ([`crate::job::State::is_unfinished_purchase`]).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        todo!()
    }

    /// Records an attempt and reserves its price, if the cap allows it, in one transaction: the
    /// revision is `submitting` when this returns [`Claim::Granted`].
    ///
    /// # Errors
    /// When it cannot be written; then nothing more may be sent.
    pub async fn claim(
        &self,
        _revision: RevisionId,
        _price: Option<Usd>,
        _at: Timestamp,
    ) -> Result<Claim, LedgerError> {
        todo!()
    }

    /// Makes a transition durable: the revision's job, the attempt's change and the money's move.
    ///
    /// # Errors
    /// When it cannot be written even after the reserve was given up; then nothing more may be
    /// sent.
    pub async fn commit(
        &self,
        _revision: RevisionId,
        _step: Step,
        _at: Timestamp,
    ) -> Result<Committed, LedgerError> {
        todo!()
    }

    /// Like [`Ledger::commit`] for a delivery, together with the files.
    ///
    /// # Errors
    /// As for [`Ledger::commit`].
    pub async fn deliver(
        &self,
        _revision: RevisionId,
        _step: Step,
        _files: Vec<ClipFile>,
        _at: Timestamp,
    ) -> Result<Committed, LedgerError> {
        todo!()
    }

    /// Whether the ledger knows a task id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn knows_task(&self, _task: &TaskId) -> Result<bool, LedgerError> {
        todo!()
    }
}

/// A ledger open for reading, also while a run writes it. Blocking.
pub struct Reader {}

impl Reader {
    /// Opens an existing ledger; changes nothing.
    ///
    /// # Errors
    /// When there is none, or it is newer than this program, damaged or unreadable.
    pub fn open(_path: &Path) -> Result<Self, LedgerError> {
        todo!()
    }

    /// What the ledger says of itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn summary(&self) -> Result<Summary, LedgerError> {
        todo!()
    }

    /// Hands every revision that a report shows to `each`: the current ones in manifest order,
    /// then older or removed ones whose purchase is unfinished. A revision that is `submitting`
    /// while nobody holds the run lock is shown `in_doubt`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn rows(&self, _each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        todo!()
    }

    /// Every known revision's entry, also older and removed ones; for the plan.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        todo!()
    }
}
