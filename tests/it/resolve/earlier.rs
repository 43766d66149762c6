//! Tasks that their shots are no longer about, and task ids that were replaced, by the real program.

use super::*;

const SEEN: &[(&str, &str, &str)] = &[
    ("t-done", "completed", "kling-video/kling-v3"),
    ("t-fails", "failed", "kling-video/kling-v3"),
];

/// A shot whose request became this task, which stalled; the user has said `word` since.
fn stalled_and(task: &str, word: &str) -> Sandbox {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", task]).exits(0);
    let stalled = "UPDATE revisions SET why = 'not done'";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(stalled).unwrap();
    resolve(&sandbox, &["a", word]).exits(0);
    sandbox
}

/// How often a server was asked for a task.
fn asked(server: &Server, task: &str) -> usize {
    let asked = format!("task_id={task}");
    server.requests().iter().filter(|request| request.target.ends_with(&asked)).count()
}

#[test]
fn field_41_an_earlier_task_is_fetched_by_the_next_run_and_paid_once() {
    let (sandbox, server) = (stalled_and("t-done", "--resubmit"), knows(SEEN));
    run(&sandbox, &server, &[]).exits(1).warns("its clip is listed with the shot's");
    assert_eq!(money(&sandbox), ["0.3165", "0.3165"]);
    let shot = report(&sandbox)["shots"][0].clone();
    assert_eq!(shot["state"], "in_doubt", "what was bought again was cut");
    assert_eq!(shot["files"], json!(["clips/a~1001.mp4"]));
    let clip = sandbox.path("renders/one/clips/a~1001.mp4");
    assert_eq!(std::fs::read(clip).unwrap(), CLIP);
    assert_eq!(asked(&server, "t-done"), 1);
    run(&sandbox, &server, &[]).exits(1);
    assert_eq!((asked(&server, "t-done"), money(&sandbox)[0].as_str()), (1, "0.3165"));
    // The report's command frees the doubt alone.
    resolve(&sandbox, &["a", "--not-bought"]).exits(0).says("$0.3165 is free again");
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
}

#[test]
fn field_41_fetch_settles_what_was_given_up_and_the_word_about_it_moves_no_money_after() {
    let sandbox = stalled_and("t-fails", "--abandon");
    let server = knows(SEEN);
    let url = server.url();
    let fetch = ["fetch", "shots.yaml", "--api-base", &url];
    sandbox.run_words(&fetch).exits(1).warns("its price is free again");
    assert_eq!(money(&sandbox), ["0", "0"]);
    assert_eq!(report(&sandbox)["shots"][0]["state"], "failed");
    resolve(&sandbox, &["a", "--not-bought"]).exits(2).warns("a: it is failed");
    resolve(&sandbox, &["a", "--resubmit"]).exits(0).says("the first purchase is settled");
    assert_eq!(money(&sandbox), ["0", "0"]);
    assert_eq!(counts(&sandbox, ["queued", "failed", "in_doubt"]), [1, 0, 0]);
    // Given up and paid after all.
    let sandbox = stalled_and("t-done", "--abandon");
    sandbox.run_words(&fetch).exits(1);
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
    let shot = report(&sandbox)["shots"][0].clone();
    assert!(
        shot["reason"].as_str().unwrap().ends_with("it is paid, and its clip is here"),
        "{shot}"
    );
    assert_eq!(shot["files"], json!(["clips/a~1001.mp4"]));
    resolve(&sandbox, &["a", "--abandon"]).exits(0).says("its price is settled");
    resolve(&sandbox, &["a", "--not-bought"]).exits(2);
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
}

#[test]
fn field_41_a_task_that_the_gateway_does_not_know_keeps_its_price_and_its_command() {
    let (sandbox, server) = (stalled_and("t-nowhere", "--abandon"), knows(SEEN));
    run(&sandbox, &server, &[]).exits(1);
    assert_eq!(
        (asked(&server, "t-nowhere"), money(&sandbox)),
        (1, ["0", "0.3165"].map(str::to_owned))
    );
    sandbox
        .run(["report", "shots.yaml"])
        .exits(0)
        .says("rushes resolve shots.yaml a~r1 --not-bought");
}

#[test]
fn field_41_what_is_unsettled_goes_by_the_gateways_record_of_a_later_night() {
    for (task, money_now, is_settled_by) in
        [("t-done", ["0.3165", "0"], "its clip is here"), ("t-fails", ["0", "0"], "is settled")]
    {
        let sandbox = all_in_doubt(&ids(&["a"]));
        resolve(&sandbox, &["a", "--task-id", task]).exits(0);
        let unsettled = "UPDATE revisions SET state = 'failed', failure = 'not_rendered', \
             failure_kind = 'unsettled', why = 'completed without a clip', since = NULL";
        Connection::open(ledger(&sandbox)).unwrap().execute_batch(unsettled).unwrap();
        assert_eq!(money(&sandbox), ["0", "0.3165"]);
        let done = run(&sandbox, &knows(SEEN), &[]).exits(1);
        assert!(!done.stdout().contains("--not-bought"), "{}", done.stdout());
        assert_eq!(money(&sandbox), money_now);
        let reason = report(&sandbox)["shots"][0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.ends_with(is_settled_by), "{reason}");
        assert_eq!(counts(&sandbox, ["failed", "queued", "delivered"]), [1, 0, 0]);
    }
}

/// A shot of which the gateway said that it is completed, with a reason and no clip.
fn unsettled(task: &str) -> Sandbox {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", task]).exits(0);
    let unsettled = "UPDATE revisions SET state = 'failed', failure = 'not_rendered', \
         failure_kind = 'unsettled', why = 'completed without a clip', since = NULL";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(unsettled).unwrap();
    sandbox
}

#[test]
fn what_turned_out_to_be_paid_and_is_here_is_not_bought_again_with_the_failed_ones() {
    for (task, posts) in [("t-done", 0), ("t-fails", 1), ("t-nowhere", 1)] {
        let (sandbox, server) = (unsettled(task), knows(SEEN));
        run(&sandbox, &server, &[]).exits(1);
        let before = money(&sandbox);
        let action = if posts == 0 { "failed" } else { "retry" };
        let plan = sandbox.run(["plan", "shots.yaml", "--retry-failed", "--format", "json"]);
        assert_eq!(plan.exits(0).stdout_json()["shots"][0]["action"], action, "{task}");
        run(&sandbox, &server, &["--retry-failed"]).exits(1);
        let sent = server.requests().into_iter().filter(|request| request.method == "POST");
        assert_eq!(sent.count(), posts, "{task}");
        if posts == 0 {
            assert_eq!(money(&sandbox), before);
            resolve(&sandbox, &["a", "--resubmit"]).exits(0);
            run(&sandbox, &server, &[]).exits(1);
            assert!(server.requests().iter().any(|request| request.method == "POST"));
        }
    }
}

#[test]
fn field_05_what_is_refused_names_the_command_that_fetches_earlier_tasks_too() {
    let (sandbox, server) = (stalled_and("t-done", "--abandon"), knows(SEEN));
    let refused = || run(&sandbox, &server, &["--catalog", "none.yaml"]).exits(2).stderr();
    let told = "help: 1 shot paid for waits to be fetched: rushes fetch";
    assert!(refused().contains(told), "{}", refused());
    run(&sandbox, &server, &[]).exits(1);
    assert!(!refused().contains("rushes fetch"), "{}", refused());
}

#[cfg(debug_assertions)]
#[test]
fn field_41_a_kill_before_the_end_is_written_costs_nothing() {
    for point in ["poll answered", "clip renamed", "clips stored"] {
        let (sandbox, server) = (stalled_and("t-done", "--abandon"), knows(SEEN));
        let url = server.url();
        let mut fetch = sandbox.command(&["fetch", "shots.yaml", "--api-base", &url]);
        let died = fetch.env("RUSHES_DIE_AT", format!("{point}:1")).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}: {died:?}");
        assert_eq!(money(&sandbox), ["0", "0.3165"], "{point}");
        sandbox.run_words(&["fetch", "shots.yaml", "--api-base", &url]).exits(1);
        assert_eq!(money(&sandbox), ["0.3165", "0"], "{point}");
        let clips = std::fs::read_dir(sandbox.path("renders/one/clips")).unwrap();
        let clips: Vec<_> = clips.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(clips, ["a~1001.mp4"], "{point}: the same clip is not kept twice");
    }
}

#[test]
fn field_41_of_two_given_tasks_the_one_that_the_gateway_knows_is_fetched() {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", "t-done"]).exits(0);
    resolve(&sandbox, &["a", "--task-id", "t-mistyped"]).exits(0);
    // After so long it stalls; by default that takes a minute.
    let text = std::fs::read_to_string(sandbox.path("shots.yaml")).unwrap();
    let text = text.replace("attempts: 2", "attempts: 2, render_timeout: 100ms");
    std::fs::write(sandbox.path("shots.yaml"), text).unwrap();
    let server = knows(SEEN);
    run(&sandbox, &server, &[])
        .exits(0)
        .warns("the gateway does not know task t-mistyped, and knows t-done")
        .says("The gateway knows only the task that was given before for 1 shot");
    assert_eq!(report(&sandbox)["shots"][0]["task_id"], "t-done");
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
    let kept = sql(&sandbox, "SELECT former_tasks FROM attempts");
    assert_eq!(kept, [Some("[\"t-done\",\"t-mistyped\"]".to_owned())]);
}
