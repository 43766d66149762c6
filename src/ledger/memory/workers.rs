//! The workers of a campaign in memory, and until when each of them is believed to work.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Committed, RevisionId, Work};
use crate::policy::rejections::AlikeRejections;

/// How long a worker of which nothing is heard is not given up.
const LEASE: Duration = Duration::from_secs(30);
/// How long a worker that hears nothing takes its own lease to last.
const OWN_LEASE: Duration = Duration::from_secs(25);

/// A worker under one of its numbers.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    /// What it shares; `None`: a visitor, which counts as no worker.
    pub(super) work: Option<Work>,
    /// How long a POST of its may be on the wire.
    pub(super) post_lasts: Duration,
    /// The run in which it joined, and whether that began with it.
    pub(super) run: u64,
    pub(super) begins_run: bool,
    /// The places of the shots that it may buy; `None`: all.
    pub(super) only: Option<Vec<u32>>,
    /// Since when nothing is heard of it; `None`: it renews its lease all the time.
    pub(super) silent_since: Option<Instant>,
    /// When no POST of its can be on the wire any more, once it has ended.
    pub(super) ended: Option<Instant>,
    pub(super) is_idle: bool,
    pub(super) failures: u32,
    pub(super) late: u32,
    pub(super) accepted: u32,
    /// The rejections that it met, and how much had been accepted of all workers when it told of them.
    pub(super) rejections: Option<(AlikeRejections, u32)>,
    /// The number of its last batch, and what it was answered.
    pub(super) last_batch: Option<(u64, Committed)>,
    /// The number of its last assignment, and what it was handed over.
    pub(super) last_assigned: Option<(u64, Vec<RevisionId>)>,
}

impl Worker {
    pub(super) fn new(work: Option<Work>, post_lasts: Duration, run: u64) -> Self {
        Self {
            work,
            post_lasts,
            run,
            begins_run: false,
            only: None,
            silent_since: None,
            ended: None,
            is_idle: false,
            failures: 0,
            late: 0,
            accepted: 0,
            rejections: None,
            last_batch: None,
            last_assigned: None,
        }
    }

    /// Whether it is one of the campaign's workers, and was not given up.
    pub(super) fn lives(&self) -> bool {
        self.work.is_some() && self.ended.is_none()
    }

    /// Gives it up if its lease has ended; whether that is so.
    pub(super) fn lapse(&mut self, now: Instant) -> bool {
        let over = self.silent_since.map(|since| since + LEASE);
        match over.filter(|over| *over < now && self.ended.is_none()) {
            Some(over) => {
                self.ended = Some(over + self.post_lasts);
                true
            }
            None => false,
        }
    }

    /// Whether it may send what it claimed, as far as it can tell.
    pub(super) fn may_send(&self, now: Instant) -> bool {
        let lasts = |since: Instant| now.duration_since(since) < OWN_LEASE;
        self.ended.is_none() && self.silent_since.is_none_or(lasts)
    }
}
