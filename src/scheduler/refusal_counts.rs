//! What was refused in a run, as far as it may say something about all shots.

use std::collections::HashSet;

use crate::domain::outcome::SubmitOutcome;
use crate::domain::transition::FIREWALL;
use crate::policy::rejections::{AlikeRejections, Rejections, gist};

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
    /// The last rejection: its gist, and the words.
    pub(super) last: Option<(String, String)>,
    /// Whether anything was accepted in this run.
    pub(super) has_accepted: bool,
    /// How much was accepted from this worker.
    pub(super) accepted: u32,
    /// How much was accepted from others, as was last heard.
    accepted_elsewhere: u32,
    /// The rejections in a row that others met.
    pub(super) elsewhere: Vec<AlikeRejections>,
    /// What the rejections say that stopped it.
    pub(super) stopped_by: Option<String>,
}

impl Refusals {
    /// Something was accepted from this worker.
    pub(super) fn accepted(&mut self) {
        self.accepted = self.accepted.saturating_add(1);
        self.begin_again();
    }

    /// What others tell: so much was accepted from them, and these rejections they met since.
    pub(super) fn hear(&mut self, accepted: u32, rejections: Vec<AlikeRejections>) {
        if accepted > self.accepted_elsewhere {
            self.accepted_elsewhere = accepted;
            self.begin_again();
        }
        self.elsewhere = rejections;
    }

    /// Whether the rejections in a row are too many, over all workers. What a firewall has against one
    /// text says nothing about others.
    pub(super) fn are_too_many(&self, gist: &str) -> bool {
        let others = &self.elsewhere;
        self.rejections.are_too_many(others)
            && !(gist == firewall() && self.rejections.are_of_one_text(others))
    }

    /// What was refused before says nothing any more.
    fn begin_again(&mut self) {
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
