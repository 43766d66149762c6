//! Tasks that a shot was said to have before. If the gateway does not know the one that replaced them,
//! or that one renders something else, they are asked for, the newest first; one that it knows is the
//! shot's task again. Before that, nothing is bought again.

use std::collections::{HashSet, VecDeque};

use crate::domain::outcome::{PollOutcome, TaskId};
use crate::domain::state::{RecoveredTask, ShotEvent, State};
use crate::domain::time::Now;
use crate::domain::transition::{Backoff, Next};
use crate::policy::retry;

use super::core::Scheduler;
use super::effects::Effect;
use super::shot_state::{Activity, Errand, Slot, Work};

impl Scheduler {
    /// Whether a shot's task is stalled after an answer that the gateway does not know it.
    pub(super) fn is_unknown(&self, slot: Slot, is_missing: bool) -> bool {
        let state = self.entry(slot).map(|entry| &entry.status.state);
        is_missing && matches!(state, Some(State::Rendering { stalled: Some(_), .. }))
    }

    /// Asks the ledger for the tasks that a shot was said to have before: a stalled one, or one in doubt,
    /// of which the latest was refuted.
    pub(super) fn ask_former(&mut self, slot: Slot) {
        let Some(entry) = self.entry(slot) else { return };
        let (revision, attempt) = (entry.revision, entry.status.state.attempt());
        let Some(attempt) = attempt else { return };
        self.land(slot);
        self.set(slot, Activity::Busy);
        self.out.effects.push(Effect::Former { slot, revision, attempt });
    }

    /// The ledger named them, the newest first.
    pub(super) fn former_told(&mut self, now: Now, slot: Slot, tasks: Vec<TaskId>) {
        let mut known = HashSet::new();
        known.extend(self.task_of(slot));
        let refuted = usize::from(self.is_in_doubt(slot));
        let mut tasks = VecDeque::from(tasks);
        known.extend(tasks.drain(..refuted.min(tasks.len())));
        tasks.retain(|one| known.insert(one.clone()));
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.work = Work::Former { tasks, tries: 0 };
        }
        self.next_former(now, slot);
    }

    fn next_former(&mut self, now: Now, slot: Slot) {
        match self.slots.get(slot).map(|shot| &shot.work) {
            Some(Work::Former { tasks, .. }) if !tasks.is_empty() => {
                self.line_up(slot, Errand::Find);
            }
            _ => {
                let is_bought_again = self
                    .slots
                    .get(slot)
                    .is_some_and(|shot| shot.entry.status.is_bought_again(&self.rules(shot)));
                let next = if is_bought_again { Next::Requeue(Backoff::None) } else { Next::Rest };
                self.settle(now, slot, next);
            }
        }
    }

    fn is_in_doubt(&self, slot: Slot) -> bool {
        let state = self.entry(slot).map(|entry| &entry.status.state);
        matches!(state, Some(State::InDoubt { .. }))
    }

    /// The ledger knows the task as another shot's (`None`), or the gateway answered about it. One that
    /// failed does not come back: that would settle the price of the one which replaced it.
    pub(super) fn former_found(
        &mut self,
        now: Now,
        slot: Slot,
        task: &TaskId,
        outcome: Option<&PollOutcome>,
    ) {
        let (max_tries, every) = (self.options.limits.attempts, self.options.limits.poll_every);
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let Work::Former { tasks, tries } = &mut shot.work else { return };
        *tries += 1;
        let is_unclear =
            matches!(outcome, Some(PollOutcome::Unclear { .. } | PollOutcome::Unanswered { .. }));
        if is_unclear && *tries < max_tries {
            let wait = retry::poll_wait(every, *tries - 1);
            return self.begin_at(now, slot, Errand::Find, now.elapsed + wait);
        }
        tasks.pop_front();
        *tries = 0;
        match outcome {
            Some(
                PollOutcome::Working { .. }
                | PollOutcome::Completed { .. }
                | PollOutcome::Unresolved { .. },
            ) => self.take_back(now, slot, task),
            Some(PollOutcome::BadKey { .. }) => {
                self.stop_polls();
                self.set(slot, Activity::Resting);
            }
            _ => self.next_former(now, slot),
        }
    }

    /// This is the shot's task again.
    fn take_back(&mut self, now: Now, slot: Slot, task: &TaskId) {
        let unknown = self.task_of(slot);
        let event = if self.is_in_doubt(slot) {
            let (task, sent_at) = (task.clone(), now.clock);
            ShotEvent::Evidence(RecoveredTask { task, sent_at })
        } else {
            ShotEvent::FormerTask(task.clone())
        };
        let Some(next) = self.step(now, slot, event) else { return };
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.work = Work::None;
            let id = &shot.entry.shot;
            if let Some(unknown) = unknown {
                self.progress.former += 1;
                tracing::warn!(
                    shot = %id,
                    "the gateway does not know task {unknown}, and knows {task}, which was given \
                     before: that is polled and fetched again"
                );
            } else {
                tracing::warn!(
                    shot = %id,
                    "task {task}, which was given for {id} before, fits: that is polled and fetched \
                     again"
                );
            }
        }
        self.settle(now, slot, next);
    }
}
