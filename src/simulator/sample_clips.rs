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
    #[must_use]
    pub fn nearest(ratio: &str) -> Self {
        match sides(ratio) {
            Some((width, height)) if u32::from(width) * 5 < u32::from(height) * 4 => Self::Portrait,
            Some((width, height)) if u32::from(width) * 4 <= u32::from(height) * 5 => Self::Square,
            _ => Self::Landscape,
        }
    }
}

/// The sides of an `aspect_ratio` such as `9:16`.
#[must_use]
pub fn sides(ratio: &str) -> Option<(u16, u16)> {
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

/// A track of a loop's file, made by `assets/make.sh`, which holds that track alone.
struct Loop {
    samples: Vec<&'static [u8]>,
    /// Units of time in a second.
    timescale: u32,
    /// Units of time a sample lasts.
    step: u32,
    /// The picture's width and height, 16.16 fixed point; zero for sound.
    size: (u32, u32),
    // Boxes as they stand in the file; a clip takes them over, but for a few numbers.
    movie_header: &'static [u8],
    track_header: &'static [u8],
    media_header: &'static [u8],
    handler: &'static [u8],
    /// What the samples are (`vmhd` or `smhd`), where they are and how they are encoded.
    kind: &'static [u8],
    location: &'static [u8],
    description: &'static [u8],
}

impl Loop {
    fn read(file: &'static [u8]) -> Option<Self> {
        let movie = inside(file, *b"moov")?;
        let track = inside(movie, *b"trak")?;
        let media = inside(track, *b"mdia")?;
        let info = inside(media, *b"minf")?;
        let table = inside(info, *b"stbl")?;
        let (track_header, media_header) = (find(track, *b"tkhd")?, find(media, *b"mdhd")?);
        let sizes = find(table, *b"stsz")?.get(20..)?.as_chunks::<4>().0;
        let mut rest = inside(file, *b"mdat")?;
        let sample = |size: &[u8; 4]| {
            let (sample, after) = rest.split_at_checked(u32::from_be_bytes(*size) as usize)?;
            rest = after;
            Some(sample)
        };
        Some(Self {
            samples: sizes.iter().map(sample).collect::<Option<_>>()?,
            timescale: number(media_header, 20)?,
            step: number(find(table, *b"stts")?, 20)?,
            size: (number(track_header, 84)?, number(track_header, 88)?),
            movie_header: find(movie, *b"mvhd")?,
            track_header,
            media_header,
            handler: find(media, *b"hdlr")?,
            kind: find(info, *b"vmhd").or_else(|| find(info, *b"smhd"))?,
            location: find(info, *b"dinf")?,
            description: find(table, *b"stsd")?,
        })
    }

    /// The samples of so many seconds: the loop over and over.
    fn samples(&self, seconds: u32) -> impl Iterator<Item = &'static [u8]> {
        let count = (seconds * self.timescale).div_ceil(self.step);
        self.samples.iter().copied().cycle().take(count as usize)
    }

    /// The `trak` box of the track whose samples begin at `offset`.
    fn track(&self, id: u32, seconds: u32, ratio: Option<(u16, u16)>, offset: usize) -> Vec<u8> {
        let is_picture = self.size != (0, 0);
        let length = seconds * self.timescale;
        let sizes: Vec<u32> = self.samples(seconds).map(|sample| number_of(sample.len())).collect();
        let count = number_of(sizes.len());
        // The last sample lasts only as long as the track does.
        let last = length - (count - 1) * self.step;
        let keys: Vec<u32> = (1..=count).step_by(self.samples.len()).collect();
        let width = match ratio {
            Some((wide, high)) if is_picture && wide > 0 && high > 0 => {
                let width = (self.size.1 >> 16) * u32::from(wide) / u32::from(high);
                width.clamp(1, u16::MAX.into()) << 16
            }
            _ => self.size.0,
        };
        let key_table = boxed(*b"stss", &[&bytes(&[0, number_of(keys.len())]), &bytes(&keys)]);
        let table = [
            self.description,
            &boxed(*b"stts", &[&bytes(&[0, 2, count - 1, self.step, 1, last])]),
            if is_picture { &key_table } else { &[] },
            &boxed(*b"stsc", &[&bytes(&[0, 1, 1, count, 1])]),
            &boxed(*b"stsz", &[&bytes(&[0, 0, count]), &bytes(&sizes)]),
            &boxed(*b"stco", &[&bytes(&[0, 1, number_of(offset)])]),
        ];
        let info = [self.kind, self.location, &boxed(*b"stbl", &table)];
        let media =
            [&patched(self.media_header, &[(24, length)]), self.handler, &boxed(*b"minf", &info)];
        let header = patched(self.track_header, &[(20, id), (28, seconds * 1_000), (84, width)]);
        boxed(*b"trak", &[&header, &boxed(*b"mdia", &media)])
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn number_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn bytes(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A box with other numbers at these places.
fn patched(whole: &[u8], numbers: &[(usize, u32)]) -> Vec<u8> {
    let mut whole = whole.to_owned();
    for (at, number) in numbers {
        whole[*at..at + 4].copy_from_slice(&number.to_be_bytes());
    }
    whole
}

fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    [&number_of(length).to_be_bytes(), kind.as_slice(), &parts.concat()].concat()
}

/// The first box of a kind.
fn find(mut boxes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    loop {
        let (found, rest) = boxes.split_at_checked(number(boxes, 0)? as usize)?;
        if found.get(4..8)? == kind {
            return Some(found);
        }
        boxes = rest;
    }
}

fn inside(boxes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    find(boxes, kind)?.get(8..)
}

/// The loops: landscape, portrait, square, sound.
static LOOPS: LazyLock<[Loop; 4]> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the files are part of the program, and tests read them"
    )]
    let read = |file: &'static [u8]| Loop::read(file).expect("a loop made by assets/make.sh");
    [
        read(include_bytes!("assets/landscape.mp4")),
        read(include_bytes!("assets/portrait.mp4")),
        read(include_bytes!("assets/square.mp4")),
        read(include_bytes!("assets/sound.mp4")),
    ]
});

/// The longest clip that is made, in seconds.
pub const MAX_SECONDS: u32 = 60;

/// A whole MP4 file. `mark` is hidden in it, so that no two clips are the same.
#[must_use]
pub fn mp4(film: Film, mark: &str) -> Vec<u8> {
    let seconds = film.seconds.clamp(1, MAX_SECONDS);
    let [landscape, portrait, square, sound] = &*LOOPS;
    let picture = match film.shape {
        Shape::Landscape => landscape,
        Shape::Portrait => portrait,
        Shape::Square => square,
    };
    let tracks: Vec<_> = [picture].into_iter().chain(film.sound.then_some(sound)).collect();
    let samples: Vec<Vec<u8>> =
        tracks.iter().map(|track| track.samples(seconds).flatten().copied().collect()).collect();
    let file_type = boxed(*b"ftyp", &[b"isom\0\0\x02\0isomiso2avc1mp41"]);
    let movie = |start: usize| {
        let next_id = (picture.movie_header.len() - 4, 3);
        let mut parts = vec![patched(picture.movie_header, &[(24, seconds * 1_000), next_id])];
        let mut offset = start;
        for ((id, track), samples) in (1..).zip(&tracks).zip(&samples) {
            parts.push(track.track(id, seconds, film.ratio, offset));
            offset += samples.len();
        }
        boxed(*b"moov", &[&parts.concat()])
    };
    // The movie is as long wherever the samples begin.
    let start = file_type.len() + movie(0).len() + 8;
    let mark = boxed(*b"free", &[mark.as_bytes()]);
    [file_type, movie(start), boxed(*b"mdat", &[&samples.concat()]), mark].concat()
}
