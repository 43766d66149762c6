//! What a run counts and times while it goes on, for readers outside it. Atomics only: to read them
//! costs the run nothing, and it is not the ledger, so that it begins anew with each run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::outcome::SubmitOutcome;

/// What may come of a POST, in the order of [`Metrics::attempts`].
pub const OUTCOMES: [&str; 9] = [
    "bought",
    "throttled",
    "server_error",
    "rejected",
    "bad_key",
    "no_credit",
    "wrong_address",
    "not_sent",
    "in_doubt",
];

/// The counters and histograms of one run.
#[derive(Debug)]
pub struct Metrics {
    attempts: [AtomicU64; OUTCOMES.len()],
    /// From a POST that leaves to its answer.
    pub submitting: Histogram,
    /// From a purchase to the moment its task is known to be done.
    pub rendering: Histogram,
    /// From a task that is known to be done to its clips on disk, waiting for a place included.
    pub fetching: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            attempts: Default::default(),
            submitting: Histogram::new(&[50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]),
            rendering: Histogram::new(&[
                5000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
                7_200_000,
            ]),
            fetching: Histogram::new(&[100, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]),
        }
    }
}

impl Metrics {
    /// A POST that left was answered, or is in doubt, after so long.
    pub fn answered(&self, answer: &SubmitOutcome, took: Duration) {
        self.attempts[place(answer)].fetch_add(1, Ordering::Relaxed);
        self.submitting.record(took);
    }

    /// How many POSTs came to each of [`OUTCOMES`].
    pub fn attempts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.attempts.iter().map(|count| count.load(Ordering::Relaxed));
        OUTCOMES.into_iter().zip(counts)
    }
}

/// Where [`OUTCOMES`] has an answer.
const fn place(answer: &SubmitOutcome) -> usize {
    match answer {
        SubmitOutcome::Bought { .. } => 0,
        SubmitOutcome::Throttled { .. } => 1,
        SubmitOutcome::ServerError { .. } => 2,
        SubmitOutcome::Rejected { .. } | SubmitOutcome::Firewall { .. } => 3,
        SubmitOutcome::BadKey { .. } => 4,
        SubmitOutcome::NoCredit { .. } => 5,
        SubmitOutcome::WrongAddress { .. } => 6,
        SubmitOutcome::NotSent { .. } => 7,
        SubmitOutcome::Doubtful { .. } => 8,
    }
}

/// Spans by length.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds in milliseconds, rising.
    bounds: &'static [u64],
    /// Spans up to each bound and above the one before it; the last holds what is above all.
    counts: Box<[AtomicU64]>,
    micros: AtomicU64,
}

impl Histogram {
    /// Without a span; `bounds` in milliseconds, rising.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, counts, micros: AtomicU64::new(0) }
    }

    /// Counts a span.
    pub fn record(&self, span: Duration) {
        let place = self.bounds.partition_point(|most| Duration::from_millis(*most) < span);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many spans are at most so long, for each bound and, as `None`, for all.
    #[must_use]
    pub fn cumulative(&self) -> Vec<(Option<Duration>, u64)> {
        let bounds = self.bounds.iter().map(|most| Some(Duration::from_millis(*most)));
        let mut sum = 0;
        bounds
            .chain([None])
            .zip(&self.counts)
            .map(|(most, count)| {
                sum += count.load(Ordering::Relaxed);
                (most, sum)
            })
            .collect()
    }

    /// All spans together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}
