//! Paid work is polled and fetched whatever is wrong with the manifest.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    let is_same = |line: &&str| !line.contains(" is kept, but") && !line.contains(" delivered · ");
    let said: Vec<&str> = said.lines().filter(is_same).collect();
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

/// A gateway whose tasks render until it is told.
fn renders() -> (Server, Arc<AtomicBool>) {
    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let server = Script::new().on(move |request| {
        let is_poll = request.target.contains("task_id=");
        Some(if is_poll && !done.load(Ordering::Relaxed) {
            Reply::json(200, &json!({"data": {"state": "processing"}}))
        } else {
            crate::disk::sold(request, crate::disk::CLIP)
        })
    });
    (server.serve(), is_done)
}

/// The run is killed once the ledger has both its tasks.
fn killed(sandbox: &Sandbox, manifest: &str, server: &Server) {
    let url = server.url();
    let mut run = sandbox.command(&["run", manifest, "--api-base", &url]);
    let mut run = run.stderr(std::process::Stdio::null()).spawn().unwrap();
    let rendering = "SELECT count(*) FROM revisions WHERE state = 'rendering'";
    let began = std::time::Instant::now();
    let count = || {
        let ledger = rusqlite::Connection::open(sandbox.path("renders/night/ledger.sqlite"));
        ledger.and_then(|conn| conn.query_row(rendering, [], |row| row.get::<_, i64>(0)))
    };
    while !count().is_ok_and(|count| count == 2) {
        assert!(began.elapsed() < crate::disk::PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn field_05_a_still_renamed_while_its_shots_render_and_the_run_was_killed() {
    let sandbox = campaign(&[]).manifest(TEXT);
    fs::create_dir(sandbox.path("stills")).unwrap();
    fs::write(sandbox.path("stills/a.png"), crate::cases::PNG).unwrap();
    let (server, is_done) = renders();
    killed(&sandbox, "shots.yaml", &server);
    is_done.store(true, Ordering::Relaxed);
    fs::rename(sandbox.path("stills/a.png"), sandbox.path("stills/final.png")).unwrap();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox.run(run).exits(0).warns("stills/a.png");
    assert_eq!(delivered(&sandbox), 2);
    crate::disk::each_once(&[&server], &["a", "b"]);
}

#[test]
fn field_05_a_table_that_is_gone_is_named_with_the_command_that_fetches_what_waits() {
    let rows = "id,model,prompt\na,kling-v2-6,a\nb,kling-v2-6,b\n";
    let limits = "limits: {rate: 100/s, poll_every: 50ms, poll_rate: 100/s}\n";
    let yaml = format!("campaign: night\n{limits}shots:\n  - {{from: rows.csv}}\n");
    for (manifest, table) in [("shots.yaml", "rows.csv"), ("night.csv", "night.csv")] {
        let sandbox = campaign(&[]).manifest(&yaml).file(table, rows);
        let (server, is_done) = renders();
        killed(&sandbox, manifest, &server);
        is_done.store(true, Ordering::Relaxed);
        fs::rename(sandbox.path(table), sandbox.path("renamed.csv")).unwrap();
        let before = server.requests().len();
        let url = server.url();
        let refused = sandbox.run(["run", manifest, "--api-base", &url]).exits(2).stderr();
        assert_eq!(server.requests().len(), before, "nothing was sent");
        assert!(refused.contains(table), "{refused}");
        let help = refused.lines().find(|line| line.contains("paid for")).unwrap_or(&refused);
        assert!(help.contains(&format!("fetched: rushes fetch {manifest}")), "{refused}");
        // As it stands there.
        let words = help.rsplit_once("rushes ").unwrap().1.replace(['\'', '"'], "");
        let words: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(sandbox.run_words(&words).code(), Some(0), "{words:?}");
        let clips = fs::read_dir(sandbox.path("renders/night/clips")).unwrap().count();
        assert_eq!((clips, posted(&server).len()), (2, 2), "{manifest}: nothing is bought");
    }
}
