//! What is asked of a ledger and what it answers, whatever it is kept in.

use std::path::Path;

use crate::domain::charge::Charge;
use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::shot::{Fingerprint, ShotId};
use crate::domain::state::{AttemptId, RevisionState};
use crate::domain::time::Timestamp;
use crate::ledger::error::LedgerError;
use crate::ledger::kind::Kind;
use crate::policy::budget::{Balance, Budget};

/// A revision's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(pub i64);

/// What it takes to open a ledger for writing.
#[derive(Clone, Debug)]
pub struct OpenOptions<'a> {
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
pub struct AttemptSpec {
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

impl AttemptSpec {
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
pub struct CallbackSubscription {
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
pub struct Released {
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

/// Where the money lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// By model and tags; every attempt is in exactly one.
    pub piles: Vec<SpendGroup>,
    /// `spent` and `reserved` as they rose and fell, oldest first; at most some 120 moments.
    pub history: Vec<(Timestamp, Balance)>,
    /// Prices that stay reserved for a request which its shot is no longer about: the doubt that
    /// was bought again, say. At most 100, the oldest first.
    pub strays: Vec<OrphanReservation>,
}

/// The money of the attempts of one model with the same tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendGroup {
    /// The model's API name.
    pub model: String,
    /// The manifest's tags, in its order.
    pub tags: Vec<String>,
    /// Tasks that were bought, but for those that failed for nothing.
    pub bought: usize,
    /// Their money.
    pub balance: Balance,
}

/// A price that stays reserved beside what its shot is about now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrphanReservation {
    /// The shot.
    pub shot: ShotId,
    /// Its revision.
    pub revision: RevisionId,
    /// The revision's number.
    pub number: u32,
    /// The price; `None`: unknown.
    pub price: Option<Usd>,
    /// When the request was sent.
    pub sent_at: Timestamp,
    /// What became of the request.
    pub why: Option<String>,
}
