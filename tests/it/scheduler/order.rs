//! The driver's order: begin what waits for no commit, commit the batch, begin what follows from it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use rushes::blocking::Threads;
use rushes::clips::FolderStore;
use rushes::domain::outcome::TaskId;
use rushes::domain::shot::Shot;
use rushes::domain::time::Timestamp;
use rushes::ledger::{
    Answer, Assign, CallbackSubscription, Change, Commit, Committed, EarlierTask, Entry, Ledger,
    LedgerError, Note, ReservedAttempt, RevisionId, Snapshot, StoredAttempt, StoredRequest,
};
use rushes::policy::budget::{Balance, Budget};
use rushes::scheduler::{self, CancelToken, Deps, RunOptions, RunOutcome, StopReason};
use tokio::sync::watch;

use super::stage::{Puppet, Stage, bought, clip, completed, shots};
use rushes::ledger::MemoryLedger;

/// What happened, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// The place of what happened for the `nth` time, from 1.
    fn place(&self, what: &str, nth: usize) -> usize {
        let seen = self.0.lock().unwrap();
        let mut places = seen.iter().enumerate().filter(|(_, it)| *it == what);
        let (place, _) = places.nth(nth - 1).unwrap_or_else(|| panic!("no {what} in {seen:?}"));
        place
    }
}

/// A ledger in memory that takes a second for each batch, and notes when it begins and when the
/// batch is durable.
struct SlowLedger {
    memory: MemoryLedger,
    seen: Seen,
    /// After this many batches it has failed, and says so a second before the next one is answered.
    fails_after: usize,
}

impl SlowLedger {
    fn batches(&self) -> usize {
        let seen = self.seen.0.lock().unwrap();
        seen.iter().filter(|what| what.starts_with("wrote")).count()
    }
}

impl Ledger for SlowLedger {
    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed> {
        async move {
            if self.has_failed() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Err(LedgerError::DiskFull("ledger.sqlite".into()));
            }
            let to = |commit: &Commit| match &commit.change {
                Change::Transition { transition, .. } => transition.to.state.name(),
                Change::Earlier { .. } => "earlier",
                Change::Charge { .. } => "charge",
                Change::Late { .. } => "late",
            };
            let batch_of: Vec<&str> = batch.iter().map(to).collect();
            self.seen.note(format!("writes {}", batch_of.join(" ")));
            tokio::time::sleep(Duration::from_secs(1)).await;
            let committed = self.memory.commit(Arc::clone(&batch)).await;
            self.seen.note(format!("wrote {}", batch_of.join(" ")));
            committed
        }
        .boxed()
    }

    fn budget(&self) -> Budget {
        self.memory.budget()
    }

    fn balance(&self) -> Balance {
        self.memory.balance()
    }

    fn has_failed(&self) -> bool {
        self.batches() >= self.fails_after
    }

    fn note(&self, note: Note) -> Answer<'_, ()> {
        self.memory.note(note)
    }

    fn set_budget(&self, budget: Budget) -> Answer<'_, ()> {
        self.memory.set_budget(budget)
    }

    fn record(&self, shots: Arc<[Shot]>, at: Timestamp) -> Answer<'_, Vec<Entry>> {
        self.memory.record(shots, at)
    }

    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>> {
        self.memory.assign(which)
    }

    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>> {
        self.memory.subscriptions()
    }

    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool> {
        self.memory.knows_task(task)
    }

    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>> {
        self.memory.reserved_attempts(revision)
    }

    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>> {
        self.memory.earlier_tasks()
    }

    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool> {
        self.memory.may_have_clip(revision)
    }

    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>> {
        self.memory.attempts(revision)
    }

    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest> {
        self.memory.request(revision)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        self.memory.snapshot()
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_does_not_wait_for_the_next_batch_and_a_download_waits_for_its_own() {
    let (stage, seen) = (Stage::new(), Seen::default());
    let (submits, fetches) = (seen.clone(), seen.clone());
    let gateway = Puppet::default()
        .on_submit(move |prompt, _| {
            submits.note(format!("POST {prompt}"));
            bought(prompt)
        })
        .on_poll(|_, _| completed())
        .on_fetch(move |_| {
            fetches.note("download");
            Ok(clip())
        });
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryLedger::new();
    let ledger = SlowLedger { memory, seen: seen.clone(), fails_after: usize::MAX };
    let clips = FolderStore::open(folder.path(), Threads::InPlace).unwrap();
    let deps = Deps::new(Arc::new(gateway), Arc::new(ledger), Arc::new(clips), stage.clock.clone());
    let (progress, _) = watch::channel(scheduler::Progress::default());
    let options = RunOptions::new(stage.options.limits.clone());
    let ended = scheduler::run(shots(2).into(), options, deps, CancelToken::default(), progress);
    assert_eq!(ended.await.unwrap(), RunOutcome::Done);

    let (first, second) = (seen.place("wrote submitting", 1), seen.place("wrote submitting", 2));
    let post = seen.place("POST s000", 1);
    assert!(first < post, "the claim is durable first: {:?}", seen.0);
    assert!(post < second, "the POST does not wait for the other claim: {:?}", seen.0);
    let (rendered, download) = (seen.place("wrote rendered", 1), seen.place("download", 1));
    assert!(rendered < download, "nothing follows before it is durable: {:?}", seen.0);
}

#[tokio::test(start_paused = true)]
async fn a_post_does_not_leave_once_the_ledger_has_failed() {
    let (stage, seen) = (Stage::new(), Seen::default());
    let submits = seen.clone();
    let gateway = Puppet::default().on_submit(move |prompt, _| {
        submits.note(format!("POST {prompt}"));
        bought(prompt)
    });
    let folder = tempfile::tempdir().unwrap();
    let ledger = SlowLedger { memory: MemoryLedger::new(), seen: seen.clone(), fails_after: 1 };
    let clips = FolderStore::open(folder.path(), Threads::InPlace).unwrap();
    let deps = Deps::new(Arc::new(gateway), Arc::new(ledger), Arc::new(clips), stage.clock.clone());
    let (progress, _) = watch::channel(scheduler::Progress::default());
    let options = RunOptions::new(stage.options.limits.clone());
    let ended = scheduler::run(shots(2).into(), options, deps, CancelToken::default(), progress);
    let ended = ended.await.unwrap();

    assert!(matches!(ended, RunOutcome::Stopped(StopReason::Ledger(_))), "{ended:?}");
    assert_eq!(seen.place("wrote submitting", 1), 1, "the claim was durable: {:?}", seen.0);
    let seen = seen.0.lock().unwrap();
    assert!(!seen.iter().any(|what| what.starts_with("POST")), "{seen:?}");
}
