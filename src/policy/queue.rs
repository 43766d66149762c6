//! Which shot is submitted next: the highest priority whose price fits, then manifest order. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::domain::money::Usd;

/// A place in the queue: higher priority first, then manifest order; probed ones behind all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Goes after all others: it was refused before, in a run that refusals stopped.
    pub probed: Reverse<bool>,
    /// Higher goes first.
    pub priority: i32,
    /// The manifest's order.
    pub position: Reverse<u32>,
}

impl Rank {
    /// The rank of the shot at `position` in the manifest, from 0.
    #[must_use]
    pub const fn new(priority: i32, position: u32) -> Self {
        Self { probed: Reverse(false), priority, position: Reverse(position) }
    }

    /// The same, behind all others if it is probed.
    #[must_use]
    pub const fn probed(self, probed: bool) -> Self {
        Self { probed: Reverse(probed), ..self }
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

    /// How many ready ones fit, each for itself.
    #[must_use]
    pub fn fitting(&self, left: Option<Usd>) -> usize {
        let fits =
            |price: &Option<Usd>| left.is_none_or(|left| price.is_some_and(|price| price <= left));
        self.ready.iter().filter(|(price, _)| fits(price)).map(|(_, heap)| heap.len()).sum()
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
