//! Exchanges that were seen in the field, over a real socket: what each means for the money. The
//! names tell which case.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::provider::{HttpProvider, HttpSettings, Provider, ProxyUrl};
use serde_json::json;

use super::http::{KEY, settings};
use crate::support::calls::Calls;
use crate::support::{Reply, Script};

const SOLD: &[u8] = br#"{"code": 200, "msg": "success", "data": {"taskId": "t1"}}"#;

fn bought() -> SubmitOutcome {
    SubmitOutcome::Bought { task: TaskId::new("t1").unwrap() }
}

async fn submit(reply: Reply) -> SubmitOutcome {
    let server = Script::new().post(reply).serve();
    let said = HttpProvider::new(settings(&server.url())).unwrap().buy("{}".into()).await;
    assert_eq!(server.requests().len(), 1, "one POST, whatever was answered");
    said
}

#[tokio::test]
async fn field_06_an_address_with_a_version_is_asked_below_it() {
    for version in ["/v1", "/api/v1", "/v1/"] {
        let server = Script::new().post(Reply::bytes(200, SOLD)).serve();
        let provider = HttpProvider::new(settings(&(server.url() + version))).unwrap();
        assert_eq!(provider.buy("{}".into()).await, bought());
        provider.ask(&TaskId::new("t1").unwrap()).await;
        provider.billed(&TaskId::new("t1").unwrap()).await;
        let version = version.trim_end_matches('/');
        let asked: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
        let expected = ["/video/generations", "/video/generations?task_id=t1", "/records/t1"];
        assert_eq!(asked, expected.map(|path| format!("{version}{path}")));
    }
}

#[tokio::test]
async fn field_34_a_redirect_that_names_its_task_is_bought_and_not_followed() {
    let reply = Reply::bytes(307, SOLD).header("Location", "/elsewhere");
    assert_eq!(submit(reply).await, bought());
}

#[tokio::test]
async fn field_36_an_id_in_a_packed_answer_is_found() {
    let gzip = |text: &[u8]| {
        [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &compress_to_vec(text, 6), &[0; 8]].concat()
    };
    for (encoding, body) in [
        ("gzip", gzip(SOLD)),
        ("", gzip(SOLD)),
        ("deflate", compress_to_vec_zlib(SOLD, 6)),
        ("deflate", compress_to_vec(SOLD, 6)),
    ] {
        let reply = Reply::bytes(200, &body);
        let reply =
            if encoding.is_empty() { reply } else { reply.header("Content-Encoding", encoding) };
        assert_eq!(submit(reply).await, bought(), "{encoding}");
    }
    let whole = gzip(SOLD);
    let cut = Reply::bytes(200, &whole).header("Content-Encoding", "gzip").cut_before_end(9);
    assert_eq!(submit(cut).await, bought());
}

#[tokio::test]
async fn field_36_a_doubt_keeps_the_whole_answer_without_the_key() {
    let body = json!({"code": 77, "msg": format!("{} {KEY}", "x".repeat(900)), "end": "here"});
    let said = submit(Reply::json(200, &body)).await;
    let SubmitOutcome::Doubtful { answer: Some(answer), .. } = said else { panic!("{said:?}") };
    assert!(answer.contains("\"end\":\"here\"") && answer.contains("[key]"), "{answer}");
    assert!(!answer.contains(KEY), "{answer}");
    let cut = Reply::json(200, &body).cut_before_end(2);
    let SubmitOutcome::Doubtful { answer: Some(answer), .. } = submit(cut).await else { panic!() };
    assert!(answer.contains("\"end\":\"here") && !answer.contains(KEY), "{answer}");
}

/// Takes a connection, reads so many bytes of a request, answers and closes with the rest unread.
fn answers_early(status: &'static str, reads: usize) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut taken = vec![0; reads];
        stream.read_exact(&mut taken).unwrap();
        let body = r#"{"code": 413, "msg": "too large"}"#;
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        stream.shutdown(Shutdown::Write).ok();
    });
    (base, thread)
}

#[tokio::test]
async fn field_44_an_early_answer_to_a_big_body_is_that_answer() {
    let big = format!("{{\"prompt\": \"{}\"}}", "x".repeat(30 << 20));
    for status in ["413 Payload Too Large", "400 Bad Request", "429 Too Many Requests"] {
        for _ in 0..3 {
            let (base, thread) = answers_early(status, 100);
            let said = HttpProvider::new(settings(&base)).unwrap().buy(big.clone().into()).await;
            thread.join().unwrap();
            let is_it = match &said {
                SubmitOutcome::Rejected { why } => {
                    !status.starts_with("429") && why.contains("too")
                }
                SubmitOutcome::Throttled { .. } => status.starts_with("429"),
                _ => false,
            };
            assert!(is_it, "{status}: {said:?}");
        }
    }
}

/// Answers the head and half of the body, then takes what is sent for as long as something comes, then
/// answers the rest; how many bytes it took.
fn answers_in_halves() -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut taken = vec![0; 1 << 16];
        let mut count = stream.read(&mut taken).unwrap();
        let body = r#"{"code": 413, "msg": "too large"}"#;
        let (half, rest) = body.split_at(9);
        write!(stream, "HTTP/1.1 413 No\r\nContent-Length: {}\r\n\r\n{half}", body.len()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        while let Ok(more @ 1..) = stream.read(&mut taken) {
            count += more;
        }
        stream.write_all(rest.as_bytes()).unwrap();
        count
    });
    (base, thread)
}

#[tokio::test]
async fn field_44_of_a_big_body_that_was_refused_no_more_is_sent() {
    let big = format!("{{\"prompt\": \"{}\"}}", "x".repeat(30 << 20));
    let (base, thread) = answers_in_halves();
    let said = HttpProvider::new(settings(&base)).unwrap().buy(big.into()).await;
    assert!(
        matches!(&said, SubmitOutcome::Rejected { why } if why.contains("too large")),
        "{said:?}"
    );
    let taken = thread.join().unwrap();
    assert!(taken < 10 << 20, "{taken} bytes were sent");
}

#[tokio::test]
async fn field_14_a_proxy_is_used_by_choice_and_its_errors_are_doubts() {
    let proxied = |proxy: &str| {
        let proxy: ProxyUrl = proxy.parse().unwrap();
        HttpSettings { proxy: Some(proxy), ..settings("http://127.0.0.1:9") }
    };
    let gateway_says = Reply::json(503, &json!({"code": 503, "msg": "busy", "data": null}));
    let proxy = Script::new()
        .post(Reply::bytes(200, SOLD))
        .post(Reply::text(502, "<title>no gateway</title>"))
        .post(Reply::text(503, ""))
        .post(Reply::text(504, "too slow"))
        .post(Reply::text(500, "<title>its own</title>"))
        .post(gateway_says)
        .get(Reply::bytes(200, b"clip"))
        .serve();
    let url = proxy.url().replace("http://", "http://me:s3cret@");
    let provider = HttpProvider::new(proxied(&url)).unwrap();
    assert_eq!(provider.buy("{}".into()).await, bought());
    for status in [502, 503, 504] {
        let said = provider.buy("{}".into()).await;
        let SubmitOutcome::Doubtful { why, .. } = &said else { panic!("{status}: {said:?}") };
        assert!(why.contains("proxy") && !why.contains("s3cret"), "{why}");
    }
    for _ in 0..2 {
        let said = provider.buy("{}".into()).await;
        assert!(matches!(said, SubmitOutcome::ServerError { .. }), "{said:?}");
    }
    provider.fetch("http://cdn.invalid/clip.mp4", None).await.unwrap();
    let requests = proxy.requests();
    assert_eq!(requests[0].target, "http://127.0.0.1:9/api/v1/video/generations");
    assert!(requests[0].header("proxy-authorization").is_some());
    assert_eq!(requests[6].target, "http://cdn.invalid/clip.mp4");
}

#[tokio::test]
async fn field_14_an_error_names_the_proxy_that_was_ignored() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings =
        HttpSettings { ignored_proxy: Some("HTTPS_PROXY"), ..settings(&format!("http://{free}")) };
    let provider = HttpProvider::new(settings).unwrap();
    let SubmitOutcome::NotSent { why } = provider.buy("{}".into()).await else { panic!() };
    assert!(why.contains("HTTPS_PROXY is set and was ignored"), "{why}");
    let said = provider.ask(&TaskId::new("t1").unwrap()).await;
    assert!(matches!(said, PollOutcome::Unanswered { why } if why.contains("HTTPS_PROXY")));
    let said = provider.fetch(&format!("http://{free}/a.mp4"), None).await.map(|_| ()).unwrap_err();
    assert!(said.why().contains("HTTPS_PROXY"), "{said:?}");
}
