//! Where files go: paths that stay below `clips/`, renaming that overwrites nothing, and making
//! both durable.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use crate::failpoint;

use super::{CLIPS, ClipError, is_absent};

/// What our temporary files' names begin and end with.
const PREFIX: &str = ".rushes-";
const SUFFIX: &str = ".part";

/// The file below the campaign folder that `path` names.
pub(super) fn resolve(campaign_folder: &Path, path: &str) -> Result<PathBuf, ClipError> {
    let mut parts = Path::new(path).components();
    let below = parts.next() == Some(Component::Normal(CLIPS.as_ref()))
        && parts.clone().count() > 0
        && parts.all(|part| matches!(part, Component::Normal(_)));
    if below {
        return Ok(campaign_folder.join(path));
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "does not lie below clips/");
    Err(ClipError::Disk { path: path.into(), source })
}

/// Makes the folders between `clips/` and `file`; a link among them is not followed, so that
/// nothing is written elsewhere. `clips` itself may be one.
pub(super) fn make_folders(campaign_folder: &Path, file: &Path) -> Result<(), ClipError> {
    let clips = campaign_folder.join(CLIPS);
    let between = file.parent().and_then(|parent| parent.strip_prefix(&clips).ok());
    let mut folder = clips.clone();
    for part in between.into_iter().flat_map(Path::components) {
        let parent = folder.clone();
        folder.push(part);
        let at = ClipError::disk(&folder);
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let why = "is no folder; clips are not written through links or files";
                return Err(at(io::Error::new(io::ErrorKind::NotADirectory, why)));
            }
            Err(error) if is_absent(&error) => {
                fs::create_dir(&folder).and_then(|()| sync_folder(&parent)).map_err(at)?;
            }
            Err(error) => return Err(at(error)),
        }
    }
    Ok(())
}

/// A temporary file beside `file`.
pub(super) fn temporary(file: &Path) -> io::Result<NamedTempFile> {
    // For the user's eyes only, as tempfile makes them: what they film is nobody else's business.
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder.tempfile_in(file.parent().unwrap_or(Path::new(".")))
}

/// Removes our temporary files below `folder`.
pub(super) fn sweep(folder: &Path) -> Result<(), ClipError> {
    let at = ClipError::disk(folder);
    for entry in fs::read_dir(folder).map_err(&at)? {
        let entry = entry.map_err(&at)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(&at)?);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() {
            sweep(&path)?;
        } else if kind.is_file() && name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            fs::remove_file(&path).map_err(ClipError::disk(&path))?;
        }
    }
    Ok(())
}

/// How many `.mp4` files lie below `folder`.
pub(super) fn count(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count(&entry.path()),
        Ok(_) => usize::from(entry.path().extension().is_some_and(|suffix| suffix == "mp4")),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

/// Gives a durable temporary file its final name. A file already there is kept if its bytes are
/// the same, else it is moved aside; answers where to.
pub(super) fn give_name(
    temporary: TempPath,
    file: &Path,
    bytes: u64,
    sha256: &[u8; 32],
) -> io::Result<Option<PathBuf>> {
    let mut aside = None;
    if let Some(found) = present(file)? {
        if found.is_file() && found.len() == bytes && hash(file)? == *sha256 {
            temporary.close()?;
            failpoint::point("same clip found");
            settle(file)?;
            return Ok(None);
        }
        aside = Some(move_aside(file)?);
        failpoint::point("other file moved aside");
    }
    rename_new(&temporary, file)?;
    failpoint::point("clip renamed");
    // Gone by its old name, or a second name where the file system cannot rename in one step.
    drop(temporary);
    settle(file)?;
    failpoint::point("clip settled");
    Ok(aside)
}

/// Makes a file and its name durable.
pub(super) fn settle(file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()?;
    file.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The SHA-256 of a file's bytes.
pub(super) fn hash(file: &Path) -> io::Result<[u8; 32]> {
    let mut reader = io::BufReader::with_capacity(256 << 10, File::open(file)?);
    let mut hash = Sha256::new();
    loop {
        let bytes = io::BufRead::fill_buf(&mut reader)?;
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        let read = bytes.len();
        io::BufRead::consume(&mut reader, read);
    }
}

/// `beach.mp4` becomes `beach~aside-1.mp4`, a name that no clip can have.
fn move_aside(file: &Path) -> io::Result<PathBuf> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    for number in 1_u32.. {
        let aside = file.with_file_name(format!("{stem}~aside-{number}.mp4"));
        if present(&aside)?.is_some() {
            continue;
        }
        match rename_new(file, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| aside),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn present(file: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(file) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Renames without overwriting. Where the file system cannot do that in one step, the run lock
/// makes looking first good enough.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut path = TempPath::try_from_path(from)?;
    path.disable_cleanup(true);
    match path.persist_noclobber(to) {
        Ok(()) => Ok(()),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Err(refused.error),
        Err(refused) => match present(to)? {
            None => fs::rename(from, to),
            Some(_) => Err(refused.error),
        },
    }
}
