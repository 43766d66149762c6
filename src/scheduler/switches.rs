//! The user's hands on a run: stop and pause.

use tokio::sync::watch;

/// Stops a run; clones stop the same one.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(watch::Sender<bool>);

impl CancelToken {
    /// Asks the run to stop: submit nothing more, write down what is on the wire, return.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked to.
    pub(super) async fn cancelled(&self) {
        // The sender lives in `self`, so that waiting can only end with a cancellation.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

/// Pauses a run; clones pause the same one. Paused, a run buys nothing and does everything else: what
/// is on the wire is answered and written down, tasks are polled, clips are fetched, callbacks heard,
/// a stop or a deadline obeyed.
///
/// The switch is looked at before a purchase is claimed in the ledger, and once more when its POST
/// is about to leave: one that was claimed before the pause and has not left is written down as not
/// sent, and its price is free again. So when [`PauseSwitch::pause`] has returned, only those POSTs
/// are on the wire that had passed that last look, and no other leaves before
/// [`PauseSwitch::resume`].
#[derive(Clone, Debug, Default)]
pub struct PauseSwitch(watch::Sender<bool>);

impl PauseSwitch {
    /// Nothing more is bought from now on.
    pub fn pause(&self) {
        self.0.send_replace(true);
    }

    /// Buying goes on.
    pub fn resume(&self) {
        self.0.send_replace(false);
    }

    /// Whether the run is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is no longer as it was.
    pub(super) async fn turns(&self, was_paused: bool) {
        // The sender lives in `self`, so that waiting can only end with a turn.
        let _ = self.0.subscribe().wait_for(|paused| *paused != was_paused).await;
    }
}
