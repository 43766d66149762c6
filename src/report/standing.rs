//! Where a campaign stands, for programs: the stable shape of `rushes status --format json`.

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::ledger::{Holder, LedgerError, Row, Snapshot, Summary};
use crate::policy::budget::Money;

use super::Counts;
use super::eta::{Eta, EtaBasis, Outlook};

/// Where a campaign stands.
#[derive(Debug, Serialize)]
pub struct Standing {
    campaign: String,
    running: Option<Running>,
    money: Money,
    counts: Counts,
    /// Bought, and not begun by the gateway.
    waiting_at_gateway: usize,
    /// Rendering, and nothing more is expected of them in this run.
    stalled: usize,
    /// Rendered, and could not be fetched so far.
    not_fetched: usize,
    rate: Pace,
    /// Since the run began; without a run, from the first submission to the last change.
    elapsed_s: u64,
    ends_at: Option<Timestamp>,
    estimate: &'static str,
}

/// A run that works on it; of several workers the first, since the earliest of them began.
#[derive(Debug, Serialize)]
struct Running {
    command: Option<String>,
    since: Option<Timestamp>,
    pid: Option<u32>,
    host: Option<String>,
    stopping: Option<String>,
    paused: bool,
    /// How many workers there are.
    workers: usize,
}

/// How fast it goes, lately; nothing where too little happened.
#[derive(Debug, Serialize)]
struct Pace {
    delivered_per_hour: Option<u64>,
    submitted_per_hour: Option<u64>,
}

impl Standing {
    /// Where the campaign of a ledger stands.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(
        source: &dyn Snapshot,
        summary: &Summary,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let outlook = Outlook::of(source, summary, now)?;
        let running = running(summary);
        let since = running.as_ref().and_then(|run| run.since);
        let elapsed_s = match since {
            Some(since) => now.since(since).as_secs(),
            None => worked(source)?,
        };
        let left = outlook.left.as_ref();
        let is_measured = left.is_none_or(|left| left.basis == EtaBasis::Known);
        let ends_at = |Eta { span, .. }: &Eta| now.plus(*span);
        Ok(Self {
            campaign: summary.campaign.clone(),
            ends_at: left.filter(|_| running.is_some()).map(ends_at),
            running,
            money: Money { cap: summary.budget.cap, balance: summary.balance },
            counts: outlook.counts,
            waiting_at_gateway: outlook.waiting,
            stalled: outlook.stalled,
            not_fetched: outlook.not_fetched,
            rate: Pace {
                delivered_per_hour: outlook.delivered_an_hour,
                submitted_per_hour: outlook.submitted_an_hour,
            },
            elapsed_s,
            estimate: if is_measured { "measured" } else { "guess" },
        })
    }
}

fn running(summary: &Summary) -> Option<Running> {
    let phrase = summary.held_by.as_deref()?;
    let holder = Holder::parse(phrase);
    Some(Running {
        command: holder.as_ref().map(|holder| holder.command.clone()),
        since: summary.running_since(),
        pid: holder.as_ref().map(|holder| holder.process),
        host: holder.map(|holder| holder.host),
        stopping: summary.note.stopping.clone(),
        paused: summary.note.paused,
        workers: summary.workers.len().max(1),
    })
}

/// How long it was from the first submission to the last change, in seconds.
fn worked(source: &dyn Snapshot) -> Result<u64, LedgerError> {
    let mut span: Option<(Timestamp, Timestamp)> = None;
    source.rows(&mut |row| {
        for at in moments(&row) {
            let (first, last) = span.unwrap_or((at, at));
            span = Some((first.min(at), last.max(at)));
        }
    })?;
    Ok(span.map_or(0, |(first, last)| last.since(first).as_secs()))
}

/// When something happened to a row.
pub fn moments(row: &Row) -> impl Iterator<Item = Timestamp> {
    [row.submitted_at, row.completed_at, row.delivered_at].into_iter().flatten()
}
