//! Tasks that the user or a callback named are held against what their shots ask for: each may be
//! another shot's.

use std::sync::Arc;

use crate::domain::content::Content;
use crate::domain::outcome::{PollOutcome, TaskId};
use crate::domain::state::{ShotEvent, State};
use crate::domain::time::Now;
use crate::ledger::{LedgerError, RevisionId};
use crate::provider::TaskHandle;

use super::core::Scheduler;
use super::effects::{Event, World};
use super::shot_state::Slot;

impl World {
    /// Asks how tasks stand. Those of these revisions may have been named by the user or by a callback
    /// and were not looked at yet.
    pub(super) async fn poll(
        &self,
        slots: Vec<Slot>,
        mut tasks: Vec<TaskHandle>,
        unchecked: &[Option<RevisionId>],
    ) -> Event {
        for (handle, revision) in tasks.iter_mut().zip(unchecked) {
            let Some(revision) = *revision else { continue };
            match self.asked_of_given(revision, &handle.task).await {
                Ok(asked) => handle.asked = asked,
                Err(error) => return Event::LedgerUnreadable(error),
            }
        }
        let outcomes = self.provider.poll(&tasks).await;
        Event::Polled { slots, outcomes }
    }

    /// Asks whether the provider knows a task that a callback named for a shot in doubt, unless the
    /// ledger knows it: as an attempt's, or as one that was said of this revision and was not its own,
    /// unless it is asked for as one of these.
    pub(super) async fn find(
        &self,
        slot: Slot,
        revision: RevisionId,
        task: TaskId,
        is_former: bool,
    ) -> Event {
        match self.asked_of_named(revision, &task, is_former).await {
            Err(error) => Event::LedgerUnreadable(error),
            Ok(None) => Event::Found { slot, task, outcome: None },
            Ok(asked) => {
                let handle = TaskHandle { task, asked };
                let mut outcomes = self.provider.poll(std::slice::from_ref(&handle)).await;
                Event::Found { slot, task: handle.task, outcome: outcomes.pop() }
            }
        }
    }

    /// What a revision asks for, if its task was named by the user or by a callback. What the user
    /// names again right after it was refuted is the user's word, and is not questioned.
    async fn asked_of_given(
        &self,
        revision: RevisionId,
        task: &TaskId,
    ) -> Result<Option<Arc<Content>>, LedgerError> {
        let attempts = self.ledger.attempts(revision).await?;
        let is_given = attempts
            .iter()
            .any(|one| one.task.as_ref() == Some(task) && one.is_given && !one.is_insisted_on());
        if is_given { self.asked(revision).await.map(Some) } else { Ok(None) }
    }

    /// What a revision asks for; `None` if the ledger knows the task.
    async fn asked_of_named(
        &self,
        revision: RevisionId,
        task: &TaskId,
        is_former: bool,
    ) -> Result<Option<Arc<Content>>, LedgerError> {
        if self.ledger.knows_task(task).await? {
            return Ok(None);
        }
        if is_former {
            return self.asked(revision).await.map(Some);
        }
        let attempts = self.ledger.attempts(revision).await?;
        let is_former = attempts.iter().any(|one| one.former_tasks.contains(task));
        if is_former { Ok(None) } else { self.asked(revision).await.map(Some) }
    }

    async fn asked(&self, revision: RevisionId) -> Result<Arc<Content>, LedgerError> {
        let request = self.ledger.request(revision).await?;
        Ok(Arc::new(Content::of_request(&request.request)))
    }
}

impl Scheduler {
    /// The revision of a shot whose task is still to be held against what it asks for, if it is one
    /// that was named by the user or by a callback.
    pub(super) fn unchecked(&self, slot: Slot) -> Option<RevisionId> {
        let shot = self.slots.get(slot).filter(|shot| shot.is_unchecked)?;
        let is_rendering = matches!(shot.entry.status.state, State::Rendering { .. });
        is_rendering.then_some(shot.entry.revision)
    }

    /// A poll's clear answer held the task against the shot.
    pub(super) fn note_checked(&mut self, slot: Slot, outcome: &PollOutcome) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        match outcome {
            PollOutcome::Working { .. }
            | PollOutcome::Completed { .. }
            | PollOutcome::Failed { .. }
            | PollOutcome::Unresolved { .. } => shot.is_unchecked = false,
            PollOutcome::OtherContent { why } => {
                shot.is_unchecked = false;
                let id = &shot.entry.shot;
                if let Some(task) = shot.entry.status.state.task() {
                    tracing::warn!(
                        shot = %id,
                        "task {task}, which was given for {id}, {why}; {id} is in doubt again and its \
                         price stays reserved: rushes resolve MANIFEST {id} --task-id ID"
                    );
                }
            }
            _ => {}
        }
    }

    /// The task that a callback named for a shot in doubt is another's.
    pub(super) fn refute(&mut self, now: Now, slot: Slot, task: &TaskId, why: &str) {
        if let Some(entry) = self.entry(slot) {
            let id = &entry.shot;
            tracing::warn!(
                shot = %id,
                "a callback named task {task} for {id}, but that {why}; {id} stays in doubt"
            );
        }
        let event = ShotEvent::Refuted { task: task.clone(), why: why.to_owned() };
        // The shot stays where it is.
        let _ = self.step(now, slot, event);
    }
}
