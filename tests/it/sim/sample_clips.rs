//! The clips that the simulator makes.

use rushes::simulator::sample_clips::{mp4, sides};
use rushes::simulator::{Film, Shape};

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
    let first =
        |track: &mp4parse::Track| usize::try_from(track.stco.as_ref().unwrap().offsets[0]).unwrap();
    let (picture, sound) = (&movie.tracks[0], &movie.tracks[1]);
    for (track, made_from) in [
        (picture, &include_bytes!("../../../src/simulator/assets/square.mp4")[..]),
        (sound, &include_bytes!("../../../src/simulator/assets/sound.mp4")[..]),
    ] {
        let begins = first(&parse(made_from).tracks[0]);
        assert_eq!(file[first(track)..][..64], made_from[begins..][..64]);
    }
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
