//! Limits of an account, over all its campaigns.

use super::Stage;

const OTHER: &str = "campaign: city\ndefaults: {model: kling-v2-6, duration: 5}\n\
     limits: {rate: 50/s, poll_every: 20ms}\n\
     shots:\n  - {id: tram, prompt: a tram, takes: 4}\n";

#[test]
fn an_account_is_shown_with_its_limits_its_month_and_its_campaigns() {
    let stage = Stage::new();
    stage.sandbox.run(["account"]).exits(2).warns("--ledger postgres://");
    stage.sandbox.run(["account", "--ledger", "a.sqlite"]).exits(2).warns("a file has no account");
    stage.run(&["account"]).exits(2).warns("nothing was run for this account yet");
    stage.run(&["run", "shots.yaml"]).exits(0);
    let shown = stage.run(&["account"]).exits(0);
    let shown = shown.says("account default, in postgres://postgres@").says("$0.0636 spent");
    let shown = shown.says("; no cap").says("beach").says("what its runs keep to");
    assert!(!shown.stdout().contains("s3cr3t"));
    let limits =
        ["--cap", "$2000/month", "--rate", "10/s", "--in-flight", "100", "--margin", "100ms"];
    stage
        .run(&[&["account"], &limits[..]].concat())
        .exits(0)
        .says("10/s")
        .says("100 at most; 0 taken now")
        .says("100 ms")
        .says("of $2000.00, $1999.9364 left");
    let told = stage.run(&["account", "--cap", "none", "--format", "json"]).exits(0).stdout_json();
    assert_eq!(told["month"]["cap"], serde_json::Value::Null);
    assert_eq!((&told["rate"], &told["in_flight"]), (&"10/s".into(), &100.into()));
    assert_eq!(told["campaigns"][0]["campaign"], "beach");
    assert_eq!(told["campaigns"][0]["this_month"], "0.0636");
    let stays =
        stage.run(&["account", "--rate", "none", "--format", "json"]).exits(0).stdout_json();
    assert_eq!((&stays["rate"], &stays["in_flight"]), (&serde_json::Value::Null, &100.into()));
    stage.run(&["account", "--in-flight", "0"]).exits(2).warns("from 1 to 1000000");
    stage.run(&["account", "--margin", "1ms"]).exits(2).warns("from 25ms to 60s");
}

/// 0.0159 a shot: five of the eight fit, whichever campaign buys them.
#[test]
fn the_months_cap_holds_over_all_campaigns_of_an_account() {
    let stage = Stage::new();
    std::fs::write(stage.sandbox.path("city.yaml"), OTHER).unwrap();
    stage.run(&["run", "shots.yaml", "--budget", "0.04"]).exits(3);
    // What was bought in the month before the cap was set counts.
    stage.run(&["account", "--cap", "0.08/month"]).exits(0).says("$0.0482 left");
    let stopped = stage.run(&["run", "city.yaml"]).exits(3);
    let stopped = stopped.warns("one shot no longer fits under the account's cap of this month");
    stopped.warns("rushes account --cap");
    stage.run(&["run", "shots.yaml", "--budget", "5"]).exits(3);
    let books = stage.simulator.books();
    assert_eq!(books.purchases.len(), 5, "five fit");
    stage.run(&["account"]).says("$0.0795 spent").says("$0.0005 left");
    // Another account has a month of its own.
    stage.run(&["account", "--account", "other", "--cap", "1/month"]).exits(0);
    stage.run(&["run", "city.yaml", "--account", "other", "--out", "other", "--separate"]).exits(0);
    stage.run(&["account", "--cap", "1/month"]).exits(0);
    stage.run(&["run", "shots.yaml"]).exits(0).says("4 delivered");
    stage.run(&["run", "city.yaml"]).exits(0).says("4 delivered");
    let told = stage.run(&["account", "--format", "json"]).exits(0).stdout_json();
    assert_eq!(told["month"]["spent"], "0.1272");
    let pots = "SELECT spent, reserved FROM pots WHERE id = (SELECT month_pot FROM accounts \
                WHERE name = 'default')";
    assert_eq!(stage.server.psql("rushes", pots), "127200|0");
}

#[test]
fn a_manifest_says_where_its_campaign_lives_and_what_is_typed_beats_it() {
    let stage = Stage::new();
    let head = format!("ledger: {}\nout: far/away\naccount: studio\n", stage.ledger());
    let manifest = format!("{head}{}", super::MANIFEST);
    std::fs::write(stage.sandbox.path("shots.yaml"), &manifest).unwrap();
    let url = stage.simulator.url();
    let run = stage.sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    assert!(!run.stderr().contains("s3cr3t") && !run.stdout().contains("s3cr3t"));
    assert!(stage.sandbox.path("far/away/clips/wave.mp4").exists());
    stage.sandbox.run(["status", "shots.yaml"]).exits(0).says("4 delivered");
    stage.run(&["account", "--account", "studio"]).exits(0).says("beach");
    // A rehearsal lives apart, in a folder.
    stage.sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    assert!(stage.sandbox.path("renders/beach.sim/ledger.sqlite").exists());
    let typed = ["status", "shots.yaml", "--ledger", "other.sqlite"];
    stage.sandbox.run(typed).exits(2).warns("nothing was run yet");
    // A mistake in the manifest keeps no user from the clips.
    let broken = manifest.replace("shots:", "shots: [");
    std::fs::write(stage.sandbox.path("shots.yaml"), broken).unwrap();
    stage.sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(0).says("4 delivered");
    // A place for the clips that cannot be is told before anything is bought.
    let odd = manifest.replace("out: far/away", "out: s3://");
    std::fs::write(stage.sandbox.path("shots.yaml"), odd).unwrap();
    let refused = stage.sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2);
    refused.warns("the manifest's `out` cannot be used");
}

#[test]
fn a_run_with_another_key_is_refused_until_the_account_is_told_of_it() {
    let stage = Stage::new();
    stage.run(&["run", "shots.yaml"]).exits(0);
    let stage = stage.with_key("another-key");
    std::fs::write(stage.sandbox.path("city.yaml"), OTHER).unwrap();
    let refused = stage.run(&["run", "city.yaml"]).exits(2);
    let refused = refused.warns("is used with another key").warns("run city.yaml");
    let refused = refused.warns("--account NAME").warns("rushes account --new-key");
    assert!(!refused.stderr().contains("another-key") && !refused.stderr().contains("s3cr3t"));
    assert_eq!(stage.simulator.books().purchases.len(), 4, "nothing was bought");
    let campaigns = "SELECT count(*) FROM campaigns";
    assert_eq!(stage.server.psql("rushes", campaigns), "1", "nothing was changed");
    stage.run(&["status", "shots.yaml"]).exits(0);
    stage.run(&["account", "--new-key"]).exits(0);
    stage.run(&["run", "city.yaml"]).exits(0);
    stage.with_key("secret-key").run(&["run", "shots.yaml"]).exits(2).warns("another key");
}
