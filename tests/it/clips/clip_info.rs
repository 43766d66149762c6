//! What clips say of themselves, and what hostile ones say.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::time::Duration;

use proptest::prelude::*;
use rushes::clips::clip_info::read;
use rushes::domain::clip_info::ClipInfo;

use super::mp4_box;

fn mp4(kind: [u8; 4], inside: &[&[u8]]) -> Vec<u8> {
    mp4_box(kind, &inside.concat())
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A track header: its length, size and how it lies.
fn tkhd(duration: u32, width: u32, height: u32, on_its_side: bool) -> Vec<u8> {
    let one = 0x1_0000;
    let [a, b, c, d] =
        if on_its_side { [0, one, 0_u32.wrapping_sub(one), 0] } else { [one, 0, 0, one] };
    let matrix = [a, b, 0, c, d, 0, 0, 0, 0x4000_0000];
    let head = [7, 0, 0, 1, 0, duration, 0, 0, 0, 0];
    mp4(*b"tkhd", &[&numbers(&head), &numbers(&matrix), &numbers(&[width << 16, height << 16])])
}

fn track(handler: [u8; 4], head: &[u8], media: (u32, u32), stsd: &[u8]) -> Vec<u8> {
    let mdhd = mp4(*b"mdhd", &[&numbers(&[0, 0, 0, media.0, media.1, 0x55c4_0000])]);
    let hdlr = mp4(*b"hdlr", &[&numbers(&[0, 0]), &handler, &numbers(&[0, 0, 0]), b"\0"]);
    let table = mp4(*b"stbl", &[stsd]);
    mp4(*b"trak", &[head, &mp4(*b"mdia", &[&mdhd, &hdlr, &mp4(*b"minf", &[&table])])])
}

fn mvhd(timescale: u32, duration: u32) -> Vec<u8> {
    mp4(*b"mvhd", &[&numbers(&[0, 0, 0, timescale, duration]), &[0; 80]])
}

fn film(moov: &[&[u8]]) -> Vec<u8> {
    [mp4(*b"ftyp", &[b"isom\0\0\x02\0isom"]), mp4(*b"mdat", &[&[7; 40]]), mp4(*b"moov", moov)]
        .concat()
}

fn told(bytes: &[u8]) -> Result<ClipInfo, Box<str>> {
    read(&mut Cursor::new(bytes), bytes.len() as u64)
}

/// The simulator's loops, which an encoder made.
const LOOPS: [&[u8]; 3] = [
    include_bytes!("../../../src/simulator/assets/landscape.mp4"),
    include_bytes!("../../../src/simulator/assets/portrait.mp4"),
    include_bytes!("../../../src/simulator/assets/square.mp4"),
];

#[test]
fn a_film_of_an_encoder_says_what_the_oracle_says() {
    for bytes in LOOPS {
        let clip_info = told(bytes).unwrap();
        let whole = mp4parse::read_mp4(&mut Cursor::new(bytes)).unwrap();
        let head = whole.tracks[0].tkhd.as_ref().unwrap();
        assert_eq!((clip_info.width, clip_info.height), (head.width >> 16, head.height >> 16));
        assert!(clip_info.millis > 100 && clip_info.width > 10, "{clip_info:?}");
        assert!(!clip_info.sound);
    }
    let sound = include_bytes!("../../../src/simulator/assets/sound.mp4");
    assert_eq!(told(sound), Err("it has no picture".into()));
}

#[test]
fn a_picture_whose_track_says_no_size_has_that_of_its_codec() {
    let mut bytes = LOOPS[1].to_vec();
    let head = bytes.windows(4).position(|kind| kind == b"tkhd").unwrap() + 4;
    bytes[head + 76..head + 84].fill(0);
    let clip_info = told(&bytes).unwrap();
    assert_eq!((clip_info.width, clip_info.height), (180, 320));
}

#[test]
fn the_picture_is_as_it_is_shown_and_as_long_as_its_track() {
    let lies = track(*b"vide", &tkhd(5000, 1280, 720, true), (24, 121), b"");
    let sound = track(*b"soun", &tkhd(9000, 0, 0, false), (48_000, 432_000), b"");
    let phone = film(&[&mvhd(1000, 9000), &sound, &lies]);
    let clip_info = ClipInfo { millis: 5041, width: 720, height: 1280, sound: true };
    assert_eq!(told(&phone), Ok(clip_info));
}

#[test]
fn a_film_in_fragments_says_its_length_in_another_place() {
    let picture = track(*b"vide", &tkhd(0, 64, 36, false), (24, 0), b"");
    let mvex = mp4(*b"mvex", &[&mp4(*b"mehd", &[&numbers(&[0, 7500])])]);
    let clip_info = ClipInfo { millis: 7500, width: 64, height: 36, sound: false };
    assert_eq!(told(&film(&[&mvhd(1000, 0), &picture, &mvex])), Ok(clip_info));
    let silent = told(&film(&[&mvhd(1000, 0), &picture]));
    assert_eq!(silent, Err("it does not say how long it is".into()));
}

#[test]
fn what_cannot_be_read_says_why() {
    let picture = |media| track(*b"vide", &tkhd(5000, 64, 36, false), media, b"");
    let head = mvhd(1000, 5000);
    for (bytes, why) in [
        (Vec::new(), "it holds no movie"),
        (film(&[]), "it has no picture"),
        (film(&[&head]), "it has no picture"),
        (mp4(*b"ftyp", &[b"isom"]), "it holds no movie"),
        (film(&[&head, &picture((1, 86_401))]), "it says that it lasts longer than a day"),
        (film(&[&head, &picture((1, u32::MAX - 1))]), "it says that it lasts longer than a day"),
        (
            film(&[&head, &track(*b"vide", &tkhd(5000, 0, 36, false), (24, 120), b"")]),
            "it does not say how large its picture is",
        ),
        (film(&[&mp4(*b"trak", &[&[0xff; 12]])]), "its parts do not fit into each other"),
        (film(&[&head])[..60].to_vec(), "its parts do not fit into each other"),
        ([&film(&[])[..68], b"\0\0\0"].concat(), "it holds no movie"),
    ] {
        assert_eq!(told(&bytes), Err(why.into()));
    }
    let endless = [&b"\0\0\0\x14mdat"[..], &[0; 12], b"\0\0\0\0moov"].concat();
    assert_eq!(told(&endless), Err("it has no picture".into()));
}

#[test]
fn a_hostile_movie_costs_neither_time_nor_memory() {
    let picture = track(*b"vide", &tkhd(5000, 64, 36, false), (24, 120), b"");
    let many = film(&[&mvhd(1000, 5000), &picture.repeat(100_000)]);
    assert_eq!(told(&many), Err("it is made of too many parts".into()));
    let parts = [mp4(*b"free", &[]).repeat(100_000), film(&[&mvhd(1000, 5000), &picture])].concat();
    assert_eq!(told(&parts), Err("it is made of too many parts".into()));
    let stsd = mp4(*b"stsd", &[&vec![0; 1 << 20]]);
    let long = film(&[&track(*b"vide", &tkhd(5000, 64, 36, false), (24, 120), &stsd)]);
    assert_eq!(told(&long), Err("what it says of itself is too long".into()));
    // What is not needed may be as large, and claim as much, as it likes.
    let pssh = mp4(*b"pssh", &[&numbers(&[0x0100_0000, 0, 0, 0, 0, u32::MAX, 0])]);
    let edits = mp4(*b"edts", &[&mp4(*b"elst", &[&numbers(&[0, u32::MAX])])]);
    let odd = film(&[&mvhd(1000, 5000), &pssh, &edits, &picture]);
    assert!(told(&odd).is_ok());
    let deep = (0..2_000).fold(Vec::new(), |inside, _| mp4(*b"moov", &[&inside]));
    assert_eq!(told(&deep), Err("it has no picture".into()));
}

/// A file that fails after so many bytes.
struct Failing(Cursor<Vec<u8>>, u64);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.position() >= self.1 {
            return Err(io::Error::other("the disk is gone"));
        }
        let most = usize::try_from(self.1 - self.0.position()).unwrap().min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_disk_that_fails_is_no_disaster() {
    let bytes = LOOPS[0].to_vec();
    for most in 0..bytes.len() as u64 {
        let mut file = Failing(Cursor::new(bytes.clone()), most);
        if let Err(why) = read(&mut file, bytes.len() as u64) {
            assert_eq!(&*why, "the disk is gone");
        }
    }
    let mut file = Failing(Cursor::new(bytes.clone()), 100);
    assert!(read(&mut file, bytes.len() as u64).is_err());
}

/// A film in which some bytes, mostly of its movie, are others, and which may be cut.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8);
    (0..LOOPS.len(), places, any::<Option<prop::sample::Index>>()).prop_map(
        |(which, places, end)| {
            let mut bytes = LOOPS[which].to_vec();
            let movie = bytes.windows(4).position(|kind| kind == b"moov").unwrap() - 4;
            let size = u32::from_be_bytes(*bytes[movie..].first_chunk().unwrap()) as usize;
            for (place, byte) in places {
                let at = movie + place.index(size);
                bytes[at] = byte;
            }
            if let Some(end) = end {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_film_makes_it_panic_or_say_the_impossible(bytes in mutated()) {
        if let Ok(clip_info) = told(&bytes) {
            prop_assert!(clip_info.width > 0 && clip_info.height > 0);
            prop_assert!(Duration::from_millis(clip_info.millis) <= Duration::from_secs(86_400));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = told(&bytes);
        let _ = told(&film(&[&bytes]));
    }
}
