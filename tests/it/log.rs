//! The campaign's log: one `grep` tells a shot's story, and nothing about the log can harm a run.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::{Reply, Script};

const ONE_SHOT: &str = "\
campaign: one
limits: {fetch_patience: 200ms, rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 2, submit_timeout: 2s}
shots:
  - {id: beach, model: kling-v3, prompt: A beach}
";

fn lines(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What `grep '"shot":"beach"'` finds, as the events that are told.
fn story(sandbox: &Sandbox, file: &str, shot: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    let found = text.lines().filter(|line| line.contains(&format!("\"shot\":\"{shot}\"")));
    let found = found.map(|line| serde_json::from_str::<Value>(line).unwrap());
    found.filter(|line| line.get("event").is_some()).collect()
}

fn words(story: &[Value]) -> Vec<String> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    story.iter().map(|line| format!("{} {}", text(line, "event"), text(line, "to"))).collect()
}

#[test]
fn one_grep_tells_a_shots_whole_life() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let all = lines(&sandbox, "renders/summer.sim/log.jsonl");
    for line in &all {
        assert_eq!(line["campaign"], "summer", "{line}");
        assert_eq!(line["run"], all[0]["run"], "{line}");
        let at = line["at"].as_str().unwrap();
        assert!(at.len() == "2026-11-22T21:30:00.000Z".len() && at.ends_with('Z'), "{line}");
    }
    assert_eq!((&all[0]["event"], &all[0]["command"]), (&json!("begun"), &json!("rushes run")));
    let last = all.last().unwrap();
    assert_eq!((&last["event"], &last["how"]), (&json!("ended"), &json!("done")), "{last}");
    assert_eq!(last["exit_code"], 0);
    let story = story(&sandbox, "renders/summer.sim/log.jsonl", "beach");
    let told = [
        "queued ",
        "claimed submitting",
        "answered rendering",
        "polled rendered",
        "delivered delivered",
    ];
    assert_eq!(words(&story), told);
    let [_, claimed, answered, polled, delivered] = &story[..] else { panic!("{story:?}") };
    assert_eq!(claimed["price"], "0.3165");
    assert_eq!((&claimed["account"], &polled["account"]), (&json!("reserved"), &json!("spent")));
    assert_eq!(answered["outcome"], "bought");
    assert!(answered["task"].as_str().is_some_and(|task| task == polled["task"]), "{answered}");
    assert_eq!(answered["attempt"], claimed["attempt"]);
    assert_eq!(delivered["files"], "clips/beach.mp4");
    assert!(delivered["bytes"].as_u64().unwrap() > 100);
    assert!(story.iter().all(|line| line["revision"] == 1));
}

#[test]
fn refusals_doubts_and_the_users_word_are_in_the_same_story() {
    let sandbox = Sandbox::new().manifest(ONE_SHOT).var("KLING_API_KEY", "sk-live-0123456789");
    let harm = "\u{1b}[2J\u{202e}\"shot\":\"alley\"\n{\"shot\":\"alley\"}";
    let failed = Reply::json(503, &json!({"code": 503, "msg": harm}));
    let server = Script::new().post(failed).post(Reply::text(200, "?").cut_before_end(1)).serve();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1).says("1 in doubt");
    sandbox.run(["resolve", "shots.yaml", "beach", "--abandon"]).exits(0);
    let log = "renders/one/log.jsonl";
    let story = story(&sandbox, log, "beach");
    let told = [
        "queued ",
        "claimed submitting",
        "answered queued",
        "claimed submitting",
        "answered in_doubt",
        "resolved failed",
    ];
    assert_eq!(words(&story), told);
    assert_eq!((&story[2]["outcome"], &story[2]["status"]), (&json!("server_error"), &json!(503)));
    assert_eq!(story[2]["account"], "unconfirmed");
    assert!(story[4]["why"].as_str().is_some_and(|why| !why.is_empty()), "{}", story[4]);
    assert_eq!(story[5]["command"], "resolve --abandon");
    assert_ne!(story[5]["run"], story[4]["run"], "another run");
    let text = std::fs::read_to_string(sandbox.path(log)).unwrap();
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
    assert!(!text.contains("\"shot\":\"alley\""), "nobody else's story: {text}");
}

#[test]
fn a_run_that_does_not_hold_the_lock_writes_nothing() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let log = sandbox.path("renders/summer.sim/log.jsonl");
    let before = std::fs::read(&log).unwrap();
    let lock = std::fs::File::open(sandbox.path("renders/summer.sim/ledger.sqlite.lock")).unwrap();
    lock.lock().unwrap();
    sandbox.run(["run", "shots.yaml", "--sim", "-v"]).exits(2);
    sandbox.run(["status", "shots.yaml", "--sim", "-v"]).exits(0);
    assert_eq!(std::fs::read(&log).unwrap(), before);
    drop(lock);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    assert!(std::fs::read(&log).unwrap().starts_with(&before), "appended to");
}

#[cfg(unix)]
#[test]
fn what_stands_in_the_logs_place_is_left_alone_and_the_run_goes_on() {
    let file = "renders/summer.sim/log.jsonl";
    let link = |sandbox: &Sandbox| {
        std::os::unix::fs::symlink(sandbox.path("diary.txt"), sandbox.path(file)).unwrap();
    };
    let folder = |sandbox: &Sandbox| std::fs::create_dir(sandbox.path(file)).unwrap();
    let stages: [&dyn Fn(&Sandbox); 2] = [&link, &folder];
    for stage in stages {
        let sandbox = Sandbox::new().manifest(TWO_SHOTS).file("diary.txt", "dear diary");
        std::fs::create_dir_all(sandbox.path("renders/summer.sim")).unwrap();
        stage(&sandbox);
        let done = sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
        assert_eq!(done.stderr().matches("the log renders/summer.sim/log.jsonl").count(), 1);
        let diary = std::fs::read_to_string(sandbox.path("diary.txt")).unwrap();
        assert_eq!(diary, "dear diary");
    }
}

/// Trial 11: what is redirected into a file says when each line was written.
#[test]
fn redirected_messages_have_times() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let said = done.stderr();
    let is_time = |word: &str| {
        word.len() == "2026-11-22T21:30:00.000Z".len() && word.parse::<jiff::Timestamp>().is_ok()
    };
    assert!(said.contains("2 of 2 shots delivered"), "{said}");
    for line in said.lines() {
        assert!(line.split(' ').next().is_some_and(is_time), "{line}");
    }
}

#[test]
fn with_json_everything_that_is_said_is_json() {
    let sandbox =
        Sandbox::new().manifest(TWO_SHOTS).file("wrong.yaml", "shots: [{id: a, modell: x}]");
    for (words, code, level, text) in [
        (&["run", "shots.yaml", "--sim", "--budget", "0.1"][..], 3, "ERROR", "the cap"),
        (&["run", "wrong.yaml", "--sim"], 2, "ERROR", "modell"),
        (
            &["run", "shots.yaml", "--sim", "--only", "zebra"],
            2,
            "INFO",
            "help: ids look like beach",
        ),
    ] {
        let words = [words, &["--log-format", "json"]].concat();
        let said = sandbox.run_words(&words).exits(code).stderr();
        let lines: Vec<serde_json::Value> =
            said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let is_it = |line: &serde_json::Value| {
            line["level"] == level && line["message"].as_str().unwrap().contains(text)
        };
        assert!(lines.iter().any(is_it), "{said}");
        assert!(lines.iter().all(|line| line["timestamp"].is_string()), "{said}");
    }
}

#[test]
fn messages_for_people_stay_as_they_were() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox.run(["run", "shots.yaml", "--sim", "-v"]).exits(0);
    let said = done.stderr();
    assert!(said.contains("debug: beach: bought task=") && !said.contains("claimed"), "{said}");
}
