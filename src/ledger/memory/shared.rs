//! A database in memory that several workers of one campaign share, and what each of them asks of it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::MemoryLedger;
use super::books::WorkerId;
use super::database::{Database, Member};
use super::error::MemoryError;
use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::{
    Answer, Assigned, Begun, Counts, Entry, Fleet, RevisionId, SlotRequest, Slots, Snapshot,
    StoredAttempt, Want, Work,
};
use crate::policy::budget::Budget;

/// A campaign's books in memory that several workers share: the plain model of a database. What can go
/// wrong between it and a worker does so when a test says so.
#[derive(Clone, Debug, Default)]
pub struct MemoryDatabase {
    database: Arc<Database>,
}

impl MemoryDatabase {
    /// An empty one without a cap.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The ledger of one more worker; without `work` that of a visitor, which counts as no worker. A
    /// POST of its may be on the wire for `post_lasts` at most. It leaves when it is dropped.
    ///
    /// # Errors
    /// When another worker renders another text, or the database has forgotten something.
    pub fn join(
        &self,
        work: Option<Work>,
        post_lasts: Duration,
    ) -> Result<MemoryLedger, MemoryError> {
        MemoryLedger::join(&self.database, work, post_lasts)
    }

    /// What it says now.
    #[must_use]
    pub fn snapshot(&self) -> Box<dyn Snapshot> {
        Box::new(self.database.with(|tables| tables.books.clone()))
    }

    /// In whose hands a revision is: the holder's number, which tells only whether two are one.
    #[must_use]
    pub fn holder(&self, revision: RevisionId) -> Option<usize> {
        let holder = |number: WorkerId| number.0;
        self.database.with(|tables| tables.books.revision(revision)?.holder.map(holder))
    }

    /// Whether any attempt has this task, or was said to have it.
    #[must_use]
    pub fn knows_task(&self, task: &TaskId) -> bool {
        self.database.with(|tables| {
            let mut attempts = tables.books.attempts.iter();
            attempts.any(|one| one.task.as_ref() == Some(task) || one.former_tasks.contains(task))
        })
    }

    /// Every revision, as a snapshot has them.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.database.with(|tables| tables.books.entries().unwrap_or_default())
    }

    /// All attempts of a revision, the oldest first.
    #[must_use]
    pub fn attempts(&self, revision: RevisionId) -> Vec<StoredAttempt> {
        self.database.with(|tables| tables.books.attempts_of(revision))
    }

    /// From which state into which revisions came since the last call, by their names, in the order in
    /// which that was written.
    #[must_use]
    pub fn take_moves(&self) -> Vec<(RevisionId, &'static str, &'static str)> {
        self.database.with(|tables| std::mem::take(&mut tables.moves))
    }

    /// So many of the account's places in flight are free.
    #[must_use]
    pub fn places(&self) -> u32 {
        self.database.with(|tables| tables.places())
    }

    /// From now on so many batches can be forgotten.
    pub fn keep(&self, batches: usize) {
        self.database.keep(batches);
    }

    /// Forgets so many of the last batches, if they were kept; answers whether they were. From then on
    /// it is refused by every worker that knows better, and by those that would join.
    #[must_use]
    pub fn forget(&self, batches: usize) -> bool {
        self.database.forget(batches)
    }
}

impl MemoryLedger {
    /// Whether a revision is in this worker's hands, as the database has it.
    #[must_use]
    pub fn has_in_hands(&self, revision: RevisionId) -> bool {
        self.member().is_ok_and(|member| member.has_in_hands(revision))
    }
}

impl Fleet for MemoryLedger {
    fn begins_run(&self) -> bool {
        self.member().is_ok_and(Member::begins_run)
    }

    fn begin(
        &self,
        shots: Option<Arc<[Shot]>>,
        only: Option<Vec<u32>>,
        _at: Timestamp,
    ) -> Answer<'_, Begun> {
        self.ask(move |tables, me| tables.begin(me, shots.as_ref(), only.as_ref()))
    }

    fn assign(&self, want: Want) -> Answer<'_, Assigned> {
        async move {
            let member = self.member()?;
            let nth = member.next_assignment().await;
            member.call(|tables, me| tables.assign(me, *nth, &want, Instant::now())).await
        }
        .boxed()
    }

    fn take(&self, revision: RevisionId) -> Answer<'_, Option<Entry>> {
        self.ask(move |tables, me| tables.take(me, revision))
    }

    fn slots(&self, request: SlotRequest) -> Answer<'_, Slots> {
        self.ask(move |tables, _| tables.slots(Instant::now(), &request))
    }

    fn counts(&self) -> Answer<'_, Counts> {
        self.ask(|tables, _| tables.books.counts())
    }

    fn set_paused(&self, paused: bool) -> Answer<'_, ()> {
        self.ask(move |tables, _| tables.is_paused = paused)
    }

    fn offer_budget(&self, budget: Budget) -> Answer<'_, Budget> {
        self.ask(move |tables, _| {
            if tables.written_budget.replace(budget) != Some(budget) {
                tables.books.budget = budget;
            }
            tables.books.budget
        })
    }

    fn may_leave(&self, attempt: AttemptId) -> bool {
        self.member().is_ok_and(|member| member.may_leave(attempt))
    }
}
