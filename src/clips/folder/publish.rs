//! From received bytes to durable clips under their final names, for all that wait at once: every
//! clip is verified, written and synced before it is renamed, and one sync of a folder serves all
//! clips that were renamed in it.

use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use bytes::BytesMut;
use sha2::Digest;

use crate::clips::{ClipError, Stored, clip_info, told, verify};
use crate::domain::clip_info::ClipInfo;
use crate::failpoint;

use super::directories::{ClipPlace, Directories};
use super::directory::Directory;
use super::existing;
use super::spilled::Spilled;
use super::temporary::Temporary;

/// All that was received of a clip.
pub(super) struct Received {
    pub place: ClipPlace,
    /// What is on disk already, if anything is.
    pub spilled: Option<Box<Spilled>>,
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
    let write = |received| Written::new(directories, received);
    let written: Vec<_> = batch.into_iter().map(write).collect();
    if written.len() > 1 {
        // The disk begins with all of them before the first is waited for.
        written.iter().flatten().for_each(|clip| clip.temporary.begin_sync());
    }
    let sync = |clip: Result<Written, _>| clip?.sync(directories);
    let synced: Vec<_> = written.into_iter().map(sync).collect();
    let rename = |clip: Result<Written, _>| clip?.rename(directories);
    let named = synced.into_iter().map(rename).collect();
    settle(directories, named)
}

/// A verified clip in a temporary file.
struct Written {
    temporary: Temporary,
    place: ClipPlace,
    stored: Stored,
}

impl Written {
    fn new(directories: &Directories, received: Received) -> Result<Self, ClipError> {
        let Received { place, spilled, buffered, total } = received;
        let at = directories.error_at(&place);
        let facts;
        let spilled = if let Some(mut spilled) = spilled {
            if !spilled.temporary.directory().is_in_place().map_err(&at)? {
                return Err(at(moved()));
            }
            spilled.append(&buffered).map_err(&at)?;
            facts = inspect(&mut spilled.temporary.file, spilled.written, total).map_err(&at)??;
            *spilled
        } else {
            let length = buffered.len() as u64;
            facts = inspect(&mut Cursor::new(&buffered), length, total).map_err(&at)??;
            let mut spilled = Spilled::begin(directories, &place)?;
            spilled.append(&buffered).map_err(&at)?;
            spilled
        };
        failpoint::point("clip written");
        let Spilled { temporary, hash, written: bytes } = spilled;
        let (path, sha256, (clip_info, unread)) =
            (place.path.clone(), hash.finalize().into(), facts);
        let stored = Stored { path, bytes, sha256, clip_info, unread, moved_aside: None };
        drop(at);
        Ok(Self { temporary, place, stored })
    }

    fn sync(self, directories: &Directories) -> Result<Self, ClipError> {
        self.temporary.file.sync_all().map_err(directories.error_at(&self.place))?;
        failpoint::point("clip verified");
        Ok(self)
    }

    /// Gives it its final name. A file already there is kept if its bytes are the same, else it is
    /// moved aside.
    fn rename(self, directories: &Directories) -> Result<Named, ClipError> {
        let Self { mut temporary, place, mut stored } = self;
        let directory = Arc::clone(temporary.directory());
        let at = directories.error_at(&place);
        loop {
            match temporary.rename_new(&place.name) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at(error)),
            }
            if let Some(same) = existing::same(&directory, &place.name, &stored).map_err(&at)? {
                temporary.remove().map_err(&at)?;
                failpoint::point("same clip found");
                same.sync_all().map_err(&at)?;
                drop(at);
                return Ok(Named { directory, place, stored });
            }
            let aside = existing::move_aside(&directory, &place.name).map_err(&at)?;
            stored.moved_aside = Some(place.beside(&aside));
            failpoint::point("other file moved aside");
        }
        failpoint::point("clip renamed");
        drop(at);
        Ok(Named { directory, place, stored })
    }
}

/// A clip under its final name, which is not yet durable.
struct Named {
    directory: Arc<Directory>,
    place: ClipPlace,
    stored: Stored,
}

/// Makes the names durable: one sync for each folder.
fn settle(
    directories: &Directories,
    named: Vec<Result<Named, ClipError>>,
) -> Vec<Result<Stored, ClipError>> {
    let mut synced: Vec<(Arc<Directory>, io::Result<()>)> = Vec::new();
    let mut settle = |clip: Result<Named, ClipError>| {
        let Named { directory, place, stored } = clip?;
        let known = synced.iter().position(|(done, _)| Arc::ptr_eq(done, &directory));
        let known = known.unwrap_or_else(|| {
            let done = sync(&directory);
            synced.push((directory, done));
            synced.len() - 1
        });
        if let Some((_, Err(error))) = synced.get(known) {
            return Err(directories.error_at(&place)(again(error)));
        }
        failpoint::point("clip settled");
        Ok(stored)
    };
    named.into_iter().map(&mut settle).collect()
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
        Ok(()) => Ok(told(clip_info::read(bytes, length))),
        Err(why) => Err(ClipError::NotAClip(why)),
    })
}
