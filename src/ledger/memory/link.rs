//! Between a worker and a database in memory: what goes wrong there when a test says so.

use std::time::Duration;

use tokio::sync::watch;

use super::error::MemoryError;

/// An answer that was lost is asked for again after so long.
pub(super) const AGAIN: Duration = Duration::from_millis(100);
/// A user who wants to leave waits so long for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a worker's calls.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_cut: bool,
    is_hurried: bool,
    /// The next answer is lost; `Some(true)`: and no further one comes until the link is healed.
    loses: Option<bool>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.state.borrow().is_cut
    }

    pub(super) fn set_cut(&self, is_cut: bool) {
        self.state.send_modify(|state| state.is_cut = is_cut);
    }

    pub(super) fn lose_next_answer(&self, then_cut: bool) {
        self.state.send_modify(|state| state.loses = Some(then_cut));
    }

    pub(super) fn hurry(&self) {
        self.state.send_modify(|state| state.is_hurried = true);
    }

    /// Whether the answer that is under way is lost, and if so whether the link is cut now.
    pub(super) fn loses_answer(&self) -> Option<bool> {
        let mut lost = None;
        self.state.send_if_modified(|state| {
            lost = state.loses.take();
            lost.is_some()
        });
        lost
    }

    /// Waits until a call can get through.
    pub(super) async fn reach(&self) -> Result<(), MemoryError> {
        let (mut calls, mut hurries) = (self.state.subscribe(), self.state.subscribe());
        let given_up = async {
            drop(hurries.wait_for(|state| state.is_hurried).await);
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            biased;
            _open = calls.wait_for(|state| !state.is_cut) => Ok(()),
            () = given_up => Err(MemoryError::Unreachable),
        }
    }
}
