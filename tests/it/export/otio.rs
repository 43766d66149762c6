//! Timelines as `OpenTimelineIO`'s own library reads them.

use rushes::report::export::otio;
use serde_json::json;

use super::{clip, event, read, timeline, told};

#[test]
fn takes_lie_above_their_shot_switched_off_and_end_with_it() {
    let events = vec![
        event(
            clip("beach", 120, "24"),
            vec![clip("beach-t2", 96, "24"), clip("beach-t3", 240, "24")],
        ),
        event(clip("market", 72, "24"), vec![]),
        event(clip("tower", 120, "24"), vec![clip("tower-t2", 120, "24")]),
    ];
    let read = read(&otio::write(&timeline(events)), &["otio"]);
    assert_eq!(
        told(&read),
        [
            "V1 Clip beach 0.0..5.0",
            "V1 Clip market 5.0..8.0",
            "V1 Clip tower 8.0..13.0",
            "V2 Clip beach-t2 0.0..4.0 off",
            "V2 Gap  4.0..8.0",
            "V2 Clip tower-t2 8.0..13.0 off",
            "V3 Clip beach-t3 0.0..5.0 off",
        ]
    );
    assert_eq!((&read["name"], &read["start"]), (&json!("summer"), &json!("01:00:00:00")));
    let long = &read["tracks"][2]["items"][0];
    assert_eq!(
        (&long["frames"], &long["available"]),
        (&json!(120.0), &json!(240.0)),
        "its handles stay"
    );
}

#[test]
fn clips_of_several_frame_rates_keep_their_own_and_their_takes_stay_above_them() {
    let events: Vec<_> = (0..40)
        .map(|n| {
            let (fps, frames) = [("24", 121), ("30", 151), ("23.976", 119)][n % 3];
            let take = clip(&format!("s{n}-t2"), 125, ["25", "29.97"][n % 2]);
            event(clip(&format!("s{n}"), frames, fps), vec![take])
        })
        .collect();
    let read = read(&otio::write(&timeline(events)), &["otio"]);
    let items = |track: usize| read["tracks"][track]["items"].as_array().unwrap().clone();
    let (shots, takes) = (items(0), items(1));
    assert_eq!(shots[2]["rate"], 23.976);
    let takes: Vec<_> = takes.iter().filter(|item| item["is"] == "Clip").collect();
    assert_eq!((shots.len(), takes.len()), (40, 40));
    for (shot, take) in shots.iter().zip(takes) {
        let apart = |key: &str| (shot[key].as_f64().unwrap() - take[key].as_f64().unwrap()).abs();
        assert!(apart("from") < 0.001, "{shot} {take}");
        assert!(
            take["to"].as_f64().unwrap() < shot["to"].as_f64().unwrap() + 0.001,
            "{shot} {take}"
        );
    }
}

#[test]
fn sound_has_tracks_of_its_own() {
    let mut market = clip("market", 72, "24");
    market.info.as_mut().unwrap().sound = true;
    let events = vec![event(clip("beach", 120, "24"), vec![]), event(market, vec![])];
    let read = read(&otio::write(&timeline(events)), &["otio"]);
    assert_eq!(
        told(&read),
        [
            "V1 Clip beach 0.0..5.0",
            "V1 Clip market 5.0..8.0",
            "A1 Gap  0.0..5.0",
            "A1 Clip market 5.0..8.0"
        ]
    );
    assert_eq!(read["tracks"][1]["kind"], "Audio");
}

#[test]
fn notes_are_markers_and_places_are_addresses() {
    let mut beach = clip("beach", 120, "24");
    beach.note = "the second wave\n\u{1b}[31m\"quoted\"".to_owned();
    beach.rating = 4;
    let read = read(&otio::write(&timeline(vec![event(beach, vec![])])), &["otio"]);
    let beach = &read["tracks"][0]["items"][0];
    assert_eq!(beach["markers"][0][1], "YELLOW");
    assert!(beach["markers"][0][0].as_str().unwrap().starts_with("the second wave"), "{beach}");
    assert!(!beach["markers"][0][0].as_str().unwrap().contains('\u{1b}'));
    assert_eq!(beach["media"], "file:///films/it%27s%20here/clips/beach.mp4");
}
