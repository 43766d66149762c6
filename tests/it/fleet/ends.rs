//! Workers that are left alone: they share the work, keep to what they share, and end together.

use std::time::Duration;

use rushes::simulator::Profile;

use super::{Fleet, Script};

#[test]
fn four_workers_share_a_campaign_and_end_together_with_the_same_word() {
    let mut fleet = Fleet::new(Script { rate: 15, ..Script::new(Profile::Calm, 1, 120, 4) });
    fleet.start_all();
    let ended = fleet.wait();
    for (nth, status) in &ended {
        assert_eq!(status.code(), Some(0), "{}", fleet.log(*nth));
    }
    let agreement = fleet.assert_books();
    assert_eq!((agreement.known, agreement.unknown), (120, 0));
    assert_eq!(fleet.count("delivered"), 120);
    let (peak, used) = (fleet.peak_in_flight(), fleet.assert_rate());
    println!(
        "the gateway rendered {peak} tasks at the same time; the share of the rate used: {used:.3}"
    );
    assert!(peak <= 12, "the gateway rendered {peak} tasks at the same time");
    let workers = "SELECT count(DISTINCT worker) FROM attempts";
    let shares = fleet.server.psql("rushes", workers);
    assert!(shares.parse::<u32>().unwrap() >= 2, "one worker bought everything");
}

#[test]
fn a_worker_that_comes_later_joins_and_one_that_leaves_is_not_missed() {
    let mut fleet = Fleet::new(Script { rate: 10, ..Script::new(Profile::Calm, 2, 60, 3) });
    fleet.start(0);
    fleet.wait_for_attempts(5);
    fleet.start(1);
    fleet.wait_for_attempts(10);
    fleet.start(2);
    fleet.interrupt(0);
    let ended = fleet.wait();
    assert_eq!(ended[&0].code(), Some(130), "{}", fleet.log(0));
    assert_eq!((ended[&1].code(), ended[&2].code()), (Some(0), Some(0)));
    assert_eq!(fleet.assert_books().known, 60);
    fleet.assert_rate();
}

#[test]
fn the_cap_is_kept_over_all_workers() {
    let capped = Script { cap: Some("1"), ..Script::new(Profile::Flaky, 3, 60, 4) };
    let mut fleet = Fleet::new(capped);
    fleet.start_all();
    for (nth, status) in fleet.wait() {
        assert_eq!(status.code(), Some(3), "{}", fleet.log(nth));
        assert!(fleet.log(nth).contains("the cap"), "{}", fleet.log(nth));
    }
    fleet.assert_books();
    assert!(fleet.count("queued") > 10);
}

#[test]
fn another_text_of_the_manifest_is_refused_while_one_is_worked_on() {
    let mut fleet = Fleet::new(Script { rate: 5, ..Script::new(Profile::Calm, 4, 30, 2) });
    fleet.start(0);
    fleet.wait_for_attempts(3);
    fleet.change_manifest("\"scene {{ n }}\"", "\"another scene {{ n }}\"");
    fleet.start(1);
    while fleet.running().contains(&1) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = fleet.ended(1).unwrap();
    assert_eq!(status.code(), Some(2), "{}", fleet.log(1));
    assert!(fleet.log(1).contains("another text"), "{}", fleet.log(1));
    fleet.interrupt(0);
    fleet.wait();
}
