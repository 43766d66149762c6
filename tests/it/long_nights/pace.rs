//! How many POSTs are on the wire, and gateways that ask for a long pause: while the run works.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::*;

/// However slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program at work; killed if the test fails.
struct Working(Child);

impl Working {
    fn start(sandbox: &Sandbox, server: &Server) -> Self {
        let mut command =
            sandbox.command(&["run", "shots.yaml", "--api-base", &server.url(), "-v"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the server was asked so.
fn until(server: &Server, is_there: impl Fn(&[Request]) -> bool) {
    let began = Instant::now();
    while !is_there(&server.requests()) {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn count(requests: &[Request], method: &str) -> usize {
    requests.iter().filter(|request| request.method == method).count()
}

#[cfg(unix)]
#[test]
fn field_08_no_more_posts_are_on_the_wire_than_posts_says_and_a_stop_leaves_none_in_doubt() {
    let sandbox = campaign(8, "posts: 2");
    let (open, gate) = watch::channel(false);
    let hold = move |request: &Request| {
        let sold = task(&json!({"taskId": format!("t-{}", nth(request))}));
        (nth(request) != 0).then(|| sold.held(gate.clone()))
    };
    let working = |id: &str, _: &str| json!({"taskId": id, "state": "processing"});
    let server = gateway(hold, working, |_| None);
    let mut program = Working::start(&sandbox, &server);
    until(&server, |seen| count(seen, "POST") >= 3);
    // Half a second in which fifty more could have been sent.
    let before = count(&server.requests(), "GET");
    until(&server, |seen| count(seen, "GET") >= before + 10);
    assert_eq!(posts(&server), 3, "the first was answered, two are on the wire");
    program.signal("-TERM");
    open.send(true).unwrap();
    assert_eq!(program.0.wait().unwrap().code(), Some(130));
    let told = report(&sandbox);
    let counts = &told["counts"];
    assert_eq!((&counts["in_doubt"], &counts["submitting"]), (&json!(0), &json!(0)), "{told}");
    assert_eq!(counts["rendering"], posts(&server), "{told}");
}

#[cfg(unix)]
#[test]
fn field_42_a_pause_of_hours_is_told_at_once_and_by_status() {
    let sandbox = campaign(2, "posts: 1");
    let busy = || envelope(429, 429, "busy").header("Retry-After", "7200");
    let server = gateway(move |_| Some(busy()), completed, |_| None);
    let mut program = Working::start(&sandbox, &server);
    let (tell, told) = std::sync::mpsc::channel();
    let stderr = BufReader::new(program.0.stderr.take().unwrap());
    std::thread::spawn(move || {
        stderr.lines().map_while(Result::ok).for_each(|line| tell.send(line).unwrap_or_default());
    });
    // An hour is the longest that is believed.
    while !told.recv_timeout(PATIENCE).unwrap().contains("nothing is submitted for 1h") {}
    let status = sandbox.run(["status", "shots.yaml"]).exits(0).stdout();
    assert!(!status.contains("in 0s") && status.contains("the last try got"), "{status}");
    program.signal("-INT");
    assert_eq!(program.0.wait().unwrap().code(), Some(130));
    assert_eq!((posts(&server), &report(&sandbox)["counts"]["queued"]), (1, &json!(2)));
}
