//! Which shot is submitted next: places in flight, money, rate and pauses; and the way of a POST from
//! its claim to its answer.

use std::time::Duration;

use crate::disk::is_own_file_limit;
use crate::domain::money::Usd;
use crate::domain::outcome::SubmitOutcome;
use crate::domain::state::{AttemptId, ShotEvent, State};
use crate::domain::time::{Now, in_words};
use crate::domain::transition::{Backoff, Next, Transition};
use crate::failpoint;
use crate::ledger::{AttemptSpec, CallbackSubscription, Change};
use crate::policy::retry;
use crate::provider::{LoadedFiles, Submission, canonical_wire};

use super::core::Scheduler;
use super::effects::{Effect, not_sent};
use super::event_log::Cause;
use super::outcome::StopReason;
use super::questions::BalanceCheck;
use super::refusal_counts::rejection;
use super::shot_state::{Activity, ShotState, Slot, Work};

/// After so many rounds of 429 the user is told that it may mean more than haste.
const THROTTLED_WARNING: u32 = 5;
/// A pause of all submissions that is worth a word.
const LONG_PAUSE: Duration = Duration::from_secs(120);
/// How long after the others a shot is tried again that may be without money.
const BEHIND_OTHERS: Duration = Duration::from_secs(1);
/// How soon a shot that did not fit under the cap after all is looked at again.
const OVER_CAP_PAUSE: Duration = Duration::from_secs(1);

impl Scheduler {
    /// Submits as many as may be submitted now.
    pub(super) fn submit_next(&mut self, now: Now) {
        self.queue.wake(now.elapsed);
        while self.may_submit(now) {
            let places = self.throttled.places();
            if !self.posts.take(now.elapsed, places) {
                return;
            }
            let left = self.left();
            let Some((rank, price)) = self.queue.pop(left) else { return self.posts.cancel() };
            let place = rank.position.0 as usize;
            let (slot, shot) = (self.queued[place].take(), self.shots.get(place));
            let (Some(slot), Some(shot)) = (slot, shot) else {
                self.posts.cancel();
                continue;
            };
            let files = (!shot.request.files.is_empty()).then(|| shot.request.clone());
            self.board(slot);
            self.begin_posting(slot);
            self.picked += price.unwrap_or_default();
            if let Some(sharing) = &mut self.sharing {
                sharing.unclaimed += 1;
            }
            self.set(slot, Activity::Busy);
            match files {
                Some(request) => self.out.effects.push(Effect::Load { slot, request }),
                None => self.claim(now, slot, LoadedFiles::default()),
            }
        }
    }

    /// Whether a shot may be submitted as soon as the rate allows it.
    fn may_submit(&mut self, now: Now) -> bool {
        let waits = self.is_full() || self.places_are_picked() || self.downloads_come_first();
        if self.is_stopping() || self.queue.is_empty() || waits {
            return false;
        }
        let fits = self.queue.fits(self.left());
        let held = if fits || self.queue.next_wake().is_some() { 0 } else { self.queue.len() };
        // Something in flight may free money; until then they are shown as held back.
        if held > 0 || fits {
            self.progress.held_by_cap = held;
        }
        fits && !self.progress.paused
            && self.quiet_until() <= now.elapsed
            && self.balance_is_looked_at()
    }

    /// When the next submission may be possible, if time alone brings it.
    pub(super) fn next_submission(&self, now: Now) -> Option<Duration> {
        if self.is_stopping() || self.queue.is_empty() {
            return None;
        }
        let deadline = self.to_deadline(now).map(|left| now.elapsed + left);
        let is_full = self.is_full() || self.places_are_picked();
        let next = if is_full || self.downloads_come_first() {
            None
        } else if !self.queue.fits(self.left()) {
            self.queue.next_wake()
        } else if self.progress.paused || self.balance_check == BalanceCheck::Asking {
            None
        } else {
            self.posts.not_before().map(|ready| ready.max(self.quiet_until()))
        };
        next.into_iter().chain(deadline).min()
    }

    /// Whether a shot that waits may still be submitted, now or after a pause.
    pub(super) fn can_submit_later(&self) -> bool {
        !self.is_stopping()
            && !self.queue.is_empty()
            && (self.queue.fits(self.left()) || self.queue.next_wake().is_some())
    }

    pub(super) fn is_full(&self) -> bool {
        let limits = &self.options.limits;
        self.in_flight >= limits.in_flight || self.posting >= limits.posts()
    }

    pub(super) fn quiet_until(&self) -> Duration {
        self.throttled.quiet_until().max(self.outage.quiet_until())
    }

    /// What is left under the caps, the campaign's and the month's, once the picked ones are paid;
    /// `None` without a cap.
    pub(super) fn left(&self) -> Option<Usd> {
        let own = self.progress.budget.left(&self.progress.balance);
        let least = own.into_iter().chain(self.month_left()).min();
        least.map(|left| left.less(self.picked))
    }

    /// Puts the attempt and its reserved price among what is to be written.
    pub(super) fn claim(&mut self, now: Now, slot: Slot, files: LoadedFiles) {
        let Some(shot) = self.slots.get(slot) else { return };
        let (revision, place) = (shot.entry.revision, shot.place);
        // A callback may just have named the task of a shot that is about to be bought again.
        if self.is_stopping() || self.progress.paused || self.is_named(slot) {
            self.give_up_place(slot);
            self.settle(now, slot, Next::Requeue(Backoff::None));
            return;
        }
        let Some(transition) = self.decide(slot, ShotEvent::Claim, now.clock) else { return };
        let Some(planned) = place.and_then(|place| self.shots.get(place as usize)) else { return };
        let attempt = AttemptSpec {
            price: planned.price,
            charged_if_failed: self.options.rules.failed_tasks_charged,
            key: self.keys.mint(),
            key_on_wire: self.doubts.is_some(),
            origin: self.origin.clone(),
            wire: canonical_wire(&planned.request),
        };
        failpoint::point("before the claim");
        let attempt = Some(Box::new(attempt));
        let change = Change::Transition { revision, transition, attempt, files: Vec::new() };
        self.out.write(now, Some(slot), change);
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.work = Work::Submit(files);
        }
    }

    /// The attempt is durable: the shot is submitting, and its POST leaves when the rate allows it.
    pub(super) fn claimed(
        &mut self,
        now: Now,
        slot: Slot,
        attempt: AttemptId,
        spec: &AttemptSpec,
        transition: Transition,
    ) {
        failpoint::point("claim committed");
        self.unpick(slot);
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.entry.charged_if_failed = spec.charged_if_failed;
            shot.key = Some(spec.key);
        }
        if let Some(doubts) = &mut self.doubts {
            let (key, sent_at) = (spec.key, now.clock);
            doubts.expect(CallbackSubscription { attempt, key, sent_at }, slot);
            self.out.at_once.push(Effect::Expect(key));
        }
        let cause = Cause::of(&ShotEvent::Claim, &[]);
        let transition = Transition { to: transition.to.with_attempt(attempt), ..transition };
        let _post = self.moved(now, slot, cause, transition);
        self.leaving_soon.push_back(slot);
    }

    /// It was picked by a balance that has changed since; it is looked at again in a moment.
    pub(super) fn over_cap(&mut self, now: Now, slot: Slot) {
        self.give_up_place(slot);
        self.settle(now, slot, Next::Requeue(Backoff::Refused(Some(OVER_CAP_PAUSE))));
    }

    /// A picked shot is not claimed: its price is free, and its place in the rate too.
    pub(super) fn give_up_place(&mut self, slot: Slot) {
        self.unpick(slot);
        self.end_posting(slot);
        self.posts.cancel();
    }

    /// The price of a picked shot is in the ledger's balance, or is not to be.
    fn unpick(&mut self, slot: Slot) {
        let place = self.slots.get(slot).and_then(|shot| shot.place);
        let shot = place.and_then(|place| self.shots.get(place as usize));
        self.picked -= shot.and_then(|shot| shot.price).unwrap_or_default();
        if let Some(sharing) = &mut self.sharing {
            sharing.unclaimed = sharing.unclaimed.saturating_sub(1);
        }
    }

    /// When the next of the claimed ones may leave.
    pub(super) fn next_leaving(&self) -> Option<Duration> {
        (!self.leaving_soon.is_empty()).then(|| self.posts.leaves_at()).flatten()
    }

    /// Lets the claimed ones leave while the ledger is waited for; answers what is to be begun at once.
    pub(super) fn let_leave(&mut self, now: Now) -> Vec<Effect> {
        self.begin_leaving(now);
        std::mem::take(&mut self.out.at_once)
    }

    /// Lets the claimed ones leave, as far as the rate allows it. Once the run stops they do not
    /// leave any more, and are written down as not sent.
    pub(super) fn begin_leaving(&mut self, now: Now) {
        while let Some(slot) = self.leaving_soon.front().copied() {
            if self.is_stopping() || self.progress.paused {
                self.leaving_soon.pop_front();
                self.posts.cancel();
                self.answered(now, slot, not_sent());
                continue;
            }
            if !self.posts.leave(now.elapsed) {
                return;
            }
            self.leaving_soon.pop_front();
            self.post(now, slot);
        }
    }

    fn post(&mut self, now: Now, slot: Slot) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let files = match std::mem::take(&mut shot.work) {
            Work::Submit(files) => files,
            _ => LoadedFiles::default(),
        };
        let planned = shot.place.and_then(|place| self.shots.get(place as usize));
        let attempt = shot.entry.status.state.attempt();
        let (Some(planned), Some(key), Some(attempt)) = (planned, shot.key, attempt) else {
            return;
        };
        let callback = self.doubts.as_ref().map(|doubts| doubts.callbacks.address(&key));
        let params = planned.request.json.clone();
        let submission = Submission { key, params, files: files.0, callback };
        self.sent = true;
        self.on_wire += 1;
        self.note_left(now, slot);
        let submission = Box::new(submission);
        self.out.at_once.push(Effect::Submit { slot, attempt, submission });
    }

    /// A POST ended, or was held back in the last moment (`took` is `None` then).
    pub(super) fn submitted(
        &mut self,
        now: Now,
        slot: Slot,
        mut outcome: SubmitOutcome,
        took: Option<Duration>,
    ) {
        self.on_wire -= 1;
        self.note_answered(slot);
        failpoint::point("POST answered");
        let Some(shot) = self.slots.get(slot) else { return };
        if let (Some(key), Some(why)) = (shot.key, outcome.why_mut()) {
            key.redact_in(why);
        }
        if let (Some(key), SubmitOutcome::Doubtful { answer: Some(answer), .. }) =
            (shot.key, &mut outcome)
        {
            let mut text = std::mem::take(answer).into_string();
            key.redact_in(&mut text);
            *answer = text.into();
        }
        if let Some(took) = took {
            self.metrics.answered(&outcome, took);
            self.note_answer(now, slot, &outcome);
        }
        self.answered(now, slot, outcome);
    }

    pub(super) fn answered(&mut self, now: Now, slot: Slot, outcome: SubmitOutcome) {
        let Some(attempt) = self.entry(slot).and_then(|entry| entry.status.state.attempt()) else {
            return;
        };
        self.end_posting(slot);
        let rejection = rejection(&outcome);
        let reason = match &outcome {
            SubmitOutcome::BadKey { why } => Some(StopReason::Key(why.clone())),
            SubmitOutcome::NoCredit { why } => Some(StopReason::Credit(why.clone())),
            SubmitOutcome::WrongAddress { why } => Some(StopReason::Address(why.clone())),
            _ => None,
        };
        let Some(next) = self.step(now, slot, ShotEvent::Answered(outcome)) else { return };
        // A callback can still say something about an attempt that bought its shot, or may have.
        let is_open = self.entry(slot).is_some_and(|entry| match &entry.status.state {
            State::InDoubt { attempt: open, .. } | State::Rendering { attempt: open, .. } => {
                *open == attempt
            }
            _ => false,
        });
        if !is_open {
            self.forget(attempt);
        }
        let is_rejected = self.slots.get(slot).is_some_and(ShotState::is_rejected);
        match (rejection, reason) {
            (Some((gist, why)), _) if is_rejected => self.rejected(now, slot, &gist, why),
            (_, Some(reason)) if next == Next::Stop => {
                self.stop(reason);
                self.settle(now, slot, Next::Requeue(Backoff::None));
            }
            _ => self.settle(now, slot, next),
        }
    }

    /// What an answer to a POST means to all other shots.
    fn note_answer(&mut self, now: Now, slot: Slot, outcome: &SubmitOutcome) {
        let Some(shot) = self.slots.get(slot).map(|shot| &shot.entry.shot) else { return };
        if !matches!(outcome, SubmitOutcome::NotSent { .. }) {
            self.reached = true;
            self.outage.passed();
        }
        match outcome {
            SubmitOutcome::Bought { task } => {
                let before = self.throttled.level();
                self.throttled.passed();
                if let Some(sharing) = &mut self.sharing {
                    sharing.recovered |= self.throttled.level() < before;
                }
                self.refusals.accepted();
                tracing::debug!(%shot, %task, "bought");
            }
            SubmitOutcome::Throttled { is_money, retry_after, why } => {
                tracing::debug!(%shot, "429: {why}");
                self.throttled_by(now, *retry_after, why);
                if *is_money && self.refusals.is_penniless(slot) {
                    self.stop(StopReason::Credit(why.clone()));
                }
            }
            SubmitOutcome::NotSent { why } => self.unreached(now, why.clone()),
            SubmitOutcome::ServerError { why, .. } => tracing::debug!(%shot, "refused: {why}"),
            SubmitOutcome::Doubtful { why, .. } => tracing::warn!(%shot, "in doubt: {why}"),
            SubmitOutcome::Rejected { .. }
            | SubmitOutcome::BadKey { .. }
            | SubmitOutcome::Firewall { .. }
            | SubmitOutcome::NoCredit { .. }
            | SubmitOutcome::WrongAddress { .. } => {}
        }
    }

    /// The gateway was not reached: all submissions wait. A gateway that was reached before is waited for;
    /// a limit on this process is not.
    pub(super) fn unreached(&mut self, now: Now, why: String) {
        if self.outage.hit(now.elapsed, None, self.rng.f64()) {
            tracing::warn!("the gateway cannot be reached: {why}");
        }
        let may_pass = self.reached && !is_own_file_limit(&why);
        if !may_pass && self.outage.in_a_row() >= self.options.limits.attempts {
            self.stop_and_leave(StopReason::Unreached(why));
        }
    }

    /// A 429: all submissions slow down.
    pub(super) fn throttled_by(&mut self, now: Now, retry_after: Option<Duration>, why: &str) {
        let fresh = self.throttled.hit(now.elapsed, retry_after, self.rng.f64());
        let rounds = self.throttled.in_a_row();
        if let Some(sharing) = &mut self.sharing {
            let (until, level) = (self.throttled.quiet_until(), self.throttled.level());
            sharing.setback = Some((until, level));
        }
        if fresh && rounds == THROTTLED_WARNING {
            tracing::warn!(
                "the gateway has answered 429 {rounds} times in a row and accepted nothing ({why}); \
                 the account may be exhausted or at its limit of parallel tasks"
            );
        }
        self.say_quiet(now, why);
    }

    /// Says at once for how long nothing is submitted, if the gateway asks for a long pause.
    fn say_quiet(&mut self, now: Now, why: &str) {
        let until = self.throttled.quiet_until();
        let pause = until.saturating_sub(now.elapsed);
        if pause >= LONG_PAUSE && until > self.said_quiet + LONG_PAUSE {
            self.said_quiet = until;
            tracing::warn!(
                "the gateway asks for a pause ({why}): nothing is submitted for {}; what renders is \
                 still polled and fetched",
                in_words(pause)
            );
        }
    }

    /// Lets a shot go on to what follows from its last event.
    pub(super) fn settle(&mut self, now: Now, slot: Slot, next: Next) {
        match next {
            Next::Poll(wait) => {
                self.board(slot);
                self.poll_in(now, slot, wait);
            }
            Next::Fetch => {
                self.land(slot);
                self.fetch(slot);
            }
            Next::Requeue(backoff) => {
                self.land(slot);
                // 429s and outages make all shots wait, so that this one need not wait on top of it.
                let pause = match backoff {
                    Backoff::None => Duration::ZERO,
                    Backoff::Behind => {
                        self.quiet_until().saturating_sub(now.elapsed) + BEHIND_OTHERS
                    }
                    Backoff::Refused(asked) => {
                        let refusals = self.entry(slot).map_or(1, |entry| entry.status.refusals);
                        retry::wait(asked, refusals, self.rng.f64())
                    }
                };
                self.shelve(now, slot, Some(pause));
            }
            Next::Rest | Next::Stop | Next::Post => {
                self.land(slot);
                self.shelve(now, slot, None);
            }
        }
    }
}
