//! A set of a parameter's values, as models and price rows name them: `[5, 10]`, `3-15`, `pro`, or
//! for what cannot be listed (images, lists, …) whether it is given at all.

use std::fmt;

use serde_json::Value;

use super::param::{Param, ParamKind};

/// The values of one parameter that a rule or a price row means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Spans of whole seconds, both ends included; never empty.
    Seconds(Vec<(u32, u32)>),
    /// These wire values; never empty.
    OneOf(Vec<Value>),
    /// Anything, or nothing.
    Given(bool),
}

impl Values {
    /// Reads the values of `param` in a catalog file.
    pub(super) fn read(param: &Param, written: Value) -> Result<Self, String> {
        let items = match written {
            Value::Array(items) => items,
            item => vec![item],
        };
        if items.is_empty() {
            return Err(format!("`{}` lists no values", param.name));
        }
        match param.kind {
            ParamKind::Seconds => items
                .into_iter()
                .map(|item| seconds(param, item))
                .collect::<Result<_, _>>()
                .map(Self::Seconds),
            ParamKind::Text | ParamKind::Number | ParamKind::OnOff | ParamKind::Bool => items
                .into_iter()
                .map(|item| param.coerce(item))
                .collect::<Result<_, _>>()
                .map(Self::OneOf),
            ParamKind::TextList
            | ParamKind::Object
            | ParamKind::ObjectList
            | ParamKind::Image
            | ParamKind::Video
            | ParamKind::Url => match items.as_slice() {
                [item] => super::coerce::yes_or_no(item).map(Self::Given),
                _ => None,
            }
            .ok_or_else(|| {
                format!("`{}` cannot be listed; write on or off for given or not", param.name)
            }),
        }
    }

    /// Whether the set has `value`, a wire value; `None`: the request has none.
    pub(super) fn hold(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Given(given), value) => value.is_some_and(is_given) == *given,
            (_, None) => false,
            (Self::Seconds(spans), Some(value)) => {
                value.as_str().and_then(|text| text.parse::<u32>().ok()).is_some_and(|seconds| {
                    spans.iter().any(|(low, high)| (*low..=*high).contains(&seconds))
                })
            }
            (Self::OneOf(values), Some(value)) => values.contains(value),
        }
    }

    /// Whether some value is in both.
    pub(super) fn overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Seconds(these), Self::Seconds(other)) => {
                these.iter().any(|(a, b)| other.iter().any(|(c, d)| a <= d && c <= b))
            }
            (Self::OneOf(these), Self::OneOf(other)) => {
                these.iter().any(|value| other.contains(value))
            }
            (Self::Given(these), Self::Given(other)) => these == other,
            _ => false,
        }
    }
}

/// Whether a value counts as given: an empty text, an empty list and null do not.
pub(super) fn is_given(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

/// `5` or `3-15`.
fn seconds(param: &Param, written: Value) -> Result<(u32, u32), String> {
    let one = |value| {
        let text = param.coerce(value)?;
        text.as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("{text} is not a number of seconds"))
    };
    match written.as_str().and_then(|text| text.split_once('-')) {
        None => one(written).map(|seconds| (seconds, seconds)),
        Some((low, high)) => match (one(low.into())?, one(high.into())?) {
            (low, high) if low <= high => Ok((low, high)),
            (low, high) => {
                Err(format!("`{}` goes from {low} down to {high}; write {high}-{low}", param.name))
            }
        },
    }
}

/// `5 or 10`, `3 to 15`, `std or pro`.
impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self {
            Self::Seconds(spans) => spans
                .iter()
                .map(
                    |(low, high)| {
                        if low == high { low.to_string() } else { format!("{low} to {high}") }
                    },
                )
                .collect(),
            Self::OneOf(values) => values.iter().map(plain).collect(),
            Self::Given(true) => vec!["given".to_owned()],
            Self::Given(false) => vec!["left out".to_owned()],
        };
        f.write_str(&either(&words))
    }
}

/// A wire value as people write it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn either<T: AsRef<str>>(words: &[T]) -> String {
    let mut text = String::new();
    for (place, word) in words.iter().enumerate() {
        text.push_str(match place {
            0 => "",
            _ if place + 1 == words.len() => " or ",
            _ => ", ",
        });
        text.push_str(word.as_ref());
    }
    text
}
