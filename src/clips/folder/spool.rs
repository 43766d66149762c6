//! Clips on their way to a bucket: received and verified as for a folder, but they get no name here.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::blocking::Threads;
use crate::clips::{ClipError, ClipWriter, Stored, Writing};
use crate::disk::make_folder;

use super::directories::{ClipPlace, Directories};
use super::directory::Directory;
use super::file_work::FileWork;
use super::leftovers::{self, Sweep};
use super::temporary::Temporary;
use super::writer::FolderWriter;

/// A folder of temporary files.
pub(in crate::clips) struct Spool {
    work: Arc<FileWork>,
}

impl Spool {
    /// Opens it, makes it if need be, and removes what a killed run left in it; call it under the run
    /// lock. Blocking.
    pub(in crate::clips) fn open(
        folder: &Path,
        threads: Threads,
        which: Sweep,
    ) -> Result<Self, ClipError> {
        make_folder(folder).map_err(ClipError::disk(folder))?;
        leftovers::sweep(folder, which)?;
        // Better found out now than when the first clip is paid for.
        let directory = Directory::open(folder).map(Arc::new);
        directory.and_then(Temporary::create).map_err(ClipError::disk(folder))?;
        let work = FileWork::new(Directories::new(folder.to_owned()), threads);
        Ok(Self { work: Arc::new(work) })
    }

    /// Begins to receive the clip for `path`, as [`crate::clips::clip_path`] makes it.
    pub(in crate::clips) fn begin(&self, path: &str) -> Result<SpoolWriter, ClipError> {
        // All lie side by side, whatever folder their path names.
        let place = ClipPlace { folder: PathBuf::new(), ..ClipPlace::of(path)? };
        Ok(SpoolWriter(FolderWriter::new(Arc::clone(&self.work), place)))
    }

    /// Up to `most` bytes of a clip from the byte at `from`; fewer only at its end.
    pub(in crate::clips) async fn read(
        &self,
        clip: &Arc<Spooled>,
        from: u64,
        most: u64,
    ) -> Result<Bytes, ClipError> {
        let clip = Arc::clone(clip);
        let read = move |directories: &Directories| {
            clip.read(from, most).map_err(directories.error_at(&clip.place))
        };
        self.work.run(read).await
    }
}

/// A clip that is being received.
pub(in crate::clips) struct SpoolWriter(FolderWriter);

impl SpoolWriter {
    /// Bytes received so far.
    pub(in crate::clips) fn len(&self) -> u64 {
        self.0.len()
    }

    /// Takes the next bytes; see [`ClipWriter::write`].
    pub(in crate::clips) fn write(&mut self, bytes: Bytes) -> Writing<'_> {
        self.0.write(bytes)
    }

    /// Drops what was received.
    pub(in crate::clips) fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>> {
        self.0.restart()
    }

    /// Verifies what was received; `total` is the length that the host announced.
    pub(in crate::clips) async fn finish(self, total: Option<u64>) -> Result<Spooled, ClipError> {
        let place = self.0.place().clone();
        let (temporary, stored) = self.0.finish(total).await?;
        Ok(Spooled { temporary, place, stored })
    }
}

/// A whole, verified clip in a temporary file, which is removed with it.
pub(in crate::clips) struct Spooled {
    temporary: Temporary,
    place: ClipPlace,
    /// What it is; nothing is stored under its path yet.
    pub stored: Stored,
}

impl Spooled {
    fn read(&self, from: u64, most: u64) -> io::Result<Bytes> {
        let mut file = &self.temporary.file;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}
