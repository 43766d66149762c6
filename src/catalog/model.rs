//! A catalog as it is read: parameters, models, and what is said about both.

use super::param::Param;
use super::price_table::Row;
use super::values::Values;

/// The models of a gateway on a date.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) date: String,
    pub(super) source: String,
    pub(super) failed_tasks_charged: bool,
    pub(super) canceled_tasks_charged: Option<bool>,
    pub(super) params: Vec<Param>,
    pub(super) models: Vec<Model>,
    /// Parameters of which something odd can be said, and for each those beside which it is idle.
    pub(super) noted: Vec<(usize, Vec<usize>)>,
}

/// Why a catalog file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogError(pub String);

/// Something that a request's model does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The request parameter that causes it, such as `duration` or `camera_control.type`.
    pub param: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: String,
    /// Another parameter of the request that has to do with it: `model` when the model does not
    /// take the value, `sound` when it is off and must be on.
    pub with: Option<String>,
}

/// A model. Parameters stand as places in [`Catalog::params`].
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) name: String,
    pub(super) doc: String,
    /// Values that a parameter must keep to, narrower than its own.
    pub(crate) accepts: Vec<(usize, Values)>,
    /// Parameters that must not be given.
    pub(crate) refuses: Vec<usize>,
    /// Of each list, one parameter must be given.
    pub(crate) requires: Vec<Vec<usize>>,
    pub(super) prices: Vec<Row>,
}

impl Catalog {
    /// The date on which it was true, such as `2026-11-22`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Where it was read.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The request parameters it knows, `model` included, in the order of the gateway's page.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The parameter of that API name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// A parameter's index in [`Catalog::params`].
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.name == name)
    }

    /// The models' API names.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        self.models.iter().map(|model| model.name.as_str()).collect()
    }

    /// One sentence for people about a model.
    #[must_use]
    pub fn model_doc(&self, name: &str) -> Option<&str> {
        self.model(name).map(|model| model.doc.as_str())
    }

    /// Whether a model does not take a parameter; an unknown model takes all.
    #[must_use]
    pub fn refuses(&self, model: &str, param: &str) -> bool {
        let place = self.place(param);
        self.model(model).is_some_and(|model| model.refuses.iter().any(|one| Some(*one) == place))
    }

    /// Whether the gateway charges failed tasks.
    #[must_use]
    pub fn failed_tasks_charged(&self) -> bool {
        self.failed_tasks_charged
    }

    /// Whether the gateway charges canceled tasks; `None`: as failed ones.
    #[must_use]
    pub fn canceled_tasks_charged(&self) -> Option<bool> {
        self.canceled_tasks_charged
    }

    /// The model of that API name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}
