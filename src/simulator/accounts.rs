//! The simulator's accounts: what it sold, charged and answered. Kept from entries, one after the
//! other, so that the accounts read from a journal are those of the simulator that wrote it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::{Deserialize, Serialize};

use crate::domain::money::Usd;
use crate::domain::time::Timestamp;

use super::profile::SimOptions;
use super::purchase::{Purchase, TaskState, Told, dollars};

/// What happened, as the journal keeps it: one line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The simulator was started with other settings than before.
    Opened(Opened),
    /// A POST bought a task.
    Bought(Purchase),
    /// A POST bought nothing.
    Unsold {
        /// SHA-256 of its body, in hexadecimal.
        request: String,
        /// What the client was answered.
        told: Told,
    },
}

/// The settings that the accounts depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The profile's name.
    pub profile: String,
    /// The seed.
    pub seed: u64,
    /// What the account holds in all.
    #[serde(with = "dollars")]
    pub purse: Usd,
}

impl From<&SimOptions> for Opened {
    fn from(options: &SimOptions) -> Self {
        Self {
            profile: options.profile.name().to_owned(),
            seed: options.seed,
            purse: options.purse,
        }
    }
}

/// How often a request was sent and bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// POSTs.
    pub posts: u32,
    /// Purchases.
    pub bought: u32,
}

/// The running account. Never looks at all purchases to answer a single call.
#[derive(Debug, Default)]
pub struct Account {
    opened: Opened,
    purchases: Vec<Purchase>,
    by_task: HashMap<String, usize>,
    by_request: HashMap<String, Counts>,
    /// Tasks that have not ended, the next one to end on top.
    running: BinaryHeap<Reverse<(i64, usize)>>,
    /// The latest moment seen: what is settled stays settled when a clock is set back.
    settled: i64,
    charged: Usd,
    held: Usd,
    tally: Tally,
}

/// Answers, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// POSTs that reached the simulator.
    pub posts: u64,
    /// Answered with a task id.
    pub answered_task: u64,
    /// Answered with a 5xx.
    pub answered_5xx: u64,
    /// Answered with 429.
    pub answered_429: u64,
    /// Answered with another 4xx.
    pub answered_4xx: u64,
    /// Answered with something that names no task.
    pub answered_nonsense: u64,
    /// Not answered.
    pub unanswered: u64,
}

impl Account {
    /// Takes note of what happened.
    pub fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Opened(opened) => self.opened = opened,
            Entry::Unsold { request, told } => {
                self.tally.count(told);
                self.by_request.entry(request).or_default().posts += 1;
            }
            Entry::Bought(purchase) => {
                self.tally.count(purchase.told);
                let counts = self.by_request.entry(purchase.request.clone()).or_default();
                counts.posts += 1;
                counts.bought += 1;
                self.held += purchase.price;
                let index = self.purchases.len();
                if let Some(end) = purchase.fate.ends_at() {
                    self.running.push(Reverse((end, index)));
                }
                self.by_task.insert(purchase.task_id.clone(), index);
                self.purchases.push(purchase);
            }
        }
    }

    /// Charges or frees what was held for tasks that have ended; the latest moment it was settled
    /// for.
    pub fn settle(&mut self, now: Timestamp) -> Timestamp {
        self.settled = self.settled.max(now.as_millis());
        while let Some(Reverse((end, index))) = self.running.peek().copied() {
            if end > self.settled {
                break;
            }
            self.running.pop();
            if let Some(purchase) = self.purchases.get(index) {
                self.held -= purchase.price;
                self.charged += purchase.charge();
            }
        }
        Timestamp::from_millis(self.settled)
    }

    /// The settings it was last opened with.
    pub(super) fn opened(&self) -> &Opened {
        &self.opened
    }

    /// What can still be spent.
    pub(super) fn available(&self) -> Usd {
        self.opened.purse.less(self.charged + self.held)
    }

    /// What is held for tasks that have not ended.
    pub(super) fn held(&self) -> Usd {
        self.held
    }

    /// How often a request was seen.
    #[must_use]
    pub fn counts(&self, request: &str) -> Counts {
        self.by_request.get(request).copied().unwrap_or_default()
    }

    /// What was bought last.
    pub(super) fn last(&self) -> Option<&Purchase> {
        self.purchases.last()
    }

    /// A task's purchase.
    pub(super) fn task(&self, task: &str) -> Option<&Purchase> {
        self.purchases.get(*self.by_task.get(task)?)
    }

    /// A copy of everything, as of `now`.
    pub fn books(&mut self, now: Timestamp) -> Accounts {
        let now = self.settle(now);
        let purchases = self
            .purchases
            .iter()
            .map(|purchase| Booked { state: purchase.state(now), purchase: purchase.clone() });
        Accounts {
            purse: self.opened.purse,
            available: self.available(),
            charged: self.charged,
            held: self.held,
            tally: self.tally,
            purchases: purchases.collect(),
        }
    }
}

impl Tally {
    fn count(&mut self, told: Told) {
        let count = match told {
            Told::NoConnection => return,
            Told::Task => &mut self.answered_task,
            Told::Refusal(429) => &mut self.answered_429,
            Told::Refusal(500..) => &mut self.answered_5xx,
            Told::Refusal(_) => &mut self.answered_4xx,
            Told::Nonsense => &mut self.answered_nonsense,
            Told::Nothing => &mut self.unanswered,
        };
        *count += 1;
        self.posts += 1;
    }
}

/// The simulator's own account of a campaign, to hold against the ledger. As JSON, dollars are
/// strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// What the account held before anything was charged.
    #[serde(with = "dollars")]
    pub purse: Usd,
    /// What can still be spent.
    #[serde(with = "dollars")]
    pub available: Usd,
    /// What was charged for ended tasks.
    #[serde(with = "dollars")]
    pub charged: Usd,
    /// What is held for tasks that have not ended.
    #[serde(with = "dollars")]
    pub held: Usd,
    /// Answers, by kind.
    #[serde(flatten)]
    pub tally: Tally,
    /// Everything that was bought, in order.
    pub purchases: Vec<Booked>,
}

/// A purchase and where its task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Where its task stands.
    pub state: TaskState,
    /// What was bought.
    #[serde(flatten)]
    pub purchase: Purchase,
}

impl Accounts {
    /// What will have been charged by then if nothing more is bought.
    #[must_use]
    pub fn charged_at(&self, then: Timestamp) -> Usd {
        self.purchases()
            .filter(|purchase| purchase.fate.ends_at().is_some_and(|end| end <= then.as_millis()))
            .map(Purchase::charge)
            .sum()
    }

    /// Everything that was bought, in order.
    pub fn purchases(&self) -> impl Iterator<Item = &Purchase> {
        self.purchases.iter().map(|booked| &booked.purchase)
    }

    /// Purchases whose buyer was not told the task's id.
    pub fn untold(&self) -> impl Iterator<Item = &Purchase> {
        self.purchases().filter(|purchase| purchase.told != Told::Task)
    }
}
