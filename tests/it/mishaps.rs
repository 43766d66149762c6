//! The real program before a scripted gateway, on nights when this machine is the trouble.

use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::server::{Reply, Script, Server};

const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

fn manifest(head: &str, ids: &[&str]) -> String {
    let shots: Vec<_> = ids.iter().map(|id| format!("  - {{id: {id}, prompt: {id}}}\n")).collect();
    let shots = shots.concat();
    format!(
        "campaign: night\n{head}limits: {{rate: 50/s, poll_every: 100ms, poll_rate: 100/s}}\n\
         defaults: {{model: kling-v2-6}}\nshots:\n{shots}"
    )
}

fn bought(task: &str) -> Reply {
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": {"taskId": task}}))
}

/// Polls are done at once, clips are there.
fn delivers(script: Script) -> Server {
    script
        .on(|request| {
            if request.method == "POST" {
                return None;
            }
            let host = format!("http://{}", request.header("host")?);
            Some(if request.target.starts_with("/clip") {
                Reply::bytes(200, CLIP)
            } else {
                let urls = [format!("{host}/clip.mp4")];
                Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}}))
            })
        })
        .serve()
}

fn posts(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.method == "POST").count()
}

fn ledger(sandbox: &Sandbox) -> rusqlite::Connection {
    rusqlite::Connection::open(sandbox.path("renders/night/ledger.sqlite")).unwrap()
}

#[test]
fn a_task_id_the_ledger_cannot_take_is_told_and_nothing_more_is_sent() {
    let sandbox = Sandbox::new()
        .manifest(&manifest("budget: 9\n", &["a", "b", "c"]))
        .var("KLING_API_KEY", "secret-key");
    let refusing = Script::new().always_post(Reply::json(401, &json!({"code": 401}))).serve();
    let refused = sandbox.run(["run", "shots.yaml", "--api-base", &refusing.url()]).exits(3);
    // What is there to be copied must not lead to the paid gateway, nor hide the cap.
    refused
        .warns(&format!("rushes run shots.yaml --api-base '{}'", refusing.url()))
        .warns("3 queued · $0 spent; cap $9.00");
    ledger(&sandbox)
        .execute_batch(
            "CREATE TRIGGER broken BEFORE UPDATE ON attempts WHEN new.task_id IS NOT NULL
             BEGIN SELECT raise(ABORT, 'the disk is gone'); END",
        )
        .unwrap();
    let server = delivers(Script::new().always_post(bought("clx-1")));
    sandbox
        .run(["run", "shots.yaml", "--api-base", &server.url(), "--in-flight", "1"])
        .exits(3)
        .warns("clx-1");
    assert_eq!(posts(&server), 1);
    ledger(&sandbox).execute_batch("DROP TRIGGER broken").unwrap();

    let server = delivers(Script::new().post(bought("clx-2")).post(bought("clx-3")));
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(1).says("1 in doubt");
    assert_eq!(posts(&server), 2);
    sandbox.run(["resolve", "shots.yaml", "a", "--task-id", "clx-2"]).exits(2).warns("clx-2");
    sandbox.run(["resolve", "shots.yaml", "a", "--task-id", "clx-1"]).exits(0);
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0).says("3 delivered");
    assert_eq!(posts(&server), 2);
}

#[test]
fn a_kill_with_a_post_on_the_wire_is_a_doubt_to_fetch_run_and_resolve() {
    let sandbox = Sandbox::new()
        .manifest(&manifest("budget: 9\n", &["a"]))
        .var("KLING_API_KEY", "secret-key");
    let (sender, posts_arrive) = mpsc::channel();
    let silent = Script::new()
        .on(move |_| {
            sender.send(()).ok();
            None
        })
        .always_post(Reply::hang())
        .serve();
    let mut command = sandbox.command(&["run", "shots.yaml", "--api-base", &silent.url()]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    posts_arrive.recv_timeout(Duration::from_secs(30)).unwrap();
    sandbox.run(["run", "shots.yaml", "--api-base", &silent.url()]).exits(2).warns("in use by");
    sandbox.run(["resolve", "shots.yaml", "a", "--not-bought"]).exits(2).warns("in use by");
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(report["counts"]["submitting"], 1);
    run.kill().unwrap();
    run.wait().unwrap();
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(
        (&report["counts"]["in_doubt"], &report["money"]["reserved"]),
        (&json!(1), &json!("0.0159"))
    );

    let server = delivers(Script::new().post(bought("t-1")));
    let url = server.url();
    sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(1).says("1 in doubt");
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--retry-failed"]).exits(1);
    assert_eq!(posts(&server), 0);
    let plan = sandbox.run(["plan", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!((&plan["total"], &plan["shots"][0]["action"]), (&json!("0"), &json!("in doubt")));
    sandbox.run(["resolve", "shots.yaml", "a", "--not-bought"]).exits(0);
    sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(1).says("1 queued");
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0).says("$0.0159 spent");
    assert_eq!(posts(&server), 1);
}

#[test]
fn the_cap_is_the_flags_then_the_manifests_then_the_ledgers() {
    let sandbox = Sandbox::new().var("KLING_API_KEY", "secret-key");
    let server =
        delivers(Script::new().post(bought("t-1")).post(bought("t-2")).post(bought("t-3")));
    let url = server.url();
    let cap = |sandbox: &Sandbox| {
        let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0);
        report.stdout_json()["money"]["cap"].clone()
    };
    let sandbox = sandbox.manifest(&manifest("budget: 0.02\n", &["a", "b", "c"]));
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(3).says("1 delivered");
    let sandbox = sandbox.manifest(&manifest("", &["a", "b", "c"]));
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(3);
    assert_eq!((posts(&server), cap(&sandbox)), (1, json!("0.02")));
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--budget", "0.04"]).exits(3);
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(3);
    assert_eq!((posts(&server), cap(&sandbox)), (2, json!("0.04")));
    let sandbox = sandbox.manifest(&manifest("budget: 0.02\n", &["a", "b", "c"]));
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(3);
    assert_eq!((posts(&server), cap(&sandbox)), (2, json!("0.02")));
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--budget", "none"]).exits(0);
    assert_eq!((posts(&server), cap(&sandbox)), (3, json!(null)));
}

#[test]
fn a_first_run_killed_while_it_made_the_ledger_is_gone_on_with_by_the_same_command() {
    let sandbox = Sandbox::new()
        .manifest(TWO_SHOTS)
        .file("renders/summer.sim/ledger.sqlite", "")
        .file("renders/summer.sim/ledger.sqlite.reserve", "half");
    sandbox.run(["status", "shots.yaml", "--sim"]).exits(2).warns("nothing was run yet");
    sandbox.run(["plan", "shots.yaml", "--sim"]).exits(0);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
}
