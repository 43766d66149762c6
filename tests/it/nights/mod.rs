//! Whole campaigns in virtual time from one seed: the real scheduler, policies and ledger against
//! the in-process simulator, with the process dying, the disk failing and the gateway misbehaving
//! wherever the seed says; after every step the promises are held against the simulator's books.
//!
//! A night that breaks a promise prints its seed and its trace. To see one again, or to go on for
//! longer than an ordinary test run does:
//! ```sh
//! RUSHES_NIGHT=4711 cargo test --test it nights::one_night_again -- --nocapture
//! RUSHES_NIGHTS_FOR=3600 cargo test --release --test it nights::as_many_nights -- --nocapture
//! ```
#![expect(clippy::print_stdout, reason = "what was asked for by hand")]

mod disk;
mod night;
pub mod oracle;
pub mod plan;
pub mod stderr;
mod user;
mod vfs;
mod wire;

use std::time::{Duration, Instant};

use fastrand::Rng;

use rushes::scheduler::RunOutcome;

use night::{End, Stage};
use plan::{Doom, Night};
use wire::Cut;
pub use wire::prompt;

/// How much of a trace is shown.
const MAX_LINES: usize = 400;

fn play(seed: u64) -> (Vec<String>, Vec<String>) {
    let mut dice = Rng::with_seed(seed);
    let night = Night::draw(&mut dice);
    let mut stage_trace = vec![format!("{night:?}")];
    let (violations, trace) = Stage::set(night, seed, dice).play();
    stage_trace.extend(trace);
    (violations, stage_trace)
}

fn must_hold(seed: u64) {
    assert_held(seed, &play(seed), "RUSHES_NIGHT", "nights");
}

/// Shows the end of a night's trace if it broke a promise, and how to see that night again: `variable` takes
/// the seed, `module` has the test.
pub fn assert_held(
    seed: u64,
    (violations, trace): &(Vec<String>, Vec<String>),
    variable: &str,
    module: &str,
) {
    let shown = trace.len().saturating_sub(MAX_LINES);
    assert!(
        violations.is_empty(),
        "seed {seed}: {violations:#?}\n{}\nto see it again: {variable}={seed} cargo test --test it \
         {module}::one_night_again -- --nocapture",
        trace[shown..].join("\n"),
    );
}

/// Plays for as many seconds as `{variables}_FOR` says, from the seed `{variables}_FROM` on.
pub fn play_for_as_long(variables: &str, must_hold: fn(u64)) {
    let time = Duration::from_secs(number(&format!("{variables}_FOR")).unwrap_or(1));
    let from = number(&format!("{variables}_FROM")).unwrap_or(1_000);
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

pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
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

#[test]
fn one_night_again_goes_the_same_way() {
    let seed = number("RUSHES_NIGHT").unwrap_or(7);
    let (violations, trace) = play(seed);
    if std::env::var("RUSHES_NIGHT").is_ok() {
        println!("{}", trace.join("\n"));
    }
    assert_eq!(violations, Vec::<String>::new());
    assert_eq!(play(seed).1, trace);
}

#[test]
fn an_overnight_campaign_of_ten_thousand_shots_is_killed_once_and_ends() {
    let mut dice = Rng::with_seed(42);
    let mut stage = Stage::set(Night::overnight(10_000, &mut dice), 42, dice);
    stage.oracle.lock().unwrap().every = 500;
    let killed = Doom { cut: Some(Cut::OnTheWire(6_000)), ..Doom::default() };
    assert!(matches!(stage.live(&killed), End::Died));
    let end = stage.live(&Doom::default());
    assert!(matches!(end, End::Ran(RunOutcome::Done, _)), "{end:?}");
    let oracle = stage.oracle.lock().unwrap();
    assert_eq!(oracle.violations, Vec::<String>::new());
    drop(oracle);
    assert!(stage.sim.books().purchases.len() > 9_500);
}

/// For as many seconds as `RUSHES_NIGHTS_FOR` says, from the seed `RUSHES_NIGHTS_FROM` on.
#[test]
fn as_many_nights_as_there_is_time_for() {
    play_for_as_long("RUSHES_NIGHTS", must_hold);
}
