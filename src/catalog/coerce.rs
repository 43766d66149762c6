//! What people write to what the API wants: 5, "5" and "5s" to `"5"`, yes to `"on"`, a CSV cell to
//! a list. What cannot be meant otherwise is taken; all else is refused with the fix.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::param::{Param, ParamKind};

/// Floats from here on may have lost digits on their way through YAML.
const EXACT: f64 = 1e15;

impl Param {
    /// The wire form of a value as it was written in a manifest, a CSV cell or a catalog.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to write instead.
    pub fn coerce(&self, value: Value) -> Result<Value, String> {
        coerce(&self.name, self.kind, &self.fields, value)
    }

    /// Whether a value already has the parameter's type on the wire.
    #[must_use]
    pub fn is_wire(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (
                ParamKind::Text | ParamKind::Image | ParamKind::Video | ParamKind::Url,
                Value::String(_),
            )
            | (ParamKind::Number, Value::Number(_))
            | (ParamKind::Bool, Value::Bool(_)) => true,
            (ParamKind::Seconds, value) => is_seconds(value),
            (ParamKind::OnOff, Value::String(text)) => text == "on" || text == "off",
            (ParamKind::TextList, Value::Array(items)) => items.iter().all(Value::is_string),
            (ParamKind::Object, Value::Object(_)) => self.has_wire_fields(value),
            (ParamKind::ObjectList, Value::Array(items)) => {
                items.iter().all(|item| item.is_object() && self.has_wire_fields(item))
            }
            _ => false,
        }
    }

    /// Whether the fields that are there have their types.
    fn has_wire_fields(&self, object: &Value) -> bool {
        self.fields.iter().all(|(name, kind)| {
            object.get(name).is_none_or(|value| match kind {
                ParamKind::Bool => value.is_boolean(),
                ParamKind::Number => value.is_number(),
                ParamKind::Seconds => is_seconds(value),
                _ => value.is_string(),
            })
        })
    }
}

/// Whole seconds as they stand on the wire.
fn is_seconds(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        plain && (text == "0" || !text.starts_with('0')) && text.parse::<u32>().is_ok()
    })
}

fn coerce(
    name: &str,
    kind: ParamKind,
    fields: &BTreeMap<String, ParamKind>,
    value: Value,
) -> Result<Value, String> {
    match kind {
        ParamKind::Text => text(name, value).map(Value::String),
        ParamKind::Image => match value {
            Value::String(text) if !text.trim().is_empty() => Ok(Value::String(text)),
            other => Err(format!(
                "`{name}` cannot be {}; write a URL, the path of an image or base64",
                shown(&other)
            )),
        },
        ParamKind::Video => match value {
            Value::String(text) => Ok(Value::String(text.trim().to_owned())),
            other => Err(format!(
                "`{name}` cannot be {}; write a URL or the path of a video",
                shown(&other)
            )),
        },
        ParamKind::Url => match value {
            Value::String(text) => Ok(Value::String(text.trim().to_owned())),
            other => Err(format!("`{name}` cannot be {}; write a URL", shown(&other))),
        },
        ParamKind::Number => number(name, &value).map(Value::Number),
        ParamKind::Seconds => seconds(name, &value).map(Value::String),
        ParamKind::OnOff => match yes_or_no(&value) {
            Some(on) => Ok(Value::from(if on { "on" } else { "off" })),
            None => Err(format!("`{name}` cannot be {}; write on or off", shown(&value))),
        },
        ParamKind::Bool => yes_or_no(&value).map(Value::Bool).ok_or_else(|| {
            format!("`{name}` cannot be {}; write true or false, or yes or no", shown(&value))
        }),
        ParamKind::TextList => list(name, value),
        ParamKind::Object => object(name, fields, value),
        ParamKind::ObjectList => objects(name, fields, value),
    }
}

/// A text; a number by its digits.
fn text(name: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) if is_shortened(text.trim()) => Err(shortened(name, text.trim())),
        // White space around a text, such as the line end of a block, means nothing.
        Value::String(text) if text.trim().len() < text.len() => Ok(text.trim().to_owned()),
        Value::String(text) => Ok(text),
        Value::Number(number) if exact(&number) => Ok(number.to_string()),
        Value::Number(number) => Err(shortened(name, &number.to_string())),
        Value::Null => Err(format!("`{name}` is empty; write a text in quotes, or leave it out")),
        Value::Bool(_) => {
            Err(format!("`{name}` is a text and cannot be {value}; put it in quotes"))
        }
        other => Err(format!("`{name}` cannot be {}; write one text in quotes", shown(&other))),
    }
}

/// Whether a text is what a spreadsheet makes of a long number: `8.29824E+17`, `8,29824E+17`.
fn is_shortened(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, part) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(whole) && digits(part) && exponent.strip_prefix('+').is_some_and(digits)
}

fn shortened(name: &str, written: &str) -> String {
    format!(
        "`{name}` is {}: a spreadsheet or YAML cut the end off a long number; write all its digits, \
         in a column formatted as text, or in YAML in quotes",
        written.chars().take(30).collect::<String>()
    )
}

fn exact(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|float| float.abs() < EXACT)
}

fn number(name: &str, value: &Value) -> Result<Number, String> {
    let refused = || format!("`{name}` cannot be {}; write a number such as 0.5", shown(value));
    let text = match value {
        Value::Number(number) => return Ok(number.clone()),
        Value::String(text) => text.trim(),
        _ => return Err(refused()),
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    // A spreadsheet's comma. Three digits behind it may be thousands: too dear to guess.
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((whole, part)) = text.split_once(',')
        && digits(whole.strip_prefix(['+', '-']).unwrap_or(whole))
        && digits(part)
    {
        return match part.len() {
            3 => Err(format!(
                "`{name}` is {text}, which can be read in two ways; write {whole}.{part} or \
                 {whole}{part}"
            )),
            _ => number(name, &Value::String(format!("{whole}.{part}"))),
        };
    }
    let whole = text.parse::<i64>().ok().map(Number::from);
    whole
        .or_else(|| text.parse().ok().filter(|_| plain(text)).and_then(Number::from_f64))
        .ok_or_else(refused)
}

fn seconds(name: &str, value: &Value) -> Result<String, String> {
    let refused = || format!("`{name}` cannot be {}; write whole seconds such as 5", shown(value));
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(number) => &number.to_string(),
        _ => return Err(refused()),
    };
    let lower = text.to_ascii_lowercase();
    let units = ["seconds", "second", "secs", "sec", "s"];
    let digits = units.iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower);
    // `5,0` is what spreadsheets of half the world make of 5.
    let digits = match digits.trim_end().split_once(['.', ',']) {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return Err(refused()),
        None => digits.trim_end(),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    digits.parse::<u32>().map(|seconds| seconds.to_string()).map_err(|_| refused())
}

/// Reads true/false, on/off, yes/no and 1/0.
pub(super) fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => match number.as_u64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim() {
            "1" => Some(true),
            "0" => Some(false),
            text => any_switch(text),
        },
        _ => None,
    }
}

/// A switch as people write it: true/false, on/off, yes/no in any case.
#[must_use]
pub fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// A switch as people write it, or as a spreadsheet shows one in any of its languages.
#[must_use]
pub fn any_switch(text: &str) -> Option<bool> {
    switch(text).or_else(|| foreign(text))
}

/// Whether a text is a switch only in the words of a spreadsheet that is not English.
#[must_use]
pub fn is_foreign_switch(text: &str) -> bool {
    switch(text).is_none() && foreign(text).is_some()
}

fn foreign(text: &str) -> Option<bool> {
    const MAX: usize = 24;
    if text.len() > MAX {
        return None;
    }
    let word = text.to_lowercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    if is(&FOREIGN_ON) { Some(true) } else { is(&FOREIGN_OFF).then_some(false) }
}

/// How spreadsheets show TRUE, and how people write yes, in lower case.
pub const FOREIGN_ON: [&str; 18] = [
    "wahr",
    "ja",
    "vrai",
    "oui",
    "verdadero",
    "sí",
    "si",
    "vero",
    "sì",
    "verdadeiro",
    "sim",
    "waar",
    "prawda",
    "tak",
    "sant",
    "sand",
    "tosi",
    "pravda",
];
/// How spreadsheets show FALSE, and how people write no, in lower case.
pub const FOREIGN_OFF: [&str; 15] = [
    "falsch", "nein", "faux", "non", "falso", "não", "onwaar", "nee", "fałsz", "nie", "falskt",
    "falsk", "nej", "epätosi", "nepravda",
];

/// A list; a text, such as a CSV cell, is cut at `;`, `,` and `|`.
fn list(name: &str, value: Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => {
            let mut found = Vec::with_capacity(items.len());
            for item in items {
                let item = text(name, item)?;
                if item.contains([',', ';']) {
                    return Err(format!("{item:?} in `{name}` are several; write [a, b]"));
                }
                found.push(Value::String(item));
            }
            found.retain(|item| item.as_str() != Some(""));
            Ok(Value::Array(found))
        }
        Value::String(cell) => {
            // Before a comma in a number is taken for one between items.
            if let Some(item) = cell.split([';', '|']).map(str::trim).find(|i| is_shortened(i)) {
                return Err(shortened(name, item));
            }
            let items = cell.split([';', ',', '|']).map(str::trim).filter(|item| !item.is_empty());
            items.map(|item| text(name, item.into()).map(Value::String)).collect()
        }
        Value::Number(_) => Ok(Value::from(vec![text(name, value)?])),
        other => Err(format!("`{name}` cannot be {}; write a list of texts", shown(&other))),
    }
}

/// An object; a text, such as a CSV cell, may hold one as JSON.
fn object(name: &str, kinds: &BTreeMap<String, ParamKind>, value: Value) -> Result<Value, String> {
    let parsed = match &value {
        Value::String(cell) => serde_json::from_str(cell).ok(),
        _ => None,
    };
    let mut fields = match parsed.unwrap_or(value) {
        Value::Object(fields) => fields,
        other => {
            let example: Vec<String> = kinds.keys().map(|field| format!("{field}: …")).collect();
            let example = example.join(", ");
            return Err(format!("`{name}` cannot be {}; write {{{example}}}", shown(&other)));
        }
    };
    for (field, kind) in kinds {
        if let Some(value) = fields.get_mut(field) {
            let written = std::mem::take(value);
            *value = coerce(&format!("{name}.{field}"), *kind, &BTreeMap::new(), written)?;
        }
    }
    Ok(Value::Object(fields))
}

/// A list of objects; a text, such as a CSV cell, may hold one as JSON.
fn objects(name: &str, kinds: &BTreeMap<String, ParamKind>, value: Value) -> Result<Value, String> {
    let parsed = match &value {
        Value::String(cell) => serde_json::from_str(cell).ok(),
        _ => None,
    };
    match parsed.unwrap_or(value) {
        Value::Array(items) => {
            let item = |(at, item)| object(&format!("{name}[{}]", at + 1), kinds, item);
            items.into_iter().enumerate().map(item).collect()
        }
        other => {
            let example: Vec<String> = kinds.keys().map(|field| format!("{field}: …")).collect();
            let example = example.join(", ");
            Err(format!("`{name}` cannot be {}; write [{{{example}}}, …]", shown(&other)))
        }
    }
}

/// A value for a diagnostic: short, and in the words of the manifest.
pub(super) fn shown(value: &Value) -> String {
    const MAX: usize = 40;
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.chars().count() <= MAX => format!("{text:?}"),
        Value::String(text) => format!("{:?}…", text.chars().take(MAX).collect::<String>()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a group of `key: value`".to_owned(),
    }
}
