//! What the ledger lies on, where that may be why it is damaged, locked or not what it was: a network
//! share, FAT, a folder that a service copies away; and copies of it that such a service made.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::disk::file_system::{Trouble, file_system_of, nearest, trouble};
use crate::ledger::LedgerError;
use crate::report::text::{safe, safe_path};

/// The way out for an error of a ledger, if what it lies on may be the cause.
#[must_use]
pub fn help(error: &LedgerError) -> Option<String> {
    of_path(error.place()?)
}

/// The same for a ledger by its path.
#[must_use]
pub fn of_path(ledger: &Path) -> Option<String> {
    let place = nearest(ledger).ok()?;
    let folder = if place.is_dir() { place.as_path() } else { place.parent()? };
    let kind = file_system_of(folder);
    words(folder, kind.as_deref(), trouble(kind.as_deref(), folder)?)
}

/// What a ledger's folder lies on, what that does to it, and what to type; `None` where it does no harm.
#[must_use]
pub fn words(folder: &Path, file_system: Option<&str>, trouble: Trouble) -> Option<String> {
    let kind = file_system.map(|kind| format!(" ({})", safe(kind))).unwrap_or_default();
    let why = match trouble {
        Trouble::Network => format!("lies on another machine{kind}, where locks may not hold"),
        Trouble::Fat => format!("lies on FAT or exFAT{kind}, which a crash damages easily"),
        Trouble::Synced(service) => {
            format!("is copied away by {service}, which may put back an older ledger")
        }
        Trouble::Memory => return None,
    };
    Some(format!(
        "{} {why}: while no run is at work, move the ledger and its -wal to a local disk and name it \
         there with --ledger FILE; the clips can stay",
        safe_path(folder)
    ))
}

/// Warns of copies that a service made of a ledger because two machines wrote to it.
pub fn warn_of_copies(ledger: &Path) {
    let (Some(folder), Some(name)) = (ledger.parent(), ledger.file_name()) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let names = files.flatten().map(|file| file.file_name());
    let mut copies: Vec<PathBuf> =
        names.filter(|other| is_copy(name, other)).map(|other| folder.join(other)).collect();
    copies.sort();
    for copy in copies {
        tracing::warn!(
            "{} looks like a copy of the ledger that a sync service made because two machines wrote \
             to it; what was bought by the other one may stand only there. Stop the other one, \
             compare both with `rushes report --ledger FILE`, then move the copy away",
            safe_path(&copy)
        );
    }
}

/// Whether a file's name is one that a service gives to a second version of a ledger: Dropbox
/// `ledger (conflicted copy …).sqlite`, `OneDrive` `ledger-DESKTOP.sqlite`, iCloud `ledger 2.sqlite` and
/// `ledger.sqlite.sb-…`, Syncthing `ledger.sync-conflict-….sqlite`.
#[must_use]
pub fn is_copy(ledger: &OsStr, other: &OsStr) -> bool {
    let (ledger, other) = (ledger.to_string_lossy(), other.to_string_lossy());
    if ledger == other {
        return false;
    }
    if other.strip_prefix(&*ledger).is_some_and(|rest| rest.starts_with(".sb-")) {
        return true;
    }
    let Some((stem, extension)) = ledger.rsplit_once('.') else { return false };
    let between = other
        .strip_prefix(stem)
        .and_then(|rest| rest.strip_suffix(extension))
        .and_then(|rest| rest.strip_suffix('.'));
    between.is_some_and(|between| {
        between.starts_with([' ', '-', '(', '_']) || between.starts_with(".sync-conflict-")
    })
}
