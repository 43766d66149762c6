//! Many shots at once.

use std::io::Write;
use std::process::Stdio;

use super::*;

#[test]
fn field_36_what_was_answered_to_a_doubt_is_said_when_it_is_resolved() {
    let sandbox = campaign(&ids(&["a", "b"]));
    let body = json!({"job": "task-in-here", "pad": "x".repeat(900)}).to_string();
    let server = Script::new()
        .on(move |request| {
            let first = request.method == "POST" && request.json()["prompt"] == "the a";
            first.then(|| Reply::text(200, &body))
        })
        .always_post(Reply::cut())
        .serve();
    run(&sandbox, &server, &[]).exits(1);
    sandbox
        .run(["report", "shots.yaml"])
        .exits(0)
        .says("The answers as a whole:\n  $ rushes report");
    let told = resolve(&sandbox, &["--all", "--not-bought"]).exits(0).stdout();
    assert!(
        told.contains("a: not bought; $0.3165 is free again and the shot queued\n  "),
        "{told}"
    );
    assert!(told.contains("\nthe answers as a whole: rushes report shots.yaml --format json\n"));
    assert_eq!(told.lines().count(), 5, "{told}");
    let whole = report(&sandbox)["shots"][0]["answer"].as_str().unwrap().to_owned();
    assert!(whole.contains("task-in-here") && whole.len() > 900, "{whole}");
    assert!(report(&sandbox)["shots"][1].get("answer").is_none());
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("shot-{number:03}-of-a-long-night")).collect()
}

#[test]
fn field_41_a_reader_that_goes_away_changes_neither_what_is_done_nor_the_exit_code() {
    let names = numbered(600);
    let sandbox = all_in_doubt(&names);
    let mut words = vec!["resolve", "shots.yaml", "--not-bought"];
    words.extend(names.iter().map(String::as_str));
    let mut command = sandbox.command(&words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(counts(&sandbox, ["queued", "in_doubt", "failed"]), [600, 0, 0]);
    assert_eq!(money(&sandbox)[1], "0");
}

/// The same whatever port the gateway had.
fn without_port(told: &str) -> String {
    let Some((before, after)) = told.split_once("127.0.0.1:") else { return told.to_owned() };
    format!("{before}127.0.0.1:PORT{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Two in doubt, one rendering, one stalled.
fn mixed() -> Sandbox {
    let sandbox = all_in_doubt(&ids(&["beach-1", "beach-2", "beach-3", "city"]));
    resolve(&sandbox, &["beach-3", "--task-id", "t-3"]).exits(0);
    resolve(&sandbox, &["city", "--task-id", "t-4"]).exits(0);
    let stalled = "UPDATE revisions SET why = 'not done' WHERE shot = 'city'";
    Connection::open(ledger(&sandbox)).unwrap().execute_batch(stalled).unwrap();
    sandbox
}

#[test]
fn field_41_patterns_and_lists_reach_shots_in_doubt_only_and_count_the_others() {
    let sandbox = mixed();
    let told = resolve(&sandbox, &["beach*", "--abandon"]).exits(0).stdout();
    insta::assert_snapshot!("a_pattern", without_port(&told));
    // What was given up is reached by its whole id alone.
    let told = resolve(&sandbox, &["--all", "--not-bought"]).exits(0).stdout();
    insta::assert_snapshot!("all_and_none_is_in_doubt", without_port(&told));
    resolve(&sandbox, &["beach-1", "city", "--not-bought"]).exits(0);
    assert_eq!(counts(&sandbox, ["queued", "failed", "rendering"]), [2, 1, 1]);
}

#[test]
fn field_41_ids_come_from_a_file_or_from_standard_input() {
    let sandbox = all_in_doubt(&ids(&["a", "b", "c"]));
    std::fs::write(sandbox.path("ids.txt"), "\u{feff}a\r\n\n# no more\n").unwrap();
    resolve(&sandbox, &["--file", "ids.txt", "--not-bought"]).exits(0).says("a: not bought");
    let mut command = sandbox.command(&["resolve", "shots.yaml", "--file", "-", "--not-bought"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nb~r1\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("b~r1: not bought") || told.contains("b: not bought"), "{told}");
    assert!(told.contains("1 shot that is not in doubt is left"), "{told}");
    assert_eq!(counts(&sandbox, ["queued", "in_doubt", "failed"]), [2, 1, 0]);
}

#[test]
fn field_41_mistakes_name_their_place_and_change_nothing() {
    let sandbox = all_in_doubt(&ids(&["a", "b"]));
    std::fs::write(sandbox.path("ids.txt"), "a\nzebra\n").unwrap();
    let refused = |words: &[&str], why: &str| drop(resolve(&sandbox, words).exits(2).warns(why));
    refused(&["--file", "ids.txt", "--not-bought"], "ids.txt:2: zebra: no such shot");
    refused(&["--file", "none.txt", "--not-bought"], "none.txt: ");
    refused(&["z*", "--not-bought"], "z*: no shot in the ledger matches it");
    refused(&["a", "[", "--not-bought"], "[: ");
    refused(&["--all", "--task-id", "t"], "exactly one shot, named in full");
    refused(&["a*", "--task-id", "t"], "exactly one shot, named in full");
    refused(&["a", "b", "--not-bought", "--task-id", "t"], "exactly one shot, named in full");
    refused(&["a", "--abandon", "--task-id", "t"], "cannot be used with");
    refused(&["--not-bought"], "required");
    assert_eq!(counts(&sandbox, ["queued", "in_doubt", "failed"]), [0, 2, 0]);
}
