//! What a run leaves on standard output: the counts, the money, and every shot that needs a look
//! with the command that helps.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use globset::GlobMatcher;

use crate::domain::money::Usd;
use crate::ledger::{LedgerError, Row, Snapshot, Summary};
use crate::provider::apimodels::{self, address, key_variable};
use crate::report::Counts;
use crate::report::contact_sheet;
use crate::report::model::{mismatches, name, odd_charge};
use crate::report::reasons;
use crate::report::remedy::{Command, Remedy};
use crate::report::text::{Hue, Screen, dollars, head, plural, safe, safe_path, sign, span};
use crate::scheduler::{RunOutcome, StopReason};

use super::again::quoted;
use super::ledger_place;
use super::settings::CampaignPaths;

/// The most reasons that are listed of each kind, so that all of it fits a screen.
const MAX_REASONS: usize = 6;
/// The most shots that are named for one reason.
const MAX_NAMED: usize = 3;

/// A kind of need and the shots that have it.
#[derive(Debug, Default)]
struct Group {
    count: usize,
    reasons: Vec<Reason>,
}

/// Shots that have one reason.
#[derive(Debug)]
struct Reason {
    /// What makes it one and the same.
    key: String,
    /// As the first of them has it.
    why: String,
    count: usize,
    named: Vec<String>,
}

impl Group {
    fn add(&mut self, name: String, why: String) {
        self.count += 1;
        let key = reasons::key(&why);
        if let Some(reason) = self.reasons.iter_mut().find(|reason| reason.key == key) {
            reason.count += 1;
            if reason.named.len() < MAX_NAMED {
                reason.named.push(name);
            }
        } else if self.reasons.len() < MAX_REASONS {
            self.reasons.push(Reason { key, why, count: 1, named: vec![name] });
        }
    }

    /// How many shots have reasons that are not listed.
    fn unlisted(&self) -> usize {
        self.count - self.reasons.iter().map(|reason| reason.count).sum::<usize>()
    }
}

impl Reason {
    /// `beach: the image could not be read`; of several shots `18 × content policy: edit the prompt`
    /// and a line with some of their names.
    fn write(&self, out: &mut dyn Write, need: Remedy, screen: Screen) -> io::Result<()> {
        let names = self.named.join(", ");
        let is_one = self.count == 1;
        let head = match (is_one, self.why.is_empty()) {
            (true, true) => names.clone(),
            (true, false) => format!("{names}: {}", apimodels::in_words(&self.why)),
            (false, true) => plural(self.count, "shot"),
            (false, false) => format!("{} × {}", self.count, reasons::together(&self.why, need)),
        };
        writeln!(out, "  {}", screen.wrapped(&head, 2, 4))?;
        if is_one {
            return Ok(());
        }
        let more = match self.count - self.named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "      {}", screen.wrapped(&format!("{names}{more}"), 6, 6))
    }
}

/// How the shots of a run stand at its end.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The shots by state; only those of `--only`.
    pub counts: Counts,
    /// How many were not charged at their price.
    odd_charges: usize,
    /// How many clips are not what was asked for.
    mismatched: usize,
    /// How many have a task again that was given before.
    former: usize,
    /// What names all of them to `resolve`: the pattern of `--only`, or `--all`.
    all: String,
    groups: [Group; Remedy::ALL.len()],
}

impl Outcome {
    /// Reads it from the ledger.
    pub fn of(source: &dyn Snapshot, only: Option<&GlobMatcher>) -> Result<Self, LedgerError> {
        let pattern = only.map(|only| quoted(Path::new(only.glob().glob())));
        let all = pattern.unwrap_or_else(|| "--all".to_owned());
        let mut outcome = Self { all, ..Self::default() };
        source.rows(&mut |row| {
            if only.is_none_or(|only| only.is_match(row.entry.shot.as_str())) {
                outcome.add(&row);
            }
        })?;
        Ok(outcome)
    }

    /// The same where so many shots have a task again that was given before.
    pub fn with_former(self, former: usize) -> Self {
        Self { former, ..self }
    }

    fn add(&mut self, row: &Row) {
        self.counts.add(&row.entry.status.state);
        self.odd_charges += usize::from(odd_charge(row).is_some());
        self.mismatched += usize::from(!mismatches(row).is_empty());
        let Some(need) = Remedy::of(row) else { return };
        let why = safe(row.entry.status.state.why().unwrap_or_default());
        self.groups[need as usize].add(name(&row.entry), why);
    }

    /// Writes it. `lasted` is how long the run took.
    pub fn write(
        &self,
        out: &mut dyn Write,
        summary: &Summary,
        paths: &CampaignPaths,
        lasted: Duration,
        screen: Screen,
    ) -> io::Result<()> {
        let stalled = self.groups[Remedy::Stalled as usize].count;
        writeln!(out, "{}", head(summary, &self.counts, stalled, screen))?;
        writeln!(out, "this run took {}", span(lasted))?;
        if self.counts.delivered > 0 {
            let path = |name| safe_path(&paths.place().join(name));
            writeln!(out, "clips: {}", path("clips"))?;
            writeln!(out, "all on one page: {}", path(contact_sheet::FILE))?;
        }
        for (count, what) in [
            (self.odd_charges, "The gateway's charge is not the catalog's price for"),
            (self.mismatched, "The clip is not what was asked for in"),
            (self.former, "The gateway knows only the task that was given before for"),
        ] {
            if count > 0 {
                let said = format!("{what} {}:", plural(count, "shot"));
                writeln!(out, "\n{}", screen.wrapped(&said, 0, 0))?;
                command(out, screen, &paths.again("report", ""))?;
            }
        }
        for (need, group) in Remedy::ALL.into_iter().zip(&self.groups) {
            group.write(out, need, paths, screen)?;
            if need == Remedy::Doubt && group.count > 1 {
                let line = paths.again("resolve", &format!("{} --not-bought", self.all));
                writeln!(out, "  if none of these {} was:", group.count)?;
                command(out, screen, &line)?;
            }
        }
        Ok(())
    }
}

impl Group {
    /// Its title, its reasons and the commands that help.
    fn write(
        &self,
        out: &mut dyn Write,
        need: Remedy,
        paths: &CampaignPaths,
        screen: Screen,
    ) -> io::Result<()> {
        let Some(first) = self.reasons.first().and_then(|reason| reason.named.first()) else {
            return Ok(());
        };
        let (mark, hue) = sign(need.state());
        let (mark, indent) = if screen.is_looked_at() {
            (format!("{} ", screen.paint(hue, &mark.to_string())), 2)
        } else {
            (String::new(), 0)
        };
        writeln!(out, "\n{mark}{}", screen.wrapped(need.title(), indent, indent))?;
        for reason in &self.reasons {
            reason.write(out, need, screen)?;
        }
        let more = self.unlisted();
        if more > 0 {
            writeln!(out, "  … and {more} more:")?;
            command(out, screen, &paths.again("report", ""))?;
        }
        for Command { line, when } in need.help(&|verb, rest| paths.again(verb, rest), first) {
            if !when.is_empty() {
                writeln!(out, "  {}", screen.wrapped(&format!("{when}:"), 2, 2))?;
            }
            command(out, screen, &line)?;
        }
        Ok(())
    }
}

/// A command to copy, on a line of its own.
fn command(out: &mut dyn Write, screen: Screen, line: &str) -> io::Result<()> {
    writeln!(out, "  {} {line}", screen.paint(Hue::Dim, "$"))
}

/// Why a run stopped early and what to do about it; `go_on` is the command that goes on; `None` when it went to its end.
pub fn stopped(
    ended: &RunOutcome,
    paths: &CampaignPaths,
    go_on: &str,
    cap: Option<Usd>,
) -> Option<(String, Vec<String>)> {
    let stopped = match ended {
        RunOutcome::Done => return None,
        RunOutcome::Interrupted => {
            return Some(("interrupted".to_owned(), vec![format!("to go on: {go_on}")]));
        }
        RunOutcome::Stopped(stopped) => stopped,
    };
    let what = match (stopped, cap) {
        (StopReason::Cap { held }, Some(cap)) => {
            format!("the cap of {} holds back {}", dollars(cap), plural(*held, "shot"))
        }
        _ => stopped.to_string(),
    };
    let help = match stopped {
        StopReason::Cap { .. } => format!("to allow more: {}", paths.again("run", "--budget USD")),
        StopReason::MonthCap { .. } => {
            "to allow more: rushes account --cap USD/month; or go on next month".to_owned()
        }
        StopReason::Balance(_) => format!(
            "top up the account (or leave --whole out, to buy what the balance allows), then: {go_on}"
        ),
        StopReason::Credit(_) => format!("top up the account, then: {go_on}"),
        StopReason::Key(_) => format!("set {} to a valid key, then: {go_on}", key_variable()),
        StopReason::Firewall(_) => format!(
            "nothing was charged. Open {} in a browser and turn off a VPN or proxy; if it \
             opens, edit the shots' texts; then: {go_on}",
            address()
        ),
        StopReason::Alike { .. } => format!(
            "nothing was charged, and these shots are queued again. Check the model's name and what \
             the account may use; then: {go_on}"
        ),
        StopReason::Address(_) => {
            format!("check --api-base; the gateway's own address is {}", address())
        }
        StopReason::Unreached(_) => format!("check the network and --api-base, then: {go_on}"),
        StopReason::Throttled(_) => {
            format!("check the account's limits and credit, or wait; then: {go_on}")
        }
        // A date that has passed would stop it again.
        StopReason::Deadline => {
            let paths = paths.clone().without_flag("--deadline");
            format!("to go on: {}", paths.again("run", ""))
        }
        StopReason::Failures(_) | StopReason::FailureShare { .. } => {
            format!("see why in the list, then: {go_on}")
        }
        // It says itself what happened and what to do.
        StopReason::Ledger(_) => format!("when that is done, to go on: {go_on}"),
        StopReason::Disk(_) => format!("make room, then: {go_on}"),
        StopReason::Bucket(_) => format!(
            "see to it that these credentials may list, read and write there; nothing is lost, what \
             was bought is fetched later: {go_on}"
        ),
        StopReason::Defect(_) => format!("please report it; nothing is lost, to go on: {go_on}"),
    };
    let placed = matches!(stopped, StopReason::Ledger(_))
        .then(|| ledger_place::of_path(paths.ledger.file_path()?))
        .flatten();
    let help = placed.into_iter().chain([help]).collect();
    Some((format!("stopped early: {}", safe(&what)), help))
}
