//! What a request means, as a hash: canonical JSON, in which two ways of saying the same thing are
//! one. A change here makes every shot of every campaign new work: the tests hold its values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::shot::Fingerprint;

use super::image::{base64_bytes, is_http_url};
use super::model::Catalog;
use super::param::{Param, ParamKind, Params};
use super::values::is_given;

/// Where to report, not what to render.
const NOT_MEANT: &str = "callback_url";

impl Catalog {
    /// What a request means. `params` is all of it, `extra` included; `files` are the parameters
    /// that a local file fills, with the SHA-256 of its bytes, whatever `params` says of them.
    ///
    /// Requests that mean the same have the same fingerprint: the order of keys, a value equal to
    /// the default, how a number is written, where an image's bytes come from and `callback_url`
    /// do not count.
    #[must_use]
    pub fn fingerprint(&self, params: &Params, files: &[(String, [u8; 32])]) -> Fingerprint {
        let mut meaning: BTreeMap<&str, Cow<'_, Value>> = BTreeMap::new();
        for (name, value) in params {
            let param = self.param(name);
            // Empty parameters mean the same as none.
            if name == NOT_MEANT || (param.is_some() && !is_given(value)) {
                continue;
            }
            let value = meant(param, value);
            let default = param.and_then(|param| param.default.as_ref());
            let is_default =
                |default: &Value| default == &*value || canonical(default) == canonical(&value);
            if !default.is_some_and(is_default) {
                meaning.insert(name, value);
            }
        }
        for (name, sha256) in files {
            meaning.insert(name, Cow::Owned(bytes(sha256)));
        }
        let hash = Sha256::digest(canonical(&meaning));
        let mut first = [0; 16];
        first.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Fingerprint::from_bytes(first)
    }
}

/// A value in its parameter's type on the wire, if it can be read so, with its keys in order.
fn meant<'v>(param: Option<&Param>, value: &'v Value) -> Cow<'v, Value> {
    if let (Some(ParamKind::Image), Value::String(image)) = (param.map(|param| param.kind), value)
        && !is_http_url(image)
        && let Some(image) = base64_bytes(image)
    {
        return Cow::Owned(bytes(&Sha256::digest(image)));
    }
    let wire = param
        .filter(|param| !param.is_wire(value))
        .and_then(|param| param.coerce(value.clone()).ok());
    let mut meant = wire.map_or(Cow::Borrowed(value), Cow::Owned);
    if meant.is_object() || meant.is_array() {
        meant.to_mut().sort_all_objects();
    }
    meant
}

/// An image by the hash of its bytes: an object, which no image's text can be mistaken for.
fn bytes(sha256: &[u8]) -> Value {
    json!({"sha256": hex(sha256)})
}

/// Two small digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing JSON to memory does not fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut text, Canonical));
    text
}

/// Writes one text for one number: a whole one has neither fraction nor exponent.
struct Canonical;

impl Formatter for Canonical {
    fn write_f64<W: ?Sized + io::Write>(&mut self, out: &mut W, number: f64) -> io::Result<()> {
        /// Beyond it JSON's whole numbers are floats anyway.
        const MAX: f64 = 18_446_744_073_709_551_616.0;
        if number == 0.0 {
            out.write_all(b"0")
        } else if number.fract() == 0.0 && number.abs() < MAX {
            write!(out, "{number:.0}")
        } else {
            CompactFormatter.write_f64(out, number)
        }
    }
}
