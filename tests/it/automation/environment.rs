//! `RUSHES_<FLAG>`, and `-q`.

use crate::sandbox::{Sandbox, TWO_SHOTS};

fn plan(sandbox: &Sandbox, more: &[&str]) -> String {
    sandbox.run_words(&[&["plan", "shots.yaml"], more].concat()).exits(0).stdout()
}

/// Trial 24: a flag beats the environment, that beats the manifest.
#[test]
fn a_flag_beats_the_environment_and_that_beats_the_manifest() {
    let manifest = TWO_SHOTS.replace("limits:", "budget: 3\nlimits:");
    let sandbox = Sandbox::new().manifest(&manifest);
    assert!(plan(&sandbox, &[]).contains("cap $3.00"));
    let sandbox = sandbox.var("RUSHES_BUDGET", "2").var("RUSHES_ONLY", "b*");
    let text = plan(&sandbox, &[]);
    assert!(text.contains("cap $2.00") && !text.contains("alley"), "{text}");
    let text = plan(&sandbox, &["--budget", "1", "--only", "a*"]);
    assert!(text.contains("cap $1.00") && !text.contains("beach"), "{text}");
}

/// What a script came to is to be bought, or a cap, was empty: all of it, or no cap, is not meant.
#[test]
fn an_empty_choice_of_shots_and_an_empty_cap_are_refused() {
    for (name, flag) in [("RUSHES_ONLY", "--only"), ("RUSHES_BUDGET", "--budget")] {
        let sandbox = Sandbox::new().manifest(TWO_SHOTS).var(name, "");
        sandbox.run(["plan", "shots.yaml"]).exits(2).warns(flag);
    }
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_RATE", "");
    sandbox.run(["plan", "shots.yaml"]).exits(0);
}

/// Trial 24: booleans take 1, 0, true and false.
#[test]
fn switches_take_yes_and_no() {
    let sandbox = || Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_BUDGET", "0.1");
    for (value, holds) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)]
    {
        let text = plan(&sandbox().var("RUSHES_WHOLE", value), &[]);
        assert_eq!(text.contains("a run would buy nothing"), holds, "{value}: {text}");
    }
    let wrong = sandbox().var("RUSHES_WHOLE", "perhaps");
    wrong.run(["plan", "shots.yaml"]).exits(2).warns("in the environment: RUSHES_WHOLE");
}

#[test]
fn flags_that_stand_alone_take_yes_and_no_too() {
    let sandbox = |value: &str| Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_SIM", value);
    for yes in ["1", "true", "calm"] {
        let done = sandbox(yes).run(["run", "shots.yaml"]).exits(0);
        done.says("renders/summer.sim/clips");
    }
    for no in ["0", "false", ""] {
        sandbox(no).run(["run", "shots.yaml"]).exits(2).warns("KLING_API_KEY");
    }
    sandbox("0").run(["run", "shots.yaml", "--sim"]).exits(0);
    sandbox("hurricane").run(["run", "shots.yaml"]).exits(2).warns("RUSHES_SIM");
}

#[test]
fn a_wrong_value_is_told_with_its_variable_only_where_it_comes_from_there() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_IN_FLIGHT", "0");
    sandbox.run(["plan", "shots.yaml"]).exits(2).warns("RUSHES_IN_FLIGHT");
    let done = sandbox.run(["plan", "shots.yaml", "--in-flight=many"]).exits(2);
    assert!(!done.stderr().contains("RUSHES_IN_FLIGHT"), "{}", done.stderr());
    sandbox.run(["plan", "shots.yaml", "--in-flight=5"]).exits(0);
}

/// What was bought, and what an account allows, is never said by the environment.
#[test]
fn words_that_are_said_once_are_not_taken_from_the_environment() {
    let sandbox = Sandbox::new()
        .manifest(TWO_SHOTS)
        .var("RUSHES_ALL", "1")
        .var("RUSHES_NOT_BOUGHT", "1")
        .var("RUSHES_TASK_ID", "x");
    sandbox.run(["resolve", "shots.yaml"]).exits(2).warns("<SHOT>");
    sandbox.run(["resolve", "shots.yaml", "beach"]).exits(2).warns("--not-bought");
    // An account's limits would be changed by it; asked for nothing, it is only shown.
    let account = Sandbox::new().var("RUSHES_RATE", "nonsense").var("RUSHES_CAP", "nonsense");
    account.run(["account"]).exits(2).warns("RUSHES_LEDGER");
}

#[test]
fn the_help_of_run_says_so_once() {
    let help = Sandbox::new().run(["run", "--help"]).exits(0).stdout();
    assert_eq!(help.matches("RUSHES_BUDGET").count(), 1, "{help}");
    assert!(help.contains("A flag that is typed beats"), "{help}");
    let help = Sandbox::new().var("RUSHES_BUDGET", "5").run(["plan", "--help"]).exits(0).stdout();
    assert!(!help.contains("RUSHES_"), "a secret in a variable is not shown: {help}");
}

/// Trial 20, 24: `--quiet`, and with it only what is wrong.
#[test]
fn quiet_runs_say_only_how_they_ended() {
    for flag in ["-q", "--quiet"] {
        let sandbox = Sandbox::new().manifest(TWO_SHOTS);
        let done = sandbox.run(["run", "shots.yaml", "--sim", flag]).exits(0);
        done.warns_of_nothing().says("2 shots: 2 delivered");
    }
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("RUSHES_QUIET", "true");
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).warns_of_nothing();
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox.run(["run", "shots.yaml", "--sim", "-q", "--budget", "0.1"]).exits(3);
    assert!(done.stderr().contains("error: "), "what is wrong is told: {}", done.stderr());
    assert!(!done.stderr().contains("delivered,"), "{}", done.stderr());
    sandbox.run(["run", "absent.yaml", "-q"]).exits(2).warns("absent.yaml");
}
