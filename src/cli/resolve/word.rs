//! What the user says about one revision: the transition's event, and what is printed once it is
//! durable.

use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, RecoveredTask, Resolution, State};
use crate::domain::time::Timestamp;
use crate::ledger::revision::is_without_files;
use crate::ledger::{Entry, StoredAttempt};
use crate::report::model::name;
use crate::report::text::{dollars, plural};

use super::choose::{NEITHER, waits_for_word};

/// What was typed: what became of the shots.
#[derive(Clone, Debug)]
pub enum Word {
    /// It was bought, as this task.
    Task(TaskId),
    /// They were not bought.
    NotBought,
    /// The one request that has this task was not charged.
    NotCharged(TaskId),
    /// Buy them again.
    Resubmit,
    /// Give them up.
    Abandon,
}

impl Word {
    /// Whether something can be said about a revision, by its attempts. The clip's name of a failed one
    /// that is no longer current may be another's by now.
    pub fn is_about(&self, entry: &Entry, attempts: &[StoredAttempt]) -> bool {
        let waits = waits_for_word(&entry.status.state);
        let is_own = |one: &&StoredAttempt| Some(one.attempt) == entry.status.state.attempt();
        match self {
            Self::Task(_) if !entry.current && is_without_files(&entry.status.state) => false,
            Self::Task(_) => {
                let is_open = matches!(
                    entry.status.state,
                    State::Rendering { .. } | State::Rendered { .. } | State::Failed { .. }
                );
                waits
                    || (is_open
                        && attempts.iter().filter(is_own).any(StoredAttempt::may_be_corrected))
            }
            Self::NotBought => {
                (waits && !is_settled(entry, attempts)) || !others(entry, attempts).is_empty()
            }
            Self::NotCharged(task) => attempts.iter().any(|one| has_reserved(one, task)),
            Self::Resubmit | Self::Abandon => waits,
        }
    }

    /// Why it cannot be about a revision, as what follows `it is delivered`.
    pub fn why_not(&self) -> String {
        match self {
            Self::NotCharged(task) => format!(", and no price is reserved for its task {task}"),
            Self::NotBought => {
                format!("{NEITHER}, and no price is reserved for a lost request of it")
            }
            Self::Task(_) => format!(
                "{NEITHER}, and no task was given for it that could be replaced (a failed one must be \
                 in the manifest)"
            ),
            Self::Resubmit | Self::Abandon => NEITHER.to_owned(),
        }
    }

    /// What it means for a revision, and what to print of it.
    ///
    /// # Errors
    /// When it can mean nothing there.
    pub fn decide(
        &self,
        entry: &Entry,
        attempts: &[StoredAttempt],
    ) -> Result<(Resolution, String), String> {
        let own = entry.status.state.attempt();
        let price = entry.price.map_or_else(|| "its price".to_owned(), dollars);
        let doubtful: Vec<&StoredAttempt> = attempts
            .iter()
            .filter(|one| one.account == Account::Reserved)
            .filter(|one| one.task.is_none() || Some(one.attempt) == own)
            .collect();
        let waits = waits_for_word(&entry.status.state);
        Ok(match self {
            Self::Task(task) if waits => {
                // One of several requests in doubt may have bought it, and its clip may be as old as
                // the first.
                let since = doubtful.iter().map(|one| one.sent_at).min();
                let sent_at = since.or_else(|| attempts.first().map(|one| one.sent_at));
                let sent_at = sent_at.unwrap_or(Timestamp::from_millis(i64::MAX));
                let found = RecoveredTask { task: task.clone(), sent_at };
                let said = format!("bought; the next run fetches task {task}");
                (Resolution::Task(found), said)
            }
            Self::Task(task) => {
                let before = attempts.iter().find(|one| Some(one.attempt) == own);
                let before = before.and_then(|one| one.task.as_ref());
                let before = before.map_or_else(String::new, |one| format!(", not {one}"));
                let said = format!("bought as task {task}{before}; the next run fetches it");
                (Resolution::OtherTask(task.clone()), said)
            }
            Self::NotBought if waits && !is_settled(entry, attempts) => {
                let others = doubtful.iter().map(|one| one.attempt);
                let also = others.filter(|one| Some(*one) != own).collect();
                (Resolution::NotBought { also }, freed(&doubtful, entry, true))
            }
            Self::NotBought => {
                let freed_ones = others(entry, attempts);
                let said = freed(&freed_ones, entry, false);
                let others = freed_ones.iter().map(|one| one.attempt).collect();
                (Resolution::FreeOthers(others), said)
            }
            Self::NotCharged(task) => not_charged(task, entry, attempts)?,
            Self::Resubmit if is_settled(entry, attempts) => {
                let said = if entry.current {
                    "queued to be bought again; the price of the first purchase is settled"
                } else {
                    "an older text is not bought again; its price is settled"
                };
                (Resolution::Resubmit, said.to_owned())
            }
            Self::Resubmit if entry.current => {
                let said = format!(
                    "queued to be bought again; {price} stays reserved for the first purchase"
                );
                (Resolution::Resubmit, said)
            }
            Self::Resubmit => {
                let said = format!("an older text is not bought again; {price} stays reserved");
                (Resolution::Resubmit, said)
            }
            Self::Abandon if is_settled(entry, attempts) => {
                (Resolution::Abandon, "given up; its price is settled".to_owned())
            }
            Self::Abandon => (Resolution::Abandon, format!("given up; {price} stays reserved")),
        })
    }
}

/// Whether the price of the request that the state is about is not reserved any more: the task of what
/// was given up came to its end.
fn is_settled(entry: &Entry, attempts: &[StoredAttempt]) -> bool {
    let own = attempts.iter().find(|one| Some(one.attempt) == entry.status.state.attempt());
    own.is_some_and(|one| one.account != Account::Reserved)
}

/// The one price that is reserved for a task is freed.
fn not_charged(
    task: &TaskId,
    entry: &Entry,
    attempts: &[StoredAttempt],
) -> Result<(Resolution, String), String> {
    let Some(one) = attempts.iter().find(|one| has_reserved(one, task)) else {
        let text = name(entry);
        return Err(format!("{text}: no price is reserved for the task {task} of this shot"));
    };
    let is_own = Some(one.attempt) == entry.status.state.attempt();
    if is_own && !waits_for_word(&entry.status.state) {
        let text = name(entry);
        return Err(format!(
            "{text}: task {task} still renders; its price is settled when it ends"
        ));
    }
    let said = freed(&[one], entry, is_own);
    let resolution = if is_own {
        Resolution::NotBought { also: Vec::new() }
    } else {
        Resolution::FreeOthers(vec![one.attempt])
    };
    Ok((resolution, said))
}

fn has_reserved(one: &StoredAttempt, task: &TaskId) -> bool {
    one.account == Account::Reserved && one.task.as_ref() == Some(task)
}

/// The requests whose price is reserved, that have no task, and that the state is not about.
fn others<'a>(entry: &Entry, attempts: &'a [StoredAttempt]) -> Vec<&'a StoredAttempt> {
    let own = entry.status.state.attempt();
    let reserved = attempts.iter().filter(|one| one.account == Account::Reserved);
    reserved.filter(|one| one.task.is_none() && Some(one.attempt) != own).collect()
}

/// Says what came free: the word is about the shot, so it may be more than its last request.
fn freed(freed: &[&StoredAttempt], entry: &Entry, is_queued: bool) -> String {
    let price: Usd = freed.iter().filter_map(|one| one.price).sum();
    let price = match (freed.iter().any(|one| one.price.is_none()), price) {
        (false, price) => dollars(price),
        (true, Usd::ZERO) => "no known price".to_owned(),
        (true, price) => format!("{} and an unknown price", dollars(price)),
    };
    let then = match (is_queued, entry.current) {
        (true, true) => " and the shot queued",
        (true, false) => "",
        (false, _) => "; the shot itself stays as it is",
    };
    match freed.len() {
        1 => format!("not bought; {price} is free again{then}"),
        requests => {
            format!("not bought; {}, {price}, are free again{then}", plural(requests, "request"))
        }
    }
}
