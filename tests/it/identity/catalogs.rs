//! A catalog or a rule that reads a request in another way buys nothing anew.

use super::*;

/// A catalog of this version with a change.
fn catalog(from: &str, to: &str) -> String {
    let builtin = include_str!("../../../src/catalog/kling-2026-11-22.yaml");
    assert!(builtin.contains(from));
    builtin.replacen(from, to, 1)
}

const SHOT: &str = "\
campaign: night
limits: {rate: 100/s, poll_every: 50ms, poll_rate: 100/s}
shots:
  - {id: a, model: kling-v2-6, prompt: a, aspect_ratio: '16:9'}
  - {id: b, model: kling-v2-6, prompt: b}
";

#[test]
fn field_30_a_catalog_that_learns_a_default_buys_nothing_anew() {
    let learned = catalog("    form: ratio\n", "    form: ratio\n    default: '16:9'\n");
    let sandbox = campaign(&[]).manifest(SHOT).file("new.yaml", &learned);
    let server = sells();
    let run = |more: &[&str], code| {
        let url = server.url();
        let words = [&["run", "shots.yaml", "--api-base", &url], more].concat();
        let output = sandbox.command(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    };
    run(&[], 0);
    assert_eq!(posted(&server), ["a", "b"]);
    // The plan says so too, and its JSON.
    let plan = ["plan", "shots.yaml", "--catalog", "new.yaml"];
    sandbox.run(plan).exits(0).says("2 shots: 2 done").says("nothing to buy");
    run(&["--catalog", "new.yaml"], 0);
    // And back again, also with the value left out where it is the default now.
    run(&[], 0);
    std::fs::write(sandbox.path("shots.yaml"), SHOT.replace(", aspect_ratio: '16:9'", "")).unwrap();
    run(&["--catalog", "new.yaml"], 0);
    assert_eq!(posted(&server), ["a", "b"], "the same bytes are not bought again");
    // What is edited is another request.
    std::fs::write(sandbox.path("shots.yaml"), SHOT.replace("16:9", "9:16")).unwrap();
    run(&["--catalog", "new.yaml"], 0);
    assert_eq!(posted(&server), ["a", "b", "a"]);
}

#[test]
fn field_30_a_local_still_is_the_same_by_its_bytes_and_an_edited_one_is_not() {
    let learned = catalog("    form: ratio\n", "    form: ratio\n    default: '16:9'\n");
    let text = SHOT.replace("prompt: b}", "prompt: b, image: b.png, aspect_ratio: '16:9'}");
    let sandbox = campaign(&[]).manifest(&text).file("new.yaml", &learned);
    let still = |last: &[u8]| {
        std::fs::write(sandbox.path("b.png"), [crate::cases::PNG, last].concat()).unwrap();
    };
    still(b"1");
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    let again = ["run", "shots.yaml", "--api-base", &url, "--catalog", "new.yaml"];
    sandbox.run(again).exits(0);
    assert_eq!(posted(&server), ["a", "b"]);
    still(b"2");
    sandbox.run(again).exits(0);
    assert_eq!(posted(&server), ["a", "b", "b"]);
}

#[test]
fn field_30_what_was_bought_under_an_earlier_rule_is_not_bought_anew() {
    // The ratio `32:18`, line ends of a spreadsheet, `é` as two characters: an earlier rule took
    // each for another text.
    let text = SHOT.replace("prompt: b}", "prompt: b, negative_prompt: \"e\\u0301\\r\\nb\"}");
    let sandbox = campaign(&[]).manifest(&text);
    let server = sells();
    let url = server.url();
    let run = ["run", "shots.yaml", "--api-base", &url];
    sandbox.run(run).exits(0);
    assert_eq!(posted(&server).len(), 2);
    // As an earlier version left them.
    let conn = rusqlite::Connection::open(sandbox.path("renders/night/ledger.sqlite")).unwrap();
    let catalog = rushes::catalog::Catalog::builtin();
    for id in ["a", "b"] {
        let request = "SELECT request FROM revisions WHERE shot = ?1";
        let request: String = conn.query_row(request, [id], |row| row.get(0)).unwrap();
        let params = serde_json::from_str(&request).unwrap();
        let first = rushes::catalog::FingerprintRule::First;
        let first = catalog.fingerprint_by(first, &params, &[]);
        let write = "UPDATE revisions SET fingerprint = ?2 WHERE shot = ?1";
        conn.execute(write, rusqlite::params![id, first.as_bytes()]).unwrap();
    }
    drop(conn);
    sandbox.run(run).exits(0);
    std::fs::write(sandbox.path("shots.yaml"), text.replace("16:9", "32:18")).unwrap();
    sandbox.run(run).exits(0);
    assert_eq!(posted(&server).len(), 2);
}
