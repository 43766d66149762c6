//! Room on the disk that is set aside while there is some, and given up when there is none, so
//! that a task id can still be written down.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::LedgerError;
use crate::disk::{is_too_many_open, private, told};
use crate::failpoint;
use crate::ledger::beside::beside;

/// How much is set aside, in bytes: room for the answers of some hundred POSTs on the wire.
pub const RESERVE_BYTES: usize = 1 << 20;

/// The reserve file of a ledger.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Sees to it that the reserve of the ledger at `ledger` is there, really written.
    pub(super) fn prepare(ledger: &Path) -> Result<Self, LedgerError> {
        let path = beside(ledger, "reserve");
        let whole = |file: std::fs::Metadata| file.is_file() && file.len() == RESERVE_BYTES as u64;
        // Never through a link, which might lead to a file that matters.
        if !std::fs::symlink_metadata(&path).is_ok_and(whole)
            && let Err(cause) = write(&path)
        {
            drop(std::fs::remove_file(&path));
            return Err(if is_too_many_open(&cause) {
                LedgerError::inaccessible(&path, &cause)
            } else {
                LedgerError::NoReserve(path, told(&cause))
            });
        }
        Ok(Self { path })
    }

    /// Gives the room back to the disk.
    pub(super) fn give_up(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

fn write(path: &Path) -> io::Result<()> {
    // Nothing that a file system could compress or leave as a hole.
    let mut noise = vec![0; RESERVE_BYTES];
    fastrand::fill(&mut noise);
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    failpoint::point("reserve still empty");
    file.write_all(&noise)?;
    failpoint::point("reserve written");
    file.sync_all()
}
