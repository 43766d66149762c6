//! Answers that mean harm: texts that steer terminals and spreadsheets, and bodies that swell.

use serde_json::json;

use super::{bought, completed, envelope};
use crate::sandbox::Sandbox;
use crate::support::{Reply, Script};

const ONE_SHOT: &str = "\
campaign: one
budget: 5
limits: {fetch_patience: 200ms, rate: 50/s, poll_every: 50ms, poll_rate: 50/s, attempts: 1, submit_timeout: 2s}
shots:
  - {id: beach, model: kling-v3, prompt: A beach}
";

fn campaign() -> Sandbox {
    Sandbox::new().manifest(ONE_SHOT).var("KLING_API_KEY", "sk-live-0123456789abcdef")
}

#[test]
fn what_a_gateway_says_steers_no_terminal_and_no_spreadsheet() {
    let harm = "=cmd|' /C calc'!A0\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}<script>alert(1)</script>\0";
    for posts_id in ["../../../tmp/x", "<script>alert(1)</script>", "=1+1", "\u{202e}exe"] {
        let harm = harm.to_owned();
        let server = Script::new()
            .on(move |request| {
                let failed = json!({"state": "failed", "failMsg": harm});
                (request.method == "GET").then(|| envelope(200, &harm, &failed))
            })
            .post(bought(posts_id))
            .serve();
        let sandbox = campaign();
        let done = sandbox.run(["run", "shots.yaml", "-vv", "--api-base", &server.url()]).exits(1);
        let mut said = done.stdout() + done.stderr().as_str();
        for format in ["--format=text", "--format=json", "--format=csv"] {
            let report = sandbox.run(["report", "shots.yaml", format]).exits(0).stdout();
            if format == "--format=csv" {
                assert!(!report.contains(",=") && !report.contains(",\"="), "{report}");
            }
            // Excel's line ends are the only control characters.
            said += &report.replace("\r\n", "\n");
        }
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(steers), "{posts_id:?}: {said:?}");
    }
}

/// `gzip` of nothing but zeros would swell a thousandfold; its head is enough to see whether it is
/// believed.
#[test]
fn a_packed_answer_is_neither_unpacked_nor_believed() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3";
    let packed = || Reply::bytes(200, GZIP).header("Content-Encoding", "gzip");
    let sandbox = campaign();
    let server = Script::new().post(packed()).serve();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1).says("1 in doubt");

    let sandbox = campaign();
    let mut polls = 0;
    let server = Script::new()
        .post(bought("task-1"))
        .on(move |request| {
            let host = format!("http://{}", request.header("host")?);
            match request.target.as_str() {
                "/clip.mp4" => Some(Reply::bytes(200, GZIP).header("Content-Encoding", "gzip")),
                target if target.contains("task_id=") => {
                    polls += 1;
                    let clips = [format!("{host}/clip.mp4")];
                    Some(if polls == 1 { packed() } else { completed(&clips) })
                }
                _ => None,
            }
        })
        .serve();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    assert!(
        server.requests().iter().all(|it| {
            it.header("accept-encoding").is_none_or(|accepted| accepted == "identity")
        })
    );
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(report["counts"]["rendered"], 1, "{report}");
    assert!(!sandbox.path("renders/one/clips/beach.mp4").exists());
}
