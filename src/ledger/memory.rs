//! A ledger in memory: everything that a ledger promises but to outlive the process. What the ledger
//! in a file is held against, so it is written in the most obvious way.

mod assign;
mod batch;
mod books;
mod callbacks;
mod commit;
mod database;
mod error;
mod link;
mod record;
mod shared;
mod slots;
mod snapshot;
mod tables;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::ledger::{
    Answer, Assign, CallbackSubscription, Commit, Committed, EarlierTask, Entry, Fleet, Identity,
    Ledger, LedgerError, Note, ReservedAttempt, RevisionId, Snapshot, StoredAttempt, StoredRequest,
    Work,
};
use crate::policy::budget::{Balance, Budget};
use books::{Books, WorkerId};
use database::{Database, Member};
pub use error::MemoryError;
pub use shared::MemoryDatabase;
use tables::Tables;

/// A ledger that forgets everything when it is dropped, or when the last worker that shares it is.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    database: Arc<Database>,
    /// Which of several workers this is; `None`: the only one.
    member: Option<Member>,
}

impl MemoryLedger {
    /// An empty one without a cap, for one worker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No call of this worker gets through from now on, until [`Self::heal`]: none is answered. One
    /// that is dropped meanwhile is dead: it does not leave.
    pub fn cut_off(&self) {
        self.member.iter().for_each(Member::cut_off);
    }

    /// Whether no call gets through.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.member.as_ref().is_some_and(Member::is_cut_off)
    }

    /// Calls get through again.
    pub fn heal(&self) {
        self.member.iter().for_each(Member::heal);
    }

    /// The answer to the next call is lost after the call was done; with `then_cut` no other one gets
    /// through until [`Self::heal`].
    pub fn lose_next_answer(&self, then_cut: bool) {
        self.member.iter().for_each(|member| member.lose_next_answer(then_cut));
    }

    fn join(
        database: &Arc<Database>,
        work: Option<Work>,
        post_lasts: Duration,
    ) -> Result<Self, MemoryError> {
        let member = Member::join(database, work, post_lasts)?;
        Ok(Self { database: Arc::clone(database), member: Some(member) })
    }

    fn member(&self) -> Result<&Member, LedgerError> {
        let alone = || LedgerError::defect("the ledger in memory of one worker is shared");
        self.member.as_ref().ok_or_else(alone)
    }

    /// A call of one of several workers.
    fn ask<'a, T: Send + 'a>(
        &'a self,
        work: impl FnMut(&mut Tables, WorkerId) -> T + Send + 'a,
    ) -> Answer<'a, T> {
        async move { self.member()?.call(work).await }.boxed()
    }

    /// A call about the books.
    fn call<'a, T: Send + 'a>(
        &'a self,
        mut work: impl FnMut(&mut Books) -> T + Send + 'a,
    ) -> Answer<'a, T> {
        async move {
            match &self.member {
                None => Ok(self.database.with(|tables| work(&mut tables.books))),
                Some(member) => member.call(|tables, _| work(&mut tables.books)).await,
            }
        }
        .boxed()
    }
}

impl Ledger for MemoryLedger {
    fn budget(&self) -> Budget {
        let kept = || self.database.with(|tables| tables.books.budget);
        self.member.as_ref().map_or_else(kept, Member::budget)
    }

    fn balance(&self) -> Balance {
        let kept = || self.database.with(|tables| tables.books.balance());
        self.member.as_ref().map_or_else(kept, Member::balance)
    }

    fn has_failed(&self) -> bool {
        self.member.as_ref().is_some_and(Member::has_failed)
    }

    fn hurry(&self) {
        self.member.iter().for_each(Member::hurry);
    }

    fn fleet(&self) -> Option<&dyn Fleet> {
        self.member.as_ref().map(|_| self as &dyn Fleet)
    }

    fn note(&self, note: Note) -> Answer<'_, ()> {
        self.call(move |books| match &note {
            Note::MovedTo(address) => books.home.gateway = Some(address.to_string()),
            Note::Separate => books.home.separate = true,
        })
    }

    fn set_budget(&self, budget: Budget) -> Answer<'_, ()> {
        self.call(move |books| books.budget = budget)
    }

    fn record(&self, shots: Arc<[Shot]>, _at: Timestamp) -> Answer<'_, Vec<Entry>> {
        self.call(move |books| books.record(&shots, &Identity::default()))
    }

    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>> {
        self.call(move |books| {
            books.open(which).into_iter().map(|revision| books.entry(revision)).collect()
        })
    }

    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>> {
        self.call(|books| books.subscriptions())
    }

    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed> {
        async move {
            if let Some(member) = &self.member {
                return member.commit(batch).await;
            }
            Ok(self.database.with(|tables| {
                let verdicts = batch.iter().map(|commit| tables.books.commit(commit)).collect();
                let balance = tables.books.balance();
                Committed {
                    verdicts,
                    balance,
                    places: None,
                    month_left: None,
                    reserve_used: false,
                    displaced: None,
                }
            }))
        }
        .boxed()
    }

    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool> {
        self.call(|books| books.attempts.iter().any(|attempt| attempt.task.as_ref() == Some(task)))
    }

    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>> {
        self.call(move |books| books.reserved(revision))
    }

    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>> {
        self.call(|books| books.earlier())
    }

    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool> {
        self.call(move |books| {
            let is_reserved = !books.reserved(revision).is_empty();
            let has_files = books.revision(revision).is_some_and(|one| !one.files.is_empty());
            is_reserved || has_files
        })
    }

    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>> {
        self.call(move |books| books.attempts_of(revision))
    }

    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest> {
        let asked = self.call(move |books| Snapshot::request(books, revision));
        async move { asked.await? }.boxed()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(self.database.with(|tables| tables.books.clone())))
    }
}
