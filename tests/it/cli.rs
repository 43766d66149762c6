//! The command line as its users know it: flags, exit codes, what is printed where.

mod again;
mod deadline;
mod exit;
mod key;
mod log_file;
mod odd_manifests;
mod only;
mod progress;
mod resolve;
mod settings;
mod values;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, TWO_SHOTS};

fn summer() -> Sandbox {
    Sandbox::new().manifest(TWO_SHOTS)
}

#[test]
fn field_45_the_help_of_report_names_every_format() {
    let help = Sandbox::new().run(["report", "--help"]).exits(0).stdout();
    for format in ["text", "json", "jsonl", "csv", "html"] {
        assert!(help.contains(&format!("{format}|")) || help.contains(&format!("|{format}")));
    }
    Sandbox::new().run(["report", "x.yaml", "--format=pdf"]).exits(2).warns("html");
}

#[test]
fn field_45_takes_beyond_any_use_are_refused_before_they_are_made() {
    let shot = "  - {id: a, model: kling-v3, prompt: A, takes: 5000000}\n";
    let sandbox = Sandbox::new().manifest(&format!("campaign: odd\nshots:\n{shot}"));
    for verb in ["plan", "run"] {
        sandbox.run([verb, "shots.yaml", "--sim"]).exits(2).warns("shots.yaml:3:").warns("takes");
    }
    assert!(!sandbox.path("renders").exists(), "nothing was made");
}

#[test]
fn field_37_the_help_of_sim_names_a_folder_of_its_own() {
    let help = Sandbox::new().run(["sim", "--help"]).exits(0).stdout();
    assert!(help.contains("--api-base http://127.0.0.1:8787 --out rehearsal"), "{help}");
    assert!(help.contains("A folder keeps to its gateway"), "{help}");
}

#[test]
fn help_and_version_are_no_mistakes_and_odd_words_are() {
    let sandbox = summer();
    sandbox.run(["--help"]).exits(0).says("rushes init summer").warns_of_nothing();
    sandbox.run(["--version"]).exits(0).says(env!("CARGO_PKG_VERSION"));
    for words in [
        ["run", "--help"],
        ["resolve", "--help"],
        ["completions", "bash"],
        ["completions", "zsh"],
        ["completions", "fish"],
    ] {
        sandbox.run(words).exits(0).says("log-format").warns_of_nothing();
    }
    sandbox.run(["man"]).exits(0).says(".TH rushes");
    let man = sandbox.run(["man"]).exits(0).stdout();
    assert!(!man.contains("EXTRA"), "trial 20: they are examples");
    let example = ".SH EXAMPLES\n.nf\n  rushes run shots.yaml \\-\\-sim   ";
    assert!(man.contains(example), "{man}");
    sandbox.run([]).exits(2);
    sandbox.run(["frobnicate"]).exits(2);
    Sandbox::new().run(["run"]).exits(2).warns("no manifest is named");
    for flag in [
        "--budget=lots",
        "--budget=-1",
        "--rate=0/s",
        "--in-flight=0",
        "--max-failures=0",
        "--deadline=tomorrow",
        "--only=[",
        "--sim=hurricane",
        "--log-format=xml",
        "--key=secret",
    ] {
        sandbox.run(["run", "shots.yaml", flag]).exits(2).warns("error");
    }
    sandbox.run(["resolve", "shots.yaml", "beach"]).exits(2).warns("--not-bought");
    sandbox.run(["resolve", "shots.yaml", "beach", "--abandon", "--resubmit"]).exits(2);
    assert!(!sandbox.path("renders").exists());
}

#[test]
fn a_plan_is_json_in_its_stable_shape() {
    let plan = summer().run(["plan", "shots.yaml", "--format", "json"]).exits(0).stdout_json();
    let expected = json!({
        "campaign": "summer",
        "total": "0.3324",
        "shots": [
            {"id": "beach", "action": "render", "because": "new", "price": "0.3165", "request":
                {"model": "kling-v3", "prompt": "A girl dancing on the beach at sunset"}},
            {"id": "alley", "action": "render", "because": "new", "price": "0.0159", "request":
                {"model": "kling-v2-6", "prompt": "Rain in a neon alley"}},
        ],
    });
    assert_eq!(plan, expected);
}

#[test]
fn a_plan_says_what_a_run_would_cost_and_whether_the_cap_suffices() {
    let text = summer().run(["plan", "shots.yaml", "--budget", "0.1"]).exits(0).stdout();
    insta::assert_snapshot!(text, @r"
    summer: 2 shots: 2 to render

    SHOT   ACTION    PRICE  MODEL
    beach  render  $0.3165  kling-v3
    alley  render  $0.0159  kling-v2-6

      kling-v3: 1 shot, $0.3165
      kling-v2-6: 1 shot, $0.0159
    a run would spend $0.3324 on 2 shots
    cap $0.10, $0.10 left: enough for 1 of 2
    about 2m 31s, at 2/s and 20 in flight, if a clip takes 2m 30s
    ");
}

#[test]
fn a_plan_touches_nothing_and_shows_only_what_was_asked_for() {
    let sandbox = summer();
    let words = ["plan", "shots.yaml", "--format=json", "--only=b*"];
    let plan = sandbox.run(words).exits(0).stdout_json();
    assert_eq!(plan["shots"].as_array().map(Vec::len), Some(1));
    assert_eq!(plan["total"], "0.3165");
    sandbox.run(["plan", "shots.yaml", "--only", "zebra"]).exits(2).warns("zebra");
    assert!(!sandbox.path("renders").exists());
}

#[test]
fn mistakes_are_shown_with_their_place_and_nothing_is_begun() {
    let sandbox = Sandbox::new().manifest("campaign: x\nshots:\n  - id: a\n    modell: kling-v3\n");
    for command in ["plan", "run"] {
        sandbox.run([command, "shots.yaml", "--sim"]).exits(2).warns("shots.yaml:4:");
    }
    sandbox.run(["plan", "absent.yaml"]).exits(2).warns("absent.yaml");
    assert!(!sandbox.path("renders").exists());
}

#[test]
fn without_a_key_a_run_says_where_it_comes_from_and_begins_nothing() {
    let sandbox = summer();
    sandbox.run(["run", "shots.yaml"]).exits(2).warns("KLING_API_KEY");
    assert!(!sandbox.path("renders").exists());
    let sandbox = summer().var("KLING_API_KEY_FILE", "absent");
    sandbox.run(["run", "shots.yaml"]).exits(2).warns("absent");
}

#[test]
fn a_rehearsal_delivers_everything_and_costs_nothing_again() {
    let sandbox = summer();
    let run = sandbox.run(["run", "shots.yaml", "--sim", "--budget", "1"]).exits(0);
    let run = run.says("2 shots: 2 delivered").says("$0.3324 spent");
    assert!(run.stderr().contains("2 of 2 shots delivered"), "{}", run.stderr());
    let report = sandbox.run(["report", "shots.yaml", "--sim", "--format=json"]).exits(0);
    let report = report.stdout_json();
    assert_eq!(report["money"]["spent"], "0.3324");
    assert_eq!(report["money"]["cap"], "1.00");
    assert_eq!(report["counts"]["delivered"], 2);
    for shot in report["shots"].as_array().unwrap() {
        let file = shot["files"][0].as_str().unwrap();
        assert!(sandbox.path("renders/summer.sim").join(file).is_file(), "{file}");
    }
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).says("$0.3324 spent; cap $1.00");
    sandbox.run(["fetch", "shots.yaml", "--sim"]).exits(0);
    sandbox.run(["status", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
    sandbox.run(["report", "shots.yaml", "--sim"]).exits(0).says("clips/beach.mp4");
    sandbox.run(["report", "shots.yaml", "--sim", "--format=csv"]).exits(0).says("beach,1,true");
    let plan = sandbox.run(["plan", "shots.yaml", "--sim", "--format=json"]).exits(0).stdout_json();
    assert_eq!((&plan["total"], &plan["shots"][0]["action"]), (&json!("0"), &json!("done")));
    sandbox
        .run(["resolve", "shots.yaml", "--sim", "beach", "zebra", "--abandon"])
        .exits(2)
        .warns("beach: it is delivered")
        .warns("zebra: no such shot");
}

#[test]
fn a_cap_stops_a_run_early_and_lifting_it_goes_on() {
    let sandbox = summer();
    let run = sandbox.run(["run", "shots.yaml", "--sim", "--budget", "0.1"]).exits(3);
    assert!(run.stderr().contains("the cap of $0.10 holds back 1 shot"), "{}", run.stderr());
    run.says("1 delivered").says("1 queued");
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(3);
    sandbox.run(["run", "shots.yaml", "--sim", "--only", "alley"]).exits(0);
    sandbox.run(["run", "shots.yaml", "--sim", "--budget", "none"]).exits(0).says("no cap");
}

#[test]
fn clips_that_were_left_are_fetched_later() {
    let sandbox = summer();
    sandbox
        .run(["run", "shots.yaml", "--sim", "--no-download"])
        .exits(1)
        .says("2 to be fetched")
        .says("$ rushes fetch shots.yaml --sim");
    let broken = sandbox.file("shots.yaml", "campaign: summer\nshots:\n  - id: oops\n");
    broken.run(["fetch", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
}

#[test]
fn before_the_first_run_there_is_nothing_to_report() {
    let sandbox = summer();
    for command in ["status", "report", "fetch"] {
        sandbox.run([command, "shots.yaml"]).exits(2).warns("rushes run shots.yaml");
    }
    sandbox.run(["resolve", "shots.yaml", "beach", "--abandon"]).exits(2).warns("nothing was run");
}

#[test]
fn a_campaign_begins_with_init() {
    let sandbox = Sandbox::new();
    sandbox.run(["init", "new"]).exits(0).says("rushes run new/shots.yaml --sim");
    sandbox.run(["init", "new"]).exits(2).warns("there already");
    sandbox.run(["plan", "new/shots.yaml"]).exits(0);
    let schema = std::fs::read_to_string(sandbox.path("new/rushes.schema.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&schema).is_ok());
    assert_eq!(sandbox.run(["schema"]).exits(0).stdout(), schema);
}

#[test]
fn messages_can_be_json() {
    let words = ["run", "shots.yaml", "--sim", "--log-format=json"];
    let run = summer().run(words).exits(0);
    for line in run.stderr().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let sandbox = summer();
    let mut command = sandbox.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

/// A program that is killed when the test is over.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_simulator_serves_as_a_gateway() {
    let sandbox = summer().var("KLING_API_KEY", "secret");
    let mut command = sandbox.command(&["sim", "--key", "secret"]);
    let mut server = Server(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.strip_prefix("listening on ").unwrap().trim();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    sandbox.run(["run", "shots.yaml", "--api-base", base]).exits(0).says("2 delivered");
    sandbox.run(["status", "shots.yaml"]).exits(0).says("2 delivered");
    let other = summer().var("KLING_API_KEY", "guess");
    other.run(["run", "shots.yaml", "--api-base", base]).exits(3).warns("refuses the key");
}
