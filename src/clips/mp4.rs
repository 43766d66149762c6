//! The top-level boxes of an ISO-BMFF file, walked within bounds: enough to tell a whole file from
//! one that was cut, without believing anything else it says.

use std::io::{self, Read, Seek, SeekFrom};

/// How the boxes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boxes {
    /// Exactly with the file, and a movie and its pictures are among them.
    Whole,
    /// A box that is known claims more bytes than there are.
    Cut,
    /// Neither can be said.
    Odd,
}

/// The most boxes that are looked at.
const MOST_BOXES: u32 = 1 << 16;
/// An unknown box is no proof of anything: what looks like one may be padding.
const KNOWN: [&[u8; 4]; 17] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"meta", b"free", b"skip", b"wide",
    b"udta", b"uuid", b"sidx", b"ssix", b"prft", b"pdin", b"emsg",
];

/// Walks the boxes of a file of `length` bytes.
pub(super) fn walk(file: &mut (impl Read + Seek), length: u64) -> io::Result<Boxes> {
    let (mut at, mut movie, mut pictures) = (0, false, false);
    for _ in 0..MOST_BOXES {
        let left = length - at;
        if left == 0 {
            return Ok(if movie && pictures { Boxes::Whole } else { Boxes::Odd });
        }
        if left < 8 {
            return Ok(Boxes::Odd);
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut small, mut kind) = ([0; 4], [0; 4]);
        file.read_exact(&mut small)?;
        file.read_exact(&mut kind)?;
        movie |= kind == *b"moov";
        pictures |= kind == *b"mdat";
        let (size, least) = match u32::from_be_bytes(small) {
            // To the end of the file, wherever that is.
            0 => return Ok(Boxes::Odd),
            1 if left < 16 => return Ok(beyond(kind)),
            1 => {
                let mut large = [0; 8];
                file.read_exact(&mut large)?;
                (u64::from_be_bytes(large), 16)
            }
            size => (u64::from(size), 8),
        };
        if size < least {
            return Ok(Boxes::Odd);
        }
        if size > left {
            return Ok(beyond(kind));
        }
        at += size;
    }
    Ok(Boxes::Odd)
}

/// A box reaches beyond the end of the file.
fn beyond(kind: [u8; 4]) -> Boxes {
    if KNOWN.contains(&&kind) { Boxes::Cut } else { Boxes::Odd }
}
