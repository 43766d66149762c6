//! Task ids that the user gave and that are another shot's, by what the gateway tells of them.

use super::*;

const RIGHT: &str = "kling-video/kling-v3";
const WRONG: &str = "kling-video/kling-v2-6";

/// A task's id, and what is told of its content.
type Task = (&'static str, fn() -> Value);

/// A gateway that knows these tasks, done, and tells this of each.
fn tells(tasks: &'static [Task]) -> Server {
    Script::new()
        .always_post(Reply::cut())
        .on(move |request| {
            if request.method != "GET" || request.is_about_account() {
                return None;
            }
            if asks_clip(request) {
                return Some(Reply::bytes(200, CLIP));
            }
            let host = request.header("host").unwrap_or_default().to_owned();
            let (_, asked) = request.target.split_once("task_id=")?;
            let (id, told) = tasks.iter().find(|(id, _)| *id == asked)?;
            let mut data = told();
            data["taskId"] = json!(id);
            data["state"] = json!("completed");
            data["resultUrls"] = json!([format!("http://{host}/{id}.mp4")]);
            Some(Reply::json(200, &json!({"code": 200, "msg": "success", "data": data})))
        })
        .serve()
}

const TASKS: &[Task] = &[
    ("t-model", || json!({"model": WRONG})),
    ("t-prompt", || json!({"model": RIGHT, "param": r#"{"input": {"prompt": "the b"}}"#})),
    ("t-right", || json!({"model": RIGHT, "param": r#"{"input": {"prompt": "the a"}}"#})),
    ("t-silent", || json!({})),
];

fn shot(sandbox: &Sandbox) -> Value {
    report(sandbox)["shots"][0].clone()
}

fn given(task: &str) -> (Sandbox, Server) {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", task]).exits(0).says("bought");
    (sandbox, tells(TASKS))
}

/// The shot is in doubt again, nothing was bought or paid, and the task is a former one.
fn is_in_doubt_over(sandbox: &Sandbox, task: &str) {
    let shot = shot(sandbox);
    assert_eq!((&shot["state"], &shot["task_id"]), (&json!("in_doubt"), &json!(null)), "{shot}");
    assert_eq!(money(sandbox), ["0", "0.3165"]);
    let kept = sql(sandbox, "SELECT former_tasks FROM attempts");
    assert_eq!(kept, [Some(format!("[\"{task}\"]"))]);
    let clips = sandbox.path("renders/one/clips");
    assert!(std::fs::read_dir(clips).map_or(true, |mut all| all.next().is_none()));
}

#[test]
fn field_41_a_given_task_of_another_model_or_prompt_is_in_doubt_again_with_both_texts() {
    let ours = "this shot asks for model kling-v3 with the prompt \"the a\"";
    for (task, theirs) in [
        ("t-model", format!("model {WRONG}, and {ours}")),
        ("t-prompt", format!("model {RIGHT} with the prompt \"the b\", and {ours}")),
    ] {
        let (sandbox, server) = given(task);
        let command = "rushes resolve MANIFEST a --task-id ID";
        run(&sandbox, &server, &[]).exits(1).warns(&theirs).warns(command);
        is_in_doubt_over(&sandbox, task);
        let reason = shot(&sandbox)["reason"].as_str().unwrap().to_owned();
        assert!(
            reason.contains(&format!("task {task}, but that was rendered for {theirs}")),
            "{reason}"
        );
        // Another run asks nothing more of it; the right one ends the doubt.
        let asked = server.requests().len();
        run(&sandbox, &server, &[]).exits(1);
        let again = server.requests();
        assert!(!again[asked..].iter().any(|request| request.target.contains("task_id=")));
        resolve(&sandbox, &["a", "--task-id", "t-right"]).exits(0);
        run(&sandbox, &server, &[]).exits(0);
        assert_eq!(money(&sandbox), ["0.3165", "0"]);
        assert_eq!(shot(&sandbox)["task_id"], "t-right");
        assert!(server.requests().iter().all(|request| request.method != "POST"));
    }
}

#[test]
fn field_41_a_given_task_that_fits_or_of_which_nothing_is_told_is_fetched() {
    for task in ["t-right", "t-silent"] {
        let (sandbox, server) = given(task);
        run(&sandbox, &server, &[]).exits(0);
        let shot = shot(&sandbox);
        assert_eq!((&shot["state"], &shot["task_id"]), (&json!("delivered"), &json!(task)));
    }
}

#[test]
fn field_41_a_kill_before_the_poll_is_written_down_skips_no_check() {
    let (sandbox, server) = given("t-model");
    let url = server.url();
    let mut command = sandbox.command(&["run", "shots.yaml", "--api-base", &url]);
    let died = command.env("RUSHES_DIE_AT", "poll answered:1").output().unwrap();
    assert_ne!(died.status.code(), Some(1), "{}", String::from_utf8_lossy(&died.stderr));
    assert_eq!(shot(&sandbox)["state"], "rendering");
    run(&sandbox, &server, &[]).exits(1);
    is_in_doubt_over(&sandbox, "t-model");
}

#[test]
fn field_41_a_task_that_the_user_gives_once_more_is_not_questioned() {
    let (sandbox, server) = given("t-model");
    run(&sandbox, &server, &[]).exits(1).warns("is in doubt again");
    resolve(&sandbox, &["a", "--task-id", "t-model"]).exits(0);
    run(&sandbox, &server, &[]).exits(0);
    assert_eq!(shot(&sandbox)["task_id"], "t-model");
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
}

#[test]
fn field_41_a_task_that_was_given_to_the_wrong_shot_can_go_to_its_own() {
    let sandbox = all_in_doubt(&ids(&["a", "b"]));
    let server = tells(TASKS);
    // The prompt of `t-prompt` is that of `b`.
    resolve(&sandbox, &["a", "--task-id", "t-prompt"]).exits(0);
    run(&sandbox, &server, &[]).exits(1).warns("is in doubt again");
    resolve(&sandbox, &["b", "--task-id", "t-prompt"]).exits(0);
    resolve(&sandbox, &["a", "--task-id", "t-right"]).exits(0);
    run(&sandbox, &server, &[]).exits(0);
    assert_eq!(money(&sandbox), ["0.6330", "0"]);
}

#[test]
fn field_41_an_id_that_comes_back_without_a_run_in_between_is_still_checked() {
    let (sandbox, server) = given("t-model");
    for task in ["t-right", "t-model"] {
        resolve(&sandbox, &["a", "--task-id", task]).exits(0);
    }
    // The wrong one is refuted, and the one that it replaced fits.
    run(&sandbox, &server, &[]).exits(0).warns("is in doubt again").warns("task t-right");
    assert_eq!(shot(&sandbox)["task_id"], "t-right");
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
    assert!(server.requests().iter().all(|request| request.method != "POST"));
}
