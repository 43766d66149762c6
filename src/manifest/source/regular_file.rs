//! Opens files that a manifest names.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file, and only a file: a pipe or a device could block or never end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        let what = if found.is_dir() { "it is a folder" } else { "it is not a file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}
