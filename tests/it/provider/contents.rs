//! What an answer tells of a task's model and prompt, and where.

use rushes::domain::content::Content;
use rushes::domain::outcome::{PollOutcome, TaskId};
use rushes::provider::wire::{Answer, polled_for};
use serde_json::{Value, json};

fn poll(data: &Value) -> PollOutcome {
    let asked = Content { model: Some("kling-v3".into()), prompt: Some("the a".into()) };
    let body = json!({"code": 200, "msg": "success", "data": data}).to_string();
    polled_for(&TaskId::new("t-1").unwrap(), Some(&asked), &Answer::new(200, body))
}

fn is_other(data: &Value) -> bool {
    matches!(poll(data), PollOutcome::OtherContent { .. })
}

#[test]
fn field_41_model_and_prompt_are_read_wherever_gateways_tell_them() {
    let cut = r#"{"model": "kling-v2-6", "#;
    let packed = |request: Value| json!(request.to_string());
    let cases = [
        (json!({}), false),
        (json!({"model": null, "prompt": 7, "param": cut}), false),
        (json!({"model": "kling-video/kling-v3"}), false),
        (json!({"model": "kling-video/kling-v2-6"}), true),
        (json!({"model_name": "kling-v2-6"}), true),
        (json!({"modelType": "video", "resultJson": "{\"model\": \"x\"}"}), false),
        (json!({"prompt": "the b"}), true),
        (json!({"input": {"prompt": "the b"}}), true),
        (json!({"input": {"prompt": "the a"}, "model": "kling-v3"}), false),
        (
            json!({"param": packed(json!({"model": "kling-v3", "input": {"prompt": "the a"}}))}),
            false,
        ),
        (
            json!({"param": packed(json!({"model": "kling-v3", "input": {"prompt": "the b"}}))}),
            true,
        ),
        (json!({"params": packed(json!({"input": packed(json!({"prompt": "the b"}))}))}), true),
        (json!({"model": "provider-x", "param": packed(json!({"model": "kling-v3"}))}), false),
    ];
    for (told, other) in cases {
        for state in ["pending", "odd", "failed", "completed"] {
            let mut data = told.clone();
            data["state"] = json!(state);
            assert_eq!(is_other(&data), other, "{data}");
        }
    }
}

#[test]
fn field_41_an_answer_that_says_nothing_of_the_task_is_not_held_against_the_shot() {
    let theirs = TaskId::new("t-2").unwrap();
    let about_another = json!({"taskId": "t-2", "state": "pending", "model": "kling-v2-6"});
    assert_eq!(poll(&about_another), PollOutcome::OtherTask { theirs });
    let asked = Content { model: Some("kling-v3".into()), prompt: None };
    let task = TaskId::new("t-1").unwrap();
    for (status, body) in [
        (404, json!({"code": 404, "data": {"model": "kling-v2-6"}})),
        (500, json!({"code": 500, "data": {"model": "kling-v2-6"}})),
    ] {
        let answer = Answer::new(status, body.to_string());
        let said = polled_for(&task, Some(&asked), &answer);
        assert_eq!(said, rushes::provider::wire::polled(&answer), "{body}");
    }
    // A task that is surely the shot's is not held against it.
    let body = json!({"code": 200, "data": {"state": "pending", "model": "kling-v2-6"}});
    let said = polled_for(&task, None, &Answer::new(200, body.to_string()));
    assert_eq!(said, PollOutcome::Working { is_waiting: true, unknown: None });
}
