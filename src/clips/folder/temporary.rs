//! Temporary files: where bytes lie until they are a verified clip. They are hashed on the way.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::clips::ClipError;
use crate::failpoint;

use super::directories::{ClipPlace, Directories};
use super::directory::Directory;

/// What the names of temporary files begin and end with.
pub(super) const PREFIX: &str = ".rushes-";
pub(super) const SUFFIX: &str = ".part";

/// A temporary file beside a clip's final place; removed when dropped, unless it was renamed.
pub(super) struct Temporary {
    directory: Arc<Directory>,
    name: String,
    /// Open for reading and writing.
    pub file: File,
    hash: Sha256,
    /// How much was written, in bytes.
    pub written: u64,
    /// Whether it was renamed or removed.
    gone: bool,
}

impl Temporary {
    /// Makes an empty one; only the user can read it.
    pub(super) fn create(directory: Arc<Directory>) -> io::Result<Self> {
        loop {
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
            let name = format!("{PREFIX}{random}{SUFFIX}");
            match directory.create(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    let (file, hash) = (made?, Sha256::new());
                    return Ok(Self { directory, name, file, hash, written: 0, gone: false });
                }
            }
        }
    }

    /// Makes an empty one beside a clip's place.
    pub(super) fn beside(directories: &Directories, place: &ClipPlace) -> Result<Self, ClipError> {
        let directory = directories.make(&place.folder)?;
        let temporary = Self::create(directory).map_err(directories.error_at(place))?;
        failpoint::point("temporary clip made");
        Ok(temporary)
    }

    /// The folder it lies in.
    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Writes all of a batch or, on an error, none of it.
    pub(super) fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if let Err(error) = self.append(batch) {
            self.file.set_len(self.written)?;
            self.file.seek(SeekFrom::Start(self.written))?;
            return Err(error);
        }
        failpoint::point("clip written in part");
        Ok(())
    }

    /// Writes the last bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The hash of all that was written; nothing may be written after it.
    pub(super) fn sha256(&mut self) -> [u8; 32] {
        std::mem::take(&mut self.hash).finalize().into()
    }

    /// Lets the disk begin with its bytes, where the system has a call for that.
    pub(super) fn begin_sync(&self) {
        #[cfg(target_os = "linux")]
        // On Linux this starts to write what is not yet written. It is no more than a hint.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
    }

    /// Gives it another name in its folder, without overwriting.
    pub(super) fn rename_new(&mut self, to: &OsStr) -> io::Result<()> {
        self.directory.rename_new(self.name.as_ref(), to)?;
        self.gone = true;
        Ok(())
    }

    /// Removes it.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.gone = true;
        self.directory.remove(&self.name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.gone {
            // If it cannot be removed now, the next opening of the store removes it.
            let _ = self.directory.remove(&self.name);
        }
    }
}
