//! All integration tests, in one binary.
#![allow(clippy::disallowed_methods, reason = "tests set their own stage: files, environment")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

#[cfg(target_os = "linux")]
mod asking;
mod automation;
mod books;
mod broken;
mod browser;
#[cfg(all(feature = "buckets", target_os = "linux"))]
mod buckets;
mod budget;
mod callbacks;
mod cases;
mod catalog;
mod check;
mod cli;
mod clips;
mod contract;
#[cfg(all(unix, feature = "postgres"))]
mod database;
mod deploy;
#[cfg(target_os = "linux")]
mod disk;
mod domain;
mod export;
mod facade;
#[cfg(all(unix, feature = "postgres"))]
mod fleet;
mod fleet_nights;
mod fuzz;
mod house;
mod identity;
#[cfg(all(unix, feature = "postgres"))]
mod kills;
mod language;
mod ledger;
mod listener;
mod live;
mod log;
mod long_nights;
mod manifest;
mod manifest_identity;
mod manifests;
mod mishaps;
mod nights;
mod notify;
mod odd_nights;
#[cfg(target_os = "linux")]
mod on_a_terminal;
mod outcomes;
mod plan;
mod policy;
mod programs;
mod provider;
mod readme;
mod report;
mod resolve;
mod review;
mod sandbox;
mod scheduler;
mod schema;
mod security;
#[cfg(target_os = "linux")]
mod signals;
mod sim;
mod status;
mod storm;
mod support;
mod uploads;
mod whole;
