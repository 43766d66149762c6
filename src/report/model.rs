//! Counts and words over a report's rows.

mod mismatch;

pub use mismatch::mismatches;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Failure, State};
use crate::ledger::{Entry, Row};

/// Rows by state, under the states' names and in the order of a shot's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// To be submitted.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Bought and not done, stalled ones included.
    pub rendering: usize,
    /// Paid and not fetched.
    pub rendered: usize,
    /// On disk.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// Perhaps bought.
    pub in_doubt: usize,
}

impl Counts {
    /// Counts one more row.
    pub fn add(&mut self, state: &State) {
        *match state {
            State::Queued { .. } => &mut self.queued,
            State::Submitting { .. } => &mut self.submitting,
            State::Rendering { .. } => &mut self.rendering,
            State::Rendered { .. } => &mut self.rendered,
            State::Delivered { .. } => &mut self.delivered,
            State::Failed { .. } => &mut self.failed,
            State::InDoubt { .. } => &mut self.in_doubt,
        } += 1;
    }

    /// All rows.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.queued
            + self.submitting
            + self.rendering
            + self.rendered
            + self.delivered
            + self.failed
            + self.in_doubt
    }
}

/// An entry's shot, with its revision where that is not the current one: `beach`, `beach~r1`.
#[must_use]
pub fn name(entry: &Entry) -> String {
    if entry.current { entry.shot.to_string() } else { format!("{}~r{}", entry.shot, entry.number) }
}

/// The state as people know it: one that is stalled is told from one that renders.
#[must_use]
pub const fn state_name(row: &Row) -> &'static str {
    match &row.entry.status.state {
        State::Rendering { stalled: Some(_), .. } => STALLED,
        state => state.name(),
    }
}

/// [`state_name`] of a row that is stalled.
pub const STALLED: &str = "stalled";

/// What the gateway charged in dollars, where that is not what was to be expected: the price, and
/// for a failed task nothing.
#[must_use]
pub fn odd_charge(row: &Row) -> Option<&Charge> {
    let charge = row.charge.as_ref()?;
    let failed = matches!(
        row.entry.status.state,
        State::Failed { failure: Failure::NotRendered | Failure::Unlucky, .. }
    );
    let expected = if failed { Usd::ZERO } else { row.price? };
    charge.against(expected).is_some_and(|order| order != Ordering::Equal).then_some(charge)
}

/// The reason that goes with a row, for people.
#[must_use]
pub fn reason(row: &Row) -> Option<Cow<'_, str>> {
    let why = row.entry.status.state.why();
    let parts: Vec<String> = twin(row).into_iter().chain(former(row)).chain(settled(row)).collect();
    if parts.is_empty() {
        return why.map(Cow::Borrowed);
    }
    let all: Vec<String> = why.map(str::to_owned).into_iter().chain(parts).collect();
    Some(Cow::Owned(all.join("; ")))
}

/// What is to be said of a task that two purchases have.
fn twin(row: &Row) -> Option<String> {
    let first = row.task_first_of.as_ref()?;
    let whose = if *first == row.entry.shot { "its own earlier purchase" } else { first.as_str() };
    Some(format!(
        "the gateway gave it the same task as {whose}: both purchases are counted, so look whether \
         this clip is the right one"
    ))
}

/// Whether it is failed because it was not known whether it was charged, and turned out to be paid:
/// its clip is here.
#[must_use]
pub fn is_paid_after_all(row: &Row) -> bool {
    let is_unsettled =
        matches!(row.entry.status.state, State::Failed { failure: Failure::Unsettled, .. });
    is_unsettled && row.is_settled && !row.files.is_empty()
}

/// The prompt of a row's request; empty where it has none.
#[must_use]
pub fn prompt(row: &Row) -> String {
    let request: Value = serde_json::from_str(&row.request).unwrap_or_default();
    request.get("prompt").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What is to be said of one that was given up, or perhaps charged, and whose task ended since.
fn settled(row: &Row) -> Option<String> {
    let failure = match &row.entry.status.state {
        State::Failed { failure, .. } if row.is_settled => failure,
        _ => return None,
    };
    let is_late = matches!(failure, Failure::Abandoned | Failure::Unsettled);
    let said = if row.files.is_empty() {
        "its task ended since, and its price is settled"
    } else {
        "its task was done after all: it is paid, and its clip is here"
    };
    is_late.then(|| said.to_owned())
}

/// The tasks that a stalled one was said to have before: one of them may be the right one.
fn former(row: &Row) -> Option<String> {
    let own = row.entry.status.state.task();
    let others = row.former_tasks.iter().filter(|task| Some(*task) != own);
    let tasks: Vec<&str> = others.map(TaskId::as_str).collect();
    (!tasks.is_empty()).then(|| {
        format!(
            "before, its task was said to be {}: if that is right, resolve it with --task-id",
            tasks.join(", ")
        )
    })
}
