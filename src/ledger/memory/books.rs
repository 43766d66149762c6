//! What a ledger in memory keeps, and what can be read from it.

use std::collections::BTreeMap;

use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::{Shot, ShotId};
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State, Unanswered};
use crate::domain::time::Timestamp;
use crate::ledger::revision::has_open_attempt;
use crate::ledger::{
    Assign, AttemptSpec, CallbackSubscription, ClipFile, Entry, Home, ReservedAttempt, RevisionId,
};
use crate::policy::budget::{Balance, Budget};

/// A worker's number, which is never used again: its place among all that ever joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkerId(pub(super) usize);

#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) budget: Budget,
    /// What the user said of it.
    pub(super) home: Home,
    /// By id, from 1 on.
    pub(super) revisions: Vec<Revision>,
    /// By id, from 1 on.
    pub(super) attempts: Vec<Attempt>,
    /// Every movement of money into an account (positive) or out of it, in micro-dollars.
    pub(super) moves: Vec<(Timestamp, Account, i64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Revision {
    /// Without what its attempt knows.
    pub(super) entry: Entry,
    /// Its place in the manifest, as of when it was last current.
    pub(super) position: usize,
    pub(super) shot: Shot,
    /// By part, from 1 on.
    pub(super) files: BTreeMap<usize, ClipFile>,
    pub(super) urls: Vec<String>,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) delivered_at: Option<Timestamp>,
    /// In whose hands it is, where several workers share the books.
    pub(super) holder: Option<WorkerId>,
    /// The run in which it was last handed over; 0: never.
    pub(super) taken_up: u64,
    /// Whether the place in flight of its task is another's by now.
    pub(super) is_late: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) revision: RevisionId,
    pub(super) spec: AttemptSpec,
    pub(super) sent_at: Timestamp,
    pub(super) account: Account,
    /// How its POST ended, as far as it was said.
    pub(super) outcome: Option<AttemptOutcome>,
    pub(super) task: Option<TaskId>,
    /// The tasks that were replaced, the oldest first.
    pub(super) former_tasks: Vec<TaskId>,
    pub(super) charge: Option<Charge>,
    /// What was answered first, where that was no task.
    pub(super) why: Option<Box<str>>,
    /// The whole answer, if it left a doubt.
    pub(super) answer: Option<Box<str>>,
    /// Who claimed it, where several workers share the books.
    pub(super) worker: Option<WorkerId>,
}

/// What calls said about an attempt, in the order in which it was named.
#[derive(Clone, Debug, Default)]
pub(super) struct NotedCallback {
    pub(super) tasks: Vec<TaskId>,
    /// Which worker heard of it last, with which of its assignments.
    pub(super) told: Option<(WorkerId, u64)>,
}

impl Attempt {
    /// One of which nothing was heard.
    pub(super) fn new(
        revision: RevisionId,
        spec: &AttemptSpec,
        sent_at: Timestamp,
        account: Account,
    ) -> Self {
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
            worker: None,
        }
    }

    /// This task is another's: the latest of the former ones.
    pub(super) fn refute(&mut self, task: &TaskId) {
        self.task = self.task.take().filter(|own| own != task);
        self.former_tasks.retain(|former| former != task);
        self.former_tasks.push(task.clone());
    }
}

impl Books {
    pub(super) fn balance(&self) -> Balance {
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

    pub(super) fn numbered(&self) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        (1..).map(AttemptId).zip(&self.attempts)
    }

    pub(super) fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.numbered().find(|(known, _)| *known == id).map(|(_, attempt)| attempt)
    }

    pub(super) fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        let index = usize::try_from(id.0).ok()?.checked_sub(1)?;
        self.attempts.get_mut(index)
    }

    pub(super) fn revision(&self, id: RevisionId) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.entry.revision == id)
    }

    pub(super) fn revision_mut(&mut self, id: RevisionId) -> Option<&mut Revision> {
        self.revisions.iter_mut().find(|revision| revision.entry.revision == id)
    }

    /// A revision with what its attempt knows.
    pub(super) fn entry(&self, revision: &Revision) -> Entry {
        let mut entry = revision.entry.clone();
        let attempt = entry.status.state.attempt().and_then(|id| self.attempt(id));
        entry.charged_if_failed = has_open_attempt(&entry.status.state)
            && attempt.is_some_and(|attempt| attempt.spec.charged_if_failed);
        entry
    }

    pub(super) fn open(&self, which: Assign) -> Vec<&Revision> {
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

    pub(super) fn subscriptions(&self) -> Vec<CallbackSubscription> {
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

    pub(super) fn reserved(&self, revision: RevisionId) -> Vec<ReservedAttempt> {
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
    pub(super) fn task_first_of(&self, mine: AttemptId) -> Option<ShotId> {
        let task = self.attempt(mine)?.task.as_ref()?;
        let (_, first) = self
            .numbered()
            .find(|(id, attempt)| *id < mine && attempt.task.as_ref() == Some(task))?;
        let had = self.revisions.iter().find(|one| one.entry.revision == first.revision)?;
        Some(had.entry.shot.clone())
    }
}

impl Revision {
    /// Whether it takes one of the account's places in flight.
    pub(super) fn is_in_flight(&self) -> bool {
        match self.entry.status.state {
            State::Submitting { .. } => true,
            State::Rendering { stalled: None, .. } => !self.is_late,
            _ => false,
        }
    }

    /// Its state from now on, as far as it is kept: what only the process that made it knows is not.
    pub(super) fn take(&mut self, mut status: RevisionState, at: Timestamp) {
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
        self.is_late = false;
        self.entry.status = status;
    }
}
