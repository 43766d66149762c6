//! A database in memory, and what one worker's calls to it go through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::books::WorkerId;
use super::error::MemoryError;
use super::link::{AGAIN, Link};
use super::tables::Tables;
use crate::domain::state::AttemptId;
use crate::ledger::{Commit, Committed, LedgerError, RevisionId, Work};
use crate::policy::budget::{Balance, Budget};

/// What is kept, and what tests do to it.
#[derive(Debug, Default)]
pub(super) struct Database {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tables: Tables,
    /// The latest states before the present one, if they are kept; the oldest first.
    before: Vec<Tables>,
    keeps: usize,
    /// By number: so many batches there were when it last heard of the database.
    heard: Vec<u64>,
    /// By number: whether it knows more than the database.
    knows_more: Vec<bool>,
    has_forgotten: bool,
}

impl Database {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what is kept.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.inner().tables)
    }

    fn join(&self, work: Option<Work>, post_lasts: Duration) -> Result<WorkerId, MemoryError> {
        let mut inner = self.inner();
        if inner.has_forgotten {
            return Err(MemoryError::Forgetful);
        }
        inner.tables.join(work, post_lasts, Instant::now())
    }

    /// From now on so many states are kept that can be gone back to.
    pub(super) fn keep(&self, states: usize) {
        self.inner().keeps = states;
    }

    /// Goes back by so many batches, as far as they are kept. Those that hear of it know better.
    pub(super) fn forget(&self, batches: usize) -> bool {
        let mut inner = self.inner();
        let Some(at) = inner.before.len().checked_sub(batches.max(1)) else { return false };
        let now = std::mem::take(&mut inner.tables);
        inner.before.truncate(at + 1);
        let mut then = inner.before.pop().unwrap_or_default();
        let all = now.workers.iter().enumerate();
        let knows_more = all.map(|(nth, worker)| {
            let heard = inner.heard.get(nth).copied().unwrap_or_default();
            let hears = worker.ended.is_none() && worker.silent_since.is_none();
            hears || heard > then.batches || nth >= then.workers.len()
        });
        inner.knows_more = knows_more.collect();
        // Who hears of it, and who does not, is no matter of what is kept.
        (then.workers, then.moves) = (now.workers, now.moves);
        inner.tables = then;
        inner.has_forgotten = true;
        true
    }
}

impl Inner {
    /// One call of a worker, which may have another number afterwards.
    fn call<T>(
        &mut self,
        me: WorkerId,
        work: impl FnOnce(&mut Tables, WorkerId) -> T,
    ) -> Result<(WorkerId, T), MemoryError> {
        if self.knows_more.get(me.0).copied().unwrap_or_default() {
            return Err(MemoryError::Forgetful);
        }
        let me = self.tables.enter(me, Instant::now())?;
        let before = (self.keeps > 0).then(|| self.tables.clone());
        let batches = self.tables.batches;
        let answer = work(&mut self.tables, me);
        if let Some(before) = before.filter(|_| self.tables.batches != batches) {
            self.before.push(before);
            let surplus = self.before.len().saturating_sub(self.keeps);
            self.before.drain(..surplus);
        }
        self.heard.resize(self.tables.workers.len(), 0);
        if let Some(heard) = self.heard.get_mut(me.0) {
            *heard = self.tables.batches;
        }
        Ok((me, answer))
    }
}

/// One worker of a database, or a visitor.
#[derive(Debug)]
pub(super) struct Member {
    database: Arc<Database>,
    link: Link,
    own: Mutex<Own>,
    /// One batch at a time, so that each has a number.
    turn: tokio::sync::Mutex<u64>,
    assignments: tokio::sync::Mutex<u64>,
}

/// What a worker knows by itself.
#[derive(Clone, Debug)]
struct Own {
    number: WorkerId,
    budget: Budget,
    balance: Balance,
    failed: Option<MemoryError>,
}

impl Member {
    pub(super) fn join(
        database: &Arc<Database>,
        work: Option<Work>,
        post_lasts: Duration,
    ) -> Result<Self, MemoryError> {
        let number = database.join(work, post_lasts)?;
        let (budget, balance) =
            database.with(|tables| (tables.books.budget, tables.books.balance()));
        Ok(Self {
            database: Arc::clone(database),
            link: Link::default(),
            own: Mutex::new(Own { number, budget, balance, failed: None }),
            turn: tokio::sync::Mutex::default(),
            assignments: tokio::sync::Mutex::default(),
        })
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The money as it was last heard of.
    pub(super) fn balance(&self) -> Balance {
        self.own().balance
    }

    /// The cap as it was last heard of.
    pub(super) fn budget(&self) -> Budget {
        self.own().budget
    }

    pub(super) fn has_failed(&self) -> bool {
        self.own().failed.is_some()
    }

    pub(super) fn hurry(&self) {
        self.link.hurry();
    }

    pub(super) fn begins_run(&self) -> bool {
        let number = self.own().number;
        self.database
            .with(|tables| tables.workers.get(number.0).is_some_and(|worker| worker.begins_run))
    }

    /// Whether a revision is in its hands.
    pub(super) fn has_in_hands(&self, revision: RevisionId) -> bool {
        let number = self.own().number;
        self.database.with(|tables| tables.is_in_hands(number, revision))
    }

    /// Whether an attempt may be sent, as far as this worker can tell.
    pub(super) fn may_leave(&self, attempt: AttemptId) -> bool {
        let number = self.own().number;
        let inner = self.database.inner();
        !inner.knows_more.get(number.0).copied().unwrap_or_default()
            && inner.tables.may_leave(number, attempt, Instant::now())
    }

    /// A call, made as often as it takes to hear the answer.
    pub(super) async fn call<T>(
        &self,
        mut work: impl FnMut(&mut Tables, WorkerId) -> T + Send,
    ) -> Result<T, LedgerError> {
        loop {
            let reached = self.link.reach().await;
            let answer = reached.and_then(|()| self.once(&mut work)).inspect_err(|error| {
                self.own().failed.get_or_insert(*error);
            })?;
            match self.link.loses_answer() {
                None => return Ok(answer),
                Some(true) => self.cut_off(),
                Some(false) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    fn once<T>(&self, work: impl FnMut(&mut Tables, WorkerId) -> T) -> Result<T, MemoryError> {
        let mut own = self.own();
        if let Some(failed) = own.failed {
            return Err(failed);
        }
        let mut inner = self.database.inner();
        let (number, answer) = inner.call(own.number, work)?;
        let books = &inner.tables.books;
        (own.number, own.budget, own.balance) = (number, books.budget, books.balance());
        Ok(answer)
    }

    /// A batch, which is made once however often its answer is lost.
    pub(super) async fn commit(&self, batch: Arc<Vec<Commit>>) -> Result<Committed, LedgerError> {
        let mut turn = self.turn.lock().await;
        *turn += 1;
        let nth = *turn;
        self.call(move |tables, me| tables.batch(me, nth, &batch)).await
    }

    /// The number of the next assignment, which is this worker's only one until it is dropped.
    pub(super) async fn next_assignment(&self) -> tokio::sync::MutexGuard<'_, u64> {
        let mut nth = self.assignments.lock().await;
        *nth += 1;
        nth
    }

    /// No call gets through from now on, and the lease is not renewed.
    pub(super) fn cut_off(&self) {
        self.link.set_cut(true);
        self.set_silent(Some(Instant::now()));
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.link.is_cut()
    }

    pub(super) fn heal(&self) {
        self.set_silent(None);
        self.link.set_cut(false);
    }

    pub(super) fn lose_next_answer(&self, then_cut: bool) {
        self.link.lose_next_answer(then_cut);
    }

    fn set_silent(&self, since: Option<Instant>) {
        let number = self.own().number;
        self.database.with(|tables| {
            if let Some(worker) = tables.workers.get_mut(number.0) {
                worker.silent_since = since.and(worker.silent_since).or(since);
            }
        });
    }
}

/// It leaves, unless the database cannot hear of that.
impl Drop for Member {
    fn drop(&mut self) {
        let number = self.own().number;
        if !self.link.is_cut() {
            self.database.with(|tables| tables.leave(number, Instant::now()));
        }
    }
}
