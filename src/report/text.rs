//! The report as text for a terminal: money, counts and a table. What others wrote is shown
//! without the characters that could steer a terminal.

use std::io::Write;
use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::sanitize::plain;
use crate::domain::state::State;
use crate::ledger::{Row, Snapshot, Summary};
use crate::policy::budget::{Balance, Budget};

use super::model::{mismatches, name, odd_charge, reason};
use super::{Counts, ReportError, each_row};

/// Writes the report. The rows are read twice: for the columns' widths, then for the table.
///
/// # Errors
/// When the ledger cannot be read or `out` not be written.
pub fn write(source: &dyn Snapshot, out: &mut dyn Write) -> Result<(), ReportError> {
    let summary = source.summary()?;
    let (mut counts, mut stalled) = (Counts::default(), 0);
    let mut width = "SHOT".len();
    source.rows(&mut |row| {
        counts.add(&row.entry.status.state);
        stalled += usize::from(state_word(&row) == STALLED);
        width = width.max(name(&row).chars().count());
    })?;
    let width = width.min(WIDEST_NAME);
    writeln!(out, "{}", head(&summary, &counts, stalled))?;
    writeln!(out)?;
    writeln!(out, "{:width$}  {:<10}  {:>10}  CLIP OR REASON", "SHOT", "STATE", "PRICE")?;
    each_row(source, out, &mut |out, row| {
        let price = row.price.map_or_else(|| "unknown".to_owned(), dollars);
        let (name, state) = (name(row), state_word(row));
        let line = format!("{name:width$}  {state:<10}  {price:>10}  {}", detail(row));
        writeln!(out, "{}", line.trim_end())
    })
}

/// A longer reason is cut, in characters.
const MAX_REASON: usize = 500;

/// A longer name pushes its own line only.
const WIDEST_NAME: usize = 40;

const STALLED: &str = "stalled";

fn state_word(row: &Row) -> &'static str {
    match &row.entry.status.state {
        State::Rendering { stalled: Some(_), .. } => STALLED,
        State::InDoubt { .. } => "in doubt",
        state => state.name(),
    }
}

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
    let parts: Vec<_> =
        counts.present(stalled).map(|(word, count)| format!("{count} {word}")).collect();
    match counts.all() {
        0 => "no shots".to_owned(),
        all => format!("{}: {}", plural(all, "shot"), parts.join(", ")),
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

/// A span to a useful precision: `45s`, `2m 30s`, `12m`, `3h 20m`, `2d 4h`.
#[must_use]
pub fn span(span: Duration) -> String {
    let secs = span.as_secs();
    match (secs / 86_400, secs / 3600 % 24, secs / 60 % 60) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, minutes @ 0..5) if !secs.is_multiple_of(60) => format!("{minutes}m {}s", secs % 60),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// `1 shot`, `2 shots`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What others wrote, on one line that cannot steer a terminal.
#[must_use]
pub fn safe(text: &str) -> String {
    plain(text, MAX_REASON)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Sample};
    use super::*;
    use crate::domain::clip_info::ClipInfo;

    #[test]
    fn the_table_shows_money_counts_and_reasons_and_cannot_steer_the_terminal() {
        let mut out = Vec::new();
        write(&Sample::mixed(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\u{1b}'));
        insta::assert_snapshot!(text, @r"
        summer: 7 shots: 1 delivered, 1 to be fetched, 1 rendering, 1 stalled, 1 queued, 1 failed, 1 in doubt
        $0.6330 spent, $0.9495 reserved; cap $25.00, $23.4175 left

        SHOT      STATE            PRICE  CLIP OR REASON
        beach     delivered      $0.3165  clips/beach.mp4
        alley     stalled        $0.3165  not done 2h after it was submitted
        cliff     rendering      $0.3165
        dunes     rendered       $0.3165  the host answered 403
        fog       failed         $0.3165  =cmd|' /C calc'!A0 Content policy
        forest    queued         unknown
        beach~r2  in doubt       $0.3165  cut after 3 s
        ");
    }

    #[test]
    fn a_charge_that_is_not_the_price_is_named() {
        let mut sample = Sample::mixed();
        sample.rows.truncate(1);
        let line = |sample: &Sample| {
            let mut out = Vec::new();
            write(sample, &mut out).unwrap();
            String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
        };
        sample.rows[0].charge = crate::domain::charge::Charge::new("0.3165", "USD");
        assert!(line(&sample).ends_with("$0.3165  clips/beach.mp4"));
        sample.rows[0].charge = crate::domain::charge::Charge::new("0.35", "USD");
        assert!(line(&sample).ends_with("clips/beach.mp4; the gateway charged 0.35 USD"));
    }

    #[test]
    fn a_clip_that_is_not_what_was_asked_for_is_named() {
        let mut sample = Sample::mixed();
        sample.rows.truncate(1);
        sample.rows[0].request = r#"{"duration":5}"#.to_owned();
        sample.rows[0].files[0].clip_info = Some(ClipInfo { millis: 10_000, ..sample::FOOTAGE });
        let mut out = Vec::new();
        write(&sample, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("  clips/beach.mp4; asked for 5 s, got 10.0 s\n"), "{text}");
    }

    #[test]
    fn money_that_is_uncertain_says_so() {
        let usd = |text: &str| text.parse().unwrap();
        let balance = Balance { spent: usd("1"), reserved: Usd::ZERO, unconfirmed: usd("0.5") };
        let budget = Budget { cap: Some(usd("2")), strict: true };
        insta::assert_snapshot!(money(&budget, &balance), @r"
        $1.00 spent; cap $2.00, $0.50 left
        $0.50 unconfirmed: what the gateway's 5xx answers could have cost at worst (counted against the cap)
        ");
        assert_eq!(money(&Budget::default(), &Balance::default()), "$0 spent; no cap");
    }

    #[test]
    fn spans_read_at_a_glance() {
        let shown: Vec<_> = [5, 150, 720, 7200, 12_000, 86_400, 187_200]
            .map(|secs| span(Duration::from_secs(secs)))
            .into();
        assert_eq!(shown, ["5s", "2m 30s", "12m", "2h", "3h 20m", "1d", "2d 4h"]);
    }
}
