//! What finished tasks really cost: asked of the provider and written down beside their prices. Only
//! beside them: it moves no money, delays no clip, and is given up when the provider does not say.

use std::time::Duration;

use crate::domain::charge::ChargeOutcome;
use crate::domain::money::Usd;
use crate::domain::outcome::{FailedTask, TaskId};
use crate::domain::state::{Failure, State};
use crate::domain::time::Now;
use crate::ledger::Change;

use super::core::Scheduler;
use super::event_log;
use super::questions::{ChargeQuestion, MAX_AT_ONCE, MAX_MISSES, MAX_TRIES, Question};
use super::shot_state::Slot;

impl Scheduler {
    /// Asks what a task cost, if it has ended and the user wants to know; `kind`: how it failed.
    pub(super) fn ask_charge(&mut self, slot: Slot, task: TaskId, kind: Option<FailedTask>) {
        let is_free = self
            .slots
            .get(slot)
            .is_some_and(|shot| !self.rules(shot).is_charged(kind.unwrap_or_default()));
        let (Some(charges), Some(shot)) = (&mut self.charges, self.slots.get(slot)) else { return };
        let entry = &shot.entry;
        let (attempt, expected) = match &entry.status.state {
            State::Rendered { attempt, .. } => (*attempt, entry.price),
            State::Failed {
                attempt: Some(attempt),
                failure: Failure::NotRendered | Failure::Unlucky,
                ..
            } => (*attempt, if is_free { Some(Usd::ZERO) } else { entry.price }),
            _ => return,
        };
        if charges.misses >= MAX_MISSES {
            return;
        }
        let shot = entry.shot.clone();
        charges.waiting.push_back(ChargeQuestion { shot, attempt, task, expected, tries: 0 });
        self.next_charge();
    }

    fn next_charge(&mut self) {
        let Some(charges) = &mut self.charges else { return };
        while charges.asking < MAX_AT_ONCE
            && let Some(question) = charges.waiting.pop_front()
        {
            charges.asking += 1;
            self.questions.push_back(Question::Charge(question));
        }
    }

    /// Asks those again whose time has come.
    pub(super) fn wake_charges(&mut self, now: Now) {
        let Some(charges) = &mut self.charges else { return };
        while charges.again.front().is_some_and(|(at, _)| *at <= now.elapsed)
            && let Some((_, question)) = charges.again.pop_front()
        {
            self.questions.push_back(Question::Charge(question));
        }
    }

    /// When a charge is to be asked for again.
    pub(super) fn charges_wake(&self) -> Option<Duration> {
        let (at, _) = self.charges.as_ref()?.again.front()?;
        (!self.leaving).then_some(*at)
    }

    /// The provider said what a task cost, or did not.
    pub(super) fn charged(&mut self, now: Now, mut asked: ChargeQuestion, outcome: ChargeOutcome) {
        let Some(charges) = &mut self.charges else { return };
        asked.tries += 1;
        if outcome == ChargeOutcome::Unsettled && asked.tries < MAX_TRIES {
            let at = now.elapsed + self.options.limits.poll_every;
            charges.again.push_back((at, asked));
            return;
        }
        charges.asking -= 1;
        match outcome {
            ChargeOutcome::Settled(charge) => {
                charges.misses = 0;
                charges.compare(&asked, &charge);
                self.out.records.push(event_log::charged(&asked, &charge));
                self.out.write(now, None, Change::Charge { attempt: asked.attempt, charge });
            }
            ChargeOutcome::Unsettled => {
                tracing::debug!(shot = %asked.shot, "its charge is not settled yet");
            }
            ChargeOutcome::Unknown { why } => charges.missed(&why),
        }
        self.next_charge();
    }
}
