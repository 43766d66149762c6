//! Calls that wait for the scheduler. The queue holds one place for each known key and nothing for
//! any other: a flood of calls about one attempt is one call, and calls with unknown keys are none.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;

use crate::provider::callback_body::MAX_NAMED;

/// Known keys and the calls with them.
#[derive(Debug, Default)]
pub struct WebhookQueue {
    calls: Mutex<Calls>,
    came: Notify,
    /// Whether a run takes calls.
    takes_calls: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Calls {
    /// What was named in calls that the scheduler has not taken yet; `None` while there are none.
    known: HashMap<Secret, Option<Vec<TaskId>>>,
    /// Keys with such calls, in the order they came.
    waiting: VecDeque<Secret>,
}

impl WebhookQueue {
    /// From now on a run takes calls, and every key that can be known is.
    pub fn open(&self) {
        self.takes_calls.send_replace(true);
    }

    /// No run takes calls any more: the gateway is to call again later.
    pub fn close(&self) {
        self.takes_calls.send_replace(false);
    }

    /// Whether a run takes calls.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.takes_calls.borrow()
    }

    /// Waits until a run takes calls.
    pub async fn opened(&self) {
        // The sender lives in `self`, so that waiting can only end with an opening.
        let _ = self.takes_calls.subscribe().wait_for(|takes_calls| *takes_calls).await;
    }

    /// From now on calls with this key are queued.
    pub fn expect(&self, token: Secret) {
        self.calls().known.entry(token).or_default();
    }

    /// From now on they do not.
    pub fn forget(&self, token: &Secret) {
        let mut calls = self.calls();
        if let Some(Some(_)) = calls.known.remove(token) {
            calls.waiting.retain(|waiting| waiting != token);
        }
    }

    /// A call came and named these tasks.
    pub fn push(&self, token: Secret, tasks: Vec<TaskId>) {
        let mut calls = self.calls();
        let Some(named) = calls.known.get_mut(&token) else { return };
        let is_first = named.is_none();
        let named = named.get_or_insert_default();
        for task in tasks {
            if named.len() < MAX_NAMED && !named.contains(&task) {
                named.push(task);
            }
        }
        if is_first {
            calls.waiting.push_back(token);
        }
        drop(calls);
        self.came.notify_one();
    }

    /// The next call, as soon as there is one. Loses none when it is dropped.
    pub async fn next(&self) -> (Secret, Vec<TaskId>) {
        loop {
            let notified = self.came.notified();
            if let Some(call) = self.take() {
                return call;
            }
            notified.await;
        }
    }

    fn take(&self) -> Option<(Secret, Vec<TaskId>)> {
        let mut calls = self.calls();
        loop {
            let token = calls.waiting.pop_front()?;
            if let Some(tasks) = calls.known.get_mut(&token).and_then(Option::take) {
                return Some((token, tasks));
            }
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
