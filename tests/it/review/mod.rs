//! What people decided about clips, as it is kept: the file, several programs that change it, and lists
//! of picks.

mod file;
mod picks;
mod program;
mod store;

use rushes::domain::shot::ShotId;
use rushes::domain::time::Timestamp;
use rushes::review::{Change, ClipKey};

/// A revision of a shot.
fn clip(id: &str, revision: u32) -> ClipKey {
    ClipKey { id: ShotId::new(id).unwrap(), revision }
}

/// 2026-11-28, seven in the morning, and so many seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_849_200_000 + seconds * 1000)
}

fn pick(on: bool) -> Change {
    Change { pick: Some(on), ..Change::default() }
}

fn rate(rating: u8) -> Change {
    Change { rating: Some(rating), ..Change::default() }
}

fn reject(on: bool) -> Change {
    Change { rejected: Some(on), ..Change::default() }
}

fn note(text: &str) -> Change {
    Change { note: Some(text.to_owned()), ..Change::default() }
}
