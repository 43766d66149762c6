//! Clips on disk: temporary file, verification, final name. Promises that a final name holds only
//! a verified, durable clip and that no file is ever overwritten or deleted but its own temporary
//! ones. Receives bytes; knows no network.

mod footage;
mod mp4;
mod partial;
mod place;
mod verify;

use partial::Partial;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::blocking::Threads;
use crate::domain::clip_info::ClipInfo;
use crate::domain::time::Timestamp;

/// Where clips are kept.
pub trait ClipStore: Send + Sync + 'static {
    /// Begins to receive the clip for a path that [`clip_path`] made.
    ///
    /// # Errors
    /// When `path` leads out of `clips/`.
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError>;

    /// When the clip can no longer be fetched: a whole clip that already lies at `path`, written
    /// after `submitted_at`, as an earlier run left it between storing and recording it.
    fn adopt<'a>(
        &'a self,
        path: &'a str,
        submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>>;
}

/// A clip that is being received.
pub trait ClipWriter: Send {
    /// Bytes received so far.
    fn len(&self) -> u64;

    /// Whether nothing was received yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next bytes. After an error [`ClipWriter::len`] says how much is left to go on from.
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), ClipError>>;

    /// Forgets what was received, to start over.
    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>>;

    /// Verifies what was received (`total` is the length the host announced), makes it durable and
    /// gives it its final name. A file already there is kept if it is the same, else moved aside.
    fn publish(self: Box<Self>, total: Option<u64>) -> BoxFuture<'static, Result<Stored, ClipError>>;
}

/// The campaign folder's clips.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: PathBuf,
    threads: Threads,
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
    /// Where a file that stood in its place was moved, relative to the campaign folder.
    pub moved_aside: Option<String>,
}

/// Why a clip is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// What was received is not a whole clip; fetching it again may help.
    #[error("{0}")]
    NotAClip(String),
    /// The disk, not the clip: full, unwritable, gone.
    #[error("{path}: {source}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ClipError {
    fn disk(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Disk { path: path.to_owned(), source }
    }
}

/// The most bytes a clip may have.
pub const MOST_BYTES: u64 = 8 << 30;

/// The folder of clips below the campaign folder.
const CLIPS: &str = "clips";
/// File systems keep the time of writing this coarsely.
const GRAIN: Duration = Duration::from_secs(2);

impl FolderStore {
    /// The clips of a campaign folder. Creates `clips/` and removes temporary files that a killed
    /// run left behind; call it under the run lock. Blocking.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(campaign_folder: &Path, threads: Threads) -> Result<Self, ClipError> {
        let clips = campaign_folder.join(CLIPS);
        std::fs::create_dir_all(&clips).map_err(ClipError::disk(&clips))?;
        place::sync_folder(campaign_folder).map_err(ClipError::disk(campaign_folder))?;
        place::sweep(&clips)?;
        // Better found out now than when the first clip is paid for.
        drop(place::temporary(&clips.join("clip.mp4")).map_err(ClipError::disk(&clips))?);
        Ok(Self { folder: campaign_folder.to_owned(), threads })
    }
}

/// The final path, relative to the campaign folder: `clips/beach.mp4`, `clips/beach~r2.mp4`,
/// `clips/beach~2.mp4`, `clips/beach~r2~2.mp4`. `revision` and `part` count from 1.
#[must_use]
pub fn clip_path(clip_name: &str, revision: u32, part: usize) -> String {
    let revision = if revision > 1 { format!("~r{revision}") } else { String::new() };
    let part = if part > 1 { format!("~{part}") } else { String::new() };
    format!("{CLIPS}/{clip_name}{revision}{part}.mp4")
}

/// How many files that may be clips lie in a campaign folder; links to folders are not followed,
/// and what cannot be read is not counted. Blocking.
#[must_use]
pub fn count_clips(folder: &Path) -> usize {
    place::count(&folder.join(CLIPS))
}

impl ClipStore for FolderStore {
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError> {
        Ok(Box::new(Partial::create(&self.folder, path.to_owned(), self.threads)?))
    }

    fn adopt<'a>(
        &'a self,
        path: &'a str,
        submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>> {
        let (folder, path) = (self.folder.clone(), path.to_owned());
        blocking(self.threads, move || adopt(&folder, path, submitted_at)).boxed()
    }
}

fn adopt(
    folder: &Path,
    path: String,
    submitted_at: Timestamp,
) -> Result<Option<Stored>, ClipError> {
    let file = place::resolve(folder, &path)?;
    let at = ClipError::disk(&file);
    let metadata = match std::fs::symlink_metadata(&file) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(at(error)),
    };
    let written = metadata.modified().map_err(&at)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = Timestamp::from_millis(0).plus(written + GRAIN);
    if written < submitted_at {
        return Ok(None);
    }
    let mut open = std::fs::File::open(&file).map_err(&at)?;
    // It got its name only after it had been verified against the length the host announced.
    match verify::verify(&mut open, metadata.len(), Some(metadata.len())).map_err(&at)? {
        Ok(()) => {}
        Err(_not_a_clip) => return Ok(None),
    }
    let (clip_info, unread) = told(footage::read(&mut open, metadata.len()));
    let sha256 = place::hash(&file).map_err(&at)?;
    place::settle(&file).map_err(&at)?;
    let bytes = metadata.len();
    Ok(Some(Stored { path, bytes, sha256, clip_info, unread, moved_aside: None }))
}

/// A clip's footage, or why there is none.
fn told(read: Result<ClipInfo, Box<str>>) -> (Option<ClipInfo>, Option<Box<str>>) {
    match read {
        Ok(clip_info) => (Some(clip_info), None),
        Err(why) => (None, Some(why)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    threads: Threads,
    work: impl FnOnce() -> Result<T, ClipError> + Send + 'static,
) -> Result<T, ClipError> {
    threads.run(work).await.unwrap_or_else(|error| {
        Err(ClipError::Disk { path: CLIPS.into(), source: io::Error::other(error) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clips_path_tells_revision_and_part() {
        assert_eq!(clip_path("beach", 1, 1), "clips/beach.mp4");
        assert_eq!(clip_path("beach", 2, 1), "clips/beach~r2.mp4");
        assert_eq!(clip_path("beach", 1, 2), "clips/beach~2.mp4");
        assert_eq!(clip_path("day1/beach", 2, 3), "clips/day1/beach~r2~3.mp4");
    }
}
