//! Earlier tasks of revisions: those whose price is reserved though the revision's state is about
//! another request, or though they were given up. They are polled and fetched to their end beside the
//! others and hold no place in flight. Nothing is written of one but its end, which changes no
//! revision's state: it is asked for anew by every run until then.

use crate::clips::clip_path;
use crate::domain::outcome::{FailedTask, PollOutcome, Unresolved};
use crate::domain::sanitize::shell_word;
use crate::domain::state::{
    Account, AttemptId, EarlierEnd, Failure, RevisionState, ShotEvent, State, Unanswered,
};
use crate::domain::time::Now;
use crate::domain::transition::{Next, Transition};
use crate::ledger::{Change, ClipFile, EarlierTask, RevisionId, earlier_part};
use crate::policy::retry;
use crate::provider::apimodels;

use super::core::Scheduler;
use super::effects::{Effect, Event, World};
use super::event_log::Cause;
use super::outcome::StopReason;
use super::shot_state::{Activity, Errand, ShotState, Slot};

/// Why the run does not wait for it.
const EARLIER: &str = "the shot is no longer about this request";

impl Scheduler {
    /// Takes over the earlier tasks that the ledger has, after the shots. Each is asked for at once.
    pub fn take_earlier(&mut self, now: Now, earlier: Vec<EarlierTask>) {
        for EarlierTask { mut entry, attempt, task, sent_at: since } in earlier {
            let (silence, stalled) = (Unanswered::default(), Some(EARLIER.into()));
            let state = State::Rendering { attempt, task, since, silence, stalled };
            let of_task = RevisionState { state, ..RevisionState::new() };
            let of_revision = std::mem::replace(&mut entry.status, of_task);
            // It is not among the manifest's shots that are counted.
            entry.current = false;
            let mut shot = ShotState::new(entry, None, now);
            shot.earlier = Some(Box::new(of_revision));
            let slot = self.slots.insert(shot);
            self.line_up(slot, Errand::Poll);
        }
        self.go_on(now);
    }

    /// Whether this is an earlier task of its revision.
    #[must_use]
    pub fn is_earlier(&self, slot: Slot) -> bool {
        self.slots.get(slot).is_some_and(|shot| shot.earlier.is_some())
    }

    /// An earlier task was polled. One that still renders, or that the gateway does not know, is asked
    /// for again while the run has other work.
    pub(super) fn earlier_polled(&mut self, now: Now, slot: Slot, outcome: PollOutcome) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let is_unclear = matches!(
            outcome,
            PollOutcome::Unclear { .. }
                | PollOutcome::Unanswered { .. }
                | PollOutcome::OtherTask { .. }
        );
        shot.unclear = if is_unclear { shot.unclear + 1 } else { 0 };
        let (unclear, every) = (shot.unclear, self.options.limits.poll_every);
        self.note_poll(now, slot, &outcome, unclear);
        match outcome {
            PollOutcome::BadKey { .. } => {
                self.stop_polls();
                self.set(slot, Activity::Resting);
            }
            _ if is_unclear && unclear < self.options.limits.attempts => {
                let wait = retry::poll_wait(every, unclear);
                self.begin_at(now, slot, Errand::Poll, now.elapsed + wait);
            }
            PollOutcome::Completed { .. }
            | PollOutcome::Failed { .. }
            | PollOutcome::Unresolved { kind: Unresolved::Ended(_), .. } => {
                self.earlier_ended(now, slot, outcome);
            }
            PollOutcome::OtherContent { why } => {
                self.say_anothers(slot, &why);
                self.lay_aside(now, slot);
            }
            _ => {
                self.lay_aside(now, slot);
            }
        }
    }

    /// A task that was given renders something else: it is not believed to be this request's.
    fn say_anothers(&self, slot: Slot, why: &str) {
        let Some(entry) = self.entry(slot) else { return };
        let (id, number) = (&entry.shot, entry.number);
        if let Some(task) = entry.status.state.task() {
            let word = shell_word(task.as_str());
            tracing::warn!(
                "{id}~r{number}: task {task} of an earlier request {why}; it is not fetched, and its \
                 price stays reserved: rushes resolve MANIFEST {id}~r{number} --not-bought --task-id \
                 {word}"
            );
        }
    }

    /// The gateway says that it is over, or may be saying so.
    fn earlier_ended(&mut self, now: Now, slot: Slot, outcome: PollOutcome) {
        let (task, kind) = (self.task_of(slot), outcome.failure());
        let event = ShotEvent::Polled(self.dated(slot, outcome));
        match self.step(now, slot, event) {
            Some(Next::Poll(_)) => {
                let at = now.elapsed + self.options.limits.poll_every;
                self.begin_at(now, slot, Errand::Poll, at);
            }
            Some(next) => {
                if let Some(task) = task {
                    self.ask_charge(slot, task, kind);
                }
                self.settle(now, slot, next);
            }
            None => {}
        }
    }

    /// Where the gateway does not say when a task was done, it counts from when it was sent.
    fn dated(&self, slot: Slot, outcome: PollOutcome) -> PollOutcome {
        match (outcome, self.entry(slot).map(|entry| &entry.status.state)) {
            (
                PollOutcome::Completed { urls, completed_at: None },
                Some(State::Rendering { since, .. }),
            ) => PollOutcome::Completed { urls, completed_at: Some(*since) },
            (outcome, _) => outcome,
        }
    }

    /// Takes an earlier task a step further. Only its end is written, with its clips.
    pub(super) fn earlier_step(
        &mut self,
        now: Now,
        slot: Slot,
        event: ShotEvent,
        files: Vec<ClipFile>,
    ) -> Option<Next> {
        let judged = self.slots.get(slot)?.event_judged_at(now, &event);
        let kind = match &event {
            ShotEvent::Polled(outcome) => outcome.failure().unwrap_or_default(),
            _ => FailedTask::default(),
        };
        let step = self.decide(slot, event, judged)?;
        if let Some(end) = end(&step.to.state, kind, &files) {
            self.write_end(now, slot, end, files, &step)?;
        }
        let shot = self.slots.get_mut(slot)?;
        if step.to.state.name() != shot.entry.status.state.name() {
            shot.seen = (now.clock, now.elapsed);
        }
        shot.entry.status = step.to;
        Some(step.then)
    }

    /// Puts the end of an earlier task among what is to be written.
    fn write_end(
        &mut self,
        now: Now,
        slot: Slot,
        end: EarlierEnd,
        files: Vec<ClipFile>,
        step: &Transition,
    ) -> Option<()> {
        let shot = self.slots.get(slot)?;
        let (entry, revision) = (&shot.entry, shot.entry.revision);
        let (attempt, of_revision) = (entry.status.state.attempt()?, shot.earlier.as_deref()?);
        let is_charged = matches!(&step.change, Some(change) if change.account == Account::Spent);
        say(shot, &end, is_charged);
        let event = ShotEvent::Earlier { attempt, end };
        let cause = Cause::of(&event, &files);
        match of_revision.after(event, now.clock, &self.rules(shot)) {
            Ok(Transition { change, .. }) => {
                let told = Transition { change: change.clone(), ..step.clone() };
                self.out.records.extend(cause.record(entry, &told));
                let change = Change::Earlier { revision, change: change?, files };
                self.out.write(now, Some(slot), change);
                Some(())
            }
            Err(defect) => {
                let why = format!("{}: {defect}", entry.shot);
                self.stop_and_leave(StopReason::Defect(why));
                None
            }
        }
    }
}

impl World {
    /// Whether an attempt of which it was not known whether it is charged was settled since, and the
    /// revision may have a clip.
    pub(super) async fn paid(&self, slot: Slot, revision: RevisionId, attempt: AttemptId) -> Event {
        let read = async {
            let attempts = self.ledger.attempts(revision).await?;
            let own = attempts.iter().find(|one| one.attempt == attempt);
            let is_settled = own.is_some_and(|one| one.account != Account::Reserved);
            Ok(is_settled && self.ledger.may_have_clip(revision).await?)
        };
        match read.await {
            Ok(is_paid) => Event::Paid { slot, is_paid },
            Err(error) => Event::LedgerUnreadable(error),
        }
    }
}

/// Unsettled shots that `--retry-failed` queues again.
impl Scheduler {
    /// Asks the ledger whether an unsettled shot was paid after all, and has its clip.
    pub(super) fn ask_paid(&mut self, slot: Slot) {
        let Some(entry) = self.entry(slot) else { return };
        let (revision, attempt) = (entry.revision, entry.status.state.attempt());
        let Some(attempt) = attempt else { return };
        self.set(slot, Activity::Busy);
        self.out.effects.push(Effect::Paid { slot, revision, attempt });
    }

    /// The ledger answered. What is paid and here is bought again by `rushes resolve` alone.
    pub(super) fn paid_told(&mut self, now: Now, slot: Slot, is_paid: bool) {
        if is_paid {
            return self.settle(now, slot, Next::Rest);
        }
        if let Some(next) = self.step(now, slot, ShotEvent::RetryFailed) {
            self.settle(now, slot, next);
        }
    }
}

impl ShotState {
    /// Where its `nth` clip goes, from 0.
    pub(super) fn clip_path(&self, nth: usize) -> String {
        let attempt = self.earlier.as_ref().and(self.entry.status.state.attempt());
        let part = attempt.map_or(nth + 1, |attempt| earlier_part(attempt, nth));
        clip_path(&self.entry.clip_name, self.entry.number, part)
    }
}

/// The end of a task, if that is what its state is, or files of it are to be kept.
fn end(state: &State, kind: FailedTask, files: &[ClipFile]) -> Option<EarlierEnd> {
    match state {
        State::Delivered { .. } => Some(EarlierEnd::Delivered),
        State::Failed { failure: Failure::Expired, why, .. } => {
            Some(EarlierEnd::Expired { why: why.clone() })
        }
        State::Failed { failure: Failure::NotRendered | Failure::Unlucky, why, .. } => {
            Some(EarlierEnd::Failed { why: why.clone(), kind })
        }
        _ if !files.is_empty() => Some(EarlierEnd::Partly),
        _ => None,
    }
}

/// Tells the user. `is_charged`: whether a failed one is.
fn say(shot: &ShotState, end: &EarlierEnd, is_charged: bool) {
    let (id, number) = (&shot.entry.shot, shot.entry.number);
    let Some(task) = shot.entry.status.state.task() else { return };
    match end {
        EarlierEnd::Delivered => tracing::info!(
            "{id}~r{number}: task {task} of an earlier request is done and fetched; its price is spent, \
             and its clip is listed with the shot's"
        ),
        EarlierEnd::Failed { why, .. } => {
            let price = if is_charged { "is spent" } else { "is free again" };
            tracing::info!(
                "{id}~r{number}: task {task} of an earlier request failed ({why}); its price {price}"
            );
        }
        EarlierEnd::Expired { why } => {
            let why = apimodels::in_words(why);
            tracing::warn!("{id}~r{number}: task {task} of an earlier request: {why}");
        }
        EarlierEnd::Partly => {}
    }
}
