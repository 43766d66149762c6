//! The simulator's memory on disk: one JSON line per entry, appended before the answer is handed
//! over. Survives a killed process; does not sync, so a power cut may cost the last lines. The
//! caller holds the run lock; nothing is locked here.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::disk::{make_folder, private};

use super::accounts::{Account, Entry};

/// The journal's name in the campaign folder.
pub const JOURNAL: &str = "simulator.jsonl";

/// Why the simulator cannot be started or read.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The journal cannot be read or written.
    #[error("{path}: {source}")]
    Disk {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journal is damaged.
    #[error(
        "{path}:{line}: not an entry of the simulator's journal ({why}); \
         move the campaign folder away to start over"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Where the next line goes; beyond it lies at most a torn one.
    end: u64,
    line: Vec<u8>,
}

impl Journal {
    /// Opens or creates the journal in `dir` and replays it into `account`. A torn last line was
    /// never answered: it is cut off.
    pub fn open(dir: &Path, account: &mut Account) -> Result<Self, SimError> {
        let path = dir.join(JOURNAL);
        let disk = |source| SimError::Disk { path: path.clone(), source };
        make_folder(dir).map_err(disk)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // For the user alone: it holds the prompts.
        let file = private(&mut options).open(&path).map_err(disk)?;
        let end = replay(&file, &path, account)?;
        file.set_len(end).map_err(disk)?;
        (&file).seek(SeekFrom::Start(end)).map_err(disk)?;
        Ok(Self { file, end, line: Vec::new() })
    }

    /// A journal that every write fails on.
    #[cfg(test)]
    pub(super) fn unwritable() -> Self {
        let file = tempfile::NamedTempFile::new().and_then(|file| File::open(file.path()));
        Self { file: file.expect("a file to read"), end: 0, line: Vec::new() }
    }

    /// Writes an entry down. When that fails, nothing of it stays.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry)?;
        self.line.push(b'\n');
        match self.file.write_all(&self.line) {
            Ok(()) => {
                self.end += self.line.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.file.set_len(self.end)?;
                self.file.seek(SeekFrom::Start(self.end))?;
                Err(error)
            }
        }
    }
}

/// Reads the journal in `dir` into an account without touching it; an absent one is empty.
pub fn read(dir: &Path) -> Result<Account, SimError> {
    let path = dir.join(JOURNAL);
    let mut account = Account::default();
    match File::open(&path) {
        Ok(file) => replay(&file, &path, &mut account)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(source) => return Err(SimError::Disk { path, source }),
    };
    Ok(account)
}

/// Takes every whole line; returns where the last one ends.
fn replay(file: &File, path: &Path, account: &mut Account) -> Result<u64, SimError> {
    let mut reader = BufReader::new(file);
    let (mut end, mut text) = (0, Vec::new());
    for line in 1.. {
        text.clear();
        let read = reader
            .read_until(b'\n', &mut text)
            .map_err(|source| SimError::Disk { path: path.to_owned(), source })?;
        if text.last() != Some(&b'\n') {
            break;
        }
        let entry = serde_json::from_slice(&text).map_err(|error| SimError::Damaged {
            path: path.to_owned(),
            line,
            why: error.to_string(),
        })?;
        account.take(entry);
        end += read as u64;
    }
    Ok(end)
}
