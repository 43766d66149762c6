//! A ledger in memory: everything that a ledger promises but to outlive the process. What the ledger
//! in a file is held against, so it is written in the most obvious way.

mod commit;
mod record;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;

use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::{Shot, ShotId};
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State, Unanswered};
use crate::domain::time::Timestamp;
use crate::ledger::revision::has_open_attempt;
use crate::ledger::{
    Answer, Assign, AttemptSpec, CallbackSubscription, ClipFile, Commit, Committed, EarlierTask,
    Entry, Home, Identity, Ledger, LedgerError, Note, ReservedAttempt, RevisionId, Snapshot,
    StoredAttempt, StoredRequest,
};
use crate::policy::budget::{Balance, Budget};

/// A ledger that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    books: Mutex<Books>,
}

#[derive(Clone, Debug, Default)]
struct Books {
    budget: Budget,
    /// What the user said of it.
    home: Home,
    /// By id, from 1 on.
    revisions: Vec<Revision>,
    /// By id, from 1 on.
    attempts: Vec<Attempt>,
    /// Every movement of money into an account (positive) or out of it, in micro-dollars.
    moves: Vec<(Timestamp, Account, i64)>,
}

#[derive(Clone, Debug)]
struct Revision {
    /// Without what its attempt knows.
    entry: Entry,
    /// Its place in the manifest, as of when it was last current.
    position: usize,
    shot: Shot,
    /// By part, from 1 on.
    files: BTreeMap<usize, ClipFile>,
    urls: Vec<String>,
    completed_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Attempt {
    revision: RevisionId,
    spec: AttemptSpec,
    sent_at: Timestamp,
    account: Account,
    /// How its POST ended, as far as it was said.
    outcome: Option<AttemptOutcome>,
    task: Option<TaskId>,
    /// The tasks that were replaced, the oldest first.
    former_tasks: Vec<TaskId>,
    charge: Option<Charge>,
    /// What was answered first, where that was no task.
    why: Option<Box<str>>,
    /// The whole answer, if it left a doubt.
    answer: Option<Box<str>>,
}

impl Attempt {
    /// One of which nothing was heard.
    fn new(revision: RevisionId, spec: &AttemptSpec, sent_at: Timestamp, account: Account) -> Self {
        Self {
            revision,
            spec: spec.clone(),
            sent_at,
            account,
            outcome: None,
            task: None,
            former_tasks: Vec::new(),
            charge: None,
            why: None,
            answer: None,
        }
    }

    /// This task is another's: the latest of the former ones.
    fn refute(&mut self, task: &TaskId) {
        self.task = self.task.take().filter(|own| own != task);
        self.former_tasks.retain(|former| former != task);
        self.former_tasks.push(task.clone());
    }
}

impl MemoryLedger {
    /// An empty one without a cap.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn budget(&self) -> Budget {
        self.books().budget
    }

    fn balance(&self) -> Balance {
        self.books().balance()
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn note(&self, note: Note) -> Answer<'_, ()> {
        async move {
            let home = &mut self.books().home;
            match note {
                Note::MovedTo(address) => home.gateway = Some(address.to_string()),
                Note::Separate => home.separate = true,
            }
            Ok(())
        }
        .boxed()
    }

    fn set_budget(&self, budget: Budget) -> Answer<'_, ()> {
        async move {
            self.books().budget = budget;
            Ok(())
        }
        .boxed()
    }

    fn record(&self, shots: Arc<[Shot]>, _at: Timestamp) -> Answer<'_, Vec<Entry>> {
        async move { Ok(self.books().record(&shots, &Identity::default())) }.boxed()
    }

    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>> {
        async move {
            let books = self.books();
            Ok(books.open(which).into_iter().map(|revision| books.entry(revision)).collect())
        }
        .boxed()
    }

    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>> {
        async move { Ok(self.books().subscriptions()) }.boxed()
    }

    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed> {
        async move {
            let mut books = self.books();
            let verdicts = batch.iter().map(|commit| books.commit(commit)).collect();
            let balance = books.balance();
            Ok(Committed { verdicts, balance, places: None, reserve_used: false, displaced: None })
        }
        .boxed()
    }

    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool> {
        async move {
            let books = self.books();
            Ok(books.attempts.iter().any(|attempt| attempt.task.as_ref() == Some(task)))
        }
        .boxed()
    }

    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>> {
        async move { Ok(self.books().reserved(revision)) }.boxed()
    }

    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>> {
        async move { Ok(self.books().earlier()) }.boxed()
    }

    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool> {
        async move {
            let mut books = self.books();
            let is_reserved = !books.reserved(revision).is_empty();
            let has_files = books.revision_mut(revision).is_some_and(|one| !one.files.is_empty());
            Ok(is_reserved || has_files)
        }
        .boxed()
    }

    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>> {
        async move { Ok(self.books().attempts_of(revision)) }.boxed()
    }

    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest> {
        async move { Snapshot::request(&*self.books(), revision) }.boxed()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(self.books().clone()))
    }
}

impl Books {
    fn balance(&self) -> Balance {
        let sum = |account| -> Usd {
            let lie = self.attempts.iter().filter(|attempt| attempt.account == account);
            lie.filter_map(|attempt| attempt.spec.price).sum()
        };
        Balance {
            spent: sum(Account::Spent),
            reserved: sum(Account::Reserved),
            unconfirmed: sum(Account::Unconfirmed),
        }
    }

    fn numbered(&self) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        (1..).map(AttemptId).zip(&self.attempts)
    }

    fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.numbered().find(|(known, _)| *known == id).map(|(_, attempt)| attempt)
    }

    fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        let index = usize::try_from(id.0).ok()?.checked_sub(1)?;
        self.attempts.get_mut(index)
    }

    fn revision_mut(&mut self, id: RevisionId) -> Option<&mut Revision> {
        self.revisions.iter_mut().find(|revision| revision.entry.revision == id)
    }

    /// A revision with what its attempt knows.
    fn entry(&self, revision: &Revision) -> Entry {
        let mut entry = revision.entry.clone();
        let attempt = entry.status.state.attempt().and_then(|id| self.attempt(id));
        entry.charged_if_failed = has_open_attempt(&entry.status.state)
            && attempt.is_some_and(|attempt| attempt.spec.charged_if_failed);
        entry
    }

    fn open(&self, which: Assign) -> Vec<&Revision> {
        let mut open: Vec<&Revision> = self
            .revisions
            .iter()
            .filter(|Revision { entry, .. }| {
                let current = entry.current && which == Assign::All;
                current || (!entry.current && entry.status.state.is_unfinished_purchase())
            })
            .collect();
        open.sort_by_key(|Revision { entry, position, .. }| {
            let left = (!entry.current).then(|| (entry.shot.clone(), entry.number));
            (left, *position)
        });
        open
    }

    fn subscriptions(&self) -> Vec<CallbackSubscription> {
        let states = self.revisions.iter().map(|revision| &revision.entry.status.state);
        let open: Vec<AttemptId> =
            states.filter(|state| has_open_attempt(state)).filter_map(State::attempt).collect();
        self.numbered()
            .filter(|(id, attempt)| attempt.spec.key_on_wire && open.contains(id))
            .map(|(id, attempt)| CallbackSubscription {
                attempt: id,
                key: attempt.spec.key,
                sent_at: attempt.sent_at,
            })
            .collect()
    }

    fn reserved(&self, revision: RevisionId) -> Vec<ReservedAttempt> {
        self.numbered()
            .filter(|(_, attempt)| attempt.revision == revision)
            .filter(|(_, attempt)| attempt.account == Account::Reserved)
            .map(|(id, attempt)| ReservedAttempt {
                attempt: id,
                price: attempt.spec.price,
                sent_at: attempt.sent_at,
                task: attempt.task.clone(),
            })
            .collect()
    }

    /// The shot whose earlier attempt has the task of this one.
    fn task_first_of(&self, mine: AttemptId) -> Option<ShotId> {
        let task = self.attempt(mine)?.task.as_ref()?;
        let (_, first) = self
            .numbered()
            .find(|(id, attempt)| *id < mine && attempt.task.as_ref() == Some(task))?;
        let had = self.revisions.iter().find(|one| one.entry.revision == first.revision)?;
        Some(had.entry.shot.clone())
    }
}

impl Revision {
    /// Its state from now on, as far as it is kept: what only the process that made it knows is not.
    fn take(&mut self, mut status: RevisionState, at: Timestamp) {
        match &mut status.state {
            State::Submitting { doubt, .. } => *doubt = None,
            State::Rendering { silence, .. } => *silence = Unanswered::default(),
            _ => {}
        }
        match &status.state {
            State::Rendered { urls, completed_at, .. } => {
                self.urls.clone_from(urls);
                self.completed_at = Some(*completed_at);
            }
            // A report shows them to the end.
            State::Delivered { .. } | State::Failed { .. } => {}
            _ => (self.urls, self.completed_at) = (Vec::new(), None),
        }
        if matches!(status.state, State::Delivered { .. }) {
            self.delivered_at.get_or_insert(at);
        }
        self.entry.status = status;
    }
}
