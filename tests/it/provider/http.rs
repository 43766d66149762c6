//! The HTTP client against a scripted server: every row of the outcome table over a real socket.

use std::sync::Arc;
use std::time::Duration;

use crate::support::calls::Calls;
use rushes::domain::charge::{Charge, ChargeOutcome};
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::time::{Clock, Timestamp};
use rushes::provider::{HttpProvider, HttpSettings, SetupError};
use serde_json::{Value, json};

use crate::support::{Reply, Script, Server};

pub(super) const KEY: &str = "sk-0123456789abcdef";

/// 1994-11-06T08:49:37Z.
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(784_111_777_000)
    }
}

/// Long enough that only a hang can reach it.
pub(super) fn settings(api_base: &str) -> HttpSettings {
    HttpSettings::new(api_base.into(), KEY.into(), Duration::from_secs(60), Arc::new(Then))
}

/// For tests in which a time-out is what is waited for.
pub(super) fn hasty(api_base: &str) -> HttpSettings {
    let brief = Duration::from_secs(2);
    HttpSettings {
        submit_timeout: brief,
        poll_timeout: brief,
        idle_timeout: brief,
        ..settings(api_base)
    }
}

pub(super) fn gateway(server: &Server) -> HttpProvider {
    HttpProvider::new(settings(&server.url())).unwrap()
}

async fn submit(reply: Reply) -> SubmitOutcome {
    let server = Script::new().post(reply).serve();
    let said = gateway(&server).buy("{}".into()).await;
    assert_eq!(server.requests().len(), 1, "one POST, whatever was answered");
    said
}

async fn poll(reply: Reply) -> PollOutcome {
    let server = Script::new().get(reply).serve();
    gateway(&server).ask(&task("t1")).await
}

fn task(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

fn bought() -> Reply {
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": {"taskId": "t1"}}))
}

fn error(status: u16, code: u16) -> Reply {
    Reply::json(status, &json!({"code": code, "msg": "because", "data": null}))
}

fn doubt(said: SubmitOutcome) -> String {
    let SubmitOutcome::Doubtful { why, .. } = said else { panic!("{said:?}") };
    why
}

#[tokio::test]
async fn a_post_carries_the_request_and_the_key_to_the_endpoint() {
    let server = Script::new().post(bought()).serve();
    let gateway = HttpProvider::new(settings(&(server.url() + "/proxy/"))).unwrap();
    let said = gateway.buy(r#"{"model":"kling-v3"}"#.into()).await;
    assert_eq!(said, SubmitOutcome::Bought { task: task("t1") });
    let [request] = &server.requests()[..] else { panic!() };
    assert_eq!((&*request.method, &*request.target), ("POST", "/proxy/api/v1/video/generations"));
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.json(), json!({"model": "kling-v3"}));
}

#[tokio::test]
async fn errors_mean_what_the_table_says_in_the_status_line_and_in_the_envelope() {
    let why = |status: u16| format!("{status}: because");
    for (status, means) in [
        (400, SubmitOutcome::Rejected { why: why(400) }),
        (401, SubmitOutcome::BadKey { why: why(401) }),
        (402, SubmitOutcome::NoCredit { why: why(402) }),
        (403, SubmitOutcome::BadKey { why: why(403) }),
        (404, SubmitOutcome::Rejected { why: why(404) }),
        (409, SubmitOutcome::Rejected { why: why(409) }),
        (422, SubmitOutcome::Rejected { why: why(422) }),
        (429, SubmitOutcome::Throttled { is_money: false, retry_after: None, why: why(429) }),
        (
            500,
            SubmitOutcome::ServerError {
                status: 500,
                from_proxy: false,
                retry_after: None,
                why: why(500),
            },
        ),
        (
            503,
            SubmitOutcome::ServerError {
                status: 503,
                from_proxy: false,
                retry_after: None,
                why: why(503),
            },
        ),
    ] {
        assert_eq!(submit(error(status, status)).await, means);
        assert_eq!(submit(error(200, status)).await, means);
    }
}

#[tokio::test]
async fn a_page_instead_of_the_gateway_is_the_wrong_address() {
    for status in [404, 405] {
        let said = submit(Reply::text(status, "<title>Not here</title>")).await;
        let why = format!("not the gateway's answer: {status}: Not here");
        assert_eq!(said, SubmitOutcome::WrongAddress { why });
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_the_key_goes_nowhere_else() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Script::new().serve();
        let target = elsewhere.url() + "/api/v1/video/generations";
        let redirect = || Reply::text(status, "").header("Location", &target);
        let server = Script::new().post(redirect()).get(redirect()).serve();
        let gateway = gateway(&server);
        let said = gateway.buy("{}".into()).await;
        assert!(matches!(&said, SubmitOutcome::WrongAddress { why } if why.contains(&target)));
        let said = gateway.ask(&task("t1")).await;
        assert!(
            matches!(&said, PollOutcome::Unclear { why, .. } if why.contains(&target)),
            "{said:?}"
        );
        assert_eq!((server.requests().len(), elsewhere.connections()), (2, 0));
    }
}

#[tokio::test]
async fn a_pause_until_a_date_is_as_long_as_the_answers_own_clock_says() {
    // Ours says 1994.
    for (date, until, pause) in [
        ("Tue, 24 Nov 2026 21:00:00 GMT", "Tue, 24 Nov 2026 21:01:30 GMT", Some(90)),
        ("Tue, 24 Nov 2026 21:00:00 GMT", "Tue, 24 Nov 2026 20:00:00 GMT", None),
        ("Tue, 24 Nov 2026 21:00:00 GMT", "Tue, 24 Nov 2099 21:00:00 GMT", Some(24 * 3600)),
        ("Sun, 01 Jan 1989 00:00:00 GMT", "Sun, 01 Jan 1989 00:00:07 GMT", Some(7)),
        ("yesterday", "Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
    ] {
        let reply = error(429, 429).header("Date", date).header("Retry-After", until);
        let SubmitOutcome::Throttled { retry_after, .. } = submit(reply).await else {
            panic!("429")
        };
        assert_eq!(retry_after, pause.map(Duration::from_secs), "{date}, {until}");
    }
}

#[tokio::test]
async fn retry_after_is_heard_as_seconds_and_as_a_date() {
    for (written, seconds) in [("7", 7), ("Sun, 06 Nov 1994 08:50:37 GMT", 60)] {
        let pause = Some(Duration::from_secs(seconds));
        for status in [429, 503] {
            let said = submit(error(status, status).header("Retry-After", written)).await;
            let (SubmitOutcome::Throttled { retry_after, .. }
            | SubmitOutcome::ServerError { retry_after, .. }) = said
            else {
                panic!("{said:?}")
            };
            assert_eq!(retry_after, pause);
            let said = poll(error(status, status).header("Retry-After", written)).await;
            assert!(
                matches!(said, PollOutcome::Unclear { retry_after, .. } if retry_after == pause)
            );
        }
    }
}

#[tokio::test]
async fn what_was_never_connected_was_never_sent() {
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let gateway = HttpProvider::new(settings(&format!("http://{free}"))).unwrap();
    let said = gateway.buy("{}".into()).await;
    let SubmitOutcome::NotSent { why } = said else { panic!("{said:?}") };
    assert!(why.starts_with(&format!("could not connect to {free}")), "{why}");
    assert!(matches!(gateway.ask(&task("t1")).await, PollOutcome::Unanswered { .. }));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_was_never_sent() {
    let gateway = HttpProvider::new(settings("https://rushes.invalid")).unwrap();
    let said = gateway.buy("{}".into()).await;
    assert!(matches!(said, SubmitOutcome::NotSent { .. }), "{said:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_was_never_sent() {
    let server = Script::new().slam(usize::MAX).serve();
    let base = server.url().replace("http:", "https:");
    let said = HttpProvider::new(settings(&base)).unwrap().buy("{}".into()).await;
    assert!(matches!(said, SubmitOutcome::NotSent { .. }), "{said:?}");
    assert!(server.connections() > 0);
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_was_never_sent() {
    let server = Script::new().serve();
    let base = server.url().replace("http:", "https:");
    let said = HttpProvider::new(hasty(&base)).unwrap().buy("{}".into()).await;
    assert!(matches!(said, SubmitOutcome::NotSent { .. }), "{said:?}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_cut_before_the_answer_leaves_a_doubt() {
    doubt(submit(Reply::cut()).await);
    let server = Script::new().slam(1).post(bought()).serve();
    doubt(gateway(&server).buy("{}".into()).await);
    assert_eq!(server.connections(), 1, "it was not tried again");
}

#[tokio::test]
async fn a_cut_within_the_answer_leaves_a_doubt_and_tells_what_came() {
    doubt(submit(bought().cut_after(20)).await);
    let why = doubt(submit(bought().cut_before_end(3)).await);
    assert!(why.contains("broke off") && why.contains("\"t1"), "{why}");
    let chunked = Reply::text(200, "5\r\n{\"cod\r\n").header("Transfer-Encoding", "chunked");
    doubt(submit(chunked.then_close()).await);
}

#[tokio::test]
async fn field_36_a_cut_after_the_task_id_does_not_lose_the_task() {
    assert_eq!(
        submit(bought().cut_before_end(2)).await,
        SubmitOutcome::Bought { task: task("t1") }
    );
    let long = bought().header("Content-Length", "1000").then_close();
    assert_eq!(submit(long).await, SubmitOutcome::Bought { task: task("t1") });
}

#[tokio::test]
async fn a_cut_error_is_still_that_error() {
    let said = submit(error(500, 500).cut_before_end(3)).await;
    assert!(matches!(said, SubmitOutcome::ServerError { status: 500, .. }), "{said:?}");
    let said = submit(error(402, 402).cut_before_end(3)).await;
    assert!(matches!(said, SubmitOutcome::NoCredit { .. }), "{said:?}");
}

#[tokio::test]
async fn a_success_that_says_nothing_leaves_a_doubt() {
    for reply in [
        Reply::text(200, ""),
        Reply::text(204, ""),
        Reply::text(202, "queued"),
        Reply::json(200, &json!({"code": 200, "data": {"taskId": null}})),
        error(201, 500),
    ] {
        doubt(submit(reply).await);
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up() {
    let replies = [
        Reply::hang(),
        bought().hang_after(20),
        bought().hang_before_end(3),
        bought().drip(Duration::from_millis(200)),
    ];
    // Made before the first time-out begins to run: it takes a while to read the CA certificates.
    let pairs = replies.map(|reply| {
        let server = Script::new().post(reply).serve();
        let gateway = HttpProvider::new(hasty(&server.url())).unwrap();
        (server, gateway)
    });
    let said = pairs.iter().map(|(_, gateway)| gateway.buy("{}".into()));
    for said in futures::future::join_all(said).await {
        doubt(said);
    }
    assert!(pairs.iter().all(|(server, _)| server.requests().len() == 1));
    let server = Script::new().get(Reply::hang()).serve();
    let said = HttpProvider::new(hasty(&server.url())).unwrap().ask(&task("t1")).await;
    assert!(matches!(said, PollOutcome::Unanswered { .. }), "{said:?}");
}

#[tokio::test]
async fn an_answer_too_long_to_be_one_is_not_read_to_its_end() {
    let endless = Reply::bytes(200, &vec![b' '; 2 << 20]).header("Content-Length", "99999999999");
    let why = doubt(submit(endless.clone().hang_before_end(0)).await);
    assert!(why.contains("longer than"), "{why}");
    assert!(matches!(poll(endless.hang_before_end(0)).await, PollOutcome::Unclear { .. }));
}

#[tokio::test]
async fn garbage_instead_of_http_leaves_a_doubt() {
    let server = Script::new().post(bought().header("\0", "\n")).serve();
    doubt(gateway(&server).buy("{}".into()).await);
}

#[tokio::test]
async fn every_post_has_a_connection_of_its_own() {
    let server = Script::new().always_post(bought().then_close()).serve();
    let gateway = gateway(&server);
    for sent in 1..=20 {
        let said = gateway.buy("{}".into()).await;
        assert_eq!(said, SubmitOutcome::Bought { task: task("t1") }, "POST {sent}");
    }
    assert_eq!((server.connections(), server.requests().len()), (20, 20));
}

#[tokio::test]
async fn the_key_is_hidden_where_an_answer_echoes_it() {
    let body = json!({"code": 401, "msg": format!("unknown key {KEY}")});
    let why = "401: unknown key [key]".to_owned();
    assert_eq!(submit(Reply::json(200, &body)).await, SubmitOutcome::BadKey { why: why.clone() });
    assert_eq!(poll(Reply::json(401, &body)).await, PollOutcome::BadKey { why });
    let long = KEY.repeat(100);
    let said = doubt(submit(Reply::text(200, &long).cut_before_end(1)).await);
    assert!(!said.contains(&KEY[..12]), "{said}");
    assert!(!format!("{:?}", settings("http://127.0.0.1")).contains(KEY));
}

#[tokio::test]
async fn a_poll_asks_for_its_task_on_a_kept_connection() {
    let done = json!({"data": {"state": "completed", "resultUrls": ["https://h/a"],
        "completeTime": 1_705_123_500_000_i64}});
    let server = Script::new()
        .get(Reply::json(200, &json!({"data": {"state": "pending"}})))
        .get(Reply::json(200, &done))
        .serve();
    let gateway = gateway(&server);
    let odd = task("a b&c=d/é");
    assert_eq!(gateway.ask(&odd).await, PollOutcome::Working { is_waiting: true, unknown: None });
    let urls = vec!["https://h/a".to_owned()];
    let completed_at = Some(Timestamp::from_millis(1_705_123_500_000));
    assert_eq!(gateway.ask(&odd).await, PollOutcome::Completed { urls, completed_at });
    for request in server.requests() {
        let target = "/api/v1/video/generations?task_id=a+b%26c%3Dd%2F%C3%A9";
        assert_eq!((&*request.method, &*request.target), ("GET", target));
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
    }
    assert!(server.requests().iter().all(|request| request.connection == 1));
}

#[tokio::test]
async fn posts_do_not_wait_for_each_other() {
    let server = Script::new().always_post(Reply::hang()).serve();
    let gateway = gateway(&server);
    tokio::select! {
        said = gateway.buy("{}".into()) => panic!("{said:?}"),
        said = gateway.buy("{}".into()) => panic!("{said:?}"),
        () = server.received(2) => {}
    }
}

#[tokio::test]
async fn polls_are_missing_unclear_or_unanswered() {
    assert!(matches!(poll(error(404, 404)).await, PollOutcome::Missing { .. }));
    assert!(matches!(poll(Reply::text(404, "")).await, PollOutcome::Missing { .. }));
    assert!(matches!(poll(error(500, 500)).await, PollOutcome::Unclear { .. }));
    assert!(matches!(poll(bought().cut_before_end(3)).await, PollOutcome::Unclear { .. }));
    assert!(matches!(poll(Reply::cut()).await, PollOutcome::Unanswered { .. }));
}

#[test]
fn a_key_that_cannot_be_sent_and_an_address_that_leaks_are_told_at_once() {
    for key in ["", " \n", "a\nb", "ключ"] {
        let settings = HttpSettings { key: key.into(), ..settings("http://127.0.0.1") };
        assert!(matches!(HttpProvider::new(settings), Err(SetupError::Key(_))), "{key:?}");
    }
    let said = HttpProvider::new(settings("http://apimodels.app"));
    assert!(matches!(said, Err(SetupError::Address { .. })));
}

fn record(settled: &Value, credits: &Value) -> Reply {
    let data = json!({"settled": settled, "credits": credits, "currency": "USD"});
    Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

#[tokio::test]
async fn a_charge_is_asked_for_at_the_same_gateway_and_read_to_its_last_digit() {
    let plain = json!({"settled": true, "credits": "0.31650001", "currency": "USD"});
    let server = Script::new()
        .get(record(&json!(true), &json!(0.3165)))
        .get(Reply::json(200, &plain))
        .get(record(&json!(false), &json!(null)))
        .serve();
    let gateway = HttpProvider::new(settings(&(server.url() + "/proxy/"))).unwrap();
    let task = TaskId::new("a/../b?c").unwrap();
    let charge = |amount| ChargeOutcome::Settled(Charge::new(amount, "USD").unwrap());
    assert_eq!(gateway.billed(&task).await, charge("0.3165"));
    assert_eq!(gateway.billed(&task).await, charge("0.31650001"));
    assert_eq!(gateway.billed(&task).await, ChargeOutcome::Unsettled);
    for request in server.requests() {
        assert_eq!(request.target, "/proxy/api/v1/records/a%2F..%2Fb%3Fc");
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    }
    for dots in [".", ".."] {
        let said = gateway.billed(&TaskId::new(dots).unwrap()).await;
        assert!(matches!(said, ChargeOutcome::Unknown { .. }), "{said:?}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn anything_but_a_record_says_nothing_about_a_charge_and_never_the_key() {
    let other = json!({"taskId": "other", "settled": true, "credits": 1, "currency": "USD"});
    let replies = [
        Reply::text(404, "Not Found"),
        Reply::json(404, &json!({"code": 404, "msg": "no such record"})),
        Reply::json(200, &json!({"code": 404, "msg": "no such record", "data": null})),
        Reply::json(401, &json!({"code": 401, "msg": format!("bad key {KEY}")})),
        Reply::text(200, "<html>Sign in</html>"),
        Reply::json(200, &json!({"data": {"credits": 1, "currency": "USD"}})),
        Reply::json(200, &json!({"data": other})),
        record(&json!(true), &json!(-1)),
        record(&json!(true), &json!({"usd": 1})),
        record(&json!("perhaps"), &json!(1)),
        Reply::text(302, "").header("Location", "https://elsewhere.example/"),
        Reply::cut(),
    ];
    let count = replies.len();
    let server = replies.into_iter().fold(Script::new(), Script::get).serve();
    let gateway = HttpProvider::new(settings(&server.url())).unwrap();
    let task = TaskId::new("t-1").unwrap();
    for nth in 0..count {
        let said = gateway.billed(&task).await;
        let ChargeOutcome::Unknown { why } = &said else { panic!("{nth}: {said:?}") };
        assert!(!why.contains(KEY) && !why.is_empty(), "{nth}: {why}");
    }
}
