//! The log's file: private, appended to, never through a link, never larger than it may become.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::disk::private;

/// At this size a new one begins, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// So much is written at once, in bytes: a write a line costs more than the line.
pub const BATCH: usize = 16 << 10;
/// So many logs a folder has at most: one for each run that works there at the same time.
const MAX_LOGS: u32 = 64;
/// A run that held the file a moment ago may be closing it.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// How soon a line must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// By the next flush at the latest.
    Batched,
    /// Handed to the system at once.
    AtOnce,
    /// On the disk at once.
    Synced,
}

/// An open log.
#[derive(Debug)]
pub struct LogFile {
    pub(super) path: PathBuf,
    file: File,
    bytes: u64,
    /// Whole lines that are still to be written.
    pending: String,
    /// Whether the last line broke off.
    is_torn: bool,
    max_bytes: u64,
}

impl LogFile {
    /// Where the log of a campaign folder lies.
    #[must_use]
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join("log.jsonl")
    }

    /// Opens or makes the log of a campaign folder.
    ///
    /// # Errors
    /// As [`LogFile::open_with`].
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(Self::path_in(folder), MAX_BYTES)
    }

    /// The same where several workers may share the folder: the first one that is not in use of
    /// `log.jsonl`, `log-2.jsonl`, `log-3.jsonl`, …
    ///
    /// # Errors
    /// As [`LogFile::open_with`].
    pub fn open_shared(folder: &Path) -> io::Result<Self> {
        let path = |number| match number {
            1 => Self::path_in(folder),
            number => folder.join(format!("log-{number}.jsonl")),
        };
        let mut number = 1;
        loop {
            match Self::open_with(path(number), MAX_BYTES) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && number < MAX_LOGS => {
                    number += 1;
                }
                opened => return opened,
            }
        }
    }

    /// Opens or makes a log that becomes no larger than this.
    ///
    /// # Errors
    /// When it cannot be opened, or is another run's.
    pub fn open_with(path: PathBuf, max_bytes: u64) -> io::Result<Self> {
        let mut file = append(&path)?;
        let bytes = file.metadata()?.len();
        let mut last = [b'\n'];
        if bytes > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self { path, file, bytes, pending: String::new(), is_torn: last != [b'\n'], max_bytes })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// When it cannot be written, or not be synced.
    pub fn write(&mut self, line: &str, urgency: Urgency) -> io::Result<()> {
        self.pending.push_str(line);
        match urgency {
            Urgency::Batched if self.pending.len() < BATCH => Ok(()),
            Urgency::Batched | Urgency::AtOnce => self.flush(),
            Urgency::Synced => self.flush().and_then(|()| self.file.sync_data()),
        }
    }

    /// Hands the lines so far to the system, by one write. What cannot be written is given up.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.pending);
        if lines.is_empty() {
            return Ok(());
        }
        if self.bytes > 0 && self.bytes.saturating_add(lines.len() as u64) > self.max_bytes {
            std::fs::rename(&self.path, self.path.with_extension("1.jsonl"))?;
            *self = Self::open_with(self.path.clone(), self.max_bytes)?;
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        self.file.write_all(lines.as_bytes()).inspect_err(|_| self.is_torn = true)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

/// Opens a file of ours to append to it.
fn append(path: &Path) -> io::Result<File> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(odd("something else than a file has its name"));
    }
    let mut options = OpenOptions::new();
    private(options.read(true).append(true).create(true));
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // A link or a pipe put there just now is not opened, nor waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(odd("it is no file"));
    }
    // Two ledgers can share a folder; where files cannot be locked, neither is kept out.
    for _ in 0..TRIES {
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(file);
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another run writes it"))
}
