//! What a worker of a ledger in memory is handed over, and what it is told of the campaign.

use std::sync::Arc;

use tokio::time::Instant;

use super::books::{Books, Revision, WorkerId};
use super::tables::Tables;
use super::workers::Worker;
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::state::State;
use crate::ledger::{Assign, Assigned, Begun, Counts, Entry, Identity, News, RevisionId, Want};
use crate::policy::queue::Rank;
use crate::policy::rejections::AlikeRejections;

impl Tables {
    /// A worker begins: the shots are the current ones from now on, unless they are.
    pub(super) fn begin(
        &mut self,
        me: WorkerId,
        shots: Option<&Arc<[Shot]>>,
        only: Option<&Vec<u32>>,
    ) -> Begun {
        let Some(worker) = self.workers.get_mut(me.0) else { return Begun::default() };
        worker.only = only.cloned();
        let digest = worker.work.as_ref().and_then(|work| work.digest);
        if let Some(shots) = shots
            && (digest.is_none() || digest != self.digest)
        {
            self.books.record(shots, &Identity::default());
            self.digest = digest;
        }
        let queued = self.books.revisions.iter().filter(|one| self.may_buy(me, one));
        let queued = queued.filter(|one| is_queued(one));
        let to_buy: Usd = queued.filter_map(|one| one.entry.price).sum();
        Begun { counts: self.books.counts(), to_buy }
    }

    /// What goes on with what a worker wants; `nth` is the number of this assignment. One that is asked
    /// for again, because its answer was lost, is answered again.
    pub(super) fn assign(&mut self, me: WorkerId, nth: u64, want: &Want, now: Instant) -> Assigned {
        let before = self.workers.get(me.0).and_then(|worker| worker.last_assigned.clone());
        let again = before.filter(|(last, _)| *last == nth).map(|(_, handed)| handed);
        self.hear(me, want);
        self.note_callbacks(&want.callbacks);
        self.forget_callbacks(me, nth);
        let handed = match again {
            Some(handed) => handed.into_iter().filter(|id| self.is_in_hands(me, *id)).collect(),
            None => self.choose(me, want, now),
        };
        let run = self.run;
        for id in &handed {
            if let Some(revision) = self.books.revision_mut(*id) {
                (revision.holder, revision.taken_up) = (Some(me), run);
            }
        }
        let callbacks = if want.hears { self.tell_callbacks(me, nth) } else { Vec::new() };
        // What it was handed over is something to do, and so is what it hears of.
        let is_idle = want.is_idle && handed.is_empty() && callbacks.is_empty();
        if let Some(worker) = self.workers.get_mut(me.0) {
            worker.last_assigned = Some((nth, handed.clone()));
            worker.is_idle = is_idle;
        }
        let revisions = handed.iter().filter_map(|id| self.books.revision(*id));
        let entries: Vec<(Entry, Option<u32>)> =
            revisions.map(|one| (self.books.entry(one), place(one))).collect();
        let attempts: Vec<_> =
            entries.iter().filter_map(|(entry, _)| entry.status.state.attempt()).collect();
        let mut subscriptions = self.books.subscriptions();
        subscriptions.retain(|one| attempts.contains(&one.attempt));
        let news = self.news(me, is_idle, want.is_idle);
        Assigned { entries, subscriptions, callbacks, rejections: self.rejections(me), news }
    }

    /// Takes what it tells, and what it gives back.
    fn hear(&mut self, me: WorkerId, want: &Want) {
        for id in &want.returned {
            let revision = self.books.revision_mut(*id).filter(|one| one.holder == Some(me));
            let is_on_wire =
                |one: &Revision| matches!(one.entry.status.state, State::Submitting { .. });
            if let Some(revision) = revision.filter(|one| !is_on_wire(one)) {
                revision.holder = None;
            }
        }
        if let Some(worker) = self.workers.get_mut(me.0) {
            worker.failures = want.failures;
            worker.late = want.late;
            worker.accepted = want.accepted;
        }
        let accepted = self.of_run().map(|(_, worker)| worker.accepted).sum();
        if let Some(worker) = self.workers.get_mut(me.0) {
            worker.rejections = want.rejections.clone().map(|met| (met, accepted));
        }
    }

    /// The workers of this run, also those that have ended, by number.
    fn of_run(&self) -> impl Iterator<Item = (usize, &Worker)> {
        let all = self.workers.iter().enumerate();
        all.filter(|(_, worker)| worker.work.is_some() && worker.run == self.run)
    }

    /// The rejections that other workers met, with nothing accepted since.
    fn rejections(&self, me: WorkerId) -> Vec<AlikeRejections> {
        let accepted: u32 = self.of_run().map(|(_, worker)| worker.accepted).sum();
        let others = self.of_run().filter(|(nth, _)| *nth != me.0);
        let met = others.filter_map(|(_, worker)| worker.rejections.as_ref());
        met.filter(|(_, after)| *after == accepted).map(|(met, _)| met.clone()).collect()
    }

    fn choose(&self, me: WorkerId, want: &Want, now: Instant) -> Vec<RevisionId> {
        let is_new = |one: &&Revision| one.holder.is_none() && one.taken_up < self.run;
        let all = self.books.open(Assign::All);
        let purchases = all.iter().copied().filter(|one| match &one.entry.status.state {
            State::Submitting { .. } => self.is_left_submitting(one, now),
            State::Rendering { stalled: None, .. } | State::Rendered { .. } => one.holder.is_none(),
            State::Rendering { .. } => is_new(one),
            _ => false,
        });
        let doubts = all.iter().copied().filter(|one| {
            want.doubts && is_new(one) && matches!(one.entry.status.state, State::InDoubt { .. })
        });
        let failed = all.iter().copied().filter(|one| {
            let is_failed = matches!(one.entry.status.state, State::Failed { .. });
            want.failed && is_failed && is_new(one) && self.may_buy(me, one)
        });
        let called = all
            .iter()
            .copied()
            .filter(|one| want.hears && one.holder.is_none() && self.waits_for_callback(one));
        let mut queued: Vec<&Revision> = all
            .iter()
            .copied()
            .filter(|one| one.holder.is_none() && is_queued(one) && self.may_buy(me, one))
            .filter(|one| fits(one.entry.price, want.left))
            .collect();
        queued.sort_by_key(|one| std::cmp::Reverse(rank(one)));
        let most = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let mut chosen: Vec<RevisionId> = purchases
            .take(most(want.purchases))
            .chain(doubts)
            .chain(failed)
            .chain(queued.into_iter().take(most(want.queued)))
            .map(|one| one.entry.revision)
            .collect();
        for one in called {
            if !chosen.contains(&one.entry.revision) {
                chosen.push(one.entry.revision);
            }
        }
        chosen
    }

    /// Whether a revision is a current one that a worker may buy.
    fn may_buy(&self, me: WorkerId, one: &Revision) -> bool {
        let worker = self.workers.get(me.0);
        let buys = |worker: &&Worker| worker.work.as_ref().is_some_and(|it| it.digest.is_some());
        let only = worker.filter(buys).map(|worker| worker.only.as_ref());
        let takes = |only: Option<&Vec<u32>>| {
            only.is_none_or(|only| place(one).is_some_and(|place| only.contains(&place)))
        };
        one.entry.current && only.is_some_and(takes)
    }

    /// How the campaign stands. `stays_idle`: to a worker that is idle and was handed nothing.
    fn news(&self, me: WorkerId, stays_idle: bool, is_idle: bool) -> News {
        let others = || {
            let all = self.workers.iter().enumerate();
            all.filter(|(nth, worker)| *nth != me.0 && worker.work.is_some()).map(|(_, one)| one)
        };
        let is_in_other_hands = |one: &Revision| {
            let goes_on = match one.entry.status.state {
                State::Submitting { .. } | State::Rendered { .. } => true,
                State::Rendering { ref stalled, .. } => stalled.is_none(),
                _ => false,
            };
            goes_on && one.holder != Some(me)
        };
        let is_over = stays_idle
            && self.living().all(|worker| worker.is_idle)
            && !self.books.revisions.iter().any(is_in_other_hands)
            && !self.books.revisions.iter().any(|one| self.will_be_bought(me, one));
        let waits = |one: &&Revision| is_queued(one) && self.may_buy(me, one);
        let waiting = || {
            let all = || self.books.revisions.iter().filter(waits);
            let free = all().filter(|one| one.holder.is_none()).count();
            let held = all().filter(|one| one.holder.is_some_and(|holder| holder != me)).count();
            held + if is_over { free } else { free.min(1) }
        };
        let of_run = || self.of_run().filter(|(nth, _)| *nth != me.0).map(|(_, worker)| worker);
        News {
            budget: self.books.budget,
            balance: self.books.balance(),
            places: self.places(),
            month_left: None,
            workers: u32::try_from(self.living().count()).unwrap_or(u32::MAX),
            paused: self.is_paused,
            failures: of_run().map(|worker| worker.failures).sum(),
            late: others().filter(|worker| worker.lives()).map(|worker| worker.late).sum(),
            accepted: of_run().map(|worker| worker.accepted).sum(),
            is_over,
            waiting: if is_idle { waiting() } else { 0 },
        }
    }

    /// Whether another worker has a queued one in its hands that fits: it waited for money that came free,
    /// and its worker has not heard of that yet.
    fn will_be_bought(&self, me: WorkerId, one: &Revision) -> bool {
        let lives = |holder: &WorkerId| {
            self.workers.get(holder.0).is_some_and(|worker| worker.ended.is_none())
        };
        let is_anothers = one.holder.filter(|holder| *holder != me).as_ref().is_some_and(lives);
        let left = self.books.budget.left(&self.books.balance());
        let has_room = left.is_some() && fits(one.entry.price, left);
        is_anothers && one.entry.current && is_queued(one) && has_room
    }

    /// Takes one revision into a worker's hands, unless another is at it or will be.
    pub(super) fn take(&mut self, me: WorkerId, id: RevisionId) -> Option<Entry> {
        let run = self.run;
        let revision = self.books.revision_mut(id)?;
        let is_mine = revision.holder == Some(me);
        let may_be_taken = match &revision.entry.status.state {
            State::Queued { .. } => revision.holder.is_none(),
            State::Rendering { stalled, .. } => stalled.is_some(),
            State::Submitting { .. } | State::Rendered { .. } => false,
            State::InDoubt { .. } | State::Failed { .. } | State::Delivered { .. } => true,
        };
        if !is_mine && !may_be_taken {
            return None;
        }
        (revision.holder, revision.taken_up) = (Some(me), run);
        let revision = self.books.revision(id)?;
        Some(self.books.entry(revision))
    }
}

impl Books {
    /// The current shots by state.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for one in self.revisions.iter().filter(|one| one.entry.current) {
            let counted = match &one.entry.status.state {
                State::Queued { .. } => &mut counts.queued,
                State::Submitting { .. } => &mut counts.submitting,
                State::Rendering { stalled: None, .. } => &mut counts.rendering,
                State::Rendering { .. } => &mut counts.stalled,
                State::Rendered { .. } => &mut counts.rendered,
                State::Delivered { .. } => &mut counts.delivered,
                State::Failed { .. } => &mut counts.failed,
                State::InDoubt { .. } => &mut counts.in_doubt,
            };
            *counted += 1;
        }
        counts
    }
}

fn is_queued(revision: &Revision) -> bool {
    matches!(revision.entry.status.state, State::Queued { .. })
}

fn fits(price: Option<Usd>, left: Option<Usd>) -> bool {
    left.is_none_or(|left| price.is_some_and(|price| price <= left))
}

/// A current revision's place in the manifest.
fn place(revision: &Revision) -> Option<u32> {
    u32::try_from(revision.position).ok().filter(|_| revision.entry.current)
}

fn rank(revision: &Revision) -> Rank {
    let position = u32::try_from(revision.position).unwrap_or(u32::MAX);
    Rank::new(revision.shot.priority, position).probed(revision.entry.status.probed)
}
