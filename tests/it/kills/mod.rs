//! The real binary, killed with SIGKILL over real sockets and files, held against the books of a
//! simulator that lives on: nothing is bought twice, nothing is lost, and every micro-dollar agrees.

mod campaign;
#[cfg(feature = "postgres")]
mod database;
mod named;
mod random;
mod simulator;

pub use random::{Seed, asked};
pub use simulator::Simulator;

/// So many kills an ordinary test run does at least.
const FEWEST: usize = 200;

#[test]
fn an_ordinary_test_run_kills_at_least_two_hundred_times() {
    let (named, random) = (named::kills(), random::kills());
    assert!(named + random >= FEWEST, "{named} at named points and {random} at random");
}
