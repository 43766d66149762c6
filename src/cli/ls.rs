//! `rushes ls`: the campaigns below a folder. Reads their ledgers and changes nothing.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::sanitize::json_text;
use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::ledger::{LedgerAddress, LedgerError, LedgerPlace, Owner};
use crate::report::listing::{Known, Listed};
use crate::report::text::{columns, cut, dollars, listed, padded, plural, safe, safe_path, span};

use super::again::quoted;
use super::args::{self, CheckFormat};
use super::error::CliError;
use super::logging;
use super::named_manifest::is_campaign;
use super::terminal::{Terminal, YELLOW, var, width};

/// How deep below the folder campaigns are looked for.
const MAX_DEPTH: usize = 12;
/// The most folders that are looked into.
const MAX_FOLDERS: usize = 100_000;
/// Folders that hold many others and no campaign.
const SKIPPED: [&str; 4] = ["clips", "node_modules", "target", "lost+found"];
/// The widest that names are shown, in columns, and the narrowest that names are cut to.
const WIDEST: usize = 40;
const NARROWEST: usize = 12;

/// Lists the campaigns below a folder.
pub fn ls(args: &args::Ls, terminal: &Terminal, out: &mut dyn Write) -> Result<(), CliError> {
    logging::start(args.logs, terminal);
    let mut folders = Vec::new();
    let is_whole = find(&args.dir, &mut folders).map_err(|error| {
        CliError::new(format!("{} cannot be read: {error}", safe_path(&args.dir)))
    })?;
    if !is_whole {
        let what = format!("only the first {MAX_FOLDERS} folders were looked into");
        terminal.say(YELLOW, "warning", &what);
    }
    let mut all: Vec<Listed> = folders.iter().map(|folder| look(folder)).collect();
    // The newest first; what cannot be read comes last.
    all.sort_by_key(|one| std::cmp::Reverse(one.known.changed_at()));
    match args.format {
        CheckFormat::Json => {
            writeln!(out, "{{\"campaigns\": [")?;
            for (nth, one) in all.iter().enumerate() {
                let comma = if nth + 1 < all.len() { "," } else { "" };
                writeln!(out, "  {}{comma}", json_text(one)?)?;
            }
            writeln!(out, "]}}")?;
        }
        CheckFormat::Text if all.is_empty() => {
            writeln!(out, "no campaign below {}", safe_path(&args.dir))?;
        }
        CheckFormat::Text => table(&all, out)?,
    }
    Ok(())
}

/// Gathers the campaign folders below one, in the order of their paths; whether all could be looked
/// into.
fn find(top: &Path, found: &mut Vec<PathBuf>) -> io::Result<bool> {
    let mut looked = 0;
    let mut waiting = vec![(top.to_owned(), 0)];
    // The top must be there; what cannot be entered below it is left out.
    fs::read_dir(top)?;
    while let Some((folder, depth)) = waiting.pop() {
        if looked == MAX_FOLDERS {
            return Ok(false);
        }
        looked += 1;
        if is_campaign(&folder) {
            found.push(folder.clone());
        }
        let mut below: Vec<PathBuf> = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                !name.starts_with('.') && !SKIPPED.contains(&&*name)
            })
            .map(|entry| entry.path())
            .collect();
        below.sort();
        if depth < MAX_DEPTH {
            waiting.extend(below.into_iter().rev().map(|folder| (folder, depth + 1)));
        }
    }
    Ok(true)
}

/// Reads the ledger that a campaign folder names.
fn look(folder: &Path) -> Listed {
    let read = || -> Result<Known, LedgerError> {
        let usual = folder.join("ledger.sqlite");
        let place = Owner::of(folder)?.map_or(usual, |owner| owner.place);
        let place = LedgerPlace::from(place.into_os_string()).with_password(var("PGPASSWORD"));
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Known::of(&*LedgerAddress::new(place, &name, folder).snapshot()?)
    };
    let known = read().unwrap_or_else(|error| Known::unreadable(error.to_string()));
    let shown = folder.strip_prefix(".").unwrap_or(folder);
    let shown = if shown.as_os_str().is_empty() { folder } else { shown };
    Listed { folder: shown.display().to_string(), known }
}

fn table(all: &[Listed], out: &mut dyn Write) -> Result<(), CliError> {
    let now = SystemClock.now();
    let room = width().unwrap_or(usize::MAX);
    let rows: Vec<[String; 6]> = all.iter().map(|one| row(one, now)).collect();
    let head = ["CAMPAIGN", "STATE", "DONE", "SPENT", "CHANGED", "FOLDER"].map(str::to_owned);
    let mut widths = [0; 6];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    let others: usize = widths[1..5].iter().map(|width| width + 2).sum();
    // A path is never broken: where it finds no room, it has a line of its own.
    let is_narrow = widths[0] + others + widths[5] + 2 > room;
    let name = if is_narrow { room.saturating_sub(others) } else { WIDEST };
    widths[0] = widths[0].min(name.clamp(NARROWEST, WIDEST));
    for (nth, cells) in std::iter::once(&head).chain(&rows).enumerate() {
        let parts = cells.iter().zip(widths).take(5).enumerate();
        // Words begin at the left, figures end at the right.
        let parts = parts.map(|(nth, (cell, width))| match nth {
            0 => padded(&cut(cell, width), width),
            1 => padded(cell, width),
            _ => format!("{cell:>width$}"),
        });
        let line = parts.collect::<Vec<_>>().join("  ");
        let line = line.trim_end();
        if !is_narrow {
            writeln!(out, "{line}  {}", cells[5])?;
        } else if nth == 0 {
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{line}\n  {}", cells[5])?;
        }
    }
    for one in all {
        if let Some((what, verb)) = needs(one) {
            let folder = quoted(Path::new(&safe(&one.folder)));
            writeln!(out, "\n{what}\n  $ rushes {verb} {folder}")?;
        }
    }
    Ok(())
}

fn row(one: &Listed, now: Timestamp) -> [String; 6] {
    let folder = safe(&one.folder);
    match &one.known {
        Known::Unreadable { state, why } => {
            let none = String::new;
            let folder = format!("{folder}: {}", safe(why));
            ["?".to_owned(), (*state).to_owned(), none(), none(), none(), folder]
        }
        Known::Read(it) => {
            let name = safe(&it.campaign);
            let name = if it.simulated { format!("{name} (sim)") } else { name };
            let changed = it.changed_at.map_or_else(|| "-".to_owned(), |at| ago(now, at));
            let done = format!("{}/{}", it.counts.delivered, it.counts.all());
            [name, it.state.to_owned(), done, dollars(it.money.balance.spent), changed, folder]
        }
    }
}

/// What of a campaign is not well, in a line; and the command that does or tells more about it.
fn needs(one: &Listed) -> Option<(String, &'static str)> {
    let Known::Read(it) = &one.known else { return None };
    let counts = &it.counts;
    let waits = counts.rendered + counts.rendering;
    let parts = listed(&[
        (counts.in_doubt, "in doubt"),
        (waits, "paid for and not here"),
        (counts.queued, "not bought yet"),
        (counts.failed, "failed"),
    ]);
    let verb = if waits > 0 { "fetch" } else { "report" };
    let (name, all) = (safe(&it.campaign), plural(counts.all(), "shot"));
    let is_still = !parts.is_empty() && it.state != "running";
    is_still.then(|| (format!("{name}: of {all} {parts}"), verb))
}

/// `5m ago`
fn ago(now: Timestamp, at: Timestamp) -> String {
    let age = now.since(at);
    let day = Duration::from_secs(24 * 3600);
    if age < day {
        format!("{} ago", span(age))
    } else {
        let days = age.as_secs() / day.as_secs();
        format!("{} ago", plural(usize::try_from(days).unwrap_or(usize::MAX), "day"))
    }
}
