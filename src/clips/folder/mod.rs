//! Clips in a folder: `clips/` below the campaign folder.

mod directories;
#[cfg(unix)]
mod directory;
#[cfg(not(unix))]
#[path = "directory_by_path.rs"]
mod directory;
mod existing;
mod file_work;
mod leftovers;
mod publish;
mod temporary;
mod writer;

pub use leftovers::count_clips;

use std::path::Path;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use crate::blocking::Threads;
use crate::domain::time::Timestamp;

use super::{CLIPS, ClipError, ClipStore, ClipWriter, Stored};

use directories::{ClipPlace, Directories};
use directory::Directory;
use file_work::FileWork;
use temporary::Temporary;
use writer::FolderWriter;

/// Clips in the campaign folder. While it is open, only it makes temporary files there.
pub struct FolderStore {
    work: Arc<FileWork>,
}

impl FolderStore {
    /// Opens the store of a campaign folder. Creates `clips/` and removes temporary files that a
    /// killed run left behind; call it under the run lock. Blocking.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(campaign_folder: &Path, threads: Threads) -> Result<Self, ClipError> {
        let clips = campaign_folder.join(CLIPS);
        std::fs::create_dir_all(&clips).map_err(ClipError::disk(&clips))?;
        let above =
            if campaign_folder.as_os_str().is_empty() { Path::new(".") } else { campaign_folder };
        let synced = Directory::open(above).and_then(|above| above.sync());
        synced.map_err(ClipError::disk(campaign_folder))?;
        leftovers::sweep(&clips)?;
        // Better found out now than when the first clip is paid for.
        let directory = Directory::open(&clips).map(Arc::new);
        directory.and_then(Temporary::create).map_err(ClipError::disk(&clips))?;
        let work = FileWork::new(Directories::new(clips), threads);
        Ok(Self { work: Arc::new(work) })
    }
}

impl ClipStore for FolderStore {
    fn begin(&self, path: &str) -> Result<Box<dyn ClipWriter>, ClipError> {
        Ok(Box::new(FolderWriter::new(Arc::clone(&self.work), ClipPlace::of(path)?)))
    }

    fn adopt<'a>(
        &'a self,
        path: &'a str,
        submitted_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Stored>, ClipError>> {
        async move {
            let place = ClipPlace::of(path)?;
            let adopt = move |folders: &_| existing::adopt(folders, &place, submitted_at);
            self.work.run(adopt).await
        }
        .boxed()
    }
}
