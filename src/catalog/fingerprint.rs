//! What a request means, as a hash: canonical JSON, in which two ways of saying the same thing are
//! one. A change here makes every shot of every campaign new work: the tests hold its values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::shot::Fingerprint;

use super::image::{base64_bytes, is_http_url};
use super::{Catalog, ParamKind, Params};

/// Says where to report, not what to render.
const NOT_MEANT: &str = "callback_url";

pub(super) fn fingerprint(
    catalog: &Catalog,
    params: &Params,
    files: &[(String, [u8; 32])],
) -> Fingerprint {
    let mut meant = BTreeMap::new();
    for (name, value) in params {
        if let Some(text) = meaning(catalog, name, value) {
            meant.insert(name.as_str(), text);
        }
    }
    for (name, sha256) in files {
        meant.insert(name.as_str(), bytes(sha256));
    }
    let mut text = String::new();
    object(&mut text, meant.into_iter(), |out, value| out.push_str(value.as_str()));
    let hash = Sha256::digest(text.as_bytes());
    let mut first = [0; 16];
    first.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    Fingerprint::from_bytes(first)
}

/// A parameter's value as canonical JSON; `None` when it says nothing.
fn meaning(catalog: &Catalog, name: &str, value: &Value) -> Option<String> {
    if name == NOT_MEANT {
        return None;
    }
    let mut text = String::new();
    let Some(param) = catalog.param(name) else {
        canonical(&mut text, value);
        return Some(text);
    };
    if let (ParamKind::Image, Value::String(image)) = (param.kind, value)
        && !is_http_url(image)
        && let Some(image) = base64_bytes(image)
    {
        return Some(bytes(&Sha256::digest(image).into()));
    }
    let wire = if param.is_wire(value) { None } else { param.coerce(value.clone()).ok() };
    let value = wire.as_ref().unwrap_or(value);
    canonical(&mut text, value);
    let default = param.default.as_ref().map(|default| {
        let mut text = String::new();
        canonical(&mut text, default);
        text
    });
    (Some(&text) != default.as_ref()).then_some(text)
}

/// An image's bytes: an object, which no image's text can be mistaken for.
fn bytes(sha256: &[u8; 32]) -> String {
    let mut text = String::from(r#"{"sha256":""#);
    for byte in sha256 {
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str(r#""}"#);
    text
}

fn canonical(out: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&str, &Value> =
                fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
            object(out, sorted.into_iter(), canonical);
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                canonical(out, item);
            }
            out.push(']');
        }
        Value::Number(number) => out.push_str(&normal(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

fn object<'a, V>(
    out: &mut String,
    fields: impl Iterator<Item = (&'a str, V)>,
    mut write_value: impl FnMut(&mut String, V),
) {
    out.push('{');
    for (place, (name, value)) in fields.enumerate() {
        if place > 0 {
            out.push(',');
        }
        let _ = write!(out, "{}:", Value::from(name));
        write_value(out, value);
    }
    out.push('}');
}

/// One text for one number: a whole one has neither fraction nor exponent.
fn normal(number: &Number) -> String {
    /// Beyond it JSON's whole numbers are floats anyway.
    const MOST: f64 = 18_446_744_073_709_551_616.0;
    match number.as_f64() {
        Some(0.0) => "0".to_owned(),
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < MOST => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}
