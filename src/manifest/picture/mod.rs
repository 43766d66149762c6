//! What a picture's file says of itself: its kind, its size in pixels, whether it is marked as turned,
//! and whether it is whole. Reads headers, never pixels.

mod exif;
mod jpeg;
mod png;
mod webp;

use std::io::{self, Read, Seek, SeekFrom};

/// What is known of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels as they are stored; `None`: the file does not say.
    pub size: Option<(u32, u32)>,
    /// The orientation by EXIF, 1 to 8; 1 is upright, and so is a picture that does not say.
    pub orientation: u8,
    /// Why it is no whole picture, if that shows.
    pub flaw: Option<Flaw>,
}

/// Why a file is no whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It ends before the picture does.
    Cut,
    /// It begins as a picture does, and holds none: the part that says how big it is is not there.
    Headless,
}

impl Picture {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { size: None, orientation: 1, flaw: None };
    /// The file ends too early to say anything.
    const CUT: Self = Self { flaw: Some(Flaw::Cut), ..Self::UNKNOWN };
    /// The file holds no picture.
    const HEADLESS: Self = Self { flaw: Some(Flaw::Headless), ..Self::UNKNOWN };
}

/// How many chunks or segments of a file are looked at.
const MAX_STEPS: usize = 100_000;

/// Whether a file that begins so is a picture that gateways take: PNG, JPEG or WebP.
#[must_use]
pub fn is_picture(head: &[u8]) -> bool {
    head.starts_with(png::SIGNATURE)
        || head.starts_with(jpeg::SIGNATURE)
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
}

/// Looks at a picture of that many bytes that begins as [`is_picture`] says.
///
/// # Errors
/// When it cannot be read.
pub fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Picture> {
    let mut head = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    let count = read(file, &mut head)?;
    let head = head.get(..count).unwrap_or_default();
    match head {
        _ if head.starts_with(png::SIGNATURE) => png::inspect(file, bytes),
        _ if head.starts_with(jpeg::SIGNATURE) => jpeg::inspect(file, bytes),
        _ => webp::inspect(file, bytes),
    }
}

/// What a file is that begins so and is no picture that gateways take; `None`: not known.
#[must_use]
pub fn other_kind(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        let brand = head.get(8..12).unwrap_or_default();
        return Some(match brand {
            b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
                "a HEIC photo, as phones take them"
            }
            b"avif" | b"avis" => "an AVIF image",
            _ => "a video",
        });
    }
    let text = head.trim_ascii_start().get(..5).unwrap_or_default().to_ascii_lowercase();
    let known: [(&[u8], &str); 9] = [
        (b"GIF8", "a GIF"),
        (b"BM", "a BMP image"),
        (b"II*\0", "a TIFF or a camera's raw image"),
        (b"MM\0*", "a TIFF or a camera's raw image"),
        (b"8BPS", "a Photoshop document"),
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1aE\xdf\xa3", "a video"),
        (b"version https://git-lfs", "the pointer of a file that Git LFS has not fetched"),
    ];
    let magic = known.into_iter().find(|(magic, _)| head.starts_with(magic));
    match magic {
        Some((_, kind)) => Some(kind),
        None if text == b"<!doc" || text == b"<html" => Some("a web page"),
        None if text.starts_with(b"<svg") => Some("an SVG drawing"),
        None if head.len() >= 8 && head.iter().all(|byte| *byte == 0) => {
            Some("a file of zeros, as sync services leave them for files that are not fetched yet")
        }
        None => None,
    }
}

/// Fills the buffer as far as the file goes.
fn read(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Exactly so many bytes from a place on; `None`: the file ends before.
fn bytes_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[u8; N]>> {
    let mut buffer = [0; N];
    file.seek(SeekFrom::Start(at))?;
    let whole = read(file, &mut buffer)? == N;
    Ok(whole.then_some(buffer))
}

/// At most so many bytes from a place on.
fn some_at(file: &mut (impl Read + Seek), at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; most];
    file.seek(SeekFrom::Start(at))?;
    let count = read(file, &mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}
