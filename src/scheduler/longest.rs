//! Shows what is in flight and since when.

use crate::domain::time::{Now, Timestamp};

use super::core::Scheduler;
use super::in_flight::{Since, Wire, rendering};
use super::shot_state::Slot;

impl Scheduler {
    /// A POST leaves.
    pub(super) fn note_left(&mut self, now: Now, slot: Slot) {
        self.in_flight_since.left(slot, now.clock);
        self.show_wire();
    }

    /// A POST was answered, or did not leave.
    pub(super) fn note_answered(&mut self, slot: Slot) {
        self.in_flight_since.came_back(slot);
        self.show_wire();
    }

    fn show_wire(&mut self) {
        let posts = &self.in_flight_since.posts;
        let named = |(since, slot): &(Timestamp, Slot)| {
            let shot = self.slots.get(*slot)?.entry.shot.clone();
            Some(Since { shot, since: *since })
        };
        self.progress.wire = Wire {
            posts: posts.len(),
            oldest: posts.first().and_then(named),
            newest: posts.last().map(|(at, _)| *at),
        };
    }

    /// Shows the task that renders longest.
    pub(super) fn show_longest(&mut self) {
        while let Some((since, slot)) = self.in_flight_since.renders.first().copied() {
            let shot = self.slots.get(slot).filter(|shot| !shot.is_gone);
            let entry = shot.map(|shot| &shot.entry);
            match entry.filter(|entry| rendering(&entry.status.state) == Some(since)) {
                Some(entry) => {
                    let is_shown = |shown: &Since| shown.since == since && shown.shot == entry.shot;
                    if !self.progress.longest.as_ref().is_some_and(is_shown) {
                        self.progress.longest = Some(Since { shot: entry.shot.clone(), since });
                    }
                    return;
                }
                None => drop(self.in_flight_since.renders.pop_first()),
            }
        }
        self.progress.longest = None;
    }
}
