//! Clips on disk: temporary file, verification, final name. Promises that a final name holds only
//! a verified, durable clip and that no file is ever overwritten or deleted but its own temporary
//! ones. Receives bytes; knows no network.

mod footage;
mod mp4;
mod partial;
mod place;
mod verify;

pub use partial::Partial;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::clip_info::ClipInfo;
use crate::domain::time::Timestamp;

/// The campaign folder's clips.
#[derive(Clone, Debug)]
pub struct Clips {
    folder: PathBuf,
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

impl Clips {
    /// The clips of a campaign folder. Creates `clips/` and removes temporary files that a killed
    /// run left behind; call it under the run lock. Blocking.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(campaign_folder: &Path) -> Result<Self, ClipError> {
        let clips = campaign_folder.join(CLIPS);
        std::fs::create_dir_all(&clips).map_err(ClipError::disk(&clips))?;
        place::sync_folder(campaign_folder).map_err(ClipError::disk(campaign_folder))?;
        place::sweep(&clips)?;
        // Better found out now than when the first clip is paid for.
        drop(place::temporary(&clips.join("clip.mp4")).map_err(ClipError::disk(&clips))?);
        Ok(Self { folder: campaign_folder.to_owned() })
    }

    /// The final path, relative to the campaign folder: `clips/beach.mp4`, `clips/beach~r2.mp4`,
    /// `clips/beach~2.mp4`, `clips/beach~r2~2.mp4`. `revision` and `part` count from 1.
    #[must_use]
    pub fn path(clip_name: &str, revision: u32, part: usize) -> String {
        let revision = if revision > 1 { format!("~r{revision}") } else { String::new() };
        let part = if part > 1 { format!("~{part}") } else { String::new() };
        format!("{CLIPS}/{clip_name}{revision}{part}.mp4")
    }

    /// How many files that may be clips lie in a campaign folder; links to folders are not
    /// followed, and what cannot be read is not counted. Blocking.
    #[must_use]
    pub fn count(folder: &Path) -> usize {
        place::count(&folder.join(CLIPS))
    }

    /// Begins to receive a clip.
    ///
    /// # Errors
    /// When no temporary file can be made, or `path` leads out of `clips/`.
    pub async fn begin(&self, path: &str) -> Result<Partial, ClipError> {
        let (folder, path) = (self.folder.clone(), path.to_owned());
        blocking(move || Partial::create(&folder, path)).await
    }

    /// When the clip can no longer be fetched: a whole clip that already lies at `path`, written
    /// after `submitted_at`, as an earlier run left it between renaming and recording it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn adopt(
        &self,
        path: &str,
        submitted_at: Timestamp,
    ) -> Result<Option<Stored>, ClipError> {
        let (folder, path) = (self.folder.clone(), path.to_owned());
        blocking(move || adopt(&folder, path, submitted_at)).await
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
    work: impl FnOnce() -> Result<T, ClipError> + Send + 'static,
) -> Result<T, ClipError> {
    crate::blocking::run(work).await.unwrap_or_else(|error| {
        Err(ClipError::Disk { path: CLIPS.into(), source: io::Error::other(error) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clips_path_tells_revision_and_part() {
        assert_eq!(Clips::path("beach", 1, 1), "clips/beach.mp4");
        assert_eq!(Clips::path("beach", 2, 1), "clips/beach~r2.mp4");
        assert_eq!(Clips::path("beach", 1, 2), "clips/beach~2.mp4");
        assert_eq!(Clips::path("day1/beach", 2, 3), "clips/day1/beach~r2~3.mp4");
    }
}
