//! How long a clip is, how large its picture and whether it has sound, read from its movie box. The
//! file may be hostile: only the few boxes that say it are copied, within bounds, and a panic of the
//! parser is caught.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::catch_unwind;

use mp4parse::{MediaContext, SampleEntry, Track, TrackType};

use crate::domain::clip_info::ClipInfo;
use crate::domain::frame_rate::Timing;
use crate::domain::sanitize::plain;

use super::boxes::{BoxHeader, End, header};

/// The most boxes that are looked at.
const MAX_BOXES: u32 = 1 << 12;
/// The most bytes that are copied: an ordinary clip's take some hundred.
const MAX_COPIED: u64 = 256 << 10;
/// A clip of more than a day is none.
const MAX_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// A longer reason is cut, in characters.
const MAX_REASON: usize = 120;

/// Reads the facts of a clip of `length` bytes.
///
/// # Errors
/// Why they cannot be read, for people.
pub fn read(file: &mut (impl Read + Seek), length: u64) -> Result<ClipInfo, Box<str>> {
    info(&parsed(file, length, Depth::Facts)?).map_err(Into::into)
}

/// Reads how many pictures a clip of `length` bytes has, and how fast they follow each other.
///
/// # Errors
/// Why that cannot be read, for people.
pub fn timing(file: &mut (impl Read + Seek), length: u64) -> Result<Timing, Box<str>> {
    let movie = parsed(file, length, Depth::Pictures)?;
    let picture = movie.tracks.iter().find(|track| track.track_type == TrackType::Video);
    let picture = picture.ok_or("it has no picture")?;
    let lengths = picture.stts.iter().flat_map(|table| table.samples.iter());
    let lengths = lengths.map(|sample| (sample.sample_count, sample.sample_delta));
    let timescale = picture.timescale.map_or(0, |scale| scale.0);
    Timing::of(lengths, timescale)
        .ok_or_else(|| "it does not say how fast its pictures follow".into())
}

/// How much of a movie box is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Length, size and sound.
    Facts,
    /// Also the lengths of its pictures.
    Pictures,
}

fn parsed(
    file: &mut (impl Read + Seek),
    length: u64,
    depth: Depth,
) -> Result<MediaContext, Box<str>> {
    let movie = MovieExcerpt::of(file, length, depth)?;
    let parsed = catch_unwind(|| mp4parse::read_mp4(&mut Cursor::new(&movie)))
        .map_err(|_| "what it says of itself makes no sense")?
        .map_err(|error| plain(&format!("{error:?}"), MAX_REASON))?;
    Ok(parsed)
}

fn info(movie: &MediaContext) -> Result<ClipInfo, &'static str> {
    let of = |kind| move |track: &&Track| track.track_type == kind;
    let picture = movie.tracks.iter().find(of(TrackType::Video)).ok_or("it has no picture")?;
    let (width, height) = size(picture).ok_or("it does not say how large its picture is")?;
    let millis = millis(movie, picture).ok_or("it does not say how long it is")?;
    if millis > MAX_MILLIS {
        return Err("it says that it lasts longer than a day");
    }
    let sound = movie.tracks.iter().any(|track| of(TrackType::Audio)(&track));
    Ok(ClipInfo { millis, width, height, sound })
}

/// Width and height in pixels, as they are shown: pixels may be oblong, and a phone's portrait is a
/// landscape on its side.
fn size(picture: &Track) -> Option<(u32, u32)> {
    let coded = picture.stsd.iter().flat_map(|table| table.descriptions.iter());
    let coded = coded.filter_map(|entry| match entry {
        SampleEntry::Video(video) => Some((u32::from(video.width), u32::from(video.height))),
        _ => None,
    });
    let shown = picture.tkhd.as_ref();
    // 16.16 fixed point.
    let told = shown.map(|head| (head.width >> 16, head.height >> 16));
    let mut sizes = told.into_iter().chain(coded);
    let (width, height) = sizes.find(|(width, height)| *width > 0 && *height > 0)?;
    let lies = shown.is_some_and(|head| head.matrix.a == 0 && head.matrix.b != 0);
    Some(if lies { (height, width) } else { (width, height) })
}

/// How long the picture lasts: by its track, else by the movie, whose fragments may come later.
fn millis(movie: &MediaContext, picture: &Track) -> Option<u64> {
    let own = picture.duration.zip(picture.timescale).map(|(time, scale)| (time.0, scale.0));
    let fragments = movie.mvex.as_ref().and_then(|more| more.fragment_duration);
    let whole = fragments.map(|time| time.0).or(picture.tkhd.as_ref().map(|head| head.duration));
    let whole = whole.zip(movie.timescale.map(|scale| scale.0));
    own.into_iter().chain(whole).find_map(|(time, scale)| {
        let millis = u128::from(time) * 1000 / u128::from(scale.max(1));
        (time > 0 && scale > 0).then(|| u64::try_from(millis).unwrap_or(u64::MAX))
    })
}

/// Copies from a file the part of its `moov` box that [`info`] needs, within bounds.
struct MovieExcerpt<'f, F> {
    file: &'f mut F,
    depth: Depth,
    boxes: u32,
    copied: u64,
}

/// A box in a file.
struct Found {
    kind: [u8; 4],
    inside: Range<u64>,
}

impl<'f, F: Read + Seek> MovieExcerpt<'f, F> {
    fn of(file: &'f mut F, length: u64, depth: Depth) -> Result<Vec<u8>, Box<str>> {
        let mut excerpt = Self { file, depth, boxes: 0, copied: 0 };
        let mut at = 0;
        while let Some(found) = excerpt.next(at, length)? {
            if found.kind == *b"moov" {
                return excerpt.copy(&found);
            }
            at = found.inside.end;
        }
        Err("it holds no movie".into())
    }

    /// The box that begins at `at`; `None` where the file or the box around it ends, at `limit`.
    fn next(&mut self, at: u64, limit: u64) -> Result<Option<Found>, Box<str>> {
        let found = header(self.file, at, limit).map_err(|error| error.to_string())?;
        let Some(BoxHeader { kind, start, end }) = found else { return Ok(None) };
        self.boxes += 1;
        if self.boxes > MAX_BOXES {
            return Err("it is made of too many parts".into());
        }
        let inside = match end {
            End::At(end) => start..end,
            End::Open => start..limit,
            End::Beyond | End::Impossible => {
                return Err("its parts do not fit into each other".into());
            }
        };
        Ok(Some(Found { kind, inside }))
    }

    /// A box with what is needed of its inside; empty when nothing is.
    fn copy(&mut self, whole: &Found) -> Result<Vec<u8>, Box<str>> {
        let mut inside = Vec::new();
        let mut at = whole.inside.start;
        while let Some(found) = self.next(at, whole.inside.end)? {
            at = found.inside.end;
            match (&whole.kind, &found.kind) {
                (b"moov", b"trak")
                | (b"trak", b"mdia")
                | (b"mdia", b"minf")
                | (b"minf", b"stbl") => inside.append(&mut self.copy(&found)?),
                (b"moov", b"mvhd" | b"mvex")
                | (b"trak", b"tkhd")
                | (b"mdia", b"mdhd" | b"hdlr")
                | (b"stbl", b"stsd") => {
                    let bytes = self.take(found.inside)?;
                    boxed(found.kind, &bytes, &mut inside);
                }
                (b"stbl", b"stts") if self.depth == Depth::Pictures => {
                    let bytes = self.take(found.inside)?;
                    boxed(found.kind, &bytes, &mut inside);
                }
                _ => {}
            }
        }
        let mut copy = Vec::with_capacity(inside.len() + 8);
        boxed(whole.kind, &inside, &mut copy);
        Ok(copy)
    }

    /// Bytes of the file.
    fn take(&mut self, range: Range<u64>) -> Result<Vec<u8>, Box<str>> {
        let length = range.end - range.start;
        self.copied += length;
        if self.copied > MAX_COPIED {
            return Err("what it says of itself is too long".into());
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file
            .seek(SeekFrom::Start(range.start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

/// Writes a box, which is smaller than [`MAX_COPIED`].
fn boxed(kind: [u8; 4], inside: &[u8], out: &mut Vec<u8>) {
    let size = u32::try_from(inside.len() + 8).unwrap_or(u32::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(inside);
}
