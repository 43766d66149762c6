//! A replica that had not heard of the last purchases takes over.

use std::time::Duration;

use rushes::simulator::Profile;

use super::{Fleet, Script};
use crate::support::postgres::REPLICATED;

/// What it forgot would be bought again: every worker that knows better stops, and the next run is refused
/// where the note beside the clips knows better.
#[test]
fn a_replica_that_lags_is_refused_by_all_that_know_better() {
    let mut fleet = Fleet::new(Script { rate: 20, ..Script::new(Profile::Calm, 5, 400, 2) });
    fleet.server.kill();
    fleet.server.begin_with(&REPLICATED);
    fleet.start_all();
    fleet.wait_for_attempts(10);
    let replica = fleet.server.replica();
    let count = |fleet: &Fleet| -> usize {
        fleet.server.psql("rushes", "SELECT count(*) FROM attempts").parse().unwrap()
    };
    let then = count(&fleet);
    // Each worker hears of what the others bought within a second.
    fleet.wait_for_attempts(then + 60);
    fleet.server.promote(replica);
    let known = count(&fleet);
    assert!(known <= then, "{known} of {then}");
    for (nth, status) in fleet.wait() {
        assert_eq!(status.code(), Some(3), "{}", fleet.log(nth));
        assert!(fleet.log(nth).contains("is not what it was: it knows"), "{}", fleet.log(nth));
    }
    let bought = fleet.simulator.books().purchases.len();
    assert!(bought > known && bought < 400, "{bought}");
    fleet.start(0);
    while fleet.running().contains(&0) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fleet.ended(0).unwrap().code(), Some(2), "{}", fleet.log(0));
    let books = fleet.simulator.books();
    assert_eq!(books.purchases.len(), bought, "nothing is bought any more");
    let twice = books.purchases().filter(|bought| bought.nth > 1).count();
    assert_eq!(twice, 0);
}
