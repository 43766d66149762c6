//! JPEG: segments of a marker, a length and data up to the pixels, which end with a marker of their
//! own.

use std::io::{self, Read, Seek, SeekFrom};

use super::{Flaw, MAX_STEPS, Picture, bytes_at, exif, read, some_at};

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Picture> {
    let mut found = Picture::UNKNOWN;
    // A frame may leave its height to be told behind the pixels.
    let mut has_frame = false;
    let mut at = 2;
    for _ in 0..MAX_STEPS {
        let cut = Picture { flaw: Some(Flaw::Cut), ..found };
        let Some([fill, marker]) = bytes_at::<2>(file, at)? else {
            return Ok(cut);
        };
        match (fill, marker) {
            // Any number of 0xFF may stand before a marker.
            (0xff, 0xff) => at += 1,
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, 0xc0..=0xfe) if marker != 0xd9 => {
                let Some([high, low]) = bytes_at::<2>(file, at + 2)? else {
                    return Ok(cut);
                };
                let length = u64::from(u16::from_be_bytes([high, low]));
                let end = at + 2 + length;
                if end > bytes {
                    return Ok(cut);
                }
                match marker {
                    0xda => {
                        let is_cut = !has_end(file, end, bytes)?;
                        let headless = (!has_frame).then_some(Flaw::Headless);
                        found.flaw = headless.or(is_cut.then_some(Flaw::Cut));
                        return Ok(found);
                    }
                    0xe1 => {
                        let data = some_at(file, at + 4, usize::try_from(length).unwrap_or(0))?;
                        if data.starts_with(b"Exif\0\0") {
                            found.orientation = exif::orientation(&data);
                        }
                    }
                    0xc4 | 0xc8 | 0xcc => {}
                    0xc0..=0xcf => {
                        has_frame = true;
                        found.size = size(bytes_at::<5>(file, at + 4)?);
                    }
                    _ => {}
                }
                at = end;
            }
            // No marker. Where a frame is still to come, decoders look for it.
            _ if has_frame || has_frame_behind(file, at)? => return Ok(found),
            _ => return Ok(Picture { flaw: Some(Flaw::Headless), ..found }),
        }
    }
    Ok(found)
}

/// Width and height in a frame's header: precision, height, width.
fn size(header: Option<[u8; 5]>) -> Option<(u32, u32)> {
    let [_, a, b, c, d] = header?;
    let (height, width) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    (height > 0 && width > 0).then_some((width.into(), height.into()))
}

/// Whether the marker of the end stands somewhere behind the pixels' beginning. Most often it is in
/// the last bytes.
fn has_end(file: &mut (impl Read + Seek), from: u64, bytes: u64) -> io::Result<bool> {
    const TAIL: u64 = 64 * 1024;
    let tail = bytes.saturating_sub(TAIL).max(from);
    let is_end = |marker: u8| marker == 0xd9;
    Ok(finds(file, tail, is_end)? || (tail > from && finds(file, from, is_end)?))
}

/// Whether something from there on may be the header of a frame.
fn has_frame_behind(file: &mut (impl Read + Seek), from: u64) -> io::Result<bool> {
    finds(file, from, |marker| matches!(marker, 0xc0..=0xc2))
}

/// Whether there is a marker of a kind from there on.
fn finds(file: &mut (impl Read + Seek), from: u64, is_it: impl Fn(u8) -> bool) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut last = 0;
    loop {
        let count = read(file, &mut buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        let Some(first) = part.first() else { return Ok(false) };
        let is_marker = |two: &[u8]| matches!(two, [0xff, marker] if is_it(*marker));
        if is_marker(&[last, *first]) || part.windows(2).any(is_marker) {
            return Ok(true);
        }
        last = part.last().copied().unwrap_or(0);
    }
}
