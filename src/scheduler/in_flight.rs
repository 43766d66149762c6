//! What is in flight and since when, as a run shows it: the requests on the wire, and the task that
//! renders longest. Decides nothing.

use std::collections::{BTreeSet, HashMap};

use crate::domain::shot::ShotId;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

use super::shot_state::Slot;

/// A shot that is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// Its name.
    pub shot: ShotId,
    /// When its request left, or its task was handed over.
    pub since: Timestamp,
}

/// The requests on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// How many there are.
    pub posts: usize,
    /// The one that waits longest for its answer.
    pub oldest: Option<Since>,
    /// When the youngest left: once its time is over, so is that of all others.
    pub newest: Option<Timestamp>,
}

/// Shots by the moment since when they are in flight.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// POSTs that were begun and not answered.
    pub(super) posts: BTreeSet<(Timestamp, Slot)>,
    left_at: HashMap<Slot, Timestamp>,
    /// Tasks that render. One that no longer does may still be among them.
    pub(super) renders: BTreeSet<(Timestamp, Slot)>,
}

impl InFlight {
    /// A POST leaves.
    pub(super) fn left(&mut self, slot: Slot, at: Timestamp) {
        if self.left_at.insert(slot, at).is_none() {
            self.posts.insert((at, slot));
        }
    }

    /// A POST was answered, or did not leave.
    pub(super) fn came_back(&mut self, slot: Slot) {
        if let Some(at) = self.left_at.remove(&slot) {
            self.posts.remove(&(at, slot));
        }
    }

    /// A shot went from one state to another.
    pub(super) fn moved(&mut self, slot: Slot, from: &State, to: &State) {
        if let Some(since) = rendering(from) {
            self.renders.remove(&(since, slot));
        }
        self.found(slot, to);
    }

    /// A shot is in this state.
    pub(super) fn found(&mut self, slot: Slot, state: &State) {
        if let Some(since) = rendering(state) {
            self.renders.insert((since, slot));
        }
    }
}

/// Since when a task renders; `None` where it does not, or is stalled.
pub(super) const fn rendering(state: &State) -> Option<Timestamp> {
    match state {
        State::Rendering { since, stalled: None, .. } => Some(*since),
        _ => None,
    }
}
