//! What the provider is to be asked, all at the poll rate; and the questions about charges, of which
//! only a few are asked at once.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::state::AttemptId;

use super::shot_state::Slot;

/// So many questions are asked at once.
pub(super) const MAX_AT_ONCE: usize = 4;
/// How often one charge is asked for.
pub(super) const MAX_TRIES: u32 = 2;
/// After so many answers in a row from which nothing can be learned, no charge is asked for.
pub(super) const MAX_MISSES: u32 = 3;

/// A question that waits for its place in the poll rate.
#[derive(Debug)]
pub(super) enum Question {
    /// How does this shot's task stand?
    Poll(Slot),
    /// Does the provider know the task that a callback named for this shot?
    Find(Slot),
    /// What did a finished task cost?
    Charge(ChargeQuestion),
}

/// The questions about charges that are still to be asked, and what was said about them.
#[derive(Default)]
pub(super) struct Charges {
    pub(super) waiting: VecDeque<ChargeQuestion>,
    /// Those to be asked again, and when; the earliest first.
    pub(super) again: VecDeque<(Duration, ChargeQuestion)>,
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
    pub expected: Option<Usd>,
    pub(super) tries: u32,
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

    /// Says once that nothing can be learned, and gives up after a few times.
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

/// Whether the balance was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BalanceCheck {
    /// It is to be asked for before the first purchase.
    Due,
    /// It was asked for; no purchase is begun before the answer.
    Asking,
    /// It was looked at, or is not to be.
    Done,
}

impl BalanceCheck {
    pub(super) const fn new(is_wanted: bool) -> Self {
        if is_wanted { Self::Due } else { Self::Done }
    }
}
