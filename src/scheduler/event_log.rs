//! What a run tells its log: one record a transition, told after it is durable. Decides nothing, and
//! costs next to nothing when no log is kept.

use crate::domain::charge::Charge;
use crate::domain::outcome::{SubmitOutcome, TaskId};
use crate::domain::shot::ShotId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, Resolution, ShotEvent, State};
use crate::domain::transition::Transition;
use crate::ledger::{ClipFile, Entry};

use super::outcome::StopReason;

/// The target of these records, apart from the messages for people: they are for the log alone.
pub const EVENT_LOG: &str = "story";

/// More shots that are queued at a run's start are told of in one line.
const MAX_QUEUED: usize = 10_000;

/// Whether a log is kept at all. Not `enabled!`: asked without an event that follows, it leaves its
/// answer to the next event of that thread, and a warning would be lost.
fn keeps_a_log() -> bool {
    tracing::dispatcher::has_been_set()
}

/// What happened to a shot, put aside before the event is spent on a decision.
#[derive(Clone, Debug)]
pub struct Cause {
    word: &'static str,
    /// The status that a POST was answered with, where that says something.
    status: Option<u16>,
    /// The command that the user gave.
    command: Option<&'static str>,
    /// The files, with blanks between them, and their length together in bytes.
    files: Option<(String, u64)>,
}

/// One line of the log.
#[derive(Debug)]
pub enum EventRecord {
    /// A shot's transition.
    Transition(Box<TransitionRecord>),
    /// What a finished task really cost.
    Charged {
        /// The shot.
        shot: ShotId,
        /// The attempt that bought the task.
        attempt: AttemptId,
        /// The task.
        task: TaskId,
        /// What it cost: a number and its currency.
        charge: String,
    },
    /// Nothing more is submitted. A log must not use up what room a full disk still has.
    Stopping {
        /// Why.
        why: String,
        /// Whether it is for want of room on the disk.
        disk_full: bool,
    },
}

/// A shot's transition, as the log has it.
#[derive(Debug)]
pub struct TransitionRecord {
    cause: Cause,
    shot: ShotId,
    revision: u32,
    attempt: Option<i64>,
    task: Option<TaskId>,
    from: &'static str,
    to: &'static str,
    outcome: Option<&'static str>,
    price: Option<String>,
    account: Option<&'static str>,
    why: Option<Box<str>>,
}

impl Cause {
    /// What is to be told of an event, with the files of a delivery.
    #[must_use]
    pub fn of(event: &ShotEvent, files: &[ClipFile]) -> Self {
        let status = match event {
            ShotEvent::Answered(SubmitOutcome::ServerError { status, .. }) => Some(*status),
            ShotEvent::Answered(SubmitOutcome::Throttled { .. }) => Some(429),
            ShotEvent::Answered(SubmitOutcome::NoCredit { .. }) => Some(402),
            _ => None,
        };
        let command = match event {
            ShotEvent::Resolved(Resolution::Task(_)) => Some("resolve --task-id"),
            ShotEvent::Resolved(Resolution::NotBought { .. }) => Some("resolve --not-bought"),
            ShotEvent::Resolved(Resolution::Resubmit) => Some("resolve --resubmit"),
            ShotEvent::Resolved(Resolution::Abandon) => Some("resolve --abandon"),
            ShotEvent::RetryFailed => Some("run --retry-failed"),
            _ => None,
        };
        let files = (!files.is_empty() && keeps_a_log()).then(|| {
            let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            (paths.join(" "), files.iter().map(|file| file.bytes).sum())
        });
        Self { word: word(event), status, command, files }
    }

    /// The log's line about a transition; `None` when it changes nothing to speak of.
    #[must_use]
    pub fn record(self, entry: &Entry, transition: &Transition) -> Option<EventRecord> {
        let (from, to) = (&entry.status.state, &transition.to.state);
        let change = transition.change.as_ref();
        let is_news = change.is_some() || from.name() != to.name() || from.why() != to.why();
        if !is_news || !keeps_a_log() {
            return None;
        }
        let attempt = change.map(|change| change.attempt).or(to.attempt()).map(|id| id.0);
        let claimed = matches!(to, State::Submitting { .. }).then_some(Account::Reserved);
        let account = change.map(|change| change.account).or(claimed).map(Account::name);
        Some(EventRecord::Transition(Box::new(TransitionRecord {
            cause: self,
            shot: entry.shot.clone(),
            revision: entry.number,
            attempt,
            task: to.task().or_else(|| from.task()).cloned(),
            from: name(from),
            to: name(to),
            outcome: change.and_then(|change| change.outcome).map(AttemptOutcome::name),
            price: account.and(entry.price).map(|price| price.to_string()),
            account,
            why: change.and_then(|change| change.why.as_deref()).or(to.why()).map(Into::into),
        })))
    }
}

impl EventRecord {
    /// Tells the log.
    pub fn tell(&self) {
        match self {
            Self::Transition(record) => record.tell(),
            Self::Charged { shot, attempt, task, charge } => {
                let (shot, attempt, task) = (shot.as_str(), attempt.0, task.as_str());
                tracing::info!(target: EVENT_LOG, event = "charged", shot, attempt, task, charge);
            }
            Self::Stopping { why, disk_full } => {
                tracing::info!(target: EVENT_LOG, event = "stopping", why, disk_full);
            }
        }
    }
}

impl TransitionRecord {
    fn tell(&self) {
        let Cause { word, status, command, files } = &self.cause;
        let (files, bytes) = files.as_ref().map(|(paths, bytes)| (paths, *bytes)).unzip();
        tracing::info!(
            target: EVENT_LOG,
            event = word,
            shot = self.shot.as_str(),
            revision = self.revision,
            attempt = self.attempt,
            task = self.task.as_ref().map(TaskId::as_str),
            from = self.from,
            to = self.to,
            outcome = self.outcome,
            status,
            price = self.price,
            account = self.account,
            why = self.why.as_deref(),
            command,
            files,
            bytes,
        );
    }
}

const fn word(event: &ShotEvent) -> &'static str {
    match event {
        ShotEvent::Claim => "claimed",
        ShotEvent::NotSendable(_) => "not sendable",
        ShotEvent::Answered(_) => "answered",
        ShotEvent::Polled(_) => "polled",
        ShotEvent::Delivered => "delivered",
        ShotEvent::NotFetched(_) => "not fetched",
        ShotEvent::FoundSubmitting => "found on the wire",
        ShotEvent::Evidence(_) => "found by a callback",
        ShotEvent::RetryFailed => "retried",
        ShotEvent::Resolved(_) => "resolved",
    }
}

const fn name(state: &State) -> &'static str {
    match state {
        State::Rendering { stalled: Some(_), .. } => "stalled",
        state => state.name(),
    }
}

/// The shots that this run means to buy.
pub(super) fn queued<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) {
    if !keeps_a_log() {
        return;
    }
    let count = entries.clone().count();
    if count > MAX_QUEUED {
        tracing::info!(target: EVENT_LOG, event = "queued", count);
        return;
    }
    for entry in entries {
        let price = entry.price.map(|price| price.to_string());
        let (shot, revision) = (entry.shot.as_str(), entry.number);
        tracing::info!(target: EVENT_LOG, event = "queued", shot, revision, price);
    }
}

/// A task that a callback named and the provider neither knows nor denies: no ledger holds it.
pub(super) fn unconfirmed(entry: &Entry, attempt: AttemptId, task: &TaskId) {
    let why = "a callback named it, and the gateway does not say clearly whether it knows it";
    only_trace("task unconfirmed", entry, attempt, task, why);
}

/// A purchase that could not be written to the ledger.
pub(super) fn unwritten(entry: &Entry, attempt: AttemptId, task: &TaskId) {
    let why = "it was bought, and the ledger could not be written";
    only_trace("task unwritten", entry, attempt, task, why);
}

/// The only trace of a task, so that it must be on the disk.
fn only_trace(event: &str, entry: &Entry, attempt: AttemptId, task: &TaskId, why: &str) {
    let (shot, revision, attempt) = (entry.shot.as_str(), entry.number, attempt.0);
    let (task, must_stay) = (task.as_str(), true);
    tracing::info!(target: EVENT_LOG, event, shot, revision, attempt, task, why, must_stay);
}

/// What a finished task really cost.
pub(super) fn charged(
    shot: &ShotId,
    attempt: AttemptId,
    task: &TaskId,
    charge: &Charge,
) -> EventRecord {
    let (shot, task, charge) = (shot.clone(), task.clone(), charge.to_string());
    EventRecord::Charged { shot, attempt, task, charge }
}

/// Nothing more is submitted.
pub(super) fn stopping(why: &StopReason) -> EventRecord {
    EventRecord::Stopping { why: why.to_string(), disk_full: matches!(why, StopReason::Disk(_)) }
}
