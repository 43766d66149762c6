//! The queue, held against a naive list.

use std::time::Duration;

use proptest::prelude::*;
use rushes::domain::money::Usd;
use rushes::policy::queue::{Queue, Rank};

#[test]
fn those_who_pause_are_in_the_queue_too() {
    let mut queue = Queue::default();
    assert!(queue.is_empty());
    queue.push_paused(Rank::new(0, 0), None, Duration::from_secs(1));
    assert!(!queue.is_empty());
    assert_eq!(queue.len(), 1);
}

fn naive_pop(waiting: &mut Vec<(Rank, Option<Usd>)>, left: Option<Usd>) -> Option<Rank> {
    let fits = |price: Option<Usd>| match (left, price) {
        (None, _) => true,
        (Some(left), Some(price)) => price <= left,
        (Some(_), None) => false,
    };
    let best = (0..waiting.len()).filter(|i| fits(waiting[*i].1)).max_by_key(|i| waiting[*i].0)?;
    Some(waiting.swap_remove(best).0)
}

proptest! {
    #[test]
    fn the_queue_does_what_a_naive_list_does(
        steps in proptest::collection::vec((-2..3_i32, proptest::option::of(0..5_i64), proptest::option::of(0..6_i64), 0..5_u8), 1..120),
    ) {
        let mut queue = Queue::default();
        let mut naive = Vec::new();
        for (position, (priority, price, left, step)) in (0..).zip(steps) {
            let (price, left) = (price.map(Usd::from_micros), left.map(Usd::from_micros));
            if step == 0 {
                // One of those that wait, or none.
                let gone = usize::try_from(position).unwrap() / 2 % (naive.len() + 1);
                let none = (Rank::new(9, 999), price);
                let (rank, price) = naive.get(gone).copied().unwrap_or(none);
                queue.remove(rank, price);
                naive.retain(|(waiting, _)| *waiting != rank);
            } else if step < 3 {
                let rank = Rank::new(priority, position);
                queue.push(rank, price);
                naive.push((rank, price));
            } else {
                prop_assert_eq!(queue.fits(left), naive.iter().any(|(_, p)| left.is_none_or(|l| p.is_some_and(|p| p <= l))));
                prop_assert_eq!(queue.pop(left).map(|(rank, _)| rank), naive_pop(&mut naive, left));
            }
            prop_assert_eq!(queue.len(), naive.len());
        }
    }
}

#[test]
fn higher_priority_goes_first_then_manifest_order() {
    let mut queue = Queue::default();
    for (priority, position) in [(0, 0), (5, 1), (5, 2), (-1, 3)] {
        queue.push(Rank::new(priority, position), None);
    }
    let order: Vec<u32> =
        std::iter::from_fn(|| queue.pop(None)).map(|(rank, _)| rank.position.0).collect();
    assert_eq!(order, [1, 2, 0, 3]);
}

#[test]
fn a_paused_shot_waits_for_its_time() {
    let mut queue = Queue::default();
    let until = Duration::from_secs(3);
    queue.push_paused(Rank::new(0, 0), None, until);
    queue.wake(Duration::from_secs(2));
    assert!(!queue.fits(None));
    assert_eq!((queue.len(), queue.next_wake()), (1, Some(until)));
    queue.wake(until);
    assert!(queue.fits(None));
    queue.push_paused(Rank::new(0, 1), None, until);
    queue.remove(Rank::new(0, 1), None);
    assert_eq!((queue.len(), queue.next_wake()), (1, None));
}
