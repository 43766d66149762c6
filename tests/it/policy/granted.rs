//! Moments that several workers share: they are used once, in time or not at all.

use std::time::Duration;

use rushes::policy::granted::{GrantedSlots, REACH};

const LATE: Duration = ms(10);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn granted(first: u64, every: u64, count: u32) -> GrantedSlots {
    let mut slots = GrantedSlots::new();
    slots.asked(Duration::ZERO);
    slots.granted(ms(first), ms(every), count, LATE);
    slots
}

#[test]
fn a_place_is_taken_ahead_of_its_moment_and_leaves_at_it() {
    let mut slots = granted(1000, 500, 3);
    slots.commits_take(ms(30));
    assert!(!slots.take(ms(969)));
    assert_eq!(slots.not_before(), Some(ms(970)));
    assert!(slots.take(ms(970)));
    assert_eq!(slots.not_before(), Some(ms(1470)));
    assert!(!slots.take(ms(970)));
    assert!(!slots.leave(ms(999)));
    assert_eq!(slots.leaves_at(), Some(ms(1000)));
    assert!(slots.leave(ms(1000)));
    assert!(!slots.leave(ms(1000)));
}

#[test]
fn commits_are_not_foreseen_for_longer_than_a_quarter_of_a_second() {
    let mut slots = granted(1000, 500, 1);
    slots.commits_take(Duration::from_secs(9));
    assert_eq!(slots.not_before(), Some(ms(750)));
    slots.commits_take(Duration::ZERO);
    assert_eq!(slots.not_before(), Some(ms(995)));
}

#[test]
fn a_moment_that_passed_is_lost_and_the_next_is_used() {
    let mut slots = granted(1000, 500, 2);
    assert!(slots.take(ms(1000)));
    let late = ms(1001) + LATE;
    assert!(!slots.leave(late));
    assert_eq!(slots.leaves_at(), Some(ms(1500)));
    assert!(slots.leave(ms(1500) + LATE));
    assert_eq!(slots.leaves_at(), None);
}

#[test]
fn a_taken_place_whose_moments_are_lost_waits_for_new_ones_and_has_them_asked_for() {
    let mut slots = granted(1000, 500, 1);
    assert!(slots.take(ms(1000)));
    slots.forget();
    assert_eq!((slots.leaves_at(), slots.not_before()), (None, None));
    assert_eq!(slots.wanted(ms(1010), 0), Some(1));
    slots.asked(ms(1010));
    assert_eq!(slots.wanted(ms(1010), 5), None);
    slots.granted(ms(1200), ms(500), 1, LATE);
    assert!(!slots.take(ms(1200)));
    assert!(slots.leave(ms(1200)));
}

#[test]
fn it_asks_again_when_the_line_comes_within_reach() {
    let slots = granted(60_000, 10_000, 0);
    let at = ms(60_000).saturating_sub(REACH);
    assert_eq!(slots.asks_at(), Some(at));
    assert_eq!(slots.wanted(at.saturating_sub(ms(1)), 1), None);
    assert_eq!(slots.wanted(at, 1), Some(1));
    assert!(!slots.is_out_of_reach(ms(1000)));
}

#[test]
fn what_is_taken_without_a_moment_within_reach_is_told() {
    let mut slots = granted(1000, 10_000, 1);
    assert!(slots.take(ms(1000)));
    slots.forget();
    slots.asked(ms(1000));
    slots.granted(ms(11_000), ms(10_000), 0, LATE);
    assert!(slots.is_out_of_reach(ms(1100)));
    slots.cancel();
    assert!(!slots.is_out_of_reach(ms(1100)));
}

#[test]
fn each_worker_asks_for_its_share_of_a_second() {
    let mut slots = granted(1000, 10, 1);
    slots.share_with(4);
    slots.forget();
    assert_eq!(slots.wanted(ms(1000), 400), Some(25));
    assert_eq!(slots.wanted(ms(1000), 3), Some(3));
    assert_eq!(slots.wanted(ms(1000), 0), None);
    slots.asked(ms(1000));
    slots.granted(ms(1100), ms(10), 25, LATE);
    assert_eq!(slots.wanted(ms(1000), 400), None);
    // Again once less than half of it is left.
    assert_eq!(slots.wanted(ms(1241), 400), None);
    while slots.leaves_at() < Some(ms(1230)) {
        assert!(slots.take(slots.leaves_at().unwrap()));
        assert!(slots.leave(slots.leaves_at().unwrap()));
    }
    assert_eq!(slots.wanted(ms(1230), 400), Some(13));
}

#[test]
fn it_asks_no_more_often_than_every_20_ms() {
    let mut slots = granted(1000, 10, 1);
    assert!(slots.take(ms(1000)) && slots.leave(ms(1000)));
    assert_eq!(slots.wanted(ms(1000), 1), Some(1));
    slots.asked(ms(1000));
    slots.granted(ms(1010), ms(10), 1, LATE);
    assert!(slots.take(ms(1010)) && slots.leave(ms(1010)));
    assert_eq!((slots.wanted(ms(1019), 1), slots.asks_at()), (None, Some(ms(1020))));
    assert_eq!(slots.wanted(ms(1020), 1), Some(1));
}
