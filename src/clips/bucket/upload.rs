//! From a verified file to an object: one conditional PUT, whose answer is the durability. What has
//! the name already is never replaced: if it is another clip, ours goes aside.

use std::path::Path as FilePath;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{Attributes, PutMultipartOptions, PutPayload};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::clips::folder::{Spool, Spooled};
use crate::clips::{ClipError, Stored};

use super::answer::{BucketError, Meaning};
use super::facts;
use super::objects::{Bucket, bytes_of};

/// A PUT's body lies in memory; a longer clip goes up in parts. In bytes.
const MAX_PUT: u64 = 64 << 20;
/// How long a part is, in bytes; the last may be shorter.
const PART: u64 = 16 << 20;
/// So much of all clips lies in memory at once, in pieces of [`PIECE`] bytes.
const MAX_PIECES: u32 = 128;
/// What room in memory is counted in, in bytes.
const PIECE: u64 = 1 << 20;

/// Stores verified clips in a bucket.
pub(super) struct Uploader {
    pub bucket: Bucket,
    pub spool: Spool,
    /// Whether the store keeps what has a name already when a PUT asks for that.
    pub keeps: bool,
    room: Semaphore,
    max_put: u64,
}

/// What became of a clip at one name.
enum Put {
    /// It lies there, now or from before.
    Stored,
    /// Something else does.
    Taken,
}

/// What has a name.
enum Holder {
    None,
    /// This very clip.
    Same,
    Other,
}

impl Uploader {
    pub(super) fn new(bucket: Bucket, spool: Spool, keeps: bool) -> Self {
        Self { bucket, spool, keeps, room: Semaphore::new(MAX_PIECES as usize), max_put: MAX_PUT }
    }

    /// The same where longer clips than this go up in parts, for tests.
    pub(super) fn with_max_put(self, max_put: u64) -> Self {
        Self { max_put, ..self }
    }

    /// Stores a clip under its path or, if something else has that, beside it.
    pub(super) async fn publish(&self, clip: Spooled) -> Result<Stored, ClipError> {
        let clip = Arc::new(clip);
        let mut path = clip.stored.path.clone();
        for number in 1_u32.. {
            match self.put(&clip, &path).await? {
                Put::Stored => break,
                Put::Taken => path = aside(&clip.stored.path, number),
            }
        }
        Ok(Stored { path, ..clip.stored.clone() })
    }

    /// Stores a clip under one path, if nothing else has it.
    async fn put(&self, clip: &Arc<Spooled>, path: &str) -> Result<Put, ClipError> {
        let key = self.bucket.key(path)?;
        let at = |error| self.bucket.at(error, path);
        let is_long = clip.stored.bytes > self.max_put;
        let mut look_first = is_long || !self.keeps;
        let mut tries = 0;
        loop {
            if look_first {
                match self.holder(&key, &clip.stored).await.map_err(at)? {
                    Holder::None => {}
                    Holder::Same => return Ok(Put::Stored),
                    Holder::Other => return Ok(Put::Taken),
                }
            }
            let attributes = facts::attributes(&clip.stored);
            let sent = if is_long {
                self.send_parts(clip, &key, attributes).await?
            } else {
                self.send(clip, &key, attributes).await?
            };
            tries += 1;
            match sent {
                Ok(()) => return Ok(Put::Stored),
                // Of a 409 it may be that nothing has the name after all.
                Err(error) if matches!(error.meaning, Meaning::Taken | Meaning::Passing) => {
                    if tries >= self.bucket.tries() {
                        let why = "it was sent again and again and not taken";
                        return match self.holder(&key, &clip.stored).await {
                            Ok(Holder::Same) => Ok(Put::Stored),
                            Ok(Holder::Other) => Ok(Put::Taken),
                            _ if error.meaning == Meaning::Passing => Err(at(error)),
                            _ => Err(ClipError::Unreachable {
                                place: self.bucket.url().join(path),
                                why: why.to_owned(),
                            }),
                        };
                    }
                    if error.meaning == Meaning::Passing {
                        self.bucket.pause(tries).await;
                    } else if tries > 1 {
                        self.bucket.pause(tries - 1).await;
                    }
                    // The answer that was lost may have been a yes.
                    look_first = true;
                }
                Err(error) => return Err(at(error)),
            }
        }
    }

    /// One PUT. The outer error is the spool's.
    async fn send(
        &self,
        clip: &Arc<Spooled>,
        key: &Path,
        attributes: Attributes,
    ) -> Result<Result<(), BucketError>, ClipError> {
        let _room = self.room.acquire_many(pieces(clip.stored.bytes)).await;
        let bytes = self.spool.read(clip, 0, clip.stored.bytes).await?;
        let payload = PutPayload::from_bytes(bytes);
        Ok(if self.keeps {
            self.bucket.create(key, payload, attributes).await
        } else {
            self.bucket.replace(key, payload, attributes).await
        })
    }

    /// An upload in parts: what was sent is no object before the last step.
    async fn send_parts(
        &self,
        clip: &Arc<Spooled>,
        key: &Path,
        attributes: Attributes,
    ) -> Result<Result<(), BucketError>, ClipError> {
        let _room = self.room.acquire_many(pieces(PART)).await;
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let begun = self.bucket.store().put_multipart_opts(key, options);
        let mut upload = match self.bucket.once(begun).await {
            Ok(upload) => upload,
            Err(error) => return Ok(Err(error)),
        };
        let part = PART.min(self.max_put.max(1));
        let mut from = 0;
        while from < clip.stored.bytes {
            let bytes = match self.spool.read(clip, from, part).await {
                Ok(bytes) => bytes,
                Err(error) => {
                    drop(upload.abort().await);
                    return Err(error);
                }
            };
            from += bytes.len() as u64;
            if let Err(error) = self.bucket.once(upload.put_part(bytes.into())).await {
                drop(upload.abort().await);
                return Ok(Err(error));
            }
        }
        match self.bucket.once(upload.complete()).await {
            Ok(_) => Ok(Ok(())),
            Err(error) => {
                // It may be whole all the same, and then there is nothing to abort.
                drop(upload.abort().await);
                Ok(Err(error))
            }
        }
    }

    /// What has a name: this clip by its hash or, where the store does not tell one, by its bytes.
    async fn holder(&self, key: &Path, clip: &Stored) -> Result<Holder, BucketError> {
        let Some((meta, attributes)) = self.bucket.head(key).await? else {
            return Ok(Holder::None);
        };
        let is_same = match facts::sha256(&attributes) {
            Some(theirs) => theirs == clip.sha256 && meta.size == clip.bytes,
            None => meta.size == clip.bytes && self.hash(key).await? == Some(clip.sha256),
        };
        Ok(if is_same { Holder::Same } else { Holder::Other })
    }

    /// The SHA-256 of an object's bytes; `None` when they cannot be read to their end now.
    async fn hash(&self, key: &Path) -> Result<Option<[u8; 32]>, BucketError> {
        use futures::TryStreamExt;
        let found = self.bucket.get(key, 0).await?;
        let bytes = bytes_of(found, String::new(), self.bucket.patience());
        let hashed = bytes.try_fold(Sha256::new(), async |mut hash, bytes| {
            hash.update(&bytes);
            Ok(hash)
        });
        Ok(hashed.await.ok().map(|hash| hash.finalize().into()))
    }
}

/// How much room in memory so many bytes take.
fn pieces(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX).clamp(1, MAX_PIECES)
}

/// `clips/beach~aside-1.mp4` for `clips/beach.mp4`, a name that no other clip can have.
pub(super) fn aside(path: &str, number: u32) -> String {
    let stem = FilePath::new(path).with_extension("");
    format!("{}~aside-{number}.mp4", stem.display())
}
