//! What a request means, as a hash: canonical JSON, in which two ways of saying the same thing are
//! one. A change here makes every shot of every campaign new work: the tests hold its values.

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::domain::shot::Fingerprint;

use super::image::{base64_bytes, is_http_url};
use super::model::Catalog;
use super::param::{ParamKind, Params};
use super::values::is_given;

/// Where to report, not what to render.
const NOT_MEANT: &str = "callback_url";

/// A part of a request's meaning.
enum Part<'a> {
    /// As it is written; with its parameter's place, if it is one.
    RequestView(&'a Value, Option<usize>),
    /// An image by the hash of its bytes: an object, which no image's text can be mistaken for.
    Bytes([u8; 32]),
}

pub(super) fn fingerprint(
    catalog: &Catalog,
    params: &Params,
    files: &[(String, [u8; 32])],
) -> Fingerprint {
    let mut parts: Vec<(&str, Part<'_>)> = Vec::with_capacity(params.len() + files.len());
    for (name, value) in params {
        // Empty parameters mean the same as none.
        let is_meant = name != NOT_MEANT && (catalog.param(name).is_none() || is_given(value));
        if is_meant && files.iter().all(|(file, _)| file != name) {
            parts.push((name, part(catalog, name, value)));
        }
    }
    for (at, (name, sha256)) in files.iter().enumerate() {
        if files.iter().skip(at + 1).all(|(later, _)| later != name) {
            parts.push((name, Part::Bytes(*sha256)));
        }
    }
    parts.sort_unstable_by_key(|(name, _)| *name);
    let mut text = Vec::with_capacity(512);
    text.push(b'{');
    for (name, part) in &parts {
        let before = text.len();
        if before > 1 {
            text.push(b',');
        }
        string(&mut text, name);
        text.push(b':');
        let start = text.len();
        match part {
            Part::RequestView(value, place) => {
                write_meant(&mut text, catalog, *place, value);
                let default = place.and_then(|place| catalog.defaults.get(place)?.as_deref());
                if default.is_some() && default == text.get(start..) {
                    text.truncate(before);
                }
            }
            Part::Bytes(sha256) => bytes(&mut text, sha256),
        }
    }
    text.push(b'}');
    let hash = Sha256::digest(&text);
    let mut first = [0; 16];
    first.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    Fingerprint::from_bytes(first)
}

fn part<'a>(catalog: &Catalog, name: &str, value: &'a Value) -> Part<'a> {
    let place = catalog.place(name);
    let kind = place.and_then(|place| catalog.params.get(place)).map(|param| param.kind);
    if let (Some(ParamKind::Image), Value::String(image)) = (kind, value)
        && !is_http_url(image)
        && let Some(image) = base64_bytes(image)
    {
        return Part::Bytes(Sha256::digest(image).into());
    }
    Part::RequestView(value, place)
}

/// Writes a value in its parameter's type on the wire, if it can be read so.
fn write_meant(out: &mut Vec<u8>, catalog: &Catalog, place: Option<usize>, value: &Value) {
    let param = place.and_then(|place| catalog.params.get(place));
    let wire = param
        .filter(|param| !param.is_wire(value))
        .and_then(|param| param.coerce(value.clone()).ok());
    write(out, wire.as_ref().unwrap_or(value));
}

fn bytes(out: &mut Vec<u8>, sha256: &[u8; 32]) {
    out.extend_from_slice(br#"{"sha256":""#);
    for byte in sha256 {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        out.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    out.extend_from_slice(br#""}"#);
}

/// A value as canonical JSON.
pub(super) fn canonical(value: &Value) -> Box<[u8]> {
    let mut out = Vec::new();
    write(&mut out, value);
    out.into()
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (place, (name, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                string(out, name);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::Number(number) => out.extend_from_slice(normal(number).as_bytes()),
        Value::String(text) => string(out, text),
        Value::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Value::Null => out.extend_from_slice(b"null"),
    }
}

/// A text as JSON writes it.
fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// One text for one number: a whole one has neither fraction nor exponent.
fn normal(number: &Number) -> String {
    /// Beyond it JSON's whole numbers are floats anyway.
    const MAX: f64 = 18_446_744_073_709_551_616.0;
    match number.as_f64() {
        Some(0.0) => "0".to_owned(),
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < MAX => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}
