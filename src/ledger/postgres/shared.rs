//! What other threads, and the other connections of a worker, see of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::process::boot_clock;
use super::timings::TIMINGS;
use crate::domain::state::AttemptId;
use crate::policy::budget::{Balance, Budget};

/// How long an answer may take once the user wants to leave.
const HURRY: Duration = Duration::from_secs(5);
/// The same once there is no caller left.
const CLOSING: Duration = Duration::from_secs(2);

/// What is seen of a worker.
#[derive(Debug)]
pub(super) struct Shared {
    /// As of the last batch, or of the last news.
    money: Mutex<(Budget, Balance)>,
    /// Whether something could not be written.
    failed: AtomicBool,
    /// Until when the lease lasts at least, in milliseconds of [`boot_clock`].
    lease_until: AtomicI64,
    /// Its number now.
    worker: AtomicI64,
    /// What it claimed under this number, and of which no answer is known yet.
    claimed: Mutex<BTreeSet<AttemptId>>,
    /// Since when, and how long at most, an answer is waited for; `None`: as long as it takes.
    ends: watch::Sender<Option<(Instant, Duration)>>,
}

impl Shared {
    /// Of a worker that has just joined.
    pub(super) fn new(worker: i64) -> Self {
        Self {
            money: Mutex::default(),
            failed: AtomicBool::new(false),
            lease_until: AtomicI64::new(0),
            worker: AtomicI64::new(worker),
            claimed: Mutex::default(),
            ends: watch::Sender::new(None),
        }
    }

    pub(super) fn money(&self) -> (Budget, Balance) {
        *self.money.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, budget: Budget, balance: Balance) {
        *self.money.lock().unwrap_or_else(PoisonError::into_inner) = (budget, balance);
    }

    /// The user wants to leave: a database that does not answer is not waited for much longer.
    pub(super) fn hurry(&self) {
        self.ends.send_if_modified(|ends| {
            let is_new = ends.is_none();
            ends.get_or_insert_with(|| (Instant::now(), HURRY));
            is_new
        });
    }

    /// Nothing will be asked any more.
    pub(super) fn close(&self) {
        self.ends.send_replace(Some((Instant::now(), CLOSING)));
    }

    /// Waits until the answer to what was asked at `asked` is waited for no longer.
    pub(super) async fn patience_ends(&self, asked: Instant) {
        let mut ends = self.ends.subscribe();
        loop {
            let until = ends.borrow_and_update().map(|(since, span)| since.max(asked) + span);
            let Some(until) = until else {
                drop(ends.changed().await);
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                changed = ends.changed() => drop(changed),
            }
        }
    }

    /// Something was not written: nothing more is.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Whether something was not written.
    pub(super) fn is_over(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Whether nothing may be sent now.
    pub(super) fn has_failed(&self) -> bool {
        self.is_over() || !self.lease_lasts()
    }

    fn lease_lasts(&self) -> bool {
        boot_clock() <= self.lease_until.load(Ordering::Acquire)
    }

    /// The lease was renewed by a call that was made at `asked`.
    pub(super) fn renewed(&self, asked: i64) {
        let lease = i64::try_from(TIMINGS.own_lease.as_millis()).unwrap_or(i64::MAX);
        self.lease_until.store(asked + lease, Ordering::Release);
    }

    /// The worker's number now.
    pub(super) fn worker(&self) -> i64 {
        self.worker.load(Ordering::Acquire)
    }

    /// It joined anew: what it claimed before may not leave any more.
    pub(super) fn joined_anew(&self, worker: i64) {
        self.claims().clear();
        self.worker.store(worker, Ordering::Release);
    }

    /// It claimed these attempts, and knows what became of those.
    pub(super) fn claimed(&self, new: &[AttemptId], answered: &[AttemptId]) {
        let mut claims = self.claims();
        claims.extend(new);
        for attempt in answered {
            claims.remove(attempt);
        }
    }

    /// Whether the POST of this attempt may leave now.
    pub(super) fn may_leave(&self, attempt: AttemptId) -> bool {
        self.claims().contains(&attempt) && !self.has_failed()
    }

    fn claims(&self) -> MutexGuard<'_, BTreeSet<AttemptId>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
