//! The bytes to POST: a request's JSON with its local files, read now, spliced in as base64.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::BodyError;
use super::shots::media;
use crate::shot::{LocalFile, Request};

/// See [`super::body()`].
pub(super) fn body(request: &Request) -> Result<Bytes, BodyError> {
    let json = request.json.trim_end();
    if request.files.is_empty() {
        return Ok(Bytes::copy_from_slice(json.as_bytes()));
    }
    let base64: u64 = request.files.iter().map(|file| file.bytes.div_ceil(3) * 4 + 64).sum();
    let mut out = String::with_capacity(json.len() + usize::try_from(base64).unwrap_or(0));
    let open = json.strip_suffix('}').unwrap_or(json);
    out.push_str(open);
    let mut first = open.trim_end().ends_with('{');
    for file in &request.files {
        if !first {
            out.push(',');
        }
        first = false;
        out.push_str(&serde_json::Value::from(&*file.param).to_string());
        out.push_str(":\"");
        STANDARD.encode_string(read(file)?, &mut out);
        out.push('"');
    }
    out.push('}');
    Ok(Bytes::from(out))
}

/// The file's bytes, if they are still those that were fingerprinted.
fn read(file: &LocalFile) -> Result<Vec<u8>, BodyError> {
    let unreadable = |source| BodyError::Unreadable { path: file.written.to_string(), source };
    let source = media::open(&file.path).map_err(unreadable)?;
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
