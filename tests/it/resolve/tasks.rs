//! Task ids that the user gave.

use super::*;

const SEEN: &[(&str, &str, &str)] = &[
    ("t-works", "processing", "kling-video/kling-v3"),
    ("t-fails", "failed", "kling-video/kling-v3"),
    ("t-done", "completed", "kling-video/kling-v3"),
    ("t-right", "completed", "kling-video/kling-v3"),
];

fn state(sandbox: &Sandbox) -> (String, Option<String>) {
    let shot = report(sandbox)["shots"][0].clone();
    (shot["state"].as_str().unwrap().to_owned(), shot["task_id"].as_str().map(str::to_owned))
}

#[test]
fn field_41_a_given_task_can_be_corrected_until_the_clip_is_delivered() {
    for (given, becomes) in
        [("t-works", "rendering"), ("t-fails", "failed"), ("t-done", "rendered")]
    {
        let sandbox = all_in_doubt(&ids(&["a"]));
        let server = knows(SEEN);
        resolve(&sandbox, &["a", "--task-id", given]).exits(0).says("bought");
        if given != "t-works" {
            run(&sandbox, &server, &["--no-download"]);
        }
        assert_eq!(state(&sandbox), (becomes.to_owned(), Some(given.to_owned())));
        let told = format!("a: bought as task t-right, not {given}; the next run fetches it");
        resolve(&sandbox, &["a", "--task-id", "t-right"]).exits(0).says(&told);
        assert_eq!(money(&sandbox), ["0", "0.3165"], "{given}");
        run(&sandbox, &server, &[]).exits(0);
        assert_eq!(state(&sandbox), ("delivered".to_owned(), Some("t-right".to_owned())));
        assert_eq!(money(&sandbox), ["0.3165", "0"], "{given}");
        let kept = sql(&sandbox, "SELECT former_tasks FROM attempts");
        assert_eq!(kept, [Some(format!("[\"{given}\"]"))]);
        // Delivered is delivered.
        resolve(&sandbox, &["a", "--task-id", "t-works"]).exits(2).warns("a: it is delivered");
    }
}

#[test]
fn field_41_the_task_that_the_gateway_itself_named_is_not_replaced() {
    let sandbox = campaign(&ids(&["a"]));
    let data = json!({"taskId": "t-1", "state": "pending"});
    let bought = Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}));
    let server = Script::new()
        .always_post(bought)
        .always_get(Reply::json(200, &json!({"code": 200, "data": {"taskId": "t-1", "state": "completed", "resultUrls": ["http://127.0.0.1:9/a.mp4"]}})))
        .serve();
    run(&sandbox, &server, &["--no-download"]);
    resolve(&sandbox, &["a", "--task-id", "t-2"]).exits(2).warns("a: it is rendered");
}

#[test]
fn field_41_two_tasks_that_were_mixed_up_can_be_put_right() {
    let sandbox = all_in_doubt(&ids(&["a", "b"]));
    resolve(&sandbox, &["a", "--task-id", "t-right"]).exits(0);
    resolve(&sandbox, &["b", "--task-id", "t-right"]).exits(2).warns("knows the task t-right");
    resolve(&sandbox, &["a", "--task-id", "t-done"]).exits(0);
    resolve(&sandbox, &["b", "--task-id", "t-right"]).exits(0);
    run(&sandbox, &knows(SEEN), &[]).exits(0);
    assert_eq!(money(&sandbox), ["0.6330", "0"]);
}

#[test]
fn field_41_a_stalled_shot_names_the_tasks_that_it_was_said_to_have() {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", "t-done"]).exits(0);
    resolve(&sandbox, &["a", "--task-id", "t-mistyped"]).exits(0);
    let stalled = "UPDATE revisions SET why = 'the gateway says it does not know the task'";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(stalled).unwrap();
    let reason = report(&sandbox)["shots"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("said to be t-done: if that is right, resolve it with"), "{reason}");
    resolve(&sandbox, &["a", "--task-id", "t-done"]).exits(0);
    run(&sandbox, &knows(SEEN), &[]).exits(0);
}
