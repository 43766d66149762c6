//! Everything that needs a socket, a disk or a process of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod manifest;
mod manifest_identity;
