//! Where each shot is: what it does, its place in flight, its place in the queue, its timer.

use std::cmp::Reverse;
use std::time::Duration;

use crate::domain::time::Now;
use crate::policy::queue::Rank;

use super::core::Scheduler;
use super::shot_state::{Activity, Slot};

impl Scheduler {
    /// Gives a shot something to do, or nothing.
    pub(super) fn set(&mut self, slot: Slot, activity: Activity) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
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

    /// Wakes a shot at a moment of the run.
    pub(super) fn wake_at(&mut self, slot: Slot, at: Duration) {
        self.timers.push(Reverse((at, slot)));
    }

    /// Wakes the shots whose time has come.
    pub(super) fn wake(&mut self, now: Now) {
        while let Some(Reverse((at, slot))) = self.timers.peek().copied() {
            if at > now.elapsed {
                break;
            }
            self.timers.pop();
            let Some(shot) = self.slots.get(slot) else { continue };
            match shot.activity {
                Activity::PollAt(due) if due == at => self.ask_poll(slot),
                Activity::FindAt(due) if due == at => self.queue_find(slot),
                Activity::FetchAt(due) if due == at => self.queue_download(slot),
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
        let rank = Rank::new(shot.priority, place);
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
        let was_there = self.queued[place as usize].take().is_some();
        if was_there {
            self.queue.remove(Rank::new(shot.priority, place), shot.price);
        }
        was_there
    }
}
