//! Whole campaigns of several workers in virtual time from one seed: several real schedulers over one
//! database in memory and one in-process simulator, with workers that die, freeze, are cut off from
//! the database, from the gateway or from both, lose answers, join and leave; and with databases that
//! forget. Every call to the gateway, and what is left in the end, is held against the simulator's
//! books.
//!
//! A night that breaks a promise prints its seed and its trace. To see one again, or to go on for
//! longer than an ordinary test run does:
//! ```sh
//! RUSHES_FLEET_NIGHT=4711 cargo test --test it fleet_nights::one_night_again -- --nocapture
//! RUSHES_FLEET_NIGHTS_FOR=3600 cargo test --release --test it fleet_nights::as_many_nights -- --nocapture
//! ```
#![expect(clippy::print_stdout, reason = "what was asked for by hand")]

mod clips;
mod gate;
mod oracle;
mod plan;
mod stage;
mod user;
mod wire;
mod worker;

use std::time::{Duration, Instant};

use fastrand::Rng;

use plan::FleetNight;
use stage::Stage;

/// How much of a trace is shown.
const MAX_LINES: usize = 300;

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
    let (violations, trace) = play(seed);
    let shown = trace.len().saturating_sub(MAX_LINES);
    assert!(
        violations.is_empty(),
        "seed {seed}: {violations:#?}\n{}\nto see it again: RUSHES_FLEET_NIGHT={seed} cargo test \
         --test it fleet_nights::one_night_again -- --nocapture",
        trace[shown..].join("\n"),
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn nights_from_0_to_150_keep_every_promise() {
    (0..150).for_each(must_hold);
}

#[test]
fn nights_from_150_to_300_keep_every_promise() {
    (150..300).for_each(must_hold);
}

#[test]
fn nights_from_300_to_450_keep_every_promise() {
    (300..450).for_each(must_hold);
}

#[test]
fn nights_from_450_to_600_keep_every_promise() {
    (450..600).for_each(must_hold);
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
    let time = Duration::from_secs(number("RUSHES_FLEET_NIGHTS_FOR").unwrap_or(1));
    let from = number("RUSHES_FLEET_NIGHTS_FROM").unwrap_or(1_000);
    let began = Instant::now();
    let mut seed = from;
    while began.elapsed() < time {
        must_hold(seed);
        seed += 1;
    }
    let (count, took) = (seed - from, began.elapsed().as_secs_f64());
    println!(
        "{count} nights from seed {from} in {took:.0} s, {:.0} a minute, no promise broken",
        60.0 * f64::from(u32::try_from(count).unwrap()) / took
    );
}
