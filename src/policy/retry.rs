//! How long to wait before trying again. Pure: the chance is an argument.

use std::time::Duration;

/// The first wait's upper bound.
const FIRST: Duration = Duration::from_secs(1);
/// The upper bound that waits double up to.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is believed; a gateway that asks for more is asked again then.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The wait before try `tries + 1`, after `tries` failures in a row (at least 1): full jitter, that
/// is anything from nothing to 1 s, doubling to 60 s. `chance` lies in `0.0..1.0`.
#[must_use]
pub fn backoff(tries: u32, chance: f64) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    let bound = (FIRST * (1 << doublings)).min(LONGEST);
    bound.mul_f64(chance.clamp(0.0, 1.0))
}

/// The wait before the next try: what the gateway asked for, otherwise the backoff.
#[must_use]
pub fn wait(asked: Option<Duration>, tries: u32, chance: f64) -> Duration {
    asked.map_or_else(|| backoff(tries, chance), |asked| asked.min(LONGEST_ASKED))
}

/// The wait before a task is polled again after `unclear` polls in a row said nothing about it:
/// `every`, doubling to a minute.
#[must_use]
pub fn poll_wait(every: Duration, unclear: u32) -> Duration {
    let doubled = every.saturating_mul(1 << unclear.min(16));
    doubled.min(LONGEST.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_from_a_second_to_a_minute_with_full_jitter() {
        let most = |tries| backoff(tries, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 1000].map(most), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(3, 0.5), Duration::from_secs(2));
    }

    #[test]
    fn what_the_gateway_asks_for_wins_but_not_for_ever() {
        assert_eq!(wait(Some(Duration::from_secs(7)), 9, 1.0), Duration::from_secs(7));
        assert_eq!(wait(Some(Duration::MAX), 1, 1.0), LONGEST_ASKED);
        assert_eq!(wait(None, 2, 1.0), Duration::from_secs(2));
    }

    #[test]
    fn unclear_polls_come_more_slowly_up_to_a_minute() {
        let every = Duration::from_secs(5);
        assert_eq!(poll_wait(every, 0), every);
        assert_eq!(poll_wait(every, 2), Duration::from_secs(20));
        assert_eq!(poll_wait(every, 99), LONGEST);
        assert_eq!(poll_wait(Duration::from_secs(300), 99), Duration::from_secs(300));
    }
}
