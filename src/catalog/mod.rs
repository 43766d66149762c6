//! Models, what they accept and what they cost: dated data, not code.

use crate::money::Usd;

/// The models of a gateway on a date.
#[derive(Debug)]
pub struct Catalog {}

/// Something a request must not say to its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The request parameter that causes it, such as `duration` or `camera_control.type`.
    pub param: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: Option<String>,
}

/// A request's parameters by API name: a JSON object in the API's own types.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// What a request parameter holds on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// Why a catalog file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CatalogError(pub String);

impl Catalog {
    /// The catalog that comes with this version.
    #[must_use]
    pub fn builtin() -> Self {
        todo!()
    }

    /// Reads a catalog file.
    ///
    /// # Errors
    /// When the text is not a catalog; says where and why.
    pub fn parse(_text: &str) -> Result<Self, CatalogError> {
        todo!()
    }

    /// The request parameters it knows, `model` included, in the order of the gateway's page.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        todo!()
    }

    /// The models' API names.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        todo!()
    }

    /// Everything the model forbids about a request.
    #[must_use]
    pub fn check(&self, _params: &Params) -> Vec<Problem> {
        todo!()
    }

    /// What a request costs; `None` when the catalog has no row for it.
    #[must_use]
    pub fn price(&self, _params: &Params) -> Option<Usd> {
        todo!()
    }

    /// Whether the gateway charges failed tasks.
    #[must_use]
    pub fn failed_tasks_charged(&self) -> bool {
        todo!()
    }
}
