//! `rushes check --notify`.

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::support::{Reply, Request, Script};

const SECRET: &str = "/services/T0/B0/s3cret-hook";

/// Trial 24: a test of `notify` sends one message and says what came of it.
#[test]
fn a_test_message_is_sent_once_and_only_when_asked_for() {
    let chat = Script::new().always_post(Reply::text(200, "ok")).serve();
    let sandbox = Sandbox::new().var("RUSHES_NOTIFY_URL", &(chat.url() + SECRET));
    sandbox.run(["check", "--sim"]).exits(0);
    assert!(chat.requests().is_empty());
    let done = sandbox.run(["check", "--sim", "--notify"]).exits(0);
    done.says("ok    notify    a test message was sent to");
    let told: Vec<Value> = chat.requests().iter().map(Request::json).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["event"], &told[0]["command"]), (&"test".into(), &"rushes check".into()));
    assert!(told[0]["text"].as_str().unwrap().contains("a test message"), "{}", told[0]);
    assert_eq!(told[0]["text"], told[0]["content"]);
}

#[test]
fn a_message_that_does_not_arrive_is_told_without_its_address() {
    let chat = Script::new().always_post(Reply::text(404, "no such hook")).serve();
    let address = chat.url() + SECRET;
    let manifest =
        format!("campaign: x\nnotify: {address}\nshots: [{{id: a, model: kling-v3, prompt: A}}]\n");
    let sandbox = Sandbox::new().manifest(&manifest);
    let done = sandbox.run(["check", "shots.yaml", "--sim", "--notify"]).exits(2);
    let text = done.says("FAIL  notify").stdout();
    assert!(text.contains("it answered 404") && !text.contains("s3cret"), "{text}");
    let none = Sandbox::new().run(["check", "--sim", "--notify"]).exits(2);
    none.says("there is no address for messages").says("RUSHES_NOTIFY_URL");
    let odd = Sandbox::new().var("RUSHES_NOTIFY_URL", "http://elsewhere.example/x");
    odd.run(["check", "--sim", "--notify"]).exits(2).says("plain http://");
}
