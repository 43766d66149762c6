//! The request parameters of a gateway: what each holds and what its value must keep to.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

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
    /// A list of objects, each with the parameter's fields.
    ObjectList,
    /// An image: URL, local path or base64; a string on the wire.
    Image,
    /// A video: URL or local path; a string on the wire.
    Video,
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
    /// What an object, or each object of a list, must hold.
    #[serde(default)]
    pub fields: BTreeMap<String, ParamKind>,
    /// The most characters of a text field in each object of a list.
    #[serde(default)]
    pub fields_most: BTreeMap<String, usize>,
    /// Of a list of objects: a field in seconds, and the parameter that all of them come to.
    #[serde(default)]
    pub sums: BTreeMap<String, String>,
    /// Parameters that must stand beside it.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Parameters beside which it has no effect. Each of them also stands in for it where a model
    /// requires it.
    #[serde(default)]
    pub idle_beside: Vec<String>,
    /// The least and the greatest number that the gateway is known to take.
    pub between: Option<[Number; 2]>,
    /// The values that the gateway is known to take, as they stand on the wire; empty: not known.
    #[serde(default)]
    pub usual: Vec<Value>,
    /// What pictures the gateway is known to take.
    pub picture: Option<PictureLimits>,
    /// What local videos can be sent.
    pub video: Option<VideoLimits>,
    /// The image whose shape this one should have.
    pub shape_of: Option<String>,
    /// Also taken under `extra`, as it was before the catalog knew it.
    #[serde(default)]
    pub also_extra: bool,
}

/// What pictures a gateway is known to take.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureLimits {
    /// The least width and height, in pixels.
    pub side: u32,
    /// The most that one side may be of the other: 2.5 is from 1:2.5 to 2.5:1.
    pub shape: Number,
    /// The most bytes of its file.
    pub bytes: u64,
}

/// What local videos can be sent.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoLimits {
    /// The most bytes of its file.
    pub bytes: u64,
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
