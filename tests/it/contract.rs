//! What scripts rely on, held as snapshots: every command's flags, and the report's JSON.

use serde_json::Value;

use crate::sandbox::{Sandbox, TWO_SHOTS};

/// The flags of a command's help, a line each: `-v, --verbose`, `--budget <USD|none>`.
fn flags(sandbox: &Sandbox, command: &str) -> String {
    let help = sandbox.run([command, "-h"]).exits(0).stdout();
    let flags = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    // Two blanks part a flag from its explanation.
    let flags: Vec<&str> = flags.map(|line| line.split("  ").next().unwrap_or(line)).collect();
    let words: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("Usage: ")).collect();
    format!("{}\n  {}\n", words.join(" "), flags.join("\n  "))
}

#[test]
fn every_command_has_the_flags_that_scripts_rely_on() {
    let sandbox = Sandbox::new();
    let commands = [
        "init",
        "plan",
        "run",
        "check",
        "status",
        "report",
        "review",
        "export",
        "ls",
        "account",
        "resolve",
        "fetch",
        "sim",
        "schema",
        "completions",
        "man",
    ];
    let all: String = commands.iter().map(|command| flags(&sandbox, command)).collect();
    insta::assert_snapshot!(all);
}

/// Moments and task ids differ from run to run.
fn steady(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), &*value) {
                    ("submitted_at" | "completed_at" | "delivered_at", Value::String(moment)) => {
                        assert!(moment.parse::<jiff::Timestamp>().is_ok(), "{moment}");
                        *value = "RFC 3339".into();
                    }
                    _ => steady(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(steady),
        _ => {}
    }
}

#[test]
fn the_report_keeps_its_shape() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim", "--budget", "0.32"]).exits(3);
    let mut report =
        sandbox.run(["report", "shots.yaml", "--sim", "--format", "json"]).exits(0).stdout_json();
    steady(&mut report);
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn the_plan_names_every_action_as_scripts_know_it() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let actions = |words: &[&str]| {
        let mut all = vec!["plan", "shots.yaml", "--sim", "--format", "json"];
        all.extend(words);
        let plan: Value =
            serde_json::from_slice(&sandbox.command(&all).output().unwrap().stdout).unwrap();
        let shots = plan["shots"].as_array().unwrap();
        let actions: Vec<String> =
            shots.iter().map(|shot| shot["action"].as_str().unwrap().to_owned()).collect();
        (actions.join(", "), plan["total"].clone())
    };
    assert_eq!(actions(&[]), ("render, render".into(), "0.3324".into()));
    sandbox.run(["run", "shots.yaml", "--sim", "--only", "alley", "--no-download"]).exits(1);
    assert_eq!(actions(&[]), ("render, download".into(), "0.3165".into()));
    sandbox.run(["fetch", "shots.yaml", "--sim"]);
    assert_eq!(actions(&[]), ("render, done".into(), "0.3165".into()));
}
