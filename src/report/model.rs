//! Counts and moments over a report's rows.

mod mismatch;

pub use mismatch::mismatches;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Serialize;

use crate::charge::Charge;
use crate::job::{Failure, State};
use crate::ledger::{LedgerError, Row};
use crate::money::Usd;
use crate::time::Timestamp;

use super::Source;

/// Rows by state, under the states' names and in the order of a shot's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// To be submitted.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Bought and not done, stalled ones included.
    pub rendering: usize,
    /// Paid and not fetched.
    pub rendered: usize,
    /// On disk.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// Perhaps bought.
    pub in_doubt: usize,
}

impl Counts {
    /// Counts one more row.
    pub fn add(&mut self, state: &State) {
        *match state {
            State::Queued { .. } => &mut self.queued,
            State::Submitting { .. } => &mut self.submitting,
            State::Rendering { .. } => &mut self.rendering,
            State::Rendered { .. } => &mut self.rendered,
            State::Delivered { .. } => &mut self.delivered,
            State::Failed { .. } => &mut self.failed,
            State::InDoubt { .. } => &mut self.in_doubt,
        } += 1;
    }

    /// All rows.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.queued
            + self.submitting
            + self.rendering
            + self.rendered
            + self.delivered
            + self.failed
            + self.in_doubt
    }

    /// The states that hold rows, with their words for people; `stalled` of the rendering ones
    /// are.
    pub fn present(&self, stalled: usize) -> impl Iterator<Item = (&'static str, usize)> {
        [
            ("delivered", self.delivered),
            ("to be fetched", self.rendered),
            ("rendering", self.rendering.saturating_sub(stalled)),
            ("stalled", stalled),
            ("submitting", self.submitting),
            ("queued", self.queued),
            ("failed", self.failed),
            ("in doubt", self.in_doubt),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}

/// What a glance at a campaign shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Rows by state.
    pub counts: Counts,
    /// Rendering rows that are stalled.
    pub stalled: usize,
    /// Rendered rows whose download failed.
    pub not_fetched: usize,
    /// Rows of older or removed revisions.
    pub others: usize,
    /// The shot that renders longest, and since when.
    pub oldest: Option<(String, Timestamp)>,
    /// Deliveries of the last half hour, and the first of them.
    pub lately: Option<(usize, Timestamp)>,
}

impl Digest {
    /// Reads every row once.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(source: &dyn Source, now: Timestamp) -> Result<Self, LedgerError> {
        let mut digest = Self::default();
        source.rows(&mut |row| digest.add(&row, now))?;
        Ok(digest)
    }

    fn add(&mut self, row: &Row, now: Timestamp) {
        const LATELY_SECS: u64 = 30 * 60;
        let state = &row.entry.job.state;
        self.counts.add(state);
        self.others += usize::from(!row.entry.current);
        match state {
            State::Rendering { since, stalled, .. } => {
                self.stalled += usize::from(stalled.is_some());
                if self.oldest.as_ref().is_none_or(|(_, oldest)| since < oldest) {
                    self.oldest = Some((name(row), *since));
                }
            }
            State::Rendered { why: Some(_), .. } => self.not_fetched += 1,
            State::Delivered { .. } => {
                let Some(at) = row.delivered_at else { return };
                if now.since(at).as_secs() < LATELY_SECS {
                    let (count, first) = self.lately.unwrap_or((0, at));
                    self.lately = Some((count + 1, first.min(at)));
                }
            }
            _ => {}
        }
    }

    /// About how many seconds the rest takes at the pace of the last half hour; `None` while
    /// there is no pace to speak of, or no rest.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> Option<u64> {
        let (done, first) = self.lately.filter(|(done, _)| *done >= 3)?;
        let counts = &self.counts;
        let left = counts.queued + counts.submitting + counts.rendering + counts.rendered;
        let left = u64::try_from(left.saturating_sub(self.stalled)).ok()?;
        let done = u64::try_from(done).ok()?;
        let passed = now.since(first).as_secs();
        (left > 0 && passed > 0).then(|| passed.saturating_mul(left) / done)
    }
}

/// A row's shot, with its revision where that is not the current one: `beach`, `beach~r1`.
#[must_use]
pub fn name(row: &Row) -> String {
    let Row { entry, .. } = row;
    if entry.current { entry.shot.to_string() } else { format!("{}~r{}", entry.shot, entry.number) }
}

/// What the gateway charged in dollars, where that is not what was to be expected: the price, and
/// for a failed task nothing.
#[must_use]
pub fn odd_charge(row: &Row) -> Option<&Charge> {
    let charge = row.charge.as_ref()?;
    let failed = matches!(row.entry.job.state, State::Failed { failure: Failure::NotRendered, .. });
    let expected = if failed { Usd::ZERO } else { row.price? };
    charge.against(expected).is_some_and(|order| order != Ordering::Equal).then_some(charge)
}

/// The reason that goes with a row, for people.
#[must_use]
pub fn reason(row: &Row) -> Option<Cow<'_, str>> {
    let why = row.entry.job.state.why();
    let Some(first) = &row.task_first_of else { return why.map(Cow::Borrowed) };
    let before = why.map_or_else(String::new, |why| format!("{why}; "));
    let whose = if *first == row.entry.shot { "its own earlier purchase" } else { first.as_str() };
    Some(Cow::Owned(format!(
        "{before}the gateway gave it the same task as {whose}: both purchases are counted, so look \
         whether this clip is the right one"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, at};
    use super::*;

    #[test]
    fn a_digest_finds_what_needs_a_look() {
        let digest = Digest::of(&Sample::mixed(), at(3600)).unwrap();
        assert_eq!(digest.counts.all(), 7);
        assert_eq!((digest.stalled, digest.not_fetched, digest.others), (1, 1, 1));
        assert_eq!(digest.oldest, Some(("alley".to_owned(), at(10))));
    }

    #[test]
    fn a_charge_is_odd_when_it_is_not_the_price_in_dollars() {
        let mut sample = Sample::mixed();
        let odd = |row: &mut Row, amount, currency| {
            row.charge = Charge::new(amount, currency);
            odd_charge(row).is_some()
        };
        let delivered = &mut sample.rows[0];
        assert!(!odd(delivered, "0.316500", "usd"));
        assert!(odd(delivered, "0.3", "USD") && odd(delivered, "0.4", "USD"));
        assert!(!odd(delivered, "12", "credits"), "nobody knows what a credit is");
        delivered.price = None;
        assert!(!odd(delivered, "0.4", "USD"));
        let failed = &mut sample.rows[4];
        assert!(!odd(failed, "0", "USD") && odd(failed, "0.3165", "USD"));
    }

    #[test]
    fn the_rest_is_estimated_from_the_pace_of_the_last_half_hour() {
        let mut digest = Digest { lately: Some((6, at(0))), ..Digest::default() };
        digest.counts.queued = 12;
        assert_eq!(digest.seconds_left(at(600)), Some(1200));
        digest.lately = Some((1, at(0)));
        assert_eq!(digest.seconds_left(at(600)), None);
    }
}
