//! What a page shows of a campaign, and what it keeps.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clips::ClipStore;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{LedgerAddress, Snapshot};
use crate::report::contact_sheet::{Picks, Sheet};
use crate::review::{Reviewed, Reviews};

use super::run_view::RunView;

/// Makes a command for the campaign that is shown; see [`crate::report::remedy::Again`].
pub type Again = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// What a page shows of a campaign, and what it keeps.
#[derive(Clone)]
pub struct CampaignView {
    /// The ledger.
    pub ledger: LedgerAddress,
    /// The commands that the page tells the user to type.
    pub again: Again,
    /// The campaign folder.
    pub folder: PathBuf,
    /// The clips, where they are not in that folder.
    pub bucket: Option<Arc<dyn ClipStore>>,
    /// What is decided about clips; `None` where that cannot be kept.
    pub reviews: Option<Arc<Reviews>>,
    /// Where that is kept, as it is typed: `renders/summer/review.json`.
    pub picks: String,
    /// Where the contact sheet lies, or will lie when the run has ended: a path or an address.
    pub sheet: String,
    /// The run that serves the page; `None` of a page of its own.
    pub run: Option<RunView>,
}

impl CampaignView {
    /// The page of what the ledger says now. `verdicts`: what was decided.
    pub(super) fn sheet<'a>(
        &'a self,
        ledger: &'a dyn Snapshot,
        verdicts: &'a [Reviewed],
    ) -> Sheet<'a> {
        Sheet {
            source: ledger,
            again: &*self.again,
            now: SystemClock.now(),
            live: true,
            links: None,
            picks: Picks { verdicts, file: &self.picks, saves: self.reviews.is_some() },
            place: Some(&self.sheet),
        }
    }

    /// All that was decided. Blocking.
    pub(super) fn verdicts(&self) -> Vec<Reviewed> {
        self.reviews.as_ref().map_or_else(Vec::new, |reviews| reviews.since(0).0)
    }
}
