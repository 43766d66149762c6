//! Kills at every point that the program names with `failpoint::point`, at its first and later
//! passings: each must be hit, or the test is red.

use std::collections::BTreeSet;
use std::path::Path;

use rushes::simulator::Profile;

use super::campaign::{Campaign, Script};

/// The rooms that name points; each has a test of its own below, so that they run side by side.
const ROOMS: [&str; 5] = ["cli", "clips", "ledger", "ledger/postgres", "scheduler"];

/// A campaign's shots: some are in doubt after a death, and those left must come by every passing.
const SHOTS: usize = 60;

/// At which passings of a point a campaign is killed, one run each.
fn passings(point: &str) -> &'static [u32] {
    match point {
        // Once in a campaign's life.
        "reserve written" | "schema committed" => &[1],
        // Once in a run, and again after a kill just there.
        "reserve still empty"
        | "empty ledger made"
        | "schema half way"
        | "ledger set up"
        | "campaign joined"
        | "worker begun"
        | "folder looked at"
        | "shots recorded" => &[1, 1, 1],
        _ => &[1, 2, 3, 5],
    }
}

/// The runs of a point's campaign: where each dies.
fn deaths(point: &'static str) -> Vec<(&'static str, u32)> {
    let at = |time: &u32| match point {
        // A clip under its final name that is not yet recorded is what another death leaves.
        "same clip found" => vec![("clip renamed", *time), (point, 1)],
        _ => vec![(point, *time)],
    };
    passings(point).iter().flat_map(at).collect()
}

/// How often the tests of this file kill.
pub fn kills() -> usize {
    let points = ROOMS.iter().flat_map(|room| points(room));
    points.map(|point| deaths(point.leak()).len()).sum()
}

/// The points a room names, each once, as its source has them.
fn points(room: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)];
    while let Some(path) = files.pop() {
        // A database is a room of its own.
        if path.ends_with("ledger/postgres") && room == "ledger" {
            continue;
        }
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for after in source.split("failpoint::point(\"").skip(1) {
            let point = after.split('"').next().unwrap();
            assert!(found.insert(point.to_owned()), "{point:?} is named twice");
        }
    }
    found
}

fn kill_at_every_point_of(room: &str) {
    for (seed, point) in (1..).zip(points(room)) {
        let point: &'static str = point.leak();
        let mut campaign = Campaign::new(&Script {
            profile: Profile::Calm,
            seed,
            shots: SHOTS,
            limits: "rate: 400/s, poll_every: 20ms, poll_rate: 400/s, in_flight: 4",
            render: "1ms..40ms",
            cap: None,
            strangers: if room == "clips" { SHOTS } else { 0 },
            in_database: room == "ledger/postgres",
            program: None,
        });
        for (point, time) in deaths(point) {
            campaign.die_at(point, time);
        }
        let counts = campaign.settle();
        assert!(counts.kills >= deaths(point).len(), "{point}");
        assert_eq!(counts.delivered, SHOTS, "{point}");
    }
}

#[test]
fn killed_at_every_point_of_the_command_line_nothing_is_lost_or_bought_twice() {
    kill_at_every_point_of("cli");
}

#[test]
fn killed_at_every_point_of_the_clips_nothing_is_lost_or_bought_twice() {
    kill_at_every_point_of("clips");
}

#[test]
fn killed_at_every_point_of_the_ledger_nothing_is_lost_or_bought_twice() {
    kill_at_every_point_of("ledger");
}

#[cfg(feature = "postgres")]
#[test]
fn killed_at_every_point_of_a_database_nothing_is_lost_or_bought_twice() {
    kill_at_every_point_of("ledger/postgres");
}

#[test]
fn killed_at_every_point_of_the_run_nothing_is_lost_or_bought_twice() {
    kill_at_every_point_of("scheduler");
}

#[test]
fn every_named_point_is_one_that_a_test_kills_at() {
    let all = points("");
    let ours: BTreeSet<String> = ROOMS.iter().flat_map(|room| points(room)).collect();
    assert_eq!(all, ours);
    assert!(all.len() > 20, "{all:?}");
}
