//! What a shot's life tells the log: one event a transition, made where every transition passes,
//! after it is durable. Decides nothing, and costs next to nothing when nobody keeps a log.

use crate::domain::charge::Charge;
use crate::domain::outcome::{SubmitOutcome, TaskId};
use crate::domain::shot::ShotId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, Resolution, ShotEvent, State};
use crate::domain::transition::Transition;
use crate::ledger::{ClipFile, Entry};

use super::orders::StopReason;

/// The target of these events, apart from the messages for people: they are for the log alone.
pub const EVENT_LOG: &str = "story";

/// More shots that are queued at a run's start are told of in one line.
const MAX_QUEUED: usize = 10_000;

/// Whether anybody listens at all. Not `enabled!`: asked without an event that follows, it leaves
/// its answer to the next event of that thread, and a warning would be lost.
fn keeps_a_log() -> bool {
    tracing::dispatcher::has_been_set()
}

/// What is told of an event, put aside before the event is spent on a decision.
#[derive(Clone, Debug)]
pub struct EventRecord {
    word: &'static str,
    /// The status that a POST was answered with, where that says something.
    status: Option<u16>,
    /// The command that the user gave.
    command: Option<&'static str>,
    /// The files, with blanks between them, and their length together in bytes.
    files: Option<(String, u64)>,
}

impl EventRecord {
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
            ShotEvent::Resolved(Resolution::NotBought) => Some("resolve --not-bought"),
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

    /// Tells the log of a step that is durable; not of one that changes nothing to speak of.
    pub fn tell(&self, entry: &Entry, step: &Transition) {
        let (from, to) = (&entry.status.state, &step.to.state);
        let is_news = step.change.is_some() || from.name() != to.name() || from.why() != to.why();
        if !is_news || !keeps_a_log() {
            return;
        }
        let change = step.change.as_ref();
        let attempt = change.map(|change| change.attempt).or(to.attempt()).map(|id| id.0);
        let claimed = matches!(to, State::Submitting { .. }).then_some(Account::Reserved);
        let account = change.map(|change| change.account).or(claimed).map(Account::name);
        let price = account.and(entry.price).map(|price| price.to_string());
        let outcome = change.and_then(|change| change.outcome).map(AttemptOutcome::name);
        let why = change.and_then(|change| change.why.as_deref()).or(to.why());
        let (files, bytes) = self.files.as_ref().map(|(paths, bytes)| (paths, *bytes)).unzip();
        tracing::info!(
            target: EVENT_LOG,
            event = self.word,
            shot = entry.shot.as_str(),
            revision = entry.number,
            attempt,
            task = task(to).or_else(|| task(from)),
            from = state(from),
            to = state(to),
            outcome,
            status = self.status,
            price,
            account,
            why,
            command = self.command,
            files,
            bytes,
        );
    }
}

const fn word(event: &ShotEvent) -> &'static str {
    match event {
        ShotEvent::Claimed(_) => "claimed",
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

const fn state(state: &State) -> &'static str {
    match state {
        State::Rendering { stalled: Some(_), .. } => "stalled",
        state => state.name(),
    }
}

fn task(state: &State) -> Option<&str> {
    match state {
        State::Rendering { task, .. } | State::Rendered { task, .. } => Some(task.as_str()),
        _ => None,
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

/// A task that a callback named and the gateway neither knows nor denies: no ledger holds it.
pub(super) fn unconfirmed(entry: &Entry, attempt: AttemptId, task: &TaskId) {
    let why = "a callback named it, and the gateway does not say clearly whether it knows it";
    lone_task("task unconfirmed", entry, attempt, task, why);
}

/// A purchase that could not be written to the ledger.
pub(super) fn unwritten(entry: &Entry, attempt: AttemptId, task: &TaskId) {
    let why = "it was bought, and the ledger could not be written";
    lone_task("task unwritten", entry, attempt, task, why);
}

/// The only trace of a task, so that it must be on the disk.
fn lone_task(event: &str, entry: &Entry, attempt: AttemptId, task: &TaskId, why: &str) {
    let (shot, revision, attempt) = (entry.shot.as_str(), entry.number, attempt.0);
    let (task, must_stay) = (task.as_str(), true);
    tracing::info!(target: EVENT_LOG, event, shot, revision, attempt, task, why, must_stay);
}

/// What a finished task really cost.
pub(super) fn charged(shot: &ShotId, attempt: AttemptId, task: &TaskId, charge: &Charge) {
    let (shot, attempt, task) = (shot.as_str(), attempt.0, task.as_str());
    tracing::info!(target: EVENT_LOG, event = "charged", shot, attempt, task, charge = %charge);
}

/// Nothing more is submitted. A log must not use up what room a full disk still has.
pub(super) fn stopping(why: &StopReason) {
    let disk_full = matches!(why, StopReason::Disk(_));
    tracing::info!(target: EVENT_LOG, event = "stopping", why = %why, disk_full);
}
