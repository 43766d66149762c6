//! The cap: what may still be committed.

use serde::Serialize;

use crate::domain::money::Usd;

/// The campaign's money as the ledger has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Charged for completed tasks.
    pub spent: Usd,
    /// Set aside for what was or may have been bought.
    pub reserved: Usd,
    /// What POSTs refused with a 5xx could have cost at worst.
    pub unconfirmed: Usd,
}

/// What the user allows the campaign to cost over its whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// The most; `None` is no cap.
    pub cap: Option<Usd>,
    /// Whether `unconfirmed` counts against the cap.
    pub strict: bool,
}

/// A campaign's money as programs read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Money {
    /// The most it may cost; `None` is no cap.
    pub cap: Option<Usd>,
    /// What it has cost, and may still cost.
    #[serde(flatten)]
    pub balance: Balance,
}

impl Budget {
    /// What counts against the cap.
    #[must_use]
    pub fn committed(&self, balance: &Balance) -> Usd {
        let sure = balance.spent + balance.reserved;
        if self.strict { sure + balance.unconfirmed } else { sure }
    }

    /// What is left under the cap; `None` without one.
    #[must_use]
    pub fn left(&self, balance: &Balance) -> Option<Usd> {
        self.cap.map(|cap| cap.less(self.committed(balance)))
    }

    /// Whether a purchase at `price` may be committed. An unknown price fits no cap.
    #[must_use]
    pub fn allows(&self, balance: &Balance, price: Option<Usd>) -> bool {
        match (self.left(balance), price) {
            (None, _) => true,
            (Some(left), Some(price)) => price <= left,
            (Some(_), None) => false,
        }
    }
}
