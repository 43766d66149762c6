//! The report as text for a terminal: money, counts and a table. What others wrote is shown
//! without the characters that could steer a terminal.

use std::io::Write;
use std::path::Path;

use crate::domain::money::Usd;
use crate::domain::sanitize::plain;
use crate::domain::state::State;
use crate::ledger::{Row, Snapshot, Summary};
use crate::policy::budget::{Balance, Budget};
use crate::provider::apimodels;

pub use crate::domain::time::in_words as span;

mod columns;
mod label;
mod reserved;
mod sign;
mod table;

pub use columns::{Screen, columns, cut, padded};
pub use label::label;
pub use sign::{Hue, sign};

use super::answer;
use super::model::{STALLED, mismatches, odd_charge, reason, state_name};
use super::remedy::Again;
use super::{Counts, ReportError, each_row};
use table::{Table, Widths};

/// Writes the report. The rows are read twice: for the columns' widths, then for the table.
pub fn write(
    source: &dyn Snapshot,
    out: &mut dyn Write,
    again: Again<'_>,
    screen: Screen,
) -> Result<(), ReportError> {
    let summary = source.summary()?;
    let (mut counts, mut stalled) = (Counts::default(), 0);
    let mut widths = Widths::default();
    source.rows(&mut |row| {
        counts.add(&row.entry.status.state);
        stalled += usize::from(state_name(&row) == STALLED);
        widths.add(&row);
    })?;
    let table = Table::new(widths, screen);
    writeln!(out, "{}\n", head(&summary, &counts, stalled, screen))?;
    table.head(out)?;
    let mut has_answers = false;
    each_row(source, out, &mut |out, row| {
        let answer = doubts_answer(row);
        has_answers |= answer.is_some();
        table.row(out, row, answer.as_deref())
    })?;
    if has_answers {
        writeln!(out, "\nThe answers as a whole:\n  $ {}", again("report", "--format json"))?;
    }
    reserved::write(source, out, again, screen)
}

/// What was answered to the request that left a shot in doubt, beyond its reason.
#[must_use]
pub fn doubts_answer(row: &Row) -> Option<String> {
    let State::InDoubt { why, .. } = &row.entry.status.state else { return None };
    answer::in_words(row.answer.as_deref()?, why)
}

/// A longer reason is cut, in characters.
const MAX_REASON: usize = 500;

/// The clips of a row, or its reason.
fn detail(row: &Row) -> String {
    let files: Vec<&str> = row.files.iter().map(|file| file.path.as_str()).collect();
    let (files, reason) = (files.join(" "), reason(row).unwrap_or_default());
    let reason = apimodels::in_words(&reason);
    let charge = odd_charge(row).map(|charge| format!("the gateway charged {charge}"));
    let parts = [files, reason.into_owned(), charge.unwrap_or_default()];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.chain(mismatches(row)).collect();
    safe(&parts.join("; "))
}

/// The campaign, its money and its counts in a few lines.
#[must_use]
pub fn head(summary: &Summary, counts: &Counts, stalled: usize, screen: Screen) -> String {
    let campaign = screen.paint(Hue::Strong, &safe(&summary.campaign));
    let shots = screen.wrapped(&format!("{campaign}: {}", in_words(counts, stalled, screen)), 0, 2);
    let money = money(&summary.budget, &summary.balance);
    let money: Vec<String> = money.lines().map(|line| screen.wrapped(line, 0, 2)).collect();
    format!("{shots}\n{}", money.join("\n"))
}

/// `5 shots: 4 delivered, 1 failed`.
#[must_use]
pub fn in_words(counts: &Counts, stalled: usize, screen: Screen) -> String {
    let parts = by_state(
        &[
            ("delivered", counts.delivered),
            ("rendered", counts.rendered),
            ("rendering", counts.rendering.saturating_sub(stalled)),
            ("stalled", stalled),
            ("submitting", counts.submitting),
            ("queued", counts.queued),
            ("failed", counts.failed),
            ("in_doubt", counts.in_doubt),
        ],
        screen,
    );
    match counts.all() {
        0 => "no shots".to_owned(),
        all => format!("{}: {parts}", plural(all, "shot")),
    }
}

/// `4 delivered, 1 failed`: the states that there are shots in, by their names in reports.
#[must_use]
pub fn by_state(counts: &[(&str, usize)], screen: Screen) -> String {
    let present = counts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<_> =
        present.map(|(state, count)| screen.counted(state, *count, word(state))).collect();
    parts.join(", ")
}

/// A state in words, by its name in reports.
#[must_use]
pub fn word(state: &str) -> &str {
    match state {
        "rendered" => "to be fetched",
        "in_doubt" => "in doubt",
        state => state,
    }
}

/// `4 to render, 1 done`: those that there are.
#[must_use]
pub fn listed(counts: &[(usize, &str)]) -> String {
    let present = counts.iter().filter(|(count, _)| *count > 0);
    present.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// `beach, city, road and 37 more`: so many names at most.
#[must_use]
pub fn first_of<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let first: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    let first = first.join(", ");
    match names.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
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
