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
    done.warns("no shot's id matches --only zebra");
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
