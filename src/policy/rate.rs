//! A hard bound on how many submissions leave in any window. Pure: moments are spans since the run
//! began.

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
    /// A guard for a rate. Its window is 0.7 % longer than the rate's, so that what leaves here a
    /// little late does not crowd what follows at the other end.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let window = rate.window.length();
        Self {
            count: usize::try_from(rate.count).unwrap_or(usize::MAX).max(1),
            window: window + window * 7 / 1000,
            sent: VecDeque::new(),
        }
    }

    /// When the next one may leave; in the past or `now` means at once.
    #[must_use]
    pub fn ready_at(&self) -> Duration {
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= self.count => *oldest + self.window,
            _ => Duration::ZERO,
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
        let mut guard = SlidingWindow::new(Rate { count: 2, window: Window::Second });
        guard.sent(secs(5));
        assert_eq!(guard.ready_at(), Duration::ZERO);
        guard.sent(secs(5));
        assert!(guard.ready_at() > secs(6));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_rate(
            count in 1_u32..20,
            minute: bool,
            asks in proptest::collection::vec(0_u64..400, 1..200),
        ) {
            let rate = Rate { count, window: if minute { Window::Minute } else { Window::Second } };
            let mut guard = SlidingWindow::new(rate);
            let mut now = Duration::ZERO;
            let mut left = Vec::new();
            for pause in asks {
                now = (now + Duration::from_millis(pause)).max(guard.ready_at());
                guard.sent(now);
                left.push(now);
            }
            for (i, first) in left.iter().enumerate() {
                let within = left[i..].iter().filter(|t| t.saturating_sub(*first) <= rate.window.length());
                prop_assert!(within.count() <= count as usize);
            }
        }
    }

    #[test]
    fn a_busy_guard_gives_more_than_99_percent_of_the_rate() {
        let mut guard = SlidingWindow::new(Rate { count: 50, window: Window::Second });
        let mut now = Duration::ZERO;
        let mut sent = 0;
        while now < secs(100) {
            now = now.max(guard.ready_at());
            guard.sent(now);
            sent += 1;
        }
        assert!((4950..=5050).contains(&sent), "{sent}");
    }
}
