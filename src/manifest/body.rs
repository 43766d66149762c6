//! The bytes to POST: a request's JSON with its local files, read now, spliced in as base64.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::BodyError;
use super::source::regular_file;
use crate::shot::{LocalFile, Request};

/// Where the gateway is to call when the task has ended.
const CALLBACK: &str = "callback_url";

/// See [`super::body()`].
pub(super) fn body(request: &Request, callback_url: Option<&str>) -> Result<Bytes, BodyError> {
    let json = request.json.trim_end();
    if request.files.is_empty() && callback_url.is_none() {
        return Ok(Bytes::copy_from_slice(json.as_bytes()));
    }
    let json = match callback_url {
        Some(_) if json.contains(CALLBACK) => without_callback(json),
        _ => Cow::Borrowed(json),
    };
    let base64: u64 = request.files.iter().map(|file| file.bytes.div_ceil(3) * 4 + 64).sum();
    let mut out = String::with_capacity(json.len() + 256 + usize::try_from(base64).unwrap_or(0));
    out.push_str(json.strip_suffix('}').unwrap_or(&json));
    if let Some(url) = callback_url {
        begin(&mut out, CALLBACK);
        out.push_str(&serde_json::Value::from(url).to_string());
    }
    for file in &request.files {
        begin(&mut out, &file.param);
        out.push('"');
        STANDARD.encode_string(read(file)?, &mut out);
        out.push('"');
    }
    out.push('}');
    Ok(Bytes::from(out))
}

/// Begins another field of the object that is open at the end of `out`.
fn begin(out: &mut String, name: &str) {
    if !out.trim_end().ends_with('{') {
        out.push(',');
    }
    out.push_str(&serde_json::Value::from(name).to_string());
    out.push(':');
}

fn without_callback(json: &str) -> Cow<'_, str> {
    match serde_json::from_str::<serde_json::Map<_, _>>(json) {
        Ok(mut fields) => match fields.shift_remove(CALLBACK) {
            Some(_) => Cow::Owned(serde_json::Value::Object(fields).to_string()),
            None => Cow::Borrowed(json),
        },
        Err(_) => Cow::Borrowed(json),
    }
}

/// The file's bytes, if they are still those that were fingerprinted.
fn read(file: &LocalFile) -> Result<Vec<u8>, BodyError> {
    let unreadable = |source| BodyError::Unreadable { path: file.written.to_string(), source };
    let source = regular_file::open(&file.path).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.bytes).unwrap_or(0) + 1);
    // One byte more than expected is enough to know that it has grown.
    source.take(file.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    if hash == file.sha256 {
        Ok(bytes)
    } else {
        Err(BodyError::Changed { path: file.written.to_string() })
    }
}
