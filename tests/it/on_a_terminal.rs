//! What users see on terminals of several widths: lines that fit, colours, Ctrl-C, the whole screen of
//! a watch.

use std::process::Stdio;

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::support::terminal::{Picture, Terminal};
use crate::support::{Reply, Script, Server};

const MANIFEST: &str = "\
campaign: night
budget: 5
limits: {rate: 50/s, in_flight: 1, poll_every: 50ms, poll_rate: 50/s}
defaults: {model: kling-v2-6}
shots:
  - {id: lighthouse-on-a-cliff-at-dawn-and-in-the-rain-wide, prompt: A}
  - {id: beach, prompt: B}
  - {id: 海边的舞者, prompt: C}
  - {id: alley, prompt: D}
  - {id: market, prompt: E}
";

/// Of five requests three are bought, one is rejected in Chinese, and one answer names no task; of the
/// three tasks two meet the content policy and one fails with a bare code.
fn gateway() -> Server {
    let bought = |task| Reply::json(200, &json!({"data": {"taskId": task}}));
    let refused = "提示词包含不允许的内容，请修改后重试。提示词包含不允许的内容，请修改后重试。";
    let failed =
        |why: &str| Reply::json(200, &json!({"data": {"state": "failed", "failMsg": why}}));
    Script::new()
        .on(move |request| {
            let why = if request.method == "POST" || request.is_about_account() {
                return None;
            } else if request.target.contains("t-3") {
                "TIMEOUT"
            } else {
                "Your prompt violates our content policy"
            };
            Some(failed(why))
        })
        .post(bought("t-1"))
        .post(Reply::json(400, &json!({"code": 400, "msg": refused})))
        .post(bought("t-2"))
        .post(Reply::json(200, &json!({"code": 200, "msg": "success", "data": null})))
        .post(bought("t-3"))
        .serve()
}

fn campaign() -> Sandbox {
    Sandbox::new().manifest(MANIFEST).var("KLING_API_KEY", "secret-key")
}

/// What a program shows at its end, with what changes from run to run named.
fn told(picture: &Picture, server: &Server) -> String {
    let text = picture.text().replace(&server.url(), "GATEWAY");
    let took = |line: &str| match line.strip_prefix("this run took ") {
        Some(_) => "this run took TIME".to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(took).collect::<Vec<_>>().join("\n")
}

/// Trials 8, 18, 19: the end of a run, its report and its status at 50 and 80 columns: lines break
/// between words, commands are whole, reasons are in words, and states have signs.
#[test]
fn the_end_the_report_and_the_status_fit_the_terminal() {
    for width in [50, 80] {
        let (sandbox, server) = (campaign(), gateway());
        let url = server.url();
        let words = ["run", "shots.yaml", "--api-base", &url];
        let (code, picture) = Terminal::open(&sandbox.command(&words), width).ends();
        assert_eq!(code, Some(1), "{}", picture.plain);
        insta::assert_snapshot!(format!("run_{width}"), told(&picture, &server));
        for command in ["report", "status"] {
            let shown = Terminal::open(&sandbox.command(&[command, "shots.yaml"]), width);
            let (code, picture) = shown.ends();
            assert_eq!(code, Some(0));
            insta::assert_snapshot!(format!("{command}_{width}"), told(&picture, &server));
        }
    }
}

/// Trial 18: colours on a terminal, none where the user does not want them.
#[test]
fn states_are_coloured_where_that_is_welcome() {
    let (sandbox, server) = (campaign(), gateway());
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(1);
    let shown = |sandbox: &Sandbox| {
        Terminal::open(&sandbox.command(&["report", "shots.yaml"]), 100).ends().1
    };
    let coloured = shown(&sandbox);
    assert!(coloured.raw.contains("\u{1b}[31m✕ failed"), "{:?}", coloured.raw);
    assert!(coloured.raw.contains("\u{1b}[33m? in doubt"), "{:?}", coloured.raw);
    let plain = sandbox.run(["report", "shots.yaml"]).exits(0).stdout();
    assert!(!plain.contains('\u{1b}') && !plain.contains('✕'), "{plain}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (sandbox, server) = (campaign().var(name, value), gateway());
        let url = server.url();
        sandbox.run(["run", "shots.yaml", "--api-base", &url]);
        let shown = shown(&sandbox);
        assert!(!shown.raw.contains("\u{1b}["), "{name}: {:?}", shown.raw);
    }
    let forced = sandbox.var("CLICOLOR_FORCE", "1");
    let piped = forced.run(["report", "shots.yaml"]).exits(0).stdout();
    assert!(piped.contains("\u{1b}[31m✕ failed"), "{piped:?}");
}

/// A gateway that answers no POST, until the test lets it.
fn silent_gateway() -> (tokio::sync::watch::Sender<bool>, Server) {
    let (gate, held) = tokio::sync::watch::channel(false);
    let refused = Reply::json(400, &json!({"code": 400, "msg": "no"})).held(held);
    (gate, Script::new().always_post(refused).serve())
}

fn waits_for_a_post(server: &Server) {
    let began = std::time::Instant::now();
    while server.requests().is_empty() {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "no request comes");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Trial 7: the first Ctrl-C says what is waited for; the second says what is left, how to go on, and
/// leaves no bar behind.
#[test]
fn ctrl_c_twice_leaves_a_tidy_screen_and_the_command_that_goes_on() {
    let (_gate, server) = silent_gateway();
    let sandbox = campaign();
    let url = server.url();
    let words = ["run", "shots.yaml", "--api-base", &url];
    let mut run = Terminal::open(&sandbox.command(&words), 80);
    waits_for_a_post(&server);
    run.waits_for("1 submitting");
    run.types("\u{3}");
    run.waits_for("stopping: 1 request on the wire, at most ");
    run.waits_for("waiting for 1 request on the wire, at most ");
    run.types("\u{3}");
    let (code, picture) = run.ends();
    assert_eq!(code, Some(130), "{}", picture.plain);
    let text = picture.text();
    assert!(text.contains("quit: 1 request was on the wire"), "{text}");
    assert!(text.contains("rushes run shots.yaml --"), "{text}");
    assert!(!text.contains('░'), "a stale bar: {text}");
    let status = sandbox.run(["status", "shots.yaml"]).exits(0);
    status.says("1 in doubt").says("run          not running");
}

/// Trial 12: a watch has the other screen of the terminal, and gives it back.
#[test]
fn a_watch_leaves_one_look_on_the_usual_screen() {
    let (gate, server) = silent_gateway();
    let sandbox = campaign();
    let url = server.url();
    let words = ["run", "shots.yaml", "--api-base", &url];
    let mut run = sandbox.command(&words);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    waits_for_a_post(&server);
    let mut watches = [60, 60].map(|width| {
        let words = ["status", "shots.yaml", "--watch=1"];
        Terminal::open(&sandbox.command(&words), width)
    });
    for watch in &watches {
        watch.waits_for("rushes run, process");
    }
    watches[0].types("\u{3}");
    let [first, second] = watches;
    let (code, picture) = first.ends();
    assert_eq!(code, Some(0), "enough was seen");
    let looks = |picture: &Picture| picture.text().matches("night: 5 shots").count();
    assert!(picture.raw.contains("\u{1b}[?1049h") && !picture.is_other());
    assert_eq!(looks(&picture), 1, "{}", picture.text());
    gate.send(true).unwrap();
    let (code, picture) = second.ends();
    assert_eq!((code, looks(&picture)), (Some(0), 1), "the run has ended: {}", picture.text());
    assert!(picture.text().contains("not running") && !picture.is_other());
    run.wait().unwrap();
}
