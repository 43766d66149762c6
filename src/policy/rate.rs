//! How fast: governor spreads what leaves evenly, a sliding window holds the hard bound. Pure:
//! moments are spans since the run began, and come as arguments.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter as Spread};

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

/// Governor's clock, set by the caller.
#[derive(Clone, Debug, Default)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn set(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.load(Ordering::Relaxed))
    }
}

/// One kind of traffic at its rate. A place is taken first, so that a purchase can be claimed for it,
/// and used when the request leaves.
#[derive(Debug)]
pub struct RateLimiter {
    clock: ManualClock,
    spread: Spread<NotKeyed, InMemoryState, ManualClock, NoOpMiddleware<Nanos>>,
    window: SlidingWindow,
    /// How much of the next place was granted already.
    granted: u32,
    /// Places that were taken and not yet used.
    taken: usize,
    /// Before this moment none can be taken; `None`: not before one of the taken is used.
    not_before: Option<Duration>,
}

/// What lateness is made up for: timers tick in milliseconds, and a disk may take a while.
const CATCH_UP: Duration = Duration::from_millis(100);

impl RateLimiter {
    /// A limiter for a rate.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let cell = stretched(rate) / rate.count.max(1);
        let quota = Quota::with_period(cell).unwrap_or(Quota::per_second(NonZeroU32::MAX));
        let late = u32::try_from(CATCH_UP.as_nanos() / cell.as_nanos().max(1)).unwrap_or(u32::MAX);
        let burst = NonZeroU32::MIN.saturating_add(late.max(1));
        let clock = ManualClock::default();
        let spread = Spread::direct_with_clock(quota.allow_burst(burst), clock.clone());
        // The burst is for catching up; nothing is late at the beginning.
        for _ in 1..burst.get() {
            let _granted = spread.check();
        }
        Self {
            spread,
            clock,
            window: SlidingWindow::new(rate),
            granted: 0,
            taken: 0,
            not_before: Some(Duration::ZERO),
        }
    }

    /// Takes a place that costs `cells` of the even spread; whether there was one.
    pub fn take(&mut self, now: Duration, cells: u32) -> bool {
        self.clock.set(now);
        while self.granted < cells {
            match self.spread.check() {
                Ok(()) => self.granted += 1,
                Err(early) => {
                    self.not_before = Some(now + early.wait_time_from(self.clock.now()));
                    return false;
                }
            }
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
