//! The run lock: one process works on a ledger at a time. An advisory lock that ends with the
//! process; the file beside the ledger stays behind and only says who held it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use super::LedgerError;
use crate::disk::private;
use crate::domain::time::Timestamp;
use crate::ledger::beside::{beside, no_link};
use crate::ledger::holder::{RunNote, holder as phrase};

/// The lock, held until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Who holds it, as the file says: a line with its end.
    holder: String,
    /// The ledger itself: a lock file that was deleted no longer keeps other runs out. Dropped
    /// after the ledger is closed, because closing this would free `SQLite`'s own locks.
    also: Vec<File>,
}

/// A reader looks whether the lock is held by taking it for a moment; a run must not mistake that
/// for a run.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// A holder without a name.
const UNNAMED: &str = "another process";
/// The longest word about the holder that is believed, in bytes.
const MAX_BYTES: u64 = 4096;

impl Lock {
    /// Takes the lock of the ledger at `ledger`.
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let place = beside(ledger, "lock");
        no_link(&place).map_err(|cause| LedgerError::inaccessible(&place, &cause))?;
        let mut options = OpenOptions::new();
        private(options.read(true).write(true).create(true)).truncate(false);
        let file = locked(ledger, &place, &options)?;
        Ok(Self { file, holder: String::new(), also: Vec::new() })
    }

    /// Locks the ledger itself too, once it is there, where the system keeps such a lock and
    /// `SQLite`'s apart.
    pub(super) fn take_ledger(&mut self, ledger: &Path) -> Result<(), LedgerError> {
        if cfg!(target_os = "linux") {
            self.take_also(ledger, OpenOptions::new().read(true))?;
        }
        Ok(())
    }

    /// Takes one more lock, if it can be had: a network share refuses one on a file that is open
    /// for reading only, and there the lock file alone keeps others out.
    fn take_also(&mut self, ledger: &Path, options: &OpenOptions) -> Result<(), LedgerError> {
        match locked(ledger, ledger, options) {
            Ok(file) => self.also.push(file),
            Err(locked @ LedgerError::Locked { .. }) => return Err(locked),
            Err(error) => tracing::debug!("the ledger itself is not locked: {error}"),
        }
        Ok(())
    }

    /// Says who holds it.
    pub(super) fn sign(&mut self, holder: &str, at: Timestamp) {
        self.holder = format!("{}\n", phrase(holder, at));
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(self.holder.as_bytes()));
        // Who holds it is for people; a full disk is found out where it matters.
        drop(written);
    }

    /// Says how the run stands, on the lines after its holder. Each call takes the place of the last.
    pub(super) fn tell(&self, note: &RunNote) {
        let length = self.holder.len() as u64;
        let mut file = &self.file;
        let written = file
            .set_len(length)
            .and_then(|()| file.seek(SeekFrom::Start(length)))
            .and_then(|_| file.write_all(note.lines().as_bytes()));
        // It is for people, as above.
        drop(written);
    }
}

/// Opens the file at `place` and locks it.
fn locked(ledger: &Path, place: &Path, options: &OpenOptions) -> Result<File, LedgerError> {
    let failed = |cause: io::Error| LedgerError::inaccessible(place, &cause);
    let file = options.open(place).map_err(failed)?;
    let mut tries = 1;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(BETWEEN_TRIES);
            }
            Err(TryLockError::WouldBlock) => {
                let holder = File::open(beside(ledger, "lock"))
                    .map_or_else(|_| UNNAMED.to_owned(), |mut file| holder_in(&mut file).0);
                return Err(LedgerError::Locked(ledger.to_owned(), holder));
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
    }
}

/// Who holds the lock of the ledger at `ledger`, as one phrase, and what that run says of itself; `None`
/// when it is free.
pub(super) fn held_by(ledger: &Path) -> Option<(String, RunNote)> {
    let mut file = File::open(beside(ledger, "lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder_in(&mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// What a lock file says, made safe to print.
fn holder_in(file: &mut File) -> (String, RunNote) {
    let mut text = Vec::new();
    let read = file.rewind().and_then(|()| file.take(MAX_BYTES).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let holder: String = lines.next().unwrap_or_default().trim().to_owned();
    let holder: String = holder.chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || holder.is_empty() {
        return (UNNAMED.to_owned(), RunNote::default());
    }
    (holder, RunNote::read(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_locks_no_ledger_opened_for_reading_keeps_no_user_from_their_campaign() {
        use std::os::unix::fs::OpenOptionsExt;
        // A file that is opened so cannot be locked: EBADF, as on an NFS share.
        const O_PATH: i32 = 0o10_000_000;
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        File::create(&ledger).unwrap();
        let mut lock = Lock::take(&ledger).unwrap();
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(O_PATH);
        assert!(locked(&ledger, &ledger, &options).is_err());
        lock.take_also(&ledger, &options).unwrap();
        assert!(matches!(Lock::take(&ledger), Err(LedgerError::Locked { .. })));
    }
}
