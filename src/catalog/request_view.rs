//! A request by the catalog's own order of parameters, so that its rules and price rows find what
//! it says without looking names up.

use serde_json::Value;

use super::model::{Catalog, Model};
use super::param::Params;

/// A request's values, by the parameter's index in the catalog.
pub(super) struct RequestView<'a> {
    catalog: &'a Catalog,
    values: Vec<Option<&'a Value>>,
}

impl<'a> RequestView<'a> {
    pub(super) fn new(catalog: &'a Catalog, params: &'a Params) -> Self {
        let mut values = vec![None; catalog.params.len()];
        let mut next = 0;
        for (name, value) in params {
            // Requests are mostly made in the catalog's own order: a hash of each name costs more.
            let after = catalog.params.iter().skip(next).position(|param| param.name == *name);
            let place = after.map(|place| place + next).or_else(|| catalog.place(name));
            if let Some((place, slot)) = place.and_then(|at| Some((at, values.get_mut(at)?))) {
                *slot = Some(value);
                next = place + 1;
            }
        }
        Self { catalog, values }
    }

    /// The request's own value.
    pub(super) fn own(&self, place: usize) -> Option<&'a Value> {
        self.values.get(place).copied().flatten()
    }

    /// The request's value, or the parameter's default if it has none.
    pub(super) fn get(&self, place: usize) -> Option<&'a Value> {
        self.own(place).or_else(|| self.catalog.params.get(place)?.default.as_ref())
    }

    /// Its model, if it is one of the catalog's.
    pub(super) fn model(&self) -> Option<&'a Model> {
        self.catalog.model(self.own(self.catalog.place("model")?)?.as_str()?)
    }
}
