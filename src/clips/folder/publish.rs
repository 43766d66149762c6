//! From received bytes to durable clips under their final names, for all that wait at once: every
//! clip is verified, written and synced before it is renamed, and one sync of a folder serves all
//! clips that were renamed in it.

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use bytes::BytesMut;

use crate::clips::{ClipError, Stored, clip_info, info_of, verify};
use crate::domain::clip_info::ClipInfo;
use crate::failpoint;

use super::directories::{ClipPlace, Directories};
use super::directory::Directory;
use super::existing;
use super::temporary::Temporary;

/// All that was received of a clip.
pub(super) struct Received {
    pub place: ClipPlace,
    /// What is on disk already, if anything is.
    pub on_disk: Option<Box<Temporary>>,
    /// What comes after it.
    pub buffered: BytesMut,
    /// The length that the host announced.
    pub total: Option<u64>,
}

/// Publishes clips; answers in their order.
pub(super) fn publish(
    directories: &Directories,
    batch: Vec<Received>,
) -> Vec<Result<Stored, ClipError>> {
    let write = |received| Clip::write(directories, received);
    let mut clips: Vec<_> = batch.into_iter().map(write).collect();
    if clips.len() > 1 {
        // The disk begins with all of them before the first is waited for.
        clips.iter().flatten().for_each(|clip| clip.temporary.begin_sync());
    }
    let mut failures = HashMap::new();
    each(directories, &mut clips, |clip| clip.sync());
    each(directories, &mut clips, Clip::rename);
    each(directories, &mut clips, |clip| {
        let directory = clip.temporary.directory();
        // Also what failed is not tried again: what a failed sync wrote is unknown.
        let failure =
            failures.entry(Arc::as_ptr(directory)).or_insert_with(|| sync(directory).err());
        if let Some(error) = failure {
            return Err(again(error));
        }
        failpoint::point("clip settled");
        Ok(())
    });
    clips.into_iter().map(|clip| clip.map(|clip| clip.stored)).collect()
}

/// Verifies a clip and writes what is not yet on disk; it keeps its temporary name.
#[cfg(feature = "buckets")]
pub(super) fn verified(
    directories: &Directories,
    received: Received,
) -> Result<(Temporary, Stored), ClipError> {
    Clip::write(directories, received).map(|clip| (clip.temporary, clip.stored))
}

/// Takes every clip that has not failed one step further.
fn each(
    directories: &Directories,
    clips: &mut [Result<Clip, ClipError>],
    mut step: impl FnMut(&mut Clip) -> io::Result<()>,
) {
    for clip in clips {
        let failed = match clip {
            Ok(going) => step(going).map_err(directories.error_at(&going.place)).err(),
            Err(_) => None,
        };
        if let Some(error) = failed {
            *clip = Err(error);
        }
    }
}

/// A whole clip on its way from its temporary to its final name.
struct Clip {
    temporary: Temporary,
    place: ClipPlace,
    stored: Stored,
}

impl Clip {
    /// Verifies a clip and writes what is not yet on disk.
    fn write(directories: &Directories, received: Received) -> Result<Self, ClipError> {
        let Received { place, on_disk, buffered, total } = received;
        let at = |error| directories.error_at(&place)(error);
        let (mut temporary, (clip_info, unread)) = match on_disk {
            None => {
                let whole = &mut Cursor::new(&buffered);
                let facts = inspect(whole, buffered.len() as u64, total).map_err(&at)??;
                let mut temporary = Temporary::beside(directories, &place)?;
                temporary.append(&buffered).map_err(&at)?;
                (temporary, facts)
            }
            Some(mut temporary) => {
                if !temporary.directory().is_in_place().map_err(&at)? {
                    return Err(at(moved()));
                }
                temporary.append(&buffered).map_err(&at)?;
                let length = temporary.written;
                let facts = inspect(&mut temporary.file, length, total).map_err(&at)??;
                (*temporary, facts)
            }
        };
        failpoint::point("clip written");
        let (path, bytes, sha256) = (place.path.clone(), temporary.written, temporary.sha256());
        let stored = Stored { path, bytes, sha256, clip_info, unread, moved_aside: None };
        Ok(Self { temporary, place, stored })
    }

    fn sync(&self) -> io::Result<()> {
        self.temporary.file.sync_all()?;
        failpoint::point("clip verified");
        Ok(())
    }

    /// Gives it its final name. A file already there is kept if its bytes are the same, else it is
    /// moved aside.
    fn rename(&mut self) -> io::Result<()> {
        let directory = Arc::clone(self.temporary.directory());
        let name = &self.place.name;
        loop {
            match self.temporary.rename_new(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                renamed => {
                    renamed?;
                    failpoint::point("clip renamed");
                    return Ok(());
                }
            }
            if let Some(same) = existing::same(&directory, name, &self.stored)? {
                self.temporary.remove()?;
                failpoint::point("same clip found");
                return same.sync_all();
            }
            let aside = existing::move_aside(&directory, name)?;
            self.stored.moved_aside = Some(self.place.beside(&aside));
            failpoint::point("other file moved aside");
        }
    }
}

/// Makes a folder's names durable, if they are still where they belong.
fn sync(directory: &Directory) -> io::Result<()> {
    directory.sync()?;
    if directory.is_in_place()? { Ok(()) } else { Err(moved()) }
}

fn moved() -> io::Error {
    let why = "its folder was moved or deleted while the clip was stored";
    io::Error::new(io::ErrorKind::NotFound, why)
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A clip's facts or why they cannot be read.
type Facts = (Option<ClipInfo>, Option<Box<str>>);

/// What a clip is, or that it is none.
fn inspect(
    bytes: &mut (impl Read + Seek),
    length: u64,
    total: Option<u64>,
) -> io::Result<Result<Facts, ClipError>> {
    Ok(match verify::verify(bytes, length, total)? {
        Ok(()) => Ok(info_of(clip_info::read(bytes, length))),
        Err(why) => Err(ClipError::NotAClip(why)),
    })
}
