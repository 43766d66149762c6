//! Local videos: checks that a file is a whole MP4 or MOV of a size that can be sent, and hashes it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::local_file::{ImageError, WHOLE, unreadable};
use crate::catalog::VideoLimits;
use crate::disk;
use crate::manifest::picture;

/// What is known of a video's contents: its hash and its length.
pub(super) type KnownVideo = Result<([u8; 32], u64), ImageError>;

/// What to write in place of a file that cannot be read.
const OPENABLE: &str = "write the path of an MP4 or MOV file that you can open";
/// What to do with a file of another kind.
const SAVE: &str = "save it as an MP4 or MOV, and write that file's path";
/// The boxes that old films begin with.
const OLD_FILMS: [&[u8]; 5] = [b"moov", b"mdat", b"wide", b"free", b"skip"];
/// How many boxes of a file are looked at.
const MAX_BOXES: u32 = 10_000;

/// Checks and hashes a video. Blocking.
pub(super) fn read(path: &Path, limits: Option<&VideoLimits>) -> KnownVideo {
    let unreadable = |error| unreadable(path, &error, OPENABLE);
    let mut file = disk::open_file(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let shown = path.display();
    if bytes == 0 {
        let fix = "export the video again, or write another path";
        return Err((format!("{shown} is an empty file"), fix));
    }
    let head = head(&mut file).map_err(unreadable)?;
    if !is_video(&head) {
        let other = picture::other_kind(&head).filter(|kind| *kind != "a video");
        let kind = if picture::is_picture(&head) { Some("a picture") } else { other };
        let is = kind.map_or_else(String::new, |kind| format!("{kind}, "));
        return Err((format!("{shown} is {is}not an MP4 or MOV video"), SAVE));
    }
    if let Some(limits) = limits.filter(|limits| bytes > limits.bytes) {
        let (size, most) = (bytes.div_ceil(1_000_000), limits.bytes / 1_000_000);
        let what =
            format!("{shown} is too big: {size} MB; the gateway takes videos of up to {most}");
        return Err((what, "make it smaller or shorter, or write its https:// address"));
    }
    if is_cut(&mut file, bytes).map_err(unreadable)? {
        return Err((format!("{shown} is cut off: the file ends before the video does"), WHOLE));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    // Not more than was looked at: a file that grows meanwhile is found out when it is sent.
    hash(&mut file.take(bytes)).map_err(unreadable)
}

/// The SHA-256 and the length of what is left of a file.
fn hash(file: &mut impl Read) -> io::Result<([u8; 32], u64)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok((hash.finalize().into(), bytes)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
}

fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(64);
    file.by_ref().take(64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a file that begins so is an MP4 or a MOV.
fn is_video(head: &[u8]) -> bool {
    let (kind, brand) = (head.get(4..8).unwrap_or_default(), head.get(8..12).unwrap_or_default());
    if kind == b"ftyp" {
        // Photos and songs come in the same boxes.
        return picture::other_kind(head) == Some("a video") && !brand.starts_with(b"M4A");
    }
    OLD_FILMS.contains(&kind)
}

/// Whether a file of so many bytes ends within a box, or before it has told where its pictures are.
fn is_cut(file: &mut File, bytes: u64) -> io::Result<bool> {
    let (mut at, mut has_index) = (0_u64, false);
    for _ in 0..MAX_BOXES {
        if at >= bytes {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let read = head.len().min(usize::try_from(bytes - at).unwrap_or(usize::MAX));
        let Some(start) = head.get_mut(..read).filter(|start| start.len() >= 8) else {
            // A few bytes behind the last box harm nothing.
            break;
        };
        file.read_exact(start)?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _] = head;
        has_index |= kind == *b"moov";
        let length = match u32::from_be_bytes([a, b, c, d]) {
            // To the end of the file.
            0 => bytes - at,
            1 => u64::from_be_bytes([8, 9, 10, 11, 12, 13, 14, 15].map(|at: usize| head[at])),
            length => length.into(),
        };
        if length < 8 {
            break;
        }
        at = at.saturating_add(length);
    }
    Ok(at > bytes || !has_index)
}
