//! What becomes of a worker's batch where several share a ledger in memory: what is not in its hands
//! any more is not touched, and what it says first-hand of an attempt is kept all the same.

use super::books::{Revision, WorkerId};
use super::tables::Tables;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::{AttemptSpec, Change, Commit, Committed, LedgerError, RevisionId, Verdict};

impl Tables {
    /// Makes a batch, or answers again what became of it if it was made before under this number.
    pub(super) fn batch(&mut self, me: WorkerId, nth: u64, batch: &[Commit]) -> Committed {
        let made = self.workers.get(me.0).and_then(|worker| worker.last_batch.clone());
        if let Some((_, committed)) = made.filter(|(last, _)| *last == nth) {
            return self.still(me, batch, committed);
        }
        let verdicts = batch.iter().map(|commit| self.commit_and_note(me, commit)).collect();
        let (balance, places) = (self.books.balance(), Some(self.places()));
        let committed = Committed {
            verdicts,
            balance,
            places,
            month_left: None,
            reserve_used: false,
            displaced: None,
        };
        if let Some(worker) = self.workers.get_mut(me.0) {
            worker.last_batch = Some((nth, committed.clone()));
        }
        self.batches += 1;
        committed
    }

    /// What became of a batch, as of now: what was claimed counts only while it is in its hands.
    fn still(&self, me: WorkerId, batch: &[Commit], mut committed: Committed) -> Committed {
        for (commit, verdict) in batch.iter().zip(&mut committed.verdicts) {
            if let (Change::Transition { revision, transition, .. }, Verdict::Claimed(_)) =
                (&commit.change, &verdict)
                && !is_adoption(transition)
                && !self.is_in_hands(me, *revision)
            {
                *verdict = Verdict::Gone;
            }
        }
        committed
    }

    /// A commit, and what it made of a revision's state.
    fn commit_and_note(&mut self, me: WorkerId, commit: &Commit) -> Verdict {
        let Change::Transition { revision, .. } = &commit.change else {
            return self.commit(me, commit);
        };
        let name = |tables: &Self| {
            let revision = tables.books.revision(*revision);
            revision.map_or("", |one| one.entry.status.state.name())
        };
        let was = name(self);
        let verdict = self.commit(me, commit);
        let is_now = name(self);
        if was != is_now {
            self.moves.push((*revision, was, is_now));
        }
        verdict
    }

    fn commit(&mut self, me: WorkerId, commit: &Commit) -> Verdict {
        let verdict = match &commit.change {
            Change::Transition { revision, transition, attempt: Some(spec), .. } => {
                match self.forbids(me, *revision, transition, spec) {
                    Some(verdict) => verdict,
                    None => self.books.commit(commit),
                }
            }
            Change::Transition { revision, transition, .. } => {
                if self.is_in_hands(me, *revision) {
                    self.books.commit(commit)
                } else {
                    self.hear_late(*revision, transition, commit)
                }
            }
            Change::Late { revision } => self.give_place_away(me, *revision),
            Change::Earlier { .. } | Change::Charge { .. } => self.books.commit(commit),
        };
        self.settle(me, commit, &verdict);
        verdict
    }

    /// Why a purchase, or a clip that stands for one, is not granted whatever the books say.
    fn forbids(
        &self,
        me: WorkerId,
        id: RevisionId,
        transition: &Transition,
        spec: &AttemptSpec,
    ) -> Option<Verdict> {
        let revision = self.books.revision(id);
        if is_adoption(transition) {
            let may_be = |one: &Revision| one.holder.is_none_or(|holder| holder == me);
            return (!revision.is_some_and(may_be)).then_some(Verdict::Gone);
        }
        let State::Submitting { doubt, .. } = &transition.to.state else { return None };
        let is_expected = |one: &Revision| match one.entry.status.state {
            State::Queued { .. } => doubt.is_none(),
            State::InDoubt { .. } => doubt.is_some(),
            _ => false,
        };
        let is_mine = |one: &&Revision| one.holder == Some(me) && one.entry.current;
        if !revision.filter(is_mine).is_some_and(is_expected) {
            return Some(Verdict::Gone);
        }
        if !self.books.budget.allows(&self.books.balance(), spec.price) {
            return Some(Verdict::OverCap);
        }
        (self.places() == 0).then_some(Verdict::Full)
    }

    /// Who has a revision, and who made an attempt, once a commit is written.
    fn settle(&mut self, me: WorkerId, commit: &Commit, verdict: &Verdict) {
        let Change::Transition { revision, transition, .. } = &commit.change else { return };
        if let Verdict::Claimed(attempt) = verdict
            && let Some(attempt) = self.books.attempt_mut(*attempt)
        {
            attempt.worker = Some(me);
        }
        let is_made = matches!(verdict, Verdict::Claimed(_) | Verdict::Written { .. });
        if is_made
            && matches!(transition.to.state, State::Delivered { .. })
            && let Some(revision) = self.books.revision_mut(*revision)
        {
            revision.holder = None;
        }
    }

    fn give_place_away(&mut self, me: WorkerId, id: RevisionId) -> Verdict {
        let renders = |one: &&mut Revision| {
            let state = &one.entry.status.state;
            one.holder == Some(me) && matches!(state, State::Rendering { .. })
        };
        match self.books.revision_mut(id).filter(renders) {
            Some(revision) => {
                revision.is_late = true;
                Verdict::Written { task_first_of: None }
            }
            None => Verdict::Gone,
        }
    }

    /// What a worker says of a revision that is not in its hands: how its POST ended is kept.
    fn hear_late(&mut self, id: RevisionId, transition: &Transition, commit: &Commit) -> Verdict {
        let Some(change) = transition.change.as_ref().filter(|change| change.outcome.is_some())
        else {
            return Verdict::Gone;
        };
        if let Err(error) = self.books.holds(id, change) {
            return Verdict::Refused(error);
        }
        let task = task_of(transition, change.attempt);
        let attempt = self.books.attempt(change.attempt);
        let is_known = task.is_some() && attempt.is_some_and(|had| had.task.as_ref() == task);
        match self.books.revision_mut(id) {
            Some(revision) if is_settled_by(revision, change, is_known) => {
                revision.holder = None;
                match self.books.commit(commit) {
                    Verdict::Refused(error) => Verdict::Refused(error),
                    _ => Verdict::Gone,
                }
            }
            Some(_) => {
                self.note_late(change, task, commit.at);
                Verdict::Gone
            }
            None => Verdict::Refused(LedgerError::defect(format!("no revision {}", id.0))),
        }
    }

    /// How a POST ended, of which the revision's state speaks no more.
    fn note_late(&mut self, change: &AttemptChange, task: Option<&TaskId>, at: Timestamp) {
        let Some(attempt) = self.books.attempt_mut(change.attempt) else { return };
        // A task that is known already may have ended since, and its price be free again.
        let is_news = task.is_none() || attempt.task.as_ref() != task;
        let is_bought = change.outcome == Some(AttemptOutcome::Bought) && is_news;
        let is_doubtful = change.outcome == Some(AttemptOutcome::Doubtful);
        let account = match attempt.account {
            Account::Released if is_bought => Account::Reserved,
            Account::Reserved if !is_bought && !is_doubtful && attempt.task.is_none() => {
                change.account
            }
            account => account,
        };
        let first = task.filter(|_| attempt.task.is_none()).cloned();
        if let Some(task) = task
            && attempt.task.as_ref().is_some_and(|known| known != task)
            && !attempt.former_tasks.contains(task)
        {
            attempt.former_tasks.push(task.clone());
        }
        let refuted = None;
        self.books.change(
            &AttemptChange { account, refuted, ..change.clone() },
            first.as_ref(),
            at,
        );
    }
}

fn is_adoption(transition: &Transition) -> bool {
    matches!(transition.to.state, State::Delivered { .. })
}

/// Whether how a POST ended says where the revision stands: it is submitting or in doubt about that
/// attempt, or waits to be bought and is bought already, with a task that was not known.
fn is_settled_by(revision: &Revision, change: &AttemptChange, is_known: bool) -> bool {
    let state = &revision.entry.status.state;
    match state {
        State::Submitting { .. } | State::InDoubt { .. } => state.attempt() == Some(change.attempt),
        State::Queued { .. } => change.outcome == Some(AttemptOutcome::Bought) && !is_known,
        _ => false,
    }
}

/// The task that a transition says an attempt has.
fn task_of(transition: &Transition, about: AttemptId) -> Option<&TaskId> {
    match &transition.to.state {
        State::Rendering { attempt, task, .. } if *attempt == about => Some(task),
        _ => None,
    }
}
