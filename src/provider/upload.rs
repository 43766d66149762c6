//! Local files that are sent to the gateway before a request names them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::catalog::hex;
use crate::domain::shot::{FileKind, LocalFile};

/// Which local files are sent first, and what becomes of them there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// The most bytes of a picture that a request carries itself.
    pub inline_bytes: u64,
    /// The most bytes of a file that is taken.
    pub max_bytes: u64,
    /// How long files are kept.
    pub lifetime: Duration,
}

impl UploadLimits {
    /// Whether a file is sent first.
    #[must_use]
    pub fn takes(&self, file: &LocalFile) -> bool {
        file.kind == FileKind::Video || file.bytes > self.inline_bytes
    }
}

/// A local file on its way to the gateway.
#[derive(Clone)]
pub struct FileUpload {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub bytes: Bytes,
}

/// Without the bytes.
impl fmt::Debug for FileUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileUpload({}, {} bytes)", hex(&self.sha256), self.bytes.len())
    }
}

/// Kinds of files by where a mark stands, the mark, how names end, and the media type.
const KINDS: [(usize, &[u8], &str, &str); 5] = [
    (0, b"\x89PNG", "png", "image/png"),
    (0, b"\xff\xd8\xff", "jpg", "image/jpeg"),
    (8, b"WEBP", "webp", "image/webp"),
    (4, b"ftypqt", "mov", "video/quicktime"),
    (4, b"ftyp", "mp4", "video/mp4"),
];

impl FileUpload {
    /// A file name that says nothing about this machine, and the media type, both by what the file is.
    #[must_use]
    pub fn name_and_type(&self) -> (String, &'static str) {
        let is = |(at, mark, ..): &&(usize, &[u8], &str, &str)| {
            self.bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark))
        };
        // A QuickTime film without a type box, as old ones are, has no mark.
        let (_, _, end, media_type) = KINDS.iter().find(is).unwrap_or(&KINDS[3]);
        let name = hex(&self.sha256);
        (format!("{}.{end}", &name[..32]), media_type)
    }
}
