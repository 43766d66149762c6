//! `rushes ls`.

use crate::sandbox::{Sandbox, TWO_SHOTS};

/// Trial 24: all campaigns below a folder on one screen.
#[test]
fn all_campaigns_below_a_folder_are_listed_the_newest_first() {
    let winter = TWO_SHOTS.replace("summer", "winter");
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).file("films/winter.yaml", &winter);
    sandbox.run(["ls"]).exits(0).says("no campaign below .");
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    sandbox.run(["run", "films/winter.yaml", "--sim", "--budget", "0.1"]).exits(3);
    let sandbox = sandbox.file("films/renders/broken/ledger.sqlite", "this is no ledger");
    let done = sandbox.run(["ls", "--format", "json"]).exits(0).stdout_json();
    let all = done["campaigns"].as_array().unwrap();
    let told: Vec<_> =
        all.iter().map(|one| (one["folder"].as_str(), one["state"].as_str())).collect();
    assert_eq!(
        told.iter().map(|(folder, state)| (folder.unwrap(), state.unwrap())).collect::<Vec<_>>(),
        [
            ("films/renders/winter.sim", "to go on"),
            ("renders/summer.sim", "done"),
            ("films/renders/broken", "unreadable"),
        ]
    );
    assert_eq!((&all[0]["campaign"], &all[0]["simulated"]), (&"winter".into(), &true.into()));
    assert_eq!((&all[0]["money"]["cap"], &all[0]["counts"]["queued"]), (&"0.10".into(), &1.into()));
    assert!(all[0]["changed_at"].as_str() > all[1]["changed_at"].as_str(), "{done}");
    assert!(all[2]["why"].as_str().is_some_and(|why| !why.is_empty()), "{done}");
    let text = sandbox.run(["ls"]).exits(0).stdout();
    let lines: Vec<&str> = text.lines().map(|line| line.split(" ago").next().unwrap()).collect();
    assert!(lines[0].starts_with("CAMPAIGN      STATE"), "{text}");
    assert!(lines[1].starts_with("winter (sim)  to go on"), "{text}");
    assert!(lines[1].contains("1/2") && lines[1].contains("$0.0159"), "{text}");
    assert!(lines[2].starts_with("summer (sim)  done"), "{text}");
    assert!(lines[3].starts_with('?') && lines[3].contains("unreadable"), "{text}");
    let some = sandbox.run(["ls", "films"]).exits(0);
    assert!(!some.stdout().contains("summer"), "{}", some.stdout());
    sandbox.run(["ls", "nowhere"]).exits(2).warns("nowhere cannot be read");
}

#[test]
fn what_waits_is_told_and_nothing_is_changed() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    let before = std::fs::read(sandbox.path("renders/summer.sim/ledger.sqlite")).unwrap();
    let text = sandbox.run(["ls"]).exits(0).warns_of_nothing().stdout();
    assert!(text.contains("to fetch"), "{text}");
    let what = "summer: of 2 shots 2 paid for and not here\n  $ rushes fetch renders/summer.sim\n";
    assert!(text.ends_with(what), "{text}");
    assert_eq!(std::fs::read(sandbox.path("renders/summer.sim/ledger.sqlite")).unwrap(), before);
    // The same from within the campaign's folder.
    let mut within = sandbox.command(&["ls"]);
    let within = within.current_dir(sandbox.path("renders/summer.sim")).output().unwrap();
    assert!(String::from_utf8(within.stdout).unwrap().contains("summer (sim)"));
}

/// What is to be bought is named before what is only to be fetched: a run does both.
#[test]
fn a_campaign_with_shots_to_buy_is_to_go_on() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let words = ["run", "shots.yaml", "--sim", "--no-download", "--budget", "0.1"];
    sandbox.run(words).exits(3);
    let text = sandbox.run(["ls"]).exits(0).stdout();
    assert!(text.contains("to go on"), "{text}");
    assert!(text.contains("1 paid for and not here, 1 not bought yet"), "{text}");
}

#[cfg(unix)]
#[test]
fn links_lead_the_search_in_no_circle() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    std::os::unix::fs::symlink(sandbox.path("."), sandbox.path("renders/around")).unwrap();
    let text = sandbox.run(["ls"]).exits(0).stdout();
    assert_eq!(text.matches("summer (sim)").count(), 1, "{text}");
}
