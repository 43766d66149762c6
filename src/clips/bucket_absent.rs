//! A build without buckets: the same names, of which there can be no value.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::blocking::Threads;
use crate::domain::time::Timestamp;

use super::{BucketUrl, ClipError, ClipReader, ClipStore, ClipWriter, Stored, Sweep};

/// How a bucket is reached.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// The proxy that everything goes through.
    pub proxy: Option<String>,
    /// How long an answer may take.
    pub patience: Duration,
    /// How often an operation is tried in all.
    pub tries: u32,
}

impl BucketSettings {
    /// The usual ones.
    #[must_use]
    pub fn new(_variables: Vec<(String, String)>) -> Self {
        Self { proxy: None, patience: Duration::ZERO, tries: 0 }
    }
}

/// A bucket, which this build cannot reach.
#[derive(Clone)]
pub struct Bucket(Infallible);

#[expect(clippy::unused_async, missing_docs, reason = "as the bucket of other builds has them")]
impl Bucket {
    pub fn new(url: &BucketUrl, _settings: BucketSettings) -> Result<Self, ClipError> {
        let why = "this rushes was built without buckets: cargo install rushes --features buckets";
        Err(ClipError::Refused { place: url.to_string(), why: why.to_owned() })
    }

    #[must_use]
    pub const fn url(&self) -> &BucketUrl {
        match self.0 {}
    }

    pub async fn clips(&self) -> Result<Vec<String>, ClipError> {
        match self.0 {}
    }

    pub async fn read(&self, _path: &str, _most: u64) -> Result<Option<Bytes>, ClipError> {
        match self.0 {}
    }

    pub async fn write(&self, _path: &str, _: Bytes, _kind: &'static str) -> Result<(), ClipError> {
        match self.0 {}
    }

    pub async fn add(&self, _path: &str, _bytes: Bytes) -> Result<bool, ClipError> {
        match self.0 {}
    }

    pub async fn link(&self, _path: &str, _lasts: Duration) -> Result<String, ClipError> {
        match self.0 {}
    }

    pub async fn probe(&self) -> Result<bool, ClipError> {
        match self.0 {}
    }
}

/// Clips in a bucket.
pub struct BucketStore(Infallible);

#[expect(clippy::unused_async, missing_docs, reason = "as the store of other builds has them")]
impl BucketStore {
    #[expect(clippy::needless_pass_by_value, reason = "as the store of other builds takes it")]
    pub fn open(
        bucket: Bucket,
        _: &Path,
        _keeps: bool,
        _: Threads,
        _: Sweep,
    ) -> Result<Self, ClipError> {
        match bucket.0 {}
    }

    pub async fn look(&self, _path: &str) -> Result<Option<Stored>, ClipError> {
        match self.0 {}
    }
}

impl ClipStore for BucketStore {
    fn begin(&self, _path: &str) -> Result<Box<dyn ClipWriter>, ClipError> {
        match self.0 {}
    }

    fn adopt<'a>(
        &'a self,
        _path: &'a str,
        _submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>> {
        match self.0 {}
    }

    fn open<'a>(
        &'a self,
        _path: &'a str,
        _from: u64,
    ) -> BoxFuture<'a, Result<Option<ClipReader>, ClipError>> {
        match self.0 {}
    }
}
