//! Files that already have a clip's final name.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::clips::{ClipError, Stored, clip_info, info_of, verify};
use crate::domain::time::Timestamp;

use super::directories::{ClipPlace, Directories};
use super::directory::Directory;

/// File systems keep the time of writing this coarsely.
const GRAIN: Duration = Duration::from_secs(2);

/// The file of that name, if it has a clip's bytes.
pub(super) fn same(directory: &Directory, name: &OsStr, clip: &Stored) -> io::Result<Option<File>> {
    let Some(mut file) = directory.open_file(name)? else { return Ok(None) };
    let same = file.metadata()?.len() == clip.bytes && hash(&mut file)? == clip.sha256;
    Ok(same.then_some(file))
}

/// Renames `beach.mp4` to `beach~aside-1.mp4`, a name that no clip can have; answers the new name.
pub(super) fn move_aside(directory: &Directory, name: &OsStr) -> io::Result<String> {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    for number in 1_u32.. {
        let aside = format!("{stem}~aside-{number}.mp4");
        match directory.rename_new(name, aside.as_ref()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            moved => return moved.map(|()| aside),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A whole clip at a place, written after `submitted_at`, made durable.
pub(super) fn adopt(
    directories: &Directories,
    place: &ClipPlace,
    submitted_at: Timestamp,
) -> Result<Option<Stored>, ClipError> {
    let at = directories.error_at(place);
    let Some((directory, mut file)) = open(directories, place)? else { return Ok(None) };
    let metadata = file.metadata().map_err(&at)?;
    let written = metadata.modified().map_err(&at)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = Timestamp::from_millis(0).plus(written + GRAIN);
    if written < submitted_at {
        return Ok(None);
    }
    let bytes = metadata.len();
    // It got its name only after it had been verified against the length the host announced.
    if verify::verify(&mut file, bytes, Some(bytes)).map_err(&at)?.is_err() {
        return Ok(None);
    }
    let (clip_info, unread) = info_of(clip_info::read(&mut file, bytes));
    let sha256 = hash(&mut file).map_err(&at)?;
    file.sync_all().and_then(|()| directory.sync()).map_err(&at)?;
    let path = place.path.clone();
    Ok(Some(Stored { path, bytes, sha256, clip_info, unread, moved_aside: None }))
}

/// What a whole clip is that lies at a place, whatever bought it; `path` is its path relative to the
/// campaign folder. It is durable afterwards. Blocking.
///
/// # Errors
/// When it cannot be read or synced.
pub fn look(place: &Path, path: &str) -> io::Result<Stored> {
    let mut file = crate::disk::open_file(place)?;
    let bytes = file.metadata()?.len();
    let (clip_info, unread) = info_of(clip_info::read(&mut file, bytes));
    let sha256 = hash(&mut file)?;
    file.sync_all()?;
    let path = path.to_owned();
    Ok(Stored { path, bytes, sha256, clip_info, unread, moved_aside: None })
}

/// The file at a place and its folder; `None` when there is none, or something else.
pub(super) fn open(
    directories: &Directories,
    place: &ClipPlace,
) -> Result<Option<(Arc<Directory>, File)>, ClipError> {
    let directory = match directories.find(&place.folder) {
        // A link or a file among the folders.
        Err(ClipError::Disk { source, .. }) if source.kind() == io::ErrorKind::NotADirectory => {
            return Ok(None);
        }
        found => found?,
    };
    let Some(directory) = directory else { return Ok(None) };
    let file = directory.open_file(&place.name);
    let file = file.map_err(directories.error_at(place))?;
    Ok(file.map(|file| (directory, file)))
}

/// The SHA-256 of a file's bytes.
fn hash(file: &mut File) -> io::Result<[u8; 32]> {
    file.rewind()?;
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut hash = Sha256::new();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        let read = bytes.len();
        reader.consume(read);
    }
}
