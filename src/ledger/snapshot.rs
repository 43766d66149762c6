//! Reading a ledger: for plans, reports and pages, also while a run writes it.

use super::holder::{Holder, RunNote};
use super::{ClipFile, Entry, Kind, LedgerError, RevisionId, StoredRequest};
use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::time::Timestamp;
use crate::policy::budget::{Balance, Budget};

/// About how many moments of a campaign's history are told.
pub(super) const HISTORY_MOMENTS: u32 = 120;
/// The most orphaned reservations that are told.
pub(super) const MAX_ORPHANS: u32 = 100;

/// What is shown of a shot whose run died with its POST on the wire.
pub(super) const CUT_SHORT: &str =
    "the run ended while its request was on the wire; the next run decides";

/// A ledger open for reading. Each call reads one moment's ledger; all of them block.
pub trait Snapshot {
    /// What the ledger says of itself.
    ///
    /// # Errors
    /// When it cannot be read.
    fn summary(&self) -> Result<Summary, LedgerError>;

    /// Looks whether something in it is not as it was written, as far as a run does when it opens it.
    ///
    /// # Errors
    /// When it is damaged, or cannot be read.
    fn look_for_damage(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Hands every revision that a report shows to `each`: the current ones in manifest order,
    /// then older or removed ones whose purchase is unfinished. A revision that is `submitting`
    /// while no run is at work is shown `in_doubt`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError>;

    /// Hands every older or removed revision that has a clip, and that [`rows`](Self::rows) does not
    /// show, to `each`: by shot, the oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError>;

    /// Where the money lies and how it got there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn spending(&self) -> Result<Spending, LedgerError>;

    /// The prices that stay reserved for a request that its shot is no longer about, or that failed:
    /// of every revision, the oldest first. Those of shots in doubt and of stalled ones are in
    /// [`rows`](Self::rows).
    ///
    /// # Errors
    /// When it cannot be read.
    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError>;

    /// Whether a delivered revision has this file, a path relative to the campaign folder.
    ///
    /// # Errors
    /// When it cannot be read.
    fn lists(&self, path: &str) -> Result<bool, LedgerError>;

    /// The paths of a revision's clips, relative to the campaign folder, by their parts.
    ///
    /// # Errors
    /// When it cannot be read.
    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError>;

    /// Whether any revision of a shot has an attempt.
    ///
    /// # Errors
    /// When it cannot be read.
    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError>;

    /// What a revision asked for, to be held against what its shot asks for today.
    ///
    /// # Errors
    /// When it cannot be read.
    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError>;

    /// Every known revision's entry, also older and removed ones; for the plan.
    ///
    /// # Errors
    /// When it cannot be read.
    fn entries(&self) -> Result<Vec<Entry>, LedgerError>;
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
    /// The tasks that a stalled one was said to have before, the oldest first.
    pub former_tasks: Vec<TaskId>,
    /// The shot that had the same task before, which no honest gateway lets happen.
    pub task_first_of: Option<ShotId>,
    /// The price of the attempt that bought it or may have, else the catalog's; `None`: unknown.
    pub price: Option<Usd>,
    /// Whether it failed and the price of that attempt is not reserved.
    pub is_settled: bool,
    /// What the gateway says that attempt really cost, once it did.
    pub charge: Option<Charge>,
    /// The last whole answer that left it in doubt, where there was one: it may hold the only trace
    /// of a purchase. Also after the user's word; not once it is delivered.
    pub answer: Option<String>,
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
    /// Where it belongs.
    pub home: Home,
    /// Who holds the run lock, as one phrase (`rushes run, process 4242 on host, since …`).
    pub held_by: Option<String>,
    /// What the run at work says of itself.
    pub note: RunNote,
    /// The workers that live, where several can share it; the first is in `held_by`. Empty for a file.
    pub workers: Vec<WorkerSummary>,
}

impl Summary {
    /// Since when it is worked on, by the worker that began first; `None` where none is at work, or that
    /// is not known.
    #[must_use]
    pub fn running_since(&self) -> Option<Timestamp> {
        let first = self.workers.iter().map(|worker| worker.since).min();
        first.or_else(|| Holder::parse(self.held_by.as_deref()?)?.since)
    }
}

/// A worker that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSummary {
    /// Who, as one phrase (`rushes run, process 4242 on host`).
    pub who: String,
    /// Since when it works.
    pub since: Timestamp,
    /// How long nothing was heard of it, in whole seconds.
    pub silent_s: u64,
}

/// Where a ledger belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Its unguessable id; `None` where an older version made it and none has written to it since.
    pub id: Option<String>,
    /// Whether it has any attempt.
    pub has_attempts: bool,
    /// The address of its gateway; `None` while nothing was sent, or an older version sent it.
    pub gateway: Option<String>,
    /// Whether the user said that other campaigns' purchases of the same shots do not matter.
    pub separate: bool,
}

/// A price that stays reserved until the user says that nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPrice {
    /// The shot.
    pub shot: ShotId,
    /// Its revision.
    pub revision: RevisionId,
    /// The revision's number.
    pub number: u32,
    /// Whether the revision's state is about this request: it failed.
    pub is_own: bool,
    /// The price; `None`: unknown.
    pub price: Option<Usd>,
    /// The request's task, if it has one.
    pub task: Option<TaskId>,
}

/// Where the money lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// By model and tags; every attempt is in exactly one.
    pub groups: Vec<SpendGroup>,
    /// `spent` and `reserved` as they rose and fell, oldest first; at most some 120 moments.
    pub history: Vec<(Timestamp, Balance)>,
    /// Prices that stay reserved for a request which its shot is no longer about: the doubt that
    /// was bought again, say. At most 100, the oldest first.
    pub orphans: Vec<OrphanReservation>,
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
