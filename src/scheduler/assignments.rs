//! What the ledger hands over while a run goes on, where several workers are at a campaign; and what is
//! lost to another worker.

use crate::domain::callback::Callback;
use crate::domain::state::OnDoubt;
use crate::domain::time::Now;
use crate::domain::transition::{Backoff, Next};
use crate::ledger::{Assigned, Change, Commit, Entry, RevisionId, Want};

use super::core::Scheduler;
use super::effects::Effect;
use super::event_log;
use super::sharing::LastCount;
use super::shot_state::{Activity, Slot};

/// So many unfinished purchases are taken over at once.
const PURCHASES: u32 = 500;
/// So many queued shots are always worth having.
const FEWEST: u32 = 8;
/// How soon a shot is tried again for which no place was free.
const FULL_PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

impl Scheduler {
    /// Asks for more work once there is little left, and now and then to hear of the others.
    pub(super) fn ask_for_work(&mut self, now: Now) {
        let is_idle = self.is_idle(now);
        let left = self.left();
        let ready = u32::try_from(self.queue.fitting(left)).unwrap_or(u32::MAX);
        let submits = self.options.submit && !self.is_stopping() && !self.progress.paused;
        let enough = if submits { self.enough() } else { 0 };
        let Some(sharing) = &mut self.sharing else { return };
        let is_hungry = ready < enough.div_ceil(2) && !sharing.ran_dry;
        let is_due = now.elapsed >= sharing.ask_at || is_idle != sharing.said_idle;
        if sharing.asking || !(is_due || is_hungry) {
            return;
        }
        sharing.asking = true;
        sharing.said_idle = is_idle;
        sharing.asked_for = enough.saturating_sub(ready);
        let rules = &self.options.rules;
        let buys_doubts = self.options.submit && rules.on_doubt == OnDoubt::Resubmit;
        let buys_failed = self.options.retry_failed || rules.rerolls > 0;
        let want = Want {
            queued: sharing.asked_for,
            left,
            purchases: PURCHASES,
            doubts: buys_doubts || self.doubts.is_some(),
            failed: self.options.submit && buys_failed,
            hears: self.doubts.is_some(),
            // The driver adds those that have come by the time it asks.
            callbacks: Vec::new(),
            returned: std::mem::take(&mut sharing.returned),
            is_idle,
            failures: self.failures,
            late: self.late,
            accepted: self.refusals.accepted,
            rejections: self.refusals.rejections.told(),
        };
        self.out.effects.push(Effect::Assign { want });
    }

    /// So many queued shots are worth having: some two seconds' worth of what is this worker's share of
    /// the rate. What it has when it dies waits for the end of its lease.
    fn enough(&self) -> u32 {
        let workers = self.sharing.as_ref().map_or(0, |sharing| sharing.news.workers);
        // Before it was heard of the others, no more than could be begun at once.
        if workers == 0 {
            return FEWEST;
        }
        self.options.limits.posts().div_ceil(2 * workers).max(FEWEST)
    }

    /// The ledger handed over work, and told how the campaign stands.
    pub(super) fn assigned(&mut self, now: Now, assigned: Assigned) {
        let Assigned { entries, subscriptions, callbacks, rejections, news } = assigned;
        if let Some(sharing) = &mut self.sharing {
            sharing.asking = false;
            let queued = entries.iter().filter(|(entry, _)| entry.status.state.name() == "queued");
            sharing.ran_dry = queued.count() < sharing.asked_for as usize;
        }
        self.heard(now, news);
        self.hear_refusals(now, news.accepted, rejections);
        if self.leaving {
            return;
        }
        let was_idle = self.sharing.as_ref().is_some_and(|sharing| sharing.said_idle);
        let has_nothing = entries.is_empty() && callbacks.is_empty();
        let is_over = was_idle && has_nothing && news.is_over && self.is_idle(now);
        let is_full = entries.len() >= PURCHASES as usize;
        if let Some(sharing) = &mut self.sharing {
            if !is_over {
                sharing.last_count = LastCount::Due;
            } else if sharing.last_count == LastCount::Due {
                sharing.count_at = now.elapsed;
            }
            sharing.is_over = is_over;
            if is_full {
                sharing.ask_at = now.elapsed;
            }
        }
        event_log::queued(
            entries.iter().map(|(entry, _)| entry).filter(|entry| self.options.takes_up(entry)),
        );
        self.replace_older(&entries);
        self.take_over(now, entries.into_iter(), subscriptions);
        for Callback { key, tasks } in callbacks {
            self.called(now, key, tasks);
        }
    }

    /// Whether this worker has nothing to do.
    pub(super) fn is_idle(&self, now: Now) -> bool {
        self.on_wire == 0
            && self.leaving_soon.is_empty()
            && self.active == 0
            // Money may come free by them, for what did not fit.
            && self.out.commits.is_empty()
            && !self.can_submit_later()
            && self.next_release(now).is_none()
            && self.charges.as_ref().is_none_or(|charges| charges.asking == 0)
    }

    /// Nothing goes on with a shot here: others may have it.
    pub(super) fn give_back(&mut self, slot: Slot) {
        if let Some(shot) =
            self.slots.get(slot).filter(|shot| shot.earlier.is_none() && !shot.is_gone)
        {
            self.returned(shot.entry.revision);
        }
    }

    /// Nothing goes on with a revision here.
    pub(super) fn returned(&mut self, revision: RevisionId) {
        if let Some(sharing) = &mut self.sharing {
            sharing.returned.push(revision);
        }
    }

    /// All places in flight were taken by others; it is tried again in a moment.
    pub(super) fn found_full(&mut self, now: Now, slot: Slot) {
        if let Some(sharing) = &mut self.sharing {
            sharing.news.places = 0;
        }
        self.give_up_place(slot);
        self.settle(now, slot, Next::Requeue(Backoff::Refused(Some(FULL_PAUSE))));
    }

    /// What this worker believes of revisions that it is handed over is old: it was given up meanwhile,
    /// and has them again.
    pub(super) fn replace_older(&mut self, entries: &[(Entry, Option<u32>)]) {
        let handed = entries.iter().map(|(entry, _)| entry.revision).collect();
        for slot in self.slots.of(&handed) {
            // What becomes of a claim is the ledger's to say, and the answer to a POST is news.
            if self.slots.get(slot).is_none_or(|shot| shot.holds_post) {
                continue;
            }
            self.leave_to_others(slot);
        }
    }

    /// Another worker, or the user, has the shot: what this worker believed of it is old.
    pub(super) fn lost(&mut self, slot: Slot, commit: &Commit) {
        if matches!(&commit.change, Change::Transition { attempt: Some(_), .. }) {
            self.give_up_place(slot);
        }
        self.leave_to_others(slot);
    }

    /// Nothing goes on with a shot here, but that its POST may still be answered.
    fn leave_to_others(&mut self, slot: Slot) {
        // Else it would be bought again from here, and not asked for: what it was told of is left.
        let place = self.slots.get(slot).and_then(|shot| shot.place);
        if let Some(place) = place.filter(|place| self.queued[*place as usize] == Some(slot)) {
            self.unqueue(place);
        }
        self.end_late(slot);
        self.end_posting(slot);
        self.land(slot);
        if let Some(attempt) = self.entry(slot).and_then(|entry| entry.status.state.attempt()) {
            self.forget(attempt);
        }
        self.retrying.remove(&slot);
        self.set(slot, Activity::Resting);
        if let Some(shot) = self.slots.get_mut(slot) {
            tracing::debug!(shot = %shot.entry.shot, "another worker has it");
            shot.is_gone = true;
        }
    }
}
