//! What a folder lies on: the kind of file system, how much room there is, and whether files there
//! are kept by more than this machine. As far as the system and the folder's name tell.

use std::io;
use std::path::{Path, PathBuf};

/// What may go wrong with files at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another machine keeps them: locks may not hold, and a lost connection stops the run.
    Network,
    /// FAT or exFAT: no locks that outlive a crash, and names that differ only in case are one.
    Fat,
    /// In memory: gone when the machine restarts.
    Memory,
    /// A service copies them away while they are written, and may put back older ones.
    Synced(&'static str),
}

/// What may go wrong with files on a file system of this type below this path.
#[must_use]
pub fn trouble(file_system: Option<&str>, path: &Path) -> Option<Trouble> {
    let kind = file_system.unwrap_or_default();
    let network = ["nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"];
    let remote = ["fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs", "davfs", "webdav"];
    if network.iter().chain(&remote).any(|name| kind.starts_with(name)) {
        Some(Trouble::Network)
    } else if let Some(service) = synced_by(path) {
        Some(Trouble::Synced(service))
    } else if matches!(kind, "exfat" | "vfat" | "msdos" | "fuse.exfat") {
        Some(Trouble::Fat)
    } else if matches!(kind, "tmpfs" | "ramfs") {
        Some(Trouble::Memory)
    } else {
        None
    }
}

/// The service that copies a folder away, by the names that such services give their folders.
fn synced_by(path: &Path) -> Option<&'static str> {
    path.components().find_map(|part| {
        let name = part.as_os_str().to_string_lossy();
        let begins = |with: &str| name == with || name.starts_with(&format!("{with} "));
        let services = [
            ("Dropbox", "Dropbox"),
            ("OneDrive", "OneDrive"),
            ("Google Drive", "Google Drive"),
            ("GoogleDrive", "Google Drive"),
            ("Mobile Documents", "iCloud"),
            ("iCloud Drive", "iCloud"),
            ("Nextcloud", "Nextcloud"),
            ("pCloudDrive", "pCloud"),
            ("CloudStorage", "a cloud service"),
        ];
        let dashed = |with: &str| name.starts_with(&format!("{with}-"));
        services.iter().find(|(with, _)| begins(with) || dashed(with)).map(|(_, service)| *service)
    })
}

/// The type of the file system that a path lies on, such as `ext4` or `nfs4`; `None` where the system
/// does not tell. The path must be absolute, with no links in it.
#[must_use]
pub fn file_system_of(path: &Path) -> Option<String> {
    mounted_as(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, path)
}

/// The type of the file system that a path lies on, by the text of Linux's `mountinfo`: the last
/// mount among those with the longest path above it.
#[must_use]
pub fn mounted_as(mountinfo: &str, path: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (left.split(' ').nth(4), right.split(' ').next()) else {
            continue;
        };
        let point = PathBuf::from(unescaped(point));
        let depth = point.components().count();
        if path.starts_with(&point) && found.is_none_or(|(longest, _)| depth >= longest) {
            found = Some((depth, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// Blanks stand as octal numbers there.
fn unescaped(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

/// A path's nearest folder that is there, without links.
///
/// # Errors
/// When none can be looked at.
pub fn nearest(path: &Path) -> io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for above in whole.ancestors() {
        match std::fs::canonicalize(above) {
            Ok(found) => return Ok(found),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// How many bytes this user may still write where a path lies.
///
/// # Errors
/// When the system does not tell.
pub fn room(path: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(path)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// Whether this user may write into a folder, by its permissions; nothing is written.
///
/// # Errors
/// When it may not, or the folder is on a disk that is read only.
pub fn may_write(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}
