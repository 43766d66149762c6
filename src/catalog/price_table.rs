//! The rows of a model's price table.

use serde_json::Value;

use crate::domain::money::Usd;

use super::values::Values;

/// The parameter that a price per second is multiplied by.
pub(super) const DURATION: &str = "duration";

/// A row of a model's price table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What a request must say, by the parameter's place in the catalog.
    pub(super) when: Vec<(usize, Values)>,
    pub(super) rate: Rate,
}

/// What a row charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// For the clip, whatever its length.
    Each(Usd),
    /// For every second asked for.
    PerSecond(Usd),
}

impl Row {
    /// What it charges for a request of that duration.
    pub(super) fn price(&self, seconds: Option<&Value>) -> Option<Usd> {
        match self.rate {
            Rate::Each(price) => Some(price),
            Rate::PerSecond(price) => price.times(seconds?.as_str()?.parse().ok()?),
        }
    }

    /// Whether some request fits both rows.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.when.iter().all(|(place, these)| {
            let mut those = other.when.iter().filter(|(other, _)| other == place);
            those.all(|(_, those)| these.overlap(those))
        })
    }
}
