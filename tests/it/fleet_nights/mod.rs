//! Whole campaigns of several workers in virtual time from one seed: several real schedulers over one
//! database in memory and one in-process simulator, with workers that die, freeze, are cut off from
//! the database, from the gateway or from both, lose answers, join and leave; and with databases that
//! forget. In some the gateway calls any of the workers about what it sold. Every call to the gateway, and what
//! is left in the end, is held against the simulator's books.
//!
//! A night that breaks a promise prints its seed and its trace. To see one again, or to go on for
//! longer than an ordinary test run does:
//! ```sh
//! RUSHES_FLEET_NIGHT=4711 cargo test --test it fleet_nights::one_night_again -- --nocapture
//! RUSHES_FLEET_NIGHTS_FOR=3600 cargo test --release --test it fleet_nights::as_many_nights -- --nocapture
//! ```
#![expect(clippy::print_stdout, reason = "what was asked for by hand")]

mod clips;
mod exchange;
mod gate;
mod oracle;
mod plan;
mod stage;
mod user;
mod wire;
mod worker;

use fastrand::Rng;

use crate::nights::{assert_held, number, play_for_as_long};

use plan::FleetNight;
use stage::Stage;

/// What was broken in a night, and its trace.
fn play(seed: u64) -> (Vec<String>, Vec<String>) {
    let mut dice = Rng::with_seed(seed);
    let night = FleetNight::draw(&mut dice);
    let mut told = vec![format!("{night:?}")];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (violations, trace) =
        runtime.block_on(async { Stage::set(night, seed, dice).play().await });
    told.extend(trace);
    (violations, told)
}

fn must_hold(seed: u64) {
    assert_held(seed, &play(seed), "RUSHES_FLEET_NIGHT", "fleet_nights");
}

#[test]
fn nights_from_0_to_250_keep_every_promise() {
    (0..250).for_each(must_hold);
}

#[test]
fn nights_from_250_to_500_keep_every_promise() {
    (250..500).for_each(must_hold);
}

#[test]
fn nights_from_500_to_750_keep_every_promise() {
    (500..750).for_each(must_hold);
}

#[test]
fn nights_from_750_to_1000_keep_every_promise() {
    (750..1000).for_each(must_hold);
}

/// Nights in which a promise was once broken, or called broken.
#[test]
fn nights_that_went_wrong_once_keep_every_promise() {
    [1499, 1904, 6951, 7211, 8149, 9347, 10_622, 11_815, 49_775].into_iter().for_each(must_hold);
}

#[test]
fn one_night_again_goes_the_same_way() {
    let seed = number("RUSHES_FLEET_NIGHT").unwrap_or(7);
    let (violations, trace) = play(seed);
    assert_eq!(violations, Vec::<String>::new());
    assert_eq!(play(seed).1, trace);
}

/// For as many seconds as `RUSHES_FLEET_NIGHTS_FOR` says, from the seed `RUSHES_FLEET_NIGHTS_FROM` on.
#[test]
fn as_many_nights_as_there_is_time_for() {
    play_for_as_long("RUSHES_FLEET_NIGHTS", must_hold);
}
