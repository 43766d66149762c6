//! JPEG: segments of a marker, a length and data up to the pixels, which end with a marker of their
//! own.

use std::io::{self, Read, Seek, SeekFrom};

use super::{MAX_STEPS, Picture, bytes_at, exif, read, some_at};

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Picture> {
    let mut found = Picture::UNKNOWN;
    let mut at = 2;
    for _ in 0..MAX_STEPS {
        let Some([fill, marker]) = bytes_at::<2>(file, at)? else {
            return Ok(Picture { is_cut: true, ..found });
        };
        match (fill, marker) {
            // Any number of 0xFF may stand before a marker.
            (0xff, 0xff) => at += 1,
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, 0xc0..=0xfe) if marker != 0xd9 => {
                let Some([high, low]) = bytes_at::<2>(file, at + 2)? else {
                    return Ok(Picture { is_cut: true, ..found });
                };
                let length = u64::from(u16::from_be_bytes([high, low]));
                let end = at + 2 + length;
                if end > bytes {
                    return Ok(Picture { is_cut: true, ..found });
                }
                match marker {
                    0xda => {
                        found.is_cut = !has_end(file, end, bytes)?;
                        return Ok(found);
                    }
                    0xe1 => {
                        let data = some_at(file, at + 4, usize::try_from(length).unwrap_or(0))?;
                        if data.starts_with(b"Exif\0\0") {
                            found.orientation = exif::orientation(&data);
                        }
                    }
                    0xc4 | 0xc8 | 0xcc => {}
                    0xc0..=0xcf => found.size = size(bytes_at::<5>(file, at + 4)?),
                    _ => {}
                }
                at = end;
            }
            _ => return Ok(found),
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
    Ok(finds_end(file, tail)? || (tail > from && finds_end(file, from)?))
}

fn finds_end(file: &mut (impl Read + Seek), from: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut last = 0;
    loop {
        let count = read(file, &mut buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        let Some(first) = part.first() else { return Ok(false) };
        if (last, *first) == (0xff, 0xd9) || part.windows(2).any(|two| two == [0xff, 0xd9]) {
            return Ok(true);
        }
        last = part.last().copied().unwrap_or(0);
    }
}
