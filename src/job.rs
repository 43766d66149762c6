//! The life of a shot's revision: its states, what can happen to it, and the one function that
//! decides what follows. Synchronous and pure: no clock, no I/O. The driver around it commits a
//! [`Step`] to the ledger and only then acts on it.

use std::time::Duration;

use crate::answer::{Polled, Submitted, TaskId, Unfetched};
use crate::time::Timestamp;

/// An attempt's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub i64);

/// Where a revision stands, with what is known in that state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// To be submitted.
    Queued {
        /// Why the last attempt did not buy it.
        why: Option<Box<str>>,
    },
    /// Its POST is about to leave or on the wire.
    Submitting {
        /// The POST.
        attempt: AttemptId,
    },
    /// Bought; the gateway works on it.
    Rendering {
        /// The attempt that bought it.
        attempt: AttemptId,
        /// The task to poll.
        task: TaskId,
        /// When the task was handed over.
        since: Timestamp,
        /// Since when the gateway says it does not know the task; known to this process only.
        missing: Option<Timestamp>,
        /// Why nothing more is expected of it in this run.
        stalled: Option<Box<str>>,
    },
    /// Rendered and paid; its clips are still to be fetched.
    Rendered {
        /// The attempt that bought it.
        attempt: AttemptId,
        /// The task.
        task: TaskId,
        /// Where the clips lie.
        urls: Vec<String>,
        /// When the gateway finished; the seven days count from here.
        completed_at: Timestamp,
        /// Why the last download failed.
        why: Option<Box<str>>,
    },
    /// Every clip is on disk under its final name.
    Delivered {
        /// The attempt that bought it.
        attempt: AttemptId,
    },
    /// Nothing more will happen unless the user asks.
    Failed {
        /// The last attempt, when there was one.
        attempt: Option<AttemptId>,
        /// What kind of end this is.
        failure: Failure,
        /// The reason for people.
        why: Box<str>,
    },
    /// It may have been bought; only the user or the gateway's own evidence can tell.
    InDoubt {
        /// The attempt in doubt.
        attempt: AttemptId,
        /// What happened to it.
        why: Box<str>,
    },
}

/// How a shot failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The gateway will not accept the request.
    Rejected,
    /// Refused with 5xx as often as `attempts` allows.
    RefusedTooOften,
    /// The gateway accepted the task and could not render it.
    NotRendered,
    /// Paid, but its clip was no longer there to be fetched.
    Expired,
    /// Given up by the user; it may have been bought, so its price stays reserved.
    Abandoned,
}

/// A revision's state and what is counted over all runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Where it stands.
    pub state: State,
    /// POSTs answered with 5xx since it was last (re-)armed.
    pub refusals: u32,
    /// How often it went back to the queue with an attempt in doubt, by `on_doubt: resubmit`.
    pub resubmits: u32,
}

/// What can happen to a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ledger granted and recorded an attempt.
    Claimed(AttemptId),
    /// Its POST ended.
    Answered(Submitted),
    /// Its task was polled.
    Polled(Polled),
    /// Its clips are durable under their final names.
    Delivered,
    /// Its clips could not be fetched in this run.
    NotFetched(Unfetched),
    /// The last run died with its POST on the wire.
    FoundSubmitting,
    /// `--retry-failed`.
    RetryFailed,
    /// `rushes resolve`.
    Resolved(Resolution),
    /// The run began: doubts of earlier runs are judged by today's `on_doubt`.
    Reconsidered,
}

/// What the user says about a shot in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was bought; this is its task.
    Task(TaskId),
    /// It was not bought.
    NotBought,
    /// Buy it again, even if it was bought.
    Resubmit,
    /// Give it up.
    Abandon,
}

/// What to do with a shot in doubt without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDoubt {
    /// Keep it for the user.
    #[default]
    Hold,
    /// Buy it again; both prices count.
    Resubmit,
}

/// The settings that decide transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// POSTs answered with 5xx after which a shot fails; also the most automatic resubmits.
    pub attempts: u32,
    /// Whether a proxy's 5xx is in doubt instead of refused.
    pub strict: bool,
    /// What to do with doubts.
    pub on_doubt: OnDoubt,
    /// How long a task may take.
    pub render_timeout: Duration,
    /// Whether the gateway charges failed tasks.
    pub failed_tasks_charged: bool,
}

/// The account an attempt's price lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// Nowhere: nothing was, or will be, charged.
    Released,
    /// Set aside: it was or may be charged.
    Reserved,
    /// Refused with a 5xx: not charged unless the gateway lies.
    Unconfirmed,
    /// Charged.
    Spent,
}

/// How a POST ended, for the attempt's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No byte left.
    NotSent,
    /// 429.
    Throttled,
    /// 5xx.
    ServerError,
    /// Other 4xx.
    Rejected,
    /// 401, 403.
    BadKey,
    /// 402.
    NoCredit,
    /// Not the gateway.
    WrongAddress,
    /// A task id.
    Bought,
    /// Unknown.
    Doubtful,
}

/// What changed about the attempt the event was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptChange {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How its POST ended, when this event says so.
    pub outcome: Option<Outcome>,
    /// The reason for people, when there is one.
    pub why: Option<Box<str>>,
    /// The account its price lies in from now on.
    pub account: Account,
}

/// What follows from an event. Commit `job` and `change`, then do `then`.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The revision from now on.
    pub job: Job,
    /// The attempt's change, if the event touched one.
    pub change: Option<AttemptChange>,
    /// What to do next.
    pub then: Action,
}

impl Step {
    /// Whether the step changes anything that must outlive the process.
    #[must_use]
    pub fn is_durable(&self, before: &Job) -> bool {
        let forgetful = |job: &Job| {
            let mut job = job.clone();
            if let State::Rendering { missing, .. } = &mut job.state {
                *missing = None;
            }
            job
        };
        self.change.is_some() || forgetful(&self.job) != forgetful(before)
    }
}

/// What the driver does after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the POST.
    Post,
    /// Put it back in the queue.
    Requeue(Pause),
    /// Poll the task when it is next due; not before this long, if the gateway asked for it.
    Poll(Option<Duration>),
    /// Fetch the clips.
    Fetch,
    /// Nothing more in this run.
    Rest,
    /// Put it back in the queue and submit nothing more.
    Halt(Halt),
}

/// How long a queued shot waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Not at all.
    None,
    /// The gateway could not be reached.
    Unreached,
    /// The gateway is out of breath: everyone slows down.
    Throttled(Option<Duration>),
    /// This shot was refused with a 5xx.
    Refused(Option<Duration>),
}

/// Why submitting stops for everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Halt {
    /// 401, 403.
    Key,
    /// 402.
    Credit,
    /// Not the gateway.
    Address,
}

/// An event that cannot happen in a state: a defect in the driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {event} cannot happen to a shot that is {state}")]
pub struct Impossible {
    /// The state's name.
    pub state: &'static str,
    /// The event's name.
    pub event: &'static str,
}

/// How long a task may be unknown to the gateway before it counts as stalled.
pub const MISSING_PATIENCE: Duration = Duration::from_secs(60);
/// How long the gateway keeps a clip, by its own page.
pub const CLIPS_LIVE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Job {
    /// A revision that was never submitted.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Queued { why: None }, refusals: 0, resubmits: 0 }
    }

    /// Decides what follows from an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    pub fn after(&self, event: Event, now: Timestamp, rules: &Rules) -> Result<Step, Impossible> {
        match (&self.state, event) {
            (State::Queued { .. }, Event::Claimed(attempt)) => {
                Ok(self.to(State::Submitting { attempt }, Action::Post))
            }
            (State::Submitting { attempt }, Event::Answered(answer)) => {
                Ok(self.answered(*attempt, answer, now, rules))
            }
            (State::Submitting { attempt }, Event::FoundSubmitting) => {
                let why = "the run ended while its request was on the wire";
                Ok(self.doubtful(*attempt, None, why.into(), rules))
            }
            (State::Rendering { .. }, Event::Polled(polled)) => Ok(self.polled(polled, now, rules)),
            (State::Rendered { attempt, .. }, Event::Delivered) => {
                Ok(self.to(State::Delivered { attempt: *attempt }, Action::Rest))
            }
            (State::Rendered { .. }, Event::NotFetched(unfetched)) => {
                Ok(self.not_fetched(&unfetched, now))
            }
            (State::Failed { failure, .. }, Event::RetryFailed)
                if *failure != Failure::Abandoned =>
            {
                let job = Self { refusals: 0, ..Self::new() };
                Ok(Step { job, change: None, then: Action::Requeue(Pause::None) })
            }
            (State::InDoubt { attempt, why }, Event::Reconsidered) => {
                Ok(self.doubtful(*attempt, None, why.clone(), rules))
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
        answer: Submitted,
        now: Timestamp,
        rules: &Rules,
    ) -> Step {
        let queue_again = |why: String, outcome, then| {
            let why: Box<str> = why.into();
            self.to(State::Queued { why: Some(why.clone()) }, then).with(
                attempt,
                Some(outcome),
                Some(why),
                Account::Released,
            )
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
                self.doubtful(attempt, Some(Outcome::ServerError), why.into(), rules)
            }
            Submitted::ServerError { retry_after, why, .. } => {
                self.refused(attempt, retry_after, why.into(), rules)
            }
            Submitted::Rejected { why } => {
                let why: Box<str> = why.into();
                let failed = State::Failed {
                    attempt: Some(attempt),
                    failure: Failure::Rejected,
                    why: why.clone(),
                };
                let outcome = Some(Outcome::Rejected);
                self.to(failed, Action::Rest).with(attempt, outcome, Some(why), Account::Released)
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
                self.doubtful(attempt, Some(Outcome::Doubtful), why.into(), rules)
            }
        }
    }

    fn refused(
        &self,
        attempt: AttemptId,
        retry_after: Option<Duration>,
        why: Box<str>,
        rules: &Rules,
    ) -> Step {
        let refusals = self.refusals.saturating_add(1);
        let (state, then) = if refusals >= rules.attempts {
            let failure = Failure::RefusedTooOften;
            let why = format!("refused {refusals} times, the last time with: {why}").into();
            (State::Failed { attempt: Some(attempt), failure, why }, Action::Rest)
        } else {
            let then = Action::Requeue(Pause::Refused(retry_after));
            (State::Queued { why: Some(why.clone()) }, then)
        };
        Step { job: Self { state, refusals, resubmits: self.resubmits }, change: None, then }.with(
            attempt,
            Some(Outcome::ServerError),
            Some(why),
            Account::Unconfirmed,
        )
    }

    /// The price stays reserved whatever is done about the doubt.
    fn doubtful(
        &self,
        attempt: AttemptId,
        outcome: Option<Outcome>,
        why: Box<str>,
        rules: &Rules,
    ) -> Step {
        let again = rules.on_doubt == OnDoubt::Resubmit && self.resubmits < rules.attempts;
        let job = if again {
            let state = State::Queued { why: Some(why.clone()) };
            Self { state, refusals: self.refusals, resubmits: self.resubmits + 1 }
        } else {
            let state = State::InDoubt { attempt, why: why.clone() };
            Self { state, ..self.clone() }
        };
        let then = if again { Action::Requeue(Pause::None) } else { Action::Rest };
        Step { job, change: None, then }.with(attempt, outcome, Some(why), Account::Reserved)
    }

    fn polled(&self, polled: Polled, now: Timestamp, rules: &Rules) -> Step {
        let State::Rendering { attempt, task, since, missing, .. } = &self.state else {
            unreachable!("only a rendering shot is polled");
        };
        let overdue = now.since(*since) > rules.render_timeout;
        let go_on = |missing, stalled: Option<Box<str>>, not_before| {
            let then = if stalled.is_some() { Action::Rest } else { Action::Poll(not_before) };
            let (attempt, task, since) = (*attempt, task.clone(), *since);
            self.to(State::Rendering { attempt, task, since, missing, stalled }, then)
        };
        let late = |said: &str| {
            let limit = humane(rules.render_timeout);
            overdue.then(|| format!("not done {limit} after it was submitted ({said})").into())
        };
        match polled {
            Polled::Working { unknown } => {
                let said = unknown.map_or_else(
                    || "the gateway still works on it".to_owned(),
                    |state| format!("the gateway calls its state {state:?}"),
                );
                go_on(None, late(&said), None)
            }
            Polled::Unclear { retry_after, why } => go_on(*missing, late(&why), retry_after),
            Polled::Unanswered { .. } => go_on(*missing, None, None),
            Polled::BadKey { .. } => {
                Step { then: Action::Halt(Halt::Key), ..go_on(*missing, None, None) }
            }
            Polled::Missing { why } => {
                let first = missing.unwrap_or(now);
                let unknown = (now.since(first) > MISSING_PATIENCE)
                    .then(|| format!("the gateway says it does not know the task ({why})").into());
                go_on(Some(first), unknown.or_else(|| late(&why)), None)
            }
            Polled::Completed { urls, completed_at } => {
                let completed_at = completed_at.map_or(now, |at| at.clamp(*since, now.max(*since)));
                let (attempt, task) = (*attempt, task.clone());
                let rendered = State::Rendered { attempt, task, urls, completed_at, why: None };
                self.to(rendered, Action::Fetch).with(attempt, None, None, Account::Spent)
            }
            Polled::Failed { why } => {
                let why: Box<str> = why.into();
                let account =
                    if rules.failed_tasks_charged { Account::Spent } else { Account::Released };
                let failure = Failure::NotRendered;
                let failed = State::Failed { attempt: Some(*attempt), failure, why: why.clone() };
                self.to(failed, Action::Rest).with(*attempt, None, Some(why), account)
            }
        }
    }

    fn not_fetched(&self, unfetched: &Unfetched, now: Timestamp) -> Step {
        let State::Rendered { attempt, task, urls, completed_at, .. } = &self.state else {
            unreachable!("only a rendered shot is fetched");
        };
        let over = now.since(*completed_at) > CLIPS_LIVE;
        let state = match unfetched {
            Unfetched::Gone { why } if over => State::Failed {
                attempt: Some(*attempt),
                failure: Failure::Expired,
                why: format!("paid, but its 7 days were over before it was fetched ({why})").into(),
            },
            Unfetched::Gone { why } | Unfetched::Broken { why } => State::Rendered {
                attempt: *attempt,
                task: task.clone(),
                urls: urls.clone(),
                completed_at: *completed_at,
                why: Some(why.as_str().into()),
            },
        };
        self.to(state, Action::Rest)
    }

    fn resolved(&self, resolution: Resolution, now: Timestamp) -> Result<Step, Impossible> {
        let attempt = match &self.state {
            State::InDoubt { attempt, .. }
            | State::Rendering { attempt, stalled: Some(_), .. }
            | State::Failed { attempt: Some(attempt), failure: Failure::Abandoned, .. } => *attempt,
            state => return Err(Impossible { state: state.name(), event: "a resolution" }),
        };
        let requeue = Action::Requeue(Pause::None);
        Ok(match resolution {
            Resolution::Task(task) => self
                .to(rendering(attempt, task, now), Action::Poll(None))
                .with(attempt, Some(Outcome::Bought), None, Account::Reserved),
            Resolution::NotBought => {
                let why: Box<str> = "resolved: it was not bought".into();
                self.to(State::Queued { why: Some(why.clone()) }, requeue).with(
                    attempt,
                    None,
                    Some(why),
                    Account::Released,
                )
            }
            Resolution::Resubmit => {
                let why = Some("resolved: bought again".into());
                self.to(State::Queued { why: why.clone() }, requeue).with(
                    attempt,
                    None,
                    why,
                    Account::Reserved,
                )
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

impl Default for Job {
    fn default() -> Self {
        Self::new()
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

impl State {
    /// The state's name in the ledger, in JSON and on the screen.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Submitting { .. } => "submitting",
            Self::Rendering { .. } => "rendering",
            Self::Rendered { .. } => "rendered",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::InDoubt { .. } => "in_doubt",
        }
    }

    /// Whether the gateway has finished with it or was never asked: neither bought and open, nor
    /// possibly bought.
    #[must_use]
    pub const fn is_unfinished_purchase(&self) -> bool {
        matches!(
            self,
            Self::Submitting { .. }
                | Self::Rendering { .. }
                | Self::Rendered { .. }
                | Self::InDoubt { .. }
        )
    }

    /// The reason that goes with the state, for people.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Queued { why } | Self::Rendered { why, .. } => why.as_deref(),
            Self::Rendering { stalled, .. } => stalled.as_deref(),
            Self::Failed { why, .. } | Self::InDoubt { why, .. } => Some(why),
            Self::Submitting { .. } | Self::Delivered { .. } => None,
        }
    }
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::Claimed(_) => "a claim",
            Self::Answered(_) => "an answer to a POST",
            Self::Polled(_) => "an answer to a poll",
            Self::Delivered => "a delivery",
            Self::NotFetched(_) => "a failed download",
            Self::FoundSubmitting => "being found on the wire",
            Self::RetryFailed => "a retry",
            Self::Resolved(_) => "a resolution",
            Self::Reconsidered => "a second look",
        }
    }
}

const fn rendering(attempt: AttemptId, task: TaskId, since: Timestamp) -> State {
    State::Rendering { attempt, task, since, missing: None, stalled: None }
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
