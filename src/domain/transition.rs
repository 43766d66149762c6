//! The one function that makes every transition. It takes the time as an argument and touches
//! nothing outside its arguments, so that every turn of a shot's life can be tested as a table.

mod contents;
mod earlier;
mod polls;
mod resolutions;

use std::time::Duration;

use crate::domain::outcome::{DownloadError, SubmitOutcome, TaskId};
use crate::domain::time::Timestamp;

use super::state::{
    Account, AttemptId, AttemptOutcome, Doubt, Failure, RecoveredTask, RevisionState, Rules,
    ShotEvent, State, Unanswered,
};

/// What a page of a firewall before the gateway means.
pub const FIREWALL: &str =
    "a firewall before the gateway refused this request; its text may have triggered it";

/// What changed about the attempt the event was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptChange {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How its POST ended, when this event says so.
    pub outcome: Option<AttemptOutcome>,
    /// The reason for people, when there is one.
    pub why: Option<Box<str>>,
    /// The whole answer, if it leaves a doubt: it may hold the only trace of a purchase.
    pub answer: Option<Box<str>>,
    /// The account its price lies in from now on.
    pub account: Account,
    /// A task that is another's, as it turned out: from now on a former one.
    pub refuted: Option<TaskId>,
}

/// What follows from an event. Commit `to` and `change`, then do `then`.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The revision from now on.
    pub to: RevisionState,
    /// The attempt's change, if the event touched one.
    pub change: Option<AttemptChange>,
    /// Further attempts of the revision to which the same change applies.
    pub also: Vec<AttemptId>,
    /// What to do next.
    pub then: Next,
}

impl Transition {
    const fn new(to: RevisionState, then: Next) -> Self {
        Self { to, change: None, also: Vec::new(), then }
    }

    /// The changes of all attempts that it touches.
    pub fn changes(&self) -> impl Iterator<Item = AttemptChange> {
        let others = self.also.iter().filter_map(|attempt| {
            let change = self.change.clone()?;
            Some(AttemptChange { attempt: *attempt, ..change })
        });
        self.change.iter().cloned().chain(others)
    }

    /// Whether it changes anything that must outlive the process.
    #[must_use]
    pub fn is_durable(&self, before: &RevisionState) -> bool {
        let counts =
            |it: &RevisionState| (it.refusals, it.resubmits, it.rerolls, it.probed, it.is_waiting);
        self.change.is_some()
            || counts(&self.to) != counts(before)
            || !is_the_same(&self.to.state, &before.state)
    }
}

/// Whether two states differ at most in what only this process knows.
fn is_the_same(one: &State, other: &State) -> bool {
    match (one, other) {
        (
            State::Rendering { attempt: a, task: b, since: c, stalled: d, .. },
            State::Rendering { attempt, task, since, stalled, .. },
        ) => (a, b, c, d) == (attempt, task, since, stalled),
        _ => one == other,
    }
}

/// What the driver does after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the POST.
    Post,
    /// Put it back in the queue.
    Requeue(Backoff),
    /// Poll the task when it is next due; not before this long, if the gateway asked for it.
    Poll(Option<Duration>),
    /// Fetch the clips.
    Fetch,
    /// Nothing more in this run.
    Rest,
    /// Put it back in the queue and submit nothing more.
    Stop,
}

/// How long a queued shot waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// Not at all.
    None,
    /// Until others were tried: it may be about more than this one.
    Behind,
    /// This shot was refused with a 5xx.
    Refused(Option<Duration>),
}

/// An event that cannot happen in a state: a defect in the driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {event} cannot happen to a shot that is {state}")]
pub struct InvalidTransition {
    /// The state's name.
    pub state: &'static str,
    /// The event's name.
    pub event: &'static str,
}

impl RevisionState {
    /// Decides what follows from an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    pub fn after(
        &self,
        event: ShotEvent,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Transition, InvalidTransition> {
        match (&self.state, event) {
            (State::Queued { .. }, ShotEvent::Claim) => {
                let attempt = AttemptId::UNASSIGNED;
                Ok(self.to(State::Submitting { attempt, doubt: None }, Next::Post))
            }
            (State::InDoubt { attempt: first, why }, ShotEvent::Claim)
                if self.is_bought_again(rules) =>
            {
                let attempt = AttemptId::UNASSIGNED;
                let doubt = Some(Doubt { attempt: *first, why: why.clone() });
                let job = Self { resubmits: self.resubmits + 1, ..self.clone() };
                Ok(job.to(State::Submitting { attempt, doubt }, Next::Post))
            }
            (State::Queued { .. }, ShotEvent::NotSendable(why)) => {
                Ok(self.to(State::Queued { why: Some(why.into()) }, Next::Rest))
            }
            (State::InDoubt { .. }, ShotEvent::NotSendable(_)) => {
                Ok(self.to(self.state.clone(), Next::Rest))
            }
            (State::Submitting { attempt, doubt }, ShotEvent::Answered(answer)) => {
                Ok(self.answered(*attempt, doubt.as_ref(), answer, now, rules))
            }
            (State::Submitting { attempt, .. }, ShotEvent::FoundSubmitting) => {
                let why = "the run ended while its request was on the wire";
                Ok(self.doubtful(*attempt, AttemptOutcome::Doubtful, why.into(), rules))
            }
            (State::Rendered { .. }, ShotEvent::Polled(polled)) => Ok(self.polled_again(polled)),
            (_, ShotEvent::Polled(polled)) => self.polled(polled, now, rules),
            (State::Queued { .. }, ShotEvent::Adopted) => {
                Ok(self.to(State::Delivered { attempt: AttemptId::UNASSIGNED }, Next::Rest))
            }
            (State::Rendered { attempt, .. }, ShotEvent::Delivered) => {
                Ok(self.to(State::Delivered { attempt: *attempt }, Next::Rest))
            }
            (
                State::Rendered { attempt, completed_at, .. },
                ShotEvent::NotFetched(DownloadError::Gone { why }),
            ) if now.since(*completed_at) > rules.result_lifetime => {
                let lifetime = days(rules.result_lifetime);
                let why =
                    format!("paid, but its {lifetime} were over before it was fetched ({why})");
                let (attempt, failure) = (Some(*attempt), Failure::Expired);
                Ok(self.to(State::Failed { attempt, failure, why: why.into() }, Next::Rest))
            }
            (
                State::Rendered { attempt, task, urls, completed_at, .. },
                ShotEvent::NotFetched(unfetched),
            ) => {
                let (attempt, completed_at) = (*attempt, *completed_at);
                let (task, urls, why) = (task.clone(), urls.clone(), Some(unfetched.why().into()));
                let still = State::Rendered { attempt, task, urls, completed_at, why };
                Ok(self.to(still, Next::Rest))
            }
            (
                State::InDoubt { attempt, .. },
                ShotEvent::Evidence(RecoveredTask { task, sent_at }),
            ) => Ok(self
                .to(rendering(*attempt, task, sent_at.min(now)), Next::Poll(Some(Duration::ZERO)))
                .with(*attempt, Some(AttemptOutcome::Bought), None, Account::Reserved)),
            (State::InDoubt { attempt, why }, ShotEvent::Refuted { task, why: said }) => {
                Ok(self.refuted(*attempt, why, task, &said))
            }
            (State::Failed { failure: Failure::Rejected, why, .. }, ShotEvent::RefusedAlike) => {
                let state = State::Queued { why: Some(why.clone()) };
                let then = Next::Requeue(Backoff::None);
                Ok(Transition::new(Self { state, probed: true, ..self.clone() }, then))
            }
            (State::Failed { why, .. }, ShotEvent::Reroll) if self.may_be_rerolled(rules) => {
                let state = State::Queued { why: Some(format!("bought again: {why}").into()) };
                let rerolls = self.rerolls.saturating_add(1);
                let again = Self { state, rerolls, ..self.clone() };
                Ok(Transition::new(again, Next::Requeue(Backoff::None)))
            }
            (state, ShotEvent::RetryFailed) if state.may_be_retried() => {
                Ok(Transition::new(Self::new(), Next::Requeue(Backoff::None)))
            }
            (_, ShotEvent::Resolved(resolution)) => self.resolved(resolution, now),
            (_, ShotEvent::Earlier { attempt, end }) => self.earlier_ended(attempt, end, rules),
            (State::Rendering { stalled: Some(_), .. }, ShotEvent::FormerTask(task)) => {
                self.has_other_task(task, now)
            }
            (state, event) => Err(InvalidTransition { state: state.name(), event: event.name() }),
        }
    }

    /// Only a task that renders can be one that has not begun.
    fn to(&self, state: State, then: Next) -> Transition {
        Transition::new(Self { state, is_waiting: false, ..self.clone() }, then)
    }

    fn answered(
        &self,
        attempt: AttemptId,
        doubt: Option<&Doubt>,
        answer: SubmitOutcome,
        now: Timestamp,
        rules: &Rules,
    ) -> Transition {
        let queue_again = |why: String, outcome, then| {
            let why: Box<str> = why.into();
            let step = Transition::new(self.not_bought(doubt, why.clone()), then);
            step.with(attempt, Some(outcome), Some(why), Account::Released)
        };
        match answer {
            SubmitOutcome::NotSent { why } => {
                queue_again(why, AttemptOutcome::NotSent, Next::Requeue(Backoff::None))
            }
            SubmitOutcome::Throttled { is_money, why, .. } => {
                let backoff = if is_money { Backoff::Behind } else { Backoff::None };
                queue_again(why, AttemptOutcome::Throttled, Next::Requeue(backoff))
            }
            SubmitOutcome::ServerError { from_proxy: true, why, .. } if rules.strict => {
                self.doubtful(attempt, AttemptOutcome::ServerError, why.into(), rules)
            }
            SubmitOutcome::ServerError { retry_after, why, .. } => {
                self.refused(attempt, doubt, retry_after, why.into(), rules)
            }
            SubmitOutcome::Rejected { why } => self.after_rejection(attempt, doubt, &why),
            SubmitOutcome::Firewall { why } => {
                self.after_rejection(attempt, doubt, &format!("{FIREWALL} ({why})"))
            }
            SubmitOutcome::BadKey { why } => queue_again(why, AttemptOutcome::BadKey, Next::Stop),
            SubmitOutcome::NoCredit { why } => {
                queue_again(why, AttemptOutcome::NoCredit, Next::Stop)
            }
            SubmitOutcome::WrongAddress { why } => {
                queue_again(why, AttemptOutcome::WrongAddress, Next::Stop)
            }
            SubmitOutcome::Bought { task } => Self { probed: false, ..self.clone() }
                .to(rendering(attempt, task, now), Next::Poll(None))
                .with(attempt, Some(AttemptOutcome::Bought), None, Account::Reserved),
            SubmitOutcome::Doubtful { why, answer } => self
                .doubtful(attempt, AttemptOutcome::Doubtful, why.into(), rules)
                .with_answer(answer),
        }
    }

    /// The gateway, or what stands before it, will not accept this request.
    fn after_rejection(&self, attempt: AttemptId, doubt: Option<&Doubt>, why: &str) -> Transition {
        let ended = match doubt {
            None => failed(attempt, Failure::Rejected, why),
            Some(doubt) => still_in_doubt(doubt, &format!("rejected: {why}")),
        };
        let outcome = Some(AttemptOutcome::Rejected);
        self.to(ended, Next::Rest).with(attempt, outcome, Some(why.into()), Account::Released)
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
    ) -> Transition {
        let refusals = self.refusals.saturating_add(1);
        let job = Self { refusals, ..self.clone() };
        let step = if refusals >= rules.attempts {
            let said = format!("refused {refusals} times, the last time with: {why}");
            let ended = match doubt {
                None => failed(attempt, Failure::RefusedTooOften, &said),
                Some(doubt) => still_in_doubt(doubt, &said),
            };
            job.to(ended, Next::Rest)
        } else {
            let then = Next::Requeue(Backoff::Refused(retry_after));
            Transition::new(job.not_bought(doubt, why.clone()), then)
        };
        step.with(attempt, Some(AttemptOutcome::ServerError), Some(why), Account::Unconfirmed)
    }

    /// The price stays reserved whatever is done about the doubt.
    fn doubtful(
        &self,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        why: Box<str>,
        rules: &Rules,
    ) -> Transition {
        let step = self.to(State::InDoubt { attempt, why: why.clone() }, Next::Rest);
        let again = step.to.is_bought_again(rules);
        let then = if again { Next::Requeue(Backoff::None) } else { Next::Rest };
        Transition { then, ..step }.with(attempt, Some(outcome), Some(why), Account::Reserved)
    }
}

impl Transition {
    fn with(
        self,
        attempt: AttemptId,
        outcome: Option<AttemptOutcome>,
        why: Option<Box<str>>,
        account: Account,
    ) -> Self {
        let (answer, refuted) = (None, None);
        let change = AttemptChange { attempt, outcome, why, answer, account, refuted };
        Self { change: Some(change), ..self }
    }

    fn with_answer(mut self, answer: Option<Box<str>>) -> Self {
        if let Some(change) = &mut self.change {
            change.answer = answer;
        }
        self
    }
}

fn rendering(attempt: AttemptId, task: TaskId, since: Timestamp) -> State {
    State::Rendering { attempt, task, since, silence: Unanswered::default(), stalled: None }
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

/// A lifetime in days, or in hours if it is shorter than two.
fn days(span: Duration) -> String {
    match span.as_secs() / 3600 {
        hours @ 0..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
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
