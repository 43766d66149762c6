//! Where every shot stands when a run begins, and what it does first.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::state::{Failure, ShotEvent, State};
use crate::domain::time::Now;
use crate::domain::transition::{Backoff, Next};
use crate::ledger::{CallbackSubscription, Entry};

use super::core::Scheduler;
use super::effects::Effect;
use super::shot_state::{ShotState, Slot};

impl Scheduler {
    /// Takes over what the ledger has: the shots of the manifest with their places in it, those that
    /// are older or left the manifest and are not finished, and the attempts that the provider may
    /// call about. What follows is in the next output.
    pub fn recover_from(
        &mut self,
        now: Now,
        entries: impl Iterator<Item = (Entry, Option<u32>)>,
        subscriptions: Vec<CallbackSubscription>,
    ) {
        self.take_over(now, entries, subscriptions);
        self.go_on(now);
    }

    /// Takes over revisions that the ledger hands to this worker. What follows is in the next output.
    pub(super) fn take_over(
        &mut self,
        now: Now,
        entries: impl Iterator<Item = (Entry, Option<u32>)>,
        subscriptions: Vec<CallbackSubscription>,
    ) {
        let mut slots = Vec::new();
        for (entry, place) in entries {
            let state = &entry.status.state;
            let goes_on = matches!(state, State::Rendering { .. } | State::Rendered { .. });
            // What is in flight is finished whatever a run may submit; `fetch` leaves it out.
            let goes_on = goes_on && self.options.submit;
            let is_work = goes_on || self.options.selects(entry.shot.as_str());
            // Where others work on it too, the ledger counts.
            let is_counted = entry.current && (is_work || self.sharing.is_some());
            if is_counted && self.sharing.is_none() {
                self.progress.count(state);
            }
            let place = place.filter(|place| (*place as usize) < self.shots.len());
            let shot = ShotState { is_counted, ..ShotState::new(entry, place, now) };
            match self.first(&shot) {
                Some(first) => {
                    let state = shot.entry.status.state.clone();
                    let slot = self.slots.insert(shot);
                    self.in_flight_since.found(slot, &state);
                    slots.push((slot, first));
                }
                None => self.returned(shot.entry.revision),
            }
        }
        self.expect_callbacks(subscriptions, &slots);
        for (slot, first) in slots {
            let next = match first {
                First::Happened(event) => self.step(now, slot, event),
                First::Next(next) => Some(next),
                First::Reroll => {
                    self.ask_reserved(slot);
                    None
                }
                First::Former => {
                    self.ask_former(slot);
                    None
                }
                First::Unsettled => {
                    self.ask_paid(slot);
                    None
                }
            };
            if let Some(next) = next {
                self.settle(now, slot, next);
            }
        }
    }

    fn expect_callbacks(
        &mut self,
        subscriptions: Vec<CallbackSubscription>,
        slots: &[(Slot, First)],
    ) {
        let Some(doubts) = &mut self.doubts else { return };
        let mut by_attempt: HashMap<_, _> =
            subscriptions.into_iter().map(|one| (one.attempt, one)).collect();
        for (slot, _) in slots {
            let Some(shot) = self.slots.get_mut(*slot) else { continue };
            let attempt = shot.entry.status.state.attempt();
            if let Some(subscription) = attempt.and_then(|attempt| by_attempt.remove(&attempt)) {
                shot.key = Some(subscription.key);
                self.out.at_once.push(Effect::Expect(subscription.key));
                doubts.expect(subscription, *slot);
            }
        }
    }

    /// What a shot does first; `None` when nothing can happen to it in this run.
    fn first(&self, shot: &ShotState) -> Option<First> {
        // What only polls and fetches does so for the shots that were asked for.
        if !self.options.submit && !self.options.selects(shot.entry.shot.as_str()) {
            return None;
        }
        let submits = self.submits(shot);
        let queue = First::Next(Next::Requeue(Backoff::None));
        match &shot.entry.status.state {
            State::Queued { .. } => submits.then_some(queue),
            State::Submitting { .. } => Some(First::Happened(ShotEvent::FoundSubmitting)),
            State::Rendering { .. } => Some(First::Next(Next::Poll(Some(Duration::ZERO)))),
            State::Rendered { .. } => Some(First::Next(Next::Fetch)),
            State::InDoubt { .. } if shot.entry.status.is_bought_again(&self.rules(shot)) => {
                Some(First::Former)
            }
            // A callback may still say what became of it.
            State::InDoubt { .. } => self.doubts.is_some().then_some(First::Next(Next::Rest)),
            State::Failed { .. } => {
                let status = &shot.entry.status;
                if submits && self.options.retry_failed && status.state.may_be_retried() {
                    return Some(match &status.state {
                        State::Failed { failure: Failure::Unsettled, .. } => First::Unsettled,
                        _ => First::Happened(ShotEvent::RetryFailed),
                    });
                }
                (submits && status.may_be_rerolled(&self.rules(shot))).then_some(First::Reroll)
            }
            State::Delivered { .. } => None,
        }
    }
}

/// What happens first to a shot in a run.
enum First {
    /// Something happened to it before the run.
    Happened(ShotEvent),
    /// Its failed task may be bought again.
    Reroll,
    /// It is to be bought again, unless the provider knows a task that it was said to have before.
    Former,
    /// It is to be bought again, unless its task was done after all.
    Unsettled,
    /// It goes on where the ledger has it.
    Next(Next),
}
