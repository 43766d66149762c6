//! The current shots by state.

use super::error::Trouble;
use super::rows::Found;
use crate::ledger::Counts;

/// Counts a campaign's current shots, to be read by [`Found::counts`].
pub(super) const COUNTS: &str = "SELECT count(*) FILTER (WHERE state = 'queued'), \
     count(*) FILTER (WHERE state = 'submitting'), \
     count(*) FILTER (WHERE state = 'rendering' AND why IS NULL), \
     count(*) FILTER (WHERE state = 'rendering' AND why IS NOT NULL), \
     count(*) FILTER (WHERE state = 'rendered'), count(*) FILTER (WHERE state = 'delivered'), \
     count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'in_doubt') \
     FROM revisions WHERE campaign = $1 AND current";

impl Found<'_> {
    /// From the columns of [`COUNTS`].
    pub(super) fn counts(&self) -> Result<Counts, Trouble> {
        Ok(Counts {
            queued: self.unsigned(0)?,
            submitting: self.unsigned(1)?,
            rendering: self.unsigned(2)?,
            stalled: self.unsigned(3)?,
            rendered: self.unsigned(4)?,
            delivered: self.unsigned(5)?,
            failed: self.unsigned(6)?,
            in_doubt: self.unsigned(7)?,
        })
    }
}
