//! The door for the gateway's calls, over real sockets: the listener by itself, and the real program
//! before a scripted gateway that loses its answers and calls.

mod body;
mod charges;
mod contents;
mod door;
#[cfg(all(unix, feature = "postgres"))]
mod others;
mod queue;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::support::{Reply, Script, Server};

const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";
const PATIENCE: Duration = Duration::from_secs(60);

/// An address that nobody else listens on: on Linux each test has a network of its own in 127/8.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let ip = if cfg!(target_os = "linux") {
        let own =
            std::process::id().wrapping_mul(251).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let [_, a, b, c] = own.to_be_bytes();
        Ipv4Addr::new(127, a | 1, b, c | 1)
    } else {
        Ipv4Addr::LOCALHOST
    };
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}

/// Sends bytes as they are; what came back until the connection ended.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is cut while writing reads what there is to read all the same.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request with a body; its answer's status, or 0 when there was none.
fn send(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> u16 {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: hooks\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, &[head.as_bytes(), body].concat());
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A campaign whose gateway calls `/rushes/TOKEN` at an address of its own.
struct Campaign {
    sandbox: Sandbox,
    address: SocketAddr,
}

impl Campaign {
    fn new(head: &str, ids: &[&str]) -> Self {
        let address = free_address();
        let shots: Vec<_> =
            ids.iter().map(|id| format!("  - {{id: {id}, prompt: {id}}}\n")).collect();
        let manifest = format!(
            "campaign: night\n{head}limits: {{rate: 50/s, poll_every: 100ms, poll_rate: 100/s, \
             submit_timeout: 30s}}\ncallback: {{listen: \"{address}\", url: \
             \"http://{address}/rushes\", wait: 40s}}\ndefaults: {{model: kling-v2-6}}\nshots:\n{}",
            shots.concat()
        );
        let sandbox = Sandbox::new().manifest(&manifest).var("KLING_API_KEY", "secret-key-1234");
        Self { sandbox, address }
    }

    /// Starts the program; what it says goes to `NAME.out` and `NAME.err`.
    fn start(&self, name: &str, server: &Server, words: &[&str]) -> Run {
        let file = |end| File::create(self.sandbox.path(&format!("{name}.{end}"))).unwrap();
        let url = server.url();
        let mut all = vec![words[0], "shots.yaml", "--api-base", &url, "-vv"];
        all.extend(&words[1..]);
        let mut command = self.sandbox.command(&all);
        Run(command.stdout(file("out")).stderr(file("err")).spawn().unwrap())
    }

    fn said(&self, name: &str) -> String {
        let read =
            |end| std::fs::read_to_string(self.sandbox.path(&format!("{name}.{end}"))).unwrap();
        format!("{}\n{}", read("out"), read("err"))
    }

    /// The gateway calls.
    fn call(&self, path: &str, body: &Value) -> u16 {
        send(self.address, "POST", path, body.to_string().as_bytes())
    }

    /// Waits until the program listens.
    fn listens(&self) {
        let began = std::time::Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(began.elapsed() < PATIENCE, "nobody listens on {}", self.address);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn shots(&self) -> Vec<Value> {
        let report = self.sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0);
        report.stdout_json()["shots"].as_array().unwrap().clone()
    }

    /// Waits until a shot is in this state.
    fn is(&self, id: &str, state: &str) {
        let began = std::time::Instant::now();
        loop {
            let shots = self.shots();
            if shots.iter().any(|shot| shot["id"] == id && shot["state"] == state) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{id} is not {state}: {shots:?}");
        }
    }
}

/// A running program; killed when dropped.
struct Run(Child);

impl Run {
    fn ends(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    fn interrupted(self) -> Option<i32> {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.ends()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Polls of `task-…` are done at once and clips are there; other tasks are unknown.
fn knowing(script: Script) -> Server {
    script
        .on(|request| {
            if request.method == "POST" {
                return None;
            }
            let host = format!("http://{}", request.header("host")?);
            if request.target.starts_with("/clip") {
                return Some(Reply::bytes(200, CLIP));
            }
            let task = request.target.split_once("task_id=")?.1.to_owned();
            if !task.starts_with("task-") {
                return Some(Reply::json(404, &json!({"code": 404, "msg": "Task not found"})));
            }
            let urls = [format!("{host}/clip.mp4")];
            let data = json!({"taskId": task, "state": "completed", "resultUrls": urls});
            Some(Reply::json(200, &json!({"code": 200, "data": data})))
        })
        .serve()
}

/// Whatever is asked for is bought as `task-PROMPT` and done at once.
fn sells(request: &crate::support::Request) -> Option<Reply> {
    if request.method == "POST" {
        let task = format!("task-{}", request.json()["prompt"].as_str()?);
        return Some(Reply::json(200, &json!({"code": 200, "data": {"taskId": task}})));
    }
    if request.target.starts_with("/clip") {
        return Some(Reply::bytes(200, CLIP));
    }
    let urls = [format!("http://{}/clip.mp4", request.header("host")?)];
    Some(Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}})))
}

fn posts(server: &Server) -> Vec<Value> {
    let requests = server.requests();
    let posts = requests.iter().filter(|request| request.method == "POST");
    posts.map(crate::support::Request::json).collect()
}

/// The path that a POST's `callback_url` names.
fn path_of(post: &Value) -> String {
    let url = post["callback_url"].as_str().unwrap();
    format!("/{}", url.splitn(4, '/').nth(3).unwrap())
}

fn done(task: &str) -> Value {
    json!({"code": 200, "msg": "success", "data": {"taskId": task, "state": "completed"}})
}

#[test]
fn a_task_that_a_call_named_and_no_poll_could_confirm_is_kept_in_the_log() {
    let unclear = Reply::json(500, &json!({"code": 500, "msg": "try again"}));
    let lost = Reply::json(200, &done("x")).cut_before_end(40);
    let server = Script::new().post(lost).always_get(unclear).serve();
    let campaign = Campaign::new("", &["beach"]);
    let run = campaign.start("run", &server, &["run"]);
    let began = std::time::Instant::now();
    while posts(&server).is_empty() {
        assert!(began.elapsed() < PATIENCE, "nothing was sent");
        std::thread::sleep(Duration::from_millis(5));
    }
    campaign.is("beach", "in_doubt");
    assert_eq!(campaign.call(&path_of(&posts(&server)[0]), &done("task-lost")), 204);
    let log = campaign.sandbox.path("renders/night/log.jsonl");
    let began = std::time::Instant::now();
    let line = loop {
        let text = std::fs::read_to_string(&log).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains("\"task unconfirmed\"")) {
            break serde_json::from_str::<Value>(line).unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "the task was not told: {text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!((&line["shot"], &line["task"]), (&json!("beach"), &json!("task-lost")), "{line}");
    assert_eq!(line["attempt"], 1);
    assert_eq!(run.interrupted(), Some(130));
}

/// Whether any file below a folder holds this text, but for those called so.
fn holds(folder: &Path, text: &str, but: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(holds(&path, text, but));
        } else if !but.contains(&name.as_str()) {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_cut_and_a_call_deliver_without_a_second_purchase() {
    let campaign = Campaign::new("budget: 5\n", &["a"]);
    let server = knowing(Script::new().always_post(Reply::cut()));
    let run = campaign.start("run", &server, &["run"]);
    server.received(1).await;
    let path = path_of(&posts(&server)[0]);
    assert!(path.starts_with("/rushes/") && path.len() == "/rushes/".len() + 32, "{path}");
    assert_eq!(campaign.call(&path, &done("task-1")), 204);
    assert_eq!(run.ends(), Some(0), "{}", campaign.said("run"));
    assert_eq!(posts(&server).len(), 1);
    let shot = &campaign.shots()[0];
    assert_eq!((&shot["state"], &shot["task_id"]), (&json!("delivered"), &json!("task-1")));
    assert!(campaign.said("run").contains("was bought after all, as task task-1"));
    // The same command again costs nothing and waits for nobody.
    assert_eq!(campaign.start("again", &server, &["run"]).ends(), Some(0));
    assert_eq!(posts(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_run_had_on_the_wire_is_found_by_the_next_command_and_a_call() {
    for next in ["run", "fetch"] {
        let campaign = Campaign::new("budget: 5\n", &["a"]);
        let server = knowing(Script::new().always_post(Reply::hang()));
        let run = campaign.start("killed", &server, &["run"]);
        server.received(1).await;
        drop(run);
        let path = path_of(&posts(&server)[0]);
        let run = campaign.start("next", &server, &[next]);
        campaign.listens();
        assert_eq!(campaign.call(&path, &done("task-1")), 204);
        assert_eq!(run.ends(), Some(0), "{next}: {}", campaign.said("next"));
        assert_eq!(posts(&server).len(), 1, "{next}");
        assert_eq!(campaign.shots()[0]["state"], "delivered", "{next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_calls_change_nothing_and_the_secret_is_never_told() {
    let campaign = Campaign::new("", &["a", "b"]);
    let bought = Reply::json(200, &json!({"code": 200, "data": {"taskId": "task-b"}}));
    let script = Script::new().on(|_| None).post(Reply::cut()).post(bought);
    let server = knowing(script);
    let run = campaign.start("run", &server, &["run", "--log-format", "json"]);
    server.received(2).await;
    campaign.is("b", "delivered");
    campaign.is("a", "in_doubt");
    let sent = posts(&server);
    let post_of = |id: &str| sent.iter().find(|post| post["prompt"] == id).unwrap();
    let cut = sent.iter().find(|post| post["prompt"] == "a").unwrap();
    let (mine, theirs) = (path_of(cut), path_of(post_of("b")));
    let secret = mine.rsplit('/').next().unwrap().to_owned();
    let before = campaign.shots();
    let stranger = format!("/rushes/{}", "0".repeat(32));
    // Known or not, an address looks the same from outside.
    for path in [&mine, &theirs, &stranger] {
        assert_eq!(campaign.call(path, &done("nobodys")), 204);
        assert_eq!(campaign.call(path, &done("task-b")), 204, "a task that is another shot's");
        for body in [&b""[..], b"{", b"null", b"\x1f\x8b\x08\x00garbage", b"[[[[[[[[\xff"] {
            assert_eq!(send(campaign.address, "POST", path, body), 204);
        }
        assert_eq!(send(campaign.address, "POST", path, &vec![b'x'; 70_000]), 413);
        assert_eq!(send(campaign.address, "GET", path, b""), 404);
        assert_eq!(send(campaign.address, "POST", &format!("{path}/more"), b""), 404);
    }
    assert_eq!(campaign.call(&theirs, &done("task-a")), 204, "the token of a shot that is done");
    for path in ["/", "/rushes", "/rushes/", "/../../etc/passwd", &mine[..mine.len() - 1]] {
        assert_eq!(campaign.call(path, &done("task-a")), 404, "{path}");
    }
    campaign.sandbox.run(["status", "shots.yaml"]).exits(0);
    for format in ["text", "csv", "json"] {
        let report = campaign.sandbox.run(["report", "shots.yaml", "--format", format]).exits(0);
        assert!(!report.stdout().contains(&secret));
    }
    assert_eq!(run.interrupted(), Some(130), "{}", campaign.said("run"));
    let said = campaign.said("run");
    assert_eq!(said.matches("the gateway may still call about them: waiting until").count(), 1);
    assert_eq!(campaign.shots(), before);
    assert_eq!(posts(&server).len(), 2);
    let folder = campaign.sandbox.path("");
    let ledger = ["ledger.sqlite", "ledger.sqlite-wal"];
    assert_eq!(holds(&folder, &secret, &ledger), Vec::<String>::new());
    assert!(!holds(&folder, &secret, &[]).is_empty(), "the ledger does keep it");
    assert!(TcpListener::bind(campaign.address).is_ok(), "no port is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_cannot_listen_sends_nothing() {
    let campaign = Campaign::new("", &["a"]);
    let _taken = TcpListener::bind(campaign.address).unwrap();
    let server = knowing(Script::new().always_post(Reply::cut()));
    for command in ["run", "fetch"] {
        if command == "fetch" {
            // There must be something to fetch before that is found out.
            drop(rushes_ledger(&campaign));
        }
        let url = server.url();
        campaign
            .sandbox
            .run([command, "shots.yaml", "--api-base", &url])
            .exits(2)
            .warns(&format!("callbacks cannot be listened for on {}", campaign.address))
            .warns("callback: {listen: …}");
    }
    assert!(server.requests().is_empty());
}

fn rushes_ledger(campaign: &Campaign) -> rushes::ledger::SqliteLedger {
    let folder = campaign.sandbox.path("renders/night");
    std::fs::create_dir_all(&folder).unwrap();
    rushes::ledger::SqliteLedger::open(
        &folder.join("ledger.sqlite"),
        &rushes::ledger::LedgerOptions {
            campaign: "night",
            kind: rushes::ledger::Kind::Gateway,
            holder: "a test",
            at: rushes::domain::time::Timestamp::from_millis(0),
            threads: rushes::blocking::Threads::Pool,
            identity: rushes::ledger::Identity::default(),
            post_lasts: std::time::Duration::ZERO,
            work: None,
        },
    )
    .unwrap()
}

#[test]
fn the_simulator_calls_and_so_purchases_whose_answer_was_lost_are_found() {
    let address = free_address();
    let shots: Vec<_> =
        (0..120).map(|n| format!("  - {{id: s{n:03}, prompt: Shot {n:03}}}\n")).collect();
    let manifest = format!(
        "campaign: night\nlimits: {{rate: 200/s, in_flight: 120, poll_every: 250ms, poll_rate: 200/s, \
         submit_timeout: 1s, render_timeout: 8s}}\ncheck_charges: true\ncallback: {{listen: \
         \"{address}\", url: \"http://{address}/deep/path\", wait: 6s}}\ndefaults: {{model: \
         kling-v2-6}}\nshots:\n{}",
        shots.concat()
    );
    let sandbox = Sandbox::new().manifest(&manifest);
    let ended = sandbox.run(["run", "shots.yaml", "--sim=flaky:2"]);
    assert!(matches!(ended.code(), Some(0 | 1)), "{}{}", ended.stdout(), ended.stderr());
    let folder = sandbox.path("renders/night.sim");
    let now = rushes::domain::time::Clock::now(&rushes::domain::time::SystemClock);
    let books = rushes::simulator::books(&folder, now).unwrap();
    let ledger = rusqlite::Connection::open(folder.join("ledger.sqlite")).unwrap();
    let known = |task: &str| -> bool {
        let sql = "SELECT count(*) FROM attempts WHERE task_id = ?1";
        ledger.query_row(sql, [task], |row| row.get::<_, i64>(0)).unwrap() == 1
    };
    let mut prompts = std::collections::HashSet::new();
    assert!(books.purchases().all(|purchase| prompts.insert(purchase.prompt.clone())));
    let (found, lost): (Vec<_>, Vec<_>) = books
        .untold()
        .filter(|purchase| purchase.fate.ends_at().is_some())
        .partition(|purchase| known(&purchase.task_id));
    // A call may say nothing that can be understood.
    assert!(found.len() >= 2, "{} found, {} lost", found.len(), lost.len());
    assert!(found.len() > lost.len(), "{} found, {} lost", found.len(), lost.len());
    let charged = "SELECT count(*) FROM attempts WHERE account = 'spent' AND charge_currency = 'USD' \
                   AND CAST(round(charge * 1000000) AS INTEGER) = price_micro";
    let charged: i64 = ledger.query_row(charged, [], |row| row.get(0)).unwrap();
    let spent = "SELECT count(*) FROM attempts WHERE account = 'spent'";
    let spent: i64 = ledger.query_row(spent, [], |row| row.get(0)).unwrap();
    assert!(spent > 100 && charged == spent, "{charged} of {spent} charges are known");
}
