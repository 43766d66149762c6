//! A folder of clips where the system cannot hold one open: everything goes by paths.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of clips.
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The folder that a path leads to, through links as well.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::read_dir(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// The folder of that name in this one; a link is not followed. `None` when there is none and
    /// it shall not be made.
    pub(super) fn child(self: &Arc<Self>, name: &OsStr, make: bool) -> io::Result<Option<Self>> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let why = "is no folder; clips are not written through links or files";
                return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) if make => fs::create_dir(&path)?,
            Err(_) => return Ok(None),
        }
        Ok(Some(Self { path }))
    }

    /// Whether its path still leads to a folder.
    #[allow(clippy::unnecessary_wraps, reason = "other systems can fail here")]
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        Ok(self.path.is_dir())
    }

    /// Makes a new file.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    /// Opens a file to be read; `None` when there is none of that name, or something else.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<Option<File>> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => File::open(path).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether anything has that name, be it a link.
    pub(super) fn has(&self, name: &OsStr) -> io::Result<bool> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renames within the folder without overwriting. It is looked first, which is good enough
    /// under the run lock.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        if self.has(to)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Names are durable when the system says so.
    #[allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "other systems can fail here")]
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
