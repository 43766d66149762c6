//! No price stays reserved without a command that frees it.

use super::*;

#[test]
fn field_41_an_earlier_doubt_of_a_delivered_shot_is_freed_by_its_name() {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--resubmit"]).exits(0);
    let data = json!({"taskId": "t-1", "state": "pending"});
    let bought = Reply::json(200, &json!({"code": 200, "msg": "success", "data": data}));
    let server = Script::new()
        .post(bought)
        .on(|request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            let data = json!({"taskId": "t-1", "state": "completed",
                "resultUrls": [format!("http://{host}/a.mp4")]});
            if asks_clip(request) {
                return Some(Reply::bytes(200, CLIP));
            }
            let asks_task = request.target.contains("task_id=");
            asks_task.then(|| Reply::json(200, &json!({"code": 200, "data": data})))
        })
        .serve();
    run(&sandbox, &server, &[]).exits(0);
    assert_eq!(money(&sandbox), ["0.3165", "0.3165"]);
    let before = report(&sandbox)["shots"].clone();
    let told = "a: not bought; $0.3165 is free again; the shot itself stays as it is";
    resolve(&sandbox, &["a", "--not-bought"]).exits(0).says(told);
    assert_eq!(money(&sandbox), ["0.3165", "0"]);
    assert_eq!(report(&sandbox)["shots"], before, "nothing else is changed");
    resolve(&sandbox, &["a", "--not-bought"]).exits(2).warns("a: it is delivered");
}

#[test]
fn field_41_one_price_is_freed_by_the_task_that_it_is_reserved_for() {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", "t-1"]).exits(0);
    let stalled = "UPDATE revisions SET why = 'not done'";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(stalled).unwrap();
    resolve(&sandbox, &["a", "--resubmit"]).exits(0);
    run(&sandbox, &Script::new().always_post(Reply::cut()).serve(), &[]).exits(1);
    assert_eq!(money(&sandbox), ["0", "0.6330"]);
    resolve(&sandbox, &["a", "--not-bought", "--task-id", "t-2"])
        .exits(2)
        .warns("no price is reserved for its task t-2");
    resolve(&sandbox, &["a", "--not-bought", "--task-id", "t-1"])
        .exits(0)
        .says("a: not bought; $0.3165 is free again; the shot itself stays as it is");
    assert_eq!(money(&sandbox), ["0", "0.3165"]);
    assert_eq!(counts(&sandbox, ["in_doubt", "queued", "failed"]), [1, 0, 0]);
}

#[test]
fn field_41_a_task_in_flight_keeps_its_price() {
    let sandbox = all_in_doubt(&ids(&["a"]));
    resolve(&sandbox, &["a", "--task-id", "t-1"]).exits(0);
    let refused = resolve(&sandbox, &["a", "--not-bought", "--task-id", "t-1"]).exits(2);
    refused.warns("task t-1 still renders");
    assert_eq!(money(&sandbox), ["0", "0.3165"]);
}

#[test]
fn field_41_the_report_names_each_price_that_stays_reserved_and_what_frees_it() {
    let names = ids(&["lost", "given-up", "stalled", "twice"]);
    let sandbox = all_in_doubt(&names);
    resolve(&sandbox, &["given-up", "--abandon"]).exits(0);
    resolve(&sandbox, &["stalled", "--task-id", "t-s"]).exits(0);
    resolve(&sandbox, &["twice", "--task-id", "t 1"]).exits(0);
    let stalled = "UPDATE revisions SET why = 'not done' WHERE state = 'rendering'";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(stalled).unwrap();
    resolve(&sandbox, &["twice", "--resubmit"]).exits(0);
    let report = sandbox.run(["report", "shots.yaml"]).exits(0).stdout();
    let (_, told) = report.split_once("\n\nReserved").unwrap();
    insta::assert_snapshot!("reserved_prices", told);
    // Each of the commands frees what it says, and then nothing is left.
    for line in told.lines().filter_map(|line| line.strip_prefix("  $ rushes ")) {
        let line = line.replace("'t 1'", "t_1");
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        sandbox.run_words(&words).exits(0).says("free again");
    }
    assert_eq!(money(&sandbox), ["0", "0"]);
    assert!(!sandbox.run(["report", "shots.yaml"]).exits(0).stdout().contains("Reserved"));
}

#[test]
fn field_41_many_doubts_are_freed_by_one_command() {
    let names: Vec<String> = (0..7).map(|number| format!("shot-{number}")).collect();
    let sandbox = all_in_doubt(&names);
    sandbox
        .run(["report", "shots.yaml"])
        .exits(0)
        .says("  7 shots in doubt: $2.2155\n  $ rushes resolve shots.yaml --all --not-bought\n");
    resolve(&sandbox, &["--all", "--not-bought"]).exits(0);
    assert_eq!(money(&sandbox), ["0", "0"]);
}
