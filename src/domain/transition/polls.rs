//! What follows from the answer to a poll: of a task that renders, and of one that is done and whose
//! clip is still to be fetched.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::domain::outcome::{FailedTask, PollOutcome, TaskId, Unresolved};
use crate::domain::state::{
    Account, AttemptId, Failure, LastWord, MISSING_PATIENCE, RevisionState, Rules, ShotEvent,
    State, Unanswered,
};
use crate::domain::time::Timestamp;

use super::{InvalidTransition, Next, Transition, humane};

/// A reason is believed once it was said in so many polls, over so long.
const REASON_POLLS: u32 = 3;
const REASON_PATIENCE: Duration = Duration::from_secs(30);
/// After so long nothing more is expected of an answer that says neither a clip nor a reason.
const WORDLESS_PATIENCE: Duration = Duration::from_secs(300);
/// A task that has not begun after so long is noted as one that waits at the gateway.
const WAITING_NOTED: Duration = Duration::from_secs(60);

/// A task that renders, and what was heard of it.
struct Rendering<'a> {
    status: &'a RevisionState,
    attempt: AttemptId,
    task: &'a TaskId,
    since: Timestamp,
    silence: Unanswered,
    stalled: Option<&'a str>,
    now: Timestamp,
    rules: &'a Rules,
}

impl Rules {
    /// Whether the gateway charges a task that failed so.
    #[must_use]
    pub fn is_charged(&self, kind: FailedTask) -> bool {
        let canceled = self.canceled_tasks_charged.filter(|_| kind.is_canceled);
        canceled.unwrap_or(self.failed_tasks_charged)
    }
}

impl RevisionState {
    /// A poll of a task that is done: its newest URLs are used. Nothing else that it says matters,
    /// for the clip is paid.
    pub(super) fn polled_again(&self, polled: PollOutcome) -> Transition {
        let mut after = self.clone();
        if let (PollOutcome::Completed { urls: newest, .. }, State::Rendered { urls, .. }) =
            (polled, &mut after.state)
            && newest.len() >= urls.len()
        {
            *urls = newest;
        }
        Transition::new(after, Next::Fetch)
    }

    pub(super) fn polled(
        &self,
        polled: PollOutcome,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Transition, InvalidTransition> {
        let State::Rendering { attempt, task, since, silence, stalled } = &self.state else {
            let (state, event) = (self.state.name(), ShotEvent::Polled(polled).name());
            return Err(InvalidTransition { state, event });
        };
        let (attempt, since, silence, stalled) = (*attempt, *since, *silence, stalled.as_deref());
        let rendering =
            Rendering { status: self, attempt, task, since, silence, stalled, now, rules };
        Ok(rendering.answered(polled))
    }
}

impl Rendering<'_> {
    fn answered(&self, polled: PollOutcome) -> Transition {
        let Self { attempt, since, silence, stalled, now, rules, .. } = *self;
        match polled {
            PollOutcome::Working { is_waiting, unknown } => self.works_on(is_waiting, unknown),
            PollOutcome::Completed { urls, completed_at } => {
                let completed_at = completed_at.map_or(now, |at| at.clamp(since, now.max(since)));
                let task = self.task.clone();
                let rendered = State::Rendered { attempt, task, urls, completed_at, why: None };
                let step = self.status.to(rendered, Next::Fetch);
                step.with(attempt, None, None, Account::Spent)
            }
            PollOutcome::Failed { why, kind } => self.failed(why, kind),
            PollOutcome::Unresolved { kind, why } => self.unresolved(kind, why),
            PollOutcome::Missing { why } => {
                let first = silence.missing.unwrap_or(now);
                if self.is_unheard() || now.since(first) > MISSING_PATIENCE {
                    let why = format!("the gateway says it does not know the task ({why})");
                    return self.go_on(silence, Some(&why), Next::Rest);
                }
                let silence = Unanswered { missing: Some(first), ..self.silence_so_far() };
                self.go_on(silence, stalled, Next::Poll(None))
            }
            PollOutcome::Unclear { why, .. } if self.is_unheard() => {
                self.go_on(silence, Some(&late(rules, &why)), Next::Rest)
            }
            PollOutcome::OtherContent { why } => {
                self.status.has_anothers_task(attempt, self.task, &why, rules)
            }
            PollOutcome::OtherTask { theirs } if self.is_unheard() => {
                let said = format!("the gateway answered about another task, {theirs}");
                self.go_on(silence, Some(&late(rules, &said)), Next::Rest)
            }
            PollOutcome::OtherTask { .. } => {
                self.go_on(self.silence_so_far(), stalled, Next::Poll(None))
            }
            PollOutcome::Unclear { retry_after, .. } => {
                self.go_on(self.silence_so_far(), stalled, Next::Poll(retry_after))
            }
            PollOutcome::Unanswered { .. } => self.go_on(silence, stalled, Next::Poll(None)),
            PollOutcome::BadKey { .. } => self.go_on(silence, stalled, Next::Stop),
        }
    }

    /// It still renders.
    fn go_on(&self, silence: Unanswered, stalled: Option<&str>, then: Next) -> Transition {
        let (attempt, since) = (self.attempt, self.since);
        let (task, stalled) = (self.task.clone(), stalled.map(Into::into));
        let state = State::Rendering { attempt, task, since, silence, stalled };
        Transition::new(RevisionState { state, ..self.status.clone() }, then)
    }

    fn works_on(&self, is_waiting: bool, unknown: Option<String>) -> Transition {
        let mut step = if self.is_overdue() {
            let said = unknown.map_or_else(
                || "the gateway still works on it".to_owned(),
                |state| format!("the gateway calls its state {state:?}"),
            );
            self.go_on(Unanswered::default(), Some(&late(self.rules, &said)), Next::Rest)
        } else {
            self.go_on(Unanswered::default(), None, Next::Poll(None))
        };
        step.to.is_waiting = is_waiting && self.now.since(self.since) > WAITING_NOTED;
        step
    }

    /// The gateway could not render it.
    fn failed(&self, why: String, kind: FailedTask) -> Transition {
        let is_charged = self.rules.is_charged(kind);
        let account = if is_charged { Account::Spent } else { Account::Released };
        let failure = if kind.is_luck { Failure::Unlucky } else { Failure::NotRendered };
        self.ended(failure, why.into(), account)
    }

    fn ended(&self, failure: Failure, why: Box<str>, account: Account) -> Transition {
        let failed = State::Failed { attempt: Some(self.attempt), failure, why: why.clone() };
        self.status.to(failed, Next::Rest).with(self.attempt, None, Some(why), account)
    }

    /// What may be the gateway's last word is believed once it was said often and for long enough.
    fn unresolved(&self, kind: Unresolved, why: String) -> Transition {
        let word = self.word(kind, &why);
        // It is not unknown to the gateway.
        let silence = Unanswered { word: Some(word), missing: None, ..self.silence_so_far() };
        let lasts = |patience: Duration| {
            self.now.since(word.since) >= patience.min(self.rules.render_timeout)
        };
        let is_reason = word.times >= REASON_POLLS && lasts(REASON_PATIENCE);
        let is_lasting = lasts(WORDLESS_PATIENCE);
        let stalled = |why: &str| self.go_on(silence, Some(why), Next::Rest);
        match kind {
            Unresolved::CompletedWithReason if is_reason => {
                let why = format!("{why} (the gateway calls it completed: perhaps charged)");
                self.ended(Failure::Unsettled, why.into(), Account::Reserved)
            }
            Unresolved::Ended(kind) if is_reason => self.failed(why, kind),
            Unresolved::OtherWithReason if is_reason => stalled(&why),
            Unresolved::CompletedEmpty if is_lasting => {
                stalled("the gateway calls it completed and names neither a clip nor a reason")
            }
            Unresolved::Coded(_) if is_lasting && self.rules.others_are_clear => {
                stalled(&format!("asked about this task, the gateway always answers {why}"))
            }
            _ if self.is_unheard() => stalled(&late(self.rules, &why)),
            _ => self.go_on(silence, self.stalled, Next::Poll(None)),
        }
    }

    /// What was said now, as often as it was said in a row. Reasons are compared, and codes.
    fn word(&self, kind: Unresolved, why: &str) -> LastWord {
        let mut hasher = DefaultHasher::new();
        format!("{kind:?}").hash(&mut hasher);
        match kind {
            Unresolved::CompletedEmpty | Unresolved::Coded(_) => {}
            _ => why.hash(&mut hasher),
        }
        let digest = hasher.finish();
        match self.silence.word.filter(|word| word.digest == digest) {
            Some(word) => LastWord { times: word.times.saturating_add(1), ..word },
            None => LastWord { digest, since: self.now, times: 1 },
        }
    }

    fn is_overdue(&self) -> bool {
        self.now.since(self.since) > self.rules.render_timeout
    }

    /// What says nothing about the task changes nothing about it, until patience is over.
    fn is_unheard(&self) -> bool {
        let patience = MISSING_PATIENCE.min(self.rules.render_timeout);
        let lasts = self.silence.unclear.is_some_and(|first| self.now.since(first) > patience);
        self.is_overdue() && lasts
    }

    /// With one more answer that was not clear.
    fn silence_so_far(&self) -> Unanswered {
        Unanswered { unclear: self.silence.unclear.or(Some(self.now)), ..self.silence }
    }
}

fn late(rules: &Rules, said: &str) -> String {
    format!("not done {} after it was submitted ({said})", humane(rules.render_timeout))
}
