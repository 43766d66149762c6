//! The words of the house as columns of a database and back. What is read is believed only as far as
//! it can have been written: anything else is a damaged ledger.

use super::Kind;
use super::reconcile::list;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, Failure, State, Unanswered};
use crate::domain::time::Timestamp;

/// A kind's name.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Gateway => "gateway",
        Kind::Simulator => "simulator",
    }
}

/// A failure's name.
pub const fn failure_name(failure: Failure) -> &'static str {
    match failure {
        Failure::Rejected => "rejected",
        Failure::RefusedTooOften => "refused_too_often",
        Failure::NotRendered | Failure::Unlucky | Failure::Unsettled => "not_rendered",
        Failure::Expired => "expired",
        Failure::Abandoned => "abandoned",
    }
}

/// What else is known of a failure.
pub const fn failure_kind(failure: Failure) -> Option<&'static str> {
    match failure {
        Failure::Unlucky => Some("luck"),
        Failure::Unsettled => Some("unsettled"),
        _ => None,
    }
}

/// A revision's state as the columns of its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateColumns<'r> {
    /// Its name.
    pub state: &'r str,
    /// The attempt it is about.
    pub attempt: Option<i64>,
    /// How it failed.
    pub failure: Option<&'r str>,
    /// What else is known of the failure.
    pub failure_kind: Option<&'r str>,
    /// The reason for people.
    pub why: Option<&'r str>,
    /// Rendering since, in milliseconds.
    pub since: Option<i64>,
    /// When the gateway finished it, in milliseconds.
    pub completed_at: Option<i64>,
    /// Result URLs, as a JSON list.
    pub urls: Option<&'r str>,
    /// Its attempt's task.
    pub task: Option<&'r str>,
}

impl StateColumns<'_> {
    /// The state that they say; an error in words when they cannot have been written.
    ///
    /// # Errors
    /// When a column that the state needs is empty or odd.
    pub fn read(&self) -> Result<State, String> {
        let missing = |what| format!("a shot that is {} without {what}", self.state);
        let attempt = || self.attempt.map(AttemptId).ok_or_else(|| missing("an attempt"));
        let why = || self.why.map(Into::into);
        let reason = || self.why.map(Into::into).ok_or_else(|| missing("a reason"));
        let moment = |column: Option<i64>| {
            column.map(Timestamp::from_millis).ok_or_else(|| missing("a time"))
        };
        let task = || {
            let text = self.task.ok_or_else(|| missing("a task"))?;
            TaskId::new(text).ok_or_else(|| "an unreadable task id".to_owned())
        };
        Ok(match self.state {
            "queued" => State::Queued { why: why() },
            "submitting" => State::Submitting { attempt: attempt()?, doubt: None },
            "rendering" => State::Rendering {
                attempt: attempt()?,
                task: task()?,
                since: moment(self.since)?,
                silence: Unanswered::default(),
                stalled: why(),
            },
            "rendered" => State::Rendered {
                attempt: attempt()?,
                task: task()?,
                urls: texts(self.urls)?,
                completed_at: moment(self.completed_at)?,
                why: why(),
            },
            "delivered" => State::Delivered { attempt: attempt()? },
            "failed" => State::Failed {
                attempt: self.attempt.map(AttemptId),
                failure: self.failure()?,
                why: reason()?,
            },
            "in_doubt" => State::InDoubt { attempt: attempt()?, why: reason()? },
            other => return Err(format!("no state is called {other:?}")),
        })
    }

    fn failure(&self) -> Result<Failure, String> {
        use Failure::{Abandoned, Expired, NotRendered, RefusedTooOften, Rejected};
        match self.failure_kind {
            None => {
                let all = [Rejected, RefusedTooOften, NotRendered, Expired, Abandoned];
                word(self.failure.unwrap_or_default(), &all, failure_name)
            }
            Some("luck") => Ok(Failure::Unlucky),
            Some("unsettled") => Ok(Failure::Unsettled),
            Some(other) => Err(format!("no failure is {other:?}")),
        }
    }
}

/// What is called so.
pub fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().find(|one| name(**one) == text).copied();
    found.ok_or_else(|| format!("nothing is called {text:?}"))
}

/// Every account.
pub const ACCOUNTS: [Account; 4] =
    [Account::Released, Account::Reserved, Account::Unconfirmed, Account::Spent];

/// A JSON list of texts; nothing is an empty one.
pub fn texts(json: Option<&str>) -> Result<Vec<String>, String> {
    json.map_or(Ok(Vec::new()), |json| serde_json::from_str(json).map_err(|odd| odd.to_string()))
}

/// A JSON list of tasks; nothing is an empty one.
pub fn tasks(json: Option<&str>) -> Result<Vec<TaskId>, String> {
    let task = |text: String| TaskId::new(&text).ok_or_else(|| "an unreadable task id".to_owned());
    texts(json)?.into_iter().map(task).collect()
}

/// A JSON object of texts; nothing is an empty one.
pub fn named_texts(json: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let Some(json) = json else { return Ok(Vec::new()) };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|odd| odd.to_string())?;
    let told = object.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => Ok((name, text)),
        other => Err(format!("{other} is no text")),
    });
    told.collect()
}

/// A state as it is written into the columns of a revision's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenState {
    /// How it failed.
    pub failure: Option<&'static str>,
    /// What else is known of the failure.
    pub failure_kind: Option<&'static str>,
    /// Rendering since, in milliseconds.
    pub since: Option<i64>,
    /// When the gateway finished it, in milliseconds.
    pub completed_at: Option<i64>,
    /// Result URLs, as a JSON list.
    pub urls: Option<String>,
    /// Whether those two stay as they are: a report shows them to the end.
    pub keeps_urls: bool,
    /// When its clips were safe, in milliseconds.
    pub delivered_at: Option<i64>,
}

impl WrittenState {
    /// Of a state that is reached at `at`.
    #[must_use]
    pub fn of(state: &State, at: Timestamp) -> Self {
        let none = Self {
            failure: None,
            failure_kind: None,
            since: None,
            completed_at: None,
            urls: None,
            keeps_urls: false,
            delivered_at: None,
        };
        match state {
            State::Rendering { since, .. } => Self { since: Some(since.as_millis()), ..none },
            State::Rendered { completed_at, urls, .. } => Self {
                completed_at: Some(completed_at.as_millis()),
                urls: Some(list(urls)),
                ..none
            },
            State::Delivered { .. } => {
                Self { keeps_urls: true, delivered_at: Some(at.as_millis()), ..none }
            }
            State::Failed { failure, .. } => Self {
                failure: Some(failure_name(*failure)),
                failure_kind: failure_kind(*failure),
                keeps_urls: true,
                ..none
            },
            _ => none,
        }
    }
}
