//! Workers that are killed, frozen and cut off, and a database that is killed under them.

use std::time::{Duration, Instant};

use fastrand::Rng;
use rushes::simulator::Profile;

use super::campaign::LEASE;
use super::{Fleet, Script};
use crate::kills::{Seed, asked};

/// What many campaigns add up to.
#[derive(Default)]
struct Sum {
    done: usize,
    campaigns: usize,
    doubts: usize,
}

/// Does something to the workers of campaigns until it was done so often; then each campaign is brought
/// to its end and held against the gateway's books.
fn often(
    what: &str,
    count: usize,
    script: impl Fn(u64) -> Script,
    mut mishap: impl FnMut(&mut Fleet, &mut Rng) -> bool,
) {
    let seed = Seed(asked("RUSHES_KILL_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32)));
    let mut chance = Rng::with_seed(seed.0);
    let (mut sum, began) = (Sum::default(), Instant::now());
    while sum.done < count {
        let mut fleet = Fleet::new(script(chance.u64(..1 << 32)));
        fleet.start_all();
        while sum.done < count {
            std::thread::sleep(Duration::from_millis(chance.u64(50..600)));
            if fleet.running().is_empty() {
                break;
            }
            sum.done += usize::from(mishap(&mut fleet, &mut chance));
        }
        sum.doubts += fleet.settle();
        fleet.assert_rate();
        sum.campaigns += 1;
    }
    let Sum { done, campaigns, doubts } = sum;
    println!(
        "{done} {what} in {campaigns} campaigns: bought twice 0, lost 0, books equal, no window above \
         the rate; {doubts} in doubt; {:.0} s",
        began.elapsed().as_secs_f64()
    );
}

fn any(fleet: &mut Fleet, chance: &mut Rng) -> Option<usize> {
    let running = fleet.running();
    (!running.is_empty()).then(|| running[chance.usize(..running.len())])
}

fn usual(by_hand: bool) -> impl Fn(u64) -> Script {
    move |seed| {
        if by_hand {
            Script { rate: 60, in_flight: 60, ..Script::new(Profile::Storm, seed, 300, 4) }
        } else {
            Script::new(Profile::Flaky, seed, 80, 3)
        }
    }
}

#[test]
fn random_kills_of_workers_lose_nothing_and_buy_nothing_twice() {
    let by_hand = asked("RUSHES_FLEET_KILLS");
    often("kills", by_hand.unwrap_or(12), usual(by_hand.is_some()), |fleet, chance| {
        let Some(nth) = any(fleet, chance) else { return false };
        let killed = fleet.kill(nth);
        fleet.start(nth);
        killed
    });
}

#[test]
fn workers_that_are_frozen_for_longer_than_their_lease_buy_nothing_when_they_thaw() {
    let by_hand = asked("RUSHES_FLEET_FREEZES");
    let script = |seed| Script { rate: 15, ..usual(by_hand.is_some())(seed) };
    often("freezes", by_hand.unwrap_or(2), script, |fleet, chance| {
        let Some(nth) = any(fleet, chance) else { return false };
        fleet.freeze(nth);
        let span = LEASE + Duration::from_millis(chance.u64(500..3000));
        std::thread::sleep(span);
        fleet.thaw(nth);
        true
    });
}

#[test]
fn workers_that_are_cut_off_leave_no_doubt_once_they_are_back() {
    let by_hand = asked("RUSHES_FLEET_PARTITIONS");
    let script =
        |seed| Script { profile: Profile::Calm, rate: 15, ..usual(by_hand.is_some())(seed) };
    often("partitions", by_hand.unwrap_or(3), script, |fleet, chance| {
        let Some(nth) = any(fleet, chance) else { return false };
        fleet.is_robust = true;
        let (database, gateway) = fleet.lines(nth);
        let kind = chance.u32(..5);
        match kind {
            0 => database.lose_answers(1),
            1 => database.cut(),
            _ => {
                database.hold(kind != 3);
                gateway.hold(kind >= 3);
            }
        }
        std::thread::sleep(Duration::from_millis(chance.u64(100..5000)));
        database.hold(false);
        gateway.hold(false);
        true
    });
}

#[test]
fn a_database_that_is_killed_under_its_workers_loses_nothing_and_leaves_no_doubt() {
    let by_hand = asked("RUSHES_FLEET_DATABASE_KILLS");
    let script = |seed| Script { profile: Profile::Calm, ..usual(by_hand.is_some())(seed) };
    often("kills of the database", by_hand.unwrap_or(3), script, |fleet, chance| {
        fleet.is_robust = true;
        fleet.server.kill();
        std::thread::sleep(Duration::from_millis(chance.u64(0..300)));
        fleet.server.begin();
        true
    });
}

/// Others begin the campaign and store clips meanwhile: they are no clips of an unknown purchase.
#[test]
fn a_worker_that_freezes_before_it_has_joined_finds_the_clips_of_others_when_it_thaws() {
    let mut fleet = Fleet::new(Script { rate: 50, ..Script::new(Profile::Calm, 9, 20, 2) });
    fleet.start_until(0, "folder looked at", 1);
    fleet.start(1);
    let (began, some) =
        (Instant::now(), "SELECT count(*) > 5 FROM revisions WHERE state = 'delivered'");
    while fleet.server.try_psql("rushes", some).as_deref() != Ok("t") {
        assert!(began.elapsed() < 10 * LEASE, "{}", fleet.log(1));
        std::thread::sleep(Duration::from_millis(20));
    }
    fleet.thaw(0);
    for (nth, status) in fleet.wait() {
        assert_eq!(status.code(), Some(0), "{}", fleet.log(nth));
    }
    assert_eq!(fleet.simulator.books().purchases.len(), 20);
}

/// Others call its shot doubtful meanwhile and buy it again. When it thaws, its request does not leave
/// any more, and its word that nothing was sent frees its price.
#[test]
fn a_worker_that_freezes_between_claim_and_request_sends_nothing_when_it_thaws() {
    let script = Script { rate: 10, resubmits: true, ..Script::new(Profile::Calm, 9, 30, 2) };
    let mut fleet = Fleet::new(script);
    fleet.start_until(0, "claim committed", 3);
    fleet.start(1);
    let is_bought_again = "SELECT count(*) FROM attempts AS a JOIN attempts AS mine \
                           ON mine.revision = a.revision AND a.number > mine.number \
                           WHERE mine.worker = 1 AND a.task_id IS NOT NULL";
    let began = Instant::now();
    while fleet.server.psql("rushes", is_bought_again) != "1" {
        assert!(began.elapsed() < 10 * LEASE, "{}", fleet.log(1));
        std::thread::sleep(Duration::from_millis(20));
    }
    fleet.thaw(0);
    for (nth, status) in fleet.wait() {
        assert_eq!(status.code(), Some(0), "{}", fleet.log(nth));
    }
    fleet.assert_books();
    assert_eq!(fleet.simulator.books().purchases.len(), 30);
    assert_eq!(fleet.count("delivered"), 30);
    let reserved = "SELECT count(*) FROM attempts WHERE account = 'reserved'";
    assert_eq!(fleet.server.psql("rushes", reserved), "0");
}
