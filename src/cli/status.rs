//! `rushes status`: where a campaign stands, in a few lines.

use std::io::{self, Write};
use std::time::Duration;

use crate::ledger::Summary;
use crate::report::Digest;
use crate::report::text::{head, plural};
use crate::time::{Clock, SystemClock, Timestamp};

use super::progress::span;
use super::settings::Place;
use super::terminal::Terminal;
use super::trouble::Trouble;
use super::{args, logging};

/// Prints where a campaign stands.
///
/// # Errors
/// When there is no ledger, or it cannot be read.
pub fn status(
    args: &args::Status,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    logging::start(args.campaign.logs, terminal);
    let place = Place::find(&args.campaign, terminal.color)?;
    let reader = place.existing()?;
    let now = SystemClock.now();
    let (summary, digest) = (reader.summary()?, Digest::of(&reader, now)?);
    Ok(write(out, &summary, &digest, now, &place.again("report", ""))?)
}

fn write(
    out: &mut dyn Write,
    summary: &Summary,
    digest: &Digest,
    now: Timestamp,
    report: &str,
) -> io::Result<()> {
    writeln!(out, "{}", head(summary, &digest.counts, digest.stalled))?;
    if let Some((shot, since)) = &digest.oldest {
        let age = span(now.since(*since));
        writeln!(out, "longest rendering: {shot}, for {age}")?;
    }
    for (count, what) in [
        (digest.not_fetched, "could not be fetched so far"),
        (digest.others, "of an older text or removed from the manifest"),
    ] {
        if count > 0 {
            writeln!(out, "{}: {what}", plural(count, "shot"))?;
        }
    }
    match &summary.held_by {
        Some(holder) => {
            write!(out, "running: {holder}")?;
            if let Some(left) = digest.seconds_left(now) {
                write!(
                    out,
                    "; about {} left at the present pace",
                    span(Duration::from_secs(left))
                )?;
            }
            writeln!(out)?;
        }
        None => writeln!(out, "not running")?,
    }
    let counts = &digest.counts;
    if counts.failed + counts.in_doubt + digest.stalled + digest.not_fetched > 0 {
        writeln!(out, "every shot with its reason: {report}")?;
    }
    Ok(())
}
