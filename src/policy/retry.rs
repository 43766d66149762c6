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

/// The longest wait between two tries of a download.
const LONGEST_FETCH: Duration = Duration::from_secs(300);

/// The wait before a download is tried again after `tries` failures (at least 1): 1 s doubling to
/// 5 minutes, of which chance takes up to half.
#[must_use]
pub fn fetch_wait(tries: u32, chance: f64) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    let bound = (FIRST * (1 << doublings)).min(LONGEST_FETCH);
    bound.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

/// The wait before a task is polled again after `unclear` polls in a row said nothing about it:
/// `every`, doubling to a minute.
#[must_use]
pub fn poll_wait(every: Duration, unclear: u32) -> Duration {
    let doubled = every.saturating_mul(1 << unclear.min(16));
    doubled.min(LONGEST.max(every))
}
