//! The slow-down after setbacks.

use std::time::Duration;

use rushes::policy::backpressure::Backpressure;

/// So many passed in a row double the pace again.
const RECOVERY: u32 = 8;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn victims_of_one_trouble_count_once_and_recovery_gives_the_pace_back() {
    let mut setbacks = Backpressure::new(true);
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
