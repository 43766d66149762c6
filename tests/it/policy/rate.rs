//! The rate: its hard bound, and how much of it is used.

use std::time::Duration;

use proptest::prelude::*;
use rushes::policy::limits::{Rate, Window};
use rushes::policy::rate::{RateLimiter, SlidingWindow};

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
