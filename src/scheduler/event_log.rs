//! What a run tells its log: one record a transition, told after it is durable. Decides nothing, and
//! costs next to nothing when no log is kept.

use std::fmt;

use crate::domain::charge::Charge;
use crate::domain::outcome::{SubmitOutcome, TaskId};
use crate::domain::state::{Account, AttemptId, AttemptOutcome, Resolution, ShotEvent, State};
use crate::domain::transition::Transition;
use crate::ledger::{ClipFile, Entry};

use super::outcome::StopReason;
use super::questions::ChargeQuestion;

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

/// A line of the log, to be written once what it tells of is durable.
pub struct EventRecord(Box<dyn FnOnce() + Send>);

impl EventRecord {
    /// Tells the log.
    pub fn tell(self) {
        (self.0)();
    }
}

impl fmt::Debug for EventRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventRecord(…)")
    }
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
            ShotEvent::Resolved(Resolution::Task(_) | Resolution::OtherTask(_)) => {
                Some("resolve --task-id")
            }
            ShotEvent::Resolved(Resolution::NotBought { .. } | Resolution::FreeOthers(_)) => {
                Some("resolve --not-bought")
            }
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
        let Self { word, status, command, files } = self;
        let (shot, revision) = (entry.shot.clone(), entry.number);
        let attempt = change.map(|change| change.attempt).or(to.attempt()).map(|id| id.0);
        let task = to.task().or_else(|| from.task()).cloned();
        let (from, to_name) = (name(from), name(to));
        let outcome = change.and_then(|change| change.outcome).map(AttemptOutcome::name);
        let claimed = matches!(to, State::Submitting { .. }).then_some(Account::Reserved);
        let account = change.map(|change| change.account).or(claimed).map(Account::name);
        let price = account.and(entry.price).map(|price| price.to_string());
        let why = change.and_then(|change| change.why.as_deref()).or(to.why());
        let why: Option<Box<str>> = why.map(Into::into);
        Some(EventRecord(Box::new(move || {
            let (files, bytes) = files.as_ref().map(|(paths, bytes)| (paths, *bytes)).unzip();
            tracing::info!(
                target: EVENT_LOG,
                event = word,
                shot = shot.as_str(),
                revision,
                attempt,
                task = task.as_ref().map(TaskId::as_str),
                from,
                to = to_name,
                outcome,
                status,
                price,
                account,
                why = why.as_deref(),
                command,
                files,
                bytes,
            );
        })))
    }
}

const fn word(event: &ShotEvent) -> &'static str {
    match event {
        ShotEvent::Claim => "claimed",
        ShotEvent::NotSendable(_) => "not sendable",
        ShotEvent::Answered(_) => "answered",
        ShotEvent::Polled(_) => "polled",
        ShotEvent::Delivered => "delivered",
        ShotEvent::Adopted => "adopted",
        ShotEvent::NotFetched(_) => "not fetched",
        ShotEvent::FoundSubmitting => "found on the wire",
        ShotEvent::Evidence(_) => "found by a callback",
        ShotEvent::Refuted { .. } => "refuted",
        ShotEvent::RefusedAlike => "queued again",
        ShotEvent::Reroll => "re-rolled",
        ShotEvent::RetryFailed => "retried",
        ShotEvent::Resolved(_) => "resolved",
        ShotEvent::Earlier { .. } => "earlier task ended",
        ShotEvent::FormerTask(_) => "former task known",
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

/// The only trace of a task, so that it must be on the disk.
pub(super) fn only_trace(event: &str, entry: &Entry, attempt: AttemptId, task: &TaskId, why: &str) {
    let (shot, revision, attempt) = (entry.shot.as_str(), entry.number, attempt.0);
    let (task, must_stay) = (task.as_str(), true);
    tracing::info!(target: EVENT_LOG, event, shot, revision, attempt, task, why, must_stay);
}

/// What a finished task really cost: a number and its currency.
pub(super) fn charged(asked: &ChargeQuestion, charge: &Charge) -> EventRecord {
    let (asked, charge) = (asked.clone(), charge.to_string());
    EventRecord(Box::new(move || {
        let (shot, attempt, task) = (asked.shot.as_str(), asked.attempt.0, asked.task.as_str());
        tracing::info!(target: EVENT_LOG, event = "charged", shot, attempt, task, charge);
    }))
}

/// Nothing more is submitted. A log must not use up what room a full disk still has, so it says
/// whether that is the reason.
pub(super) fn stopping(reason: &StopReason) -> EventRecord {
    let (why, disk_full) = (reason.to_string(), matches!(reason, StopReason::Disk(_)));
    EventRecord(Box::new(move || {
        tracing::info!(target: EVENT_LOG, event = "stopping", why, disk_full);
    }))
}
