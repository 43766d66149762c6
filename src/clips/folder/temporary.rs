//! Temporary files: where bytes lie until they are a verified clip.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::sync::Arc;

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
    /// Whether nothing has its name any more.
    gone: bool,
}

impl Temporary {
    /// Makes one; only the user can read it.
    pub(super) fn create(directory: Arc<Directory>) -> io::Result<Self> {
        loop {
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
            let name = format!("{PREFIX}{random}{SUFFIX}");
            match directory.create(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok(Self { file: made?, directory, name, gone: false }),
            }
        }
    }

    /// The folder it lies in.
    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.directory
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
