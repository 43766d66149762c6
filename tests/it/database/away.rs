//! A database that goes away during a run: what was bought is known, whatever becomes of the run.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::support::database_proxy::DatabaseProxy;
use crate::support::postgres::PostgresServer;
use crate::support::{Reply, Script, Server};

const MANIFEST: &str = "campaign: night\nlimits: {poll_every: 50ms, poll_rate: 50/s}\n\
     defaults: {model: kling-v2-6}\nshots:\n  - {id: a, prompt: Rain}\n  - {id: b, prompt: Snow}\n";
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";
const PATIENCE: Duration = Duration::from_secs(60);

/// A run whose first POST is on the wire, and its database behind a proxy.
struct Stage {
    database: PostgresServer,
    proxy: DatabaseProxy,
    sandbox: Sandbox,
    gateway: Server,
    /// Has the next POST answered.
    go: mpsc::Sender<()>,
    run: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Stage {
    fn new() -> Self {
        let database = PostgresServer::start();
        let proxy = DatabaseProxy::before(database.socket());
        let (came, comes) = mpsc::channel();
        let (go, told) = mpsc::channel();
        let script = Script::new().on(move |request| {
            if request.method == "POST" {
                came.send(()).ok();
                told.recv_timeout(PATIENCE).ok();
                return None;
            }
            let host = format!("http://{}", request.header("host")?);
            Some(if request.target.starts_with("/clip") {
                Reply::bytes(200, CLIP)
            } else {
                let urls = [format!("{host}/clip.mp4")];
                Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}}))
            })
        });
        let bought = |task| Reply::json(200, &json!({"data": {"taskId": task}}));
        let script =
            ["t-1", "t-2"].into_iter().fold(script, |script, task| script.post(bought(task)));
        let gateway = script.serve();
        let sandbox = Sandbox::new()
            .manifest(MANIFEST)
            .var("KLING_API_KEY", "secret-key")
            .var("RUSHES_LEDGER", &proxy.address());
        let mut run = sandbox
            .command(&["run", "shots.yaml", "--in-flight", "1", "--api-base", &gateway.url()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        comes.recv_timeout(PATIENCE).unwrap();
        let said = BufReader::new(run.stderr.take().unwrap()).lines();
        Self { database, proxy, sandbox, gateway, go, run, said }
    }

    /// The database goes away, and the POST is answered; until the run says so.
    fn without_database(&mut self) {
        self.proxy.hold(true);
        self.go.send(()).unwrap();
        self.hears("was bought as task t-1, and the ledger does not answer");
    }

    /// Reads on until standard error says this.
    fn hears(&mut self, what: &str) -> String {
        let mut all = String::new();
        for line in self.said.by_ref() {
            let line = line.unwrap();
            if line.contains(what) {
                return line;
            }
            all += &line;
            all.push('\n');
        }
        panic!("{what:?} is missing in\n{all}");
    }

    fn signal(&self, signal: &str) {
        let id = self.run.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.run.wait().unwrap().code()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("renders/night/log.jsonl")).unwrap()
    }

    /// The database is back: the same command goes on, once the user says what became of `a`.
    fn goes_on_with_t_1(&self) {
        // What the run had sent never comes to it.
        self.proxy.cut();
        self.proxy.hold(false);
        self.go.send(()).unwrap();
        let url = self.gateway.url();
        let run = ["run", "shots.yaml", "--api-base", &url];
        self.sandbox.run(run).exits(1).says("1 in doubt");
        self.sandbox.run(["resolve", "shots.yaml", "a", "--task-id", "t-1"]).exits(0);
        self.sandbox.run(run).exits(0).says("2 delivered");
        let told = self.database.psql("rushes", "SELECT shot, state FROM results");
        assert_eq!(told, "a|delivered\nb|delivered");
        assert_eq!(self.database.psql("rushes", "SELECT count(*) FROM attempts"), "2");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.run.kill();
        let _ = self.run.wait();
    }
}

#[test]
fn a_database_that_comes_back_is_told_and_the_run_goes_to_its_end() {
    let mut stage = Stage::new();
    stage.without_database();
    stage.proxy.hold(false);
    stage.go.send(()).unwrap();
    assert_eq!(stage.exit_code(), Some(0));
    let told = stage.database.psql("rushes", "SELECT task_id FROM attempts ORDER BY id");
    assert_eq!(told, "t-1\nt-2");
}

#[test]
fn ctrl_c_leaves_without_the_database_and_names_what_it_could_not_write() {
    let mut stage = Stage::new();
    stage.without_database();
    let began = Instant::now();
    stage.signal("-INT");
    let told = stage.hears("could not be written to the ledger");
    assert!(told.contains("resolve MANIFEST a --task-id t-1"), "{told}");
    assert_eq!(stage.exit_code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    stage.goes_on_with_t_1();
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_the_task_is_in_the_log() {
    let mut stage = Stage::new();
    stage.without_database();
    stage.signal("-INT");
    stage.hears("stopping");
    stage.signal("-INT");
    assert_eq!(stage.exit_code(), Some(130));
    assert!(stage.log().contains("\"t-1\""), "{}", stage.log());
    stage.goes_on_with_t_1();
}

#[test]
fn a_kill_while_the_database_is_away_loses_no_task_id() {
    let mut stage = Stage::new();
    stage.without_database();
    stage.signal("-KILL");
    assert_eq!(stage.exit_code(), None);
    let log = stage.log();
    let line = log.lines().find(|line| line.contains("task not yet written")).unwrap();
    assert!(line.contains("\"t-1\""), "{line}");
    stage.goes_on_with_t_1();
}

/// A POST that is still on the wire when the database is gone and the user leaves.
#[test]
fn what_is_answered_after_ctrl_c_is_named_too() {
    let mut stage = Stage::new();
    stage.proxy.hold(true);
    stage.signal("-INT");
    stage.hears("stopping");
    stage.go.send(()).unwrap();
    stage.hears("resolve MANIFEST a --task-id t-1");
    assert_eq!(stage.exit_code(), Some(130));
    stage.goes_on_with_t_1();
}

#[test]
fn ctrl_c_before_anything_was_sent_leaves_without_the_database() {
    let database = PostgresServer::start();
    let proxy = DatabaseProxy::before(database.socket());
    let sandbox = Sandbox::new()
        .manifest(MANIFEST)
        .var("KLING_API_KEY", "secret-key")
        .var("RUSHES_LEDGER", &proxy.address());
    let held = {
        sandbox.run(["run", "shots.yaml", "--api-base", "http://127.0.0.1:1", "--deadline", "1ms"]);
        database.holding("rushes", "SELECT 1 FROM workers FOR UPDATE; LOCK TABLE revisions")
    };
    let mut run = sandbox
        .command(&["run", "shots.yaml", "--api-base", "http://127.0.0.1:1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    database.wait_until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        "t",
    );
    proxy.hold(true);
    let id = run.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    // Before it listens for signals, one ends it at once.
    let code = run.wait().unwrap().code();
    assert!(matches!(code, Some(130) | None), "{code:?}");
    drop(held);
}
