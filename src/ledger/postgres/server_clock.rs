//! What is known of the server's clock: how far it is ahead of this machine's. Pure: moments are
//! microseconds, and come as arguments.

use std::collections::VecDeque;

/// Readings are kept so long, in microseconds.
const KEPT: i64 = 5_000_000;
/// By so many millionths two clocks may go apart.
const DRIFT: i64 = 500;

/// One exchange with the server.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// When it was answered, by this machine's clock.
    at: i64,
    /// The server's clock is at least and at most so far ahead of this machine's.
    lower: i64,
    upper: i64,
}

/// Bounds of how far the server's clock is ahead of this machine's, from the exchanges of the last
/// seconds: it was read at some moment between the question and the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerClock {
    readings: VecDeque<Reading>,
}

impl ServerClock {
    /// The server's clock showed `server` between a question at `asked` and its answer at `answered`.
    /// False if one of the clocks was set by more than `step` since the last exchanges: those are
    /// forgotten.
    pub(super) fn learn(&mut self, asked: i64, answered: i64, server: i64, step: i64) -> bool {
        self.readings.retain(|one| answered - one.at <= KEPT && one.at <= answered);
        let (lower, upper) = (server - answered, server - asked);
        let fits = self.bounds(answered).is_none_or(|(least, most)| {
            let is_apart = lower > most || upper < least;
            let was_set = lower > most + step || upper < least - step;
            if is_apart {
                self.readings.clear();
            }
            !was_set
        });
        self.readings.push_back(Reading { at: answered, lower, upper });
        fits
    }

    /// How far the server's clock is ahead now: at least and at most. `None`: it was not read lately.
    pub(super) fn bounds(&self, now: i64) -> Option<(i64, i64)> {
        let apart = |one: &Reading| (now - one.at).max(0) * DRIFT / 1_000_000;
        let lower = self.readings.iter().map(|one| one.lower - apart(one)).max()?;
        let upper = self.readings.iter().map(|one| one.upper + apart(one)).min()?;
        Some((lower, upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 10_000;

    /// The tightest of several exchanges counts, whichever way its answer was slow.
    #[test]
    fn bounds_are_the_tightest_of_the_last_seconds() {
        let mut clock = ServerClock::default();
        // The server is 1 s ahead. Slow there, then slow back.
        assert!(clock.learn(0, 20_000, 1_019_000, STEP));
        assert!(clock.learn(100_000, 120_000, 1_101_000, STEP));
        let (lower, upper) = clock.bounds(120_000).unwrap();
        assert!(lower >= 998_900 && upper <= 1_001_100, "{lower} {upper}");
        assert!(lower <= 1_000_000 && 1_000_000 <= upper);
        // They count less the older they are, and then not at all.
        let (later, _) = clock.bounds(4_000_000).unwrap();
        assert!(later < lower);
        assert!(clock.learn(6_000_000, 6_020_000, 7_010_000, STEP));
        assert_eq!(clock.bounds(6_020_000), Some((990_000, 1_010_000)));
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_and_what_was_known_forgotten() {
        for by in [-50_000, 50_000] {
            let mut clock = ServerClock::default();
            assert!(clock.learn(0, 1_000, 500, STEP));
            assert!(!clock.learn(2_000, 3_000, 2_500 + by, STEP));
            assert_eq!(clock.bounds(3_000), Some((by - 500, by + 500)));
            assert!(clock.learn(4_000, 5_000, 4_500 + by, STEP), "it is known by now");
        }
    }

    /// Less than a step is not told, but what contradicts it does not count any more.
    #[test]
    fn a_small_step_leaves_bounds_that_hold() {
        let mut clock = ServerClock::default();
        assert!(clock.learn(0, 1_000, 500, STEP));
        assert!(clock.learn(2_000, 3_000, 8_500, STEP));
        assert_eq!(clock.bounds(3_000), Some((5_500, 6_500)));
    }

    /// Whatever the delays are, the truth lies within the bounds while the clocks go alike.
    #[test]
    fn the_truth_lies_within_the_bounds() {
        let mut dice = fastrand::Rng::with_seed(7);
        let (mut clock, mut now, ahead) = (ServerClock::default(), 0_i64, -123_456_789_i64);
        for _ in 0..10_000 {
            let (there, back) = (dice.i64(10..30_000), dice.i64(10..30_000));
            assert!(clock.learn(now, now + there + back, now + there + ahead, STEP));
            now += there + back;
            let (lower, upper) = clock.bounds(now).unwrap();
            assert!(lower <= ahead && ahead <= upper, "{lower} {upper}");
            now += dice.i64(0..2_000_000);
        }
    }
}
