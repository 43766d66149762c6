//! Every row of the outcome table, lived by the real program over a real socket: what the shot
//! becomes, where its price lies, how the program exits, and what the next run sends.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::support::{Reply, Script, Server};

const KEY: &str = "sk-live-0123456789abcdef";
const PRICE: &str = "0.3165";

const ONE_SHOT: &str = "\
campaign: one
budget: 5
limits: {fetch_patience: 200ms, rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 2, submit_timeout: 1s}
shots:
  - id: beach
    model: kling-v3
    prompt: A girl dancing on the beach at sunset
";

/// The smallest file that passes for a clip.
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

fn bought() -> Reply {
    let data = json!({"taskId": "task-1", "state": "pending", "model": "kling-video/kling-v3"});
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

fn envelope(status: u16, code: u16, msg: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "msg": msg, "data": null}))
}

/// A gateway that answers the POSTs as scripted; what is bought is rendered at once.
fn gateway(posts: Vec<Reply>) -> Server {
    let script = Script::new().on(|request| {
        let host = request.header("host").unwrap_or_default().to_owned();
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", target) if target.contains("task_id=") => {
                let data = json!({
                    "taskId": "task-1",
                    "state": "completed",
                    "resultUrls": [format!("http://{host}/clip.mp4")],
                    "createTime": 1_705_123_450_000_i64,
                    "completeTime": 1_705_123_500_000_i64,
                });
                Some(Reply::json(200, &json!({"code": 200, "msg": "success", "data": data})))
            }
            ("GET", "/clip.mp4") => Some(Reply::bytes(200, CLIP)),
            _ => None,
        }
    });
    posts.into_iter().fold(script, Script::post).serve()
}

fn posts(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.method == "POST").count()
}

fn campaign() -> Sandbox {
    Sandbox::new().manifest(ONE_SHOT).var("KLING_API_KEY", KEY)
}

/// The shot and the money as the report has them.
fn report(sandbox: &Sandbox) -> (Value, Value) {
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    (report["shots"][0].clone(), report["money"].clone())
}

/// What a row of the table comes to.
struct Row {
    name: &'static str,
    posts: Vec<Reply>,
    exits: i32,
    state: &'static str,
    /// `spent`, `reserved`, `unconfirmed`.
    money: [&'static str; 3],
    reason: &'static str,
    /// Whether the next run sends it again.
    again: bool,
}

/// Bought in the end, after what went before.
fn delivered(name: &'static str, posts: Vec<Reply>, unconfirmed: &'static str) -> Row {
    let money = [PRICE, "0", unconfirmed];
    Row { name, posts, exits: 0, state: "delivered", money, reason: "", again: false }
}

/// Never to be accepted.
fn rejected(name: &'static str, post: Reply, reason: &'static str) -> Row {
    let (posts, money) = (vec![post], ["0", "0", "0"]);
    Row { name, posts, exits: 1, state: "failed", money, reason, again: false }
}

/// Everything stops; the shot stays queued.
fn halted(name: &'static str, post: Reply, reason: &'static str) -> Row {
    Row { exits: 3, state: "queued", again: true, ..rejected(name, post, reason) }
}

/// It may have been bought.
fn doubtful(name: &'static str, post: Reply, reason: &'static str) -> Row {
    Row { state: "in_doubt", money: ["0", PRICE, "0"], ..rejected(name, post, reason) }
}

fn rows() -> Vec<Row> {
    let page = |status| Reply::text(status, "<html>nginx here</html>");
    let slow_down = envelope(429, 429, "slow down").header("Retry-After", "0");
    let odd_id = Reply::json(200, &json!({"data": {"taskId": {"x": 1}}}));
    let torn = Reply::text(200, r#"{"code": 200, "data": {"#).cut_before_end(3);
    let other_words = Reply::json(201, &json!({"data": {"task_id": "task-1"}}));
    let internal = |status| envelope(status, 500, "internal");
    let broke = |status| envelope(status, 402, "insufficient credits");
    vec![
        delivered("2xx with a task id", vec![bought()], "0"),
        delivered("201 with a task id", vec![other_words], "0"),
        delivered("429, then accepted", vec![slow_down, bought()], "0"),
        delivered("5xx, then accepted", vec![internal(500), bought()], PRICE),
        delivered("200 with code 500, then accepted", vec![internal(200), bought()], PRICE),
        Row {
            posts: vec![internal(500), page(502)],
            money: ["0", "0", "0.6330"],
            ..rejected("5xx as often as attempts", page(502), "nginx here")
        },
        rejected("400 in the envelope", envelope(400, 400, "bad prompt"), "bad prompt"),
        rejected("200 with code 400", envelope(200, 400, "bad prompt"), "bad prompt"),
        rejected("404 in the envelope", envelope(404, 404, "no such model"), "no such model"),
        rejected("422 in the envelope", envelope(422, 422, "bad duration"), "bad duration"),
        rejected("another 4xx", Reply::text(413, "too large"), "too large"),
        halted("401", envelope(401, 401, "invalid key"), "invalid key"),
        halted("403", Reply::text(403, "forbidden"), "forbidden"),
        halted("402", broke(402), "insufficient credits"),
        halted("200 with code 402", broke(200), "insufficient credits"),
        halted("3xx", Reply::text(307, "").header("Location", "/elsewhere"), "elsewhere"),
        halted("404 without the envelope", page(404), "nginx here"),
        halted("405 without the envelope", page(405), "nginx here"),
        doubtful("cut before the answer", Reply::cut(), ""),
        doubtful("cut in the head", bought().cut_after(9), ""),
        doubtful("cut in the body", torn, ""),
        doubtful("no answer in time", Reply::hang(), ""),
        doubtful("2xx without a task id", envelope(200, 200, "success"), ""),
        doubtful("2xx that is a page", page(200), "nginx here"),
        doubtful("2xx with an id that cannot be read", odd_id, ""),
        doubtful("204", Reply::text(204, ""), ""),
    ]
}

#[test]
fn every_outcome_of_a_post_ends_as_the_table_says_and_is_sent_again_only_if_it_says_so() {
    let threads: Vec<_> =
        rows().into_iter().map(|row| std::thread::spawn(move || check(row))).collect();
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn check(row: Row) {
    let sandbox = campaign();
    let sent = row.posts.len();
    let server = gateway(row.posts);
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    let done = sandbox.run(run);
    let said = format!("{}\n{}{}", row.name, done.stdout(), done.stderr());
    assert_eq!(done.code(), Some(row.exits), "{said}");
    let (shot, money) = report(&sandbox);
    assert_eq!(shot["state"], row.state, "{said}");
    assert_eq!(posts(&server), sent, "{said}");
    assert_eq!(shot["attempts"], sent, "{said}");
    let accounts = [&money["spent"], &money["reserved"], &money["unconfirmed"]];
    assert_eq!(accounts, row.money, "{said}");
    let reason = shot["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(row.reason), "{reason:?}\n{said}");
    assert_eq!(row.state == "delivered", reason.is_empty(), "{reason:?}\n{said}");
    assert!(!said.contains(KEY), "the key is shown: {said}");
    let carried = |request: &crate::support::Request| request.header("authorization").is_some();
    for request in server.requests() {
        assert_eq!(carried(&request), request.target != "/clip.mp4", "{}", request.target);
        assert_ne!(request.target, "/elsewhere", "the redirect was followed");
    }
    drop(server);

    let next = gateway(vec![bought()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &next.url()]);
    assert_eq!(posts(&next), usize::from(row.again), "sent again? {said}");
}

#[test]
fn a_gateway_that_refuses_connections_is_not_sent_to_and_ends_the_run() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let sandbox = campaign();
    sandbox.run(["run", "shots.yaml", "--api-base", &base]).exits(3).warns("could not be reached");
    let (shot, money) = report(&sandbox);
    assert_eq!((&shot["state"], &money["reserved"]), (&json!("queued"), &json!("0")));
    let server = gateway(vec![bought()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
}

#[test]
fn a_tls_failure_is_not_sent() {
    let server = Script::new().serve();
    let base = server.url().replace("http://", "https://");
    let sandbox = campaign();
    sandbox.run(["run", "shots.yaml", "--api-base", &base]).exits(3).warns("could not be reached");
    assert_eq!(report(&sandbox).1["reserved"], "0");
    assert_eq!(posts(&server), 0);
}

#[test]
fn plain_http_to_a_host_elsewhere_is_refused_before_the_key_is_sent() {
    let sandbox = campaign();
    let base = "http://gateway.invalid";
    sandbox.run(["run", "shots.yaml", "--api-base", base]).exits(2).warns("https");
    assert!(!sandbox.path("renders").exists(), "nothing was begun");
}

#[test]
fn under_strict_a_proxys_5xx_is_in_doubt() {
    let manifest = ONE_SHOT.replace("budget: 5", "budget: {cap: 5, strict: true}");
    let sandbox = campaign().manifest(&manifest);
    let server = gateway(vec![Reply::text(502, "bad gateway")]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    let (shot, money) = report(&sandbox);
    assert_eq!((&shot["state"], &money["reserved"]), (&json!("in_doubt"), &json!(PRICE)));
}

#[test]
fn a_doubt_is_bought_again_only_if_the_user_says_so_and_both_prices_count() {
    let sandbox = campaign().manifest(&format!("on_doubt: resubmit\n{ONE_SHOT}"));
    let server = gateway(vec![Reply::cut(), bought()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    let (shot, money) = report(&sandbox);
    assert_eq!(shot["state"], "delivered");
    assert_eq!([&money["spent"], &money["reserved"]], [PRICE, PRICE]);
}

#[test]
fn every_way_to_resolve_a_doubt_does_what_it_says() {
    for (words, posts_again, exits, money) in [
        (&["--task-id", "task-1"][..], 0, 0, [PRICE, "0"]),
        (&["--not-bought"], 1, 0, [PRICE, "0"]),
        (&["--resubmit"], 1, 0, [PRICE, PRICE]),
        (&["--abandon"], 0, 1, ["0", PRICE]),
    ] {
        let sandbox = campaign();
        let server = gateway(vec![Reply::cut()]);
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1).says("beach");
        let mut resolve = vec!["resolve", "shots.yaml", "beach"];
        resolve.extend(words);
        let status = sandbox.command(&resolve).env_remove("KLING_API_KEY").output().unwrap();
        assert_eq!(status.status.code(), Some(0), "{words:?}");
        let server = gateway(vec![bought()]);
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(exits);
        assert_eq!(posts(&server), posts_again, "{words:?}");
        let (_, after) = report(&sandbox);
        assert_eq!([&after["spent"], &after["reserved"]], money, "{words:?}");
    }
}

#[test]
fn not_bought_is_said_of_the_shot_and_frees_every_request_in_doubt() {
    let twice = format!("on_doubt: resubmit\n{ONE_SHOT}");
    for (manifest, first) in [(twice.as_str(), None), (ONE_SHOT, Some("--resubmit"))] {
        let sandbox = campaign().manifest(manifest);
        let server = gateway(vec![Reply::cut(), Reply::cut(), Reply::cut()]);
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
        if let Some(word) = first {
            sandbox.run(["resolve", "shots.yaml", "beach", word]).exits(0).says("stays reserved");
            sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
        }
        let (shot, money) = report(&sandbox);
        assert_eq!(shot["state"], "in_doubt");
        let (requests, reserved) = (posts(&server), money["reserved"].as_str().unwrap());
        assert!(requests > 1, "{first:?}");
        let freed = format!("{requests} requests, ${reserved}, are free again");
        sandbox.run(["resolve", "shots.yaml", "beach", "--not-bought"]).exits(0).says(&freed);
        let (shot, money) = report(&sandbox);
        assert_eq!((&shot["state"], &money["reserved"]), (&json!("queued"), &json!("0")));
        let server = gateway(vec![bought()]);
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
        let (_, money) = report(&sandbox);
        assert_eq!([&money["spent"], &money["reserved"]], [PRICE, "0"]);
    }
}

#[test]
fn not_bought_leaves_an_earlier_request_that_has_a_task_reserved() {
    let manifest = ONE_SHOT.replace("limits: {", "limits: {render_timeout: 100ms, ");
    let sandbox = campaign().manifest(&manifest);
    let working = json!({"taskId": "task-1", "state": "processing"});
    let server = selling(vec![bought()], &working);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    sandbox.run(["resolve", "shots.yaml", "beach", "--resubmit"]).exits(0);
    let server = selling(vec![Reply::cut()], &working);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    let freed = format!("not bought; ${PRICE} is free again");
    sandbox.run(["resolve", "shots.yaml", "beach", "--not-bought"]).exits(0).says(&freed);
    let (shot, money) = report(&sandbox);
    assert_eq!((&shot["state"], &money["reserved"]), (&json!("queued"), &json!(PRICE)));
}

#[test]
fn the_cap_holds_over_doubts_refusals_and_runs() {
    let manifest = ONE_SHOT.replace("budget: 5", "budget: 0.40");
    let sandbox = campaign().manifest(&manifest);
    let server = gateway(vec![Reply::cut()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    let two = manifest + "  - {id: alley, model: kling-v3, prompt: Rain}\n";
    let sandbox = sandbox.manifest(&two);
    let server = gateway(vec![bought()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(3).warns("cap");
    assert_eq!(posts(&server), 0);
    let raised = ["run", "shots.yaml", "--budget", "0.70", "--api-base", &server.url()];
    sandbox.run(raised).exits(1);
    assert_eq!(posts(&server), 1);
}

/// A gateway that sells `task-1` and says of it whatever `data` says.
fn selling(posts: Vec<Reply>, data: &Value) -> Server {
    let polled = json!({"code": 200, "msg": "success", "data": data});
    let script = Script::new()
        .on(move |request| request.target.contains("task_id=").then(|| Reply::json(200, &polled)));
    posts.into_iter().fold(script, Script::post).serve()
}

#[test]
fn a_failed_task_costs_what_the_catalog_said_when_it_was_bought_in_any_later_run() {
    let builtin = include_str!("../../src/catalog/kling-2026-11-22.yaml");
    let charging = builtin.replace("failed_tasks: free", "failed_tasks: charged");
    let manifest = ONE_SHOT.replace("limits: {", "limits: {render_timeout: 100ms, ");
    let failed = json!({"taskId": "task-1", "state": "failed", "failMsg": "no hands"});
    for (bought_under, seen_by, spent) in [
        (&charging[..], &["fetch"][..], PRICE),
        (&charging, &["run"], PRICE),
        (builtin, &["run", "--catalog", "charging.yaml"], "0"),
    ] {
        let sandbox = campaign()
            .manifest(&manifest)
            .file("bought-under.yaml", bought_under)
            .file("charging.yaml", &charging);
        let server = selling(vec![bought()], &json!({"taskId": "task-1", "state": "processing"}));
        let url = server.url();
        let run = ["run", "shots.yaml", "--catalog", "bought-under.yaml", "--api-base", &url];
        sandbox.run(run).exits(1).says("1 stalled");
        let server = selling(vec![], &failed);
        let url = server.url();
        let mut words = vec![seen_by[0], "shots.yaml", "--api-base", &url];
        words.extend(&seen_by[1..]);
        assert_eq!(sandbox.command(&words).output().unwrap().status.code(), Some(1), "{words:?}");
        let (shot, money) = report(&sandbox);
        assert_eq!((&shot["state"], &shot["reason"]), (&json!("failed"), &json!("no hands")));
        assert_eq!([&money["spent"], &money["reserved"]], [spent, "0"], "{words:?}");
    }
}

#[test]
fn a_doubt_that_was_to_be_bought_again_is_held_once_the_manifest_says_so() {
    let rebuying = format!("on_doubt: resubmit\n{ONE_SHOT}");
    let broke = || envelope(402, 402, "insufficient credits");
    let slow_down = || envelope(429, 429, "slow down").header("Retry-After", "0");
    for (name, first_run, capped) in [
        ("stopped by the cap", vec![Reply::cut()], "0.40"),
        ("refused credit", vec![Reply::cut(), broke()], "5"),
        ("throttled, then refused credit", vec![Reply::cut(), slow_down(), broke()], "5"),
        ("refused with 5xx, then credit", vec![Reply::cut(), envelope(500, 500, ""), broke()], "5"),
    ] {
        let attempts = "attempts: 5";
        let manifest = rebuying.replace("attempts: 2", attempts);
        let manifest = manifest.replace("budget: 5", &format!("budget: {capped}"));
        let sandbox = campaign().manifest(&manifest);
        let sent = first_run.len();
        let server = gateway(first_run);
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(3);
        assert_eq!(posts(&server), sent, "{name}");
        let (shot, _) = report(&sandbox);
        assert_eq!(shot["state"], "in_doubt", "{name}: it may still have been bought");

        let sandbox = sandbox.manifest(&manifest.replace("resubmit", "hold"));
        let server = gateway(vec![bought()]);
        let run = ["run", "shots.yaml", "--budget", "5", "--api-base", &server.url()];
        sandbox.run(run).exits(1).says("1 in doubt");
        assert_eq!(posts(&server), 0, "{name}: bought again against today's word");
        assert_eq!(report(&sandbox).1["reserved"], PRICE, "{name}");

        let sandbox = sandbox.manifest(&manifest);
        sandbox.run(run).exits(0).says("1 delivered");
        let (shot, money) = report(&sandbox);
        assert_eq!([&money["spent"], &money["reserved"]], [PRICE, PRICE], "{name}");
        assert_eq!(shot["attempts"], sent + 1, "{name}");
    }
}

#[test]
fn two_purchases_with_one_task_id_are_both_counted_and_the_second_is_told() {
    let two = format!("{ONE_SHOT}  - {{id: alley, model: kling-v3, prompt: Rain}}\n");
    let sandbox = campaign().manifest(&two);
    let server = gateway(vec![bought(), bought()]);
    let run = ["run", "shots.yaml", "--in-flight", "1", "--api-base", &server.url()];
    sandbox
        .run(run)
        .exits(0)
        .says("2 delivered")
        .warns("task-1, which is already the task of beach");
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!([&report["money"]["spent"], &report["money"]["reserved"]], ["0.6330", "0"]);
    let (beach, alley) = (&report["shots"][0], &report["shots"][1]);
    assert_eq!([&beach["state"], &alley["state"]], ["delivered", "delivered"]);
    assert_eq!(beach["reason"], Value::Null);
    let reason = alley["reason"].as_str().unwrap();
    assert!(reason.contains("the same task as beach"), "{reason}");
    sandbox.run(["report", "shots.yaml"]).says("clips/alley.mp4; ").says(reason);
    sandbox.run(["report", "shots.yaml", "--format=csv"]).says(reason);
}

#[test]
fn what_is_said_of_another_task_is_not_believed() {
    for state in ["completed", "failed", "processing"] {
        let manifest = ONE_SHOT.replace("limits: {", "limits: {render_timeout: 300ms, ");
        let sandbox = campaign().manifest(&manifest);
        let urls = ["http://127.0.0.1:9/clip.mp4"];
        let other = json!({"taskId": "task-9", "state": state, "resultUrls": urls});
        let server = selling(vec![bought()], &other);
        let run = sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]);
        let run = run.exits(1).says("1 stalled");
        let warned = run.stderr().matches("is not believed").count();
        assert_eq!(warned, 1, "{state}: {}", run.stderr());
        let (shot, money) = report(&sandbox);
        assert_eq!((&shot["state"], &shot["task_id"]), (&json!("rendering"), &json!("task-1")));
        assert_eq!([&money["spent"], &money["reserved"]], ["0", PRICE], "{state}");
    }
}

#[test]
fn a_state_that_is_not_known_is_warned_of_once_and_polled_on() {
    let manifest = ONE_SHOT.replace("limits: {", "limits: {render_timeout: 300ms, ");
    let sandbox = campaign().manifest(&manifest);
    let server = selling(vec![bought()], &json!({"taskId": "task-1", "state": "dreaming"}));
    let run = sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]);
    let run = run.exits(1).says("1 stalled");
    let polls = server.requests().iter().filter(|request| request.method == "GET").count();
    let warned = run.stderr().matches("a state that is not known: \"dreaming\"").count();
    assert!(polls > 1 && warned == 1, "{polls} polls: {}", run.stderr());
}

#[test]
fn what_was_given_up_and_left_the_manifest_can_still_be_resolved() {
    let sandbox = campaign();
    let server = gateway(vec![Reply::cut()]);
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    sandbox.run(["resolve", "shots.yaml", "beach", "--abandon"]).exits(0);
    let sandbox = sandbox.manifest(&ONE_SHOT.replace("id: beach", "id: alley"));
    let server = gateway(vec![bought()]);
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--only", "alley"]).exits(0);
    sandbox.run(["resolve", "shots.yaml", "zebra", "--not-bought"]).exits(2).warns("no such shot");
    sandbox.run(["resolve", "shots.yaml", "beach", "--task-id", "task-2"]).exits(0);
    let server = selling(
        vec![],
        &json!({"taskId": "task-2", "state": "failed", "failMsg": "found, and failed"}),
    );
    sandbox.run(["fetch", "shots.yaml", "--api-base", &server.url()]).exits(0);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!([&report["money"]["spent"], &report["money"]["reserved"]], [PRICE, "0"]);
}
