//! Several real programs at one campaign, over a real database and a simulator that lives on: killed,
//! frozen, cut off from the database, from the gateway, or from both; the database killed under them.
//! Nothing is bought twice, nothing is lost, the cap and the rate are kept over all of them.
//!
//! An ordinary test run does a few of each. By hand as many as one likes, with a build whose leases are
//! short enough to wait for:
//! ```text
//! RUSHES_FLEET_KILLS=1000 cargo nextest run --no-capture -E 'test(fleet) and test(kills_of_workers)'
//! RUSHES_FLEET_FREEZES=200 … -E 'test(fleet) and test(frozen)'
//! RUSHES_FLEET_PARTITIONS=200 … -E 'test(fleet) and test(cut_off)'
//! RUSHES_FLEET_DATABASE_KILLS=100 … -E 'test(fleet) and test(killed_under)'
//! ```
#![expect(clippy::print_stdout, reason = "what was asked for by hand")]

mod campaign;
mod ends;
mod mishaps;
mod replica;

use campaign::{Fleet, Script};
