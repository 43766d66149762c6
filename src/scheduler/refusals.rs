//! Refusals that say something about all shots: requests that are rejected alike, a firewall before
//! the gateway. What stops a run here queues again what it failed before.

use serde_json::{Map, Value};

use crate::domain::state::{Failure, ShotEvent, State};
use crate::domain::time::Now;
use crate::policy::rejections::AlikeRejections;

use super::core::Scheduler;
use super::outcome::StopReason;
use super::refusal_counts::firewall;
use super::shot_state::{Activity, ShotState, Slot};

/// So many different shots that met a firewall in a row, with nothing accepted in this run, mean
/// that it may refuse everything.
const MAX_FIREWALLED: usize = 3;

/// What tells requests apart for people.
fn prompt(request: &str) -> String {
    let params: Map<String, Value> = serde_json::from_str(request).unwrap_or_default();
    params.get("prompt").and_then(Value::as_str).map_or_else(|| request.into(), str::to_owned)
}

impl Scheduler {
    /// A shot failed because its request was rejected. It is kept in mind, since it may be queued
    /// again.
    pub(super) fn rejected(&mut self, now: Now, slot: Slot, gist: &str, why: String) {
        self.land(slot);
        self.set(slot, Activity::Resting);
        let is_firewall = gist == firewall();
        let has_accepted = self.refusals.has_accepted;
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let said_before = shot.rejected_with.replace(gist.to_owned());
        let is_known = shot.entry.status.probed && said_before.is_none_or(|said| said == gist);
        // A firewall that refuses everything refuses those again that it refused in the last run.
        if is_known && (!is_firewall || has_accepted) {
            return self.rest(slot);
        }
        let prompt = self.prompt_of(slot);
        let refusals = &mut self.refusals;
        refusals.rejected.push((gist.to_owned(), slot));
        if is_firewall {
            refusals.firewalled.insert(slot);
        } else {
            refusals.firewalled.clear();
        }
        refusals.rejections.rejected(gist, &prompt);
        refusals.last = Some((gist.to_owned(), why.clone()));
        if is_firewall && !has_accepted && refusals.firewalled.len() >= MAX_FIREWALLED {
            self.stop(StopReason::Firewall(why));
        } else if self.refusals.are_too_many(gist) {
            self.stop_alike(why);
        } else if self.refusals.stopped_by.as_deref() != Some(gist) {
            return;
        }
        self.requeue_alike(now, gist);
    }

    fn stop_alike(&mut self, why: String) {
        let count = self.refusals.rejections.in_a_row(&self.refusals.elsewhere);
        self.stop(StopReason::Alike { count, why });
    }

    /// Other workers tell what was accepted from them, and what they met since. This one stops once it
    /// met such a rejection too.
    pub(super) fn hear_refusals(&mut self, now: Now, accepted: u32, met: Vec<AlikeRejections>) {
        self.refusals.hear(accepted, met);
        if self.stopped.is_none()
            && let Some((gist, why)) = self.refusals.last.clone()
            && self.refusals.rejections.told().is_some()
            && self.refusals.are_too_many(&gist)
        {
            self.stop_alike(why);
            self.requeue_alike(now, &gist);
        }
    }

    fn prompt_of(&self, slot: Slot) -> String {
        let place = self.slots.get(slot).and_then(|shot| shot.place);
        let planned = place.and_then(|place| self.shots.get(place as usize));
        planned.map(|shot| prompt(&shot.request.json)).unwrap_or_default()
    }

    /// Every shot of this run that was rejected so is queued again, behind all others.
    fn requeue_alike(&mut self, now: Now, gist: &str) {
        self.refusals.stopped_by = Some(gist.to_owned());
        let all = std::mem::take(&mut self.refusals.rejected);
        let (alike, others) = all.into_iter().partition(|(said, _)| said == gist);
        self.refusals.rejected = others;
        let alike: Vec<(String, Slot)> = alike;
        for (_, slot) in alike {
            let Some(next) = self.step(now, slot, ShotEvent::RefusedAlike) else { return };
            self.failures = self.failures.saturating_sub(1);
            self.settle(now, slot, next);
        }
    }
}

impl ShotState {
    /// Whether its request was rejected for good, as far as this run knows.
    pub(super) const fn is_rejected(&self) -> bool {
        matches!(self.entry.status.state, State::Failed { failure: Failure::Rejected, .. })
    }
}
