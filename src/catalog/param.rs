//! The request parameters of a gateway: what each holds and what its value must keep to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A request's parameters by API name: a JSON object in the API's own types.
pub type Params = Map<String, Value>;

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
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its API name.
    pub name: String,
    /// What it holds.
    pub kind: ParamKind,
    /// One sentence for people.
    pub doc: String,
    /// The value that means the same as leaving it out, as it stands on the wire.
    pub default: Option<Value>,
    /// The allowed values as they stand on the wire; empty: any.
    #[serde(default)]
    pub one_of: Vec<Value>,
    /// The most characters of a text, or items of a list.
    pub most: Option<usize>,
    /// What a text must look like.
    pub form: Option<Form>,
    /// What an object must hold.
    #[serde(default)]
    pub fields: BTreeMap<String, ParamKind>,
    /// Parameters that must stand beside it.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// What a text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Two positive whole numbers, `W:H`.
    Ratio,
}

/// A parameter that another one needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Its API name.
    pub param: String,
    /// The value it must have, as it stands on the wire; `None`: any.
    pub is: Option<Value>,
}
