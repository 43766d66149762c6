//! Whether the files of an open ledger are still there under their names: `SQLite` would go on
//! writing to a file that was deleted or moved away, and all of it would be gone at the end.

use std::fs;
use std::path::{Path, PathBuf};

use super::connection::log_of;

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

/// What tells a file from others, whatever it is called: its device and inode; elsewhere than on Unix
/// only that it is there. `None` when it is not.
type Identity = Option<(u64, u64)>;

fn identity(path: &Path) -> Identity {
    let file = fs::metadata(path);
    #[cfg(unix)]
    let identity = |file: fs::Metadata| {
        use std::os::unix::fs::MetadataExt;
        (file.dev(), file.ino())
    };
    #[cfg(not(unix))]
    let identity = |_| (0, 0);
    file.ok().map(identity)
}

/// The files of an open ledger.
#[derive(Debug)]
pub(super) struct FileWatch {
    ledger: PathBuf,
    log: PathBuf,
    /// What both were when the watch began.
    were: (Identity, Identity),
}

impl FileWatch {
    /// The files as they are now; the ledger is open and was read, so that its log is there.
    pub(super) fn over(ledger: &Path) -> Self {
        let log = log_of(ledger);
        let were = (identity(ledger), identity(&log));
        Self { ledger: ledger.to_owned(), log, were }
    }

    /// What became of them; `None` as long as they are there.
    pub(super) fn loss(&self) -> Option<Loss> {
        match identity(&self.ledger) {
            None => Some(Loss::Gone),
            is if is != self.were.0 => Some(Loss::Replaced),
            _ => (identity(&self.log) != self.were.1).then_some(Loss::Unlogged),
        }
    }
}
