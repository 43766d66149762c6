//! `rushes status`: where a campaign stands, in a small table; once, or again and again.

use std::io::Write;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::sanitize::json_text;
use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::report::Outlook;
use crate::report::standing::Standing;
use crate::report::status::{Frame, glance};

use super::args::CheckFormat;
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::{Terminal, screen, size};
use super::whole_screen::WholeScreen;
use super::{args, logging, runtime, signals};

/// Prints where a campaign stands.
pub fn status(
    args: &args::Status,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    let (look, is_page) = match args.format {
        CheckFormat::Text => (look as Look, true),
        CheckFormat::Json => (look_for_programs as Look, false),
    };
    match args.watch {
        None => Ok(out.write_all(look(&paths)?.0.as_bytes())?),
        Some(seconds) => {
            let every = Duration::from_secs(u64::from(seconds));
            runtime()?.block_on(watch(&paths, (look, is_page), every, out))
        }
    }
}

/// What one look shows, and whether a run works on the campaign.
type Look = fn(&CampaignPaths) -> Result<(String, bool), CliError>;

/// The same as [`look`], for programs.
fn look_for_programs(paths: &CampaignPaths) -> Result<(String, bool), CliError> {
    let reader = paths.existing()?;
    let (summary, now) = (reader.summary()?, SystemClock.now());
    let standing = Standing::of(&*reader, &summary, now)?;
    Ok((json_text(&standing)? + "\n", summary.held_by.is_some()))
}

/// What one look shows, and whether a run works on the campaign.
fn look(paths: &CampaignPaths) -> Result<(String, bool), CliError> {
    let reader = paths.existing()?;
    let (summary, now) = (reader.summary()?, SystemClock.now());
    let outlook = Outlook::of(&*reader, &summary, now)?;
    let frame = Frame {
        screen: screen(),
        clock: &|at| on_the_wall(at, now),
        report: &paths.again("report", ""),
    };
    Ok((glance(&summary, &outlook, now, &frame), summary.held_by.is_some()))
}

/// The time of day here, with the day when it is not within one.
fn on_the_wall(at: Timestamp, now: Timestamp) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.as_millis()) else {
        return at.to_string();
    };
    let is_soon = at.since(now) < Duration::from_secs(24 * 3600);
    let format = if is_soon { "%H:%M" } else { "%a %d %b, %H:%M" };
    moment.to_zoned(TimeZone::system()).strftime(format).to_string()
}

/// Looks again and again until the run has ended or a signal comes. On a terminal the looks have the
/// whole screen, and the last one stays on the usual one.
async fn watch(
    paths: &CampaignPaths,
    (look, is_page): (Look, bool),
    every: Duration,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut signals = signals::catch()?;
    let mut whole = None;
    let mut parted = "";
    loop {
        let (text, is_running) = look(paths)?;
        if is_page && is_running && whole.is_none() && size().is_some() {
            whole = Some(WholeScreen::enter()?);
        }
        match (&mut whole, size()) {
            (Some(whole), Some((rows, columns))) => whole.show(&text, rows, columns)?,
            _ => write!(out, "{parted}{text}")?,
        }
        out.flush()?;
        // Programs get a line for each look.
        parted = if is_page { "\n" } else { "" };
        let is_enough = !is_running
            || tokio::select! {
                () = tokio::time::sleep(every) => false,
                () = signals.next() => true,
            };
        if is_enough {
            let was_whole = whole.take().is_some();
            if was_whole {
                write!(out, "{text}")?;
            }
            return Ok(());
        }
    }
}
