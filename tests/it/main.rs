//! The house through its public doors.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod clips;
mod gateway;
mod manifest;
mod sim;
mod support;
