//! Kills at random moments. An ordinary test run does some; `RUSHES_KILLS` asks one test for as
//! many as one likes, of the program that `RUSHES_PROGRAM` names, on bigger campaigns in a storm:
//!
//! ```text
//! cargo build --release
//! RUSHES_KILLS=1000 RUSHES_PROGRAM=$PWD/target/release/rushes \
//!   cargo nextest run --success-output final -E 'test(as_many_random_kills)'
//! ```
//!
//! With `RUSHES_KILLS_IN_DATABASE=true` the ledger is in a database. `RUSHES_KILL_SEED` replays a failure's moments and faults, as far as a busy machine lets it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what was asked for by hand")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rushes::domain::money::Usd;
use rushes::simulator::Profile;

use super::campaign::{Campaign, Script};

/// How often each of the four tests kills unless it is told otherwise.
const EACH: usize = 40;

/// How often the tests of this file kill in an ordinary run.
pub const fn kills() -> usize {
    5 * EACH
}

pub fn asked<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text:?} cannot be read")))
}

/// Says which seed it was when the test fails.
pub struct Seed(pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to replay: RUSHES_KILL_SEED={}", self.0);
        }
    }
}

/// What many campaigns with random kills add up to.
#[derive(Default)]
struct Sum {
    kills: usize,
    campaigns: usize,
    doubts_of_kills: usize,
    doubts: usize,
    bought: usize,
    delivered: usize,
    charged: Usd,
}

/// Kills that often, in as many campaigns as it takes, each settled and held against the books.
fn kill(count: usize, moments: std::ops::Range<u64>, script: impl Fn(u64) -> Script) -> Sum {
    let seed = Seed(asked("RUSHES_KILL_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32)));
    let mut chance = fastrand::Rng::with_seed(seed.0);
    let mut sum = Sum::default();
    while sum.kills < count {
        let mut campaign = Campaign::new(&script(chance.u64(..1 << 32)));
        while sum.kills + campaign.counts.kills < count {
            let pause = Duration::from_millis(chance.u64(moments.clone()));
            // At its end, what was in doubt gives it more to do; without doubts it is over.
            if !campaign.kill_after(pause) && !campaign.resolve() {
                break;
            }
        }
        let counts = campaign.settle();
        sum.campaigns += 1;
        sum.kills += counts.kills;
        sum.doubts_of_kills += counts.doubts_of_kills;
        sum.doubts += counts.doubts;
        sum.bought += counts.bought;
        sum.delivered += counts.delivered;
        sum.charged += counts.charged;
        println!("{} of {count} kills, {} campaigns", sum.kills, sum.campaigns);
    }
    sum
}

fn small(profile: Profile) -> impl Fn(u64) -> Script {
    move |seed| Script {
        profile,
        seed,
        shots: 60,
        limits: "rate: 60/s, poll_every: 20ms, poll_rate: 200/s, in_flight: 12, attempts: 8, \
                 submit_timeout: 1s, render_timeout: 2s",
        render: "1ms..200ms",
        cap: None,
        strangers: 0,
        in_database: false,
        program: None,
    }
}

#[test]
fn random_kills_on_a_calm_night_lose_nothing_and_buy_nothing_twice() {
    let sum = kill(EACH, 20..300, small(Profile::Calm));
    assert!(sum.kills >= EACH);
    assert_eq!(sum.delivered, sum.campaigns * 60);
}

#[test]
fn random_kills_under_a_cap_never_pass_it() {
    // Half of the shots fit.
    let capped = |seed| Script { cap: Some("1"), ..small(Profile::Flaky)(seed) };
    let sum = kill(EACH, 20..300, capped);
    assert!(sum.kills >= EACH);
    assert!(sum.delivered > 10 * sum.campaigns, "{} in {}", sum.delivered, sum.campaigns);
}

#[test]
fn random_kills_beside_a_gateway_that_lies_leave_books_that_agree() {
    assert!(kill(EACH, 20..300, small(Profile::Liar)).kills >= EACH);
}

#[test]
fn random_kills_with_the_ledger_in_a_database_lose_nothing_and_buy_nothing_twice() {
    let in_database = |seed| Script { in_database: true, ..small(Profile::Flaky)(seed) };
    assert!(kill(EACH, 50..500, in_database).kills >= EACH);
}

#[test]
fn as_many_random_kills_as_one_likes_leave_books_that_agree() {
    let by_hand: Option<usize> = asked("RUSHES_KILLS");
    let program: Option<PathBuf> = asked("RUSHES_PROGRAM");
    let in_database = asked("RUSHES_KILLS_IN_DATABASE").unwrap_or(false);
    let began = Instant::now();
    let (count, sum) = match by_hand {
        None => (EACH, kill(EACH, 20..300, small(Profile::Flaky))),
        Some(count) => {
            let big = |seed| Script {
                profile: Profile::Storm,
                seed,
                shots: 300,
                limits: "rate: 20/s, poll_every: 100ms, poll_rate: 300/s, in_flight: 60, \
                         attempts: 8, submit_timeout: 2s, render_timeout: 5s",
                render: "50ms..500ms",
                cap: None,
                strangers: 0,
                in_database,
                program: program.clone(),
            };
            (count, kill(count, 50..500, big))
        }
    };
    assert!(sum.kills >= count);
    let Sum { kills, campaigns, doubts_of_kills, doubts, bought, delivered, charged } = sum;
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let per_kill = doubts_of_kills as f64 / kills as f64;
    println!(
        "{kills} kills in {campaigns} campaigns: bought twice 0, lost 0, books equal (${charged} \
         spent and charged, {delivered} delivered); in doubt by a kill {doubts_of_kills} \
         ({per_kill:.2} a kill), by the gateway {}, of both {bought} had bought; {:.0} s",
        doubts - doubts_of_kills,
        began.elapsed().as_secs_f64()
    );
}
