//! The one function that makes every transition. It takes the time as an argument and touches
//! nothing outside its arguments, so that every turn of a shot's life can be tested as a table.

use std::time::Duration;

use crate::answer::{Polled, Submitted, TaskId, Unfetched};
use crate::time::Timestamp;

use super::{
    Account, Action, AttemptChange, AttemptId, CLIPS_LIVE, Doubt, Event, Failure, Found, Halt,
    Impossible, Job, MISSING_PATIENCE, Outcome, Pause, Resolution, Rules, Silence, State, Step,
};

/// A task that is being polled.
struct Running<'a> {
    attempt: AttemptId,
    task: &'a TaskId,
    since: Timestamp,
    silence: Silence,
    /// Why nothing more was expected of it before this poll.
    stalled: Option<&'a str>,
}

impl Job {
    /// Decides what follows from an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    pub fn after(&self, event: Event, now: Timestamp, rules: &Rules) -> Result<Step, Impossible> {
        match (&self.state, event) {
            (State::Queued { .. }, Event::Claimed(attempt)) => {
                Ok(self.to(State::Submitting { attempt, doubt: None }, Action::Post))
            }
            (State::InDoubt { attempt: first, why }, Event::Claimed(attempt))
                if self.is_bought_again(rules) =>
            {
                let doubt = Some(Doubt { attempt: *first, why: why.clone() });
                let job = Self { resubmits: self.resubmits + 1, ..self.clone() };
                Ok(job.to(State::Submitting { attempt, doubt }, Action::Post))
            }
            (State::Queued { .. }, Event::NotSendable(why)) => {
                Ok(self.to(State::Queued { why: Some(why.into()) }, Action::Rest))
            }
            (State::InDoubt { .. }, Event::NotSendable(_)) => {
                Ok(self.to(self.state.clone(), Action::Rest))
            }
            (State::Submitting { attempt, doubt }, Event::Answered(answer)) => {
                Ok(self.answered(*attempt, doubt.as_ref(), answer, now, rules))
            }
            (State::Submitting { attempt, .. }, Event::FoundSubmitting) => {
                let why = "the run ended while its request was on the wire";
                Ok(self.doubtful(*attempt, Outcome::Doubtful, why.into(), rules))
            }
            (
                State::Rendering { attempt, task, since, silence, stalled },
                Event::Polled(polled),
            ) => {
                let (attempt, since, silence) = (*attempt, *since, *silence);
                let stalled = stalled.as_deref();
                let running = Running { attempt, task, since, silence, stalled };
                Ok(self.polled(&running, polled, now, rules))
            }
            (State::Rendered { attempt, .. }, Event::Delivered) => {
                Ok(self.to(State::Delivered { attempt: *attempt }, Action::Rest))
            }
            (
                State::Rendered { attempt, completed_at, .. },
                Event::NotFetched(Unfetched::Gone { why }),
            ) if now.since(*completed_at) > CLIPS_LIVE => {
                let why = format!("paid, but its 7 days were over before it was fetched ({why})");
                let (attempt, failure) = (Some(*attempt), Failure::Expired);
                Ok(self.to(State::Failed { attempt, failure, why: why.into() }, Action::Rest))
            }
            (
                State::Rendered { attempt, task, urls, completed_at, .. },
                Event::NotFetched(unfetched),
            ) => {
                let (attempt, completed_at) = (*attempt, *completed_at);
                let (task, urls, why) = (task.clone(), urls.clone(), Some(unfetched.why().into()));
                let still = State::Rendered { attempt, task, urls, completed_at, why };
                Ok(self.to(still, Action::Rest))
            }
            (State::InDoubt { attempt, .. }, Event::Evidence(Found { task, sent_at })) => Ok(self
                .to(rendering(*attempt, task, sent_at.min(now)), Action::Poll(Some(Duration::ZERO)))
                .with(*attempt, Some(Outcome::Bought), None, Account::Reserved)),
            (State::Failed { failure, .. }, Event::RetryFailed)
                if *failure != Failure::Abandoned =>
            {
                let then = Action::Requeue(Pause::None);
                Ok(Step { job: Self::new(), change: None, then })
            }
            (_, Event::Resolved(resolution)) => self.resolved(resolution, now),
            (state, event) => Err(Impossible { state: state.name(), event: event.name() }),
        }
    }

    fn to(&self, state: State, then: Action) -> Step {
        Step { job: Self { state, ..self.clone() }, change: None, then }
    }

    fn answered(
        &self,
        attempt: AttemptId,
        doubt: Option<&Doubt>,
        answer: Submitted,
        now: Timestamp,
        rules: &Rules,
    ) -> Step {
        let queue_again = |why: String, outcome, then| {
            let why: Box<str> = why.into();
            let step = Step { job: self.not_bought(doubt, why.clone()), change: None, then };
            step.with(attempt, Some(outcome), Some(why), Account::Released)
        };
        match answer {
            Submitted::NotSent { why } => {
                queue_again(why, Outcome::NotSent, Action::Requeue(Pause::Unreached))
            }
            Submitted::Throttled { retry_after, why } => {
                let then = Action::Requeue(Pause::Throttled(retry_after));
                queue_again(why, Outcome::Throttled, then)
            }
            Submitted::ServerError { status, why, .. }
                if rules.strict && Submitted::is_from_proxy(status) =>
            {
                self.doubtful(attempt, Outcome::ServerError, why.into(), rules)
            }
            Submitted::ServerError { retry_after, why, .. } => {
                self.refused(attempt, doubt, retry_after, why.into(), rules)
            }
            Submitted::Rejected { why } => {
                let ended = match doubt {
                    None => failed(attempt, Failure::Rejected, &why),
                    Some(doubt) => still_in_doubt(doubt, &format!("rejected: {why}")),
                };
                let (outcome, why) = (Some(Outcome::Rejected), Some(why.into()));
                self.to(ended, Action::Rest).with(attempt, outcome, why, Account::Released)
            }
            Submitted::BadKey { why } => queue_again(why, Outcome::BadKey, Action::Halt(Halt::Key)),
            Submitted::NoCredit { why } => {
                queue_again(why, Outcome::NoCredit, Action::Halt(Halt::Credit))
            }
            Submitted::WrongAddress { why } => {
                queue_again(why, Outcome::WrongAddress, Action::Halt(Halt::Address))
            }
            Submitted::Bought { task } => self
                .to(rendering(attempt, task, now), Action::Poll(None))
                .with(attempt, Some(Outcome::Bought), None, Account::Reserved),
            Submitted::Doubtful { why } => {
                self.doubtful(attempt, Outcome::Doubtful, why.into(), rules)
            }
        }
    }

    /// What it is after an attempt that bought nothing: queued, or in doubt as it was before.
    fn not_bought(&self, doubt: Option<&Doubt>, why: Box<str>) -> Self {
        match doubt.cloned() {
            None => Self { state: State::Queued { why: Some(why) }, ..self.clone() },
            Some(Doubt { attempt, why }) => {
                let resubmits = self.resubmits.saturating_sub(1);
                Self { state: State::InDoubt { attempt, why }, resubmits, ..self.clone() }
            }
        }
    }

    fn refused(
        &self,
        attempt: AttemptId,
        doubt: Option<&Doubt>,
        retry_after: Option<Duration>,
        why: Box<str>,
        rules: &Rules,
    ) -> Step {
        let refusals = self.refusals.saturating_add(1);
        let job = Self { refusals, ..self.clone() };
        let step = if refusals >= rules.attempts {
            let said = format!("refused {refusals} times, the last time with: {why}");
            let ended = match doubt {
                None => failed(attempt, Failure::RefusedTooOften, &said),
                Some(doubt) => still_in_doubt(doubt, &said),
            };
            job.to(ended, Action::Rest)
        } else {
            let then = Action::Requeue(Pause::Refused(retry_after));
            Step { job: job.not_bought(doubt, why.clone()), change: None, then }
        };
        step.with(attempt, Some(Outcome::ServerError), Some(why), Account::Unconfirmed)
    }

    /// The price stays reserved whatever is done about the doubt.
    fn doubtful(&self, attempt: AttemptId, outcome: Outcome, why: Box<str>, rules: &Rules) -> Step {
        let step = self.to(State::InDoubt { attempt, why: why.clone() }, Action::Rest);
        let again = step.job.is_bought_again(rules);
        let then = if again { Action::Requeue(Pause::None) } else { Action::Rest };
        Step { then, ..step }.with(attempt, Some(outcome), Some(why), Account::Reserved)
    }

    fn polled(&self, of: &Running<'_>, polled: Polled, now: Timestamp, rules: &Rules) -> Step {
        let Running { attempt, task, since, silence, stalled } = *of;
        let go_on = |silence, stalled: Option<&str>, then| {
            let (task, stalled) = (task.clone(), stalled.map(Into::into));
            self.to(State::Rendering { attempt, task, since, silence, stalled }, then)
        };
        let overdue = now.since(since) > rules.render_timeout;
        let late = |said: &str| {
            format!("not done {} after it was submitted ({said})", humane(rules.render_timeout))
        };
        // What says nothing about the task changes nothing about it, until patience is over.
        let waited = |first: Timestamp, patience| now.since(first) > patience;
        let unclear = Some(silence.unclear.unwrap_or(now));
        let unheard = unclear.is_some_and(|first| {
            overdue && waited(first, MISSING_PATIENCE.min(rules.render_timeout))
        });
        match polled {
            Polled::Working { unknown } if overdue => {
                let said = unknown.map_or_else(
                    || "the gateway still works on it".to_owned(),
                    |state| format!("the gateway calls its state {state:?}"),
                );
                go_on(Silence::default(), Some(&late(&said)), Action::Rest)
            }
            Polled::Working { .. } => go_on(Silence::default(), None, Action::Poll(None)),
            Polled::Unclear { why, .. } if unheard => {
                go_on(silence, Some(&late(&why)), Action::Rest)
            }
            Polled::OtherTask { theirs } if unheard => {
                let said = format!("the gateway answered about another task, {theirs}");
                go_on(silence, Some(&late(&said)), Action::Rest)
            }
            Polled::OtherTask { .. } => {
                go_on(Silence { unclear, ..silence }, stalled, Action::Poll(None))
            }
            Polled::Unclear { retry_after, .. } => {
                go_on(Silence { unclear, ..silence }, stalled, Action::Poll(retry_after))
            }
            Polled::Unanswered { .. } => go_on(silence, stalled, Action::Poll(None)),
            Polled::BadKey { .. } => go_on(silence, stalled, Action::Halt(Halt::Key)),
            Polled::Missing { why } => {
                let first = silence.missing.unwrap_or(now);
                if unheard || waited(first, MISSING_PATIENCE) {
                    let why = format!("the gateway says it does not know the task ({why})");
                    return go_on(silence, Some(&why), Action::Rest);
                }
                go_on(Silence { missing: Some(first), unclear }, stalled, Action::Poll(None))
            }
            Polled::Completed { urls, completed_at } => {
                let completed_at = completed_at.map_or(now, |at| at.clamp(since, now.max(since)));
                let task = task.clone();
                let rendered = State::Rendered { attempt, task, urls, completed_at, why: None };
                self.to(rendered, Action::Fetch).with(attempt, None, None, Account::Spent)
            }
            Polled::Failed { why } => {
                let why: Box<str> = why.into();
                let account =
                    if rules.failed_tasks_charged { Account::Spent } else { Account::Released };
                let failure = Failure::NotRendered;
                let failed = State::Failed { attempt: Some(attempt), failure, why: why.clone() };
                self.to(failed, Action::Rest).with(attempt, None, Some(why), account)
            }
        }
    }

    fn resolved(&self, resolution: Resolution, now: Timestamp) -> Result<Step, Impossible> {
        let attempt = match &self.state {
            State::InDoubt { attempt, .. }
            | State::Rendering { attempt, stalled: Some(_), .. }
            | State::Failed { attempt: Some(attempt), failure: Failure::Abandoned, .. } => *attempt,
            state => return Err(Impossible { state: state.name(), event: "a resolution" }),
        };
        // The user's word arms it anew, as `--retry-failed` does.
        let again = |why| {
            let (state, then) = (State::Queued { why }, Action::Requeue(Pause::None));
            Step { job: Self { state, ..Self::new() }, change: None, then }
        };
        Ok(match resolution {
            Resolution::Task(Found { task, sent_at }) => self
                .to(rendering(attempt, task, sent_at.min(now)), Action::Poll(None))
                .with(attempt, Some(Outcome::Bought), None, Account::Reserved),
            Resolution::NotBought => {
                let why: Box<str> = "resolved: it was not bought".into();
                again(Some(why.clone())).with(attempt, None, Some(why), Account::Released)
            }
            Resolution::Resubmit => {
                let why: Option<Box<str>> = Some("resolved: bought again".into());
                again(why.clone()).with(attempt, None, why, Account::Reserved)
            }
            Resolution::Abandon => {
                let why: Box<str> = "abandoned; its price stays reserved".into();
                let failure = Failure::Abandoned;
                let failed = State::Failed { attempt: Some(attempt), failure, why: why.clone() };
                self.to(failed, Action::Rest).with(attempt, None, Some(why), Account::Reserved)
            }
        })
    }
}

impl Step {
    fn with(
        self,
        attempt: AttemptId,
        outcome: Option<Outcome>,
        why: Option<Box<str>>,
        account: Account,
    ) -> Self {
        Self { change: Some(AttemptChange { attempt, outcome, why, account }), ..self }
    }
}

fn rendering(attempt: AttemptId, task: TaskId, since: Timestamp) -> State {
    State::Rendering { attempt, task, since, silence: Silence::default(), stalled: None }
}

fn failed(attempt: AttemptId, failure: Failure, why: &str) -> State {
    State::Failed { attempt: Some(attempt), failure, why: why.into() }
}

/// In doubt as it was before: that it was not bought the last time does not say that it was not
/// bought the first time, and `--retry-failed` must not buy it.
fn still_in_doubt(doubt: &Doubt, said: &str) -> State {
    let why = format!("{}; sent again and {said}", doubt.why).into();
    State::InDoubt { attempt: doubt.attempt, why }
}

/// A span in its largest whole unit: `2h`, `90s`, `250ms`.
fn humane(span: Duration) -> String {
    match (span.as_secs(), span.subsec_millis()) {
        (0, millis) => format!("{millis}ms"),
        (secs, 0) if secs % 3600 == 0 => format!("{}h", secs / 3600),
        (secs, 0) if secs % 60 == 0 => format!("{}m", secs / 60),
        (secs, 0) => format!("{secs}s"),
        (secs, millis) => format!("{secs}.{millis:03}s"),
    }
}
