//! Who is submitted next: the highest priority whose price fits, then manifest order. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::domain::money::Usd;

/// A place in the queue: higher priority first, then manifest order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Higher goes first.
    pub priority: i32,
    /// The manifest's order.
    pub position: Reverse<u32>,
}

impl Rank {
    /// The rank of the shot at `position` in the manifest, from 0.
    #[must_use]
    pub const fn new(priority: i32, position: u32) -> Self {
        Self { priority, position: Reverse(position) }
    }
}

/// What is to be submitted, by price, so that finding what fits under a cap does not search.
#[derive(Debug, Default)]
pub struct Queue {
    /// Those that may go now. An unknown price sorts before every price and fits no cap.
    ready: BTreeMap<Option<Usd>, BinaryHeap<Rank>>,
    /// Those that wait out a pause, by its end.
    paused: BinaryHeap<Reverse<(Duration, Rank, Option<Usd>)>>,
    ready_count: usize,
}

impl Queue {
    /// Adds a shot that may go at once.
    pub fn push(&mut self, rank: Rank, price: Option<Usd>) {
        self.ready.entry(price).or_default().push(rank);
        self.ready_count += 1;
    }

    /// Adds a shot that may go from `until` on.
    pub fn push_paused(&mut self, rank: Rank, price: Option<Usd>, until: Duration) {
        self.paused.push(Reverse((until, rank, price)));
    }

    /// Moves those whose pause is over to the ready ones.
    pub fn wake(&mut self, now: Duration) {
        while let Some(Reverse((until, rank, price))) = self.paused.peek().copied() {
            if until > now {
                break;
            }
            self.paused.pop();
            self.push(rank, price);
        }
    }

    /// Whether a ready one fits under what is `left` of the cap (`None`: no cap).
    #[must_use]
    pub fn fits(&self, left: Option<Usd>) -> bool {
        self.best(left).is_some()
    }

    /// Takes the best ready one that fits.
    pub fn pop(&mut self, left: Option<Usd>) -> Option<(Rank, Option<Usd>)> {
        let (price, _) = self.best(left)?;
        let heap = self.ready.get_mut(&price)?;
        let rank = heap.pop()?;
        if heap.is_empty() {
            self.ready.remove(&price);
        }
        self.ready_count -= 1;
        Some((rank, price))
    }

    /// Takes one out, ready or not; as slow as the queue is long.
    pub fn remove(&mut self, rank: Rank, price: Option<Usd>) {
        if let Some(heap) = self.ready.get_mut(&price) {
            let before = heap.len();
            heap.retain(|ready| *ready != rank);
            self.ready_count -= before - heap.len();
            if heap.is_empty() {
                self.ready.remove(&price);
            }
        }
        self.paused.retain(|Reverse((_, paused, _))| *paused != rank);
    }

    fn best(&self, left: Option<Usd>) -> Option<(Option<Usd>, Rank)> {
        self.ready
            .iter()
            .filter(|(price, _)| left.is_none_or(|left| price.is_some_and(|price| price <= left)))
            .filter_map(|(price, heap)| heap.peek().map(|rank| (*price, *rank)))
            .max_by_key(|(_, rank)| *rank)
    }

    /// When the next pause ends.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        self.paused.peek().map(|Reverse((until, ..))| *until)
    }

    /// All that wait, ready or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready_count + self.paused.len()
    }

    /// Whether no shot waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        let best =
            (0..waiting.len()).filter(|i| fits(waiting[*i].1)).max_by_key(|i| waiting[*i].0)?;
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
                    let nobody = (Rank::new(9, 999), price);
                    let (rank, price) = naive.get(gone).copied().unwrap_or(nobody);
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
}
