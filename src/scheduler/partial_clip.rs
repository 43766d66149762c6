//! A download that was broken off.

use std::fmt;

use crate::clips::ClipWriter;

/// What was received of a clip so far, and what a host needs to go on from there.
pub struct PartialClip {
    /// What was received, and where it goes.
    pub writer: Box<dyn ClipWriter>,
    /// What tells the host that it still has the same file.
    pub validator: Option<String>,
}

impl fmt::Debug for PartialClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialClip").field("bytes", &self.writer.len()).finish_non_exhaustive()
    }
}
