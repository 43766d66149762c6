//! Odd nights, lived by the real program over a real socket: firewalls, requests rejected alike,
//! money in a 429, clips that come late, last words without a clip, luck.

mod answers;
mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::sandbox::{Done, Sandbox};
use crate::support::{Reply, Request, Script, Server};

const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";
const PAGE: &str = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title>\
                    </head><body>You have been blocked</body></html>";

fn manifest(shots: usize, limits: &str) -> String {
    let head = format!(
        "campaign: odd\nbudget: 50\nlimits: {{rate: 50/s, poll_every: 50ms, poll_rate: 50/s, \
         submit_timeout: 5s, {limits}}}\ndefaults: {{model: kling-v3}}\nshots:\n"
    );
    let shot = |nth| format!("  - {{id: shot-{nth:02}, prompt: Scene number {nth} at dawn}}\n");
    std::iter::once(head).chain((0..shots).map(shot)).collect()
}

fn campaign(shots: usize, limits: &str) -> Sandbox {
    Sandbox::new().manifest(&manifest(shots, limits)).var("KLING_API_KEY", "sk-live-0123456789")
}

fn envelope(status: u16, code: u16, msg: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "msg": msg, "data": null}))
}

fn page(status: u16) -> Reply {
    Reply::text(status, PAGE).header("Content-Type", "text/html; charset=UTF-8")
}

/// The shot that a POST is about, by its prompt.
fn nth(request: &Request) -> usize {
    let prompt = request.json().to_string();
    let words = prompt.split("number ").nth(1).and_then(|rest| rest.split(' ').next());
    words.and_then(|word| word.parse().ok()).unwrap()
}

fn task(data: &Value) -> Reply {
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

/// A gateway that buys whatever `post` does not answer; `poll` is what a task's poll says, and
/// everything else is a clip.
fn gateway(
    mut post: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
    mut poll: impl FnMut(&str, &str) -> Value + Send + 'static,
    mut clip: impl FnMut(&str) -> Option<Reply> + Send + 'static,
) -> Server {
    let mut bought = 0;
    Script::new()
        .on(move |request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            let target = request.target.as_str();
            Some(match (request.method.as_str(), target.split_once("task_id=")) {
                ("POST", _) => post(request).unwrap_or_else(|| {
                    bought += 1;
                    task(&json!({"taskId": format!("task-{bought}"), "state": "pending"}))
                }),
                (_, Some((_, id))) => task(&poll(id, &host)),
                _ => clip(target).unwrap_or_else(|| Reply::bytes(200, CLIP)),
            })
        })
        .serve()
}

fn completed(id: &str, host: &str) -> Value {
    let urls = [format!("http://{host}/{id}.mp4")];
    json!({"taskId": id, "state": "completed", "resultUrls": urls})
}

fn run(sandbox: &Sandbox, server: &Server) -> Done {
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()])
}

fn report(sandbox: &Sandbox) -> Value {
    sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json()
}

fn posts(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.method == "POST").count()
}

#[test]
fn field_01_a_firewall_fails_the_one_shot_whose_text_triggers_it() {
    let sandbox = campaign(4, "attempts: 2");
    let post = |request: &Request| (nth(request) == 1).then(|| page(403));
    let server = gateway(post, completed, |_| None);
    run(&sandbox, &server).exits(1);
    let report = report(&sandbox);
    assert_eq!(report["counts"]["delivered"], 3);
    assert_eq!(report["shots"][1]["state"], "failed");
    let reason = report["shots"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("a firewall before the gateway refused this request"), "{reason}");
}

#[test]
fn field_01_a_firewall_that_refuses_everything_stops_the_run_and_nothing_has_failed() {
    let sandbox = campaign(10, "posts: 1");
    let server = gateway(|_| Some(page(403)), completed, |_| None);
    run(&sandbox, &server).exits(3).warns("firewall").warns("texts");
    assert_eq!((posts(&server), &report(&sandbox)["counts"]["queued"]), (3, &json!(10)));
}

#[test]
fn field_42_a_firewalls_page_on_a_poll_does_not_end_the_night() {
    let sandbox = campaign(2, "attempts: 2");
    let mut polls = 0;
    let server = Script::new()
        .on(move |request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            let poll = request.target.split_once("task_id=").map(|(_, id)| id.to_owned());
            Some(match (request.method.as_str(), poll) {
                ("POST", _) => task(&json!({"taskId": format!("t-{}", nth(request))})),
                (_, Some(id)) => {
                    polls += 1;
                    if polls <= 2 { page(403) } else { task(&completed(&id, &host)) }
                }
                _ => Reply::bytes(200, CLIP),
            })
        })
        .serve();
    run(&sandbox, &server).exits(0);
}

#[test]
fn field_07_a_retired_model_stops_the_run_after_eight_and_everything_is_queued_again() {
    let sandbox = campaign(60, "posts: 1");
    let reject = |request: &Request| {
        Some(envelope(400, 400, &format!("Invalid model (request {})", 7000 + nth(request))))
    };
    let server = gateway(reject, completed, |_| None);
    run(&sandbox, &server).exits(3).warns("Invalid model").warns("nothing was charged");
    let told = report(&sandbox);
    assert_eq!((posts(&server), &told["counts"]["queued"]), (8, &json!(60)));
    assert_eq!(told["money"]["spent"], "0");
    // The mistake is mended at the gateway: the same command renders them all.
    let server = gateway(|_| None, completed, |_| None);
    let done = run(&sandbox, &server);
    assert_eq!(done.code(), Some(0), "{}", done.stderr());
    assert_eq!(report(&sandbox)["counts"]["delivered"], 60);
    let order: Vec<usize> =
        server.requests().iter().filter(|request| request.method == "POST").map(nth).collect();
    assert_eq!(order.iter().position(|first| *first == 8), Some(0), "{order:?}");
}

#[test]
fn field_10_a_429_about_money_stops_the_run_once_three_shots_got_it() {
    let sandbox = campaign(6, "posts: 1");
    let broke = || {
        let body = json!({"code": 1102, "message": "Account balance not enough"});
        Reply::json(429, &body).header("Retry-After", "0")
    };
    let server = gateway(move |_| Some(broke()), completed, |_| None);
    run(&sandbox, &server).exits(3).warns("out of credit");
    assert_eq!((posts(&server), &report(&sandbox)["counts"]["queued"]), (3, &json!(6)));
}

#[test]
fn field_02_a_clip_that_the_cdn_has_only_later_is_delivered() {
    let sandbox = campaign(1, "attempts: 1, fetch_patience: 1m");
    let mut asked = 0;
    let clip = move |_: &str| {
        asked += 1;
        (asked <= 2).then(|| Reply::text(404, "not yet"))
    };
    let server = gateway(|_| None, completed, clip);
    run(&sandbox, &server).exits(0);
    assert_eq!(posts(&server), 1);
}

#[test]
fn field_44_of_two_clips_the_first_is_kept_and_listed_when_the_second_is_dead() {
    let sandbox = campaign(1, "fetch_patience: 100ms");
    let both = |id: &str, host: &str| {
        let urls = [format!("http://{host}/one.mp4"), format!("http://{host}/dead.mp4")];
        json!({"taskId": id, "state": "completed", "resultUrls": urls})
    };
    let is_dead = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&is_dead);
    let dead = move |target: &str| {
        let is_gone = target.contains("dead") && still.load(Ordering::Relaxed);
        is_gone.then(|| Reply::text(404, "gone"))
    };
    let server = gateway(|_| None, both, dead);
    run(&sandbox, &server).exits(1);
    let shot = report(&sandbox)["shots"][0].clone();
    assert_eq!(
        (&shot["state"], &shot["files"]),
        (&json!("rendered"), &json!(["clips/shot-00.mp4"]))
    );
    assert!(std::fs::exists(sandbox.path("renders/odd/clips/shot-00.mp4")).unwrap());
    // The host mends it: both are there, and the first was not moved aside.
    is_dead.store(false, Ordering::Relaxed);
    run(&sandbox, &server).exits(0);
    let files = report(&sandbox)["shots"][0]["files"].clone();
    assert_eq!(files, json!(["clips/shot-00.mp4", "clips/shot-00~2.mp4"]));
}

#[test]
fn field_03_completed_with_a_reason_and_no_clip_fails_and_its_price_can_be_freed() {
    let sandbox = campaign(1, "render_timeout: 300ms");
    let odd = |id: &str, _: &str| {
        json!({"taskId": id, "state": "completed", "resultUrls": [],
               "failMsg": "The text was moderated", "failCode": "CONTENT_MODERATION"})
    };
    let server = gateway(|_| None, odd, |_| None);
    run(&sandbox, &server).exits(1).says("their prices stay reserved").says("--not-bought");
    let told = report(&sandbox);
    assert_eq!(told["shots"][0]["state"], "failed");
    assert!(told["shots"][0]["reason"].as_str().unwrap().contains("The text was moderated"));
    assert_eq!(told["money"]["reserved"], told["shots"][0]["price"]);
    sandbox.run(["resolve", "shots.yaml", "shot-00", "--not-bought"]).exits(0);
    assert_eq!(report(&sandbox)["money"]["reserved"], "0");
}

#[test]
fn field_11_a_failure_by_luck_is_bought_again_only_if_the_user_allows_it() {
    for (limits, exits, sent) in [("rerolls: 0", 1, 1), ("rerolls: 1", 0, 2)] {
        let sandbox = campaign(1, limits);
        let luck = |id: &str, host: &str| {
            if id == "task-1" {
                json!({"taskId": id, "state": "failed", "failMsg": "upstream failed",
                       "failCode": "UPSTREAM_FAILED", "retryable": true})
            } else {
                completed(id, host)
            }
        };
        let server = gateway(|_| None, luck, |_| None);
        let done = run(&sandbox, &server);
        assert_eq!(done.code(), Some(exits), "{limits}: {}", done.stderr());
        assert_eq!(posts(&server), sent, "{limits}");
        assert_eq!(report(&sandbox)["shots"][0]["attempts"], sent);
    }
}

#[test]
fn a_share_of_failures_can_be_typed_and_nonsense_is_refused() {
    let sandbox = campaign(1, "attempts: 1");
    let server = gateway(|_| None, completed, |_| None);
    let url = server.url();
    let run = ["run", "shots.yaml", "--api-base", &url, "--max-failures", "0%"];
    sandbox.run(run).exits(2).warns("write for example 5 or 30%");
    let run = ["run", "shots.yaml", "--api-base", &url, "--max-failures", "30%"];
    sandbox.run(run).exits(0);
}
