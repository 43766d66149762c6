//! What a live page shows and what its buttons press.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{LedgerAddress, Snapshot};
use crate::policy::limits::Rate;
use crate::report::contact_sheet::Sheet;
use crate::scheduler::{CancelToken, Metrics, PauseSwitch, Progress};

/// Makes a command for the campaign that is shown; see [`crate::report::remedy::Again`].
pub type Typed = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// What is shown and what the buttons press.
#[derive(Clone)]
pub struct Show {
    /// The ledger.
    pub ledger: LedgerAddress,
    /// The commands that the page tells people to type.
    pub again: Typed,
    /// The campaign folder.
    pub folder: PathBuf,
    /// The run's counts.
    pub progress: watch::Receiver<Progress>,
    /// The run's pace.
    pub rate: Rate,
    /// The stop button.
    pub stop: CancelToken,
    /// The pause button.
    pub pause: PauseSwitch,
    /// What the run counts and times.
    pub metrics: Arc<Metrics>,
}

impl Show {
    /// The page of what the ledger says now.
    pub(super) fn sheet<'a>(&'a self, ledger: &'a dyn Snapshot) -> Sheet<'a> {
        Sheet { source: ledger, again: &*self.again, now: SystemClock.now(), live: true }
    }
}
