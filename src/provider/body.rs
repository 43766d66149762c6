//! The bytes to POST: a submission's parameters with its local files spliced in as base64, or the
//! URLs of those that were sent before.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{FileContent, Submission};

/// Where the gateway is to call when the task has ended.
const CALLBACK: &str = "callback_url";

/// The JSON body of a submission. A callback takes the place of one among the parameters.
#[must_use]
pub fn body(submission: &Submission) -> Bytes {
    let Submission { params, files, callback, .. } = submission;
    let json = params.trim_end();
    if files.is_empty() && callback.is_none() {
        return Bytes::copy_from_slice(json.as_bytes());
    }
    let json = match callback {
        Some(_) if json.contains(CALLBACK) => without_callback(json),
        _ => Cow::Borrowed(json),
    };
    let base64: usize = files.iter().map(|file| length(&file.content) + 64).sum();
    let mut out = String::with_capacity(json.len() + 256 + base64);
    out.push_str(json.strip_suffix('}').unwrap_or(&json));
    if let Some(url) = callback {
        begin(&mut out, CALLBACK);
        out.push_str(&serde_json::Value::from(url.as_str()).to_string());
    }
    for file in files {
        begin(&mut out, &file.param);
        match &file.content {
            FileContent::Inline(bytes) => {
                out.push('"');
                STANDARD.encode_string(bytes, &mut out);
                out.push('"');
            }
            FileContent::Url(url) => out.push_str(&serde_json::Value::from(&**url).to_string()),
        }
    }
    out.push('}');
    Bytes::from(out)
}

/// How much of a body a file takes, in bytes.
fn length(content: &FileContent) -> usize {
    match content {
        FileContent::Inline(bytes) => bytes.len().div_ceil(3) * 4,
        FileContent::Url(url) => url.len(),
    }
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
