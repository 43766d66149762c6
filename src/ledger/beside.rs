//! Files that lie beside a ledger and are named after it.

use std::io;
use std::path::{Path, PathBuf};

/// `ledger.sqlite` and `lock` make `ledger.sqlite.lock`.
pub(super) fn beside(ledger: &Path, extension: &str) -> PathBuf {
    let mut path = ledger.as_os_str().to_owned();
    path.push(".");
    path.push(extension);
    path.into()
}

/// What is emptied and written anew must be a file of ours, and not lead to another's.
pub(super) fn no_link(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link to another file"))
        }
        _ => Ok(()),
    }
}
