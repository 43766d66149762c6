//! Odd answers to POSTs and polls, and what becomes of the shot.

use super::*;

#[test]
fn field_04_other_words_for_done_and_for_ended_are_understood() {
    let sandbox = campaign(2, "render_timeout: 300ms");
    let say = |id: &str, host: &str| match id {
        "task-1" => json!({"taskId": id, "state": "succeed",
                           "resultUrls": [format!("http://{host}/{id}.mp4")]}),
        _ => json!({"taskId": id, "state": "canceled", "failMsg": "canceled by the operator"}),
    };
    let server = gateway(|_| None, say, |_| None);
    run(&sandbox, &server).exits(1);
    let told = report(&sandbox);
    let states = [0, 1].map(|nth| told["shots"][nth]["state"].as_str().unwrap().to_owned());
    let mut sorted = states.clone();
    sorted.sort();
    assert_eq!(sorted, ["delivered", "failed"], "{told}");
    let failed = usize::from(states[1] == "failed");
    assert_eq!(told["shots"][failed]["reason"], "canceled by the operator");
    assert_eq!(told["money"]["spent"], told["shots"][1 - failed]["price"]);
    assert_eq!(told["money"]["reserved"], "0", "a canceled task is charged nothing");
}

#[test]
fn field_09_an_error_code_for_ever_is_told_as_the_gateway_said_it() {
    let sandbox = campaign(2, "render_timeout: 2s");
    let (mut sold, mut polls) = (0, 0);
    let server = Script::new()
        .on(move |request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            let poll = request.target.split_once("task_id=").map(|(_, id)| id.to_owned());
            Some(match (request.method.as_str(), poll.as_deref()) {
                ("POST", _) => {
                    sold += 1;
                    task(&json!({"taskId": format!("task-{sold}")}))
                }
                (_, Some("task-1")) => {
                    let said = "generation failed: moderation";
                    Reply::json(200, &json!({"code": 422, "msg": said, "data": null}))
                }
                (_, Some(id)) => {
                    polls += 1;
                    let working = json!({"taskId": id, "state": "processing"});
                    task(&if polls < 4 { working } else { completed(id, &host) })
                }
                _ => Reply::bytes(200, CLIP),
            })
        })
        .serve();
    run(&sandbox, &server).exits(1);
    let told = report(&sandbox);
    let shots = told["shots"].as_array().unwrap();
    let odd = shots.iter().find(|shot| shot["task_id"] == "task-1").unwrap();
    assert_eq!(odd["state"], "rendering", "stalled: {told}");
    let reason = odd["reason"].as_str().unwrap();
    assert!(reason.contains("always answers 422: generation failed: moderation"), "{reason}");
    assert_eq!(told["money"]["reserved"], odd["price"]);
    assert_eq!(told["counts"]["delivered"], 1);
    assert_eq!(posts(&server), 2, "nothing is bought again");
}

#[test]
fn field_10_too_many_tasks_in_a_200_is_throttling_and_no_doubt() {
    let sandbox = campaign(1, "attempts: 1");
    let mut refused = 0;
    let busy = move |_: &Request| {
        refused += 1;
        let body = json!({"code": 1303, "message": "parallel task over resource pack limit"});
        (refused <= 2).then(|| Reply::json(200, &body))
    };
    let server = gateway(busy, completed, |_| None);
    run(&sandbox, &server).exits(0);
    assert_eq!(posts(&server), 3);
    let told = report(&sandbox);
    assert_eq!((&told["counts"]["in_doubt"], &told["counts"]["delivered"]), (&json!(0), &json!(1)));
    assert_eq!(told["money"]["spent"], told["shots"][0]["price"], "it is paid once");
}

#[test]
fn field_34_a_redirect_that_names_its_task_is_delivered_and_one_without_is_a_wrong_address() {
    let moved = |body: &Value| Reply::json(302, body).header("Location", "/elsewhere");
    let sandbox = campaign(1, "attempts: 1");
    let sold = moved(&json!({"code": 200, "data": {"taskId": "task-1"}}));
    let server = gateway(move |_| Some(sold.clone()), completed, |_| None);
    run(&sandbox, &server).exits(0);
    assert_eq!(posts(&server), 1);
    assert!(server.requests().iter().all(|request| request.target != "/elsewhere"));
    let sandbox = campaign(2, "attempts: 1, posts: 1");
    let server = gateway(move |_| Some(moved(&json!({}))), completed, |_| None);
    run(&sandbox, &server).exits(3);
    assert_eq!((posts(&server), &report(&sandbox)["counts"]["queued"]), (1, &json!(2)));
}

/// The body of the one POST of a shot that is written so.
fn sent(shot: &str) -> Value {
    let sandbox = Sandbox::new().var("KLING_API_KEY", "sk-live-0123456789").manifest(&format!(
        "campaign: odd\nlimits: {{rate: 50/s, poll_every: 50ms, poll_rate: 50/s}}\nshots:\n{shot}"
    ));
    let server = gateway(|_| None, completed, |_| None);
    run(&sandbox, &server).exits(0);
    let requests = server.requests();
    requests.iter().find(|request| request.method == "POST").unwrap().json()
}

#[test]
fn field_18_a_clip_of_several_shots_is_sent_as_it_was_written() {
    let parts = "multi_prompt: [{index: 1, prompt: A beach, duration: '2'}, \
                 {index: 2, prompt: Gulls, duration: '3'}]";
    let shot = "{id: beach, model: kling-v3, multi_shot: true, shot_type: customize, ";
    let body = sent(&format!("  - {shot}{parts}}}\n"));
    let expected = json!([{"index": 1, "prompt": "A beach", "duration": "2"},
                          {"index": 2, "prompt": "Gulls", "duration": "3"}]);
    assert_eq!((&body["multi_shot"], &body["multi_prompt"]), (&json!(true), &expected));
    assert_eq!(body.get("prompt"), None);
    // Before it had a name of its own it was written below `extra`.
    assert_eq!(sent(&format!("  - {shot}extra: {{{parts}}}}}\n"))["multi_prompt"], expected);
}
