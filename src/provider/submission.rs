//! What a provider needs to make the bytes of a purchase, and the local files that go into it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::catalog::hex;
use crate::disk;
use crate::domain::secret::Secret;
use crate::domain::shot::{LocalFile, Request};

/// What buys a shot. The provider makes a request of it and sends that once.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The attempt's key; told to the provider where it can keep it.
    pub key: Secret,
    /// The parameters: a JSON object, without those that local files fill.
    pub params: Box<str>,
    /// The local files.
    pub files: Vec<FilePart>,
    /// Where the provider is to call when the task has ended.
    pub callback: Option<String>,
}

/// A local file's bytes.
#[derive(Clone)]
pub struct FilePart {
    /// The parameter it fills.
    pub param: Box<str>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Without the bytes.
impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePart({}, {} bytes)", self.param, self.bytes.len())
    }
}

/// A request's local files, read.
#[derive(Clone, Debug, Default)]
pub struct LoadedFiles(pub Vec<FilePart>);

/// Why a request cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A local file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Its path as the manifest wrote it.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A local file is no longer what the manifest was read with.
    #[error("{path} changed after the run began; run again to render it as it is now")]
    Changed {
        /// Its path as the manifest wrote it.
        path: String,
    },
}

impl LoadedFiles {
    /// Reads a request's local files, if they are still those that were fingerprinted. Blocking.
    ///
    /// # Errors
    /// When one is gone, unreadable or has changed.
    pub fn read(request: &Request) -> Result<Self, FileError> {
        let part = |file: &LocalFile| {
            let bytes = Bytes::from(read(file)?);
            Ok(FilePart { param: file.param.clone(), bytes })
        };
        request.files.iter().map(part).collect::<Result<_, _>>().map(Self)
    }
}

fn read(file: &LocalFile) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: file.written.to_string(), source };
    let source = disk::open_file(&file.path).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.bytes).unwrap_or(0) + 1);
    // One byte more than expected is enough to know that it has grown.
    source.take(file.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    if hash == file.sha256 {
        Ok(bytes)
    } else {
        Err(FileError::Changed { path: file.written.to_string() })
    }
}

/// What goes over the wire, as far as it tells one purchase from another: the parameters as JSON
/// with sorted keys and no blanks, local files by the SHA-256 of their bytes, without callback.
#[must_use]
pub fn canonical_wire(request: &Request) -> Box<str> {
    let mut fields: BTreeMap<String, Value> =
        serde_json::from_str(&request.json).unwrap_or_default();
    fields.remove("callback_url");
    for file in &request.files {
        fields.insert(file.param.to_string(), serde_json::json!({ "sha256": hex(&file.sha256) }));
    }
    let fields = fields.into_iter().map(|(name, value)| (name, sorted(value)));
    Value::Object(fields.collect()).to_string().into()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.into_iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        value => value,
    }
}
