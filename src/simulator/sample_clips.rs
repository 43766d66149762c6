//! Clips that play: short loops of picture and sound, repeated to any whole number of seconds and
//! written as an MP4 file. Pure; knows neither tasks nor faults.

use std::sync::LazyLock;

/// The picture's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// 16:9.
    Landscape,
    /// 9:16.
    Portrait,
    /// 1:1.
    Square,
}

impl Shape {
    /// The shape nearest to an `aspect_ratio` such as `9:16`; landscape when it cannot be read.
    pub(super) fn nearest(ratio: &str) -> Self {
        match sides(ratio) {
            Some((width, height)) if u32::from(width) * 5 < u32::from(height) * 4 => Self::Portrait,
            Some((width, height)) if u32::from(width) * 4 <= u32::from(height) * 5 => Self::Square,
            _ => Self::Landscape,
        }
    }
}

/// The sides of an `aspect_ratio` such as `9:16`.
pub(super) fn sides(ratio: &str) -> Option<(u16, u16)> {
    let (width, height) = ratio.split_once(':')?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// What a clip shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Film {
    /// Its length.
    pub seconds: u32,
    /// Its picture.
    pub shape: Shape,
    /// Width and height as they were asked for: there are three loops only, so that the picture is
    /// stretched to any other shape when it is shown.
    #[serde(default)]
    pub ratio: Option<(u16, u16)>,
    /// Whether it has a sound track.
    pub sound: bool,
}

/// One track of a loop's file, made by `assets/make.sh`.
struct Loop {
    /// The box that describes the codec, as it stands in the file.
    description: &'static [u8],
    /// Bytes of each sample.
    sizes: Vec<u32>,
    /// All samples, one after the other.
    samples: &'static [u8],
    /// Units of time in a second.
    timescale: u32,
    /// Units of time a sample lasts.
    step: u32,
    /// The picture's width and height, 16.16 fixed point; zero for sound.
    sides: [u8; 8],
}

impl Loop {
    fn read(file: &'static [u8]) -> Option<Self> {
        let number =
            |bytes: &[u8], at| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let track = find(find(file, *b"moov")?, *b"trak")?;
        let media = find(track, *b"mdia")?;
        let table = find(find(media, *b"minf")?, *b"stbl")?;
        let sizes = find(table, *b"stsz")?.get(12..)?;
        Some(Self {
            description: find(table, *b"stsd")?,
            sizes: sizes.chunks_exact(4).filter_map(|size| number(size, 0)).collect(),
            samples: find(file, *b"mdat")?,
            timescale: number(find(media, *b"mdhd")?, 12)?,
            step: number(find(table, *b"stts")?, 12)?,
            sides: find(track, *b"tkhd")?.get(76..84)?.try_into().ok()?,
        })
    }

    fn samples_in(&self, seconds: u32) -> u32 {
        seconds.saturating_mul(self.timescale).div_ceil(self.step.max(1))
    }

    /// The samples of so many seconds, the loop over and over.
    fn write(&self, seconds: u32, out: &mut Vec<u8>) {
        let (mut left, mut rest) = (self.samples_in(seconds), self.samples);
        let mut sizes = self.sizes.iter().cycle();
        while left > 0 {
            if rest.is_empty() {
                (rest, sizes) = (self.samples, self.sizes.iter().cycle());
            }
            let size = sizes.next().map_or(0, |size| *size as usize).clamp(1, rest.len().max(1));
            let (sample, after) = rest.split_at(size.min(rest.len()));
            out.extend_from_slice(sample);
            (rest, left) = (after, left - 1);
        }
    }

    /// Width and height as the picture is shown, 16.16 fixed point.
    fn shown(&self, ratio: Option<(u16, u16)>) -> [u8; 8] {
        let [.., a, b, c, d] = self.sides;
        let height = u64::from(u32::from_be_bytes([a, b, c, d]) >> 16);
        let Some((wide, high)) = ratio.filter(|(wide, high)| *wide > 0 && *high > 0) else {
            return self.sides;
        };
        let width = (height * u64::from(wide) / u64::from(high)).clamp(1, u64::from(u16::MAX));
        let mut shown = [0; 8];
        let sides = [u32::try_from(width << 16).unwrap_or(u32::MAX).to_be_bytes(), [a, b, c, d]];
        shown.iter_mut().zip(sides.as_flattened()).for_each(|(to, from)| *to = *from);
        shown
    }

    /// The `trak` box.
    fn track(&self, id: u32, seconds: u32, offset: u32, shown: [u8; 8]) -> Vec<u8> {
        let is_picture = self.sides != [0; 8];
        let (length, count) = (seconds.saturating_mul(self.timescale), self.samples_in(seconds));
        let millis = seconds.saturating_mul(1_000);
        let of = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>();
        let volume: u32 = if is_picture { 0 } else { 0x0100_0000 };
        let header = [of(&[7, 0, 0, id, 0, millis, 0, 0, 0, volume]), MATRIX.to_vec()].concat();
        let handler: &[u8; 4] = if is_picture { b"vide" } else { b"soun" };
        // The last sample lasts only as long as the track does.
        let last = length.saturating_sub(count.saturating_sub(1).saturating_mul(self.step));
        let times = of(&[0, 2, count.saturating_sub(1), self.step, 1, last]);
        let loop_len = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX).max(1);
        let keys: Vec<u32> = (0..count).step_by(loop_len as usize).map(|at| at + 1).collect();
        let sizes: Vec<u32> = self.sizes.iter().copied().cycle().take(count as usize).collect();
        let counted = |numbers: &[u32]| u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let table = [
            boxed(*b"stsd", &[self.description]),
            boxed(*b"stts", &[&times]),
            if is_picture {
                boxed(*b"stss", &[&of(&[0, counted(&keys)]), &of(&keys)])
            } else {
                Vec::new()
            },
            boxed(*b"stsc", &[&of(&[0, 1, 1, count, 1])]),
            boxed(*b"stsz", &[&of(&[0, 0, counted(&sizes)]), &of(&sizes)]),
            boxed(*b"stco", &[&of(&[0, 1, offset])]),
        ];
        let media_header = if is_picture {
            boxed(*b"vmhd", &[&of(&[1, 0, 0])])
        } else {
            boxed(*b"smhd", &[&of(&[0, 0])])
        };
        let here = boxed(*b"dref", &[&of(&[0, 1]), &boxed(*b"url ", &[&of(&[1])])]);
        boxed(
            *b"trak",
            &[
                &boxed(*b"tkhd", &[&header, &shown]),
                &boxed(
                    *b"mdia",
                    &[
                        &boxed(*b"mdhd", &[&of(&[0, 0, 0, self.timescale, length, UNDETERMINED])]),
                        &boxed(*b"hdlr", &[&of(&[0, 0]), handler, &of(&[0, 0, 0]), b"simulator\0"]),
                        &boxed(
                            *b"minf",
                            &[
                                &media_header,
                                &boxed(*b"dinf", &[&here]),
                                &boxed(*b"stbl", &[&table.concat()]),
                            ],
                        ),
                    ],
                ),
            ],
        )
    }
}

/// The language code `und`, and two empty bytes.
const UNDETERMINED: u32 = 0x55c4_0000;

/// The unit matrix of `mvhd` and `tkhd`.
const MATRIX: [u8; 36] = {
    let mut matrix = [0; 36];
    (matrix[1], matrix[17], matrix[32]) = (1, 1, 0x40);
    matrix
};

fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let len = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(len);
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// The inside of the first box of a kind.
fn find(mut boxes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    loop {
        let (head, _) = boxes.split_first_chunk::<8>()?;
        let [a, b, c, d, name @ ..] = *head;
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let inside = boxes.get(8..len)?;
        if name == kind {
            return Some(inside);
        }
        boxes = boxes.get(len..)?;
    }
}

struct Loops {
    landscape: Loop,
    portrait: Loop,
    square: Loop,
    sound: Loop,
}

static LOOPS: LazyLock<Loops> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the files are part of the program, and tests read them"
    )]
    let read = |file| Loop::read(file).expect("a loop made by assets/make.sh");
    Loops {
        landscape: read(include_bytes!("assets/landscape.mp4")),
        portrait: read(include_bytes!("assets/portrait.mp4")),
        square: read(include_bytes!("assets/square.mp4")),
        sound: read(include_bytes!("assets/sound.mp4")),
    }
});

/// The longest clip that is made, in seconds.
pub const MAX_SECONDS: u32 = 60;

/// A whole MP4 file. `mark` is hidden in it, so that no two clips are the same.
pub fn mp4(film: Film, mark: &str) -> Vec<u8> {
    let seconds = film.seconds.clamp(1, MAX_SECONDS);
    let picture = match film.shape {
        Shape::Landscape => &LOOPS.landscape,
        Shape::Portrait => &LOOPS.portrait,
        Shape::Square => &LOOPS.square,
    };
    let mut samples = Vec::new();
    picture.write(seconds, &mut samples);
    let picture_bytes = samples.len();
    if film.sound {
        LOOPS.sound.write(seconds, &mut samples);
    }
    let kind = boxed(*b"ftyp", &[b"isom\0\0\x02\0isomiso2avc1mp41"]);
    let movie = |start: usize| {
        let offset = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
        let head: Vec<u8> = [0, 0, 0, 1_000, seconds.saturating_mul(1_000), 0x0001_0000]
            .iter()
            .flat_map(|number: &u32| number.to_be_bytes())
            .collect();
        let mut tracks = picture.track(1, seconds, offset(0), picture.shown(film.ratio));
        if film.sound {
            tracks.extend(LOOPS.sound.track(2, seconds, offset(picture_bytes), [0; 8]));
        }
        // Volume 1.0, reserved; 24 unused bytes; the next track's id.
        let tail = [[0; 24].as_slice(), &3_u32.to_be_bytes()].concat();
        let volume = [[1, 0].as_slice(), &[0; 10]].concat();
        let head = boxed(*b"mvhd", &[&head, &volume, &MATRIX, &tail]);
        boxed(*b"moov", &[&head, &tracks])
    };
    let start = kind.len() + movie(0).len() + 8;
    let mark = boxed(*b"free", &[mark.as_bytes()]);
    [kind, movie(start), boxed(*b"mdat", &[&samples]), mark].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &[u8]) -> mp4parse::MediaContext {
        mp4parse::read_mp4(&mut std::io::Cursor::new(file)).expect("a readable file")
    }

    #[test]
    fn a_clip_parses_and_lasts_as_long_as_asked_with_sound_only_if_asked() {
        for shape in [Shape::Landscape, Shape::Portrait, Shape::Square] {
            for sound in [false, true] {
                for seconds in [1, 3, 4, 5, 10, 15, 30] {
                    let file = mp4(Film { seconds, shape, ratio: None, sound }, "task");
                    let movie = parse(&file);
                    assert_eq!(movie.tracks.len(), 1 + usize::from(sound));
                    for track in &movie.tracks {
                        let length = track.duration.unwrap().0;
                        assert_eq!(length, u64::from(seconds) * track.timescale.unwrap().0);
                    }
                    assert_eq!(movie.tracks[0].track_type, mp4parse::TrackType::Video);
                    if sound {
                        assert_eq!(movie.tracks[1].track_type, mp4parse::TrackType::Audio);
                    }
                }
            }
        }
    }

    #[test]
    fn samples_lie_where_the_tables_say() {
        let asked = Film { seconds: 9, shape: Shape::Square, ratio: Some((0, 7)), sound: true };
        let file = mp4(asked, "task");
        let movie = parse(&file);
        let first = |track: &mp4parse::Track| {
            usize::try_from(track.stco.as_ref().unwrap().offsets[0]).unwrap()
        };
        let (picture, sound) = (&movie.tracks[0], &movie.tracks[1]);
        assert!(file[first(picture)..].starts_with(&LOOPS.square.samples[..64]));
        assert!(file[first(sound)..].starts_with(&LOOPS.sound.samples[..64]));
        let bytes: u32 = sound.stsz.as_ref().unwrap().sample_sizes.iter().sum();
        let end = first(sound) + bytes as usize;
        assert_eq!(&file[end + 4..], b"freetask");
    }

    #[test]
    fn no_two_marks_make_the_same_clip() {
        let film = Film { seconds: 5, shape: Shape::Portrait, ratio: None, sound: false };
        assert_ne!(mp4(film, "a"), mp4(film, "b"));
        assert_eq!(mp4(film, "a"), mp4(film, "a"));
    }

    #[test]
    fn a_picture_is_shown_in_the_shape_that_was_asked_for() {
        for (ratio, shown) in [
            ("16:9", (320, 180)),
            ("9:16", (180, 320)),
            ("1:1", (240, 240)),
            ("4:3", (240, 180)),
            ("21:9", (420, 180)),
            ("65535:1", (65535, 180)),
            ("1:65535", (1, 320)),
            ("0:9", (180, 320)),
            ("wide", (320, 180)),
        ] {
            let (shape, ratio) = (Shape::nearest(ratio), sides(ratio));
            let movie = parse(&mp4(Film { seconds: 1, shape, ratio, sound: true }, "task"));
            let head = |track: usize| movie.tracks[track].tkhd.as_ref().unwrap();
            assert_eq!((head(0).width >> 16, head(0).height >> 16), shown, "{ratio:?}");
            assert_eq!(head(1).width, 0, "sound has no shape");
        }
    }

    #[test]
    fn an_aspect_ratio_takes_the_nearest_shape() {
        for (ratio, shape) in [
            ("16:9", Shape::Landscape),
            ("9:16", Shape::Portrait),
            ("1:1", Shape::Square),
            ("4:3", Shape::Landscape),
            ("3:4", Shape::Portrait),
            ("", Shape::Landscape),
            ("0:0", Shape::Square),
            ("99999999999:1", Shape::Landscape),
        ] {
            assert_eq!(Shape::nearest(ratio), shape, "{ratio}");
        }
    }
}
