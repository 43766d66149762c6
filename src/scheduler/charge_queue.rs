//! The questions about charges that are still to be asked, and what was said about them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::state::AttemptId;

/// So many questions are asked at once.
pub(super) const MAX_AT_ONCE: usize = 4;
/// How often one charge is asked for.
pub(super) const MAX_TRIES: u32 = 2;
/// After so many answers in a row from which nothing can be learned, no charge is asked for.
pub(super) const MAX_MISSES: u32 = 3;

/// The questions that are still to be asked.
#[derive(Default)]
pub(super) struct Charges {
    pub(super) waiting: VecDeque<ChargeQuestion>,
    /// Those to be asked again, and when.
    pub(super) again: BinaryHeap<Reverse<(Duration, AttemptId)>>,
    pub(super) unsettled: Vec<ChargeQuestion>,
    /// Under way, those to be asked again among them.
    pub(super) asking: usize,
    pub(super) misses: u32,
    /// Whether it was said that charges cannot be learned.
    said_unknown: bool,
    /// Whether it was said that something cost more than its price.
    said_dearer: bool,
}

/// What did this task cost?
#[derive(Clone, Debug)]
pub struct ChargeQuestion {
    pub(super) shot: ShotId,
    pub(super) attempt: AttemptId,
    /// The task.
    pub task: TaskId,
    /// What it should have cost.
    pub(super) expected: Option<Usd>,
    pub(super) tries: u32,
}

impl Charges {
    /// Whether nothing is asked any more.
    pub(super) fn are_known(&self) -> bool {
        self.asking == 0
    }
}

impl Charges {
    /// Says once if something cost more than its price, for the cap goes by prices.
    pub(super) fn compare(&mut self, question: &ChargeQuestion, charge: &Charge) {
        let ChargeQuestion { shot, expected, .. } = question;
        let dearer = expected.filter(|price| charge.against(*price) == Some(Ordering::Greater));
        let Some(price) = dearer else { return };
        if !std::mem::replace(&mut self.said_dearer, true) {
            tracing::warn!(
                %shot,
                "the gateway charged {charge} where {price} USD was expected: prices have changed, \
                 and the cap goes by those of the catalog; lower the cap or bring the catalog up to \
                 date (--catalog). Further charges like this one are only written down"
            );
        }
    }

    pub(super) fn missed(&mut self, why: &str) {
        self.misses += 1;
        if self.misses >= MAX_MISSES {
            self.waiting.clear();
        }
        if !std::mem::replace(&mut self.said_unknown, true) {
            tracing::warn!("what a task really cost cannot be learned from this gateway: {why}");
        }
    }
}
