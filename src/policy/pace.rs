//! How fast. A hard bound on every window, and the slow-down after the gateway said no to
//! everyone. Pure: moments are spans since the run began, chance is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::Rate;
use super::retry;

/// Never lets more through than the rate in any of its windows, and more than 99 % of it.
#[derive(Clone, Debug)]
pub struct WindowGuard {
    count: usize,
    window: Duration,
    sent: VecDeque<Duration>,
}

impl WindowGuard {
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

/// The pace of everyone after setbacks of one kind that concern everyone: 429s, or failures to
/// reach the gateway.
#[derive(Clone, Debug)]
pub struct Setbacks {
    /// Whether a setback also halves the pace.
    slowing: bool,
    /// Each level halves the pace.
    level: u32,
    /// Passed since the level last changed.
    accepted: u32,
    /// Nothing leaves before this.
    quiet_until: Duration,
    /// Setbacks in a row with nothing passed in between; those within one pause count once.
    in_a_row: u32,
    /// When the row began, and its last setback.
    row: (Duration, Duration),
}

/// The slowest pace is a 32nd.
const LOWEST_LEVEL: u32 = 5;
/// So many passed in a row double the pace again.
const RECOVERY: u32 = 8;

impl Setbacks {
    /// None so far. `slowing` ones halve the pace besides making everyone pause.
    #[must_use]
    pub const fn new(slowing: bool) -> Self {
        Self {
            slowing,
            level: 0,
            accepted: 0,
            quiet_until: Duration::ZERO,
            in_a_row: 0,
            row: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// Notes a setback: everyone pauses. Answers whether this began a new pause (as opposed to
    /// being one more victim of the same trouble).
    pub fn hit(&mut self, now: Duration, asked: Option<Duration>, chance: f64) -> bool {
        let fresh = now >= self.quiet_until;
        if fresh {
            if self.in_a_row == 0 {
                self.row.0 = now;
            }
            self.row.1 = now;
            self.in_a_row += 1;
            if self.slowing {
                self.level = (self.level + 1).min(LOWEST_LEVEL);
                self.accepted = 0;
            }
        }
        if fresh || asked.is_some() {
            let until = now + retry::wait(asked, self.in_a_row, chance);
            self.quiet_until = self.quiet_until.max(until);
        }
        fresh
    }

    /// Notes that one got through: the row is broken, and the pace recovers step by step.
    pub fn passed(&mut self) {
        self.in_a_row = 0;
        self.accepted += 1;
        if self.accepted >= RECOVERY {
            self.accepted = 0;
            self.level = self.level.saturating_sub(1);
        }
    }

    /// When the next one may leave.
    #[must_use]
    pub const fn quiet_until(&self) -> Duration {
        self.quiet_until
    }

    /// How many places in the normal pace one submission takes now: 1, 2, 4, …
    #[must_use]
    pub const fn places(&self) -> u32 {
        1 << self.level
    }

    /// Pauses in a row with nothing passed in between.
    #[must_use]
    pub const fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// How long it has been tried in vain: from the first setback of the row to its last, so that
    /// a pause in which nothing was tried does not count.
    #[must_use]
    pub const fn lasting(&self) -> Duration {
        let (began, last) = self.row;
        if self.in_a_row == 0 { Duration::ZERO } else { last.saturating_sub(began) }
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
        let mut guard = WindowGuard::new(Rate { count: 2, window: Window::Second });
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
            let mut guard = WindowGuard::new(rate);
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
        let mut guard = WindowGuard::new(Rate { count: 50, window: Window::Second });
        let mut now = Duration::ZERO;
        let mut sent = 0;
        while now < secs(100) {
            now = now.max(guard.ready_at());
            guard.sent(now);
            sent += 1;
        }
        assert!((4950..=5050).contains(&sent), "{sent}");
    }

    #[test]
    fn victims_of_one_trouble_count_once_and_recovery_gives_the_pace_back() {
        let mut setbacks = Setbacks::new(true);
        assert!(setbacks.hit(secs(1), Some(secs(5)), 0.5));
        assert!(!setbacks.hit(secs(2), None, 0.5));
        assert!(!setbacks.hit(secs(2), Some(secs(10)), 0.5));
        assert_eq!((setbacks.places(), setbacks.quiet_until()), (2, secs(12)));
        assert!(setbacks.hit(secs(12), None, 1.0));
        assert_eq!((setbacks.places(), setbacks.in_a_row()), (4, 2));
        assert_eq!(setbacks.quiet_until(), secs(14));
        assert_eq!(setbacks.lasting(), secs(11), "from the first try to the last");
        (0..RECOVERY).for_each(|_| setbacks.passed());
        assert_eq!((setbacks.places(), setbacks.in_a_row()), (2, 0));
        (0..RECOVERY).for_each(|_| setbacks.passed());
        assert_eq!(setbacks.places(), 1);
    }
}
