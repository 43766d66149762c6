//! Where a campaign's truth is kept: what was sent, bought, paid and fetched. Promises that what a
//! call wrote is durable when it answers, and that no claim is granted over the cap. Must not know
//! the provider, the clips or the clock.

pub mod account;
mod address;
mod beside;
mod columns;
mod digest;
mod error;
mod fleet;
mod folder;
mod high_water_mark;
mod holder;
pub mod identity;
pub mod memory;
mod options;
#[cfg(feature = "postgres")]
pub mod postgres;
mod reconcile;
pub mod revision;
mod snapshot;
pub mod sqlite;

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::domain::charge::Charge;
use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::origin::Origin;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::shot::{Fingerprint, Shot, ShotId};
use crate::domain::state::{Account, AttemptId, RevisionState};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::policy::budget::{Balance, Budget};

pub use account::{AccountChange, AccountLimits, AccountSummary, CampaignOfAccount};
pub use address::{LedgerAddress, LedgerPlace};
pub use digest::Digest;
pub use error::LedgerError;
pub use fleet::{
    Assigned, Begun, Counts, Fleet, News, REACH, SlotRequest, Slots, Traffic, Want, Work,
};
pub use folder::{FolderLock, Owner, hold_for, is_database, open_in};
pub use holder::{Holder, RunNote, without_since};
pub use identity::{Identity, StoredRequest};
pub use memory::{MemoryDatabase, MemoryError, MemoryLedger};
pub use options::{Kind, LedgerOptions, post_lasts};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresLedger, ServerAddress, ServerError};
pub use snapshot::{
    Home, KeptPrice, OrphanReservation, Row, Snapshot, SpendGroup, Spending, Summary, WorkerSummary,
};
pub use sqlite::SqliteLedger;

/// The answer to a call: ready once what was asked for is durable.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, LedgerError>>;

/// Where a campaign's truth is kept. What a call wrote is durable when its answer comes; what could
/// not be written was not granted, and after a failed write every later call answers with that
/// failure.
pub trait Ledger: Send + Sync + 'static {
    /// The cap as it is kept.
    fn budget(&self) -> Budget;

    /// The money as of the last commit: good for choosing, while the claim decides.
    fn balance(&self) -> Balance;

    /// Whether something could not be written, after which nothing more may be sent. True before
    /// those whose call it was are told.
    fn has_failed(&self) -> bool;

    /// The user wants to leave: a call whose answer does not come within some seconds fails. A ledger
    /// that is always there has nothing to do.
    fn hurry(&self) {}

    /// Says how the run stands, for those who read the ledger meanwhile: nothing depends on it. Blocking.
    /// A ledger that several share knows of pauses by [`Fleet::set_paused`].
    fn tell(&self, _note: &RunNote) {}

    /// What this worker shares with others; `None`: it is the only one, and whatever there is to do is
    /// handed over at the start.
    fn fleet(&self) -> Option<&dyn Fleet> {
        None
    }

    /// Keeps what the user said about where the campaign belongs.
    fn note(&self, note: Note) -> Answer<'_, ()>;

    /// Keeps another cap.
    fn set_budget(&self, budget: Budget) -> Answer<'_, ()>;

    /// Makes these shots the campaign's current ones: unknown (shot, fingerprint) pairs become new
    /// revisions, queued; known ones keep their state; all others are no longer current. A revision
    /// that means the same by another rule is known too ([`Identity::is_same`]): the furthest is
    /// gone on with. Answers the current entries, in the order of `shots`. Writes only what changed.
    fn record(&self, shots: Arc<[Shot]>, at: Timestamp) -> Answer<'_, Vec<Entry>>;

    /// Hands over revisions to be worked on.
    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>>;

    /// The attempts that the provider may call about: those that are submitting, rendering or in
    /// doubt and whose key was on the wire, of every revision; the oldest first.
    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>>;

    /// Makes a batch durable in one transaction, in its order. A claim is granted only if the cap
    /// allows it; it and any commit that cannot be are refused alone, and have written nothing.
    ///
    /// The answer is an error when the batch cannot be written even after the reserve was given up:
    /// then nothing more may be sent.
    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed>;

    /// Whether any attempt has this task.
    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool>;

    /// The attempts of a revision whose price is reserved, the oldest first.
    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>>;

    /// The tasks whose price is reserved though their revision's state is about another request, or
    /// though they were given up: of every revision, the oldest first.
    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>>;

    /// Whether a purchase of a revision may have a clip that its state does not speak of: a price of
    /// it is reserved, or a clip of it is listed.
    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool>;

    /// All attempts of a revision, the oldest first.
    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>>;

    /// What a revision asked for.
    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest>;

    /// What it says as of the last commit, for reports. Blocking.
    ///
    /// # Errors
    /// When it cannot be read.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError>;
}

/// Which revisions are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assign {
    /// Every current revision in manifest order, then the leftovers.
    All,
    /// Older or removed revisions whose purchase is unfinished
    /// ([`State::is_unfinished_purchase`](crate::domain::state::State::is_unfinished_purchase)).
    Leftovers,
}

/// What the user says about where a campaign belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its gateway has this address now.
    MovedTo(Arc<str>),
    /// Other campaigns' purchases of the same shots do not matter.
    Separate,
}

/// Something to be made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// When it happened.
    pub at: Timestamp,
    /// What changes.
    pub change: Change,
}

/// What a commit changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A revision's transition: its state, its attempts' changes, and the money's moves.
    Transition {
        /// Whose.
        revision: RevisionId,
        /// The transition.
        transition: Transition,
        /// The attempt to be made, if the transition is a claim: the cap decides whether it is. Of
        /// an adopted clip: what stands for its purchase, of which the price is spent.
        attempt: Option<Box<AttemptSpec>>,
        /// The clips, if it is a delivery.
        files: Vec<ClipFile>,
    },
    /// What became of the task of an earlier request of a revision, whose state stays as it is.
    Earlier {
        /// Whose.
        revision: RevisionId,
        /// The change of its attempt.
        change: AttemptChange,
        /// Its clips, which are further parts of the revision ([`earlier_part`]).
        files: Vec<ClipFile>,
    },
    /// The place in flight of a rendering task is given to another: it is late. Means something only
    /// where several workers share the places.
    Late {
        /// Whose.
        revision: RevisionId,
    },
    /// What the provider says an attempt really cost. Moves no money.
    Charge {
        /// Whose.
        attempt: AttemptId,
        /// How much.
        charge: Charge,
    },
}

/// An attempt to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptSpec {
    /// What it costs by the catalog; `None`: unknown.
    pub price: Option<Usd>,
    /// Whether it costs that even if its task fails. Kept with the attempt, because the run that
    /// sees the task fail may go by another catalog.
    pub charged_if_failed: bool,
    /// An unguessable id of our own; the secret part of the address at which the provider may call.
    pub key: Secret,
    /// Whether the provider is told the key.
    pub key_on_wire: bool,
    /// Where it is sent, and from which account.
    pub origin: Origin,
    /// What is sent: canonical JSON, local files by their hash, without callback and key.
    pub wire: Box<str>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// One for each commit, in the same order.
    pub verdicts: Vec<Verdict>,
    /// The money after it.
    pub balance: Balance,
    /// So many of the account's places in flight are free, where several workers share them.
    pub places: Option<u32>,
    /// What is left under the account's cap of this month; `None` without one.
    pub month_left: Option<Usd>,
    /// The disk was full and the reserve was given up to write this: send nothing more.
    pub reserve_used: bool,
    /// The file was taken away and this was written to the copy that was saved: send nothing more.
    pub displaced: Option<LedgerError>,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The attempt and its reserved price are durable; the POST may leave.
    Claimed(AttemptId),
    /// The price does not fit under what is left of the cap; nothing was written.
    OverCap,
    /// All places in flight of the account are taken; nothing was written.
    Full,
    /// The revision is not in this worker's hands any more. What the commit says first-hand of an attempt
    /// is kept all the same: a task id, that it was refused or not sent. The revision's state was touched
    /// only if it still is about that attempt, or if it waits to be bought and is bought already.
    Gone,
    /// It is durable.
    Written {
        /// The shot that had the task before, if it was bought by this transition and is known from
        /// another attempt. Both are kept and counted.
        task_first_of: Option<ShotId>,
    },
    /// It cannot be; nothing was written.
    Refused(LedgerError),
}

/// An attempt whose price is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedAttempt {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its price; `None`: unknown.
    pub price: Option<Usd>,
    /// When its POST left.
    pub sent_at: Timestamp,
    /// Its task, if it has one.
    pub task: Option<TaskId>,
}

/// A task whose price is reserved, and that its revision's state is not about or gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierTask {
    /// The revision, with this request's price and whether a failed task of it is charged.
    pub entry: Entry,
    /// The request.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// When its POST left.
    pub sent_at: Timestamp,
}

/// So many parts are kept for each request's clips.
const PARTS: usize = 1000;

/// The part that the `nth` clip (from 0) of an earlier request is: no clip of the revision's own
/// purchase, and of no other request of any shot, is or will be the same part.
#[must_use]
pub fn earlier_part(attempt: AttemptId, nth: usize) -> usize {
    usize::try_from(attempt.0).unwrap_or_default().saturating_mul(PARTS) + 1 + nth
}

/// An attempt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttempt {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its price; `None`: unknown.
    pub price: Option<Usd>,
    /// When its POST left.
    pub sent_at: Timestamp,
    /// Where its price lies.
    pub account: Account,
    /// Its task, if it has one.
    pub task: Option<TaskId>,
    /// Whether the user or a callback named the task, and not the answer to the POST.
    pub is_given: bool,
    /// The tasks that it was said to have before, in the order in which they were replaced or turned
    /// out to be another's.
    pub former_tasks: Vec<TaskId>,
}

impl StoredAttempt {
    /// Whether its task was given once more right after it had turned out to be another's.
    #[must_use]
    pub fn is_insisted_on(&self) -> bool {
        self.is_given && self.task.is_some() && self.former_tasks.last() == self.task.as_ref()
    }

    /// Whether its task may be replaced by the user's word: it was named by the user or by a callback,
    /// or stands in the place of another one.
    #[must_use]
    pub fn may_be_corrected(&self) -> bool {
        self.is_given || !self.former_tasks.is_empty()
    }
}

/// A revision's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(pub i64);

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
    /// among revision 1s without regard to case
    /// and to Unicode's forms.
    pub clip_name: Box<str>,
    /// Where it stands.
    pub status: RevisionState,
    /// What its next purchase would cost; for bought ones what the last attempt reserved.
    pub price: Option<Usd>,
    /// While an attempt of it is open: whether that is charged even if its task fails.
    pub charged_if_failed: bool,
}

impl Entry {
    /// The entry of a new revision of a shot, which is current and queued.
    #[must_use]
    pub fn new(revision: RevisionId, shot: &Shot, number: u32, clip_name: Box<str>) -> Self {
        Self {
            revision,
            shot: shot.id.clone(),
            number,
            fingerprint: shot.fingerprint,
            current: true,
            clip_name,
            status: RevisionState::new(),
            price: shot.price,
            charged_if_failed: false,
        }
    }
}

/// An attempt that the gateway may call about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackSubscription {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its key, the secret part of the address that the provider was given.
    pub key: Secret,
    /// When its POST left.
    pub sent_at: Timestamp,
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
