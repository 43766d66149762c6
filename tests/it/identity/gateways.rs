//! One campaign, one gateway: another one knows none of its tasks and charges another account.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::json;

use super::*;
use crate::sandbox::Sandbox;
use crate::support::server::{Reply, Script, Server};

fn ledger(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("renders/night/ledger.sqlite")
}

fn sql(sandbox: &Sandbox, batch: &str) {
    Connection::open(ledger(sandbox)).unwrap().execute_batch(batch).unwrap();
}

fn moved_to(sandbox: &Sandbox) -> Option<String> {
    let conn = Connection::open(ledger(sandbox)).unwrap();
    conn.query_row("SELECT moved_to FROM campaign", [], |row| row.get(0)).unwrap()
}

/// A campaign of which one shot of two is rendered by a gateway elsewhere.
fn begun_elsewhere() -> (Sandbox, Server) {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    sql(&sandbox, "UPDATE origins SET address = 'https://one.example/api/v1/video/generations'");
    (sandbox, server)
}

#[test]
fn field_13_a_run_at_another_gateway_is_refused_with_the_command_that_finishes_what_is_there() {
    let (sandbox, _server) = begun_elsewhere();
    let before = std::fs::read(ledger(&sandbox)).unwrap();
    let refused = ["run", "fetch"].map(|verb| {
        let there = [verb, "shots.yaml", "--api-base", "https://two.example"];
        sandbox.run(there).exits(2).stderr()
    });
    // A fetch keeps to what the last run was to buy.
    assert_eq!(refused[0], refused[1].replace(" --only a", ""));
    insta::assert_snapshot!("another_gateway", refused[0]);
    assert!(std::fs::read(ledger(&sandbox)).unwrap() == before, "nothing is changed");
    // Another spelling of its own address is no other gateway.
    let same = "HTTPS://ONE.example:443/";
    sandbox.run(["fetch", "shots.yaml", "--api-base", same]).exits(1);
}

#[test]
fn field_13_a_gateway_that_moved_is_gone_on_with_on_the_users_word() {
    let (sandbox, _server) = begun_elsewhere();
    let there = "https://two.example";
    sandbox.run(["fetch", "shots.yaml", "--api-base", there, "--same-gateway"]).exits(1);
    assert_eq!(moved_to(&sandbox).as_deref(), Some("https://two.example/api/v1/video/generations"));
    sandbox.run(["fetch", "shots.yaml", "--api-base", there]).exits(1);
    let back = ["fetch", "shots.yaml", "--api-base", "https://one.example"];
    sandbox.run(back).exits(2).warns("this campaign was sent to https://two.example");
}

#[test]
fn field_37_a_stand_in_on_this_machine_and_a_gateway_elsewhere_are_never_mixed() {
    let (sandbox, server) = begun_elsewhere();
    let url = server.url();
    let posts = posted(&server).len();
    let shown = |text: String| text.replace(&url, "STAND-IN");
    let refused = ["-v", "--same-gateway"].map(|flag| {
        let words = ["run", "shots.yaml", "--api-base", &url, flag];
        shown(sandbox.run(words).exits(2).stderr())
    });
    assert_eq!(refused[0], refused[1]);
    insta::assert_snapshot!("a_stand_in_after_a_gateway", refused[0]);
    assert_eq!(posted(&server).len(), posts);
    // And the other way round: what a stand-in rendered is not taken for bought.
    let sandbox = campaign(&["a", "b"]);
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    let refused = sandbox.run(["run", "shots.yaml", "--same-gateway"]).exits(2);
    insta::assert_snapshot!("a_gateway_after_a_stand_in", shown(refused.stderr()));
    // All addresses of this machine are one: a stand-in takes another port every time.
    let again = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &again.url()]).exits(0);
    assert_eq!(posted(&again), ["b"]);
}

/// A campaign of a version that did not keep where it sent its requests, with a task that renders.
fn begun_before() -> Sandbox {
    let sandbox = campaign(&["a", "b"]);
    let server = Script::new()
        .post(Reply::json(200, &json!({"code": 200, "data": {"taskId": "t-a"}})))
        .always_get(Reply::json(200, &json!({"data": {"state": "pending"}})))
        .serve();
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--only", "a", "--api-base", &url]);
    let mut run = run.stderr(std::process::Stdio::null()).spawn().unwrap();
    let rendering = "SELECT count(*) FROM revisions WHERE state = 'rendering'";
    let began = std::time::Instant::now();
    loop {
        let count = Connection::open(ledger(&sandbox))
            .and_then(|conn| conn.query_row(rendering, [], |row| row.get::<_, i64>(0)));
        if count.is_ok_and(|count| count == 1) {
            break;
        }
        assert!(began.elapsed() < crate::disk::PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    sql(&sandbox, "UPDATE attempts SET origin = NULL; DELETE FROM origins");
    sandbox
}

#[test]
fn field_13_a_ledger_from_before_takes_the_gateway_that_knows_its_tasks() {
    let sandbox = begun_before();
    let stranger = Script::new()
        .on(|request| {
            let unknown = Reply::json(404, &json!({"code": 404, "msg": "no such task"}));
            (request.method == "GET").then_some(unknown)
        })
        .serve();
    let url = stranger.url();
    let refused = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2);
    insta::assert_snapshot!(
        "a_gateway_that_knows_no_task",
        refused.stderr().replace(&url, "GATEWAY")
    );
    assert_eq!(posted(&stranger), [""; 0]);
    assert_eq!(moved_to(&sandbox), None);
    let theirs = sells();
    let url = theirs.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    assert_eq!(posted(&theirs), ["b"]);
    assert_eq!(moved_to(&sandbox), Some(format!("{url}/api/v1/video/generations")));
}
