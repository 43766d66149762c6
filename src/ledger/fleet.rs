//! What several workers of one campaign share through its ledger: who has which revision in its hands,
//! the places in flight, the moments at which requests may leave, and whether anything is left to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::digest::Digest;
use super::{Answer, CallbackSubscription, Entry, RevisionId};
use crate::domain::callback::Callback;
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::policy::budget::{Balance, Budget};
pub use crate::policy::granted::REACH;
use crate::policy::limits::Limits;
use crate::policy::rejections::AlikeRejections;

/// What a run tells the ledger that it shares with other workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it renders; `None`: it buys nothing, and goes with every text (`rushes fetch`).
    pub digest: Option<Digest>,
    /// What it keeps to. The account's workers together keep to the strictest of all.
    pub limits: Limits,
    /// A salted hash of its key. An account is of the key that it was first used with; empty: it has
    /// none, and goes with every account.
    pub key: Arc<str>,
}

/// A campaign's ledger as one of several workers sees it. The worker has a lease, which the ledger
/// renews by itself. One whose lease ended is given up: what it had in its hands goes to others, and
/// what it still says is taken as far as it is first-hand news of an attempt (see
/// [`Verdict::Gone`](super::Verdict::Gone)). It joins anew by itself then, under another number.
///
/// A *run* of the campaign lasts from the first worker's join until none lives. One that was given up and
/// comes back goes on with its run, unless another has begun since.
pub trait Fleet: Send + Sync {
    /// Whether this worker's joining began the run: what is done once in a run is for it to do.
    fn begins_run(&self) -> bool;

    /// Begins: makes `shots` the campaign's current ones as [`Ledger::record`](super::Ledger::record)
    /// does, unless the digest says that they are; a worker that buys nothing has none. `only` are the
    /// places of the shots that this worker may buy; `None`: all of them.
    fn begin(
        &self,
        shots: Option<Arc<[Shot]>>,
        only: Option<Vec<u32>>,
        at: Timestamp,
    ) -> Answer<'_, Begun>;

    /// Hands over revisions that no worker has, and tells how the campaign stands. They are in this
    /// worker's hands until it gives them back, delivers them, leaves, or is given up:
    /// - unfinished purchases, current or not: rendering ones, rendered ones, and those that a worker
    ///   which has ended left submitting, once its POST can no longer be on the wire. Stalled ones once
    ///   in a run;
    /// - once in a run, if [`Want::doubts`]: those in doubt;
    /// - once in a run, if [`Want::failed`]: current failed ones that this worker may buy;
    /// - up to [`Want::queued`] current queued ones that this worker may buy and whose price fits
    ///   [`Want::left`] (an unknown price fits only `None`): the best first, as the queue has them;
    /// - if [`Want::hears`]: those in doubt and stalled ones about which a call came.
    ///
    /// A call in [`Want::callbacks`] is kept for the worker that has or gets the revision, as long as its
    /// state is about that attempt: that one hears of it with its next answer, once or, if answers are
    /// lost, more often. Keys of no open attempt of this campaign are forgotten.
    fn assign(&self, want: Want) -> Answer<'_, Assigned>;

    /// Takes one revision into this worker's hands, also out of another's if nothing goes on with it
    /// there: in doubt, failed, delivered, or stalled. Answers it as it stands now; `None` if another
    /// worker is at it, or will be: queued ones are taken only if no worker has them.
    fn take(&self, revision: RevisionId) -> Answer<'_, Option<Entry>>;

    /// Asks for moments at which requests may leave. No choice of workers and delays puts more requests
    /// than the account's rate allows into one of its windows, if each leaves at its moment or at most
    /// [`Slots::late`] after it.
    fn slots(&self, request: SlotRequest) -> Answer<'_, Slots>;

    /// The current shots by state.
    fn counts(&self) -> Answer<'_, Counts>;

    /// Pauses all workers of the campaign, or lets them go on, until the run ends.
    fn set_paused(&self, paused: bool) -> Answer<'_, ()>;

    /// The budget that the manifest names: it counts if the manifest named another one last, or none.
    /// Answers the one that holds.
    fn offer_budget(&self, budget: Budget) -> Answer<'_, Budget>;

    /// Whether the POST of this attempt may leave now: the lease in which it was claimed lasts.
    fn may_leave(&self, attempt: AttemptId) -> bool;
}

/// How a campaign stands when a worker begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// The current shots by state.
    pub counts: Counts,
    /// The known prices of the queued ones that this worker may buy.
    pub to_buy: Usd,
}

/// The current shots by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Queued.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Rendering, stalled ones not counted.
    pub rendering: usize,
    /// Stalled.
    pub stalled: usize,
    /// Rendered.
    pub rendered: usize,
    /// Delivered.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// In doubt.
    pub in_doubt: usize,
}

/// What a worker wants, and what it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Want {
    /// So many queued ones at most.
    pub queued: u32,
    /// What is left under the cap once what the worker has picked is paid; `None`: there is no cap.
    pub left: Option<Usd>,
    /// So many unfinished purchases at most.
    pub purchases: u32,
    /// Whether it does something about shots in doubt.
    pub doubts: bool,
    /// Whether it may buy failed ones again.
    pub failed: bool,
    /// Whether it does something about the provider's calls.
    pub hears: bool,
    /// Calls that reached this worker with keys that it does not know; each key once.
    pub callbacks: Vec<Callback>,
    /// Revisions that it gives back: nothing goes on with them.
    pub returned: Vec<RevisionId>,
    /// Whether it has nothing to do and waits for others.
    pub is_idle: bool,
    /// So many shots failed in its hands in this run.
    pub failures: u32,
    /// So many of its tasks are late.
    pub late: u32,
    /// So many purchases of its were accepted in this run.
    pub accepted: u32,
    /// The rejections in a row that it met; `None`: none since something was accepted.
    pub rejections: Option<AlikeRejections>,
}

/// What a worker was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Revisions with their places in the manifest; those that are not current have none.
    pub entries: Vec<(Entry, Option<u32>)>,
    /// The attempts of those that the provider may call about.
    pub subscriptions: Vec<CallbackSubscription>,
    /// Calls that reached other workers, about what is in this worker's hands.
    pub callbacks: Vec<Callback>,
    /// The rejections that each other worker met in this run, also of those that have ended, as long as
    /// no worker had anything accepted since they were told.
    pub rejections: Vec<AlikeRejections>,
    /// How the campaign stands.
    pub news: News,
}

/// How a campaign stands over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The cap.
    pub budget: Budget,
    /// The money.
    pub balance: Balance,
    /// So many of the account's places in flight are free. What another campaign has in flight, at which
    /// no worker is, has its places for half an hour.
    pub places: u32,
    /// What is left under the account's cap of this month; `None` without one.
    pub month_left: Option<Usd>,
    /// Workers that live, this one included.
    pub workers: u32,
    /// Whether the run is paused.
    pub paused: bool,
    /// So many shots failed in this run in other workers' hands, also of those that have ended.
    pub failures: u32,
    /// So many tasks of other living workers are late.
    pub late: u32,
    /// So many purchases of other workers were accepted in this run, also of those that have ended.
    pub accepted: u32,
    /// Of an idle worker that was handed nothing: whether no other worker can bring it anything to do
    /// either. All that live are idle, and no purchase that is submitting, rendering (stalled ones not
    /// counted) or rendered is in another's hands, or still to be handed over; nor is a queued one
    /// that waited for money, and for which there is enough under the cap, in another's hands.
    pub is_over: bool,
    /// Of an idle worker: the current queued shots that it may buy and does not have in its hands. Until
    /// all is over those that no worker has may count as one.
    pub waiting: usize,
}

/// What leaves at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Purchases.
    Posts,
    /// Polls and other questions.
    Polls,
}

/// A request for moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRequest {
    /// For what.
    pub traffic: Traffic,
    /// How many at most.
    pub wanted: u32,
    /// A 429 that this worker met since its last request: all workers keep quiet for so long from now
    /// on, and the pace is halved so many times at least.
    pub setback: Option<(Duration, u32)>,
    /// Enough was accepted since for the pace to double again.
    pub recovered: bool,
}

/// Moments at which requests may leave: `first`, and so many more, each `every` after the one before.
/// They are this worker's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The first one; if none is given, the next one that may be: it is worth asking again once that
    /// is within [`REACH`].
    pub first: Instant,
    /// From one to the next.
    pub every: Duration,
    /// How many.
    pub count: u32,
    /// How much after its moment a request may leave; later, the moment is lost.
    pub late: Duration,
    /// How often the pace is halved now, for all workers.
    pub level: u32,
    /// Until when all workers keep quiet.
    pub quiet_until: Instant,
}
