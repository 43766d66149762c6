//! What the gateway's JSON means.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId, Unresolved};
use rushes::domain::time::Timestamp;
use rushes::provider::wire::*;
use serde_json::Value;

fn post(status: u16, body: &(impl ToString + ?Sized)) -> SubmitOutcome {
    submitted(&Answer::new(status, body.to_string()))
}

fn poll(status: u16, body: &(impl ToString + ?Sized)) -> PollOutcome {
    polled(&Answer::new(status, body.to_string()))
}

fn bought(id: &str) -> SubmitOutcome {
    SubmitOutcome::Bought { task: TaskId::new(id).unwrap() }
}

fn unresolved(said: PollOutcome) -> (Unresolved, String) {
    let PollOutcome::Unresolved { kind, why } = said else { panic!("{said:?}") };
    (kind, why)
}

fn data(data: &Value) -> PollOutcome {
    poll(200, &json!({"code": 200, "msg": "success", "data": data}))
}

#[test]
fn a_task_id_is_found_in_every_spelling() {
    let id = json!({"taskId": "clx1", "state": "pending"});
    for body in [
        json!({"code": 200, "msg": "success", "data": id}),
        json!({"code": "200", "message": "ok", "data": {"task_id": "clx1"}}),
        json!({"code": 0, "data": {"taskId": null, "task_id": " clx1 "}}),
        json!({"code": null, "data": id}),
        json!({"data": id}),
        json!({"code": 200, "data": null, "taskId": "clx1"}),
        json!({"taskId": "clx1"}),
    ] {
        assert_eq!(post(200, &body), bought("clx1"), "{body}");
        assert_eq!(post(201, &body), bought("clx1"), "{body}");
    }
    assert_eq!(post(200, &json!({"data": {"taskId": 42}})), bought("42"));
    assert_eq!(post(200, "\u{feff}{\"data\":{\"taskId\":\"clx1\"}}"), bought("clx1"));
    let mangled = b"{\"msg\":\"\xc4\xda\",\"data\":{\"taskId\":\"clx1\"}}".as_slice();
    assert_eq!(submitted(&Answer::new(200, mangled)), bought("clx1"));
}

#[test]
fn a_task_id_that_arrived_is_never_lost_to_an_error_around_it() {
    for status in [200, 202, 400, 429, 500, 504] {
        for code in [json!(200), json!(500), json!("400"), json!("?"), json!(1303), json!(true)] {
            let body = json!({"code": code, "msg": "odd", "data": {"taskId": "clx1"}});
            assert_eq!(post(status, &body), bought("clx1"), "{status} {body}");
        }
    }
}

#[test]
fn a_success_without_a_readable_task_id_is_in_doubt_and_says_what_came() {
    for body in [
        String::new(),
        "queued".into(),
        "{\"code\":200,\"data\":{\"taskId\":\"cl".into(),
        "[{\"taskId\":\"clx1\"}, {\"taskId\":\"clx2\"}]".into(),
        json!({"code": 200, "data": {"taskId": ""}}).to_string(),
        json!({"code": 200, "data": {"taskId": "a\nb"}}).to_string(),
        json!({"code": 200, "data": {"taskId": ["clx1", "clx2"]}}).to_string(),
        json!({"code": 200, "data": {"taskId": "x".repeat(4097)}}).to_string(),
        "{\"data\":{\"taskId\":1.5}}".into(),
        json!({"code": 1305, "msg": "parallel"}).to_string(),
        json!({"code": 200, "data": "clx1"}).to_string(),
        "<html><title>Hello</title>".into(),
        "[".repeat(100_000),
    ] {
        let SubmitOutcome::Doubtful { why, .. } = post(200, &body) else { panic!("{body:.80}") };
        assert!(why.starts_with("answered 200 without a task id: "), "{why}");
        assert!(why.len() > 32 && why.chars().count() < 400, "{why}");
    }
    let told = post(200, &json!({"code": 200, "data": "clx1"}));
    assert!(matches!(told, SubmitOutcome::Doubtful { why, .. } if why.contains("clx1")));
    let cut = Answer { body: Err("cut after 9 bytes".into()), ..Answer::new(200, "") };
    let why = "answered 200 without a task id: cut after 9 bytes".into();
    assert_eq!(submitted(&cut), SubmitOutcome::Doubtful { why, answer: None });
    let begun = "{\"code\":200,\"da".into();
    let kept = Some("{\"code\":200,\"da".into());
    let SubmitOutcome::Doubtful { answer, .. } = submitted(&Answer { begun, ..cut }) else {
        panic!("cut")
    };
    assert_eq!(answer, kept);
    let long = Answer::new(200, vec![b' '; MAX_BODY + 1]);
    assert!(matches!(submitted(&long), SubmitOutcome::Doubtful { .. }));
}

#[test]
fn an_error_code_in_a_200_is_that_status_and_in_any_other_2xx_a_doubt() {
    let body = |code: Value| json!({"code": code, "msg": "no", "data": null});
    let why = |status: u16| format!("{status}: no");
    let no_pause = None;
    for (code, means) in [
        (400, SubmitOutcome::Rejected { why: why(400) }),
        (401, SubmitOutcome::BadKey { why: why(401) }),
        (402, SubmitOutcome::NoCredit { why: why(402) }),
        (403, SubmitOutcome::BadKey { why: why(403) }),
        (404, SubmitOutcome::Rejected { why: why(404) }),
        (405, SubmitOutcome::Rejected { why: why(405) }),
        (422, SubmitOutcome::Rejected { why: why(422) }),
        (429, SubmitOutcome::Throttled { is_money: false, retry_after: no_pause, why: why(429) }),
        (
            500,
            SubmitOutcome::ServerError {
                status: 500,
                from_proxy: false,
                retry_after: no_pause,
                why: why(500),
            },
        ),
        (
            502,
            SubmitOutcome::ServerError {
                status: 502,
                from_proxy: true,
                retry_after: no_pause,
                why: why(502),
            },
        ),
    ] {
        assert_eq!(post(200, &body(json!(code))), means);
        assert_eq!(post(200, &body(json!(code.to_string()))), means);
        assert_eq!(post(200, &body(json!(f64::from(code)))), means);
        assert_eq!(post(code, &body(json!(code))), means);
        assert!(matches!(post(202, &body(json!(code))), SubmitOutcome::Doubtful { .. }));
    }
    for odd in [json!(302), json!(399), json!(600), json!(-400), json!(65936), json!("400x")] {
        assert!(matches!(post(200, &body(odd)), SubmitOutcome::Doubtful { .. }));
    }
}

#[test]
fn not_found_without_the_envelope_is_the_wrong_address() {
    for body in [
        String::new(),
        "<html><title>404 Not Found</title>".to_owned(),
        json!({"message": "no Route matched with those values"}).to_string(),
        json!({"code": "rest_no_route", "data": {"status": 404}}).to_string(),
        json!({"error": "Not Found", "status": 404}).to_string(),
        json!(["code", 404]).to_string(),
    ] {
        for status in [404, 405] {
            let said = post(status, &body);
            assert!(matches!(said, SubmitOutcome::WrongAddress { .. }), "{said:?}");
        }
        assert!(matches!(post(400, &body), SubmitOutcome::Rejected { .. }));
    }
    let why = "404: no such model".to_owned();
    assert_eq!(post(404, &json!({"msg": "no such model"})), SubmitOutcome::Rejected { why });
}

#[test]
fn a_redirect_names_its_target_safely_and_buys_nothing() {
    let location = Some("https://elsewhere\u{1b}[2J/x".to_owned());
    let answer = Answer { location, ..Answer::new(307, "") };
    let why = "307: redirected to https://elsewhere/x; is the address right?".to_owned();
    assert_eq!(submitted(&answer), SubmitOutcome::WrongAddress { why: why.clone() });
    assert_eq!(polled(&answer), PollOutcome::Unclear { retry_after: None, why });
}

#[test]
fn errors_keep_their_pause_and_a_readable_reason() {
    let pause = Some(Duration::from_secs(7));
    let body = "<html><head><title>502 Bad Gateway</title></head><body>nginx";
    let answer = Answer { retry_after: pause, ..Answer::new(502, body) };
    let why = "502 Bad Gateway".to_owned();
    let means = SubmitOutcome::ServerError {
        status: 502,
        from_proxy: true,
        retry_after: pause,
        why: why.clone(),
    };
    assert_eq!(submitted(&answer), means);
    assert_eq!(polled(&answer), PollOutcome::Unclear { retry_after: pause, why });
    let unread = Answer { body: Err("the body was cut".into()), ..Answer::new(503, "") };
    let why = "503: the body was cut".to_owned();
    assert_eq!(
        submitted(&unread),
        SubmitOutcome::ServerError { status: 503, from_proxy: false, retry_after: None, why }
    );
    let nested = json!({"error": {"message": "bad\n\u{1b}[1mratio", "type": "x"}});
    assert_eq!(post(400, &nested), SubmitOutcome::Rejected { why: "400: bad ratio".into() });
    assert_eq!(post(400, ""), SubmitOutcome::Rejected { why: "400: an empty body".into() });
    assert!(matches!(post(600, ""), SubmitOutcome::Doubtful { .. }));
}

#[test]
fn working_tasks_are_working_whatever_the_gateway_calls_it() {
    assert_eq!(
        data(&json!({"state": "pending"})),
        PollOutcome::Working { is_waiting: true, unknown: None }
    );
    assert_eq!(
        data(&json!({"status": "PROCESSING"})),
        PollOutcome::Working { is_waiting: false, unknown: None }
    );
    let unknown = Some("paused for lunch".to_owned());
    assert_eq!(
        data(&json!({"state": "paused\tfor lunch"})),
        PollOutcome::Working { is_waiting: false, unknown }
    );
}

#[test]
fn result_urls_are_found_in_every_shape() {
    let (a, b) = ("https://h/a.mp4?sig=1%2F", "http://h/b.mp4");
    for urls in [
        json!([a, b]),
        json!([{"url": a}, {"url": b}]),
        json!(json!([a, b]).to_string()),
        json!(json!({"resultUrls": [a, b]}).to_string()),
        json!([a, null, "", 7, a, "ftp://h/c", "data:video/mp4;base64,AA", "/x", "http://", b]),
    ] {
        let said = data(&json!({"state": "completed", "resultUrls": urls}));
        let urls = vec![a.to_owned(), b.to_owned()];
        assert_eq!(said, PollOutcome::Completed { urls, completed_at: None });
    }
    let said = data(&json!({"state": "completed", "resultUrls": a}));
    assert_eq!(said, PollOutcome::Completed { urls: vec![a.to_owned()], completed_at: None });
}

#[test]
fn field_03_completed_without_a_url_may_be_the_last_word() {
    for urls in [json!(null), json!([]), json!("[["), json!([""]), json!({}), json!(1)] {
        let said = data(&json!({"state": "completed", "resultUrls": urls}));
        let PollOutcome::Unresolved { kind: Unresolved::CompletedEmpty, why } = said else {
            panic!("{said:?}")
        };
        assert!(why.starts_with("completed, but without a result URL"), "{why}");
    }
    let deep = "[".repeat(100) + "\"https://h/a\"" + "]".repeat(100).as_str();
    let said =
        poll(200, &format!("{{\"data\":{{\"state\":\"completed\",\"resultUrls\":{deep}}}}}"));
    assert_eq!(unresolved(said).0, Unresolved::CompletedEmpty);
}

#[test]
fn the_time_of_completion_is_read_in_every_unit() {
    for (written, millis) in [
        (json!(1_705_123_500_000_i64), Some(1_705_123_500_000)),
        (json!("1705123500000"), Some(1_705_123_500_000)),
        (json!(1_705_123_500), Some(1_705_123_500_000)),
        (json!("1705123500"), Some(1_705_123_500_000)),
        (json!(1_705_123_500_000.7), Some(1_705_123_500_000)),
        (json!("2024-01-13T05:25:00Z"), Some(1_705_123_500_000)),
        (json!(null), None),
        (json!(0), None),
        (json!(-5), None),
        (json!(i64::MAX), None),
        (json!(1e300), None),
        (json!("soon"), None),
    ] {
        let said = data(&json!({"state": "completed", "resultUrls": ["https://h/a"],
            "completeTime": written}));
        let completed_at = millis.map(Timestamp::from_millis);
        let urls = vec!["https://h/a".to_owned()];
        assert_eq!(said, PollOutcome::Completed { urls, completed_at }, "{written}");
    }
}

#[test]
fn a_failure_has_the_best_text_there_is() {
    for (fields, why) in [
        (json!({"failMsg": "Content policy violation"}), "Content policy violation"),
        (json!({"failMsg": "nope", "failCode": "OTHER"}), "nope (OTHER)"),
        (json!({"failMsg": "TIMEOUT after 60 s", "failCode": "TIMEOUT"}), "TIMEOUT after 60 s"),
        (json!({"failMsg": null, "failCode": "CONTENT_MODERATION"}), "CONTENT_MODERATION"),
        (json!({"failMsg": "", "failCode": 17}), "17"),
        (json!({"failMsg": {"code": 3, "message": "too dark"}}), "too dark"),
        (json!({"failMsg": {"a": 1}}), "{\"a\":1}"),
        (json!({"failMsg": ["too dark", null, {"msg": "too long"}]}), "too dark; too long"),
        (json!({"fail_msg": "a\u{1b}[31m\nb"}), "a b"),
        (json!({"msg": "success", "error": false}), "false"),
        (json!({}), "the gateway gave no reason"),
        (json!({"failMsg": {}}), "the gateway gave no reason"),
    ] {
        let mut task = json!({"taskId": "clx1", "state": "failed"});
        task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let PollOutcome::Failed { why: said, .. } = data(&task) else { panic!("{task}") };
        assert_eq!(said, why);
    }
    let body = json!({"code": 500, "msg": "upstream busy", "data": {"state": "failed"}});
    assert_eq!(poll(200, &body), PollOutcome::failed("upstream busy"));
}

#[test]
fn an_error_that_calls_itself_failed_does_not_fail_a_paid_task() {
    for code in [401, 404, 429, 500] {
        for status in ["failed", "completed", "error"] {
            let url = "https://cdn.example/a.mp4";
            let body = json!({"code": code, "msg": "no", "data": null, "status": status, "resultUrls": [url]});
            let said = poll(200, &body.to_string());
            assert_eq!(said, poll(200, &json!({"code": code, "msg": "no"}).to_string()), "{body}");
        }
    }
    let bare = json!({"code": 200, "state": "failed", "failMsg": "too dark"});
    assert_eq!(poll(200, &bare), PollOutcome::failed("too dark"));
}

#[test]
fn polls_without_a_state_are_judged_by_their_status() {
    let envelope = |code: u16| json!({"code": code, "msg": "no", "data": null}).to_string();
    for (status, body) in [(404, String::new()), (404, envelope(404)), (200, envelope(404))] {
        assert!(matches!(poll(status, &body), PollOutcome::Missing { .. }), "{status} {body}");
    }
    for (status, body) in [(401, String::new()), (403, envelope(403)), (200, envelope(401))] {
        assert!(matches!(poll(status, &body), PollOutcome::BadKey { .. }), "{status} {body}");
    }
    for (status, body) in [
        (200, String::new()),
        (200, "{\"data\":[]}".into()),
        (200, "{\"data\":{\"state\":null}}".into()),
        (200, "{\"data\":{\"state\":{}}}".into()),
        (200, envelope(429)),
        (200, envelope(408)),
        (200, envelope(425)),
        (200, envelope(7)),
        (200, envelope(1303)),
        (204, String::new()),
        (402, String::new()),
        (405, String::new()),
        (429, envelope(429)),
        (500, json!({"data": {"state": "failed"}}).to_string()),
        (999, String::new()),
    ] {
        assert!(matches!(poll(status, &body), PollOutcome::Unclear { .. }), "{status} {body}");
    }
}

/// JSON that is nearly the gateway's, so that the interesting branches are reached.
fn nearly_an_answer() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (395_i64..605).prop_map(Value::from),
        (995_i64..1310).prop_map(Value::from),
        prop_oneof![Just("completed"), Just("failed"), Just("200"), Just("https://h/a"), Just("{")]
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("code"),
        Just("msg"),
        Just("data"),
        Just("taskId"),
        Just("state"),
        Just("resultUrls"),
        Just("completeTime"),
        Just("failMsg"),
        Just("failCode"),
        Just("url"),
        Just("id"),
        Just("task"),
        Just("retryable"),
    ];
    let json = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    });
    prop_oneof![any::<Vec<u8>>(), json.prop_map(|json| json.to_string().into_bytes())]
}

/// The reason in an answer, if it has one.
fn whys(submitted: &SubmitOutcome, polled: &PollOutcome) -> Vec<String> {
    let a = match submitted {
        SubmitOutcome::Bought { .. } => None,
        SubmitOutcome::NotSent { why }
        | SubmitOutcome::Throttled { why, .. }
        | SubmitOutcome::ServerError { why, .. }
        | SubmitOutcome::Rejected { why }
        | SubmitOutcome::BadKey { why }
        | SubmitOutcome::Firewall { why }
        | SubmitOutcome::NoCredit { why }
        | SubmitOutcome::WrongAddress { why }
        | SubmitOutcome::Doubtful { why, .. } => Some(why.clone()),
    };
    let b = match polled {
        PollOutcome::Working { unknown, .. } => unknown.clone(),
        PollOutcome::Completed { .. } => None,
        PollOutcome::OtherTask { theirs } => Some(theirs.to_string()),
        PollOutcome::Failed { why, .. }
        | PollOutcome::Unresolved { why, .. }
        | PollOutcome::OtherContent { why }
        | PollOutcome::Missing { why }
        | PollOutcome::BadKey { why }
        | PollOutcome::Unclear { why, .. }
        | PollOutcome::Unanswered { why } => Some(why.clone()),
    };
    a.into_iter().chain(b).collect()
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_every_reason_is_printable(
        status in 100_u16..1000,
        body in nearly_an_answer(),
    ) {
        let answer = Answer::new(status, body);
        for why in whys(&submitted(&answer), &polled(&answer)) {
            prop_assert!(!why.chars().any(char::is_control));
            prop_assert!(why.split("; what may be the task's id: ").next().unwrap().chars().count() <= 400, "{}", why);
        }
    }

    #[test]
    fn a_2xx_is_bought_in_doubt_or_for_200_an_error_it_names(
        status in 200_u16..300,
        body in nearly_an_answer(),
    ) {
        let names_an_error = serde_json::from_slice::<Value>(&body).is_ok_and(|json| {
            let code = &json["code"];
            let code = code.as_f64().or_else(|| code.as_str().and_then(|code| code.parse().ok()));
            code.is_some_and(|code: f64| (400.0..600.0).contains(&code) || (1000.0..1304.0).contains(&code))
        });
        match submitted(&Answer::new(status, body)) {
            SubmitOutcome::Bought { .. } | SubmitOutcome::Doubtful { .. } => {}
            other => prop_assert!(status == 200 && names_an_error, "{:?}", other),
        }
    }
}

proptest! {
    /// What is said to be bought stands in the answer under a name that says so.
    #[test]
    fn nothing_is_bought_that_no_field_names(
        status in prop_oneof![200_u16..300, 100_u16..1000],
        body in nearly_an_answer(),
    ) {
        if let SubmitOutcome::Bought { task } = submitted(&Answer::new(status, body.clone())) {
            let text = String::from_utf8_lossy(&body);
            prop_assert!(text.contains("taskId") || text.contains("\"id\""), "{} {}", task, text);
            let is_error = !(200..300).contains(&status);
            prop_assert!(!is_error || text.contains("taskId"), "{} {}", status, text);
        }
    }

    /// An id in its usual place is found whatever stands around it, however the answer was cut
    /// behind it.
    #[test]
    fn field_36_an_id_that_arrived_is_found(
        status in 200_u16..600,
        before in nearly_an_answer(),
        behind in nearly_an_answer(),
        id in "[a-zA-Z0-9_.~-]{1,60}",
        cut in any::<prop::sample::Index>(),
    ) {
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_else(|_| json!("x"));
        let data = json!({"model": json(&before), "taskId": id, "more": json(&behind)});
        let body = json!({"msg": json(&behind), "data": data, "z": json(&before)}).to_string();
        prop_assert_eq!(post(status, &body), bought(&id));
        let needle = format!("\"taskId\":\"{id}\"");
        let end = body.rfind(&needle).unwrap() + needle.len();
        let begun = body.as_bytes()[..end + cut.index(body.len() - end)].to_vec().into();
        let answer = Answer { body: Err("cut".into()), begun, ..Answer::new(status, "") };
        prop_assert_eq!(submitted(&answer), bought(&id));
    }
}

#[test]
fn an_answer_about_another_task_is_not_taken_for_an_answer() {
    let task = TaskId::new("task-1").unwrap();
    let said = |data: Value| {
        let body = json!({"code": 200, "msg": "success", "data": data});
        polled_of(&task, &Answer::new(200, body.to_string()))
    };
    let theirs = TaskId::new("task-2").unwrap();
    for state in ["pending", "odd", "failed"] {
        let other = said(json!({"taskId": "task-2", "state": state}));
        assert_eq!(other, PollOutcome::OtherTask { theirs: theirs.clone() }, "{state}");
    }
    let working = PollOutcome::Working { is_waiting: true, unknown: None };
    for id in [json!("task-1"), json!(" task-1 "), json!(null), json!({"x": 1})] {
        assert_eq!(said(json!({"taskId": id, "state": "pending"})), working, "{id}");
    }
    let missing = Answer::new(404, json!({"code": 404, "data": {"taskId": "task-2"}}).to_string());
    assert!(matches!(polled_of(&task, &missing), PollOutcome::Missing { .. }));
}
