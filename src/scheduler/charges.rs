//! What finished tasks really cost: asked of the provider and written down beside their prices. Only
//! beside them: it moves no money, delays no clip, and is given up when the provider does not say.

use std::cmp::Reverse;
use std::time::Duration;

use crate::domain::charge::ChargeOutcome;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Failure, State};
use crate::ledger::{Change, Commit};

use super::charge_queue::{ChargeQuestion, MAX_AT_ONCE, MAX_MISSES, MAX_TRIES};
use super::core::Scheduler;
use super::event_log;
use super::questions::Question;
use super::shot_state::Slot;
use crate::domain::time::Now;

impl Scheduler {
    /// Asks what a task cost, if it has ended and the user wants to know.
    pub(super) fn ask_charge(&mut self, slot: Slot, task: TaskId) {
        let (Some(charges), Some(shot)) = (&mut self.charges, self.slots.get(slot)) else { return };
        let entry = &shot.entry;
        let (attempt, expected) = match &entry.status.state {
            State::Rendered { attempt, .. } => (*attempt, entry.price),
            State::Failed { attempt: Some(attempt), failure: Failure::NotRendered, .. } => {
                let is_free = !entry.charged_if_failed;
                (*attempt, if is_free { Some(Usd::ZERO) } else { entry.price })
            }
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
        while let Some(Reverse((at, attempt))) = charges.again.peek().copied()
            && at <= now.elapsed
        {
            charges.again.pop();
            let found = charges.unsettled.iter().position(|one| one.attempt == attempt);
            if let Some(place) = found {
                self.questions.push_back(Question::Charge(charges.unsettled.swap_remove(place)));
            }
        }
    }

    /// When a charge is to be asked for again.
    pub(super) fn charges_wake(&self) -> Option<Duration> {
        let again = &self.charges.as_ref()?.again;
        again.peek().map(|Reverse((at, _))| *at).filter(|_| !self.leaving)
    }

    /// The provider said what a task cost, or did not.
    pub(super) fn charged(&mut self, now: Now, mut asked: ChargeQuestion, outcome: ChargeOutcome) {
        let Some(charges) = &mut self.charges else { return };
        asked.tries += 1;
        if outcome == ChargeOutcome::Unsettled && asked.tries < MAX_TRIES {
            let at = now.elapsed + self.options.limits.poll_every;
            charges.again.push(Reverse((at, asked.attempt)));
            charges.unsettled.push(asked);
            return;
        }
        charges.asking -= 1;
        match outcome {
            ChargeOutcome::Settled(charge) => {
                charges.misses = 0;
                let ChargeQuestion { shot, attempt, task, .. } = &asked;
                self.out.records.push(event_log::charged(shot, *attempt, task, &charge));
                charges.compare(&asked, &charge);
                let change = Change::Charge { attempt: asked.attempt, charge };
                self.out.commits.push(Commit { at: now.clock, change });
                self.out.owners.push(None);
            }
            ChargeOutcome::Unsettled => {
                tracing::debug!(shot = %asked.shot, "its charge is not settled yet");
            }
            ChargeOutcome::Unknown { why } => charges.missed(&why),
        }
        self.next_charge();
    }
}
