//! Being told how a run goes: by a chat's webhook that works, fails, hangs or is not there. Nothing
//! of it changes how the run ends, and neither the key nor the address gets about.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox::{Done, Sandbox, TWO_SHOTS};
use crate::support::{Reply, Script, Server};

const KEY: &str = "sk-live-0123456789abcdef";
const SECRET: &str = "/services/T0/B0/s3cret-hook";
const PATIENCE: Duration = Duration::from_secs(60);

fn chat() -> Server {
    Script::new().always_post(Reply::text(200, "ok")).serve()
}

fn hook(server: &Server) -> String {
    server.url() + SECRET
}

fn told(server: &Server) -> Vec<Value> {
    server.requests().iter().map(crate::support::Request::json).collect()
}

fn events(server: &Server) -> Vec<String> {
    let told = told(server);
    told.iter().map(|told| told["event"].as_str().unwrap().to_owned()).collect()
}

/// A gateway that answers every POST and every poll so.
fn gateway(post: Reply, poll: &Value) -> Server {
    let poll = json!({"code": 200, "msg": "success", "data": poll});
    Script::new().always_post(post).always_get(Reply::json(200, &poll)).serve()
}

fn bought() -> Reply {
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": {"taskId": "task-1"}}))
}

fn manifest(head: &str, shots: usize) -> String {
    let shots: Vec<_> =
        (0..shots).map(|n| format!("  - {{id: s{n}, prompt: shot {n}}}\n")).collect();
    let limits = "{rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 2, fetch_patience: 200ms, submit_timeout: 30s}";
    format!(
        "campaign: night\nlimits: {limits}\ndefaults: {{model: kling-v2-6}}\n{head}shots:\n{}",
        shots.concat()
    )
}

fn campaign(head: &str, shots: usize, server: &Server) -> Sandbox {
    let sandbox = Sandbox::new().manifest(&manifest(head, shots));
    sandbox.var("KLING_API_KEY", KEY).var("RUSHES_NOTIFY_URL", &hook(server))
}

fn run(sandbox: &Sandbox, gateway: &Server) -> Done {
    sandbox.run(["run", "shots.yaml", "-vv", "--api-base", &gateway.url()])
}

/// Whether any file below a folder, or what was said, holds this text.
fn is_below(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_below(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn the_end_of_a_run_is_told_with_its_counts_and_its_money() {
    let chat = chat();
    let text = format!("notify: {}\n{TWO_SHOTS}", hook(&chat));
    let sandbox = Sandbox::new().manifest(&text);
    let done = sandbox.run(["run", "shots.yaml", "--sim", "-vv"]).exits(0);
    let [told] = &told(&chat)[..] else { panic!("{:?}", told(&chat)) };
    assert_eq!(told["text"], told["content"]);
    let words = told["text"].as_str().unwrap();
    assert!(words.starts_with("summer: at its end (exit code 0, after "), "{words}");
    assert!(words.contains("2 of 2 shots delivered · $0.3324 spent; no cap"), "{words}");
    assert_eq!((&told["event"], &told["ended"]), (&json!("end"), &json!("done")));
    assert_eq!((&told["campaign"], &told["exit_code"]), (&json!("summer"), &json!(0)));
    assert_eq!((&told["command"], &told["why"]), (&json!("rushes run"), &json!(null)));
    assert_eq!(told["counts"]["delivered"], 2);
    let money = json!({"cap": null, "spent": "0.3324", "reserved": "0", "unconfirmed": "0"});
    assert_eq!(told["money"], money);
    assert!(told["at"].as_str().unwrap().ends_with('Z') && told["seconds"].is_u64());
    let request = &chat.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", SECRET));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let said = done.stdout() + done.stderr().as_str();
    assert!(!said.contains("s3cret"), "{said}");
    assert!(!is_below(&sandbox.path("renders"), "s3cret"), "the address got about");
}

#[test]
fn the_cap_is_told_once_and_the_key_never() {
    let chat = chat();
    let sandbox = campaign("budget: 0.04\n", 6, &chat);
    let gateway = gateway(bought(), &json!({"state": "processing"}));
    let words = ["run", "shots.yaml", "-vv", "--api-base", &gateway.url()];
    let mut run = Running::start(sandbox.command(&words));
    run.waits_until(|| events(&chat).contains(&"cap".to_owned()));
    run.signal("INT");
    assert_eq!(run.ends(), Some(130));
    assert_eq!(events(&chat), ["cap", "end"]);
    let told = told(&chat);
    assert!(told[0]["text"].as_str().unwrap().contains("the cap $0.04 holds back 4 shots"));
    assert_eq!(told[0]["money"]["cap"], "0.04");
    assert_eq!((&told[1]["ended"], &told[1]["exit_code"]), (&json!("interrupted"), &json!(130)));
    for request in chat.requests() {
        assert!(!format!("{request:?}").contains(KEY) && request.header("authorization").is_none());
    }
}

#[test]
fn no_credit_and_why_a_run_stopped_are_told() {
    let chat = chat();
    let sandbox = campaign("", 3, &chat);
    let broke = Reply::json(402, &json!({"code": 402, "msg": "top up, <!channel>"}));
    run(&sandbox, &gateway(broke, &json!(null))).exits(3);
    let mut events = events(&chat);
    events.sort();
    assert_eq!(events, ["credit", "end"]);
    for told in told(&chat) {
        let words = told["text"].as_str().unwrap();
        assert!(words.contains("top up, ‹!channel›"), "{words}");
        assert!(told["why"].as_str().unwrap().contains("out of credit"), "{told}");
    }
}

#[test]
fn many_failures_are_told_once_and_only_to_who_wants_to_know() {
    let failing = json!({"state": "failed", "failMsg": "no worker"});
    for (on, expected) in [("end, failures", vec!["failures", "end"]), ("cap", vec![])] {
        let chat = chat();
        let head = format!("notify: {{on: [{on}], failures: 2}}\n");
        let sandbox = campaign(&head, 4, &chat);
        let gateway = Script::new()
            .on({
                let mut count = 0;
                move |request| {
                    (request.method == "POST").then(|| {
                        count += 1;
                        let data = json!({"taskId": format!("task-{count}")});
                        Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
                    })
                }
            })
            .always_get(Reply::json(200, &json!({"code": 200, "msg": "", "data": failing})))
            .serve();
        run(&sandbox, &gateway).exits(1).says("4 failed");
        let mut events = events(&chat);
        events.sort_by_key(|event| event == "end");
        assert_eq!(events, expected, "{on}");
    }
}

#[test]
fn a_chat_that_fails_is_asked_again_three_times_at_most_and_one_that_says_no_is_not() {
    let down = || Reply::text(503, "later");
    for (script, tries, warned) in [
        (Script::new().post(down()).always_post(Reply::text(204, "")), 2, false),
        (Script::new().always_post(down()), 3, true),
        (Script::new().always_post(Reply::text(404, "no such hook")), 1, true),
        (Script::new().always_post(Reply::text(307, "").header("Location", "/elsewhere")), 1, true),
    ] {
        let chat = script.serve();
        let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_NOTIFY_URL", &hook(&chat));
        let done = sandbox.run(["run", "shots.yaml", "--sim", "--deadline", "1ms", "-v"]).exits(3);
        assert_eq!(chat.requests().len(), tries);
        assert!(chat.requests().iter().all(|request| request.target == SECRET));
        let warnings = done.stderr().matches("a message could not be sent").count();
        assert_eq!(warnings, usize::from(warned), "{}", done.stderr());
        assert!(!done.stderr().contains("s3cret"), "{}", done.stderr());
    }
}

#[test]
fn an_address_where_nothing_listens_changes_nothing_but_a_warning() {
    // A port that is taken and on which nobody listens.
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}{SECRET}", deaf.local_addr().unwrap());
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_NOTIFY_URL", &url);
    let done = sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
    assert_eq!(
        done.stderr().matches("a message could not be sent (end): http://127.0.0.1").count(),
        1
    );
    assert!(!done.stderr().contains("s3cret"), "{}", done.stderr());
}

#[test]
fn a_chat_that_hangs_holds_the_end_up_for_a_while_and_a_second_signal_ends_that() {
    let hangs = || Script::new().always_post(Reply::text(200, "ok").hang_after(0)).serve();
    let (chat, patient) = (hangs(), hangs());
    let gateway = gateway(bought(), &json!({"state": "processing"}));
    let url = gateway.url();
    let words = ["run", "shots.yaml", "--api-base", &url];
    let sandbox = campaign("", 1, &chat);
    let mut run = Running::start(sandbox.command(&words));
    run.waits_until(|| gateway.requests().len() > 1);
    run.signal("INT");
    run.waits_until(|| !chat.requests().is_empty());
    let began = Instant::now();
    run.signal("INT");
    assert_eq!(run.ends(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(8), "it left at once");
    let sandbox = campaign("", 1, &patient);
    let mut run = Running::start(sandbox.command(&words));
    run.waits_until(|| gateway.requests().len() > 4);
    run.signal("INT");
    assert_eq!(run.ends(), Some(130), "it gives up by itself");
    assert_eq!(patient.requests().len(), 2, "ten seconds each, and no more than twenty in all");
}

#[test]
fn what_is_no_address_is_said_before_anything_is_sent_and_never_shown() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let wrong = sandbox.var("RUSHES_NOTIFY_URL", "http://hooks.example/s3cret");
    let done = wrong.run(["run", "shots.yaml", "--sim"]).exits(2).warns("plain http://");
    assert!(!done.stderr().contains("s3cret"), "{}", done.stderr());
    for line in [
        "notify: http://hooks.example/s3cret",
        "notify: {url: \"ftp://hooks.example/s3cret\", on: [edn]}",
        "notfiy: https://hooks.example/s3cret",
        "notify: [https://hooks.example/s3cret]",
        "notify: {url: https://hooks.example/s3cret, failures: none}",
    ] {
        let sandbox = Sandbox::new().manifest(&format!("{line}\n{TWO_SHOTS}"));
        let done = sandbox.run(["run", "shots.yaml", "--sim"]).exits(2).warns("shots.yaml:1:");
        assert!(!done.stderr().contains("s3cret") && done.stderr().contains("***"), "{line}");
    }
    let sandbox = Sandbox::new().manifest(&format!("notify: {{on: end}}\n{TWO_SHOTS}"));
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).warns("RUSHES_NOTIFY_URL is not set");
}

/// A running program; killed when dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn waits_until(&mut self, happened: impl Fn() -> bool) {
        let began = Instant::now();
        while !happened() {
            assert!(began.elapsed() < PATIENCE, "it never happened");
            assert_eq!(self.0.try_wait().unwrap(), None, "it has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        let (name, id) = (format!("-{name}"), self.0.id().to_string());
        assert!(Command::new("kill").args([name, id]).status().unwrap().success());
    }

    fn ends(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
