//! The real program with `--serve`.

use std::fs::File;
use std::net::TcpListener;
use std::process::Child;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{PATIENCE, Site};
use super::figures::{parse, value};
use crate::sandbox::Sandbox;
use crate::support::{Reply, Script};

/// A running program; killed when dropped.
struct Run {
    child: Child,
    site: Site,
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// Starts it and waits until it says where its page is.
    fn start(sandbox: &Sandbox, words: &[&str]) -> Self {
        let file = |end| File::create(sandbox.path(&format!("run.{end}"))).unwrap();
        let mut command = sandbox.command(words);
        let mut child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let began = Instant::now();
        let url = loop {
            let said = std::fs::read_to_string(sandbox.path("run.err")).unwrap();
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix("live: ").or(line.strip_prefix("review: ")));
            if let (Some(url), true) = (line, said.ends_with('\n')) {
                break url.to_owned();
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(began.elapsed() < PATIENCE, "{said}");
        };
        Self { child, site: Site::at(&url) }
    }

    fn ends(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

fn manifest(count: usize) -> String {
    let shots: Vec<_> = (0..count).map(|n| format!("  - {{id: s{n}, prompt: {n}}}\n")).collect();
    let shots = shots.concat();
    format!(
        "campaign: summer\nlimits: {{rate: 2/s, poll_every: 100ms, poll_rate: 100/s}}\n\
         defaults: {{model: kling-v2-6}}\nshots:\n{shots}"
    )
}

#[test]
fn a_page_follows_a_run_from_the_first_submit_to_the_last_clip() {
    let sandbox = Sandbox::new().manifest(&manifest(4));
    let run = Run::start(&sandbox, &["run", "shots.yaml", "--sim", "--serve=127.0.0.1:0"]);
    assert_eq!(run.site.get("").status, 200);
    assert_eq!(run.site.get("healthz").text(), "ok\n");
    let mut events = run.site.follow().ok().unwrap();
    let is_delivered = |name: &str, data: &Value| {
        name == "shots" && data.as_array().unwrap().iter().any(|shot| shot["state"] == "delivered")
    };
    let first = events.until(is_delivered);
    assert_eq!(first[0].1["state"], "running");
    // While it runs, a clip can be seen already.
    let shots = first.last().unwrap().1.as_array().unwrap().clone();
    let done = shots.iter().find(|shot| shot["state"] == "delivered").unwrap();
    let clip = run.site.get(done["files"][0]["path"].as_str().unwrap());
    assert_eq!((clip.status, &clip.body[4..8]), (200, &b"ftyp"[..]));
    let samples = parse(&run.site.get("metrics").text());
    assert!(value(&samples, "rushes_attempts_total", Some(("outcome", "bought"))) >= 1.0);
    assert!(value(&samples, "rushes_submit_seconds_count", None) >= 1.0);
    assert!(value(&samples, "rushes_rendering_seconds_sum", None) > 0.5, "it took a second");
    assert!(value(&samples, "rushes_download_seconds_count", None) >= 1.0);
    let rest = events.until(|name, data| name == "run" && data["state"] == "ended");
    assert_eq!(events.next(), None, "and then it is over");
    assert_eq!(rest.last().unwrap().1["why"], json!(null));
    let mut last = std::collections::BTreeMap::new();
    for (_, data) in first.iter().chain(&rest).filter(|(name, _)| name == "shots") {
        for shot in data.as_array().unwrap() {
            last.insert(shot["key"].as_str().unwrap().to_owned(), shot["state"].clone());
        }
    }
    assert_eq!(last.len(), 4);
    assert!(last.values().all(|state| state == "delivered"), "{last:?}");
    assert_eq!(run.ends(), Some(0));
}

#[test]
fn pause_resume_and_stop_are_pressed_on_the_page() {
    let sandbox = Sandbox::new().manifest(&manifest(60));
    let run = Run::start(&sandbox, &["run", "shots.yaml", "--sim", "--serve", "127.0.0.1:0"]);
    let mut events = run.site.follow().ok().unwrap();
    events.until(|name, data| name == "run" && data["in_flight"].as_u64() > Some(0));
    assert_eq!(run.site.press("pause"), 204);
    let attempts = || {
        let samples = parse(&run.site.get("metrics").text());
        let outcomes = samples.iter().filter(|((name, _), _)| name == "rushes_attempts_total");
        outcomes.map(|(_, count)| *count).sum::<f64>()
    };
    // What was on the wire is answered, what renders comes home, and nothing else happens.
    events.until(|name, data| {
        name == "run" && data["state"] == "paused" && data["in_flight"].as_u64() == Some(0)
    });
    let paused = attempts();
    let report = sandbox.run(["report", "shots.yaml", "--sim", "--format=json"]).stdout_json();
    let counts = &report["counts"];
    assert_eq!((&counts["rendering"], &counts["submitting"]), (&json!(0), &json!(0)));
    assert!(counts["queued"].as_u64() > Some(50), "{counts}");
    assert!(run.site.get("metrics").text().contains("\nrushes_paused 1\n"));
    assert_eq!(run.site.press("resume"), 204);
    events.until_run("running");
    events.until(|name, data| name == "run" && data["in_flight"].as_u64() > Some(0));
    assert!(attempts() > paused);
    assert_eq!(run.site.press("stop"), 204);
    let last = events.until_run("ended");
    assert_eq!(last["why"], "stopped by the user");
    assert_eq!(run.ends(), Some(130));
    let report = sandbox.run(["report", "shots.yaml", "--sim", "--format=json"]).stdout_json();
    assert_eq!(report["counts"]["in_doubt"], 0);
}

#[test]
fn what_others_say_is_only_text_and_the_key_is_nowhere() {
    const KEY: &str = "sk-live-0123456789abcdef";
    let harm = format!("\u{1b}[31m</script><script>alert('{KEY}')</script>\u{2028}&amp;");
    let said = harm.clone();
    let server = Script::new()
        .on(move |request| {
            if request.method == "GET" {
                return Some(Reply::json(200, &json!({"data": {"state": "processing"}})));
            }
            let prompt = request.json()["prompt"].as_str()?.to_owned();
            Some(if prompt.contains("good") {
                Reply::json(200, &json!({"data": {"taskId": "task-1"}}))
            } else {
                Reply::json(400, &json!({"code": 400, "msg": said}))
            })
        })
        .serve();
    let manifest = "\
campaign: '<script>alert(0)</script>'
limits: {rate: 20/s, poll_every: 100ms}
defaults: {model: kling-v2-6}
shots:
  - {id: bad, prompt: '<script>alert(1)</script>'}
  - {id: good, prompt: '<img src=x onerror=alert(1)> good'}
";
    let manifest = manifest.replace("'<script>alert(0)</script>'", "summer");
    let sandbox = Sandbox::new().manifest(&manifest).var("KLING_API_KEY", KEY);
    let url = server.url();
    let words = ["run", "shots.yaml", "--api-base", &url, "--serve", "127.0.0.1:0"];
    let run = Run::start(&sandbox, &words);
    let mut events = run.site.follow().ok().unwrap();
    let failed = |name: &str, data: &Value| {
        let is_failed = |shot: &Value| shot["key"] == "bad" && shot["state"] == "failed";
        name == "shots" && data.as_array().unwrap().iter().any(is_failed)
    };
    events.until(failed);
    let seen = [
        events.seen.clone(),
        run.site.get("").text(),
        run.site.get("metrics").text(),
        run.site.get("healthz").text(),
    ];
    assert!(!events.seen.contains('<'), "{}", events.seen);
    assert!(events.seen.contains("\\u003cscript\\u003ealert(1)"), "{}", events.seen);
    assert!(events.seen.contains("[key]"), "the gateway did echo it: {}", events.seen);
    for text in seen {
        assert!(!text.contains(KEY), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{2028}']), "{text}");
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "{text}");
    }
    assert_eq!(run.site.press("stop"), 204);
    assert_eq!(run.ends(), Some(130));
}

#[test]
fn an_address_that_cannot_be_had_is_a_mistake_before_anything_is_sent() {
    let sandbox = Sandbox::new().manifest(&manifest(1));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (address, cause) in [(address.as_str(), "in use"), ("192.0.2.1:1", "assign")] {
        sandbox
            .run(["run", "shots.yaml", "--sim", "--serve", address])
            .exits(2)
            .warns(&format!("--serve: the page cannot be served on {address}"))
            .warns(cause)
            .warns("help: name a free address of this machine");
    }
    assert!(!sandbox.path("renders").exists(), "nothing was begun");
    sandbox
        .run(["run", "--serve", "shots.yaml", "--sim"])
        .exits(2)
        .warns("is no address to listen on")
        .warns("put --serve after the manifest");
}

#[test]
fn the_usual_port_or_a_free_one_is_taken_and_closing_the_page_changes_nothing() {
    // Whoever has the usual port, this run or another: the run finds a place.
    let usual = TcpListener::bind(("127.0.0.1", rushes::server::USUAL_PORT));
    let sandbox = Sandbox::new().manifest(&manifest(2));
    let run = Run::start(&sandbox, &["run", "shots.yaml", "--sim", "--serve"]);
    assert!(run.site.address.ip().is_loopback());
    let said = std::fs::read_to_string(sandbox.path("run.err")).unwrap();
    if usual.is_ok() {
        assert!(said.contains("note: another program has port 7878"), "{said}");
    }
    drop(run.site.follow().ok().unwrap());
    drop(run.site.follow().ok().unwrap());
    assert_eq!(run.ends(), Some(0));
    sandbox.run(["fetch", "shots.yaml", "--sim", "--serve=127.0.0.1:0"]).exits(0).warns("live: ");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_paused_run_and_its_page_as_ever() {
    let sandbox = Sandbox::new().manifest(&manifest(9));
    let run = Run::start(&sandbox, &["run", "shots.yaml", "--sim", "--serve", "127.0.0.1:0"]);
    let mut events = run.site.follow().ok().unwrap();
    assert_eq!(run.site.press("pause"), 204);
    events.until_run("paused");
    let id = run.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(events.until_run("ended")["why"], "stopped by the user");
    assert_eq!(events.next(), None);
    assert_eq!(run.ends(), Some(130));
}

/// The ledger is on a server, the clips in a bucket, and what is decided here.
#[cfg(all(unix, feature = "postgres", feature = "buckets"))]
#[test]
fn a_campaign_that_lies_elsewhere_is_reviewed() {
    use crate::buckets::{at, run};
    use crate::support::postgres::PostgresServer;
    use crate::support::s3::S3;

    let (s3, gateway, server) = (S3::with(|_| None), crate::disk::sells(), PostgresServer::start());
    let sandbox = at(&s3.url(), &["a", "b"]).var("RUSHES_LEDGER", &server.address("rushes"));
    sandbox.run_words(&run(&gateway.url(), &[])).exits(0);
    let review = Run::start(&sandbox, &["review", "shots.yaml", "--serve", "127.0.0.1:0"]);
    let page = review.site.get("").text();
    assert!(page.contains("clips/a.mp4") && page.contains(r#""saves":true"#), "{page}");
    let clip = review.site.get("clips/b.mp4");
    assert!(matches!(clip.status, 200 | 302 | 307), "{}", clip.status);
    assert_eq!(review.site.get("clips/never.mp4").status, 404);
    let Site { address, prefix } = &review.site;
    let body = r#"{"id": "b", "revision": 1, "pick": true}"#;
    let decision = format!(
        "POST {prefix}review HTTP/1.0\r\nHost: {address}\r\nX-Rushes: 1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(review.site.exchange(decision.as_bytes()).unwrap().status, 200);
    drop(review);
    let picks = "renders/night/review.json";
    let words = ["export", "shots.yaml", "--format", "otio", "--picks", picks];
    let timeline = sandbox.run(words).exits(0).stdout();
    assert!(timeline.contains("s3://films/summer/clips/b.mp4"), "{timeline}");
    assert!(!timeline.contains("clips/a.mp4"), "{timeline}");
}
