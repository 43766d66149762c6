//! What a model demands of a request, as data for descriptions such as the manifest's schema.

use serde_json::Value;

use super::Catalog;
use super::values::Values;

/// What a model asks of a request; parameters by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints<'c> {
    /// Values that a parameter must keep to, narrower than its own.
    pub accepts: Vec<(&'c str, Accepted<'c>)>,
    /// Parameters that must not be given.
    pub refuses: Vec<&'c str>,
    /// Of each list, one parameter must be given.
    pub requires: Vec<Vec<&'c str>>,
}

/// The values that a model accepts for a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accepted<'c> {
    /// Spans of whole seconds, both ends included.
    Seconds(&'c [(u32, u32)]),
    /// These, as they stand on the wire.
    OneOf(&'c [Value]),
}

impl Catalog {
    /// What a model asks of a request; nothing of a model it does not know.
    #[must_use]
    pub fn demands(&self, model: &str) -> Constraints<'_> {
        let Some(model) = self.model(model) else { return Constraints::default() };
        let name = |place: &usize| self.params.get(*place).map(|param| param.name.as_str());
        Constraints {
            accepts: model
                .accepts
                .iter()
                .filter_map(|(at, values)| name(at).zip(accepted(values)))
                .collect(),
            refuses: model.refuses.iter().filter_map(name).collect(),
            requires: model
                .requires
                .iter()
                .map(|any| any.iter().filter_map(name).collect())
                .collect(),
        }
    }
}

fn accepted(values: &Values) -> Option<Accepted<'_>> {
    match values {
        Values::Seconds(spans) => Some(Accepted::Seconds(spans)),
        Values::OneOf(values) => Some(Accepted::OneOf(values)),
        Values::Given(_) => None,
    }
}
