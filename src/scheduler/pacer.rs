//! Pace in real time: governor spreads what leaves evenly, the window guard holds the hard bound.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::policy::limits::Rate;
use crate::policy::rate::SlidingWindow;

/// Tokio's clock for governor, so that both follow the same time.
#[derive(Clone, Debug)]
pub(super) struct Monotonic(Instant);

impl Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// The even spread, and how much of the next place was already waited for: a waiter that is
/// dropped leaves it to the next one.
#[derive(Debug)]
struct Spread {
    limiter: RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Nanos>>,
    waited: u32,
}

/// One kind of traffic, paced.
#[derive(Debug)]
pub(super) struct Pacer {
    epoch: Instant,
    spread: Mutex<Spread>,
    guard: Mutex<SlidingWindow>,
}

impl Pacer {
    /// A pacer whose moments count from `epoch`.
    pub(super) fn new(rate: Rate, epoch: Epoch) -> Self {
        let Epoch(epoch) = epoch;
        // Slower than the guard by a fifth of a percent: whoever is faster than it would queue
        // before it, claimed and not sent, ever longer.
        let cell = rate.window.length() * 1009 / 1000 / rate.count.max(1);
        let quota = Quota::with_period(cell).unwrap_or(Quota::per_second(NonZeroU32::MAX));
        // Timers tick in milliseconds: a fast pace needs a small burst to make up for late ones.
        let burst = NonZeroU32::new(rate.count / 50).unwrap_or(NonZeroU32::MIN);
        Self {
            epoch,
            spread: Mutex::new(Spread {
                limiter: RateLimiter::direct_with_clock(quota.allow_burst(burst), Monotonic(epoch)),
                waited: 0,
            }),
            guard: Mutex::new(SlidingWindow::new(rate)),
        }
    }

    /// Waits for `places` places in the even spread, first come, first served, and behind those who
    /// still wait to leave. One waiter at a time asks governor, so that a thousand do not wake for
    /// every cell.
    pub(super) async fn place(&self, places: u32) {
        let mut spread = self.spread.lock().await;
        while spread.waited < places {
            match spread.limiter.check() {
                Ok(()) => spread.waited += 1,
                Err(early) => sleep(early.wait_time_from(Monotonic(self.epoch).now())).await,
            }
        }
        self.ready(&*self.guard.lock().await).await;
        spread.waited = 0;
    }

    /// Waits until one more may leave without crowding any window, and counts it as left.
    pub(super) async fn leave(&self) {
        let mut guard = self.guard.lock().await;
        self.ready(&guard).await;
        guard.sent(self.epoch.elapsed());
    }

    async fn ready(&self, guard: &SlidingWindow) {
        let ready = self.epoch + guard.ready_at();
        if ready > Instant::now() {
            sleep_until(ready).await;
        }
    }
}

/// Spans since the run began, for the pure policies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch(Instant);

impl Epoch {
    /// From now on.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long the run has lasted.
    pub(super) fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// Waits until the run has lasted so long.
    pub(super) async fn sleep_until(self, moment: Duration) {
        sleep_until(self.0 + moment).await;
    }
}
