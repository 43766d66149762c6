//! What a run knows of the other workers of its campaign, and what it has to tell them.

use std::time::Duration;

use crate::domain::money::Usd;
use crate::ledger::{News, RevisionId};

/// The count of the shots once no worker has anything to do any more: how the run ends is told by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LastCount {
    /// Still to be asked for.
    #[default]
    Due,
    /// Asked for.
    Asked,
    /// Answered.
    Done,
}

/// What is known of the other workers.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Sharing {
    /// As of the last answer.
    pub(super) news: News,
    /// Whether work is being asked for, for how many queued shots, and when it is to be asked for again
    /// at the latest.
    pub(super) asking: bool,
    pub(super) asked_for: u32,
    pub(super) ask_at: Duration,
    /// Whether the last answer held fewer queued shots than were asked for: there are no more.
    pub(super) ran_dry: bool,
    /// Whether the ledger was told that this worker is idle.
    pub(super) said_idle: bool,
    /// Whether no worker has anything to do any more, and whether the shots were counted since.
    pub(super) is_over: bool,
    pub(super) last_count: LastCount,
    /// Revisions with which nothing goes on here.
    pub(super) returned: Vec<RevisionId>,
    /// Shots that were picked and whose claim was not answered yet.
    pub(super) unclaimed: u32,
    /// A 429 that the others are to hear of: until when all keep quiet, by the run's time, and how
    /// often the pace is halved.
    pub(super) setback: Option<(Duration, u32)>,
    /// Whether the others are to hear that the pace may double again.
    pub(super) recovered: bool,
    /// What the queued shots cost when the run began.
    pub(super) to_buy: Usd,
    /// Whether the campaign is paused, as this worker last heard or said.
    pub(super) is_paused: bool,
    /// What the ledger is being told of a pause: what it says of it meanwhile is old.
    pub(super) telling_pause: Option<bool>,
    /// Whether a pause was told since work was last asked for.
    pub(super) told_pause: bool,
    /// Since when the shots are being counted, and when they are to be counted again.
    pub(super) counting: Option<Duration>,
    pub(super) count_at: Duration,
    /// How long commits took of late at most.
    pub(super) commit: Duration,
}

impl Sharing {
    /// Whether no worker has anything to do any more, and the last count is known.
    pub(super) fn has_ended(&self) -> bool {
        self.is_over && self.last_count == LastCount::Done
    }
}
