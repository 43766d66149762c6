//! What people decided about clips: picks, ratings, rejects and notes, kept as `review.json` in the
//! campaign folder. Several programs may change it at once; nothing in it is lost by that. Says nothing
//! about money, and no run reads it.
//!
//! ```json
//! {"rushes_review": 1, "campaign": "summer", "shots": [
//!   {"id": "beach", "revision": 1, "pick": true, "rating": 4, "rejected": false,
//!    "note": "the second wave", "at": "2026-11-28T07:12:00.000Z"}
//! ]}
//! ```

mod error;
mod file;
mod picks;
mod store;

pub use error::ReviewError;
pub use file::{FILE, Review};
pub use picks::{Pick, read_picks};
pub use store::Reviews;

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::shot::ShotId;
use crate::domain::time::Timestamp;

/// The highest rating.
pub const MAX_RATING: u8 = 5;
/// The longest note, in characters; a longer one is cut.
pub const MAX_NOTE: usize = 4_000;

/// Whose clip a verdict is about: a revision of a shot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ClipKey {
    /// The shot.
    #[serde(serialize_with = "as_text")]
    pub id: ShotId,
    /// The revision's number, from 1.
    pub revision: u32,
}

/// What a person decided about a clip. A pick is never rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it is chosen.
    pub pick: bool,
    /// 1 to 5; 0 is unrated.
    pub rating: u8,
    /// Whether it is not to be used.
    pub rejected: bool,
    /// Free text, possibly of several lines; from people, so not safe for a terminal.
    pub note: String,
    /// When it was decided last.
    pub at: Option<Timestamp>,
}

/// A clip and what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// The clip.
    #[serde(flatten)]
    pub clip: ClipKey,
    /// The decision.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What is to be changed of a verdict; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Choose it or not.
    pub pick: Option<bool>,
    /// Rate it, 0 to 5.
    pub rating: Option<u8>,
    /// Reject it or not.
    pub rejected: Option<bool>,
    /// Another note.
    pub note: Option<String>,
}

fn as_text<S: Serializer>(id: &ShotId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

impl Verdict {
    /// The verdict after a change made at `now`.
    #[must_use]
    pub fn after(&self, change: &Change, now: Timestamp) -> Self {
        let mut next = Self { at: Some(now), ..self.clone() };
        if let Some(pick) = change.pick {
            next.pick = pick;
            next.rejected &= !pick;
        }
        if let Some(rejected) = change.rejected {
            next.rejected = rejected;
            next.pick &= !rejected;
        }
        if let Some(rating) = change.rating {
            next.rating = rating.min(MAX_RATING);
        }
        if let Some(note) = &change.note {
            let text = note.replace("\r\n", "\n");
            let kept = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control());
            let note: String = kept.take(MAX_NOTE).collect();
            note.trim().clone_into(&mut next.note);
        }
        next
    }
}
