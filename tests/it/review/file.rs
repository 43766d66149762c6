//! `review.json` itself.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use rushes::review::{MAX_NOTE, Review, ReviewError, Verdict};
use serde_json::Value;

use super::{at, clip, note, pick, rate, reject};

/// What it is after some changes, written and read again.
fn written(folder: &Path) -> String {
    fs::read_to_string(Review::path(folder)).unwrap()
}

/// Trial 21: notes, ratings and rejects are kept beside the ledger, for each revision.
#[test]
fn verdicts_are_kept_for_each_revision_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Review::read(folder.path()).unwrap(), Review::default());
    let mut review = Review::default();
    review.change(&clip("beach", 1), &pick(true), at(0));
    review.change(&clip("beach", 1), &rate(4), at(1));
    review.change(&clip("beach", 1), &note("the second wave\r\nis \"it\" </script>"), at(2));
    review.change(&clip("beach", 2), &reject(true), at(3));
    review.write(folder.path(), "summer").unwrap();
    assert_snapshot!(written(folder.path()), @r#"
    {"rushes_review":1,"campaign":"summer","shots":[
    {"id":"beach","revision":1,"pick":true,"rating":4,"rejected":false,"note":"the second wave\nis \"it\" </script>","at":"2026-11-28T07:00:02.000Z"},
    {"id":"beach","revision":2,"pick":false,"rating":0,"rejected":true,"note":"","at":"2026-11-28T07:00:03.000Z"}
    ]}
    "#);
    let again = Review::read(folder.path()).unwrap();
    assert_eq!(again.get(&clip("beach", 1)), review.get(&clip("beach", 1)));
    assert_eq!(again.all().count(), 2);
    assert_eq!(again.get(&clip("beach", 3)), None);
}

#[test]
fn a_pick_is_never_rejected_and_a_rating_never_above_five() {
    let mut review = Review::default();
    let beach = clip("beach", 1);
    assert!(review.change(&beach, &pick(true), at(0)).pick);
    let rejected = review.change(&beach, &reject(true), at(1));
    assert!(rejected.rejected && !rejected.pick);
    let picked = review.change(&beach, &pick(true), at(2));
    assert!(picked.pick && !picked.rejected);
    let unpicked = review.change(&beach, &pick(false), at(2));
    assert!(!unpicked.pick && !unpicked.rejected);
    assert_eq!(review.change(&beach, &rate(200), at(3)).rating, 5);
    let long = "ß".repeat(MAX_NOTE + 1) + "\u{1b}";
    assert_eq!(review.change(&beach, &note(&long), at(4)).note.chars().count(), MAX_NOTE);
    let note = review.change(&beach, &note(" a\u{1b}[31m\n\tb\u{7} "), at(5)).note;
    assert_eq!(note, "a[31m\n\tb");
}

#[test]
fn keys_of_other_programs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"rushes_review": 1, "editor": {"bin": 7}, "campaign": "old", "shots": [
        {"id": "beach", "colour": "red", "rating": null}, {"id": "alley", "revision": 2}]}"#;
    fs::write(Review::path(folder.path()), text).unwrap();
    let mut review = Review::read(folder.path()).unwrap();
    assert_eq!(review.get(&clip("beach", 1)), Some(&Verdict::default()), "the first revision");
    review.change(&clip("beach", 1), &pick(true), at(0));
    review.write(folder.path(), "summer").unwrap();
    let kept: Value = serde_json::from_str(&written(folder.path())).unwrap();
    assert_eq!(kept["editor"]["bin"], 7);
    assert_eq!(kept["campaign"], "summer");
    assert_eq!(kept["shots"][0]["colour"], "red");
    assert_eq!(kept["shots"][0]["pick"], true);
    assert_eq!(kept["shots"][1]["revision"], 2);
}

#[test]
fn a_broken_file_is_an_error_that_says_where_and_is_left_as_it_is() {
    let with = |shots: &str| format!(r#"{{"rushes_review": 1, "shots": {shots}}}"#);
    let broken = [
        String::new(),
        "[]".to_owned(),
        "{".to_owned(),
        "{\"shots\": []}".to_owned(),
        r#"{"rushes_review": 2, "shots": []}"#.to_owned(),
        r#"{"rushes_review": "1", "shots": []}"#.to_owned(),
        r#"{"rushes_review": 1}"#.to_owned(),
        with("{}"),
        with("[7]"),
        with("[{}]"),
        with(r#"[{"id": "../../etc/passwd"}]"#),
        with(r#"[{"id": "a\u001b[31mb"}]"#),
        with(r#"[{"id": "beach", "revision": 0}]"#),
        with(r#"[{"id": "beach", "revision": 1e99}]"#),
        with(r#"[{"id": "beach", "pick": "yes"}]"#),
        with(r#"[{"id": "beach", "pick": true, "rejected": true}]"#),
        with(r#"[{"id": "beach", "rating": 6}]"#),
        with(r#"[{"id": "beach", "rating": -1}]"#),
        with(r#"[{"id": "beach", "note": 5}]"#),
        with(r#"[{"id": "beach", "at": "this morning"}]"#),
        with(r#"[{"id": "beach"}, {"id": "beach", "revision": 1}]"#),
        "[".repeat(100_000),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = Review::path(folder.path());
    let mut told = Vec::new();
    for text in &broken {
        fs::write(&path, text).unwrap();
        let error = Review::read(folder.path()).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
        told.push(error.replace(&folder.path().display().to_string(), "DIR"));
        assert_eq!(written(folder.path()), *text);
    }
    assert_snapshot!(told.join("\n"));
    fs::write(&path, b"\xff\xfe\0").unwrap();
    assert!(matches!(Review::read(folder.path()), Err(ReviewError::Unreadable { .. })));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = Review::read(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("it is a folder"), "{error}");
}
