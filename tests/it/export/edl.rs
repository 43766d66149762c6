//! Edit decision lists as `OpenTimelineIO`'s reader takes them, and what they cannot hold.

use rushes::report::export::{ExportError, edl};

use super::{clip, event, read, timeline, told};

#[test]
fn each_clip_is_an_event_with_its_name_and_note() {
    let mut market = clip("market", 72, "24");
    market.info.as_mut().unwrap().sound = true;
    market.note = "the best one".to_owned();
    let events = vec![
        event(clip("beach", 120, "24"), vec![clip("beach-t2", 120, "24")]),
        event(market, vec![]),
        event(clip("海", 121, "24"), vec![]),
    ];
    let text = edl::write(&timeline(events)).unwrap();
    insta::assert_snapshot!(text, @r"
    TITLE: summer
    FCM: NON-DROP FRAME

    001  AX       V     C        00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00
    * MADE BY RUSHES, AT 24 FPS
    * FROM CLIP NAME: beach.mp4
    * SOURCE FILE: /films/it's here/clips/beach.mp4
    * OTHER TAKE: /films/it's here/clips/beach-t2.mp4

    002  AX       AA/V  C        00:00:00:00 00:00:03:00 01:00:05:00 01:00:08:00
    * FROM CLIP NAME: market.mp4
    * SOURCE FILE: /films/it's here/clips/market.mp4
    * LOC: 01:00:05:00 YELLOW  the best one

    003  AX       V     C        00:00:00:00 00:00:05:01 01:00:08:00 01:00:13:01
    * FROM CLIP NAME: 海.mp4
    * SOURCE FILE: /films/it's here/clips/海.mp4
    ");
    let read = read(&text, &["edl", "24"]);
    let lines = told(&read);
    let pictures: Vec<_> = lines.iter().filter(|line| line.starts_with('V')).collect();
    assert_eq!(
        pictures,
        ["V Clip beach.mp4 0.0..5.0", "V Clip market.mp4 5.0..8.0", "V Clip 海.mp4 8.0..13.0417"]
    );
    let market = &read["tracks"][0]["items"][1];
    assert_eq!(market["markers"][0][1], "YELLOW", "{market}");
}

#[test]
fn fast_and_slow_rates_count_in_their_own_timecode() {
    for (fps, frames, out) in
        [("23.976", 120, "00:00:05:00"), ("25", 130, "00:00:05:05"), ("29.97", 150, "00:00:05:00")]
    {
        let text = edl::write(&timeline(vec![event(clip("a", frames, fps), vec![])])).unwrap();
        assert!(text.contains(&format!("00:00:00:00 {out} 01:00:00:00")), "{fps}: {text}");
    }
}

#[test]
fn what_a_list_cannot_hold_is_refused_and_told() {
    let mixed = vec![event(clip("a", 120, "24"), vec![]), event(clip("b", 150, "30"), vec![])];
    let error = edl::write(&timeline(mixed)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an EDL has one frame rate for all its events, and these clips have several: 24 fps (1 clip, \
         such as a), 30 fps (1 clip, such as b)"
    );
    let many = |count: usize, frames: u32| {
        timeline((0..count).map(|n| event(clip(&format!("s{n}"), frames, "24"), vec![])).collect())
    };
    assert!(edl::write(&many(999, 120)).is_ok());
    assert_eq!(edl::write(&many(1000, 120)), Err(ExportError::TooMany(1000)));
    assert!(edl::write(&many(22, 3600 * 24)).is_ok(), "22 hours from the first on");
    assert_eq!(edl::write(&many(23, 3600 * 24)), Err(ExportError::TooLong));
}

#[test]
fn a_name_or_a_note_adds_no_line() {
    let mut clip = clip("a", 120, "24");
    clip.note = "one\n002  AX V C 00:00:00:00".to_owned();
    let text = edl::write(&timeline(vec![event(clip, vec![])])).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("00")).count(), 1, "{text}");
}
