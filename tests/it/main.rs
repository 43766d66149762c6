//! All integration tests, in one binary.
#![allow(clippy::disallowed_methods, reason = "tests set their own stage: files, environment")]

mod cli;
mod house;
mod ledger;
mod manifest;
mod sandbox;
mod sim;
