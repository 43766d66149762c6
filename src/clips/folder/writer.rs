//! A clip that is being received: gathered in memory, and written to disk where it does not fit
//! there.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, Either, FutureExt, ready};

use crate::clips::{CLIPS, ClipError, ClipWriter, MAX_BYTES, Stored, Writing};

use super::directories::{ClipPlace, Directories};
use super::file_work::FileWork;
use super::publish::Received;
use super::temporary::Temporary;

/// How much is gathered before it is written, in bytes. Less in a debug build, where tests have
/// small clips and die between two batches.
const BATCH: usize = if cfg!(debug_assertions) { 4 << 10 } else { 256 << 10 };

/// A clip that is being received.
pub(super) struct FolderWriter {
    work: Arc<FileWork>,
    place: ClipPlace,
    /// What comes behind what is on disk.
    buffered: BytesMut,
    on_disk: OnDisk,
    /// What is on disk, in bytes.
    written: u64,
}

/// What is on disk of a clip.
enum OnDisk {
    Nothing,
    Part(Box<Temporary>),
    /// A write has it that is not done; so it stays when that write's future is dropped.
    Lost,
}

impl OnDisk {
    fn take(&mut self) -> Result<Option<Box<Temporary>>, ClipError> {
        match std::mem::replace(self, Self::Lost) {
            Self::Nothing => Ok(None),
            Self::Part(temporary) => Ok(Some(temporary)),
            Self::Lost => Err(ClipError::Disk {
                path: CLIPS.into(),
                source: io::Error::other("an interrupted write left the clip unusable"),
            }),
        }
    }
}

impl FolderWriter {
    pub(super) fn new(work: Arc<FileWork>, place: ClipPlace) -> Self {
        Self { work, place, buffered: BytesMut::new(), on_disk: OnDisk::Nothing, written: 0 }
    }

    /// Writes what was gathered.
    async fn spill(&mut self) -> Result<(), ClipError> {
        let (taken, place) = (self.on_disk.take()?, self.place.clone());
        let mut batch = std::mem::take(&mut self.buffered);
        let spill = move |directories: &Directories| {
            let mut temporary = match taken {
                Some(temporary) => temporary,
                None => Box::new(Temporary::beside(directories, &place)?),
            };
            let written = temporary.write(&batch).map_err(directories.error_at(&place));
            // Its memory is used again.
            batch.clear();
            Ok((temporary, batch, written))
        };
        let (temporary, batch, written) = self.work.run(spill).await?;
        self.written = temporary.written;
        self.on_disk = OnDisk::Part(temporary);
        self.buffered = batch;
        written
    }
}

impl ClipWriter for FolderWriter {
    fn len(&self) -> u64 {
        self.written + self.buffered.len() as u64
    }

    fn write(&mut self, bytes: Bytes) -> Writing<'_> {
        if self.len() + bytes.len() as u64 > MAX_BYTES {
            let why = format!("longer than {} GiB", MAX_BYTES >> 30);
            return Either::Left(ready(Err(ClipError::NotAClip(why))));
        }
        self.buffered.extend_from_slice(&bytes);
        if self.buffered.len() < BATCH {
            return Either::Left(ready(Ok(())));
        }
        Either::Right(self.spill().boxed())
    }

    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>> {
        self.buffered.clear();
        self.written = 0;
        match std::mem::replace(&mut self.on_disk, OnDisk::Nothing) {
            OnDisk::Nothing | OnDisk::Lost => ready(Ok(())).boxed(),
            OnDisk::Part(temporary) => {
                let remove = |_: &Directories| {
                    drop(temporary);
                    Ok(())
                };
                self.work.run(remove).boxed()
            }
        }
    }

    fn publish(
        self: Box<Self>,
        total: Option<u64>,
    ) -> BoxFuture<'static, Result<Stored, ClipError>> {
        let Self { work, place, buffered, mut on_disk, .. } = *self;
        async move {
            let on_disk = on_disk.take()?;
            work.publish(Received { place, on_disk, buffered, total }).await
        }
        .boxed()
    }
}

#[cfg(feature = "buckets")]
impl FolderWriter {
    /// Where the clip would go.
    pub(super) const fn place(&self) -> &ClipPlace {
        &self.place
    }

    /// Verifies what was received and leaves it in its temporary file, for another place to take.
    pub(super) async fn finish(
        mut self,
        total: Option<u64>,
    ) -> Result<(Temporary, Stored), ClipError> {
        let on_disk = self.on_disk.take()?;
        let Self { work, place, buffered, .. } = self;
        let received = Received { place, on_disk, buffered, total };
        work.run(move |directories| super::publish::verified(directories, received)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking::Threads;

    #[tokio::test]
    async fn a_clip_that_is_too_long_is_refused_and_what_came_before_stays() {
        let work = FileWork::new(Directories::new("nowhere".into()), Threads::InPlace);
        let place = ClipPlace::of("clips/beach.mp4").unwrap();
        let mut writer = FolderWriter::new(work.into(), place);
        writer.write(Bytes::from_static(b"begun")).await.unwrap();
        writer.written = MAX_BYTES - 10;
        writer.write(Bytes::from_static(b"ended")).await.unwrap();
        let said = writer.write(Bytes::from_static(b"!")).await;
        assert!(matches!(said, Err(ClipError::NotAClip(_))), "{said:?}");
        assert_eq!(writer.len(), MAX_BYTES);
    }
}
