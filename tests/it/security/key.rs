//! The key, in no byte of anything that a campaign leaves behind.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{CLIP, bought, completed, envelope};
use crate::sandbox::Sandbox;
use crate::support::{Reply, Script, Server};

const PROMPTS: [&str; 10] = [
    "fine",
    "rejected",
    "server",
    "cut",
    "page",
    "notask",
    "failing",
    "gone",
    "paged",
    "redirected",
];

fn manifest() -> String {
    let shots = PROMPTS.map(|id| format!("  - {{id: {id}, model: kling-v3, prompt: {id}}}\n"));
    let limits = "{fetch_patience: 200ms, rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 2, submit_timeout: 2s}";
    format!("campaign: echo\nbudget: 9\nlimits: {limits}\nshots:\n{}", shots.concat())
}

/// As a browser encodes it.
fn percent(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let one = |c: char| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    key.chars().map(one).collect()
}

/// A gateway that repeats the key wherever a text can stand.
fn echo(key: &str) -> Server {
    let key = key.to_owned();
    let said = format!("key {key} and {} and {}", STANDARD.encode(&key), percent(&key));
    Script::new()
        .on(move |request| {
            let host = format!("http://{}", request.header("host")?);
            let reply = if request.method == "POST" {
                match request.json()["prompt"].as_str()? {
                    "rejected" => envelope(400, &said, &json!(null)),
                    "server" => Reply::text(502, &format!("<title>{said}</title>")),
                    "cut" => Reply::text(200, &said).cut_before_end(1),
                    "page" => Reply::text(200, &format!("<p>{said}</p>")),
                    "notask" => envelope(200, &said, &json!({ "x": said })),
                    other => bought(&format!("task-{other}")),
                }
            } else if request.target.contains("task_id=task-failing") {
                envelope(200, &said, &json!({"state": "failed", "failMsg": said}))
            } else if let Some((_, task)) = request.target.split_once("task_id=task-") {
                completed(&[format!("{host}/{task}.mp4")])
            } else if request.target == "/fine.mp4" {
                Reply::bytes(200, CLIP)
            } else if request.target == "/paged.mp4" {
                Reply::text(200, &format!("<html><title>{said}</title>"))
            } else if request.target == "/redirected.mp4" {
                Reply::text(302, &said).header("Location", &format!("ftp://{said}/"))
            } else {
                Reply::text(410, &said)
            };
            Some(reply.header("X-Echo", &said).header("Set-Cookie", &said))
        })
        .serve()
}

/// Says no to everything, with the key in it.
fn refusing(key: &str, status: u16) -> Server {
    let said = format!("no such key: {key}");
    let reply = Reply::json(status, &json!({"code": status, "msg": said}));
    Script::new().always_post(reply.header("Location", &format!("/login?key={key}"))).serve()
}

fn no_key_in(bytes: &[u8], key: &str, place: &str) {
    let encoded = key.replace('/', "%2F").replace('+', "%2B");
    for form in [key.to_owned(), STANDARD.encode(key), percent(key), encoded] {
        let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "{form:?} is in {place}: {}", String::from_utf8_lossy(bytes));
    }
}

fn no_key_below(folder: &Path, key: &str) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        no_key_in(path.as_os_str().as_encoded_bytes(), key, "a file's name");
        if path.is_dir() {
            files += no_key_below(&path, key);
        } else {
            no_key_in(&std::fs::read(&path).unwrap(), key, &path.display().to_string());
            files += 1;
        }
    }
    files
}

fn leaves_no_key(key: &str, format: &str) {
    let sandbox = Sandbox::new().manifest(&manifest()).var("KLING_API_KEY", key);
    let look = |words: &[&str]| {
        let output = sandbox.command(words).output().unwrap();
        let what = words.join(" ");
        no_key_in(&output.stdout, key, &what);
        no_key_in(&output.stderr, key, &what);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let run = |base: &str| {
        look(&["run", "shots.yaml", "-vvv", "--log-format", format, "--api-base", base])
    };
    for status in [401, 402, 307] {
        run(&refusing(key, status).url());
    }
    run(&refusing(key, 401).url().replace("http://", "https://"));
    let server = echo(key);
    let said = run(&server.url());
    assert!(said.contains("answered"), "the log is not verbose: {said}");
    assert!(server.requests().len() > PROMPTS.len(), "a whole campaign");
    drop(server);
    for format in ["text", "json", "jsonl", "csv", "html"] {
        look(&["report", "shots.yaml", "--format", format, "-vv"]);
    }
    look(&["status", "shots.yaml", "-vv"]);
    look(&["plan", "shots.yaml", "-vv"]);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(report["counts"]["delivered"], 1, "{report}");
    assert!(report.to_string().contains("[key]"), "the gateway did echo it: {report}");
    let log = std::fs::read_to_string(sandbox.path("renders/echo/log.jsonl")).unwrap();
    assert!(log.contains("[key]") && log.lines().count() > PROMPTS.len(), "{log}");
    assert!(no_key_below(&sandbox.path("."), key) >= 5);
}

/// The ledger, the log, the results and the sheet lie in its folder.
#[test]
fn field_40_nothing_that_a_campaign_leaves_behind_holds_the_key() {
    let cases = [
        ("sk-live-0123456789abcdef", "text"),
        ("sk/live+0123&<\"\\'>=%41", "json"),
        ("sk/live+0123&<\"\\'>=%41", "text"),
        ("8-bytes!", "json"),
    ];
    std::thread::scope(|scope| {
        for (key, format) in cases {
            scope.spawn(move || leaves_no_key(key, format));
        }
    });
}
