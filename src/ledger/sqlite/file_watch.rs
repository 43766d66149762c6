//! Whether the files of an open ledger are still there under their names: `SQLite` would go on
//! writing to a file that was deleted or moved away, and all of it would be gone at the end.

use std::fs;
use std::path::{Path, PathBuf};

use super::connection::log_of;

/// What a file is, whatever it is called; elsewhere than on Unix only that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(Self(file.dev(), file.ino()))
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            Some(Self(0, 0))
        }
    }
}

/// What became of an open ledger's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nothing has the ledger's name any more.
    Gone,
    /// Something else has.
    Replaced,
    /// The ledger is there, its log is not.
    Unlogged,
}

impl Loss {
    /// For people.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Gone => "was deleted or moved away",
            Self::Replaced => "was replaced by another file",
            Self::Unlogged => "lost its -wal, which was deleted or moved away",
        }
    }
}

/// The files of an open ledger.
#[derive(Debug)]
pub(super) struct FileWatch {
    ledger: (PathBuf, Option<Identity>),
    log: (PathBuf, Option<Identity>),
}

impl FileWatch {
    /// The files as they are now; the ledger is open and was read, so that its log is there.
    pub(super) fn over(ledger: &Path) -> Self {
        let named = |path: PathBuf| {
            let identity = Identity::of(&path);
            (path, identity)
        };
        Self { ledger: named(ledger.to_owned()), log: named(log_of(ledger)) }
    }

    /// What became of them; `None` as long as they are there.
    pub(super) fn loss(&self) -> Option<Loss> {
        let (path, was) = &self.ledger;
        match Identity::of(path) {
            None => Some(Loss::Gone),
            is if is != *was => Some(Loss::Replaced),
            _ => {
                let (path, was) = &self.log;
                (Identity::of(path) != *was).then_some(Loss::Unlogged)
            }
        }
    }
}
