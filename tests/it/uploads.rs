//! Local files that a request cannot carry: sent to the gateway before anything is claimed, each
//! content once, by the real program over a real socket.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::support::pictures::{drawn, mp4};
use crate::support::{Reply, Script, Server};

const KEY: &str = "sk-live-0123456789abcdef";
const LIMITS: &str = "{fetch_patience: 200ms, rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 2, submit_timeout: 2s}";

/// The smallest file that passes for a clip.
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

/// What is done about a POST of a file, counted from 1.
type OnFile = fn(usize) -> Reply;

fn kept(_: usize) -> Reply {
    let data = json!({"publicUrl": "https://files.example.com/dance.mp4?sig=a&b=\"c"});
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

fn envelope(status: u16, msg: &str) -> Reply {
    Reply::json(status, &json!({"code": status, "msg": msg, "data": null}))
}

/// A gateway that does that about files, sells everything and renders at once.
fn gateway(on_file: OnFile) -> Server {
    let mut files = 0;
    let mut sold = 0;
    Script::new()
        .on(move |request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            match (request.method.as_str(), request.target.as_str()) {
                ("POST", "/api/v1/files") => {
                    files += 1;
                    Some(on_file(files))
                }
                ("POST", "/api/v1/video/generations") => {
                    sold += 1;
                    let data = json!({"taskId": format!("task-{sold}")});
                    Some(Reply::json(200, &json!({"code": 200, "msg": "success", "data": data})))
                }
                ("GET", "/clip.mp4") => Some(Reply::bytes(200, CLIP)),
                ("GET", target) => {
                    let task = target.split_once("task_id=")?.1;
                    let urls = [format!("http://{host}/clip.mp4")];
                    let data = json!({"taskId": task, "state": "completed", "resultUrls": urls});
                    Some(Reply::json(200, &json!({"code": 200, "msg": "success", "data": data})))
                }
                _ => None,
            }
        })
        .serve()
}

/// So many shots of one video.
fn dances(shots: usize) -> Sandbox {
    let shot = |number| {
        format!(
            "  - {{id: d{number}, model: kling-motion-control, image: 'https://a.b/c.png', \
             motion_video: dance.mp4}}\n"
        )
    };
    let all: String = (1..=shots).map(shot).collect();
    let text = format!("campaign: dances\nbudget: 5\nlimits: {LIMITS}\nshots:\n{all}");
    let sandbox = Sandbox::new().manifest(&text).var("KLING_API_KEY", KEY);
    std::fs::write(sandbox.path("dance.mp4"), mp4(300_000)).unwrap();
    sandbox
}

fn run(sandbox: &Sandbox, server: &Server) -> crate::sandbox::Done {
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()])
}

/// The paths of all POSTs, in order.
fn posts(server: &Server) -> Vec<String> {
    let all = server.requests().into_iter().filter(|request| request.method == "POST");
    all.map(|request| request.target.rsplit('/').next().unwrap().to_owned()).collect()
}

fn count(server: &Server, path: &str) -> usize {
    posts(server).iter().filter(|target| *target == path).count()
}

fn bought(server: &Server) -> Vec<Value> {
    let all = server.requests();
    let posts = all.iter().filter(|it| it.method == "POST" && it.target.ends_with("generations"));
    posts.map(crate::support::server::Request::json).collect()
}

fn report(sandbox: &Sandbox) -> Value {
    sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json()
}

#[test]
fn field_16_a_local_video_is_sent_once_for_all_its_shots_before_any_is_bought() {
    // Slow enough that the other shots ask for the file while it is on its way.
    let slowly: OnFile = |nth| kept(nth).drip(Duration::from_millis(1));
    let (sandbox, server) = (dances(5), gateway(slowly));
    run(&sandbox, &server).exits(0);
    assert_eq!(
        posts(&server),
        ["files", "generations", "generations", "generations", "generations", "generations"]
    );
    for body in bought(&server) {
        assert_eq!(body["motion_video"], "https://files.example.com/dance.mp4?sig=a&b=\"c");
        assert_eq!(body["image"], "https://a.b/c.png");
    }
    let all = server.requests();
    let upload = &all[0];
    assert_eq!(upload.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let kind = upload.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"";
    let text = String::from_utf8_lossy(&upload.body);
    assert!(text.starts_with(&format!("--{boundary}\r\n{head}")), "{}", &text[..200]);
    assert!(!text.contains("dance"), "the name of the file stays here");
    let video = mp4(300_000);
    let at = upload.body.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(upload.body[at..at + video.len()], video);
    assert_eq!(upload.body[at + video.len()..], *format!("\r\n--{boundary}--\r\n").as_bytes());
    // What was bought is known by the file's bytes: nothing is sent again, whatever it is called.
    std::fs::rename(sandbox.path("dance.mp4"), sandbox.path("other.mp4")).unwrap();
    let text = std::fs::read_to_string(sandbox.path("shots.yaml")).unwrap();
    let sandbox = sandbox.manifest(&text.replace("dance.mp4", "other.mp4"));
    run(&sandbox, &server).exits(0);
    assert_eq!(posts(&server).len(), 6);
}

#[test]
fn field_16_an_upload_that_fails_or_is_cut_is_sent_again_and_buys_once() {
    let answers: [(&str, OnFile); 4] = [
        ("cut", |nth| if nth == 1 { Reply::cut() } else { kept(nth) }),
        ("500", |nth| if nth == 1 { envelope(500, "busy") } else { kept(nth) }),
        ("429", |nth| match nth {
            1 => envelope(429, "too many").header("Retry-After", "0"),
            _ => kept(nth),
        }),
        ("no URL", |nth| if nth == 1 { envelope(200, "success") } else { kept(nth) }),
    ];
    for (name, on_file) in answers {
        let (sandbox, server) = (dances(1), gateway(on_file));
        run(&sandbox, &server).exits(0);
        assert_eq!(posts(&server), ["files", "files", "generations"], "{name}");
        assert_eq!(report(&sandbox)["shots"][0]["attempts"], 1, "{name}");
    }
}

#[test]
fn field_16_a_file_that_is_refused_buys_nothing_and_the_others_go_on() {
    let refuse: [(OnFile, usize); 3] = [
        (|_| envelope(413, "file too large"), 1),
        (|_| Reply::text(404, "Not Found"), 1),
        (|_| envelope(503, "no room"), 2),
    ];
    for (on_file, tries) in refuse {
        let server = gateway(on_file);
        let sandbox = dances(1);
        let text = std::fs::read_to_string(sandbox.path("shots.yaml")).unwrap();
        let sandbox = sandbox.manifest(&(text + "  - {id: e, model: kling-v3, prompt: A beach}\n"));
        run(&sandbox, &server).exits(1).warns("dance.mp4");
        assert_eq!((count(&server, "files"), count(&server, "generations")), (tries, 1));
        let report = report(&sandbox);
        let dance = &report["shots"][0];
        assert_eq!((&dance["state"], &dance["attempts"]), (&json!("queued"), &json!(0)));
        let reason = dance["reason"].as_str().unwrap();
        assert!(reason.contains("dance.mp4") && reason.contains("nothing was bought"), "{reason}");
        assert_eq!(report["money"]["reserved"], "0");
        assert_eq!(report["shots"][1]["state"], "delivered");
        // The same command tries it again, and buys only what is missing.
        let server = gateway(kept);
        run(&sandbox, &server).exits(0);
        assert_eq!(posts(&server), ["files", "generations"]);
    }
}

#[test]
fn field_16_a_bad_key_or_an_empty_account_at_an_upload_stops_the_run_with_nothing_bought() {
    let stop: [OnFile; 4] = [
        |_| envelope(401, "invalid key"),
        |_| envelope(402, "insufficient credits"),
        |_| envelope(403, "forbidden"),
        |_| Reply::text(307, "").header("Location", "https://elsewhere.example/v1/files"),
    ];
    for on_file in stop {
        let (sandbox, server) = (dances(3), gateway(on_file));
        run(&sandbox, &server).exits(3);
        assert_eq!(count(&server, "generations"), 0);
        let report = report(&sandbox);
        assert_eq!(report["counts"]["queued"], 3);
        assert_eq!(report["money"]["reserved"], "0");
    }
}

#[test]
fn field_16_a_death_while_a_file_is_sent_leaves_nothing_claimed() {
    let (gate, closed) = tokio::sync::watch::channel(false);
    let held = Arc::new(Mutex::new(Some(closed)));
    let server = Script::new()
        .on(move |request| {
            let gate = held.lock().unwrap().take();
            gate.filter(|_| request.method == "POST").map(|gate| kept(1).held(gate))
        })
        .serve();
    let sandbox = dances(2);
    let words = ["run", "shots.yaml", "--api-base", &server.url()];
    let mut child =
        sandbox.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(server.received(1));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(gate);
    let all = report(&sandbox);
    assert_eq!((&all["counts"]["queued"], &all["counts"]["in_doubt"]), (&json!(2), &json!(0)));
    assert_eq!(all["money"]["reserved"], "0");
    assert_eq!(posts(&server), ["files"]);
}

#[test]
fn field_16_a_still_is_inline_up_to_the_limit_and_sent_first_above_it() {
    let (small, big) = (drawn("png 1280x720"), drawn("png 1280x720 megabytes 11"));
    let sandbox = Sandbox::new().var("KLING_API_KEY", KEY).manifest(&format!(
        "campaign: stills\nbudget: 5\nlimits: {LIMITS}\nshots:\n  \
         - {{id: a, model: kling-v3, image: small.png, image_tail: big.png}}\n"
    ));
    std::fs::write(sandbox.path("small.png"), &small).unwrap();
    std::fs::write(sandbox.path("big.png"), big).unwrap();
    let server = gateway(kept);
    run(&sandbox, &server).exits(0);
    assert_eq!(posts(&server), ["files", "generations"]);
    let body = bought(&server).remove(0);
    assert!(body["image"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    assert!(body["image_tail"].as_str().unwrap().starts_with("https://files.example.com/"));
}

#[test]
fn field_16_a_rehearsal_takes_local_videos() {
    let sandbox = dances(2);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let report = sandbox.run(["report", "shots.yaml", "--sim", "--format=json"]).exits(0);
    assert_eq!(report.stdout_json()["counts"]["delivered"], 2);
}
