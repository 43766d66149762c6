//! What a ledger in memory makes of commits. Each checks before it writes, so that what is refused has
//! written nothing.

use super::books::{Attempt, Books, Revision};
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::{
    AttemptSpec, Change, ClipFile, Commit, LedgerError, RevisionId, Verdict, earlier_part,
};

impl Books {
    pub(super) fn commit(&mut self, Commit { at, change }: &Commit) -> Verdict {
        let verdict = match change {
            Change::Transition { revision, transition, attempt: Some(spec), files }
                if matches!(transition.to.state, State::Delivered { .. }) =>
            {
                self.adopt(*revision, transition, spec, files, *at)
            }
            Change::Transition { revision, transition, attempt: Some(spec), .. } => {
                self.claim(*revision, transition, spec, *at)
            }
            Change::Transition { revision, transition, attempt: None, files } => {
                self.write(*revision, transition, files, *at)
            }
            Change::Earlier { revision, change, files } => {
                self.earlier_ended(*revision, change, files, *at)
            }
            Change::Late { .. } => Ok(Verdict::Written { task_first_of: None }),
            Change::Charge { attempt, charge } => {
                if let Some(attempt) = self.attempt_mut(*attempt) {
                    attempt.charge = Some(charge.clone());
                }
                Ok(Verdict::Written { task_first_of: None })
            }
        };
        verdict.unwrap_or_else(Verdict::Refused)
    }

    fn claim(
        &mut self,
        id: RevisionId,
        transition: &Transition,
        spec: &AttemptSpec,
        at: Timestamp,
    ) -> Result<Verdict, LedgerError> {
        if spec.price.is_some_and(|price| price < Usd::ZERO) {
            return Err(LedgerError::defect("a negative price was claimed"));
        }
        let despite_doubt = matches!(transition.to.state, State::Submitting { doubt: Some(_), .. });
        let (budget, balance) = (self.budget, self.balance());
        let attempt = AttemptId(i64::try_from(self.attempts.len() + 1).unwrap_or(i64::MAX));
        let claimable = |revision: &&mut Revision| match revision.entry.status.state {
            State::Queued { .. } => !despite_doubt && revision.entry.current,
            State::InDoubt { .. } => despite_doubt && revision.entry.current,
            _ => false,
        };
        let Some(revision) = self.revision_mut(id).filter(claimable) else {
            let wanted = if despite_doubt { "in_doubt" } else { "queued" };
            let what = format!("revision {} was claimed but is not a {wanted} current one", id.0);
            return Err(LedgerError::defect(what));
        };
        if !budget.allows(&balance, spec.price) {
            return Ok(Verdict::OverCap);
        }
        revision.entry.price = spec.price;
        revision.take(transition.to.clone().with_attempt(attempt), at);
        self.move_money(at, Account::Reserved, spec.price.map_or(0, Usd::micros));
        self.attempts.push(Attempt::new(id, spec, at, Account::Reserved));
        Ok(Verdict::Claimed(attempt))
    }

    fn adopt(
        &mut self,
        id: RevisionId,
        transition: &Transition,
        spec: &AttemptSpec,
        files: &[ClipFile],
        at: Timestamp,
    ) -> Result<Verdict, LedgerError> {
        let attempt = AttemptId(i64::try_from(self.attempts.len() + 1).unwrap_or(i64::MAX));
        let is_tried = self.attempts.iter().any(|attempt| attempt.revision == id);
        let is_new = |one: &&mut Revision| {
            matches!(one.entry.status.state, State::Queued { .. }) && one.entry.current && !is_tried
        };
        let Some(revision) = self.revision_mut(id).filter(is_new) else {
            let what = format!("revision {} was adopted but is not a new one", id.0);
            return Err(LedgerError::defect(what));
        };
        revision.entry.price = spec.price;
        revision.take(transition.to.clone().with_attempt(attempt), at);
        revision.files = (1..).zip(files.iter().cloned()).collect();
        self.move_money(at, Account::Spent, spec.price.map_or(0, Usd::micros));
        self.attempts.push(Attempt::new(id, spec, at, Account::Spent));
        Ok(Verdict::Claimed(attempt))
    }

    fn write(
        &mut self,
        id: RevisionId,
        transition: &Transition,
        files: &[ClipFile],
        at: Timestamp,
    ) -> Result<Verdict, LedgerError> {
        for change in transition.changes() {
            self.holds(id, &change)?;
        }
        let Some(revision) = self.revision_mut(id) else {
            return Err(LedgerError::defect(format!("there is no revision {}", id.0)));
        };
        revision.take(transition.to.clone(), at);
        revision.files.extend((1..).zip(files.iter().cloned()));
        for change in transition.changes() {
            let task = match &transition.to.state {
                State::Rendering { attempt, task, .. } if *attempt == change.attempt => Some(task),
                _ => None,
            };
            self.change(&change, task, at);
        }
        let task_first_of = transition
            .change
            .as_ref()
            .filter(|change| change.outcome == Some(AttemptOutcome::Bought))
            .and_then(|change| self.task_first_of(change.attempt));
        Ok(Verdict::Written { task_first_of })
    }

    fn earlier_ended(
        &mut self,
        id: RevisionId,
        change: &AttemptChange,
        files: &[ClipFile],
        at: Timestamp,
    ) -> Result<Verdict, LedgerError> {
        self.holds(id, change)?;
        self.change(change, None, at);
        if let Some(revision) = self.revision_mut(id) {
            let parts = (0..).map(|nth| earlier_part(change.attempt, nth));
            revision.files.extend(parts.zip(files.iter().cloned()));
        }
        Ok(Verdict::Written { task_first_of: None })
    }

    /// A change is about an attempt of a revision.
    pub(super) fn holds(&self, id: RevisionId, change: &AttemptChange) -> Result<(), LedgerError> {
        if self.attempt(change.attempt).is_none_or(|attempt| attempt.revision != id) {
            let what = format!("attempt {} is not one of revision {}", change.attempt.0, id.0);
            return Err(LedgerError::defect(what));
        }
        Ok(())
    }

    /// An attempt, its money, and its task if it has another now.
    pub(super) fn change(&mut self, change: &AttemptChange, task: Option<&TaskId>, at: Timestamp) {
        let Some(attempt) = self.attempt_mut(change.attempt) else { return };
        let from = std::mem::replace(&mut attempt.account, change.account);
        attempt.outcome = attempt.outcome.or(change.outcome);
        attempt.why = attempt.why.take().or_else(|| change.why.clone());
        attempt.answer = attempt.answer.take().or_else(|| change.answer.clone());
        if let Some(task) = task {
            let before = attempt.task.replace(task.clone());
            attempt.former_tasks.extend(before.filter(|before| before != task));
        }
        if let Some(task) = &change.refuted {
            attempt.refute(task);
        }
        let price = attempt.spec.price.map_or(0, Usd::micros);
        if from != change.account {
            self.move_money(at, from, -price);
            self.move_money(at, change.account, price);
        }
    }

    /// Nothing lies in `released`.
    pub(super) fn move_money(&mut self, at: Timestamp, account: Account, micros: i64) {
        if account != Account::Released && micros != 0 {
            self.moves.push((at, account, micros));
        }
    }
}
