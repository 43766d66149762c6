//! The boxes that an ISO-BMFF file (MP4) is made of. A header is read and held against the length
//! of what the box lies in; nothing else that the file says is believed.

use std::io::{self, Read, Seek, SeekFrom};

/// A box's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoxHeader {
    /// What is in it: `moov`, `mdat`, ….
    pub kind: [u8; 4],
    /// Where its content begins.
    pub start: u64,
    /// Where its content ends.
    pub end: End,
}

/// Where a box's content ends, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At this place, within what the box lies in.
    At(u64),
    /// With what the box lies in, wherever that ends.
    Open,
    /// Beyond what the box lies in.
    Beyond,
    /// Before its own header ends.
    Impossible,
}

/// Reads the header of the box that begins at `at` in a file, or in a box, that ends at `end`;
/// `None` when what is left is too short for a header.
pub(super) fn header(
    file: &mut (impl Read + Seek),
    at: u64,
    end: u64,
) -> io::Result<Option<BoxHeader>> {
    let left = end.saturating_sub(at);
    if left < 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let (mut small, mut kind) = ([0; 4], [0; 4]);
    file.read_exact(&mut small)?;
    file.read_exact(&mut kind)?;
    let (length, size) = match u32::from_be_bytes(small) {
        0 => (8, None),
        1 if left < 16 => (8, Some(u64::MAX)),
        1 => {
            let mut large = [0; 8];
            file.read_exact(&mut large)?;
            (16, Some(u64::from_be_bytes(large)))
        }
        size => (8, Some(u64::from(size))),
    };
    let end = match size {
        None => End::Open,
        Some(size) if size < length => End::Impossible,
        Some(size) if size > left => End::Beyond,
        Some(size) => End::At(at + size),
    };
    Ok(Some(BoxHeader { kind, start: at + length, end }))
}
