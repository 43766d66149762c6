//! Questions to the provider, all at the poll rate: how a task stands, whether it knows a task that
//! a callback named, what a finished task cost.

use std::time::Duration;

use crate::domain::outcome::{PollOutcome, Unresolved};
use crate::domain::state::{ShotEvent, State};
use crate::domain::time::Now;
use crate::domain::transition::Next;
use crate::failpoint;
use crate::policy::retry;
use crate::provider::TaskHandle;

use super::core::Scheduler;
use super::effects::Effect;
use super::outcome::StopReason;
use super::questions::Question;
use super::shot_state::{Activity, Errand, ShotState, Slot};

/// So many odd answers to polls are worth a warning, each once.
const MAX_STRANGE: usize = 20;

/// Whether any task was answered clearly since the first of a shot's answers that all say the same.
fn others_are_clear(shot: &ShotState, last_clear: Option<Duration>, now: Now) -> bool {
    let State::Rendering { silence, .. } = &shot.entry.status.state else { return false };
    silence.word.zip(last_clear).is_some_and(|(word, clear)| {
        clear >= now.elapsed.saturating_sub(shot.judged_at(now).since(word.since))
    })
}

impl Scheduler {
    /// Polls a shot's task after a while: what the provider asked for, else the usual span.
    pub(super) fn poll_in(&mut self, now: Now, slot: Slot, wait: Option<Duration>) {
        let at = now.elapsed + wait.unwrap_or(self.options.limits.poll_every);
        if let Some(shot) = self.slots.get_mut(slot) {
            (shot.unclear, shot.is_asked) = (0, false);
        }
        self.begin_at(now, slot, Errand::Poll, at);
    }

    /// Asks what waits, as far as the poll rate allows it.
    pub(super) fn begin_questions(&mut self, now: Now) {
        if self.leaving {
            self.questions.clear();
            return;
        }
        while !self.questions.is_empty() && self.polls.take_and_leave(now.elapsed) {
            let Some(question) = self.questions.pop_front() else { return };
            match question {
                Question::Poll(slot) => self.begin_poll(slot),
                Question::Find(slot) => self.begin_find(slot),
                Question::Charge(question) => self.out.effects.push(Effect::Charge { question }),
            }
        }
    }

    /// Polls a task, and as many others that wait as the provider takes in one request.
    fn begin_poll(&mut self, slot: Slot) {
        let mut slots = Vec::with_capacity(self.poll_batch);
        let mut tasks = Vec::with_capacity(self.poll_batch);
        let mut unchecked = Vec::with_capacity(self.poll_batch);
        let mut next = Some(slot);
        while let Some(slot) = next {
            if let Some(task) = self.task_of(slot) {
                slots.push(slot);
                tasks.push(TaskHandle::new(task));
                unchecked.push(self.unchecked(slot));
            }
            next = match self.questions.front() {
                Some(Question::Poll(more)) if slots.len() < self.poll_batch => Some(*more),
                _ => None,
            };
            if next.is_some() {
                self.questions.pop_front();
            }
        }
        self.out.effects.push(Effect::Poll { slots, tasks, unchecked });
    }

    /// A poll ended.
    pub(super) fn polled(&mut self, now: Now, slot: Slot, mut outcome: PollOutcome) {
        failpoint::point("poll answered");
        let (task, kind) = (self.task_of(slot), outcome.failure());
        let Some(shot) = self.slots.get_mut(slot) else { return };
        if let (Some(key), Some(why)) = (shot.key, outcome.why_mut()) {
            key.redact_in(why);
        }
        if matches!(shot.entry.status.state, State::Rendered { .. }) {
            return self.polled_again(now, slot, outcome);
        }
        if shot.earlier.is_some() {
            return self.earlier_polled(now, slot, outcome);
        }
        shot.others_are_clear = others_are_clear(shot, self.last_clear, now);
        shot.unclear = match &outcome {
            PollOutcome::Unclear { .. }
            | PollOutcome::Unresolved {
                kind: Unresolved::CompletedEmpty | Unresolved::Coded(_),
                ..
            }
            | PollOutcome::OtherTask { .. }
            | PollOutcome::Unanswered { .. }
            | PollOutcome::BadKey { .. } => shot.unclear + 1,
            _ => 0,
        };
        let unclear = shot.unclear;
        self.note_checked(slot, &outcome);
        self.note_poll(now, slot, &outcome, unclear);
        let is_missing = matches!(outcome, PollOutcome::Missing { .. });
        let is_refuted = matches!(outcome, PollOutcome::OtherContent { .. });
        let Some(next) = self.step(now, slot, ShotEvent::Polled(outcome)) else { return };
        match next {
            Next::Poll(_) if self.is_still_aside(slot) => self.settle(now, slot, Next::Rest),
            Next::Poll(asked) => {
                self.board(slot);
                self.check_late(now, slot);
                let every = self.options.limits.poll_every;
                let wait = asked.map_or_else(
                    || retry::poll_wait(every, unclear),
                    |asked| retry::wait(Some(asked), 1, 0.0).max(every),
                );
                // What the provider asks for, a callback does not shorten.
                if let Some(shot) = self.slots.get_mut(slot) {
                    shot.is_asked = asked.is_some();
                }
                self.begin_at(now, slot, Errand::Poll, now.elapsed + wait);
                self.poll_if_called(now, slot);
            }
            Next::Stop => {
                self.stop_polls();
                self.set(slot, Activity::Resting);
            }
            Next::Rest if self.is_unknown(slot, is_missing) => self.ask_former(slot),
            Next::Rest | Next::Requeue(_) if is_refuted => self.ask_former(slot),
            next => {
                if let Some(task) = task {
                    self.ask_charge(slot, task, kind);
                }
                if self.may_reroll(slot) {
                    self.ask_reserved(slot);
                } else {
                    self.settle(now, slot, next);
                }
            }
        }
    }

    /// Whether a stalled task was polled in between, and is stalled still.
    fn is_still_aside(&self, slot: Slot) -> bool {
        self.slots.get(slot).is_some_and(|shot| {
            let state = &shot.entry.status.state;
            shot.is_aside && matches!(state, State::Rendering { stalled: Some(_), .. })
        })
    }

    /// The provider refuses the key even for polls.
    pub(super) fn stop_polls(&mut self) {
        let why = "the gateway refuses the key for polls".to_owned();
        self.stop_and_leave(StopReason::Key(why));
    }

    /// What a poll's answer means to all other shots.
    pub(super) fn note_poll(&mut self, now: Now, slot: Slot, outcome: &PollOutcome, unclear: u32) {
        let Some(shot) = self.slots.get(slot).map(|shot| &shot.entry.shot) else { return };
        if let PollOutcome::Unanswered { why } = outcome {
            tracing::debug!(%shot, "poll unanswered: {why}");
            if !self.reached && unclear >= self.options.limits.attempts {
                self.stop_and_leave(StopReason::Unreached(why.clone()));
            }
            return;
        }
        self.reached = true;
        if let PollOutcome::Working { .. }
        | PollOutcome::Completed { .. }
        | PollOutcome::Failed { .. } = outcome
        {
            self.last_clear = Some(now.elapsed);
        }
        let mut is_new =
            |what: String| self.strange.len() < MAX_STRANGE && self.strange.insert(what);
        match outcome {
            PollOutcome::Working { unknown: Some(state), .. } if is_new(state.clone()) => {
                tracing::warn!(%shot, "the gateway names a state that is not known: {state:?}");
            }
            PollOutcome::OtherTask { theirs } if is_new(format!("another task for {shot}")) => {
                tracing::warn!(
                    %shot,
                    "asked after its task, the gateway answered about another one, {theirs}; \
                     that is not believed"
                );
            }
            PollOutcome::Unclear { why, .. } | PollOutcome::Missing { why } => {
                tracing::debug!(%shot, "poll: {why}");
            }
            _ => {}
        }
    }
}
