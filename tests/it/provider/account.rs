//! What answers about the account mean. Only polls are on the gateway's page: all else may be
//! missing, different or odd, and is unknown then.

use rushes::domain::account::{AccessVerdict, BalanceOutcome, ModelsOutcome};
use rushes::provider::wire::{Answer, account};

fn answer(status: u16, body: &str) -> Answer {
    Answer::new(status, body.to_owned())
}

fn balance(status: u16, body: &str) -> Option<String> {
    match account::balance(&answer(status, body)) {
        BalanceOutcome::Known(left) => Some(left.to_string()),
        BalanceOutcome::Unknown { why } => {
            assert!(why.contains(&status.to_string()), "{why}");
            None
        }
    }
}

#[test]
fn a_balance_is_believed_as_far_as_it_can_be_read() {
    for (body, known) in [
        (
            r#"{"code":200,"data":{"balance":12.5,"total":20,"frozen":7.5,"currency":"USD"}}"#,
            "12.5 USD",
        ),
        (r#"{"balance":"0.31650","currency":"usd"}"#, "0.31650 usd"),
        (r#"{"data":{"balance":500,"currency":"credits"}}"#, "500 credits"),
        (r#"{"data":{"balance":-3,"currency":"USD"}}"#, "0 USD"),
        (r#"{"data":{"available":"3","currency":"USD"}}"#, "3 USD"),
    ] {
        assert_eq!(balance(200, body).as_deref(), Some(known), "{body}");
    }
    for body in [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{"balance":12}}"#,
        r#"{"data":{"balance":"much","currency":"USD"}}"#,
        r#"{"data":{"balance":{},"currency":"USD"}}"#,
        r#"{"code":401,"msg":"no","balance":12,"currency":"USD"}"#,
        r#"{"code":"402","balance":12,"currency":"USD"}"#,
        r#"{"data":{"balance":1e999,"currency":"USD"}}"#,
        r#"{"data":{"balance":12,"currency":""}}"#,
    ] {
        assert_eq!(balance(200, body), None, "{body}");
    }
    for status in [302, 401, 404, 500] {
        assert_eq!(balance(status, r#"{"balance":12,"currency":"USD"}"#), None);
    }
}

#[test]
fn a_list_of_models_is_read_in_the_shapes_that_gateways_use() {
    for body in [
        r#"{"object":"list","data":[{"id":"kling-v3"},{"id":"kling-v2-6"}]}"#,
        r#"["kling-v3","kling-v2-6"]"#,
        r#"{"code":200,"data":{"models":[{"name":"kling-v3"},{"model":"kling-v2-6"}]}}"#,
        r#"{"models":["kling-v3", 7, null, "", "kling-v2-6"]}"#,
    ] {
        let ids = vec!["kling-v3".to_owned(), "kling-v2-6".to_owned()];
        assert_eq!(account::models(&answer(200, body)), ModelsOutcome::Listed(ids), "{body}");
    }
    for (status, body) in
        [(200, "{}"), (200, r#"{"data":[]}"#), (404, "Not Found"), (200, "<html>")]
    {
        let models = account::models(&answer(status, body));
        assert!(matches!(models, ModelsOutcome::Unknown { .. }), "{models:?}");
    }
}

#[test]
fn a_poll_of_no_task_shows_whether_key_and_address_are_right() {
    let verdict = |status, body| match account::access(&answer(status, body)) {
        AccessVerdict::Accepted => "accepted",
        AccessVerdict::BadKey { .. } => "bad key",
        AccessVerdict::NotTheGateway { .. } => "not the gateway",
        AccessVerdict::Unclear { .. } => "unclear",
        AccessVerdict::Unreached { .. } => "unreached",
    };
    for (status, body, expected) in [
        (404, r#"{"code":404,"msg":"Task not found","data":null}"#, "accepted"),
        (200, r#"{"code":404,"msg":"Task not found"}"#, "accepted"),
        (400, r#"{"code":400,"msg":"Bad task id"}"#, "accepted"),
        (200, r#"{"code":200,"data":null}"#, "accepted"),
        (401, r#"{"code":401,"msg":"Unauthorized"}"#, "bad key"),
        (401, "", "bad key"),
        (200, r#"{"code":401,"msg":"Unauthorized"}"#, "bad key"),
        (403, r#"{"code":403,"msg":"Forbidden"}"#, "bad key"),
        (403, "Forbidden", "bad key"),
        (403, "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>", "unclear"),
        (404, "<html>Not Found</html>", "not the gateway"),
        (404, "", "not the gateway"),
        (200, "<html>Welcome to nginx</html>", "not the gateway"),
        (200, r#"{"hello":"world"}"#, "not the gateway"),
        (302, "", "not the gateway"),
        (429, r#"{"code":429,"msg":"slow down"}"#, "unclear"),
        (500, "oops", "unclear"),
        (503, "<html>", "unclear"),
    ] {
        assert_eq!(verdict(status, body), expected, "{status} {body}");
    }
}
