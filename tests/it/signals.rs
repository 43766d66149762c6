//! What the real program does when its terminal or its reader is gone. On Linux, where the system
//! tells whether it is to outlive its terminal.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::support::{Reply, Script, Server};

const MANIFEST: &str = "\
campaign: night
limits: {poll_every: 50ms, poll_rate: 50/s}
defaults: {model: kling-v2-6}
shots:
  - {id: a, prompt: Rain}
  - {id: b, prompt: Snow}
";
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway that says when its first POST has come, and answers when it is told to; and what is
/// bought is rendered at once.
fn patient_gateway() -> (Server, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (came, comes) = mpsc::channel();
    let (go, told) = mpsc::channel();
    let script = Script::new().on(move |request| {
        if request.method == "POST" {
            came.send(()).ok();
            told.recv_timeout(PATIENCE).ok();
            return None;
        }
        let host = format!("http://{}", request.header("host")?);
        let urls = [format!("{host}/clip.mp4")];
        Some(if request.target.starts_with("/clip") {
            Reply::bytes(200, CLIP)
        } else {
            Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}}))
        })
    });
    let bought = |task| Reply::json(200, &json!({"data": {"taskId": task}}));
    let script = ["t-1", "t-2"].into_iter().fold(script, |script, task| script.post(bought(task)));
    (script.serve(), comes, go)
}

fn campaign() -> Sandbox {
    Sandbox::new().manifest(MANIFEST).var("KLING_API_KEY", "secret-key")
}

/// A running program; killed if the test fails.
struct Run(Child);

impl Run {
    fn hang_up(&self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn closing_the_terminal_lets_the_post_on_the_wire_be_answered() {
    let sandbox = campaign();
    let (server, post_comes, go) = patient_gateway();
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "1", "--api-base", &url];
    let mut command = sandbox.command(&words);
    let mut run = Run(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    post_comes.recv_timeout(PATIENCE).unwrap();
    run.hang_up();
    let said = BufReader::new(run.0.stderr.take().unwrap()).lines();
    let mut said = said.map(Result::unwrap).skip_while(|line| !line.contains("stopping"));
    assert!(said.next().is_some(), "it does not stop");
    // A shell hangs up on its jobs, and then the terminal does.
    run.hang_up();
    go.send(()).unwrap();
    assert!(said.last().is_some(), "it says how to go on");
    assert_eq!(run.exit_code(), Some(130));
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(report["shots"][0]["task_id"], "t-1");
    let counts = &report["counts"];
    assert_eq!((&counts["rendering"], &counts["queued"]), (&json!(1), &json!(1)));
    assert_eq!((&counts["submitting"], &counts["in_doubt"]), (&json!(0), &json!(0)));
}

#[test]
fn a_run_that_was_told_to_outlive_its_terminal_does() {
    let sandbox = campaign();
    let (server, post_comes, go) = patient_gateway();
    let url = server.url();
    let ours = sandbox.command(&["run", "shots.yaml", "--in-flight", "1", "--api-base", &url]);
    // What nohup does.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(ours.get_program());
    command.args(ours.get_args()).stdin(Stdio::null()).current_dir(ours.get_current_dir().unwrap());
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut run = Run(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    post_comes.recv_timeout(PATIENCE).unwrap();
    run.hang_up();
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(run.exit_code(), Some(0));
    sandbox.run(["status", "shots.yaml"]).exits(0).says("2 delivered");
}

#[test]
fn how_a_run_ends_does_not_depend_on_who_reads_it() {
    let sandbox = campaign();
    let refusing = Script::new().always_post(Reply::json(401, &json!({"code": 401}))).serve();
    let mut command = sandbox.command(&["run", "shots.yaml", "--api-base", &refusing.url()]);
    let mut run = Run(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    drop(run.0.stdout.take());
    assert_eq!(run.exit_code(), Some(3));
}

/// A terminal was stopped with Ctrl-S, or a connection stalls: what cannot be shown is left out.
#[test]
fn a_run_goes_on_while_nothing_is_read_of_what_it_says() {
    let shots = (0..40)
        .map(|nth| format!("  - {{id: s{nth}, prompt: Rain {nth}}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let (head, _) = MANIFEST.split_once("  - {id: a").unwrap();
    let manifest = format!("{head}{shots}").replace("limits: {", "limits: {rate: 50/s, ");
    let sandbox = Sandbox::new().manifest(&manifest);
    let (unread, stderr) = full_pipe();
    let mut command = sandbox.command(&["run", "shots.yaml", "--sim", "-vv"]);
    let mut run = Run(command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap());
    assert_eq!(run.exit_code(), Some(0));
    drop(unread);
    sandbox.run(["status", "shots.yaml", "--sim"]).exits(0).says("40 delivered");
}

/// The summary finds no reader: a second signal leaves at once all the same.
#[test]
fn signals_are_heeded_while_nothing_is_read_of_the_summary() {
    let sandbox = Sandbox::new().manifest(MANIFEST);
    let (unread, stdout) = full_pipe();
    let mut command = sandbox.command(&["run", "shots.yaml", "--sim"]);
    let mut run = Run(command.stdout(stdout).stderr(Stdio::null()).spawn().unwrap());
    let began = Instant::now();
    let all = || sandbox.run(["status", "shots.yaml", "--sim"]).stdout();
    while !all().contains("2 delivered") {
        assert!(began.elapsed() < PATIENCE, "{}", all());
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = run.0.id().to_string();
    while run.0.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "it does not end");
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(run.exit_code(), Some(130));
    drop(unread);
}

/// A pipe in which nothing finds room.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while writer.write(b"x").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}
