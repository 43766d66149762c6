//! Between a worker and a database in memory: what goes wrong there when a test says so.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::error::MemoryError;

/// An answer that was lost is asked for again after so long.
pub(super) const AGAIN: Duration = Duration::from_millis(100);
/// A user who wants to leave waits so long for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a worker's calls.
#[derive(Debug, Default)]
pub(super) struct Link {
    state: Mutex<State>,
    /// Those that wait are woken in the order in which they came, so that tests go the same way again.
    changed: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_cut: bool,
    is_hurried: bool,
    /// The next answer is lost; `Some(true)`: and no further one comes until the link is healed.
    loses: Option<bool>,
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.state().is_cut
    }

    pub(super) fn set_cut(&self, is_cut: bool) {
        self.state().is_cut = is_cut;
        self.changed.notify_waiters();
    }

    pub(super) fn lose_next_answer(&self, then_cut: bool) {
        self.state().loses = Some(then_cut);
    }

    pub(super) fn hurry(&self) {
        self.state().is_hurried = true;
        self.changed.notify_waiters();
    }

    /// Whether the answer that is under way is lost, and if so whether the link is cut now.
    pub(super) fn loses_answer(&self) -> Option<bool> {
        self.state().loses.take()
    }

    /// Waits until a call can get through.
    pub(super) async fn reach(&self) -> Result<(), MemoryError> {
        let given_up = async {
            self.wait_for(|state| state.is_hurried).await;
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            biased;
            () = self.wait_for(|state| !state.is_cut) => Ok(()),
            () = given_up => Err(MemoryError::Unreachable),
        }
    }

    async fn wait_for(&self, is_so: impl Fn(State) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_so(*self.state()) {
                return;
            }
            changed.await;
        }
    }
}
