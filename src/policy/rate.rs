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

#[cfg(test)]
mod tests {
    use super::super::limits::Window;
    use super::*;
    use proptest::prelude::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn as_many_as_the_rate_leave_at_once_and_one_more_waits() {
        let mut window = SlidingWindow::new(Rate { count: 2, window: Window::Second });
        window.sent(secs(5));
        assert_eq!(window.ready_at(0), Some(Duration::ZERO));
        assert!(window.ready_at(1) > Some(secs(6)));
        assert_eq!(window.ready_at(2), None, "it depends on when the next one leaves");
        window.sent(secs(5));
        assert!(window.ready_at(0) > Some(secs(6)));
    }

    fn crowded(left: &[Duration], rate: Rate) -> bool {
        left.windows(rate.count as usize + 1)
            .any(|row| row[row.len() - 1].saturating_sub(row[0]) <= rate.window.length())
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_rate(
            count in 1_u32..20,
            minute: bool,
            asks in proptest::collection::vec((0_u64..400, 0_u64..300), 1..200),
        ) {
            let rate = Rate { count, window: if minute { Window::Minute } else { Window::Second } };
            let mut limiter = RateLimiter::new(rate);
            let mut now = Duration::ZERO;
            let mut left = Vec::new();
            for (pause, commit) in asks {
                now += Duration::from_millis(pause);
                while !limiter.take(now, 1) {
                    now = limiter.not_before().unwrap().max(now + Duration::from_nanos(1));
                }
                now = (now + Duration::from_millis(commit)).max(limiter.leaves_at());
                prop_assert!(limiter.leave(now));
                left.push(now);
            }
            prop_assert!(!crowded(&left, rate));
        }
    }

    #[test]
    fn late_timers_and_slow_disks_cost_less_than_a_hundredth_of_the_rate() {
        for (rate, seconds) in ["1/s", "7/s", "50/s", "200/s", "1000/s"]
            .map(|rate| (rate, 60))
            .into_iter()
            .chain([("90/min", 1200)])
        {
            let rate: Rate = rate.parse().unwrap();
            let mut limiter = RateLimiter::new(rate);
            let mut late = fastrand::Rng::with_seed(7);
            let (mut now, mut left) = (Duration::ZERO, Vec::new());
            while now < secs(seconds) {
                let mut batch = 0;
                while limiter.take(now, 1) {
                    batch += 1;
                }
                // The claims of a batch are committed, then they leave as the window allows.
                now += Duration::from_micros(late.u64(500..4000));
                while batch > 0 {
                    if limiter.leave(now) {
                        left.push(now);
                        batch -= 1;
                    } else {
                        now = limiter.leaves_at() + Duration::from_micros(late.u64(0..1100));
                    }
                }
                if let Some(next) = limiter.not_before().filter(|next| *next > now) {
                    now = next + Duration::from_micros(late.u64(0..1100));
                }
            }
            assert!(!crowded(&left, rate), "{rate}");
            let took = left.last().unwrap().saturating_sub(left[0]);
            let ideal = rate.window.length() * u32::try_from(left.len() - 1).unwrap() / rate.count;
            assert!(took.mul_f64(0.99) <= ideal, "{rate}: {took:?} instead of {ideal:?}");
        }
    }

    #[test]
    fn a_place_that_costs_more_is_paid_for_over_time() {
        let mut limiter = RateLimiter::new("10/s".parse().unwrap());
        assert!(limiter.take_and_leave(secs(1)));
        assert!(!limiter.take(secs(1), 4));
        let ready = limiter.not_before().unwrap();
        assert!(!limiter.take(ready, 4), "a part of it");
        assert!(limiter.take(secs(2), 4));
    }
}
