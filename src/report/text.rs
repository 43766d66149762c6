//! The report as text for a terminal: money, counts and a table. What others wrote is shown
//! without the characters that could steer a terminal.

use std::io::Write;
use std::path::Path;

use crate::domain::money::Usd;
use crate::domain::sanitize::plain;
use crate::domain::state::State;
use crate::ledger::{Row, Snapshot, Summary};
use crate::policy::budget::{Balance, Budget};

pub use crate::domain::time::in_words as span;

mod reserved;

use super::answer;
use super::model::{STALLED, mismatches, name, odd_charge, reason, state_name};
use super::remedy::Again;
use super::{Counts, ReportError, each_row};

/// Writes the report. The rows are read twice: for the columns' widths, then for the table.
pub fn write(
    source: &dyn Snapshot,
    out: &mut dyn Write,
    again: Again<'_>,
) -> Result<(), ReportError> {
    let summary = source.summary()?;
    let (mut counts, mut stalled) = (Counts::default(), 0);
    let mut width = "SHOT".len();
    source.rows(&mut |row| {
        counts.add(&row.entry.status.state);
        stalled += usize::from(state_name(&row) == STALLED);
        width = width.max(name(&row.entry).chars().count());
    })?;
    let width = width.min(WIDEST_NAME);
    writeln!(out, "{}", head(&summary, &counts, stalled))?;
    writeln!(out)?;
    writeln!(out, "{:width$}  {:<10}  {:>10}  CLIP OR REASON", "SHOT", "STATE", "PRICE")?;
    let mut has_answers = false;
    each_row(source, out, &mut |out, row| {
        let price = row.price.map_or_else(|| "unknown".to_owned(), dollars);
        let (name, state) = (name(&row.entry), state_name(row).replace('_', " "));
        let line = format!("{name:width$}  {state:<10}  {price:>10}  {}", detail(row));
        writeln!(out, "{}", line.trim_end())?;
        if let Some(answer) = doubts_answer(row) {
            has_answers = true;
            writeln!(out, "{:width$}  {:<10}  {:>10}  {answer}", "", "", "")?;
        }
        Ok(())
    })?;
    if has_answers {
        writeln!(out, "\nThe answers as a whole:\n  $ {}", again("report", "--format json"))?;
    }
    reserved::write(source, out, again)
}

/// What was answered to the request that left a shot in doubt, beyond its reason.
#[must_use]
pub fn doubts_answer(row: &Row) -> Option<String> {
    let State::InDoubt { why, .. } = &row.entry.status.state else { return None };
    answer::in_words(row.answer.as_deref()?, why)
}

/// A longer reason is cut, in characters.
const MAX_REASON: usize = 500;

/// A longer name pushes its own line only.
const WIDEST_NAME: usize = 40;

fn detail(row: &Row) -> String {
    let files: Vec<&str> = row.files.iter().map(|file| file.path.as_str()).collect();
    let (files, reason) = (files.join(" "), reason(row).unwrap_or_default());
    let charge = odd_charge(row).map(|charge| format!("the gateway charged {charge}"));
    let parts = [files, reason.into_owned(), charge.unwrap_or_default()];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.chain(mismatches(row)).collect();
    safe(&parts.join("; "))
}

/// The campaign, its money and its counts in a few lines.
#[must_use]
pub fn head(summary: &Summary, counts: &Counts, stalled: usize) -> String {
    let money = money(&summary.budget, &summary.balance);
    format!("{}: {}\n{money}", safe(&summary.campaign), in_words(counts, stalled))
}

/// `5 shots: 4 delivered, 1 failed`.
#[must_use]
pub fn in_words(counts: &Counts, stalled: usize) -> String {
    let rendering = counts.rendering.saturating_sub(stalled);
    let parts = listed(&[
        (counts.delivered, "delivered"),
        (counts.rendered, "to be fetched"),
        (rendering, "rendering"),
        (stalled, "stalled"),
        (counts.submitting, "submitting"),
        (counts.queued, "queued"),
        (counts.failed, "failed"),
        (counts.in_doubt, "in doubt"),
    ]);
    match counts.all() {
        0 => "no shots".to_owned(),
        all => format!("{}: {parts}", plural(all, "shot")),
    }
}

/// `4 delivered, 1 failed`: those that there are.
#[must_use]
pub fn listed(counts: &[(usize, &str)]) -> String {
    let present = counts.iter().filter(|(count, _)| *count > 0);
    present.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// `$1.27 spent, $0.32 reserved, of $25.00`, and what is uncertain about it.
#[must_use]
pub fn money(budget: &Budget, balance: &Balance) -> String {
    let mut parts = vec![format!("{} spent", dollars(balance.spent))];
    if balance.reserved > Usd::ZERO {
        parts.push(format!(", {} reserved", dollars(balance.reserved)));
    }
    parts.push(match (budget.cap, budget.left(balance)) {
        (Some(cap), Some(left)) => format!("; cap {}, {} left", dollars(cap), dollars(left)),
        _ => "; no cap".to_owned(),
    });
    if balance.unconfirmed > Usd::ZERO {
        let worst = dollars(balance.unconfirmed);
        let counted = if budget.strict { " (counted against the cap)" } else { "" };
        parts.push(format!(
            "\n{worst} unconfirmed: what the gateway's 5xx answers could have cost at \
             worst{counted}"
        ));
    }
    parts.concat()
}

/// An amount with its sign: `$0.3165`, `$0`.
#[must_use]
pub fn dollars(amount: Usd) -> String {
    format!("${amount}")
}

/// `1 shot`, `2 shots`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A path as [`safe`] text.
#[must_use]
pub fn safe_path(path: &Path) -> String {
    safe(&path.display().to_string())
}

/// What others wrote, on one line that cannot steer a terminal.
#[must_use]
pub fn safe(text: &str) -> String {
    plain(text, MAX_REASON)
}
