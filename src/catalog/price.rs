//! What a request costs: the one row of its model's price table that fits it, or nothing. Never a
//! guess, never a float.

use crate::money::Usd;

use super::values::Values;
use super::{Catalog, Params};

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
    fn fits(&self, catalog: &Catalog, params: &Params) -> bool {
        self.when.iter().all(|(place, values)| values.hold(catalog.effective(*place, params)))
    }

    /// Whether some request fits both rows.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.when.iter().all(|(place, these)| {
            let mut those = other.when.iter().filter(|(other, _)| other == place);
            those.all(|(_, those)| these.overlap(those))
        })
    }
}

pub(super) fn price(catalog: &Catalog, params: &Params) -> Option<Usd> {
    let rows = &catalog.model_of(params)?.prices;
    match rows.iter().find(|row| row.fits(catalog, params))?.rate {
        Rate::Each(price) => Some(price),
        Rate::PerSecond(price) => {
            let said = params.get(DURATION).or(catalog.param(DURATION)?.default.as_ref())?;
            price.times(said.as_str()?.parse().ok()?)
        }
    }
}
