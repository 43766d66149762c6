//! What a request costs: the one row of its model's price table that fits it, or nothing. Never a
//! guess, never a float.

use serde_json::Value;

use crate::domain::money::Usd;

use super::model::Catalog;
use super::param::Params;
use super::request_view::RequestView;
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

impl Catalog {
    /// What a request costs; `None` when the catalog has no row for it.
    #[must_use]
    pub fn price(&self, params: &Params) -> Option<Usd> {
        let request = RequestView::new(self, params);
        let fits = |row: &&Row| row.when.iter().all(|(at, values)| values.hold(request.get(*at)));
        let row = request.model()?.prices.iter().find(fits)?;
        row.price(self.place(DURATION).and_then(|place| request.get(place)))
    }
}
