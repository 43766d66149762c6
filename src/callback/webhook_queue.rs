//! Calls that wait for the scheduler. The queue holds one place for each known key, and where other
//! workers may know more keys, a few places for others: a flood of calls about one attempt is one call,
//! and a flood of calls with unknown keys ends when those places are taken.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::domain::callback::{Callback, add_named};
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;

/// So many keys that may be other workers' wait at most.
const MAX_OTHERS: usize = 64;

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
    /// Calls with other keys, in the order they came; `None`: no other worker can know them.
    others: Option<Vec<Callback>>,
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

    /// From now on calls with unknown keys are kept too: other workers may know them.
    pub fn keep_others(&self) {
        self.calls().others.get_or_insert_default();
    }

    /// Takes the calls whose keys are not known here.
    pub fn take_others(&self) -> Vec<Callback> {
        self.calls().others.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// From now on calls with this key are queued, also one that has come already.
    pub fn expect(&self, token: Secret) {
        let mut calls = self.calls();
        let Calls { known, waiting, others } = &mut *calls;
        let named = known.entry(token).or_default();
        let came = others.as_mut().and_then(|others| {
            let at = others.iter().position(|call| call.key == token)?;
            Some(others.remove(at))
        });
        if let Some(call) = came {
            note(named, waiting, call);
            self.came.notify_one();
        }
    }

    /// From now on they do not.
    pub fn forget(&self, token: &Secret) {
        let mut calls = self.calls();
        if let Some(Some(_)) = calls.known.remove(token) {
            calls.waiting.retain(|waiting| waiting != token);
        }
    }

    /// A call came and named these tasks. Whether it was heard, or is of no interest; `false`: it is to
    /// come again later.
    #[must_use]
    pub fn push(&self, key: Secret, tasks: Vec<TaskId>) -> bool {
        let mut calls = self.calls();
        let Calls { known, waiting, others } = &mut *calls;
        let call = Callback { key, tasks };
        let Some(named) = known.get_mut(&key) else {
            return others.as_mut().is_none_or(|others| keep(others, call));
        };
        note(named, waiting, call);
        self.came.notify_one();
        true
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

/// Notes a call with a known key.
fn note(named: &mut Option<Vec<TaskId>>, waiting: &mut VecDeque<Secret>, call: Callback) {
    if named.is_none() {
        waiting.push_back(call.key);
    }
    add_named(named.get_or_insert_default(), call.tasks);
}

/// Keeps a call that may be another worker's; whether there was a place for it.
fn keep(others: &mut Vec<Callback>, call: Callback) -> bool {
    if let Some(kept) = others.iter_mut().find(|kept| kept.key == call.key) {
        add_named(&mut kept.tasks, call.tasks);
        return true;
    }
    let has_room = others.len() < MAX_OTHERS;
    if has_room {
        others.push(call);
    }
    has_room
}
