//! The request parameters of a gateway: what each holds and what its value must keep to.

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
