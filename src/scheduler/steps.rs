//! What becomes of a shot: the scheduler decides its transition, takes over the new state, and hears
//! from the ledger whether that is durable.

use crate::domain::outcome::{SubmitOutcome, TaskId};
use crate::domain::sanitize::shell_word;
use crate::domain::state::{AttemptId, ShotEvent, State};
use crate::domain::time::{Now, Timestamp};
use crate::domain::transition::{Next, Transition};
use crate::ledger::{Change, ClipFile, Commit, Committed, LedgerError, Verdict};

use super::core::Scheduler;
use super::effects::Event;
use super::event_log::{self, Cause};
use super::outcome::StopReason;
use super::shot_state::{ShotState, Slot};

impl Scheduler {
    /// Decides what follows from an event for a shot, puts it among what is to be written if it must
    /// outlive the process, and answers what the shot does next; `None` after a defect, which ends
    /// the run.
    pub(super) fn step(&mut self, now: Now, slot: Slot, event: ShotEvent) -> Option<Next> {
        self.step_with(now, slot, event, Vec::new())
    }

    /// [`Scheduler::step`] for a delivery, with its files.
    pub(super) fn step_with(
        &mut self,
        now: Now,
        slot: Slot,
        event: ShotEvent,
        files: Vec<ClipFile>,
    ) -> Option<Next> {
        let shot = self.slots.get(slot)?;
        if shot.earlier.is_some() {
            return self.earlier_step(now, slot, event, files);
        }
        // Only what became of its POST is first-hand news.
        if shot.is_gone && !matches!(event, ShotEvent::Answered(_)) {
            return None;
        }
        let judged = shot.event_judged_at(now, &event);
        let cause = Cause::of(&event, &files);
        let transition = self.decide(slot, event, judged)?;
        let entry = self.entry(slot)?;
        if transition.is_durable(&entry.status) || !files.is_empty() {
            let (revision, transition) = (entry.revision, transition.clone());
            let change = Change::Transition { revision, transition, attempt: None, files };
            self.out.write(now, Some(slot), change);
        }
        Some(self.moved(now, slot, cause, transition))
    }

    /// What follows from an event for a shot; `None` after a defect, which ends the run.
    pub(super) fn decide(
        &mut self,
        slot: Slot,
        event: ShotEvent,
        at: Timestamp,
    ) -> Option<Transition> {
        let shot = self.slots.get(slot)?;
        let transition = shot.entry.status.after(event, at, &self.rules(shot));
        let defect = |defect| StopReason::Defect(format!("{}: {defect}", shot.entry.shot));
        transition.map_err(defect).map_err(|reason| self.stop_and_leave(reason)).ok()
    }

    /// Takes over a shot's new state and counts it.
    pub(super) fn moved(
        &mut self,
        now: Now,
        slot: Slot,
        cause: Cause,
        transition: Transition,
    ) -> Next {
        let Some(shot) = self.slots.get_mut(slot) else { return Next::Rest };
        self.out.records.extend(cause.record(&shot.entry, &transition));
        let Transition { to, then, .. } = transition;
        self.progress.moved(shot.is_counted, &shot.entry.status.state, &to.state);
        self.in_flight_since.moved(slot, &shot.entry.status.state, &to.state);
        if matches!(to.state, State::Delivered { .. }) {
            self.latest.note(false);
        }
        if to.state.name() != shot.entry.status.state.name() {
            let lasted = now.elapsed.saturating_sub(shot.seen.1);
            match (&shot.entry.status.state, &to.state) {
                (State::Rendering { since, .. }, State::Rendered { .. }) => {
                    self.metrics.rendering.record(shot.judged_at(now).since(*since));
                }
                (State::Rendered { .. }, State::Delivered { .. }) => {
                    self.metrics.fetching.record(lasted);
                }
                _ => {}
            }
            let clock = match &to.state {
                State::Rendering { since, .. } => *since,
                _ => now.clock,
            };
            shot.seen = (clock, now.elapsed);
        }
        if let (Some(doubts), State::Rendering { task, .. }) = (&mut self.doubts, &to.state) {
            doubts.note_bought(task);
        }
        let before = std::mem::replace(&mut shot.entry.status, to);
        self.after_move(slot, &before.state);
        then
    }

    /// What a shot's new state means to others.
    fn after_move(&mut self, slot: Slot, before: &State) {
        let Some(entry) = self.entry(slot) else { return };
        let is_rendering = matches!(entry.status.state, State::Rendering { stalled: None, .. });
        let is_failed = matches!(entry.status.state, State::Failed { .. });
        if !is_rendering {
            self.end_late(slot);
            self.note_render(slot, before);
        }
        if is_failed {
            self.failed(slot);
        }
    }

    /// The commits of the last output are durable, or were refused one by one.
    pub fn committed(
        &mut self,
        now: Now,
        commits: &[Commit],
        owners: &[Option<Slot>],
        committed: Committed,
    ) {
        let Committed { verdicts, balance, places, month_left, reserve_used, displaced } =
            committed;
        self.progress.balance = balance;
        if let (Some(sharing), Some(places)) = (&mut self.sharing, places) {
            sharing.news.places = places;
            sharing.news.month_left = month_left;
        }
        for ((commit, slot), verdict) in commits.iter().zip(owners).zip(verdicts) {
            match (*slot, verdict) {
                (Some(slot), Verdict::Claimed(attempt)) => {
                    if let Change::Transition { transition, attempt: Some(spec), .. } =
                        &commit.change
                    {
                        self.claimed(now, slot, attempt, spec, transition.clone());
                    }
                }
                (Some(slot), Verdict::OverCap) => self.over_cap(now, slot),
                (Some(slot), Verdict::Full) => self.found_full(now, slot),
                (Some(slot), Verdict::Gone) => self.lost(slot, commit),
                (Some(slot), Verdict::Written { task_first_of: Some(first) }) => {
                    if let Some(entry) = self.entry(slot)
                        && let Some(task) = entry.status.state.task()
                    {
                        tracing::warn!(
                            shot = %entry.shot,
                            "the gateway answered with task {task}, which is already the task of \
                             {first}; both purchases are counted, look at both clips"
                        );
                    }
                }
                (_, Verdict::Refused(error)) => self.ledger_failed(error),
                _ => {}
            }
        }
        if let Some(displaced) = displaced {
            self.stop_and_leave(StopReason::Ledger(displaced.to_string()));
        }
        if reserve_used {
            let why = "the disk is full; the last reserve was used to write the ledger";
            self.stop(StopReason::Disk(why.into()));
        }
        self.slots.sweep();
        self.go_on(now);
    }

    /// The commits could not be written: nothing that was to follow from them happens. A task id
    /// among them is said on standard error, because that is now the only trace of a purchase.
    pub fn commit_failed(
        &mut self,
        commits: &[Commit],
        owners: &[Option<Slot>],
        error: LedgerError,
    ) {
        for (shot, attempt, task) in self.bought(commits, owners) {
            let why = "it was bought, and the ledger could not be written";
            event_log::only_trace("task unwritten", &shot.entry, attempt, task, why);
            tracing::error!(
                "shot {0} was bought as task {task}, and this could not be written to the \
                 ledger; once it can be written again: rushes resolve MANIFEST {0} --task-id {1}",
                shot.entry.shot,
                shell_word(task.as_str()),
            );
        }
        self.ledger_failed(error);
    }

    /// The ledger takes long to write these: should this process end meanwhile, the tasks in them must
    /// be known.
    pub(super) fn tell_overdue(&self, commits: &[Commit], owners: &[Option<Slot>]) {
        for (shot, attempt, task) in self.bought(commits, owners) {
            tell_overdue(shot, attempt, task);
        }
    }

    /// The same for the answer to a POST that comes while the ledger is waited for.
    pub(super) fn tell_overdue_answer(&self, event: &Event) {
        if let Event::Submitted { slot, outcome: SubmitOutcome::Bought { task }, .. } = event
            && let Some(shot) = self.slots.get(*slot)
            && let Some(attempt) = shot.entry.status.state.attempt()
        {
            tell_overdue(shot, attempt, task);
        }
    }

    /// The purchases that these commits are to write, with their tasks.
    fn bought<'c>(
        &'c self,
        commits: &'c [Commit],
        owners: &'c [Option<Slot>],
    ) -> impl Iterator<Item = (&'c ShotState, AttemptId, &'c TaskId)> {
        commits.iter().zip(owners).filter_map(|(commit, slot)| {
            let Change::Transition { transition, .. } = &commit.change else { return None };
            let State::Rendering { attempt, task, .. } = &transition.to.state else { return None };
            let shot = self.slots.get((*slot)?)?;
            transition.change.is_some().then_some((shot, *attempt, task))
        })
    }
}

fn tell_overdue(shot: &ShotState, attempt: AttemptId, task: &TaskId) {
    let why = "it was bought, and the ledger does not answer";
    event_log::only_trace("task not yet written", &shot.entry, attempt, task, why);
    tracing::warn!(
        "shot {0} was bought as task {task}, and the ledger does not answer; it is written when the \
         ledger answers. Should this run be killed before that: rushes resolve MANIFEST {0} --task-id {1}",
        shot.entry.shot,
        shell_word(task.as_str()),
    );
}
