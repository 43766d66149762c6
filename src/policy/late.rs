//! When a task takes so much longer than its like that its place in flight is better used. Pure.

use std::time::Duration;

/// From fewer nothing is concluded.
const FEWEST: usize = 20;
/// A task is late after so many times what nine in ten of its like took at most.
const TIMES: u32 = 5;
/// No task is late sooner.
const SOONEST: Duration = Duration::from_secs(30 * 60);

/// After how long a task is late if its like took so long; `None` when too few are known.
#[must_use]
pub fn late_after(took: &[Duration]) -> Option<Duration> {
    if took.len() < FEWEST {
        return None;
    }
    let mut took = took.to_vec();
    let nine_in_ten = (took.len() * 9).div_ceil(10) - 1;
    let (_, slowest, _) = took.select_nth_unstable(nine_in_ten);
    Some(slowest.saturating_mul(TIMES).max(SOONEST))
}
