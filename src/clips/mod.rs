//! Where clips are kept: in a folder or in a bucket. A final name holds only a verified, durable
//! clip, and none is ever overwritten or deleted but the store's own temporary ones. Receives bytes;
//! knows no gateway.

mod boxes;
#[cfg(feature = "buckets")]
mod bucket;
#[cfg(not(feature = "buckets"))]
#[path = "bucket_absent.rs"]
mod bucket;
mod bucket_url;
pub mod clip_info;
mod folder;
pub mod verify;

pub use bucket::{Bucket, BucketSettings, BucketStore};
pub use bucket_url::{BucketUrl, Cloud};
pub use folder::{FolderStore, Sweep, clips_in, is_whole, look};

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::future::{BoxFuture, Either, Ready};
use futures::stream::BoxStream;

use crate::disk::told;
use crate::domain::clip_info::ClipInfo;
use crate::domain::time::Timestamp;

/// Where clips are kept.
pub trait ClipStore: Send + Sync + 'static {
    /// Begins to receive the clip for `path`, as [`clip_path`] makes it. What can go wrong with the
    /// place itself is found out by the writer.
    ///
    /// # Errors
    /// When `path` is none of a clip.
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError>;

    /// A whole clip that already lies at `path`, written after `submitted_at`, as an earlier run
    /// leaves it when it ends between publishing and recording it. For when the clip can no longer
    /// be fetched.
    fn adopt<'a>(
        &'a self,
        path: &'a str,
        submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>>;

    /// Opens a published clip to be read from the byte at `from`; `None` when there is none.
    fn open<'a>(
        &'a self,
        path: &'a str,
        from: u64,
    ) -> BoxFuture<'a, Result<Option<ClipReader>, ClipError>>;
}

/// A clip that is being received. Dropped, it leaves nothing but what the next opening of its store
/// removes.
pub trait ClipWriter: Send {
    /// Bytes received so far.
    fn len(&self) -> u64;

    /// Whether nothing was received yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next bytes; ready at once while they are only gathered. It fails when they cannot
    /// be written, or the clip exceeds [`MAX_BYTES`]; then [`ClipWriter::len`] says how much is left
    /// to go on from.
    fn write(&mut self, bytes: Bytes) -> Writing<'_>;

    /// Drops what was received, to start over.
    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>>;

    /// Verifies what was received (`total` is the length that the host announced), makes it durable
    /// and gives it its final name. A future that is dropped before it is done either does all of
    /// that or leaves a temporary file at most.
    fn publish(
        self: Box<Self>,
        total: Option<u64>,
    ) -> BoxFuture<'static, Result<Stored, ClipError>>;
}

/// The end of a write: most only gather bytes and need no allocation.
pub type Writing<'a> = Either<Ready<Result<(), ClipError>>, BoxFuture<'a, Result<(), ClipError>>>;

/// A published clip that is being read.
pub struct ClipReader {
    /// The clip's whole length in bytes.
    pub len: u64,
    /// Its bytes, from where it was opened to its end.
    pub bytes: BoxStream<'static, Result<Bytes, ClipError>>,
}

/// A clip that lies durably under its final name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Relative to the campaign folder, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its hash.
    pub sha256: [u8; 32],
    /// What it turned out to be, if it says so.
    pub clip_info: Option<ClipInfo>,
    /// Why that cannot be read, for people. The clip is kept all the same: a player may read it.
    pub unread: Option<Box<str>>,
    /// Where a file that stood in its place was moved, relative to the campaign folder. A bucket
    /// renames nothing: there the clip's own path is another one than was asked for.
    pub moved_aside: Option<String>,
}

/// Why a clip is not stored.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// What was received is not a whole clip; fetching it again may help.
    #[error("{0}")]
    NotAClip(String),
    /// The disk, not the clip: full, unwritable, gone.
    #[error("{}: {}", .path.display(), told(.source))]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bucket cannot be reached or is overloaded; it passes by itself.
    #[error("{place}: {why}")]
    Unreachable {
        /// Which object: `s3://films/summer/clips/beach.mp4`.
        place: String,
        /// What it answered, or what went wrong on the way.
        why: String,
    },
    /// The bucket refuses: no such bucket, no right to it, another region. Trying again does not
    /// help.
    #[error("{place}: {why}")]
    Refused {
        /// Which object: `s3://films/summer/clips/beach.mp4`.
        place: String,
        /// What it answered.
        why: String,
    },
}

impl ClipError {
    fn disk(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Disk { path: path.to_owned(), source }
    }
}

/// The most bytes a clip may have.
pub const MAX_BYTES: u64 = 8 << 30;

/// The folder of clips below the campaign folder, or below a bucket's prefix.
const CLIPS: &str = "clips";

/// A clip's path, relative to the campaign folder: `clips/beach.mp4`, `clips/beach~r2.mp4`,
/// `clips/beach~2.mp4`, `clips/beach~r2~2.mp4`. `revision` and `part` count from 1.
#[must_use]
pub fn clip_path(clip_name: &str, revision: u32, part: usize) -> String {
    let revision = if revision > 1 { format!("~r{revision}") } else { String::new() };
    let part = if part > 1 { format!("~{part}") } else { String::new() };
    format!("{CLIPS}/{clip_name}{revision}{part}.mp4")
}

/// What a clip is, or why that cannot be told.
fn info_of(read: Result<ClipInfo, Box<str>>) -> (Option<ClipInfo>, Option<Box<str>>) {
    match read {
        Ok(clip_info) => (Some(clip_info), None),
        Err(why) => (None, Some(why)),
    }
}
