//! What a request means, as a hash: canonical JSON, in which two ways of saying the same thing are
//! one. A change here makes every shot of every campaign new work: the tests hold its values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::shot::Fingerprint;

use super::image::{base64_bytes, is_http_url};
use super::model::Catalog;
use super::param::{Form, Param, ParamKind, Params};
use super::ratio;
use super::values::is_given;

/// Unicode's composed form: `é` is one character, whether it was typed as one or as two.
const NFC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();

/// Where to report, not what to render.
const NOT_MEANT: &str = "callback_url";

/// A rule by which fingerprints are made. A released rule is never changed and never taken out:
/// what was bought under it is found by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FingerprintRule {
    /// Of the first release: texts count as they are written.
    First,
    /// Ratios are in lowest terms, line ends are LF, and texts are in Unicode's composed form.
    Second,
}

impl FingerprintRule {
    /// All there are, the one that new fingerprints are made by first.
    pub const NEWEST_FIRST: [Self; 2] = [Self::Second, Self::First];
}

/// The parameters of a request that local files fill, with the SHA-256 of each file's bytes.
pub type FileHashes = [(String, [u8; 32])];

impl Catalog {
    /// What a request means, by the newest rule. `params` is all of it, `extra` included; `files`
    /// are the parameters that a local file fills, whatever `params` says of them.
    ///
    /// Requests that mean the same have the same fingerprint: the order of keys, a value equal to
    /// the default, how a number is written, where an image's bytes come from and `callback_url`
    /// do not count; nor do line ends, Unicode's forms and whether a ratio is in lowest terms.
    #[must_use]
    pub fn fingerprint(&self, params: &Params, files: &FileHashes) -> Fingerprint {
        self.fingerprint_by(FingerprintRule::Second, params, files)
    }

    /// The fingerprints of a request by every released rule, newest first, each once.
    #[must_use]
    pub fn fingerprints(&self, params: &Params, files: &FileHashes) -> Vec<Fingerprint> {
        let rules = FingerprintRule::NEWEST_FIRST.into_iter();
        let mut all: Vec<_> = rules.map(|rule| self.fingerprint_by(rule, params, files)).collect();
        all.dedup();
        all
    }

    /// Whether [`FingerprintRule::First`] may see something else in this value than the newest rule.
    pub(crate) fn is_new_to_first(value: &Value) -> bool {
        match value {
            Value::String(text) => {
                text.contains('\r') || (!text.is_ascii() && !NFC.is_normalized(text))
            }
            Value::Array(items) => items.iter().any(Self::is_new_to_first),
            Value::Object(fields) => fields.values().any(Self::is_new_to_first),
            _ => false,
        }
    }

    /// What a request means by one rule.
    #[must_use]
    pub fn fingerprint_by(
        &self,
        rule: FingerprintRule,
        params: &Params,
        files: &FileHashes,
    ) -> Fingerprint {
        let mut meaning: BTreeMap<&str, Cow<'_, Value>> = BTreeMap::new();
        for (name, value) in params {
            // The first rule did not know such a parameter.
            let is_known = |param: &&Param| rule > FingerprintRule::First || !param.also_extra;
            let param = self.param(name).filter(is_known);
            // Empty parameters mean the same as none.
            if name == NOT_MEANT || (param.is_some() && !is_given(value)) {
                continue;
            }
            let mut value = meant(param, value);
            if rule >= FingerprintRule::Second {
                value = settled(param, value);
            }
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

/// A value whose texts are in one form: line ends LF, characters composed, a ratio in lowest terms.
fn settled<'v>(param: Option<&Param>, value: Cow<'v, Value>) -> Cow<'v, Value> {
    if let (Some(Form::Ratio), Value::String(text)) = (param.and_then(|p| p.form), &*value) {
        return match ratio::lowest(text) {
            Some(lowest) => Cow::Owned(lowest.into()),
            None => value,
        };
    }
    let is_address = param
        .is_some_and(|p| matches!(p.kind, ParamKind::Image | ParamKind::Video | ParamKind::Url));
    if is_address || !Catalog::is_new_to_first(&value) {
        return value;
    }
    let mut value = value.into_owned();
    one_form(&mut value);
    Cow::Owned(value)
}

fn one_form(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.contains('\r') {
                *text = text.replace("\r\n", "\n").replace('\r', "\n");
            }
            if let Cow::Owned(composed) = NFC.normalize(text) {
                *text = composed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(one_form),
        Value::Object(fields) => fields.values_mut().for_each(one_form),
        _ => {}
    }
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
