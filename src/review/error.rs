//! Why picks cannot be read or kept, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::sanitize::plain;

/// A path or a cause is cut to so many characters.
const MAX_TOLD: usize = 500;

/// Why picks cannot be read or kept. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {cause}", shown(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// What it holds are no picks.
    #[error("{} does not hold picks: {what}", shown(.path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place.
        what: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {cause}", shown(.path))]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

impl ReviewError {
    /// Something is wrong with what a file holds; `what` may quote the file.
    pub(super) fn broken(path: &Path, what: impl AsRef<str>) -> Self {
        Self::Broken { path: path.to_owned(), what: plain(what.as_ref(), MAX_TOLD) }
    }

    /// The way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { path, .. } => {
                format!("see to it that you may read {}", shown(path))
            }
            Self::Broken { path, .. } => format!(
                "mend {}, or move it elsewhere: then there are no picks; it is never written over",
                shown(path)
            ),
            Self::Unwritten { path, .. } => format!(
                "see to it that you may write {} and that the disk is not full; then decide again",
                shown(path)
            ),
        }
    }
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string(), MAX_TOLD)
}
