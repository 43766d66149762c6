//! A clip that is being received: batched writes to a temporary file, hashed on the way.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::failpoint;

use super::{ClipError, MOST_BYTES, Stored, blocking, footage, place, told, verify};

/// How much is gathered before it is written, in bytes. Less in a debug build, where tests have
/// small clips and die between two batches.
const BATCH: usize = if cfg!(debug_assertions) { 4 << 10 } else { 256 << 10 };

/// A clip that is being received, in a temporary file beside its final place.
pub struct Partial {
    /// Gathered, not yet written.
    batch: BytesMut,
    /// In the hands of a blocking task while it writes; `None` after such a task was lost.
    sink: Option<Sink>,
    /// What `sink` has taken.
    written: u64,
}

struct Sink {
    temporary: NamedTempFile,
    hash: Sha256,
    written: u64,
    /// As the ledger has it.
    path: String,
    /// The final place.
    file: PathBuf,
}

impl Partial {
    pub(super) fn create(campaign_folder: &Path, path: String) -> Result<Self, ClipError> {
        let file = place::resolve(campaign_folder, &path)?;
        place::make_folders(campaign_folder, &file)?;
        let temporary = place::temporary(&file).map_err(ClipError::disk(&file))?;
        failpoint::point("temporary clip made");
        let sink = Sink { temporary, hash: Sha256::new(), written: 0, path, file };
        Ok(Self { batch: BytesMut::new(), sink: Some(sink), written: 0 })
    }

    /// Bytes received so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.written + self.batch.len() as u64
    }

    /// Whether nothing was received yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next bytes. After an error [`Partial::len`] says how much is left to go on from.
    ///
    /// # Errors
    /// When they cannot be written, or the clip exceeds [`MOST_BYTES`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ClipError> {
        if self.len() + bytes.len() as u64 > MOST_BYTES {
            return Err(ClipError::NotAClip(format!("longer than {} GiB", MOST_BYTES >> 30)));
        }
        self.batch.extend_from_slice(&bytes);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        let batch = self.batch.split().freeze();
        self.with_sink(move |sink| sink.write(&batch)).await
    }

    /// Forgets what was received, to start over.
    ///
    /// # Errors
    /// When the temporary file cannot be cut.
    pub async fn restart(&mut self) -> Result<(), ClipError> {
        self.batch.clear();
        self.with_sink(|sink| {
            sink.hash = Sha256::new();
            sink.cut_to(0)
        })
        .await
    }

    /// Verifies what was received (`total` is the length the host announced), makes it durable and
    /// gives it its final name. A file already there is kept if it is the same, else moved aside.
    ///
    /// # Errors
    /// When it is no whole clip, or cannot be stored.
    pub async fn finish(mut self, total: Option<u64>) -> Result<Stored, ClipError> {
        let (sink, batch) = (self.take_sink()?, self.batch);
        blocking(move || sink.finish(&batch, total)).await
    }

    fn take_sink(&mut self) -> Result<Sink, ClipError> {
        self.sink.take().ok_or_else(|| ClipError::Disk {
            path: super::CLIPS.into(),
            source: io::Error::other("an interrupted write left the clip unusable"),
        })
    }

    async fn with_sink(
        &mut self,
        work: impl FnOnce(&mut Sink) -> io::Result<()> + Send + 'static,
    ) -> Result<(), ClipError> {
        let mut sink = self.take_sink()?;
        let (sink, result) = blocking(move || {
            let result = work(&mut sink);
            Ok((sink, result))
        })
        .await?;
        self.written = sink.written;
        let result = result.map_err(ClipError::disk(&sink.file));
        self.sink = Some(sink);
        result
    }
}

impl Sink {
    /// Writes all of `bytes` or, on an error, none of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.temporary.as_file_mut().write_all(bytes) {
            Ok(()) => {
                failpoint::point("clip written in part");
                self.hash.update(bytes);
                self.written += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.cut_to(self.written)?;
                Err(error)
            }
        }
    }

    fn cut_to(&mut self, length: u64) -> io::Result<()> {
        let file = self.temporary.as_file_mut();
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        self.written = length;
        Ok(())
    }

    fn finish(mut self, rest: &[u8], total: Option<u64>) -> Result<Stored, ClipError> {
        let at = ClipError::disk(&self.file);
        let written = self.temporary.as_file_mut().write_all(rest);
        written.map_err(&at)?;
        failpoint::point("clip written");
        self.hash.update(rest);
        let bytes = self.written + rest.len() as u64;
        verify::verify(self.temporary.as_file_mut(), bytes, total)
            .map_err(&at)?
            .map_err(ClipError::NotAClip)?;
        let (clip_info, unread) = told(footage::read(self.temporary.as_file_mut(), bytes));
        self.temporary.as_file().sync_all().map_err(&at)?;
        failpoint::point("clip verified");
        let sha256 = self.hash.finalize().into();
        let aside = place::give_name(self.temporary.into_temp_path(), &self.file, bytes, &sha256)
            .map_err(&at)?;
        let moved_aside = aside.as_deref().and_then(Path::file_name).map(|name| {
            let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{}", name.to_string_lossy())
        });
        Ok(Stored { path: self.path, bytes, sha256, clip_info, unread, moved_aside })
    }
}
