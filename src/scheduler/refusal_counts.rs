//! What was refused in a run, as far as it may say something about all shots.

use std::collections::HashSet;

use crate::domain::outcome::SubmitOutcome;
use crate::domain::transition::FIREWALL;
use crate::policy::rejections::{Rejections, gist};

use super::shot_state::Slot;

/// A 429 that may mean money does once so many different shots got it.
const MAX_PENNILESS: usize = 3;

/// The refusals of a run.
#[derive(Default)]
pub(super) struct Refusals {
    pub(super) rejections: Rejections,
    /// Shots that failed in this run because they were rejected, with what was said.
    pub(super) rejected: Vec<(String, Slot)>,
    /// Those that met a firewall in a row.
    pub(super) firewalled: HashSet<Slot>,
    /// Those that were answered with a 429 that may mean money.
    penniless: HashSet<Slot>,
    /// Whether anything was accepted in this run.
    pub(super) has_accepted: bool,
    /// What the rejections say that stopped it.
    pub(super) stopped_by: Option<String>,
}

impl Refusals {
    /// Something was accepted.
    pub(super) fn accepted(&mut self) {
        self.rejections.accepted();
        self.firewalled.clear();
        self.penniless.clear();
        self.has_accepted = true;
    }

    /// A shot got a 429 that may mean money; whether it does by now.
    pub(super) fn is_penniless(&mut self, slot: Slot) -> bool {
        self.penniless.insert(slot);
        self.penniless.len() >= MAX_PENNILESS
    }
}

/// What was said of a request that will never be accepted: its gist, and the words.
pub(super) fn rejection(outcome: &SubmitOutcome) -> Option<(String, String)> {
    match outcome {
        SubmitOutcome::Rejected { why } => Some((gist(why), why.clone())),
        SubmitOutcome::Firewall { why } => Some((firewall(), why.clone())),
        _ => None,
    }
}

/// What all of a firewall's pages say.
pub(super) fn firewall() -> String {
    gist(FIREWALL)
}
