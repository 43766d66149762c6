//! Answers that were seen in the field: what each means for the money. The names tell which case.

use proptest::prelude::*;
use rushes::domain::outcome::{
    FailedTask, MAX_ANSWER, PollOutcome, SubmitOutcome, TaskId, Unresolved,
};
use rushes::provider::wire::*;
use serde_json::{Value, json};

const FIREWALL: &str = "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Attention Required! | \
                        Cloudflare</title></head><body>Sorry, you have been blocked</body></html>";

fn post(status: u16, body: &str) -> SubmitOutcome {
    submitted(&Answer::new(status, body.to_owned()))
}

fn poll(status: u16, body: &Value) -> PollOutcome {
    polled(&Answer::new(status, body.to_string()))
}

fn task(data: &Value) -> PollOutcome {
    poll(200, &json!({"code": 200, "msg": "success", "data": data}))
}

fn bought(id: &str) -> SubmitOutcome {
    SubmitOutcome::Bought { task: TaskId::new(id).unwrap() }
}

#[test]
fn field_01_a_firewalls_page_refuses_one_request_and_a_plain_403_the_key() {
    for page in [
        FIREWALL,
        "\u{feff} <html><body>Forbidden</body></html>",
        "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center>",
    ] {
        let said = post(403, page);
        assert!(matches!(said, SubmitOutcome::Firewall { .. }), "{said:?}");
        let cut = Answer {
            body: Err("cut".to_owned()),
            begun: page.to_owned().into(),
            ..Answer::new(403, "")
        };
        assert!(matches!(submitted(&cut), SubmitOutcome::Firewall { .. }));
        assert!(matches!(polled(&Answer::new(403, page)), PollOutcome::Unclear { .. }));
        assert!(matches!(post(401, page), SubmitOutcome::BadKey { .. }));
        assert!(matches!(post(400, page), SubmitOutcome::Rejected { .. }));
    }
    let SubmitOutcome::Firewall { why } = post(403, FIREWALL) else { panic!() };
    assert_eq!(why, "403: Attention Required! | Cloudflare");
    for plain in ["", "Forbidden", "error code: 1020", r#"{"code": 403, "msg": "<html> no"}"#] {
        assert!(matches!(post(403, plain), SubmitOutcome::BadKey { .. }), "{plain}");
        assert!(matches!(polled(&Answer::new(403, plain)), PollOutcome::BadKey { .. }), "{plain}");
    }
}

#[test]
fn field_03_completed_with_a_reason_and_without_a_url_is_told_with_its_reason() {
    for urls in [json!([]), json!(null), json!("[]")] {
        let said = task(&json!({"state": "completed", "resultUrls": urls,
            "failMsg": "Content policy violation", "failCode": "CONTENT_MODERATION"}));
        let why = "Content policy violation (CONTENT_MODERATION)".to_owned();
        assert_eq!(said, PollOutcome::Unresolved { kind: Unresolved::CompletedWithReason, why });
    }
    let said = task(&json!({"state": "completed", "failMsg": "", "failCode": "0"}));
    assert!(matches!(said, PollOutcome::Unresolved { kind: Unresolved::CompletedEmpty, .. }));
}

#[test]
fn field_04_any_word_with_a_url_is_completed_and_ends_are_ends() {
    let url = "https://cdn.example/a.mp4";
    for state in ["succeed", "SUCCESS", "finished", "Done!", "canceled", "error"] {
        let said = task(&json!({"state": state, "resultUrls": [url]}));
        let urls = vec![url.to_owned()];
        assert_eq!(said, PollOutcome::Completed { urls, completed_at: None }, "{state}");
    }
    for state in ["pending", "processing", "running"] {
        let said = task(&json!({"state": state, "resultUrls": [url]}));
        assert!(matches!(said, PollOutcome::Working { unknown: None, .. }), "{said:?}");
    }
    let canceled = FailedTask { is_luck: false, is_canceled: true };
    for (state, kind) in [
        ("canceled", canceled),
        ("Cancelled", canceled),
        ("ABORTED", canceled),
        ("error", FailedTask::default()),
        ("fail", FailedTask::default()),
    ] {
        let kind = Unresolved::Ended(kind);
        let why = "quota".to_owned();
        let said = task(&json!({"state": state, "failMsg": "quota"}));
        assert_eq!(said, PollOutcome::Unresolved { kind, why });
        let said = task(&json!({"state": state}));
        assert!(matches!(said, PollOutcome::Unresolved { kind: bare, .. } if bare == kind));
    }
    for state in ["processing", "pending", "paused"] {
        let said = task(&json!({"state": state, "failMsg": "too dark"}));
        let kind = Unresolved::OtherWithReason;
        assert_eq!(said, PollOutcome::Unresolved { kind, why: "too dark".to_owned() });
    }
    let said = task(&json!({"state": "succeed"}));
    assert!(matches!(said, PollOutcome::Unresolved { kind: Unresolved::CompletedEmpty, .. }));
}

#[test]
fn field_09_a_4xx_code_in_the_answer_to_a_poll_may_be_the_last_word() {
    let coded = |status: u16, code: u16| {
        poll(status, &json!({"code": code, "msg": "generation failed: moderation", "data": null}))
    };
    for code in [400, 402, 405, 409, 422, 451] {
        for status in [200, code] {
            let why = format!("{code}: generation failed: moderation");
            let kind = Unresolved::Coded(code);
            assert_eq!(coded(status, code), PollOutcome::Unresolved { kind, why });
        }
    }
    for code in [408, 425, 429, 500, 503] {
        assert!(matches!(coded(200, code), PollOutcome::Unclear { .. }), "{code}");
    }
    assert!(matches!(coded(200, 404), PollOutcome::Missing { .. }));
    assert!(matches!(coded(200, 401), PollOutcome::BadKey { .. }));
    assert!(matches!(coded(200, 403), PollOutcome::BadKey { .. }));
    let other = TaskId::new("t1").unwrap();
    let body = json!({"code": 422, "data": {"taskId": "t2", "state": "canceled"}}).to_string();
    let said = polled_of(&other, &Answer::new(200, body));
    assert!(matches!(said, PollOutcome::OtherTask { .. }), "{said:?}");
}

#[test]
fn field_10_a_429_that_means_money_says_so() {
    let is_money = |body: Value| match post(429, &body.to_string()) {
        SubmitOutcome::Throttled { is_money, .. } => is_money,
        other => panic!("{other:?}"),
    };
    for body in [
        json!({"code": 1102, "message": "Account balance not enough"}),
        json!({"code": 1101, "message": "x"}),
        json!({"code": 429, "msg": "Insufficient balance, please recharge"}),
        json!({"error": {"message": "You exceeded your current quota, please check your plan and \
               billing details.", "type": "insufficient_quota"}}),
        json!({"code": "429", "msg": "resource pack exhausted"}),
    ] {
        assert!(is_money(body.clone()), "{body}");
    }
    for body in [
        json!({"code": 429, "msg": "Too many requests"}),
        json!({"code": 429, "msg": "load balancing: balance not enough workers"}),
        json!({"code": 1303, "message": "parallel task over resource pack limit"}),
        json!({"code": 429, "message": "parallel task over resource pack limit"}),
        json!({"code": 429, "msg": "load balancer overloaded"}),
        json!({"code": 1302, "message": "balance not enough"}),
        json!({}),
    ] {
        assert!(!is_money(body.clone()), "{body}");
    }
}

#[test]
fn field_10_codes_beyond_the_statuses_go_by_the_table_and_else_are_a_doubt() {
    let coded =
        |code: i64| post(200, &json!({"code": code, "message": "no", "data": null}).to_string());
    for code in [1302, 1303] {
        let said = coded(code);
        assert!(matches!(said, SubmitOutcome::Throttled { is_money: false, .. }), "{said:?}");
    }
    for code in [1100, 1101, 1102] {
        assert!(matches!(coded(code), SubmitOutcome::NoCredit { .. }), "{code}");
    }
    assert!(matches!(coded(1002), SubmitOutcome::BadKey { .. }));
    assert!(matches!(coded(1201), SubmitOutcome::Rejected { .. }));
    for code in [1, 7, 399, 600, 1305, 5000, 99_999, -1] {
        assert!(matches!(coded(code), SubmitOutcome::Doubtful { .. }), "{code}");
    }
    // A task id wins, as everywhere.
    let sold = json!({"code": 1303, "data": {"taskId": "t1"}}).to_string();
    assert_eq!(post(200, &sold), bought("t1"));
    let less_sure = json!({"code": 1303, "data": {"id": "t1"}}).to_string();
    let said = post(200, &less_sure);
    assert!(
        matches!(&said, SubmitOutcome::Throttled { why, .. } if why.contains("t1")),
        "{said:?}"
    );
}

#[test]
fn field_11_luck_is_what_the_gateway_or_the_table_calls_so() {
    let failed = |fields: Value| {
        let mut data = json!({"state": "failed"});
        data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        match task(&data) {
            PollOutcome::Failed { kind, .. } => kind.is_luck,
            other => panic!("{other:?}"),
        }
    };
    for code in ["UPSTREAM_FAILED", "UPSTREAM_BUSY", "timeout", "INTERNAL_ERROR"] {
        assert!(failed(json!({"failMsg": "x", "failCode": code})), "{code}");
        assert!(failed(json!({"failMsg": code})), "{code}");
        assert!(!failed(json!({"failCode": code, "retryable": false})), "{code}");
    }
    assert!(failed(json!({"failCode": "CONTENT_MODERATION", "retryable": true})));
    assert!(failed(json!({"failMsg": "x", "retryable": "True"})));
    for fields in [
        json!({"failCode": "CONTENT_MODERATION"}),
        json!({"failCode": "INVALID_INPUT"}),
        json!({"failCode": "OTHER", "retryable": false}),
        json!({"failMsg": "TIMEOUT after 60 s"}),
        json!({}),
    ] {
        assert!(!failed(fields.clone()), "{fields}");
    }
}

#[test]
fn field_12_what_has_not_begun_is_waiting() {
    for (state, waits) in [
        ("pending", true),
        ("PENDING", true),
        ("Queued", true),
        ("submitted", true),
        ("processing", false),
        ("in progress", false),
    ] {
        let expected = PollOutcome::Working { is_waiting: waits, unknown: None };
        assert_eq!(task(&json!({"state": state})), expected, "{state}");
    }
}

#[test]
fn field_15_ids_are_found_where_they_can_only_be_one_thing() {
    let long = "eyJhbGciOi".repeat(400);
    for id in ["clx1", long.as_str()] {
        for body in [
            json!({"code": 200, "data": {"id": id, "model": "kling-v3"}}),
            json!({"code": 200, "data": {"task": {"taskId": id, "state": "pending"}}}),
            json!({"code": 200, "data": {"task": {"id": id}}}),
            json!({"code": 200, "data": [{"taskId": id}]}),
            json!({"code": 200, "data": [{"id": id}]}),
            json!({"code": 200, "data": {"taskId": [id]}}),
            json!({"code": 200, "data": {"task_ids": [id]}}),
            json!({"code": 200, "data": json!({"taskId": id}).to_string()}),
            json!({"code": 0, "task": {"task_id": id}}),
            json!([{"taskId": id}]),
            json!({"data": {"id": "row-1", "task": {"taskId": id}}}),
        ] {
            let body = body.to_string();
            assert_eq!(post(200, &body), bought(id), "{body:.200}");
            assert_eq!(post(202, &body), bought(id), "{body:.200}");
            // Around an error, such an id is not believed and not lost.
            let SubmitOutcome::Rejected { why } = post(422, &body) else { panic!("{body}") };
            assert!(why.contains(id), "{why}");
            for status in [302, 500, 504] {
                let said = post(status, &body);
                let SubmitOutcome::Doubtful { why, answer } = said else { panic!("{said:?}") };
                assert!(why.contains(id), "{why}");
                assert_eq!(answer.as_deref(), Some(body.as_str()));
            }
        }
    }
    for body in [
        json!({"code": 200, "data": [{"taskId": "a"}, {"taskId": "b"}]}),
        json!({"code": 200, "data": {"id": "batch", "tasks": [{"taskId": "a"}, {"taskId": "b"}]}}),
        json!({"code": 200, "data": {"one": {"taskId": "a"}, "two": {"taskId": "b"}}}),
        json!({"code": 200, "data": {"model": {"id": "kling-v3"}}}),
        json!({"code": 200, "data": {"a": {"b": {"taskId": "deep"}}}}),
        json!({"code": 200, "id": "request-1", "data": null}),
        json!({"code": 200, "data": {"id": 1.5}}),
        json!({"code": 200, "data": {"id": {"taskId": {"x": "y"}}}}),
        json!({"code": 77, "data": {"id": "clx1"}}),
    ] {
        let said = post(200, &body.to_string());
        assert!(matches!(said, SubmitOutcome::Doubtful { .. }), "{body} {said:?}");
    }
    assert_eq!(TaskId::MAX_BYTES, 4096);
}

#[test]
fn field_15_a_reason_never_cuts_an_id() {
    let id = "x9".repeat(2000);
    let padded = json!({"code": 77, "msg": "y".repeat(600), "data": {"a": {"b": {"taskId": id}}}});
    let said = post(200, &padded.to_string());
    assert!(matches!(&said, SubmitOutcome::Doubtful { why, .. } if why.contains(&id)), "{said:?}");
}

#[test]
fn field_34_a_redirect_that_names_its_task_is_bought() {
    let location = Some("https://elsewhere.example/".to_owned());
    let body = json!({"code": 200, "data": {"taskId": "clx1"}}).to_string();
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer { location: location.clone(), ..Answer::new(status, body.clone()) };
        assert_eq!(submitted(&answer), bought("clx1"), "{status}");
        let bare = Answer { location: location.clone(), ..Answer::new(status, "<html>") };
        assert!(matches!(submitted(&bare), SubmitOutcome::WrongAddress { .. }), "{status}");
    }
}

#[test]
fn field_36_ids_are_read_as_written_deep_and_cut() {
    let number = "123456789012345678901234567890";
    assert_eq!(post(200, &format!("{{\"data\":{{\"taskId\":{number}}}}}")), bought(number));
    assert_eq!(post(200, &format!("{{\"data\":[{{\"id\":{number}}}]}}")), bought(number));
    let deep = format!(
        "{{\"data\":{{\"taskId\":\"clx1\",\"x\":{}{}}}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    assert_eq!(post(200, &deep), bought("clx1"));
    assert_eq!(post(200, "{\"data\":{\"taskId\":\"clx1\"}}\n<!-- 12 ms -->"), bought("clx1"));
    let beside = json!({"taskId": "clx1", "data": {"state": "pending"}}).to_string();
    assert_eq!(post(200, &beside), bought("clx1"));
    let begun = |text: &str| Answer {
        body: Err("cut".to_owned()),
        begun: text.to_owned().into(),
        ..Answer::new(200, "")
    };
    assert_eq!(submitted(&begun("{\"data\":{\"taskId\":\"clx1\",\"mo")), bought("clx1"));
    for cut in ["{\"data\":{\"taskId\":\"clx1", "{\"data\":{\"taskId\":42", "{\"data\":{\"taskId\""]
    {
        let said = submitted(&begun(cut));
        assert!(matches!(said, SubmitOutcome::Doubtful { .. }), "{cut} {said:?}");
    }
}

#[test]
fn field_36_a_doubt_keeps_its_whole_answer() {
    let body =
        format!("{{\"code\": 77, \"msg\": \"{}\", \"trace\": \"the end\"}}", "y".repeat(2000));
    let said = post(200, &body);
    let SubmitOutcome::Doubtful { answer, .. } = said else { panic!("{said:?}") };
    assert_eq!(answer.as_deref(), Some(body.as_str()));
    let said = post(200, &"é".repeat(MAX_ANSWER));
    let SubmitOutcome::Doubtful { answer, .. } = said else { panic!("{said:?}") };
    assert_eq!(answer.map(|answer| answer.len()), Some(MAX_ANSWER));
    assert!(matches!(post(200, " "), SubmitOutcome::Doubtful { answer: None, .. }));
}

proptest! {
    /// Of two ids under one roof neither is taken.
    #[test]
    fn two_tasks_in_one_answer_are_no_purchase_that_is_known(a in "[a-z]{3,9}", b in "[A-Z]{3,9}") {
        for body in [
            json!({"code": 200, "data": [{"taskId": a}, {"taskId": b}]}),
            json!({"code": 200, "data": {"task_ids": [a, b]}}),
            json!({"code": 200, "data": [{"id": a}, {"id": b}]}),
        ] {
            let said = post(200, &body.to_string());
            prop_assert!(matches!(said, SubmitOutcome::Doubtful { .. }), "{:?}", said);
        }
    }
}
