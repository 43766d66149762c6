//! Everything that needs a socket, a disk or a process of its own. One binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]
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
