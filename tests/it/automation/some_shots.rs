//! `--only` for `report` and `fetch`.

use crate::sandbox::{Sandbox, TWO_SHOTS};

/// Trial 24: a report of some shots.
#[test]
fn a_report_shows_the_shots_that_were_asked_for() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let report = |format: &str| {
        let words = ["report", "shots.yaml", "--sim", "--only", "al*", "--format", format];
        sandbox.run(words).exits(0).stdout()
    };
    for format in ["text", "json", "jsonl", "csv"] {
        let text = report(format);
        assert!(text.contains("alley") && !text.contains("beach"), "{format}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&report("json")).unwrap();
    assert_eq!(
        (&json["counts"]["delivered"], &json["money"]["spent"]),
        (&1.into(), &"0.3324".into())
    );
    let done = sandbox.run(["report", "shots.yaml", "--sim", "--only", "zebra"]).exits(2);
    let done = done.warns("no shot's id matches --only zebra");
    done.warns("`rushes report shots.yaml --sim` lists them");
}

/// Trials 14 and 15: what names shots to `run` names them to what reads a ledger, too.
#[test]
fn several_shots_and_a_first_take_are_named_as_for_a_run() {
    let manifest = TWO_SHOTS.replace("id: alley\n", "id: alley\n    takes: 2\n");
    let sandbox = Sandbox::new().manifest(&manifest);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let run = |command: &[&str], typed: &[&str]| sandbox.run_words(&[command, typed].concat());
    for (typed, expected) in [
        (&["--only", "alley-t1"][..], &["alley"][..]),
        (&["--only", "alley-t1,alley-t2"], &["alley", "alley-t2"]),
        (&["--only", "beach", "--only", "al*2"], &["beach", "alley-t2"]),
    ] {
        let report = run(&["report", "shots.yaml", "--sim", "--format=json"], typed).stdout_json();
        let shots = report["shots"].as_array().unwrap().iter();
        let ids: Vec<&str> = shots.map(|shot| shot["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{typed:?}");
        let export = ["export", "shots.yaml", "--sim", "--format=concat"];
        let clips = run(&export, typed).exits(0).stdout();
        let events =
            expected.iter().filter(|id| !expected.contains(&"alley") || **id != "alley-t2");
        assert_eq!(clips.matches("\nfile ").count(), events.count(), "{typed:?}: {clips}");
        run(&["fetch", "shots.yaml", "--sim"], typed).exits(0);
    }
    for command in ["report", "fetch"] {
        let done = sandbox.run([command, "shots.yaml", "--sim", "--only", "beach-t1"]).exits(2);
        done.warns("no shot's id matches --only beach-t1");
    }
}

/// Trial 24: a fetch of some shots leaves the others for later.
#[test]
fn a_fetch_takes_the_shots_that_were_asked_for() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    sandbox.run(["fetch", "shots.yaml", "--sim", "--only", "al*"]).exits(0);
    assert!(sandbox.path("renders/summer.sim/clips/alley.mp4").is_file());
    assert!(!sandbox.path("renders/summer.sim/clips/beach.mp4").exists());
    let report = sandbox.run(["report", "shots.yaml", "--sim", "--format=json"]).stdout_json();
    assert_eq!(
        (&report["counts"]["delivered"], &report["counts"]["rendered"]),
        (&1.into(), &1.into())
    );
    sandbox.run(["fetch", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
}
