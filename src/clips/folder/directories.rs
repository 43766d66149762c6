//! The folders below `clips`: each is opened, or made, once and then held open.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clips::{CLIPS, ClipError};

use super::directory::Directory;

/// The most folders that are held open.
const MAX_OPEN: usize = 128;

/// Where a clip goes.
#[derive(Clone, Debug)]
pub(super) struct ClipPlace {
    /// Its path relative to the campaign folder, as the ledger has it.
    pub path: String,
    /// Its folder, relative to `clips`; empty for that one.
    pub folder: PathBuf,
    /// Its name there.
    pub name: std::ffi::OsString,
}

impl ClipPlace {
    /// Where a path goes, if it stays below `clips`.
    pub(super) fn of(path: &str) -> Result<Self, ClipError> {
        let mut parts = Path::new(path).components();
        let below = parts.next() == Some(Component::Normal(CLIPS.as_ref()));
        let within = parts.as_path().to_owned();
        let plain = parts.all(|part| matches!(part, Component::Normal(_)));
        match (within.parent(), within.file_name()) {
            (Some(folder), Some(name)) if below && plain => {
                let (folder, name) = (folder.to_owned(), name.to_owned());
                Ok(Self { path: path.to_owned(), folder, name })
            }
            _ => {
                let source =
                    io::Error::new(io::ErrorKind::InvalidInput, "does not lie below clips/");
                Err(ClipError::Disk { path: path.into(), source })
            }
        }
    }

    /// The path of another file in the same folder, relative to the campaign folder.
    pub(super) fn beside(&self, name: &str) -> String {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{name}")
    }
}

/// The folders of clips of a campaign.
pub(super) struct Directories {
    clips: PathBuf,
    open: Mutex<HashMap<PathBuf, Arc<Directory>>>,
}

impl Directories {
    /// Those below `clips`, which must be there.
    pub(super) fn new(clips: PathBuf) -> Self {
        Self { clips, open: Mutex::default() }
    }

    /// What went wrong with a clip's file.
    pub(super) fn error_at<'a>(
        &'a self,
        place: &'a ClipPlace,
    ) -> impl Fn(io::Error) -> ClipError + 'a {
        |source| ClipError::Disk { path: self.clips.join(&place.folder).join(&place.name), source }
    }

    /// A folder below `clips` that is in place now; made anew where it is missing.
    pub(super) fn make(&self, folder: &Path) -> Result<Arc<Directory>, ClipError> {
        let missing = || self.failed(folder)(io::ErrorKind::NotFound.into());
        self.get(folder, true)?.ok_or_else(missing)
    }

    /// A folder below `clips` that is in place now, if there is one.
    pub(super) fn find(&self, folder: &Path) -> Result<Option<Arc<Directory>>, ClipError> {
        self.get(folder, false)
    }

    fn get(&self, folder: &Path, make: bool) -> Result<Option<Arc<Directory>>, ClipError> {
        let known = self.open().get(folder).map(Arc::clone);
        if let Some(known) = known
            && known.is_in_place().map_err(self.failed(folder))?
        {
            return Ok(Some(known));
        }
        let opened = match (folder.parent(), folder.file_name()) {
            (Some(parent), Some(name)) => {
                let Some(parent) = self.get(parent, make)? else { return Ok(None) };
                parent.child(name, make).map_err(self.failed(folder))?
            }
            _ => Some(Directory::open(&self.clips).map_err(self.failed(folder))?),
        };
        let Some(opened) = opened.map(Arc::new) else { return Ok(None) };
        let mut open = self.open();
        if open.len() >= MAX_OPEN {
            open.clear();
        }
        open.insert(folder.to_owned(), Arc::clone(&opened));
        Ok(Some(opened))
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Directory>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed<'a>(&'a self, folder: &'a Path) -> impl Fn(io::Error) -> ClipError + 'a {
        move |source| ClipError::Disk { path: self.clips.join(folder), source }
    }
}
