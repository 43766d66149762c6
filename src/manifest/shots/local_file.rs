//! What is said of any local file that cannot be sent.

use std::io;
use std::path::Path;

/// What is wrong with a file, and the way out.
pub(super) type ImageError = (String, &'static str);

/// How a file becomes whole.
pub(super) const WHOLE: &str = "copy or export it again; a file that a sync service keeps online \
                                must be fetched to this machine first";

/// Why a file cannot be read. `openable` tells to write the path of one that can.
pub(super) fn unreadable(path: &Path, error: &io::Error, openable: &'static str) -> ImageError {
    if error.kind() == io::ErrorKind::NotFound {
        let fix = if path.components().any(|part| part.as_os_str() == "~") {
            "`~` is not known here; write the whole path"
        } else {
            "paths begin at the manifest's folder; look for the name and the folder"
        };
        return (format!("there is no file {}", path.display()), fix);
    }
    (format!("{} cannot be read: {error}", path.display()), openable)
}
