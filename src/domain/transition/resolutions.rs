//! What follows from the user's word on what became of a purchase.

use crate::domain::outcome::TaskId;
use crate::domain::state::{
    Account, AttemptId, AttemptOutcome, Failure, RecoveredTask, Resolution, RevisionState, State,
};
use crate::domain::time::Timestamp;

use super::{Backoff, InvalidTransition, Next, Transition, rendering};

impl RevisionState {
    pub(super) fn resolved(
        &self,
        resolution: Resolution,
        now: Timestamp,
    ) -> Result<Transition, InvalidTransition> {
        let attempt = match &self.state {
            State::InDoubt { attempt, .. }
            | State::Rendering { attempt, stalled: Some(_), .. }
            | State::Failed {
                attempt: Some(attempt),
                failure: Failure::Abandoned | Failure::Unsettled,
                ..
            } => *attempt,
            state => return self.corrected(resolution, state.name(), now),
        };
        // The user's word arms it anew, as `--retry-failed` does.
        let again = |why| {
            let (state, then) = (State::Queued { why }, Next::Requeue(Backoff::None));
            Transition::new(Self { state, ..Self::new() }, then)
        };
        // The task of what has failed may have ended since, and settled the price.
        let stays = |step: Transition, why| match &self.state {
            State::Failed { .. } => step,
            _ => step.with(attempt, None, why, Account::Reserved),
        };
        Ok(match resolution {
            Resolution::Task(found) => self.has_task(attempt, found, now),
            other @ (Resolution::OtherTask(_) | Resolution::FreeOthers(_)) => {
                return self.corrected(other, self.state.name(), now);
            }
            Resolution::NotBought { also } => {
                let why: Box<str> = "resolved: it was not bought".into();
                let step = again(Some(why.clone()));
                Transition { also, ..step.with(attempt, None, Some(why), Account::Released) }
            }
            Resolution::Resubmit => {
                let why: Option<Box<str>> = Some("resolved: bought again".into());
                stays(again(why.clone()), why)
            }
            Resolution::Abandon => {
                let why: Box<str> = "abandoned; its price stays reserved".into();
                let failure = Failure::Abandoned;
                let failed = State::Failed { attempt: Some(attempt), failure, why: why.clone() };
                stays(self.to(failed, Next::Rest), Some(why))
            }
        })
    }

    /// What the user may still say when the shot itself waits for no word.
    fn corrected(
        &self,
        resolution: Resolution,
        state: &'static str,
        now: Timestamp,
    ) -> Result<Transition, InvalidTransition> {
        match resolution {
            Resolution::OtherTask(task) => self.has_other_task(task, now),
            Resolution::FreeOthers(attempts) => self.free_others(attempts),
            _ => Err(InvalidTransition { state, event: "a resolution" }),
        }
    }

    /// It was bought by this attempt, as this task.
    fn has_task(&self, attempt: AttemptId, found: RecoveredTask, now: Timestamp) -> Transition {
        let RecoveredTask { task, sent_at } = found;
        self.to(rendering(attempt, task, sent_at.min(now)), Next::Poll(None)).with(
            attempt,
            Some(AttemptOutcome::Bought),
            None,
            Account::Reserved,
        )
    }

    /// What was polled, rendered or failed is another shot's task; this is its own. It counts from
    /// now on, so that no clip of the other task that lies there is taken for its own.
    pub(super) fn has_other_task(
        &self,
        task: TaskId,
        now: Timestamp,
    ) -> Result<Transition, InvalidTransition> {
        match &self.state {
            State::Rendering { attempt, .. }
            | State::Rendered { attempt, .. }
            | State::Failed { attempt: Some(attempt), .. } => {
                Ok(self.has_task(*attempt, RecoveredTask { task, sent_at: now }, now))
            }
            state => Err(InvalidTransition { state: state.name(), event: "another task" }),
        }
    }

    /// Frees the prices of attempts that the state is not about.
    fn free_others(&self, attempts: Vec<AttemptId>) -> Result<Transition, InvalidTransition> {
        let mut attempts = attempts.into_iter();
        let first = attempts.next().filter(|one| Some(*one) != self.state.attempt());
        let also: Vec<AttemptId> = attempts.collect();
        let is_about_one = self.state.attempt().is_some_and(|one| also.contains(&one));
        let Some(first) = first.filter(|_| !is_about_one) else {
            let (state, event) = (self.state.name(), "a word about its own request");
            return Err(InvalidTransition { state, event });
        };
        let why = Some("resolved: it was not bought".into());
        let step = Transition::new(self.clone(), Next::Rest);
        Ok(Transition { also, ..step.with(first, None, why, Account::Released) })
    }
}
