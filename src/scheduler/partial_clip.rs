//! A download that was broken off.

use std::fmt;

use crate::clips::ClipWriter;

/// What was received of a clip so far, and what a host needs to go on from there.
pub struct PartialClip {
    pub(super) writer: Box<dyn ClipWriter>,
    pub(super) validator: Option<String>,
}

impl fmt::Debug for PartialClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialClip").field("bytes", &self.writer.len()).finish_non_exhaustive()
    }
}
