//! Has the ledger say how a run stands, for `rushes status` in another terminal.

use std::sync::Arc;

use tokio::sync::watch;

use crate::blocking::Threads;
use crate::ledger::{Ledger, RunNote};
use crate::scheduler::{Progress, RunOutcome};

/// Follows a run until its progress's sender is gone.
pub async fn follow(mut progress: watch::Receiver<Progress>, ledger: Arc<dyn Ledger>) {
    let mut told = RunNote::default();
    while progress.changed().await.is_ok() {
        let note = note(&progress.borrow_and_update());
        if note != told {
            told = note.clone();
            let ledger = Arc::clone(&ledger);
            // It is for people: a failure has no meaning.
            drop(Threads::Pool.run(move || ledger.tell(&note)).await);
        }
    }
}

/// Why a run buys nothing more.
fn note(progress: &Progress) -> RunNote {
    let stopping = progress.stopping.as_ref().and_then(RunOutcome::why);
    RunNote { stopping, paused: progress.paused }
}
