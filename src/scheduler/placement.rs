//! Where each shot is: what it may do and does, its place in flight, its place in the queue, its timer.

use std::cmp::Reverse;
use std::time::Duration;

use crate::domain::state::{OnDoubt, Rules};
use crate::domain::time::Now;
use crate::policy::queue::Rank;

use super::core::Scheduler;
use super::questions::Question;
use super::shot_state::{Activity, Errand, ShotState, Slot};

impl Scheduler {
    /// The rules for a shot: what this run may not submit (an older or removed revision, a shot
    /// that `--only` leaves out) is not bought again either, so its doubts are held. What a failed
    /// task costs was settled when it was bought; what a canceled one costs is of this run.
    pub(super) fn rules(&self, shot: &ShotState) -> Rules {
        let on_doubt = if self.submits(shot) { self.options.rules.on_doubt } else { OnDoubt::Hold };
        let failed_tasks_charged = shot.entry.charged_if_failed;
        let others_are_clear = shot.others_are_clear;
        Rules { on_doubt, failed_tasks_charged, others_are_clear, ..self.options.rules }
    }

    /// Whether this run may buy it.
    pub(super) fn submits(&self, shot: &ShotState) -> bool {
        shot.place.is_some()
            && self.options.submit
            && self.options.selects(shot.entry.shot.as_str())
    }

    /// Gives a shot something to do, or nothing.
    pub(super) fn set(&mut self, slot: Slot, activity: Activity) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let activity = if shot.is_gone { Activity::Resting } else { activity };
        let (was, is) = (shot.activity.is_active(), activity.is_active());
        shot.activity = activity;
        match (was, is) {
            (false, true) => self.active += 1,
            (true, false) => self.active -= 1,
            _ => {}
        }
    }

    /// Gives a shot a place in flight.
    pub(super) fn board(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get_mut(slot)
            && !shot.is_late
            && !shot.is_gone
            && !std::mem::replace(&mut shot.holds_place, true)
        {
            self.in_flight += 1;
        }
    }

    /// Takes a shot's place in flight back.
    pub(super) fn land(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get_mut(slot)
            && std::mem::replace(&mut shot.holds_place, false)
        {
            self.in_flight -= 1;
        }
    }

    /// Gives a shot one of the places for POSTs.
    pub(super) fn begin_posting(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get_mut(slot)
            && !std::mem::replace(&mut shot.holds_post, true)
        {
            self.posting += 1;
        }
    }

    /// Its POST was answered, or does not leave.
    pub(super) fn end_posting(&mut self, slot: Slot) {
        if let Some(shot) = self.slots.get_mut(slot)
            && std::mem::replace(&mut shot.holds_post, false)
        {
            self.posting -= 1;
        }
    }

    /// Begins an errand at a moment of the run, or at once if that has come.
    pub(super) fn begin_at(&mut self, now: Now, slot: Slot, errand: Errand, at: Duration) {
        if at <= now.elapsed {
            return self.line_up(slot, errand);
        }
        self.set(slot, Activity::Waiting(errand, at));
        self.timers.push(Reverse((at, slot)));
    }

    /// Begins an errand as soon as the poll rate, or a place among the downloads, allows it.
    pub(super) fn line_up(&mut self, slot: Slot, errand: Errand) {
        self.set(slot, Activity::Busy);
        match errand {
            Errand::Poll => self.questions.push_back(Question::Poll(slot)),
            Errand::Find => self.questions.push_back(Question::Find(slot)),
            Errand::Fetch if self.retrying.contains(&slot) => self.to_fetch_again.push_back(slot),
            Errand::Fetch => self.to_fetch.push_back(slot),
        }
    }

    /// Wakes the shots whose time has come.
    pub(super) fn wake(&mut self, now: Now) {
        while let Some(Reverse((at, slot))) = self.timers.peek().copied()
            && at <= now.elapsed
        {
            self.timers.pop();
            match self.slots.get(slot).map(|shot| &shot.activity) {
                Some(Activity::Waiting(errand, due)) if *due == at => {
                    let errand = *errand;
                    self.line_up(slot, errand);
                }
                Some(Activity::Aside(due)) if *due == at => self.line_up(slot, Errand::Poll),
                _ => {}
            }
        }
        self.wake_charges(now);
    }

    /// Puts a shot into the queue, to be submitted at once or after a pause.
    pub(super) fn enqueue(&mut self, now: Now, slot: Slot, pause: Duration) {
        let Some(place) = self.slots.get(slot).and_then(|shot| shot.place) else {
            self.set(slot, Activity::Resting);
            return;
        };
        let Some(shot) = self.shots.get(place as usize) else { return };
        let probed = self.slots.get(slot).is_some_and(|shot| shot.entry.status.probed);
        let rank = Rank::new(shot.priority, place).probed(probed);
        if pause.is_zero() {
            self.queue.push(rank, shot.price);
        } else {
            self.queue.push_paused(rank, shot.price, now.elapsed + pause);
        }
        self.queued[place as usize] = Some(slot);
        self.set(slot, Activity::Queued);
    }

    /// Takes a shot out of the queue; whether it was there.
    pub(super) fn unqueue(&mut self, place: u32) -> bool {
        let Some(shot) = self.shots.get(place as usize) else { return false };
        let Some(slot) = self.queued[place as usize].take() else { return false };
        let probed = self.slots.get(slot).is_some_and(|shot| shot.entry.status.probed);
        self.queue.remove(Rank::new(shot.priority, place).probed(probed), shot.price);
        true
    }
}
