//! ffmpeg's list, the table, and frame rates as files tell them.

use std::io::Cursor;
use std::path::PathBuf;

use rushes::clips::clip_info;
use rushes::domain::frame_rate::{FrameRate, Timing};
use rushes::report::export::{ExportError, Location, concat, folder, table};
use rushes::simulator::sample_clips::{Film, Shape, mp4};

use super::{clip, event, rate, timeline};

/// A line's path as ffmpeg reads it: within quotes all is itself, outside a backslash is for the next
/// character.
fn as_ffmpeg(line: &str) -> String {
    let mut path = String::new();
    let (mut chars, mut quoted) = (line.strip_prefix("file ").unwrap().chars(), false);
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            '\\' if !quoted => path.extend(chars.next()),
            c => path.push(c),
        }
    }
    path
}

#[test]
fn ffmpeg_finds_files_with_any_name() {
    let paths =
        ["/a/it's.mp4", "/a/''.mp4", r"/a/back\slash '.mp4", "/a/# no comment.mp4", "/a/海 .mp4"];
    let events = paths.map(|path| {
        let location = Location::File(PathBuf::from(path));
        event(super::Clip { location, ..clip("a", 120, "24") }, vec![])
    });
    let text = concat::write(&timeline(events.into())).unwrap();
    let (head, lines) = text.split_at(concat::HEAD.len() + 1);
    assert_eq!(head.trim_end(), concat::HEAD);
    assert_eq!(lines.lines().map(as_ffmpeg).collect::<Vec<_>>(), paths);
    let location = Location::File(PathBuf::from("/a/b\nfile '/etc/passwd'"));
    let two_lines = event(super::Clip { location, ..clip("a", 120, "24") }, vec![]);
    let error = concat::write(&timeline(vec![two_lines])).unwrap_err();
    assert!(matches!(error, ExportError::LineBreak(_)));
}

#[test]
fn only_like_clips_are_joined_without_a_word() {
    let (one, mut other) = (clip("a", 120, "24"), clip("b", 72, "24"));
    let alike = |other: super::Clip| {
        concat::are_alike(&timeline(vec![event(one.clone(), vec![]), event(other, vec![])]))
    };
    assert!(alike(other.clone()));
    other.info.as_mut().unwrap().width = 720;
    assert!(!alike(other));
    assert!(!alike(clip("b", 72, "30")));
}

#[test]
fn a_folder_lists_clips_in_their_order_everywhere() {
    let events: Vec<_> =
        (1..=1000).map(|n| event(clip(&format!("s{n}"), 120, "24"), vec![])).collect();
    let timeline = timeline(events);
    let names: Vec<_> = folder::names(&timeline).into_iter().map(|(name, _)| name).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    assert_eq!((&*names[0], &*names[999]), ("0001-s1.mp4", "1000-s1000.mp4"));
}

#[test]
fn a_table_has_a_row_a_clip_and_no_formula() {
    let mut beach = clip("beach", 120, "23.976");
    (beach.note, beach.rating) = ("=cmd|' /C calc'!A0".to_owned(), 5);
    let events = vec![event(beach, vec![clip("beach-t2", 96, "24")])];
    let mut text = Vec::new();
    table::write(&timeline(events), &mut text).unwrap();
    assert!(text.starts_with(&table::head()));
    let text = String::from_utf8(text).unwrap();
    insta::assert_snapshot!(text.replace(['\r', '\u{feff}'], ""), @r"
    position,id,revision,chosen,file,place,seconds,frames,frame_rate,width,height,sound,rating,note,model,prompt
    1,beach,1,true,clips/beach.mp4,/films/it's here/clips/beach.mp4,5,120,23.976,1280,720,false,5,'=cmd|' /C calc'!A0,kling-v3,A beach
    1,beach-t2,1,false,clips/beach-t2.mp4,/films/it's here/clips/beach-t2.mp4,5,96,24,1280,720,false,,,kling-v3,A beach-t2
    ");
}

#[test]
fn frame_rates_are_those_that_are_meant() {
    let of = |pictures, duration, timescale| {
        FrameRate::of(pictures, duration, timescale).map(|rate| rate.to_string())
    };
    assert_eq!(of(120, 5, 1).as_deref(), Some("24"));
    assert_eq!(of(1, 1001, 24_000).as_deref(), Some("23.976"));
    assert_eq!(of(1, 1001, 30_000).as_deref(), Some("29.97"));
    assert_eq!(of(151, 5033, 1000).as_deref(), Some("30"), "milliseconds are not exact");
    assert_eq!(of(15, 1, 1).as_deref(), Some("15"));
    assert_eq!(of(1000, 77_777, 1000).as_deref(), Some("12.857"));
    for none in [of(0, 5, 1), of(5, 0, 1), of(5, 5, 0), of(u64::MAX, 1, 1)] {
        assert_eq!(none, None);
    }
    for wrong in ["", "-1", "0", "24fps", "1e3", "99999", ".", "24.1234567"] {
        assert!(wrong.parse::<FrameRate>().is_err(), "{wrong}");
    }
    assert_eq!((rate("23.98"), rate("24.0")), (rate("23.976"), rate("24")));
    assert_eq!(
        (rate("23.976").timebase(), rate("29.97").timebase(), rate("0.4").timebase()),
        (24, 30, 1)
    );
}

#[test]
fn a_last_picture_of_another_length_changes_no_rate() {
    let timing = Timing::of([(119, 512), (1, 300)], 12_288).unwrap();
    assert_eq!(timing, Timing { frames: 120, rate: rate("24") });
    // A variable rate is told by its average.
    let timing = Timing::of([(75, 40), (75, 20)], 1000).unwrap();
    assert_eq!((timing.frames, timing.rate.to_string()), (150, "33.333".to_owned()));
    assert_eq!(Timing::of([], 1000), None);
    assert_eq!(Timing::of([(5, 0)], 1000), None);
    assert_eq!(
        Timing::of([(u32::MAX, u32::MAX); 3], 1000),
        None,
        "more pictures than there can be"
    );
}

#[test]
fn a_clip_says_how_many_pictures_it_has() {
    let film = Film { seconds: 3, shape: Shape::Landscape, sound: true, ratio: None };
    let bytes = mp4(film, "mark");
    let timing = clip_info::timing(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
    let seconds = f64::from(timing.frames) / timing.rate.as_f64();
    assert!((seconds - 3.0).abs() < 0.1, "{timing:?}");
    for end in 0..bytes.len().min(3000) {
        // Cut, it says why not, and does no harm.
        drop(clip_info::timing(&mut Cursor::new(&bytes[..end]), end as u64));
    }
    let audio = b"\0\0\0\x08free";
    assert!(clip_info::timing(&mut Cursor::new(audio), 8).is_err());
}
