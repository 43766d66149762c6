//! What earlier runs left below `clips`: temporary files, which are removed, and clips.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::clips::{CLIPS, ClipError, verify};

use super::temporary::{PREFIX, SUFFIX};

/// Which temporary files a store removes when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// All: only this process makes any there.
    All,
    /// Those that were not written to for an hour: other workers may share the folder.
    Old,
}

/// Files that were not written to for so long are of processes that are gone.
const OLD: Duration = Duration::from_secs(3600);

impl Sweep {
    fn takes(self, entry: &fs::DirEntry) -> bool {
        let written = || entry.metadata()?.modified();
        let is_old = |written: SystemTime| written.elapsed().is_ok_and(|since| since > OLD);
        self == Self::All || written().is_ok_and(is_old)
    }
}

/// Removes the temporary files below a folder.
pub(super) fn sweep(folder: &Path, which: Sweep) -> Result<(), ClipError> {
    let at = ClipError::disk(folder);
    for entry in fs::read_dir(folder).map_err(&at)? {
        let entry = entry.map_err(&at)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(&at)?);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() {
            sweep(&path, which)?;
        } else if kind.is_file()
            && name.starts_with(PREFIX)
            && name.ends_with(SUFFIX)
            && which.takes(&entry)
        {
            match fs::remove_file(&path) {
                // Another worker has swept it.
                Err(error) if which == Sweep::Old && error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(ClipError::disk(&path))?,
            }
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
