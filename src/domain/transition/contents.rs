//! What follows when a task that the user or a callback named renders something else than the shot
//! asks for: it is another's, and the shot is in doubt as it was before.

use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, Rules, State};

use super::{Next, Transition};

/// What comes before what a callback's task turned out to be; only the latest is kept.
const CALLED: &str = "; a callback named its task, but task ";

impl RevisionState {
    /// The task that it was said to be bought as is another's.
    pub(super) fn has_anothers_task(
        &self,
        attempt: AttemptId,
        task: &TaskId,
        said: &str,
        rules: &Rules,
    ) -> Transition {
        let why = format!(
            "it was said to be bought as task {task}, but that {said}; its price stays reserved. Give \
             the right task with --task-id; if {task} is right all the same, give it once more"
        );
        self.doubtful(attempt, AttemptOutcome::Doubtful, why.into(), rules).refuting(task.clone())
    }

    /// It is in doubt as before, and the task that a callback named does not end that.
    pub(super) fn refuted(
        &self,
        attempt: AttemptId,
        before: &str,
        task: TaskId,
        said: &str,
    ) -> Transition {
        let before = before.split(CALLED).next().unwrap_or(before);
        let why: Box<str> = format!("{before}{CALLED}{task} {said}").into();
        let still = State::InDoubt { attempt, why: why.clone() };
        let step = self.to(still, Next::Rest);
        step.with(attempt, None, Some(why), Account::Reserved).refuting(task)
    }
}

impl Transition {
    /// From now on this task is a former one of the attempt.
    fn refuting(mut self, task: TaskId) -> Self {
        if let Some(change) = &mut self.change {
            change.refuted = Some(task);
        }
        self
    }
}
