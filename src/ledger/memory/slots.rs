//! The moments at which requests may leave: one line of them for each traffic, which all workers share.
//! Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{REACH, SlotRequest, Slots};
use crate::policy::granted::LATE_PART;
use crate::policy::limits::Rate;

/// The pace is halved so often at most.
const LOWEST_LEVEL: u32 = 5;
/// So much longer than a rate's window its moments fill at least.
const MARGIN: Duration = Duration::from_millis(40);
/// And at least by this part of the window.
const MARGIN_PART: u32 = 400;

/// By how much a rate's window is stretched.
fn margin(rate: Rate) -> Duration {
    MARGIN.max(rate.window.length() / MARGIN_PART)
}

/// From one moment to the next under a rate, and how late a request may be.
pub(super) fn cell(rate: Rate) -> (Duration, Duration) {
    let margin = margin(rate);
    ((rate.window.length() + margin) / rate.count.max(1), margin / LATE_PART)
}

/// Where a line of moments stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    /// The last moment that was given.
    last: Option<Instant>,
    quiet_until: Option<Instant>,
    /// How often the pace is halved.
    level: u32,
}

impl Line {
    /// Gives moments that are at least `cell` after one another, which a request may be `late` for.
    pub(super) fn give(
        &mut self,
        now: Instant,
        (cell, late): (Duration, Duration),
        request: &SlotRequest,
    ) -> Slots {
        if let Some((quiet, times)) = request.setback {
            self.level = self.level.max(times).min(LOWEST_LEVEL);
            self.quiet_until = self.quiet_until.max(Some(now + quiet));
        }
        if request.recovered {
            self.level = self.level.saturating_sub(1);
        }
        let every = cell * (1 << self.level);
        let next = self.last.map_or(now, |last| last + every);
        let quiet_until = self.quiet_until.unwrap_or(now);
        let first = next.max(quiet_until).max(now);
        let count = (0..request.wanted).take_while(|nth| first + every * *nth <= now + REACH);
        let count = u32::try_from(count.count()).unwrap_or(u32::MAX);
        if let Some(others) = count.checked_sub(1) {
            self.last = Some(first + every * others);
        }
        Slots { first, every, count, late, level: self.level, quiet_until }
    }
}
