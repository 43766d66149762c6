//! PNG: chunks of a length, a name, data and a checksum, from `IHDR` to `IEND`.

use std::io::{self, Read, Seek};

use super::{Flaw, MAX_STEPS, Picture, bytes_at, exif, some_at};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The first chunk's length and name.
const FIRST: &[u8; 8] = b"\0\0\0\x0dIHDR";
/// The first chunk of what Apple makes of PNGs for its phones.
const APPLES: &[u8] = b"CgBI";
/// The last chunk, whole.
const LAST: &[u8; 12] = b"\0\0\0\0IEND\xae\x42\x60\x82";
/// EXIF data are short.
const MAX_EXIF: usize = 64 * 1024;

pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Picture> {
    let Some(head) = bytes_at::<33>(file, 0)? else {
        let head = some_at(file, 8, 8)?;
        let is_cut = FIRST.starts_with(&head);
        return Ok(if is_cut { Picture::CUT } else { Picture::HEADLESS });
    };
    if head.get(12..16) == Some(APPLES) {
        return Ok(Picture::UNKNOWN);
    }
    if head.get(8..16) != Some(FIRST.as_slice()) {
        return Ok(Picture::HEADLESS);
    }
    let side = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let size = side(16).zip(side(20)).filter(|(width, height)| *width > 0 && *height > 0);
    let is_ended = bytes_at::<12>(file, bytes.saturating_sub(12))? == Some(*LAST);
    let (orientation, is_whole) = walk(file, bytes, is_ended)?;
    let flaw = match size {
        None => Some(Flaw::Headless),
        Some(_) => (!is_whole).then_some(Flaw::Cut),
    };
    Ok(Picture { size, orientation, flaw })
}

/// Goes from chunk to chunk: the orientation, and whether the last chunk is there. What is known to
/// be whole is only followed to its pixels.
fn walk(file: &mut (impl Read + Seek), bytes: u64, is_ended: bool) -> io::Result<(u8, bool)> {
    let mut at = 8;
    let mut orientation = 1;
    for _ in 0..MAX_STEPS {
        let Some([a, b, c, d, name @ ..]) = bytes_at::<8>(file, at)? else {
            return Ok((orientation, is_ended));
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let end = at + 12 + u64::from(length);
        match &name {
            b"IDAT" if is_ended => break,
            _ if end > bytes => return Ok((orientation, is_ended)),
            b"IEND" => break,
            b"eXIf" => {
                let most = MAX_EXIF.min(usize::try_from(length).unwrap_or(MAX_EXIF));
                orientation = exif::orientation(&some_at(file, at + 8, most)?);
            }
            _ => {}
        }
        at = end;
    }
    Ok((orientation, true))
}
