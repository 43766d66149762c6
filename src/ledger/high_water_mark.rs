//! How much a ledger knew, noted beside it: an emptied file, an older copy, a log that was removed
//! or cut short, all look like good ledgers and would have what they forgot bought again.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::LedgerError;
use super::beside::{beside, no_link};
use crate::disk::private;

/// How much a ledger knows. Attempts and movements of money are only ever added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Known {
    /// The newest attempt.
    pub attempts: i64,
    /// The newest movement of money.
    pub movements: i64,
}

impl Known {
    /// Whether nothing is missing of what was known.
    pub(in crate::ledger) const fn covers(self, had: Self) -> bool {
        self.attempts >= had.attempts && self.movements >= had.movements
    }
}

/// The note beside a ledger. It is not synced: whatever loses it loses nothing else.
#[derive(Debug)]
pub(in crate::ledger) struct HighWaterMark {
    path: PathBuf,
    file: File,
    noted: Known,
}

/// The longest note that is read, in bytes.
const MAX_BYTES: u64 = 1024;

impl HighWaterMark {
    /// The note beside the ledger at `ledger`; made if there is none.
    pub(in crate::ledger) fn of(ledger: &Path) -> Result<Self, LedgerError> {
        let path = beside(ledger, "mark");
        let read = || {
            no_link(&path)?;
            let mut options = OpenOptions::new();
            let mut file =
                private(options.read(true).write(true).create(true)).truncate(false).open(&path)?;
            let mut text = Vec::new();
            (&mut file).take(MAX_BYTES).read_to_end(&mut text)?;
            Ok((file, parse(&String::from_utf8_lossy(&text)).unwrap_or_default()))
        };
        match read() {
            Ok((file, noted)) => Ok(Self { path, file, noted }),
            Err(cause) => Err(LedgerError::inaccessible(&path, &cause)),
        }
    }

    /// What the note beside a ledger says, for one who only reads: before the ledger is read, which
    /// a run may write meanwhile.
    pub(in crate::ledger) fn noted_beside(ledger: &Path) -> Option<Known> {
        let mut text = Vec::new();
        let file = crate::disk::open_file(&beside(ledger, "mark")).ok()?;
        file.take(MAX_BYTES).read_to_end(&mut text).ok()?;
        parse(&String::from_utf8_lossy(&text))
    }

    /// Where it lies.
    #[cfg(feature = "postgres")]
    pub(in crate::ledger) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says.
    #[cfg(feature = "postgres")]
    pub(in crate::ledger) fn noted(&self) -> Known {
        self.noted
    }

    /// Refuses a ledger that knows less than it did.
    pub(in crate::ledger) fn admit(&self, ledger: &Path, known: Known) -> Result<(), LedgerError> {
        admit(ledger, self.noted, known)
    }
}

/// Refuses a ledger that knows less than was noted.
pub(in crate::ledger) fn admit(ledger: &Path, had: Known, has: Known) -> Result<(), LedgerError> {
    if has.covers(had) {
        return Ok(());
    }
    Err(LedgerError::Forgetful {
        ledger: ledger.to_owned(),
        mark: beside(ledger, "mark"),
        had: had.attempts,
        has: has.attempts,
        movements: had.movements.saturating_sub(has.movements).max(0),
    })
}

impl HighWaterMark {
    /// Notes what the ledger knows now.
    pub(in crate::ledger) fn note(&mut self, known: Known) {
        if known == self.noted {
            return;
        }
        // Always as long, so that it is written over in place and needs no room.
        let text = format!(
            "{:>20} attempts, {:>20} movements of money: what the ledger beside this knew\n",
            known.attempts, known.movements
        );
        match write_over(&mut self.file, text.as_bytes()) {
            Ok(()) => self.noted = known,
            // It guards against what happens between runs; this run goes on without it.
            Err(error) => tracing::debug!("{}: {error}", self.path.display()),
        }
    }
}

/// Writes at the beginning of a file.
#[cfg(unix)]
fn write_over(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

/// Writes at the beginning of a file.
#[cfg(not(unix))]
fn write_over(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::{Seek, Write};
    file.rewind()?;
    file.write_all(bytes)
}

fn parse(text: &str) -> Option<Known> {
    let (attempts, rest) = text.split_once(" attempts, ")?;
    let (movements, _) = rest.split_once(" movements")?;
    let number = |text: &str| text.trim().parse().ok();
    Some(Known { attempts: number(attempts)?, movements: number(movements)? })
}
