//! All integration tests, in one binary.
#![allow(clippy::disallowed_methods, reason = "tests set their own stage: files, environment")]

mod books;
mod cli;
mod clips;
mod gateway;
mod house;
mod ledger;
mod manifest;
mod manifests;
mod sandbox;
mod scheduler;
mod sim;
mod storm;
mod support;
