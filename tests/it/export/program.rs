//! The program's exports of a rehearsed campaign.

use std::fs;

use super::{read, rehearsed, told};
use crate::buckets::{OUT, at, run};
use crate::disk::sells;
use crate::sandbox::{Done, Sandbox};
use crate::support::s3::S3;

fn export(sandbox: &Sandbox, more: &[&str]) -> Done {
    sandbox.run_words(&[&["export", "shots.yaml", "--sim", "--format"][..], more].concat())
}

#[test]
fn an_editor_finds_every_clip_where_the_timeline_says() {
    let sandbox = rehearsed();
    let text = export(&sandbox, &["otio"]).exits(0).warns_of_nothing();
    let timeline =
        read(&text.stdout().replace("DIR", &sandbox.path("").display().to_string()), &["otio"]);
    assert_eq!(
        told(&timeline),
        [
            "V1 Clip beach 0.0..5.0",
            "V1 Clip market 5.0..8.0",
            "V1 Clip tower 8.0..13.0",
            "V2 Clip beach-t2 0.0..5.0 off",
            "V3 Clip beach-t3 0.0..5.0 off",
            "A1 Gap  0.0..5.0",
            "A1 Clip market 5.0..8.0"
        ]
    );
    for track in timeline["tracks"].as_array().unwrap() {
        for clip in track["items"].as_array().unwrap().iter().filter(|item| item["is"] == "Clip") {
            let path = clip["media"].as_str().unwrap().strip_prefix("file://").unwrap();
            assert!(fs::metadata(path).is_ok_and(|file| file.len() > 1000), "{path}");
        }
    }
    let edl = export(&sandbox, &["edl"]).exits(0).stdout();
    assert_eq!(edl.lines().filter(|line| line.starts_with("00")).count(), 3, "{edl}");
    let list = export(&sandbox, &["concat"]).exits(0);
    assert_eq!(list.stdout().matches("\nfile '/").count(), 0, "the sandbox is told as DIR");
    assert_eq!(list.stdout().matches("\nfile 'DIR/renders/summer.sim/clips/").count(), 3);
    list.warns("the clips differ in size, frame rate or sound");
    let table = export(&sandbox, &["csv", "--only", "beach*"]).exits(0).stdout();
    assert_eq!(table.lines().count(), 4, "{table}");
}

#[test]
fn picks_choose_and_order() {
    let sandbox = rehearsed()
        .file("picks.txt", "\u{feff}# the best\r\ntower\r\n\r\nbeach-t3\r\n")
        .file("typo.txt", "tower\nbaech\n")
        .file("none.txt", "\n");
    let chosen = |more: &[&str]| {
        let done = export(&sandbox, &[&["edl"], more].concat()).exits(0).stdout();
        let names = done.lines().filter_map(|line| line.strip_prefix("* FROM CLIP NAME: "));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--picks", "picks.txt"]), ["tower.mp4", "beach-t3.mp4"]);
    assert_eq!(
        chosen(&["--picks", "picks.txt", "--order", "manifest"]),
        ["beach-t3.mp4", "tower.mp4"]
    );
    assert_eq!(chosen(&["--picks", "picks.txt", "--only", "t*"]), ["tower.mp4"]);
    export(&sandbox, &["edl", "--picks", "typo.txt"]).exits(2).warns("no shot baech");
    export(&sandbox, &["edl", "--picks", "none.txt"]).exits(2).warns("nothing is picked");
    export(&sandbox, &["edl", "--picks", "absent.txt"]).exits(2).warns("absent.txt");
    export(&sandbox, &["edl", "--order", "picks"]).exits(2).warns("--picks FILE");
    export(&sandbox, &["edl", "--copy"]).exits(2).warns("--format folder");
    export(&sandbox, &["edl", "--only", "zebra"]).exits(2).warns("no shot's id matches");
    sandbox.run(["export", "shots.yaml", "--sim"]).exits(2).warns("--format");
}

/// Trial 21: what was decided in a review goes to the editor.
#[test]
fn a_review_is_taken_with_its_notes_and_older_texts() {
    let sandbox = rehearsed();
    let edited = super::SHOTS.replace("Traders calling", "Traders calling at night");
    let sandbox = sandbox.manifest(&edited);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let review = r#"{"rushes_review": 1, "campaign": "summer", "shots": [
        {"id": "tower", "revision": 1, "pick": true, "rating": 4, "note": "cut at 3 s", "at": "2026-11-28T07:12:00Z"},
        {"id": "market", "revision": 1, "pick": true, "rating": 5, "rejected": false, "note": ""},
        {"id": "beach", "revision": 1, "pick": false, "rejected": true, "note": "out of focus"}
    ]}"#;
    let file = "renders/summer.sim/review.json";
    let sandbox = sandbox.file(file, review);
    let text = export(&sandbox, &["otio", "--picks", file]).exits(0).stdout();
    let timeline = read(&text, &["otio"]);
    let lines = told(&timeline);
    assert_eq!(lines[..2], ["V1 Clip market~r1 0.0..3.0", "V1 Clip tower 3.0..8.0"], "{lines:?}");
    let tower = &timeline["tracks"][0]["items"][1];
    assert_eq!(tower["markers"][0][0], "cut at 3 s");
    let all = export(&sandbox, &["csv"]).exits(0);
    all.warns("note: all clips are taken; --picks renders/summer.sim/review.json takes your picks");
    let sandbox = sandbox.file(file, "{\"rushes_review\": 1, \"shots\": [{\"id\": 5}]}");
    export(&sandbox, &["csv", "--picks", file]).exits(2).warns("does not hold picks");
}

#[test]
fn a_file_of_its_own_is_replaced_and_no_other() {
    let sandbox =
        rehearsed().file("mine.otio", "{}").file("mine.edl", "TITLE: mine\n\n001  AX V C\n");
    for (format, name) in
        [("otio", "a.otio"), ("edl", "a.edl"), ("concat", "a.ffconcat"), ("csv", "a.csv")]
    {
        for _ in 0..2 {
            let done = export(&sandbox, &[format, "--to", name]).exits(0);
            done.says(&format!("3 clips and 2 other takes in {name}\n"));
        }
        let printed = export(&sandbox, &[format]).exits(0).stdout();
        let dir = sandbox.path("");
        let dir = dir.display().to_string();
        let written = fs::read_to_string(sandbox.path(name)).unwrap();
        assert_eq!(written.replace(dir.trim_end_matches('/'), "DIR"), printed);
    }
    for name in ["mine.otio", "mine.edl"] {
        let format = &name[5..];
        let done = export(&sandbox, &[format, "--to", name]).exits(2);
        done.warns("something else lies there");
    }
    export(&sandbox, &["edl", "--to", "renders"]).exits(2).warns("renders cannot be written");
    assert_eq!(fs::read_to_string(sandbox.path("mine.otio")).unwrap(), "{}");
}

#[test]
fn before_anything_is_delivered_it_says_what_to_do() {
    let sandbox = Sandbox::new().manifest(super::SHOTS);
    export(&sandbox, &["otio"]).exits(2).warns("nothing was run yet");
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    export(&sandbox, &["otio"]).exits(2).warns("no delivered clip");
    sandbox.run(["fetch", "shots.yaml", "--sim"]).exits(0);
    fs::remove_file(sandbox.path("renders/summer.sim/clips/tower.mp4")).unwrap();
    let sandbox = sandbox.file("picks.txt", "tower\nmarket\n");
    let done = export(&sandbox, &["csv", "--picks", "picks.txt"]).exits(0);
    done.warns("picked, and no clip is here: tower").says("market.mp4");
}

#[cfg(feature = "buckets")]
#[test]
fn clips_in_a_bucket_are_named_by_their_addresses_where_that_will_do() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a", "b"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    let export = |more: &[&str]| {
        sandbox.run_words(&[&["export", "shots.yaml", "--format"][..], more].concat())
    };
    let otio = export(&["otio"]).exits(0).says(&format!("\"{OUT}/clips/a.mp4\""));
    otio.warns("2 clips taken for 24 fps");
    export(&["csv", "--fps", "30"]).exits(0).says(",30,");
    let links = export(&["concat", "--links", "1h"]).exits(0);
    links.says("file 'http").says("X-Amz-Signature=");
    export(&["concat"]).exits(2).warns("--links 12h").warns("needs files");
    export(&["folder"]).exits(2).warns("a folder of clips needs files");
    assert!(!sandbox.path("renders/night/selects").exists());
}
