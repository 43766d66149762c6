//! What the ends of shots lead to: failures that stop the run, failed tasks that are bought again,
//! tasks that are late.

use crate::domain::state::{ShotEvent, State};
use crate::domain::time::{Now, in_words};
use crate::domain::transition::Next;
use crate::ledger::Change;
use crate::provider::apimodels;

use super::core::Scheduler;
use super::effects::Effect;
use super::outcome::StopReason;
use super::renders::Kind;
use super::shot_state::{Activity, Slot};

impl Scheduler {
    /// A shot failed: it is bought again, or counts.
    pub(super) fn failed(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get(slot) {
            let why = shot.entry.status.state.why().unwrap_or_default();
            tracing::warn!(shot = %shot.entry.shot, "failed: {}", apimodels::in_words(why));
        }
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.has_failed = true;
        }
        if !self.may_reroll(slot) {
            self.count_failure(slot);
        }
    }

    /// It stays failed. What an earlier run left so does not count in this one.
    fn count_failure(&mut self, slot: Slot) {
        let shot = self.slots.get_mut(slot);
        if !shot.is_some_and(|shot| std::mem::take(&mut shot.has_failed)) {
            return;
        }
        self.failures += 1;
        self.latest.note(true);
        self.check_failures();
        if let Some((max, (failed, of))) =
            self.options.max_failure_percent.zip(self.latest.failed())
            && u64::from(failed) * 100 >= u64::from(max) * u64::from(of)
        {
            self.stop(StopReason::FailureShare { failed, of });
        }
    }

    /// Stops once too many shots failed in this run, over all workers.
    pub(super) fn check_failures(&mut self) {
        let others = self.sharing.as_ref().map_or(0, |sharing| sharing.news.failures);
        let all = self.failures.saturating_add(others);
        if self.options.max_failures.is_some_and(|max| all >= max) {
            self.stop(StopReason::Failures(all));
        }
    }

    /// Whether a failed task may be bought again in this run, as far as is known without the ledger.
    pub(super) fn may_reroll(&self, slot: Slot) -> bool {
        !self.is_stopping()
            && self.slots.get(slot).is_some_and(|shot| {
                self.submits(shot)
                    && shot.entry.current
                    && shot.entry.status.may_be_rerolled(&self.rules(shot))
            })
    }

    /// Asks the ledger whether another attempt of the shot may have bought it.
    pub(super) fn ask_reserved(&mut self, slot: Slot) {
        let Some(revision) = self.entry(slot).map(|entry| entry.revision) else { return };
        self.land(slot);
        self.forget_settled(slot);
        self.set(slot, Activity::Busy);
        self.out.effects.push(Effect::Reserved { slot, revision });
    }

    /// The ledger answered whether another attempt's price is reserved.
    pub(super) fn reserved(&mut self, now: Now, slot: Slot, is_reserved: bool) {
        if is_reserved || !self.may_reroll(slot) {
            self.count_failure(slot);
            return self.settle(now, slot, Next::Rest);
        }
        if let Some(next) = self.step(now, slot, ShotEvent::Reroll) {
            self.settle(now, slot, next);
        }
    }

    /// What a shot's task is like.
    fn kind(&self, slot: Slot) -> Option<Kind> {
        let shot = self.slots.get(slot)?;
        let planned = self.shots.get(shot.place? as usize)?;
        Some((planned.model.clone(), shot.entry.price))
    }

    /// A task was rendered.
    pub(super) fn note_render(&mut self, slot: Slot, before: &State) {
        if let (State::Rendering { since, .. }, Some(State::Rendered { completed_at, .. })) =
            (before, self.entry(slot).map(|entry| &entry.status.state))
            && let Some(kind) = self.kind(slot)
        {
            let took = completed_at.since(*since);
            self.renders.note(kind, *since, took);
        }
    }

    /// Gives the place of a task away that takes far longer than its like.
    pub(super) fn check_late(&mut self, now: Now, slot: Slot) {
        let Some(kind) = self.kind(slot) else { return };
        let Some(shot) = self.slots.get(slot).filter(|shot| shot.holds_place) else { return };
        let State::Rendering { since, .. } = shot.entry.status.state else { return };
        let age = shot.judged_at(now).since(since);
        let others = self.sharing.as_ref().map_or(0, |sharing| sharing.news.late);
        let is_room = self.late + others < self.options.limits.in_flight / 2;
        if !is_room || !self.renders.is_late(&kind, since, age) {
            return;
        }
        self.land(slot);
        if let Some(shot) = self.slots.get(slot).filter(|_| self.sharing.is_some()) {
            let revision = shot.entry.revision;
            self.out.write(now, Some(slot), Change::Late { revision });
        }
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.is_late = true;
            self.late += 1;
            let id = &shot.entry.shot;
            tracing::warn!(
                shot = %id,
                "late: it renders for {} while others like it are done. Its place is given to \
                 another shot, its price stays reserved, and it is asked for as before",
                in_words(age)
            );
        }
        self.progress.late = self.late;
    }

    /// A late task came to its end, or is stalled.
    pub(super) fn end_late(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get_mut(slot)
            && std::mem::take(&mut shot.is_late)
        {
            self.late -= 1;
            self.progress.late = self.late;
        }
    }
}
