//! What is decided on a page: kept, told to all pages, refused to strangers.

use std::fs;

use rushes::domain::shot::ShotId;
use rushes::review::{ClipKey, FILE, Review};
use serde_json::{Value, json};

use super::client::{Answer, Site};
use super::rig::Rig;
use crate::scheduler::stage::shots;

/// Decides something about a clip as the page does.
fn decide(site: &Site, headers: &[(&str, &str)], body: &str) -> Answer {
    let Site { address, prefix } = site;
    let lines = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat());
    let lines = lines.collect::<Vec<_>>().concat();
    let length = body.len();
    let request = format!(
        "POST {prefix}review HTTP/1.0\r\nHost: {address}\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
    );
    site.exchange(request.as_bytes()).unwrap()
}

const BUTTON: &[(&str, &str)] = &[("X-Rushes", "1")];

fn kept(rig: &Rig, id: &str) -> Option<Value> {
    let review = Review::read(&rig.folder).unwrap();
    let clip = ClipKey { id: ShotId::new(id).unwrap(), revision: 1 };
    review.get(&clip).map(|verdict| serde_json::to_value(verdict).unwrap())
}

/// Trial 21: a pick is kept beside the ledger and all windows learn of it, also of a page without a run.
#[test]
fn a_decision_is_kept_and_told_to_every_page() {
    for rig in [Rig::new(&shots(2)), Rig::without_run(&shots(2))] {
        let mut others = rig.site.follow().unwrap();
        others.until(|name, data| name == "all" && data == "end");
        let answer = decide(&rig.site, BUTTON, r#"{"id": "s000", "revision": 1, "pick": true}"#);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let verdict: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!((&verdict["id"], &verdict["pick"]), (&json!("s000"), &json!(true)));
        let (_, told) = others.until(|name, _| name == "review").pop().unwrap();
        assert_eq!(told, json!([verdict]));
        assert_eq!(kept(&rig, "s000").unwrap()["pick"], true);
        // On top of the first one; a page that comes later is told all of it.
        decide(
            &rig.site,
            BUTTON,
            r#"{"id": "s000", "revision": 1, "rating": 4, "note": "</script>"}"#,
        );
        decide(&rig.site, BUTTON, r#"{"id": "s001", "revision": 1, "rejected": true}"#);
        let mut late = rig.site.follow().unwrap();
        let (_, told) = late.until(|name, _| name == "review").pop().unwrap();
        assert_eq!(told.as_array().unwrap().len(), 2);
        assert_eq!((&told[0]["pick"], &told[0]["rating"]), (&json!(true), &json!(4)));
        let page = rig.site.get("").text();
        assert!(page.contains(r#""rejected":true"#) && page.contains(r"\u003c/script\u003e"));
    }
}

#[test]
fn what_another_program_decides_comes_to_the_page() {
    let rig = Rig::without_run(&shots(1));
    let mut page = rig.site.follow().unwrap();
    page.until(|name, data| name == "all" && data == "end");
    let text = r#"{"rushes_review": 1, "shots": [{"id": "s000", "rating": 5}]}"#;
    fs::write(rig.folder.join(FILE), text).unwrap();
    let (_, told) = page.until(|name, _| name == "review").pop().unwrap();
    assert_eq!(told[0]["rating"], 5);
}

#[test]
fn strangers_and_nonsense_change_nothing() {
    let rig = Rig::without_run(&shots(1));
    let body = r#"{"id": "s000", "revision": 1, "pick": true}"#;
    assert_eq!(decide(&rig.site, &[], body).status, 403);
    let foreign = [("X-Rushes", "1"), ("Origin", "http://evil.example")];
    assert_eq!(decide(&rig.site, &foreign, body).status, 403);
    assert_eq!(rig.site.ask("GET", "review", &[]).status, 405);
    for (body, status) in [
        ("", 400),
        ("[]", 400),
        (r#"{"id": "s000", "pick": true}"#, 400),
        (r#"{"id": "../s000", "revision": 1, "pick": true}"#, 400),
        (r#"{"id": "s000", "revision": 1, "price": 0}"#, 400),
        (r#"{"id": "never", "revision": 1, "pick": true}"#, 404),
    ] {
        assert_eq!(decide(&rig.site, BUTTON, body).status, status, "{body}");
    }
    let long = format!(r#"{{"id": "s000", "revision": 1, "note": "{}"}}"#, "x".repeat(70_000));
    assert_eq!(decide(&rig.site, BUTTON, &long).status, 413);
    assert!(!rig.folder.join(FILE).exists());
    // A file that is broken meanwhile is said, and left as it is.
    fs::write(rig.folder.join(FILE), "{").unwrap();
    let refused = decide(&rig.site, BUTTON, body);
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("it is never written over"), "{}", refused.text());
    assert_eq!(fs::read_to_string(rig.folder.join(FILE)).unwrap(), "{");
}

#[test]
fn a_page_without_a_run_has_no_buttons_of_one_and_is_well() {
    let rig = Rig::without_run(&shots(1));
    for button in ["pause", "resume", "stop"] {
        assert_eq!(rig.site.press(button), 404, "{button}");
    }
    assert_eq!(rig.site.get("metrics").status, 404);
    assert_eq!(rig.site.get("healthz").status, 200);
    assert_eq!(rig.site.get("clips/s000.mp4").status, 200);
    let page = rig.site.get("").text();
    assert!(page.contains(r#""saves":true"#) && page.contains("rushes review shots.yaml"));
}

/// Trial 22: a page that is told the end knows where the sheet lies.
#[test]
fn the_page_of_a_run_knows_where_the_sheet_will_lie() {
    let mut rig = Rig::new(&shots(1));
    assert!(rig.site.get("").text().contains(r#""sheet":"/films/summer/contact-sheet.html""#));
    let mut page = rig.site.follow().unwrap();
    page.until_run("running");
    rig.close();
    assert_eq!(page.until_run("ended")["why"], "the cap");
}
