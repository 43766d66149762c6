//! An open folder. Files are made, renamed and looked at by their names within it, so that a link
//! put among the folders later leads nowhere, and one handle serves the sync of all their names.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// A folder of clips that is held open.
pub(super) struct Directory {
    handle: OwnedFd,
    /// The folder it lies in; `None` for `clips` itself.
    parent: Option<Arc<Directory>>,
    path: PathBuf,
    /// Device and inode: what its path must still lead to.
    identity: (u64, u64),
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What [`crate::disk::make_folder`] gives a folder too: other users cannot write into it.
const FOLDER_MODE: Mode =
    Mode::RWXU.union(Mode::RGRP).union(Mode::XGRP).union(Mode::ROTH).union(Mode::XOTH);

impl Directory {
    /// The folder that a path leads to, through links as well.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let handle = fs::open(path, FOLDER, Mode::empty())?;
        Self::new(handle, None, path.to_owned())
    }

    /// The folder of that name in this one; a link is not followed. `None` when there is none and
    /// it shall not be made.
    pub(super) fn child(self: &Arc<Self>, name: &OsStr, make: bool) -> io::Result<Option<Self>> {
        let open = || fs::openat(&self.handle, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        let mut opened = open();
        if make && opened.as_ref().is_err_and(|error| *error == Errno::NOENT) {
            match fs::mkdirat(&self.handle, name, FOLDER_MODE) {
                Ok(()) | Err(Errno::EXIST) => opened = open(),
                Err(error) => return Err(error.into()),
            }
        }
        match opened {
            Ok(handle) => {
                if make {
                    // Also where it was there before: a run that was killed may just have made it.
                    self.sync()?;
                }
                let path = self.path.join(name);
                Self::new(handle, Some(Arc::clone(self)), path).map(Some)
            }
            Err(Errno::NOENT) if !make => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let why = "is no folder; clips are not written through links or files";
                Err(io::Error::new(io::ErrorKind::NotADirectory, why))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn new(handle: OwnedFd, parent: Option<Arc<Self>>, path: PathBuf) -> io::Result<Self> {
        let identity = identity(&fs::fstat(&handle)?);
        Ok(Self { handle, parent, path, identity })
    }

    /// Whether its path still leads here: it was neither moved nor deleted, nor a link put among
    /// the folders above it.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let found = match (&self.parent, self.path.file_name()) {
            (Some(parent), Some(name)) => {
                if !parent.is_in_place()? {
                    return Ok(false);
                }
                fs::statat(&parent.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            }
            _ => fs::statat(CWD, &self.path, AtFlags::empty()),
        };
        match found {
            Ok(found) => Ok(identity(&found) == self.identity),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new file that only the user can read.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Opens a file to be read; `None` when there is none of that name, or something else.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<Option<File>> {
        // Without NONBLOCK a named pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => {
                let is_file = FileType::from_raw_mode(fs::fstat(&handle)?.st_mode).is_file();
                Ok(is_file.then(|| handle.into()))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether anything has that name, be it a link.
    pub(super) fn has(&self, name: &OsStr) -> io::Result<bool> {
        match fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames within the folder without overwriting. Where the file system can neither do that nor
    /// give a file a second name, it is looked first, which is good enough under the run lock.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            let flags = fs::RenameFlags::NOREPLACE;
            match fs::renameat_with(&self.handle, from, &self.handle, to, flags) {
                Err(Errno::NOSYS | Errno::INVAL) => {}
                done => return done.map_err(Into::into),
            }
        }
        let linked = fs::linkat(&self.handle, from, &self.handle, to, AtFlags::empty());
        match linked {
            Ok(()) => return Ok(fs::unlinkat(&self.handle, from, AtFlags::empty())?),
            Err(Errno::EXIST) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) if self.has(to)? => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => {}
        }
        Ok(fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Makes the names in it durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.handle)?)
    }
}

fn identity(found: &Stat) -> (u64, u64) {
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "by the system")]
    (found.st_dev as u64, found.st_ino as u64)
}
