//! What several workers of one campaign share through its ledger: one suite, over every ledger that
//! several can share.

mod adoption;
mod assigning;
mod callbacks;
mod histories;
#[cfg(all(unix, feature = "postgres"))]
mod in_database;
mod late_news;
mod lost_answers;
mod news;
mod runs;
mod scarce;
mod slots;

use std::sync::Arc;
use std::time::Duration;

use rushes::ledger::{
    Assigned, Commit, Committed, Digest, Fleet, MemoryDatabase, MemoryLedger, Want, Work,
};
use rushes::policy::limits::Limits;

use super::*;

/// A campaign's ledger that several workers can share.
pub trait Shared {
    /// One worker's ledger.
    type Worker: Ledger;
    /// How long a worker of which nothing is heard is not given up.
    const LEASE: Duration;
    /// How long a POST may be on the wire.
    const ON_WIRE: Duration;

    /// An empty one.
    async fn make() -> Self;
    /// One more worker joins; without `work` a visitor.
    async fn open(&self, work: Option<Work>) -> Result<Arc<Self::Worker>, LedgerError>;
    /// A worker's process dies: it does not leave.
    async fn kill(&self, worker: Arc<Self::Worker>);
    /// From now on no call of a worker is answered, and its lease is not renewed.
    async fn cut_off(&self, worker: &Self::Worker);
    /// Its calls are answered again.
    async fn heal(&self, worker: &Self::Worker);
    /// Time passes.
    async fn pass(&self, span: Duration);
}

pub struct InMemory(pub MemoryDatabase);

impl Shared for InMemory {
    type Worker = MemoryLedger;
    const LEASE: Duration = Duration::from_secs(30);
    const ON_WIRE: Duration = Duration::from_secs(600);

    async fn make() -> Self {
        Self(MemoryDatabase::new())
    }

    async fn open(&self, work: Option<Work>) -> Result<Arc<MemoryLedger>, LedgerError> {
        Ok(Arc::new(self.0.join(work, Self::ON_WIRE)?))
    }

    async fn kill(&self, worker: Arc<MemoryLedger>) {
        worker.cut_off();
    }

    async fn cut_off(&self, worker: &MemoryLedger) {
        worker.cut_off();
    }

    async fn heal(&self, worker: &MemoryLedger) {
        worker.heal();
    }

    async fn pass(&self, span: Duration) {
        tokio::time::advance(span).await;
    }
}

/// Runs each test over each kind; those behind the semicolon, for which time must pass, over the one in
/// memory.
macro_rules! over_all_fleets {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test::<super::InMemory>().await;
            })+
        }
        #[cfg(all(unix, feature = "postgres"))]
        mod in_database {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<super::super::in_database::InDatabase>().await;
            })+
        }
    };
    ($($test:ident),+ ; $($timed:ident),+ $(,)?) => {
        over_all_fleets![$($test),+];
        mod in_time {
            $(#[tokio::test(start_paused = true)]
            async fn $timed() {
                super::$timed::<super::InMemory>().await;
            })+
        }
    };
}
use over_all_fleets;

/// A little more than a span.
fn past(span: Duration) -> Duration {
    span + Duration::from_millis(200)
}

/// The work of one who renders the `text`th text with these limits.
pub(super) fn work_within(text: u8, limits: Limits) -> Work {
    Work { digest: Some(Digest([text; 32])), limits, key: "".into() }
}

fn work() -> Work {
    work_within(1, Limits::default())
}

/// Queued shots at these prices.
fn shots(prices: &[i64]) -> Vec<Shot> {
    let all = prices.iter().enumerate();
    all.map(|(nth, price)| shot(&format!("s{nth}"), 1, Some(*price))).collect()
}

fn fleet(worker: &impl Ledger) -> &dyn Fleet {
    worker.fleet().unwrap()
}

/// A worker that has joined and begun.
async fn begun<S: Shared>(shared: &S, work: Work, shots: &[Shot]) -> Arc<S::Worker> {
    let worker = shared.open(Some(work)).await.unwrap();
    fleet(&*worker).begin(Some(shots.into()), None, at(0)).await.unwrap();
    worker
}

/// Two workers of one campaign.
async fn two<S: Shared>(shots: &[Shot]) -> (S, Arc<S::Worker>, Arc<S::Worker>) {
    let shared = S::make().await;
    let (one, other) = (begun(&shared, work(), shots).await, begun(&shared, work(), shots).await);
    (shared, one, other)
}

/// Wants all there is, but for what is handed over only to those that ask for it.
fn all() -> Want {
    Want { queued: 1000, purchases: 1000, ..Want::default() }
}

fn idle() -> Want {
    Want { is_idle: true, ..all() }
}

async fn assigned(worker: &impl Ledger, want: Want) -> Assigned {
    fleet(worker).assign(want).await.unwrap()
}

async fn handed(worker: &impl Ledger, want: Want) -> Vec<Entry> {
    assigned(worker, want).await.entries.into_iter().map(|(entry, _)| entry).collect()
}

/// The ids of what is handed over, in its order.
async fn names(worker: &impl Ledger, want: Want) -> Vec<String> {
    handed(worker, want).await.iter().map(|entry| entry.shot.to_string()).collect()
}

/// Gives back and asks for nothing.
async fn give_back(worker: &impl Ledger, revisions: &[RevisionId]) {
    let want = Want { returned: revisions.to_vec(), ..Want::default() };
    assert_eq!(assigned(worker, want).await.entries, []);
}

/// A shot's present revision, as everybody can read it.
fn now(worker: &impl Ledger, id: &str) -> Entry {
    let entries = worker.snapshot().unwrap().entries().unwrap();
    entries.into_iter().find(|entry| entry.current && entry.shot.as_str() == id).unwrap()
}

fn name_now(worker: &impl Ledger, id: &str) -> &'static str {
    now(worker, id).status.state.name()
}

fn claim(entry: &Entry) -> Commit {
    claiming(entry, spec(entry.price), &RULES, at(1))
}

fn moved(entry: &Entry, status: &RevisionState, event: ShotEvent) -> Commit {
    moving(entry.revision, status.after(event, at(2), &RULES).unwrap(), Vec::new(), at(2))
}

async fn commit(worker: &impl Ledger, commits: Vec<Commit>) -> Committed {
    worker.commit(Arc::new(commits)).await.unwrap()
}

async fn verdict(worker: &impl Ledger, commit: Commit) -> Verdict {
    worker.one(commit).await.unwrap().0
}

/// Claims, and buys a task.
async fn buy(worker: &impl Ledger, entry: &Entry, task: &str) -> RevisionState {
    let status = worker.claimed(entry, spec(entry.price), at(1)).await;
    worker.apply(entry.revision, &status, bought(task), &RULES, at(2)).await
}

/// What is handed over of a shot, and is the only thing.
async fn only_one(worker: &impl Ledger, want: Want) -> Entry {
    let mut all = handed(worker, want).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn not_sent() -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::NotSent { why: "no route".to_owned() })
}

fn rejected() -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::Rejected { why: "no".to_owned() })
}

fn odd() -> ShotEvent {
    let unknown = Some("odd".into());
    ShotEvent::Polled(PollOutcome::Working { is_waiting: false, unknown })
}
