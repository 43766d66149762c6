//! Clips in a bucket: received and verified on the local disk, then stored by one conditional PUT.
//! Nothing in the bucket is ever replaced or deleted but what is written anew each time: the table
//! and the contact sheet.

mod answer;
mod connect;
mod facts;
mod objects;
mod probe;
mod transport;
mod upload;

pub use connect::BucketSettings;
pub use objects::Bucket;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};

use crate::blocking::Threads;
use crate::domain::time::Timestamp;

use super::folder::{Spool, SpoolWriter};
use super::{ClipError, ClipReader, ClipStore, ClipWriter, Stored, Sweep, Writing};

use answer::Meaning;
use objects::bytes_of;
use upload::{Uploader, aside};

/// The folder of what is on its way to the bucket, in the campaign folder.
const SPOOL: &str = "spool";
/// Stores keep the time of writing by a clock of their own; S3 refuses requests of clocks that differ by
/// more.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// Clips in a bucket.
pub struct BucketStore {
    uploader: Arc<Uploader>,
}

impl BucketStore {
    /// Opens the store of a bucket whose clips are received below `campaign_folder`; call it under
    /// the run lock. `keeps`: what [`Bucket::probe`] found out; `which`: the temporary files that are
    /// removed first. Blocking.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(
        bucket: Bucket,
        campaign_folder: &Path,
        keeps: bool,
        threads: Threads,
        which: Sweep,
    ) -> Result<Self, ClipError> {
        let spool = Spool::open(&campaign_folder.join(SPOOL), threads, which)?;
        Ok(Self { uploader: Arc::new(Uploader::new(bucket, spool, keeps)) })
    }

    /// The same where longer clips than so many bytes go up in parts.
    #[must_use]
    pub fn with_max_put(self, max_put: u64) -> Self {
        match Arc::try_unwrap(self.uploader) {
            Ok(uploader) => Self { uploader: Arc::new(uploader.with_max_put(max_put)) },
            Err(uploader) => Self { uploader },
        }
    }

    /// What a whole clip is that lies at `path`, whatever bought it; `None` when there is none, or no
    /// whole clip.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn look(&self, path: &str) -> Result<Option<Stored>, ClipError> {
        Ok(self.uploader.look(path).await?.map(|(stored, _)| stored))
    }
}

impl Uploader {
    /// A whole clip and when it was written. Its metadata is believed, because only a verified clip
    /// gets it; without it the clip is read.
    async fn look(&self, path: &str) -> Result<Option<(Stored, Timestamp)>, ClipError> {
        let key = self.bucket.key(path)?;
        let at = |error| self.bucket.at(error, path);
        let Some((meta, attributes)) = self.bucket.head(&key).await.map_err(at)? else {
            return Ok(None);
        };
        let written = Timestamp::from_millis(meta.last_modified.timestamp_millis());
        if let Some(stored) = facts::stored(&attributes, path, meta.size) {
            return Ok(Some((stored, written)));
        }
        let mut writer = self.spool.begin(path)?;
        let found = self.bucket.get(&key, 0).await.map_err(at)?;
        let place = self.bucket.url().join(path);
        let mut bytes = std::pin::pin!(bytes_of(found, place, self.bucket.patience()));
        while let Some(chunk) = bytes.next().await {
            writer.write(chunk?).await?;
        }
        match writer.finish(Some(meta.size)).await {
            Ok(clip) => Ok(Some((clip.stored.clone(), written))),
            Err(ClipError::NotAClip(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A clip of an earlier run, under its own name or aside.
    async fn adopt(
        &self,
        path: &str,
        submitted_at: Timestamp,
    ) -> Result<Option<Stored>, ClipError> {
        let mut place = path.to_owned();
        for number in 1_u32.. {
            match self.look(&place).await? {
                None => return Ok(None),
                Some((stored, written)) if written.plus(SKEW) >= submitted_at => {
                    return Ok(Some(stored));
                }
                Some(_) => place = aside(path, number),
            }
        }
        Ok(None)
    }
}

impl ClipStore for BucketStore {
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError> {
        let spooled = self.uploader.spool.begin(path)?;
        self.uploader.bucket.key(path)?;
        Ok(Box::new(BucketWriter { uploader: Arc::clone(&self.uploader), spooled }))
    }

    fn adopt<'a>(
        &'a self,
        path: &'a str,
        submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>> {
        async move {
            is_clip(path)?;
            self.uploader.adopt(path, submitted_at).await
        }
        .boxed()
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
        from: u64,
    ) -> BoxFuture<'a, Result<Option<ClipReader>, ClipError>> {
        async move {
            is_clip(path)?;
            let bucket = &self.uploader.bucket;
            let key = bucket.key(path)?;
            match bucket.get(&key, from).await {
                Ok(found) => {
                    let len = found.meta.size;
                    let bytes = bytes_of(found, bucket.url().join(path), bucket.patience());
                    Ok(Some(ClipReader { len, bytes: bytes.boxed() }))
                }
                Err(error) if error.meaning == Meaning::Missing => Ok(None),
                Err(error) if error.meaning == Meaning::BeyondEnd => {
                    let found = bucket.head(&key).await.map_err(|error| bucket.at(error, path))?;
                    let nothing = || futures::stream::empty().boxed();
                    Ok(found.map(|(meta, _)| ClipReader { len: meta.size, bytes: nothing() }))
                }
                Err(error) => Err(bucket.at(error, path)),
            }
        }
        .boxed()
    }
}

/// Refuses a path that is none of a clip, as a folder does.
fn is_clip(path: &str) -> Result<(), ClipError> {
    let mut parts = path.split('/');
    let is_below = parts.next() == Some(super::CLIPS);
    let rest: Vec<&str> = parts.collect();
    let is_plain = |part: &&str| !matches!(*part, "" | "." | "..");
    if is_below && !rest.is_empty() && rest.iter().all(is_plain) {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "does not lie below clips/");
    Err(ClipError::Disk { path: path.into(), source })
}

/// A clip that is being received.
struct BucketWriter {
    uploader: Arc<Uploader>,
    spooled: SpoolWriter,
}

impl ClipWriter for BucketWriter {
    fn len(&self) -> u64 {
        self.spooled.len()
    }

    fn write(&mut self, bytes: Bytes) -> Writing<'_> {
        self.spooled.write(bytes)
    }

    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>> {
        self.spooled.restart()
    }

    fn publish(
        self: Box<Self>,
        total: Option<u64>,
    ) -> BoxFuture<'static, Result<Stored, ClipError>> {
        async move {
            let clip = self.spooled.finish(total).await?;
            self.uploader.publish(clip).await
        }
        .boxed()
    }
}
