//! WebP: chunks of a name, a length and data in a RIFF file that says how long it is.

use std::io::{self, Read, Seek};

use super::{Flaw, MAX_STEPS, Picture, bytes_at, exif, some_at};

/// EXIF data are short.
const MAX_EXIF: usize = 64 * 1024;

pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Picture> {
    let Some(head) = bytes_at::<12>(file, 0)? else { return Ok(Picture::CUT) };
    let end = 8 + length(&head);
    let mut found = Picture::UNKNOWN;
    let mut at = 12;
    for _ in 0..MAX_STEPS {
        let Some(chunk) = bytes_at::<8>(file, at)? else { break };
        let length = length(&chunk);
        match chunk.get(..4).unwrap_or_default() {
            b"VP8X" => found.size = canvas(&some_at(file, at + 8, 10)?),
            b"VP8 " => found.size = found.size.or(lossy(&some_at(file, at + 8, 10)?)),
            b"VP8L" => found.size = found.size.or(lossless(&some_at(file, at + 8, 5)?)),
            b"EXIF" => {
                let most = MAX_EXIF.min(usize::try_from(length).unwrap_or(MAX_EXIF));
                found.orientation = exif::orientation(&some_at(file, at + 8, most)?);
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    found.flaw = match found.size {
        _ if end > bytes => Some(Flaw::Cut),
        None => Some(Flaw::Headless),
        Some(_) => None,
    };
    Ok(found)
}

/// The length that stands behind a chunk's name.
fn length(chunk: &[u8]) -> u64 {
    let bytes = chunk.get(4..).and_then(<[u8]>::first_chunk::<4>);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes).into())
}

/// The size of an extended file: two numbers of 24 bits, each one less.
fn canvas(data: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| {
        let [low, middle, high] = *data.get(at..)?.first_chunk::<3>()?;
        Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
    };
    side(4).zip(side(7))
}

/// The size of a lossy picture: 14 bits each, behind a start code.
fn lossy(data: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d] = *data.first_chunk::<10>()? else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some((side(a, b), side(c, d))).filter(|(width, height)| *width > 0 && *height > 0)
}

/// The size of a lossless picture: 14 bits each, each one less.
fn lossless(data: &[u8]) -> Option<(u32, u32)> {
    let [0x2f, bits @ ..] = *data.first_chunk::<5>()? else { return None };
    let bits = u32::from_le_bytes(bits);
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}
