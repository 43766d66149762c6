//! Models, what they accept and what they cost: dated data, not code. Says what is wrong with a
//! request, what it costs and what it means (its fingerprint). Knows no manifest, file or network.

mod check;
mod coerce;
mod constraints;
mod file;
mod fingerprint;
mod image;
mod price;
mod price_hints;
mod request_view;
mod similar;
#[cfg(test)]
mod tests;
mod values;

pub use coerce::switch;
pub use constraints::{Accepted, Constraints};
pub use image::{base64_bytes, is_http_url};
pub use price_hints::{Change, PriceHint, in_words};
pub use similar::{closest, likely_typo};

use crate::domain::money::Usd;
use crate::domain::shot::Fingerprint;
use values::Values;

/// The catalog that comes with this version, as it stands in the source tree.
const BUILTIN: &str = include_str!("kling-2026-11-22.yaml");

/// The models of a gateway on a date.
#[derive(Clone, Debug)]
pub struct Catalog {
    date: String,
    source: String,
    failed_tasks_charged: bool,
    params: Vec<Param>,
    /// The parameters' defaults as a fingerprint writes them.
    defaults: Vec<Option<Box<[u8]>>>,
    models: Vec<Model>,
}

/// Something that a request's model does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The request parameter that causes it, such as `duration` or `camera_control.type`.
    pub param: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: Option<String>,
    /// Another parameter of the request that has to do with it: `model` when the model does not
    /// take the value, `sound` when it is off and must be on.
    pub with: Option<String>,
}

/// A request's parameters by API name: a JSON object in the API's own types.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// What a request parameter holds on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// A string.
    Text,
    /// A number.
    Number,
    /// Whole seconds, sent as a string: `"5"`.
    Seconds,
    /// `"on"` or `"off"`.
    OnOff,
    /// `true` or `false`.
    Bool,
    /// A list of strings.
    TextList,
    /// An object.
    Object,
    /// An image: URL, local path or base64; a string on the wire.
    Image,
    /// A URL.
    Url,
}

/// A request parameter of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its API name.
    pub name: String,
    /// What it holds.
    pub kind: ParamKind,
    /// One sentence for people.
    pub doc: String,
    /// The value that means the same as leaving it out, as it stands on the wire.
    pub default: Option<serde_json::Value>,
    /// What its value must keep to, whatever the model.
    pub rules: Rules,
}

/// What a parameter's value must keep to, whatever the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The allowed values as they stand on the wire; empty: any.
    pub one_of: Vec<serde_json::Value>,
    /// The most characters of a text, or items of a list.
    pub most: Option<usize>,
    /// Whether it is two positive whole numbers, `W:H`.
    pub ratio: bool,
    /// What an object must hold.
    pub fields: Vec<(String, ParamKind)>,
    /// Parameters that must stand beside it, with the value they must have if not any.
    pub needs: Vec<(String, Option<serde_json::Value>)>,
}

/// A model. Parameters stand as places in [`Catalog::params`].
#[derive(Clone, Debug)]
struct Model {
    name: String,
    doc: String,
    accepts: Vec<(usize, Values)>,
    refuses: Vec<usize>,
    requires: Vec<Vec<usize>>,
    prices: Vec<price::Row>,
}

/// Why a catalog file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogError(pub String);

impl Catalog {
    /// The catalog that comes with this version.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and every test reads it"
    )]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the catalog of this version is valid")
    }

    /// Reads a catalog file; `kling-2026-11-22.yaml` beside this module says what it holds.
    ///
    /// # Errors
    /// When the text is not a catalog: on which line, and why.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        file::parse(text)
    }

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
    fn place(&self, name: &str) -> Option<usize> {
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

    /// Everything the model forbids about a request, parameter by parameter. `params` holds all
    /// of it but what the manifest passes through as `extra`; an image from a local file may stand
    /// there by its path.
    #[must_use]
    pub fn check(&self, params: &Params) -> Vec<Problem> {
        check::check(self, params)
    }

    /// What a request costs; `None` when the catalog has no row for it.
    #[must_use]
    pub fn price(&self, params: &Params) -> Option<Usd> {
        price::price(self, params)
    }

    /// For a request without a known price: what its model costs when as little of it as possible
    /// is changed. At most three ways, in the order of the catalog's rows; none when the model is
    /// not known or has no such price. [`in_words`] makes a sentence of them.
    #[must_use]
    pub fn price_hints(&self, params: &Params) -> Vec<PriceHint> {
        price_hints::price_hints(self, params)
    }

    /// Whether the gateway charges failed tasks.
    #[must_use]
    pub fn failed_tasks_charged(&self) -> bool {
        self.failed_tasks_charged
    }

    /// What a request means. `params` is all of it, `extra` included; `files` are the parameters
    /// that a local file fills, with the SHA-256 of its bytes, whatever `params` says of them.
    ///
    /// Requests that mean the same have the same fingerprint: the order of keys, a value equal to
    /// the default, how a number is written, where an image's bytes come from and `callback_url`
    /// do not count.
    #[must_use]
    pub fn fingerprint(&self, params: &Params, files: &[(String, [u8; 32])]) -> Fingerprint {
        fingerprint::fingerprint(self, params, files)
    }

    fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}
