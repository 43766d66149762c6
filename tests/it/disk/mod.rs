//! The real program on disks that fill up, refuse or lose files, and ledgers that others meddled
//! with: each ends in a clear message, nothing is bought blindly, nothing paid is lost.

mod damaged;
mod full;
mod leftovers;
mod limits;
mod readonly;
mod room;
mod shared;
mod synced;
mod taken;

use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sandbox::Sandbox;
use crate::support::server::{Reply, Request, Script, Server};

/// However slow the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The smallest clip.
pub const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

/// What each of these shots costs, in dollars.
pub const PRICE: f64 = 0.0159;

/// A campaign `night` of these shots.
pub fn manifest(ids: &[&str]) -> String {
    let shots: Vec<_> = ids.iter().map(|id| format!("  - {{id: {id}, prompt: {id}}}\n")).collect();
    format!(
        "campaign: night\nbudget: 9\n\
         limits: {{rate: 100/s, poll_every: 50ms, poll_rate: 100/s}}\n\
         defaults: {{model: kling-v2-6}}\nshots:\n{}",
        shots.concat()
    )
}

/// A folder with that manifest and a key.
pub fn campaign(ids: &[&str]) -> Sandbox {
    Sandbox::new().manifest(&manifest(ids)).var("KLING_API_KEY", "secret-key")
}

/// A gateway that sells everything, has it rendered at once, and names tasks after prompts.
pub fn sells() -> Server {
    Script::new().on(|request| Some(sold(request, CLIP))).serve()
}

/// What such a gateway answers.
pub fn sold(request: &Request, clip: &[u8]) -> Reply {
    if request.method == "POST" {
        let task = format!("task-{}", request.json()["prompt"].as_str().unwrap());
        return Reply::json(200, &json!({"code": 200, "data": {"taskId": task}}));
    }
    if request.target.starts_with("/clip") {
        return Reply::bytes(200, clip);
    }
    let urls = [format!("http://{}/clip.mp4", request.header("host").unwrap())];
    Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}}))
}

/// The answers that a gateway holds back; dropped, they are let go.
pub struct Gate(watch::Sender<bool>);

impl Gate {
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Holds a reply until the gate is opened.
    pub fn holds(&self) -> impl Fn(Reply) -> Reply + Send + use<> {
        let gate = self.0.subscribe();
        move |reply| reply.held(gate.clone())
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }
}

/// A gateway that says when each of its first POSTs has come, and answers these only when the gate
/// is open. What comes later is answered at once.
pub fn holds(posts: usize) -> (Server, mpsc::Receiver<()>, Gate) {
    let (came, comes) = mpsc::channel();
    let gate = Gate::new();
    let hold = gate.holds();
    let mut seen = 0;
    let script = Script::new().on(move |request| {
        let reply = sold(request, CLIP);
        if request.method != "POST" {
            return Some(reply);
        }
        seen += 1;
        came.send(()).ok();
        Some(if seen <= posts { hold(reply) } else { reply })
    });
    (script.serve(), comes, gate)
}

/// The prompts that were posted, in order.
pub fn posted(server: &Server) -> Vec<String> {
    let posts = server.requests().into_iter().filter(|request| request.method == "POST");
    posts.map(|post| post.json()["prompt"].as_str().unwrap().to_owned()).collect()
}

/// Every shot was posted once, all told.
pub fn each_once(servers: &[&Server], ids: &[&str]) {
    let mut all: Vec<String> = servers.iter().flat_map(|server| posted(server)).collect();
    all.sort_unstable();
    assert_eq!(all, ids, "each is bought once");
}

/// The report says that all are delivered, for what they cost.
pub fn all_delivered(report: &Value, shots: usize) {
    assert_eq!(report["counts"]["delivered"], shots, "{report}");
    let money = |account: &str| report["money"][account].as_str().unwrap().parse::<f64>().unwrap();
    #[allow(clippy::cast_precision_loss, reason = "a handful of shots")]
    let owed = PRICE * shots as f64;
    assert!((money("spent") - owed).abs() < 1e-6, "{report}");
    assert!(money("reserved").abs() < 1e-6, "{report}");
}

/// A running program; killed if the test fails.
pub struct Run(Child);

impl Run {
    /// Starts it; what it says is kept.
    pub fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its exit code and what it said on standard error.
    pub fn end(mut self) -> (Option<i32>, String) {
        use std::io::Read;
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
