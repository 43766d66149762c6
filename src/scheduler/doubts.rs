//! Shots in doubt, and what callbacks say about them and about rendering ones. A callback is a hint:
//! a rendering shot is polled at once, and a shot in doubt becomes rendering if the provider itself
//! knows a task that the callback named.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::outcome::{PollOutcome, TaskId};
use crate::domain::sanitize::shell_word;
use crate::domain::secret::Secret;
use crate::domain::state::{AttemptId, RecoveredTask, ShotEvent, State};
use crate::domain::time::Now;
use crate::domain::transition::{Backoff, Next};
use crate::policy::retry;

use super::core::Scheduler;
use super::effects::Effect;
use super::event_log;
use super::shot_state::{Activity, Errand, ShotState, Slot, Work};

/// How often a stalled task is polled.
const STALLED_EVERY: Duration = Duration::from_secs(600);

/// The attempt that a callback could still say something about while nothing else happens.
const fn open_attempt(shot: &ShotState) -> Option<AttemptId> {
    match &shot.entry.status.state {
        State::InDoubt { attempt, .. } | State::Rendering { attempt, stalled: Some(_), .. } => {
            Some(*attempt)
        }
        _ => None,
    }
}

impl Scheduler {
    /// Puts a shot where it belongs once it has come to a rest: into the queue (`pause` says after
    /// how long), or aside, where a callback may still reach it, or away.
    pub(super) fn shelve(&mut self, now: Now, slot: Slot, pause: Option<Duration>) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        (shot.work, shot.again) = (Work::None, false);
        let is_submitted = shot.place.is_some();
        let in_doubt = matches!(shot.entry.status.state, State::InDoubt { .. });
        let waits = self.doubts.as_mut().zip(open_attempt(shot)).and_then(|(doubts, attempt)| {
            let subscription = doubts.subscriptions.get_mut(&attempt)?;
            let until = subscription.sent_at.min(now.clock).plus(doubts.callbacks.wait);
            Some((attempt, until, std::mem::take(&mut subscription.named)))
        });
        let Some((attempt, until, named)) = waits else {
            self.forget_settled(slot);
            match pause {
                Some(pause) => self.enqueue(now, slot, pause),
                None if self.lay_aside(now, slot) => {}
                None => self.rest(slot),
            }
            return;
        };
        if in_doubt && !named.is_empty() {
            return self.find(now, slot, named);
        }
        if let Some(pause) = pause
            && is_submitted
            && until <= now.clock
        {
            return self.enqueue(now, slot, pause);
        }
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.again = pause.is_some();
        }
        if let Some(doubts) = self.doubts.as_mut().filter(|_| in_doubt && until > now.clock) {
            doubts.awaited.insert((until, attempt));
        }
        if !self.lay_aside(now, slot) {
            self.set(slot, Activity::Resting);
        }
    }

    /// A stalled task is polled now and then as long as the run has other work; whether it is one.
    pub(super) fn lay_aside(&mut self, now: Now, slot: Slot) -> bool {
        let Some(shot) = self.slots.get_mut(slot) else { return false };
        let is_stalled =
            matches!(shot.entry.status.state, State::Rendering { stalled: Some(_), .. });
        shot.is_aside = is_stalled;
        if is_stalled {
            let at = now.elapsed + STALLED_EVERY;
            self.set(slot, Activity::Aside(at));
            self.timers.push(Reverse((at, slot)));
        }
        is_stalled
    }

    /// Nothing more happens to a shot in this run.
    pub(super) fn rest(&mut self, slot: Slot) {
        self.set(slot, Activity::Resting);
        self.give_back(slot);
        self.slots.retire(slot);
    }

    /// Callbacks about a shot from which nothing more can be learned are not heard any more.
    pub(super) fn forget_settled(&mut self, slot: Slot) {
        if let Some(
            State::Rendered { attempt, .. }
            | State::Delivered { attempt }
            | State::Failed { attempt: Some(attempt), .. },
        ) = self.slots.get(slot).map(|shot| &shot.entry.status.state)
        {
            self.forget(*attempt);
        }
    }

    /// Nothing more can be learned about this attempt.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        let Some(doubts) = &mut self.doubts else { return };
        let Some(subscription) = doubts.subscriptions.remove(&attempt) else { return };
        doubts.by_key.remove(&subscription.key);
        self.out.effects.push(Effect::Forget(subscription.key));
    }

    /// Whether a callback named a task for a shot in doubt that was not asked for yet.
    pub(super) fn is_named(&self, slot: Slot) -> bool {
        let named = || {
            let State::InDoubt { attempt, .. } = self.slots.get(slot)?.entry.status.state else {
                return None;
            };
            let subscription = self.doubts.as_ref()?.subscriptions.get(&attempt)?;
            Some(!subscription.named.is_empty())
        };
        named().unwrap_or_default()
    }

    /// A callback came.
    pub(super) fn called(&mut self, now: Now, key: Secret, tasks: Vec<TaskId>) {
        let Some(doubts) = self.doubts.as_mut().filter(|_| !self.leaving) else { return };
        let Some(attempt) = doubts.by_key.get(&key).copied() else { return };
        let Some(subscription) = doubts.subscriptions.get_mut(&attempt) else { return };
        subscription.is_called = true;
        subscription.name(tasks);
        let (slot, is_named) = (subscription.slot, !subscription.named.is_empty());
        let Some(shot) = self.slots.get(slot) else { return };
        let stalled = matches!(shot.entry.status.state, State::Rendering { .. });
        // A call about an earlier request says nothing about the one that the shot is about now.
        let is_about_it = open_attempt(shot) == Some(attempt);
        match shot.activity {
            Activity::Resting | Activity::Aside(_) if stalled && is_about_it => {
                subscription.named.clear();
                self.settle(now, slot, Next::Poll(Some(Duration::ZERO)));
            }
            Activity::Waiting(Errand::Poll, _) => self.poll_if_called(now, slot),
            Activity::Resting if is_named && is_about_it => {
                let named = std::mem::take(&mut subscription.named);
                doubts.awaited.retain(|(_, waiting)| *waiting != attempt);
                self.find(now, slot, named);
            }
            Activity::Queued if is_named && is_about_it => {
                let named = std::mem::take(&mut subscription.named);
                if let Some(place) = shot.place
                    && self.unqueue(place)
                {
                    self.find(now, slot, named);
                }
            }
            _ => {}
        }
    }

    /// Polls a rendering shot early if a callback came that caused no poll yet: now, but not sooner
    /// than a moment after the last poll that a callback caused, nor sooner than the provider asked.
    pub(super) fn poll_if_called(&mut self, now: Now, slot: Slot) {
        let Some(shot) = self.slots.get(slot).filter(|shot| !shot.is_asked) else { return };
        let State::Rendering { attempt, .. } = shot.entry.status.state else { return };
        let Some(doubts) = &mut self.doubts else { return };
        let called = doubts
            .subscriptions
            .get_mut(&attempt)
            .is_some_and(|subscription| std::mem::take(&mut subscription.is_called));
        if called {
            let at = doubts.next_poll(now, attempt, self.options.limits.poll_every);
            if matches!(shot.activity, Activity::Waiting(Errand::Poll, due) if at < due) {
                self.begin_at(now, slot, Errand::Poll, at);
            }
        }
    }

    /// Asks the provider about the tasks that callbacks named for a shot in doubt, one after the
    /// other, until it knows one.
    fn find(&mut self, now: Now, slot: Slot, named: Vec<TaskId>) {
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.work = Work::Find { tasks: VecDeque::from(named), tries: 0 };
        }
        self.find_next(now, slot);
    }

    fn find_next(&mut self, now: Now, slot: Slot) {
        let Some(shot) = self.slots.get(slot) else { return };
        let is_bought_again = shot.entry.status.is_bought_again(&self.rules(shot));
        let (Work::Find { tasks, .. }, Some(attempt), Some(doubts)) =
            (&shot.work, open_attempt(shot), &mut self.doubts)
        else {
            return;
        };
        if tasks.is_empty() {
            let next = if is_bought_again { Next::Requeue(Backoff::None) } else { Next::Rest };
            self.settle(now, slot, next);
            return;
        }
        let at = doubts.next_poll(now, attempt, self.options.limits.poll_every);
        self.begin_at(now, slot, Errand::Find, at);
    }

    /// Asks the ledger, then the provider, about the first of the tasks that callbacks named, or that
    /// the shot was said to have before.
    pub(super) fn begin_find(&mut self, slot: Slot) {
        let Some(shot) = self.slots.get(slot) else { return };
        let (tasks, is_former) = match &shot.work {
            Work::Find { tasks, .. } => (tasks, false),
            Work::Former { tasks, .. } => (tasks, true),
            _ => return,
        };
        if let Some(task) = tasks.front().cloned() {
            let revision = shot.entry.revision;
            if let Some(doubts) = &mut self.doubts {
                doubts.asking += 1;
            }
            self.out.effects.push(Effect::Find { slot, revision, task, is_former });
        }
    }

    /// The ledger knows the task (`None`), or the provider answered about it.
    pub(super) fn found(
        &mut self,
        now: Now,
        slot: Slot,
        task: &TaskId,
        outcome: Option<&PollOutcome>,
    ) {
        let bought = self.doubts.as_mut().is_some_and(|doubts| doubts.asked(task));
        let Some(shot) = self.slots.get_mut(slot) else { return };
        if matches!(shot.work, Work::Former { .. }) {
            return self.former_found(now, slot, task, outcome.filter(|_| !bought));
        }
        let (Work::Find { tasks, tries }, State::InDoubt { attempt, .. }) =
            (&mut shot.work, &shot.entry.status.state)
        else {
            return;
        };
        let attempt = *attempt;
        *tries += 1;
        let (tries_so_far, max_tries) = (*tries, self.options.limits.attempts);
        let unclear =
            matches!(outcome, Some(PollOutcome::Unclear { .. } | PollOutcome::Unanswered { .. }));
        if unclear && tries_so_far < max_tries {
            let wait = retry::poll_wait(self.options.limits.poll_every, tries_so_far - 1);
            return self.begin_at(now, slot, Errand::Find, now.elapsed + wait);
        }
        tasks.pop_front();
        *tries = 0;
        let id = &shot.entry.shot;
        match outcome.filter(|_| !bought) {
            None => tracing::debug!(shot = %id, "a callback named a task that is known"),
            Some(
                PollOutcome::Working { .. }
                | PollOutcome::Completed { .. }
                | PollOutcome::Unresolved { .. }
                | PollOutcome::Failed { .. },
            ) => return self.recover(now, slot, attempt, task),
            Some(PollOutcome::Missing { .. } | PollOutcome::OtherTask { .. }) => {
                tracing::debug!(shot = %id, "a callback named a task that the gateway does not know");
            }
            Some(PollOutcome::OtherContent { why }) => self.refute(now, slot, task, why),
            Some(PollOutcome::BadKey { .. }) => {
                self.stop_polls();
                return self.set(slot, Activity::Resting);
            }
            Some(PollOutcome::Unclear { .. } | PollOutcome::Unanswered { .. }) => {
                // The only trace of what may be its purchase.
                let why = "a callback named it, and the gateway does not say clearly whether it \
                           knows it";
                event_log::only_trace("task unconfirmed", &shot.entry, attempt, task, why);
                tracing::warn!(
                    shot = %id,
                    "a callback named task {task}, and the gateway does not say clearly whether it \
                     knows it; if it is in the console: rushes resolve MANIFEST {id} --task-id {}",
                    shell_word(task.as_str())
                );
            }
        }
        self.find_next(now, slot);
    }

    /// The attempt in doubt bought this task.
    fn recover(&mut self, now: Now, slot: Slot, attempt: AttemptId, task: &TaskId) {
        let doubts = self.doubts.as_ref();
        let sent_at = doubts
            .and_then(|doubts| doubts.subscriptions.get(&attempt))
            .map_or(now.clock, |subscription| subscription.sent_at);
        let event = ShotEvent::Evidence(RecoveredTask { task: task.clone(), sent_at });
        if let Some(next) = self.step(now, slot, event) {
            if let Some(shot) = self.slots.get(slot) {
                tracing::info!("{} was bought after all, as task {task}", shot.entry.shot);
            }
            self.settle(now, slot, next);
        }
    }

    /// Puts those into the queue that are to be bought again and about which a callback was waited
    /// for long enough.
    pub(super) fn release_doubts(&mut self, now: Now) {
        while let Some(doubts) = &mut self.doubts
            && let Some((until, attempt)) = doubts.awaited.first().copied()
            && until <= now.clock
        {
            doubts.awaited.remove(&(until, attempt));
            let slot = doubts.subscriptions.get(&attempt).map(|subscription| subscription.slot);
            if let Some(slot) = slot
                && let Some(shot) = self.slots.get_mut(slot)
                && matches!(shot.activity, Activity::Resting)
                && std::mem::take(&mut shot.again)
            {
                self.enqueue(now, slot, Duration::ZERO);
            }
        }
    }

    /// Whether a shot is to be bought again once a callback was waited for long enough.
    pub(super) fn holds_back(&self) -> bool {
        let Some(doubts) = &self.doubts else { return false };
        doubts.awaited.iter().any(|(_, attempt)| {
            let subscription = doubts.subscriptions.get(attempt);
            subscription
                .and_then(|subscription| self.slots.get(subscription.slot))
                .is_some_and(|shot| shot.again)
        })
    }

    /// Until when, by the run's time, a callback about a shot in doubt is waited for next; `None`
    /// when none is waited for, also because the run is to end.
    pub(super) fn next_release(&self, now: Now) -> Option<Duration> {
        let (first, _) = self.doubts.as_ref()?.awaited.first()?;
        let first = self.options.deadline.map_or(*first, |deadline| deadline.min(*first));
        let ends = self.is_stopping() || first <= now.clock;
        (!ends).then(|| now.elapsed + first.since(now.clock))
    }

    /// Says once that nothing else is left to do.
    pub(super) fn say_awaited(&mut self) {
        let Some(doubts) = &self.doubts else { return };
        if let (Some((last, _)), false) =
            (doubts.awaited.last(), std::mem::replace(&mut self.said_awaited, true))
        {
            let count = doubts.awaited.len();
            let shots =
                if count == 1 { "one shot is".to_owned() } else { format!("{count} shots are") };
            tracing::info!(
                "{shots} in doubt, and the gateway may still call about them: waiting until {last} \
                 at the latest (Ctrl-C ends it)"
            );
        }
    }
}
