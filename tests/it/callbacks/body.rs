//! Which tasks a callback's body names.

use rushes::domain::callback::MAX_NAMED;
use rushes::provider::callback_body::tasks_named;

fn named(body: &str) -> Vec<String> {
    tasks_named(body.as_bytes()).iter().map(ToString::to_string).collect()
}

#[test]
fn ids_are_found_in_every_likely_shape_and_the_likeliest_come_first() {
    assert_eq!(named(r#"{"code":200,"data":{"taskId":"t1","state":"completed"}}"#), ["t1"]);
    assert_eq!(named(r#"{"id":"hook-7","data":[{"task_id":"t1"}]}"#), ["t1", "hook-7"]);
    assert_eq!(named(r#"{"event":{"task":{"id":42}}}"#), ["42"]);
    assert_eq!(named(r#"[{"taskId":"t1"},{"taskId":"t1"}]"#), ["t1"]);
}

#[test]
fn a_forged_body_costs_little_and_says_nothing() {
    for body in
        ["", "hello", "{", "null", "\u{1f}\u{8b}\u{8}", r#"{"taskId":"a\nb"}"#, r#"{"id":-1}"#]
    {
        assert_eq!(named(body), Vec::<String>::new(), "{body}");
    }
    let many: Vec<_> = (0..1000).map(|n| serde_json::json!({"taskId": n})).collect();
    assert_eq!(named(&serde_json::json!(many).to_string()).len(), MAX_NAMED);
    let deep = format!("{}{}{}", r#"{"a":"#.repeat(9), r#"{"taskId":"t1"}"#, "}".repeat(9));
    assert_eq!(named(&deep), Vec::<String>::new());
    assert_eq!(named(&"[".repeat(60_000)), Vec::<String>::new());
}
