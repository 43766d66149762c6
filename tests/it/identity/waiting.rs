//! Paid work is polled and fetched whatever is wrong with the manifest.

use std::fs;

use serde_json::json;

use super::*;
use crate::sandbox::Sandbox;
use crate::support::server::{Reply, Script, Server};

const TEXT: &str = "\
campaign: night
limits: {rate: 100/s, poll_every: 50ms, poll_rate: 100/s}
shots:
  - {id: a, model: kling-v2-6, prompt: a, image: stills/a.png}
  - {id: b, model: kling-v2-6, prompt: b}
";

/// A campaign whose two shots are rendered, with their clips still at the gateway.
fn rendered() -> (Sandbox, Server) {
    let sandbox = campaign(&[]).manifest(TEXT);
    fs::create_dir(sandbox.path("stills")).unwrap();
    fs::write(sandbox.path("stills/a.png"), crate::cases::PNG).unwrap();
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--no-download", "--api-base", &url]).exits(1);
    assert_eq!(posted(&server).len(), 2);
    (sandbox, server)
}

fn delivered(sandbox: &Sandbox) -> serde_json::Value {
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).stdout_json();
    report["counts"]["delivered"].clone()
}

#[test]
fn field_05_a_still_that_is_gone_keeps_no_paid_clip_from_being_fetched() {
    let (sandbox, server) = rendered();
    fs::rename(sandbox.path("stills/a.png"), sandbox.path("stills/b.png")).unwrap();
    let url = server.url();
    let run = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    // The clips are no movies, and which of them comes first is not said.
    let said = run.stderr().replace(&url, "GATEWAY");
    let said: Vec<&str> = said.lines().filter(|line| !line.contains(" is kept, but")).collect();
    insta::assert_snapshot!("a_still_that_is_gone", said.join("\n"));
    assert_eq!(posted(&server).len(), 2, "nothing is bought");
    assert_eq!(delivered(&sandbox), 2);
    // Edited it is another shot, whose picture is missing.
    fs::write(sandbox.path("shots.yaml"), TEXT.replace("prompt: a", "prompt: new")).unwrap();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2).warns("there is no file");
    assert_eq!(posted(&server).len(), 2, "nothing is bought");
}

#[test]
fn field_05_what_is_refused_names_the_command_that_fetches_what_waits() {
    let (sandbox, _first) = rendered();
    let server =
        Script::new().always_get(Reply::json(200, &json!({"data": {"state": "pending"}}))).serve();
    let url = server.url();
    fs::write(sandbox.path("shots.yaml"), TEXT.replace("model: kling-v2-6, prompt: b", "modle: x"))
        .unwrap();
    let refused = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2).stderr();
    let last = refused.lines().last().unwrap();
    assert!(
        last.starts_with("help: 2 shots paid for wait to be fetched: rushes fetch"),
        "{refused}"
    );
    let other = ["run", "shots.yaml", "--catalog", "none.yaml", "--api-base", &url];
    sandbox.run(other).exits(2).warns("2 shots paid for wait to be fetched");
    // A run that was refused sent nothing.
    assert_eq!(posted(&server), [""; 0]);
}

#[test]
fn field_05_fetch_works_when_the_manifest_is_broken_or_gone() {
    for text in [Some("campaign: night\nlimits: {rate: fast\nshots: [\n"), None] {
        let (sandbox, server) = rendered();
        let url = server.url();
        let out = "renders/night";
        match text {
            Some(text) => fs::write(sandbox.path("shots.yaml"), text).unwrap(),
            None => fs::remove_file(sandbox.path("shots.yaml")).unwrap(),
        }
        let words = ["fetch", "shots.yaml", "--api-base", &url, "--out", out];
        sandbox.run(words).exits(0).warns("its campaign is found by name");
        let clips = fs::read_dir(sandbox.path("renders/night/clips")).unwrap().count();
        assert_eq!(clips, 2);
    }
}
