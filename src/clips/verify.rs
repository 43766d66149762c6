//! Whether what was received is a whole clip and, when it is not, what it looks like.

use std::io::{self, Read, Seek, SeekFrom};

use crate::domain::sanitize::{is_markup, page, plain};

use super::boxes::{End, header};

/// How much of a file's beginning is looked at, in bytes.
const HEAD: u64 = 4 << 10;
/// The file type must be told within so many bytes.
const FTYP_WITHIN: usize = 64;

/// The most boxes that are looked at.
const MAX_BOXES: u32 = 1 << 16;
/// Only a box of these kinds proves that the file was cut: what looks like any other may be padding.
const KNOWN: [&[u8; 4]; 17] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"meta", b"free", b"skip", b"wide",
    b"udta", b"uuid", b"sidx", b"ssix", b"prft", b"pdin", b"emsg",
];

/// How the boxes of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boxes {
    /// Exactly with the file, and a movie and its pictures are among them.
    Whole,
    /// A box of a known kind claims more bytes than there are.
    Cut,
    /// Neither can be said.
    Odd,
}

/// Looks at a file of `length` bytes of which the host announced `total`. The inner error says, for
/// people, why it is no whole clip. An odd file of the announced length is believed.
///
/// # Errors
/// When the file cannot be read.
pub fn verify(
    file: &mut (impl Read + Seek),
    length: u64,
    total: Option<u64>,
) -> io::Result<Result<(), String>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(Err("the host sent an empty file".to_owned()));
    }
    if !says_its_type(&head) {
        return Ok(Err(format!("the host sent {} instead of a clip", looks(&head))));
    }
    if let Some(total) = total.filter(|total| *total != length) {
        return Ok(Err(format!("received {length} bytes of {total}")));
    }
    Ok(match (walk(file, length)?, total) {
        (Boxes::Whole, _) | (Boxes::Odd, Some(_)) => Ok(()),
        (Boxes::Cut, _) => Err(format!("the clip is cut off after {length} bytes")),
        (Boxes::Odd, None) => Err(format!(
            "the clip may be cut off: its {length} bytes do not end where a clip ends, and the \
             host did not say how long it is"
        )),
    })
}

/// Walks the boxes of a file of `length` bytes.
fn walk(file: &mut (impl Read + Seek), length: u64) -> io::Result<Boxes> {
    let (mut at, mut movie, mut pictures) = (0, false, false);
    for _ in 0..MAX_BOXES {
        if at == length {
            return Ok(if movie && pictures { Boxes::Whole } else { Boxes::Odd });
        }
        let Some(found) = header(file, at, length)? else { return Ok(Boxes::Odd) };
        movie |= found.kind == *b"moov";
        pictures |= found.kind == *b"mdat";
        at = match found.end {
            End::At(end) => end,
            End::Beyond if KNOWN.contains(&&found.kind) => return Ok(Boxes::Cut),
            End::Beyond | End::Open | End::Impossible => return Ok(Boxes::Odd),
        };
    }
    Ok(Boxes::Odd)
}

/// Whether an `ftyp` box begins near the beginning.
fn says_its_type(head: &[u8]) -> bool {
    let mut at = 0;
    while at < FTYP_WITHIN {
        let Some([a, b, c, d, kind @ ..]) = head.get(at..at + 8) else { return false };
        if kind == b"ftyp" {
            return true;
        }
        match u32::from_be_bytes([*a, *b, *c, *d]) as usize {
            size @ 8..=FTYP_WITHIN => at += size,
            _ => return false,
        }
    }
    false
}

/// What a file that is no clip looks like, for people.
fn looks(head: &[u8]) -> String {
    let known: [(&[u8], &str); 9] = [
        (b"\x1a\x45\xdf\xa3", "a WebM or Matroska file"),
        (b"\x1f\x8b", "a gzip file"),
        (b"PK\x03\x04", "a ZIP file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "a RIFF file (AVI or WebP)"),
        (b"%PDF", "a PDF file"),
        (b"#EXTM3U", "a playlist"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    let text = String::from_utf8_lossy(head);
    let lower = text.to_ascii_lowercase();
    let readable = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}').count();
    let named = |name: &str, said: String| {
        if said.is_empty() { name.to_owned() } else { format!("{name}: {said}") }
    };
    if is_markup(&text) && (lower.contains("<html") || lower.contains("<!doctype html")) {
        named("an HTML page", page(&text, 120))
    } else if is_markup(&text) {
        named("an XML document", page(&text, 120))
    } else if text.trim_start().starts_with(['{', '[']) {
        named("JSON", plain(&text, 120))
    } else if readable * 10 > text.chars().count() * 9 {
        named("text", plain(&text, 120))
    } else {
        "something unknown".to_owned()
    }
}
