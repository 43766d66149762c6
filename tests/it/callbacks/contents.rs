//! A call that names a task of something else than the shot asks for.

use super::*;

/// Polls of these tasks are done at once and tell the model and prompt of each.
fn telling() -> Server {
    Script::new()
        .always_post(Reply::cut())
        .on(|request| {
            let host = format!("http://{}", request.header("host")?);
            if request.target.starts_with("/clip") {
                return Some(Reply::bytes(200, CLIP));
            }
            let task = request.target.split_once("task_id=")?.1.to_owned();
            let model = if task == "task-model" { "kling-v3" } else { "kling-v2-6" };
            let prompt = if task == "task-prompt" { "Rain in an alley" } else { "a" };
            let urls = [format!("{host}/clip.mp4")];
            let data = json!({"taskId": task, "state": "completed", "resultUrls": urls,
                              "model": model, "input": {"prompt": prompt}});
            Some(Reply::json(200, &json!({"code": 200, "data": data})))
        })
        .serve()
}

fn polls_of(server: &Server, task: &str) -> usize {
    let asks = |request: &&crate::support::Request| request.target.contains(task);
    server.requests().iter().filter(asks).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_41_a_call_that_names_anothers_task_is_not_adopted_however_often_it_comes() {
    let campaign = Campaign::new("budget: 5\n", &["a"]);
    let server = telling();
    let run = campaign.start("run", &server, &["run"]);
    server.received(1).await;
    campaign.is("a", "in_doubt");
    let path = path_of(&posts(&server)[0]);
    for task in ["task-model", "task-prompt"] {
        assert_eq!(campaign.call(&path, &done(task)), 204);
        let began = std::time::Instant::now();
        while !campaign.shots()[0]["reason"].as_str().is_some_and(|why| why.contains(task)) {
            assert!(began.elapsed() < PATIENCE, "{}", campaign.said("run"));
        }
    }
    let shot = &campaign.shots()[0];
    let reason = shot["reason"].as_str().unwrap();
    let told = "a callback named its task, but task task-prompt was rendered for model kling-v2-6 with \
                the prompt \"Rain in an alley\", and this shot asks for model kling-v2-6 with the \
                prompt \"a\"";
    assert!(reason.contains(told) && !reason.contains("task-model"), "{reason}");
    // The same again, also in a later run, and then the right one: only that is asked for.
    assert_eq!(campaign.call(&path, &done("task-model")), 204);
    assert_eq!(run.interrupted(), Some(130), "{}", campaign.said("run"));
    assert_eq!(campaign.shots()[0]["state"], "in_doubt");
    let run = campaign.start("next", &server, &["run"]);
    campaign.listens();
    assert_eq!(campaign.call(&path, &done("task-prompt")), 204);
    assert_eq!(campaign.call(&path, &done("task-right")), 204);
    assert_eq!(run.ends(), Some(0), "{}", campaign.said("next"));
    assert_eq!(polls_of(&server, "task-model"), 1);
    assert_eq!(polls_of(&server, "task-prompt"), 1);
    let shot = &campaign.shots()[0];
    assert_eq!((&shot["state"], &shot["task_id"]), (&json!("delivered"), &json!("task-right")));
    assert_eq!(posts(&server).len(), 1);
}
