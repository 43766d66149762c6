//! The real program before gateways, proxies and machines as people met them. The names tell which
//! case.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::support::{Reply, Script, Server};

const KEY: &str = "sk-live-0123456789abcdef";
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

fn one_shot() -> Sandbox {
    let manifest = "campaign: odd\nbudget: 5\nlimits: {rate: 50/s, poll_every: 50ms, poll_rate: 50/s, \
                    attempts: 1, submit_timeout: 2s}\nshots:\n  - {id: beach, model: kling-v3, prompt: A beach}\n";
    Sandbox::new().manifest(manifest).var("KLING_API_KEY", KEY)
}

/// Sells by this answer, and has the clip ready at once.
fn sells(answer: Reply) -> Server {
    Script::new()
        .post(answer)
        .on(|request| {
            let host = format!("http://{}", request.header("host")?);
            let urls = [format!("{host}/clip.mp4")];
            let done = json!({"data": {"state": "succeed", "resultUrls": urls}});
            match request.method.as_str() {
                "POST" => None,
                _ if request.target == "/clip.mp4" => Some(Reply::bytes(200, CLIP)),
                _ => Some(Reply::json(200, &done)),
            }
        })
        .serve()
}

fn sold(data: &Value) -> Reply {
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

#[test]
fn field_15_a_signed_id_one_level_deeper_is_rendered_and_told() {
    let id = "eyJhbGciOiJIUzI1NiJ9.".repeat(100);
    for data in [json!({"task": {"taskId": id}}), json!({"id": id}), json!([{"taskId": id}])] {
        let (sandbox, server) = (one_shot(), sells(sold(&data)));
        sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
        let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
        assert_eq!(report["shots"][0]["task_id"], id.as_str());
    }
}

#[test]
fn field_06_an_address_with_its_version_is_understood() {
    let (sandbox, server) = (one_shot(), sells(sold(&json!({"taskId": "t1"}))));
    let base = server.url() + "/v1";
    sandbox.run(["run", "shots.yaml", "--api-base", &base]).exits(0);
    assert!(server.requests()[0].target.starts_with("/v1/video/generations"));
}

#[test]
fn field_14_a_refused_connection_names_the_ignored_proxy_and_a_password_is_shown_nowhere() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{free}");
    let sandbox = one_shot().var("HTTPS_PROXY", "http://me:s3cret@proxy.invalid:3128");
    let done = sandbox.run(["run", "shots.yaml", "--api-base", &base]).exits(3);
    let said = format!("{}{}", done.stdout(), done.stderr());
    assert!(said.contains("HTTPS_PROXY is set and was ignored"), "{said}");
    let proxy = format!("http://me:s3cret@{free}");
    let done = sandbox.run(["run", "shots.yaml", "--api-base", &base, "--proxy", &proxy]).exits(3);
    let said = format!("{}{}", done.stdout(), done.stderr());
    assert!(!said.contains("s3cret") && said.contains("--proxy"), "{said}");
    let done = sandbox.run(["run", "shots.yaml", "--proxy", "me:s3cret@proxy"]).exits(2);
    let said = format!("{}{}", done.stdout(), done.stderr());
    assert!(said.contains("--proxy takes an address") && !said.contains("s3cret"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn field_14_tls_goes_by_the_systems_certificates() {
    // A system that trusts no one: with certificates of the program's own it would go on.
    let sandbox = one_shot().file("none.pem", "").file("none/README", "");
    let [file, folder] = ["none.pem", "none"].map(|name| sandbox.path(name).display().to_string());
    let sandbox = sandbox.var("SSL_CERT_FILE", &file).var("SSL_CERT_DIR", &folder);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = sandbox.run(["run", "shots.yaml", "--api-base", &format!("https://{free}")]);
    run.exits(2).warns("TLS cannot be set up").warns("are the system's CA certificates installed?");
}

#[cfg(unix)]
#[test]
fn field_36_an_answer_that_came_while_the_program_was_stopped_is_read() {
    let sandbox = one_shot();
    let (open, gate) = tokio::sync::watch::channel(false);
    let server = sells(sold(&json!({"taskId": "t1"})).held(gate));
    let mut program = sandbox
        .command(&["run", "shots.yaml", "--api-base", &server.url()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(server.received(1));
    let signal = |name: &str| {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([name, &program.id().to_string()]).status().unwrap().success());
    };
    signal("-STOP");
    open.send(true).unwrap();
    // Longer than the time-out of two seconds, and than a timer may be late.
    std::thread::sleep(Duration::from_millis(3500));
    signal("-CONT");
    assert_eq!(program.wait().unwrap().code(), Some(0));
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    assert_eq!(report["shots"][0]["task_id"], "t1");
}
