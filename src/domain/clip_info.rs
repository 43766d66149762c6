//! What a clip turned out to be: plain data, told by the file itself and not by what was asked for.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The facts of a clip's picture and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClipInfo {
    /// How long the picture lasts, in milliseconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub millis: u64,
    /// The picture's width in pixels, as it is shown.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Whether there is a sound track.
    pub sound: bool,
}

impl ClipInfo {
    /// How long the picture lasts, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        Duration::from_millis(self.millis).as_secs_f64()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn seconds<S: Serializer>(millis: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(Duration::from_millis(*millis).as_secs_f64())
}
