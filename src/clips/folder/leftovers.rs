//! What earlier runs left below `clips`: temporary files, which are removed, and clips.

use std::fs;
use std::path::Path;

use crate::clips::{CLIPS, ClipError};

use super::temporary::{PREFIX, SUFFIX};

/// Removes the temporary files below a folder.
pub(super) fn sweep(folder: &Path) -> Result<(), ClipError> {
    let at = ClipError::disk(folder);
    for entry in fs::read_dir(folder).map_err(&at)? {
        let entry = entry.map_err(&at)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(&at)?);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() {
            sweep(&path)?;
        } else if kind.is_file() && name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            fs::remove_file(&path).map_err(ClipError::disk(&path))?;
        }
    }
    Ok(())
}

/// How many files that may be clips lie in a campaign folder; links to folders are not followed,
/// and what cannot be read is not counted. Blocking.
#[must_use]
pub fn count_clips(campaign_folder: &Path) -> usize {
    count(&campaign_folder.join(CLIPS))
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count(&entry.path()),
        Ok(_) => usize::from(entry.path().extension().is_some_and(|suffix| suffix == "mp4")),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
