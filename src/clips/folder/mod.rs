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
#[cfg(feature = "buckets")]
mod spool;
mod temporary;
mod writer;

pub use existing::look;
pub use leftovers::{Sweep, clips_in, is_whole};
#[cfg(feature = "buckets")]
pub(super) use spool::{Spool, SpoolWriter, Spooled};

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt};

use crate::blocking::Threads;
use crate::disk::make_folder;
use crate::domain::time::Timestamp;

use super::{CLIPS, ClipError, ClipReader, ClipStore, ClipWriter, Stored};

use directories::{ClipPlace, Directories};
use directory::Directory;
use file_work::FileWork;
use temporary::Temporary;
use writer::FolderWriter;

/// How much is read at once, in bytes.
const CHUNK: u64 = 64 << 10;

/// Clips in the campaign folder.
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
        Self::open_with(campaign_folder, threads, Sweep::All)
    }

    /// The same, removing only these temporary files.
    ///
    /// # Errors
    /// As [`FolderStore::open`].
    pub fn open_with(
        campaign_folder: &Path,
        threads: Threads,
        which: Sweep,
    ) -> Result<Self, ClipError> {
        let clips = campaign_folder.join(CLIPS);
        make_folder(&clips).map_err(ClipError::disk(&clips))?;
        let above =
            if campaign_folder.as_os_str().is_empty() { Path::new(".") } else { campaign_folder };
        let synced = Directory::open(above).and_then(|above| above.sync());
        synced.map_err(ClipError::disk(campaign_folder))?;
        leftovers::sweep(&clips, which)?;
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

    fn open<'a>(
        &'a self,
        path: &'a str,
        from: u64,
    ) -> BoxFuture<'a, Result<Option<ClipReader>, ClipError>> {
        async move {
            let place = ClipPlace::of(path)?;
            let shown = place.clone();
            let open = move |directories: &Directories| open(directories, &place, from);
            let Some((len, file)) = self.work.run(open).await? else { return Ok(None) };
            let chunks = stream::try_unfold((Arc::clone(&self.work), file), move |(work, file)| {
                let place = shown.clone();
                async move {
                    let read = move |directories: &Directories| {
                        read(file).map_err(directories.error_at(&place))
                    };
                    let (bytes, file) = work.run(read).await?;
                    Ok((!bytes.is_empty()).then_some((bytes, (work, file))))
                }
            });
            Ok(Some(ClipReader { len, bytes: chunks.boxed() }))
        }
        .boxed()
    }
}

/// A clip's length, and its file from the byte at `from`.
fn open(
    directories: &Directories,
    place: &ClipPlace,
    from: u64,
) -> Result<Option<(u64, File)>, ClipError> {
    let Some((_, mut file)) = existing::open(directories, place)? else { return Ok(None) };
    let length = file.metadata().map(|metadata| metadata.len());
    let opened = length.and_then(|length| file.seek(SeekFrom::Start(from)).map(|_| length));
    opened.map(|length| Some((length, file))).map_err(directories.error_at(place))
}

/// The next bytes of a file; none at its end.
fn read(mut file: File) -> io::Result<(Bytes, File)> {
    let mut bytes = Vec::new();
    file.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
    Ok((bytes.into(), file))
}
