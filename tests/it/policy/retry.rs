//! How long a retry waits.

use std::time::Duration;

use rushes::policy::retry::{backoff, poll_wait, wait};

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
    assert_eq!(wait(Some(Duration::MAX), 1, 1.0), Duration::from_secs(3600));
    assert_eq!(wait(None, 2, 1.0), Duration::from_secs(2));
}

#[test]
fn unclear_polls_come_more_slowly_up_to_a_minute() {
    let every = Duration::from_secs(5);
    assert_eq!(poll_wait(every, 0), every);
    assert_eq!(poll_wait(every, 2), Duration::from_secs(20));
    assert_eq!(poll_wait(every, 99), Duration::from_secs(60));
    assert_eq!(poll_wait(Duration::from_secs(300), 99), Duration::from_secs(300));
}
