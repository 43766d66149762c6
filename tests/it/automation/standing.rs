//! `rushes status --format json`.

use std::process::Stdio;
use std::time::Duration;

use rushes::domain::time::Timestamp;
use rushes::ledger::{Holder, RunNote};
use rushes::report::standing::Standing;
use serde_json::{Value, json};

use crate::report::sample::{Sample, at};
use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::{Reply, Script};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Trial 24: the keys that programs rely on.
#[test]
fn programs_are_told_where_a_campaign_stands() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["status", "shots.yaml", "--sim", "--format", "json"]).exits(2);
    sandbox.run(["run", "shots.yaml", "--sim", "--budget", "0.1"]).exits(3);
    let status = sandbox.run(["status", "shots.yaml", "--sim", "--format", "json"]).exits(0);
    assert_eq!(status.stdout().lines().count(), 1);
    let status = status.stdout_json();
    for key in [
        "campaign",
        "running",
        "money",
        "counts",
        "waiting_at_gateway",
        "rate",
        "elapsed_s",
        "ends_at",
        "estimate",
    ] {
        assert!(keys(&status).contains(&key), "{key}: {status}");
    }
    assert_eq!(status["campaign"], "summer");
    assert_eq!((&status["running"], &status["ends_at"]), (&Value::Null, &Value::Null));
    let money = json!({"cap": "0.10", "spent": "0.0159", "reserved": "0", "unconfirmed": "0"});
    assert_eq!(status["money"], money);
    assert_eq!(
        (&status["counts"]["queued"], &status["counts"]["delivered"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&status["waiting_at_gateway"], &status["estimate"]),
        (&json!(0), &json!("measured"))
    );
    assert!(status["elapsed_s"].is_u64());
}

#[test]
fn a_run_that_works_is_told_with_its_process_and_its_end() {
    let (gate, held) = tokio::sync::watch::channel(false);
    let server = Script::new().always_post(Reply::text(400, "no").held(held)).serve();
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("KLING_API_KEY", "sk-live-0123456789");
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--api-base", &url]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while server.requests().is_empty() {
        assert_eq!(run.try_wait().unwrap(), None, "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = sandbox.run(["status", "shots.yaml", "--format", "json"]).exits(0).stdout_json();
    gate.send(true).unwrap();
    run.wait().unwrap();
    let running = &status["running"];
    assert_eq!(running["pid"], run.id(), "{status}");
    assert_eq!((&running["paused"], &running["stopping"]), (&json!(false), &Value::Null));
    for moment in [&running["since"], &status["ends_at"]] {
        assert!(moment.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{status}");
    }
    assert!(running["host"].as_str().is_some_and(|host| !host.is_empty()), "{status}");
    // Each look is a line of its own, and the last one says that it has ended.
    let words = ["status", "shots.yaml", "--format", "json", "--watch"];
    let watched = sandbox.run(words).exits(0).stdout_json();
    assert_eq!(watched["running"], Value::Null);
}

/// Trial 10, 24: that a run buys nothing more, and why.
#[test]
fn what_a_run_says_of_itself_is_told() {
    let mut sample = Sample::mixed();
    let told = |sample: &Sample| {
        let standing = Standing::of(sample, &sample.summary, at(200)).unwrap();
        serde_json::to_value(standing).unwrap()
    };
    assert_eq!(told(&sample)["running"], Value::Null, "no run is at work");
    sample.summary.note = RunNote { stopping: Some("too many failures".to_owned()), paused: true };
    let phrase = "rushes run, process 4242 on host, since 2026-11-22T21:30:10.000Z";
    sample.summary.held_by = Some(phrase.to_owned());
    let status = told(&sample);
    let running = &status["running"];
    assert_eq!((&running["pid"], &running["host"]), (&json!(4242), &json!("host")));
    assert_eq!(
        (&running["stopping"], &running["paused"]),
        (&json!("too many failures"), &json!(true))
    );
    assert_eq!(status["counts"]["delivered"], 1);
    assert_eq!((&status["not_fetched"], &status["stalled"]), (&json!(1), &json!(1)));
}

#[test]
fn a_holders_phrase_is_read_as_it_was_written() {
    let phrase = "rushes run, process 4242 on a, b on c, since 2026-11-28T21:00:00.000Z";
    let holder = Holder::parse(phrase).unwrap();
    assert_eq!(
        (&*holder.command, holder.process, &*holder.host),
        ("rushes run", 4242, "a, b on c")
    );
    assert_eq!(holder.since, Some(Timestamp::from_millis(1_795_899_600_000)));
    assert_eq!(Holder::parse("rushes fetch, process 7 on host").unwrap().since, None);
    for none in ["another process", "", "x, process y on z", "x, process 1"] {
        assert_eq!(Holder::parse(none), None, "{none}");
    }
}
