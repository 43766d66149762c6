//! What a provider needs to make the bytes of a purchase, and the local files that go into it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

/// A local file as a request carries it.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The parameter it fills.
    pub param: Box<str>,
    /// What the parameter holds.
    pub content: FileContent,
}

/// What a request carries of a local file.
#[derive(Clone)]
pub enum FileContent {
    /// Its bytes, as base64.
    Inline(Bytes),
    /// The URL under which the gateway keeps it.
    Url(Box<str>),
}

/// Without the bytes.
impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Url(url) => f.write_str(url),
        }
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

/// Bytes of local files that are in memory at once, until their POSTs have ended. A file goes over
/// the wire as base64, so that each takes some more than twice its size.
pub const MAX_LOADED: u64 = 128 << 20;

/// Bounds how many bytes of local files are in memory at once: who comes too early waits.
#[derive(Clone, Debug)]
pub struct LoadBudget {
    /// A permit for each byte.
    bytes: Arc<Semaphore>,
    max: u32,
}

impl Default for LoadBudget {
    fn default() -> Self {
        Self::new(MAX_LOADED)
    }
}

impl LoadBudget {
    /// So many bytes at once; a request with more is read alone.
    #[must_use]
    pub fn new(max: u64) -> Self {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        Self { bytes: Arc::new(Semaphore::new(max as usize)), max }
    }

    /// Waits until so many bytes may be read. What is read with the share keeps it until the last
    /// of the bytes is dropped.
    pub async fn share_of(&self, bytes: u64) -> LoadShare {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.max);
        let permit = Arc::clone(&self.bytes).acquire_many_owned(bytes).await;
        LoadShare { _permit: permit.ok().map(Arc::new) }
    }
}

/// A share of a [`LoadBudget`]; the default is of none, for what need not be bounded.
#[derive(Clone, Debug, Default)]
pub struct LoadShare {
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

/// Bytes that hold their share.
struct Held {
    bytes: Vec<u8>,
    _share: LoadShare,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl LoadedFiles {
    /// One file as its request carries it; its bytes hold `share` until they are dropped. Blocking.
    ///
    /// # Errors
    /// When it is gone, unreadable or has changed.
    pub fn part_with(file: &LocalFile, share: &LoadShare) -> Result<FilePart, FileError> {
        let content = FileContent::Inline(Self::bytes_with(file, share)?);
        Ok(FilePart { param: file.param.clone(), content })
    }

    /// One file's bytes, which hold `share` until they are dropped. Blocking.
    ///
    /// # Errors
    /// When it is gone, unreadable or has changed.
    pub fn bytes_with(file: &LocalFile, share: &LoadShare) -> Result<Bytes, FileError> {
        Ok(Bytes::from_owner(Held { bytes: read(file)?, _share: share.clone() }))
    }

    /// Reads a request's local files, if they are still those that were fingerprinted; their bytes
    /// hold `share` until they are dropped. Blocking.
    ///
    /// # Errors
    /// When one is gone, unreadable or has changed.
    pub fn read(request: &Request, share: &LoadShare) -> Result<Self, FileError> {
        let part = |file: &LocalFile| Self::part_with(file, share);
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
