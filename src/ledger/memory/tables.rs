//! A campaign in memory as several workers share it: the books, who works, and what they share beside
//! the books.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::books::{Books, NotedCallback, Revision, WorkerId};
use super::error::MemoryError;
use super::slots::{Line, cell};
use super::workers::Worker;
use crate::domain::state::{AttemptId, State};
use crate::ledger::{Digest, RevisionId, SlotRequest, Slots, Traffic, Work};
use crate::policy::budget::Budget;

/// Everything that is kept of a campaign.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) books: Books,
    /// By number; also those that have ended.
    pub(super) workers: Vec<Worker>,
    posts: Line,
    polls: Line,
    /// The number of the present run, or of the last one.
    pub(super) run: u64,
    pub(super) is_paused: bool,
    /// The budget that the manifest named last.
    pub(super) written_budget: Option<Budget>,
    /// The key that the account was first used with.
    key: Option<Arc<str>>,
    /// What the current shots are the shots of.
    pub(super) digest: Option<Digest>,
    /// What calls said that reached a worker which does not know their keys.
    pub(super) callbacks: BTreeMap<AttemptId, NotedCallback>,
    /// From which state into which revisions came.
    pub(super) moves: Vec<(RevisionId, &'static str, &'static str)>,
    /// Batches so far.
    pub(super) batches: u64,
}

impl Tables {
    /// A worker that joins, or a visitor.
    pub(super) fn join(
        &mut self,
        work: Option<Work>,
        post_lasts: Duration,
        now: Instant,
    ) -> Result<WorkerId, MemoryError> {
        if let Some(key) = work.as_ref().map(|work| &work.key).filter(|key| !key.is_empty())
            && self.key.get_or_insert_with(|| Arc::clone(key)) != key
        {
            return Err(MemoryError::OtherKey);
        }
        self.join_from(work, post_lasts, None, now)
    }

    /// The same; one that comes back goes on with its `run`, unless another has begun since.
    fn join_from(
        &mut self,
        work: Option<Work>,
        post_lasts: Duration,
        run: Option<u64>,
        now: Instant,
    ) -> Result<WorkerId, MemoryError> {
        self.lapse(now);
        let digest = work.as_ref().and_then(|work| work.digest);
        let theirs = |worker: &Worker| worker.work.as_ref().and_then(|work| work.digest);
        let others = self.living().filter_map(theirs);
        if digest.is_some_and(|mine| others.into_iter().any(|theirs| theirs != mine)) {
            return Err(MemoryError::OtherText);
        }
        let goes_on = run == Some(self.run);
        let begins_run = work.is_some() && !goes_on && self.living().next().is_none();
        if begins_run {
            self.run += 1;
            self.is_paused = false;
        }
        let me = WorkerId(self.workers.len());
        self.workers.push(Worker { begins_run, ..Worker::new(work, post_lasts, self.run) });
        Ok(me)
    }

    /// A worker calls: gives up all whose lease has ended. Answers its number, which is another one if
    /// it was given up itself.
    pub(super) fn enter(&mut self, me: WorkerId, now: Instant) -> Result<WorkerId, MemoryError> {
        self.lapse(now);
        match self.workers.get(me.0).filter(|worker| worker.ended.is_some()).cloned() {
            Some(before) => self.join_anew(me, before, now),
            None => Ok(me),
        }
    }

    /// Takes back what is still in the hands of its old number.
    fn join_anew(
        &mut self,
        old: WorkerId,
        before: Worker,
        now: Instant,
    ) -> Result<WorkerId, MemoryError> {
        let new = self.join_from(before.work, before.post_lasts, Some(before.run), now)?;
        let counted = self.workers.get_mut(old.0);
        let (failures, accepted) = counted.map_or((0, 0), |worker| {
            worker.rejections = None;
            (std::mem::take(&mut worker.failures), std::mem::take(&mut worker.accepted))
        });
        if let Some(worker) = self.workers.get_mut(new.0) {
            worker.only = before.only;
            worker.last_batch = before.last_batch;
            worker.last_assigned = before.last_assigned;
            let goes_on = before.run == worker.run;
            (worker.failures, worker.accepted) =
                if goes_on { (failures, accepted) } else { (0, 0) };
        }
        for revision in self.books.revisions.iter_mut().filter(|one| one.holder == Some(old)) {
            revision.holder = Some(new);
        }
        Ok(new)
    }

    fn lapse(&mut self, now: Instant) {
        for nth in 0..self.workers.len() {
            if self.workers.get_mut(nth).is_some_and(|worker| worker.lapse(now)) {
                self.free_all_of(WorkerId(nth));
            }
        }
    }

    /// Nothing goes on with what it had, but for POSTs that may be on the wire.
    fn free_all_of(&mut self, worker: WorkerId) {
        for revision in self.books.revisions.iter_mut().filter(|one| one.holder == Some(worker)) {
            if !matches!(revision.entry.status.state, State::Submitting { .. }) {
                revision.holder = None;
            }
        }
    }

    /// A worker ends by itself: nothing of its is on the wire.
    pub(super) fn leave(&mut self, me: WorkerId, now: Instant) {
        self.free_all_of(me);
        if let Some(worker) = self.workers.get_mut(me.0)
            && worker.ended.is_none()
        {
            worker.ended = Some(now);
        }
    }

    /// Those that work on the campaign.
    pub(super) fn living(&self) -> impl Iterator<Item = &Worker> {
        self.workers.iter().filter(|worker| worker.lives())
    }

    fn limits(&self) -> impl Iterator<Item = &Work> {
        self.living().filter_map(|worker| worker.work.as_ref())
    }

    /// How many of the account's places in flight are free.
    pub(super) fn places(&self) -> u32 {
        let taken = self.books.revisions.iter().filter(|one| one.is_in_flight()).count();
        let most = self.limits().map(|work| work.limits.in_flight).min().unwrap_or_default();
        most.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// Moments for traffic, at the strictest rate of all that work.
    pub(super) fn slots(&mut self, now: Instant, request: &SlotRequest) -> Slots {
        let rate = |work: &Work| match request.traffic {
            Traffic::Posts => work.limits.rate,
            Traffic::Polls => work.limits.poll_rate,
        };
        let cells = self.limits().map(|work| cell(rate(work)));
        let strictest = |(cell, late): (Duration, Duration), (other, its): (Duration, Duration)| {
            (cell.max(other), late.min(its))
        };
        let cell = cells.reduce(strictest).unwrap_or_default();
        let line = match request.traffic {
            Traffic::Posts => &mut self.posts,
            Traffic::Polls => &mut self.polls,
        };
        line.give(now, cell, request)
    }

    /// Whether a worker may send an attempt: it claimed it under its present number, and lives.
    pub(super) fn may_leave(&self, me: WorkerId, attempt: AttemptId, now: Instant) -> bool {
        self.books.attempt(attempt).is_some_and(|attempt| attempt.worker == Some(me))
            && self.workers.get(me.0).is_some_and(|worker| worker.may_send(now))
    }

    /// Whether a revision is in a worker's hands.
    pub(super) fn is_in_hands(&self, me: WorkerId, id: RevisionId) -> bool {
        self.books.revision(id).is_some_and(|one| one.holder == Some(me))
    }

    /// Whether a revision that is submitting was left so by a worker that has ended, and its POST is
    /// over.
    pub(super) fn is_left_submitting(&self, revision: &Revision, now: Instant) -> bool {
        let holder = revision.holder.and_then(|holder| self.workers.get(holder.0));
        holder.is_none_or(|worker| worker.ended.is_some_and(|over| over <= now))
    }
}
