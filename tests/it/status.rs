//! `rushes status`, while a run works and after it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::{Reply, Script};

/// Trial 10: a run that buys nothing more says so in another terminal, and why, while it finishes.
#[test]
fn that_buying_has_stopped_is_told_while_the_rest_goes_on() {
    let bought = |task| Reply::json(200, &serde_json::json!({"data": {"taskId": task}}));
    let (gate, held) = tokio::sync::watch::channel(false);
    let failed = serde_json::json!({"data": {"state": "failed", "failMsg": "no"}});
    let working = serde_json::json!({"data": {"state": "processing"}});
    let answer = move |request: &crate::support::Request| {
        let is_post = request.method == "POST" || request.is_about_account();
        let says =
            if request.target.contains("t-1") || *held.borrow() { &failed } else { &working };
        (!is_post).then(|| Reply::json(200, says))
    };
    let script = Script::new().on(answer).post(bought("t-1")).post(bought("t-2"));
    let server = script.always_post(Reply::text(503, "later")).serve();
    let sandbox = Sandbox::new().manifest(THREE).var("KLING_API_KEY", "sk-live-0123456789");
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--max-failures=1", "--api-base", &url]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let said = "buying       stopped: one shot failed in this run (--max-failures); what is in flight \
                goes on\n";
    let mut shown = String::new();
    while !shown.contains(said) {
        assert_eq!(run.try_wait().unwrap(), None, "it has ended: {shown}");
        std::thread::sleep(std::time::Duration::from_millis(20));
        let done = sandbox.run(["status", "shots.yaml"]);
        shown = done.stdout();
    }
    assert!(shown.contains("run          for "), "{shown}");
    gate.send(true).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(3));
    let over = sandbox.run(["status", "shots.yaml"]).exits(0).stdout();
    assert!(!over.contains("buying"), "{over}");
}

const THREE: &str = "\
campaign: three
budget: 5
limits: {rate: 50/s, in_flight: 2, poll_every: 50ms, poll_rate: 50/s}
defaults: {model: kling-v2-6, prompt: A beach}
shots: [{id: a}, {id: b}, {id: c}]
";

const SLOW: &str = "\
campaign: slow
budget: 5
limits: {rate: 50/s, poll_every: 50ms, poll_rate: 50/s}
shots:
  - {id: beach, model: kling-v3, prompt: A beach}
";

#[test]
fn it_says_where_a_campaign_stands_and_ends_when_no_run_is_at_work() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let once = sandbox.run(["status", "shots.yaml", "--sim"]).exits(0);
    let once = once.says("summer: 2 shots: 2 delivered").says("spent        $0.3324");
    let once = once.says("cap          none").says("run          not running").says("kling-v2-6");
    let again = sandbox.run(["status", "shots.yaml", "--sim", "--watch"]).exits(0);
    assert_eq!(once.stdout(), again.stdout());
    sandbox.run(["status", "shots.yaml", "--sim", "--watch=0"]).exits(2).warns("--watch");
}

#[cfg(unix)]
#[test]
fn a_watch_repeats_itself_while_a_run_works_and_ends_with_it_or_with_ctrl_c() {
    let (gate, held) = tokio::sync::watch::channel(false);
    let posted = Reply::text(400, "no").held(held);
    let server = Script::new().always_post(posted).serve();
    let sandbox = Sandbox::new().manifest(SLOW).var("KLING_API_KEY", "sk-live-0123456789");
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--api-base", &url]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while server.requests().is_empty() {
        assert_eq!(run.try_wait().unwrap(), None, "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let watch = || {
        let mut watch = sandbox.command(&["status", "shots.yaml", "--watch=1"]);
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
        (watch, lines)
    };
    let (mut first, mut said) = watch();
    let (mut second, mut also) = watch();
    let blocks = |said: &mut dyn Iterator<Item = String>| {
        let mut said = said.filter(|line| line.starts_with("slow: "));
        [said.next().unwrap(), said.next().unwrap()]
    };
    assert_eq!(blocks(&mut said), ["slow: 1 shot: 1 submitting", "slow: 1 shot: 1 submitting"]);
    blocks(&mut also);
    let id = first.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(first.wait().unwrap().code(), Some(0), "enough was seen");
    gate.send(true).unwrap();
    let rest: Vec<_> = also.collect();
    assert_eq!(second.wait().unwrap().code(), Some(0), "the run has ended");
    assert!(rest.iter().any(|line| line.contains("1 failed")), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("run          not running")), "{rest:?}");
    assert_eq!(run.wait().unwrap().code(), Some(1));
}
