//! The real program against a scripted gateway, on the simulator, and without either.

use serde_json::{Value, json};

use crate::sandbox::{Done, Sandbox, TWO_SHOTS};
use crate::support::server::{Reply, Script, Server};

fn sandbox() -> Sandbox {
    Sandbox::new().manifest(&format!("budget: 9\n{TWO_SHOTS}")).var("KLING_API_KEY", "secret-key")
}

fn no_such_task() -> Reply {
    let body = json!({"code": 404, "msg": "Task not found", "data": null});
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    Reply::json(404, &body).header("Date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// A gateway that has all that a check asks for.
pub(super) fn script() -> Script {
    let data = json!({"balance": 25, "total": 25, "frozen": 0, "currency": "USD"});
    let models = json!({"data": [{"id": "kling-v3"}, {"id": "kling-v2-6"}]});
    Script::new()
        .balance(Reply::json(200, &json!({"code": 200, "data": data})))
        .models(Reply::json(200, &models))
        .always_get(no_such_task())
}

pub(super) fn check(sandbox: &Sandbox, server: &Server, words: &[&str]) -> Done {
    let url = server.url();
    let mut all = vec!["check", "--api-base", &url];
    all.extend(words);
    let done = sandbox.run_words(&all);
    assert!(server.asked().iter().all(|request| request.method == "GET"), "nothing is bought");
    done
}

/// The text without what differs from machine to machine and from day to day.
fn steady(done: &Done, server: &Server) -> String {
    let text = done.stdout().replace(&server.url(), "http://gateway");
    let mut lines: Vec<String> = Vec::new();
    let mut skips = false;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let name = line[6..].split(' ').next().unwrap_or_default();
        skips = if name.is_empty() { skips } else { matches!(name, "disk" | "folder" | "prices") };
        if !skips {
            lines.push(line.to_owned());
        } else if !name.is_empty() {
            lines.push(format!("      {name}  …"));
        }
    }
    lines.join("\n")
}

/// A finding by its name, from the JSON.
pub(super) fn finding(done: &Done, name: &str) -> (String, String) {
    let json = done.stdout_json();
    let found = json["findings"].as_array().unwrap().iter().find(|it| it["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {json}"));
    let text = format!("{} {}", found["what"], found["help"]);
    (found["verdict"].as_str().unwrap().to_owned(), text)
}

fn verdict(sandbox: &Sandbox, server: &Server, name: &str, code: i32) -> (String, String) {
    let done = check(sandbox, server, &["shots.yaml", "--format", "json"]).exits(code);
    assert_eq!(done.stdout_json()["ready"], code == 0);
    finding(&done, name)
}

#[test]
fn a_night_that_will_work_is_one_screen_and_changes_nothing() {
    let (sandbox, server) = (sandbox(), script().serve());
    let done = check(&sandbox, &server, &["shots.yaml"]).exits(0).warns_of_nothing();
    let text = done.stdout();
    assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 80));
    insta::assert_snapshot!(steady(&done, &server));
    assert!(!sandbox.path("renders").exists());
    assert!(!text.contains("secret-key"));
}

#[test]
fn without_a_manifest_key_address_balance_and_clock_are_checked() {
    let (sandbox, server) = (sandbox(), script().serve());
    let done = check(&sandbox, &server, &["--format", "json"]).exits(0);
    for name in ["key", "gateway", "balance", "clock"] {
        assert_eq!(finding(&done, name).0, "ok", "{name}");
    }
    assert_eq!(done.stdout_json()["findings"].as_array().unwrap().len(), 6);
}

#[test]
fn a_gateway_that_knows_only_its_own_page_is_as_good() {
    let (sandbox, server) = (sandbox(), Script::new().always_get(no_such_task()).serve());
    let done = check(&sandbox, &server, &["shots.yaml", "--format", "json"]).exits(0);
    assert_eq!(finding(&done, "gateway").0, "ok");
    for name in ["balance", "models"] {
        let (verdict, text) = finding(&done, name);
        assert_eq!(verdict, "not_checked");
        assert!(text.contains("answered 404"), "{text}");
    }
}

#[test]
fn a_missing_or_refused_key_and_another_address_are_failures() {
    let server = script().serve();
    let keyless = Sandbox::new().manifest(TWO_SHOTS);
    assert_eq!(verdict(&keyless, &server, "key", 2).0, "failed");
    assert!(server.asked().is_empty(), "without a key nothing is asked");
    let refused = Reply::json(401, &json!({"code": 401, "msg": "invalid key secret-key"}));
    let server = Script::new().always_get(refused.clone()).balance(refused).serve();
    let (found, text) = verdict(&sandbox(), &server, "gateway", 2);
    assert!(found == "failed" && text.contains("refuses the key"), "{text}");
    assert!(!text.contains("secret-key"), "{text}");
    let server = Script::new().always_get(Reply::text(404, "<h1>nginx</h1>")).serve();
    let (found, text) = verdict(&sandbox(), &server, "gateway", 2);
    assert!(found == "failed" && text.contains("not the gateway"), "{text}");
    let server = Script::new().slam(usize::MAX).serve();
    let (_, text) = verdict(&sandbox(), &server, "balance", 2);
    assert!(text.contains("see gateway"), "said once: {text}");
    let (found, text) = verdict(&sandbox(), &server, "gateway", 2);
    assert!(found == "failed" && text.contains("cannot be reached"), "{text}");
}

#[test]
fn too_little_money_an_unlisted_model_and_a_wrong_clock_are_warnings() {
    let data = json!({"balance": "0.10", "currency": "USD"});
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let server = Script::new()
        .balance(Reply::json(200, &json!({"data": data})))
        .models(Reply::json(200, &json!({"data": [{"id": "kling-v2-6"}]})))
        .always_get(Reply::json(404, &json!({"code": 404, "msg": "no"})).header("Date", date))
        .serve();
    let done = check(&sandbox(), &server, &["shots.yaml", "--format", "json"]).exits(0);
    for (name, text) in [
        ("balance", "$0.3324 is needed"),
        ("models", "does not list kling-v3"),
        ("clock", "ahead of the gateway's"),
    ] {
        let (verdict, found) = finding(&done, name);
        assert!(verdict == "warning" && found.contains(text), "{name}: {found}");
    }
}

#[test]
fn a_broken_manifest_is_a_failure_and_the_rest_is_checked_all_the_same() {
    let server = script().serve();
    let sandbox = sandbox().manifest("campaign: summer\nshots:\n  - {id: a, modle: x}\n");
    let done = check(&sandbox, &server, &["shots.yaml", "--format", "json"]).exits(2);
    let (verdict, text) = finding(&done, "manifest");
    assert!(verdict == "failed" && text.contains("rushes plan shots.yaml"), "{text}");
    for name in ["key", "gateway", "disk", "ledger", "run"] {
        assert_eq!(finding(&done, name).0, "ok", "{name}");
    }
}

#[test]
fn local_files_that_are_to_be_sent_are_looked_for() {
    let png = "\u{89}PNG";
    let still = TWO_SHOTS.replace("    prompt: Rain", "    image: still.png\n    prompt: Rain");
    let sandbox = sandbox().manifest(&still).file("still.png", png);
    let done = check(&sandbox, &script().serve(), &["shots.yaml", "--format", "json"]);
    let json = done.stdout_json();
    let names: Vec<&Value> =
        json["findings"].as_array().unwrap().iter().map(|found| &found["name"]).collect();
    assert!(names.contains(&&json!("files")) || names.contains(&&json!("manifest")), "{json}");
}

#[test]
fn a_damaged_ledger_and_clips_without_one_are_failures() {
    let (sandbox, server) = (sandbox(), script().serve());
    let sandbox = sandbox.file("renders/summer/ledger.sqlite", "not a ledger");
    let (found, text) = verdict(&sandbox, &server, "ledger", 2);
    assert!(found == "failed" && text.contains("is not a ledger of rushes"), "{text}");
    std::fs::remove_file(sandbox.path("renders/summer/ledger.sqlite")).unwrap();
    let sandbox = sandbox.file("renders/summer/clips/beach.mp4", "a clip");
    let (found, text) = verdict(&sandbox, &server, "ledger", 2);
    assert!(found == "failed" && text.contains("would be bought again"), "{text}");
}

#[test]
fn a_rehearsal_is_checked_before_and_after_it() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let words = ["check", "shots.yaml", "--sim", "--format", "json"];
    let before = sandbox.run(words).exits(0);
    assert!(finding(&before, "balance").1.contains("1000"), "{:?}", finding(&before, "balance"));
    assert!(!sandbox.path("renders").exists(), "nothing was made");
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let journal = std::fs::read(sandbox.path("renders/summer.sim/simulator.jsonl")).unwrap();
    let after = sandbox.run(words).exits(0);
    assert!(finding(&after, "balance").1.contains("999.6676"), "{:?}", finding(&after, "balance"));
    assert!(finding(&after, "ledger").1.contains("whole; $0.3324 spent"));
    assert!(finding(&after, "disk").1.contains("no clip is to come"));
    let now = std::fs::read(sandbox.path("renders/summer.sim/simulator.jsonl")).unwrap();
    assert_eq!(journal, now);
    sandbox.run(["check", "--sim"]).exits(0).says("the simulator takes the key");
}

#[test]
fn a_run_at_work_is_named() {
    let sandbox = sandbox();
    let server = script().always_post(Reply::hang()).serve();
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--api-base", &url]).spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(server.received(1));
    let done = sandbox.run(["check", "shots.yaml", "--api-base", &url, "--format", "json"]);
    let (verdict, text) = finding(&done, "run");
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(verdict == "warning" && text.contains("rushes run"), "{text}");
}
