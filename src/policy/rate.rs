//! How fast: what leaves is spread evenly, and a sliding window holds the hard bound. Pure: moments
//! are spans since the run began, and come as arguments.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::Rate;

/// Never lets more through than the rate in any of its windows, and more than 99 % of it.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    count: usize,
    window: Duration,
    sent: VecDeque<Duration>,
}

impl SlidingWindow {
    /// A bound for a rate. Its window is 0.7 % longer than the rate's, so that what leaves a little
    /// late, or travels a little longer, does not crowd what follows at the other end.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            count: usize::try_from(rate.count).unwrap_or(usize::MAX).max(1),
            window: stretched(rate),
            sent: VecDeque::new(),
        }
    }

    /// When one more may leave after `ahead` others that are still to leave; `None` when that depends
    /// on when those leave. In the past or `now` means at once.
    #[must_use]
    pub fn ready_at(&self, ahead: usize) -> Option<Duration> {
        match (self.sent.len() + ahead).checked_sub(self.count) {
            None => Some(Duration::ZERO),
            Some(oldest) => self.sent.get(oldest).map(|oldest| *oldest + self.window),
        }
    }

    /// Notes that one left.
    pub fn sent(&mut self, now: Duration) {
        while self.sent.len() >= self.count {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }
}

fn stretched(rate: Rate) -> Duration {
    let window = rate.window.length();
    window + window * 7 / 1000
}

/// One kind of traffic at its rate. A place is taken first, so that a purchase can be claimed for it,
/// and used when the request leaves.
#[derive(Debug)]
pub struct RateLimiter {
    /// What one place takes of the even spread.
    cell: Duration,
    /// So much lateness is made up for.
    catch_up: Duration,
    /// When the next cell is granted.
    due: Duration,
    window: SlidingWindow,
    /// How many cells of the next place were granted already.
    granted: u32,
    /// Places that were taken and not yet used.
    taken: usize,
    /// Before this moment none can be taken; `None`: not before one of the taken is used.
    not_before: Option<Duration>,
}

/// What lateness is made up for, in whole cells but at least one: timers tick in milliseconds, and a
/// disk may take a while.
const CATCH_UP: Duration = Duration::from_millis(100);

impl RateLimiter {
    /// A limiter for a rate.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let cell = (stretched(rate) / rate.count.max(1)).max(Duration::from_nanos(1));
        let late = u32::try_from(CATCH_UP.as_nanos() / cell.as_nanos()).unwrap_or(u32::MAX);
        Self {
            cell,
            catch_up: cell * late.max(1),
            due: Duration::ZERO,
            window: SlidingWindow::new(rate),
            granted: 0,
            taken: 0,
            not_before: Some(Duration::ZERO),
        }
    }

    /// Takes a place that costs `cells` of the even spread; whether there was one.
    pub fn take(&mut self, now: Duration, cells: u32) -> bool {
        while self.granted < cells {
            if self.due > now {
                self.not_before = Some(self.due);
                return false;
            }
            self.due = self.due.max(now.saturating_sub(self.catch_up)) + self.cell;
            self.granted += 1;
        }
        self.not_before = self.window.ready_at(self.taken);
        if self.not_before.is_none_or(|ready| ready > now) {
            return false;
        }
        self.granted = 0;
        self.taken += 1;
        true
    }

    /// Before this moment [`Self::take`] fails, as far as it said so the last time; `None`: until a
    /// taken place is used.
    #[must_use]
    pub const fn not_before(&self) -> Option<Duration> {
        self.not_before
    }

    /// Uses a taken place, unless the window is still full.
    pub fn leave(&mut self, now: Duration) -> bool {
        if self.leaves_at() > now {
            return false;
        }
        self.window.sent(now);
        self.cancel();
        true
    }

    /// When the next taken place can be used.
    #[must_use]
    pub fn leaves_at(&self) -> Duration {
        self.window.ready_at(0).unwrap_or_default()
    }

    /// Takes and uses a place; whether there was one.
    pub fn take_and_leave(&mut self, now: Duration) -> bool {
        self.take(now, 1) && self.leave(now)
    }

    /// Gives up a taken place: what was to leave does not.
    pub fn cancel(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }
}
