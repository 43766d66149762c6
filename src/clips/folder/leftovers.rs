//! What earlier runs left below `clips`: temporary files, which are removed, and clips.

use std::fs;
use std::path::Path;

use crate::clips::{CLIPS, ClipError, verify};

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

/// The files in a campaign folder that may be clips, relative to it, with `/`; links to folders are
/// not followed, and what cannot be read is left out. Blocking.
#[must_use]
pub fn clips_in(campaign_folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    collect(&campaign_folder.join(CLIPS), CLIPS, &mut found);
    found
}

fn collect(folder: &Path, shown: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = format!("{shown}/{name}");
        // macOS keeps what other file systems cannot in `._beach.mp4`.
        let is_mp4 = Path::new(name).extension().is_some_and(|suffix| suffix == "mp4");
        let is_clip = is_mp4 && !name.starts_with("._");
        if kind.is_dir() {
            collect(&entry.path(), &path, found);
        } else if is_clip {
            found.push(path);
        }
    }
}

/// Whether a file is a whole clip. Blocking.
#[must_use]
pub fn is_whole(file: &Path) -> bool {
    let whole = || {
        let mut file = crate::disk::open_file(file)?;
        let bytes = file.metadata()?.len();
        verify::verify(&mut file, bytes, Some(bytes))
    };
    whole().is_ok_and(|whole: Result<(), String>| whole.is_ok())
}
