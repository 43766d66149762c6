//! How a run stands while it goes on: counts by state and the money.

use crate::domain::state::State;
use crate::ledger::Counts;
use crate::policy::budget::{Balance, Budget};

use super::in_flight::{Since, Wire};
use super::outcome::RunOutcome;

/// The shots by state, and the money, as they change. Of the manifest's shots those that the run may
/// submit (`--only`), or that it polls or fetches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Queued.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Rendering, stalled ones not counted.
    pub rendering: usize,
    /// Rendered and not yet fetched.
    pub rendered: usize,
    /// Delivered.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// In doubt.
    pub in_doubt: usize,
    /// Stalled.
    pub stalled: usize,
    /// Rendering for so long that their places were given away.
    pub late: u32,
    /// The money.
    pub balance: Balance,
    /// The cap.
    pub budget: Budget,
    /// How the run will end, once submitting has stopped for good.
    pub stopping: Option<RunOutcome>,
    /// Whether nothing is submitted until the user says so.
    pub paused: bool,
    /// Shots that wait while none of them fits under the cap and none that pauses could.
    pub held_by_cap: usize,
    /// Shots that have a task again which was given before: the one that replaced it is unknown.
    pub former: usize,
    /// This worker's requests on the wire.
    pub wire: Wire,
    /// This worker's task that renders longest, stalled ones not counted.
    pub longest: Option<Since>,
    /// How shots came to their ends in this run.
    pub ends: Ends,
}

/// How shots came to their ends in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Delivered or failed.
    pub settled: u32,
    /// Failed.
    pub failed: u32,
    /// Whether the latest 32 failed: a bit each, the last one's the lowest.
    pub latest: u32,
}

impl Ends {
    /// One more came to its end, if that is what the state is.
    pub(super) const fn note(&mut self, state: &State) {
        let failed = match state {
            State::Delivered { .. } => 0,
            State::Failed { .. } => 1,
            _ => return,
        };
        self.settled = self.settled.saturating_add(1);
        self.failed = self.failed.saturating_add(failed);
        self.latest = self.latest << 1 | failed;
    }
}

impl Progress {
    /// The count a state belongs to.
    pub(super) const fn of(&mut self, state: &State) -> &mut usize {
        match state {
            State::Queued { .. } => &mut self.queued,
            State::Submitting { .. } => &mut self.submitting,
            State::Rendering { stalled: Some(_), .. } => &mut self.stalled,
            State::Rendering { .. } => &mut self.rendering,
            State::Rendered { .. } => &mut self.rendered,
            State::Delivered { .. } => &mut self.delivered,
            State::Failed { .. } => &mut self.failed,
            State::InDoubt { .. } => &mut self.in_doubt,
        }
    }

    /// Submitting or rendering; stalled ones are not waited for.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.submitting + self.rendering
    }

    /// The counts under their states' names, in the order of a shot's life.
    #[must_use]
    pub const fn by_state(&self) -> [(&'static str, usize); 8] {
        [
            ("queued", self.queued),
            ("submitting", self.submitting),
            ("rendering", self.rendering),
            ("stalled", self.stalled),
            ("rendered", self.rendered),
            ("delivered", self.delivered),
            ("failed", self.failed),
            ("in_doubt", self.in_doubt),
        ]
    }

    /// Takes over how many there are in each state.
    pub(super) const fn take_counts(&mut self, counts: &Counts) {
        let Counts { queued, submitting, rendering, stalled, .. } = *counts;
        let Counts { rendered, delivered, failed, in_doubt, .. } = *counts;
        (self.queued, self.submitting) = (queued, submitting);
        (self.rendering, self.stalled) = (rendering, stalled);
        (self.rendered, self.delivered) = (rendered, delivered);
        (self.failed, self.in_doubt) = (failed, in_doubt);
    }

    /// Counts a shot in before anything happened to it.
    pub(super) const fn count(&mut self, state: &State) {
        *self.of(state) += 1;
    }

    /// A shot went from one state to another; not all shots are counted by state.
    pub(super) fn moved(&mut self, is_counted: bool, from: &State, to: &State) {
        if is_counted {
            let before = self.of(from);
            *before = before.saturating_sub(1);
            *self.of(to) += 1;
        }
        self.ends.note(to);
    }

    /// All shots.
    #[must_use]
    pub fn total(&self) -> usize {
        self.by_state().iter().map(|(_, count)| count).sum()
    }
}
