//! The attempts that the provider may call about, and the shots in doubt that wait for a call.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::callback::Callbacks;
use crate::domain::callback::add_named;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::state::AttemptId;
use crate::domain::time::{Now, Timestamp};
use crate::ledger::CallbackSubscription;

use super::shot_state::Slot;

/// Between two polls of one shot that callbacks cause lies this at least.
const CALLBACK_SPACING: Duration = Duration::from_secs(1);

/// The attempts that the provider may call about in this run.
pub(super) struct Doubts {
    pub(super) callbacks: Callbacks,
    pub(super) subscriptions: HashMap<AttemptId, Subscription>,
    pub(super) by_key: HashMap<Secret, AttemptId>,
    /// Attempts in doubt about which a callback is waited for, and until when.
    pub(super) awaited: BTreeSet<(Timestamp, AttemptId)>,
    /// Tasks that are being asked for.
    pub(super) asking: usize,
    /// Tasks that were bought while some were asked for: the ledger may not have known them then.
    pub(super) bought_meanwhile: HashSet<TaskId>,
}

/// What is known of one attempt's callbacks.
pub(super) struct Subscription {
    pub(super) key: Secret,
    pub(super) sent_at: Timestamp,
    pub(super) slot: Slot,
    /// Tasks that callbacks named and that were not asked for yet.
    pub(super) named: Vec<TaskId>,
    /// When a callback last caused a poll.
    pub(super) polled: Option<Duration>,
    /// Whether a callback came that caused no poll yet.
    pub(super) is_called: bool,
}

impl Subscription {
    pub(super) fn name(&mut self, tasks: Vec<TaskId>) {
        add_named(&mut self.named, tasks);
    }
}

impl Doubts {
    pub(super) fn new(callbacks: Callbacks) -> Self {
        Self {
            callbacks,
            subscriptions: HashMap::new(),
            by_key: HashMap::new(),
            awaited: BTreeSet::new(),
            asking: 0,
            bought_meanwhile: HashSet::new(),
        }
    }

    /// From now on callbacks about this attempt are heard.
    pub(super) fn expect(&mut self, subscription: CallbackSubscription, slot: Slot) {
        let CallbackSubscription { attempt, key, sent_at } = subscription;
        self.by_key.insert(key, attempt);
        let (named, polled, is_called) = (Vec::new(), None, false);
        let subscription = Subscription { key, sent_at, slot, named, polled, is_called };
        self.subscriptions.insert(attempt, subscription);
    }

    /// A shot was bought as this task.
    pub(super) fn note_bought(&mut self, task: &TaskId) {
        if self.asking > 0 {
            self.bought_meanwhile.insert(task.clone());
        }
    }

    /// Notes that a task was asked for; whether it was bought meanwhile.
    pub(super) fn asked(&mut self, task: &TaskId) -> bool {
        self.asking -= 1;
        let bought = self.bought_meanwhile.contains(task);
        if self.asking == 0 {
            self.bought_meanwhile.clear();
        }
        bought
    }

    /// The next moment at which a callback may cause a poll of this attempt, which is taken.
    pub(super) fn next_poll(
        &mut self,
        now: Now,
        attempt: AttemptId,
        poll_every: Duration,
    ) -> Duration {
        let Some(subscription) = self.subscriptions.get_mut(&attempt) else { return now.elapsed };
        let spacing = CALLBACK_SPACING.min(poll_every);
        let free = subscription.polled.map_or(now.elapsed, |polled| polled + spacing);
        let at = free.max(now.elapsed);
        subscription.polled = Some(at);
        at
    }
}
