//! What a run leaves on standard output: the counts, the money, and every shot that needs a look
//! with the command that helps.

use std::io::{self, Write};

use globset::GlobMatcher;

use crate::domain::money::Usd;
use crate::ledger::{LedgerError, Row, Snapshot, Summary};
use crate::provider::apimodels::{address, key_variable};
use crate::report::Counts;
use crate::report::contact_sheet;
use crate::report::model::{mismatches, name, odd_charge};
use crate::report::remedy::{Command, Remedy};
use crate::report::text::{dollars, head, plural, safe, safe_path};
use crate::scheduler::{RunOutcome, StopReason};

use super::settings::CampaignPaths;

/// The most shots that are listed of each kind.
const MAX_LISTED: usize = 50;

/// A kind of need and the shots that have it.
#[derive(Debug, Default)]
struct Group {
    count: usize,
    listed: Vec<(String, String)>,
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
    groups: [Group; Remedy::ALL.len()],
}

impl Outcome {
    /// Reads it from the ledger.
    pub fn of(source: &dyn Snapshot, only: Option<&GlobMatcher>) -> Result<Self, LedgerError> {
        let mut outcome = Self::default();
        source.rows(&mut |row| {
            if only.is_none_or(|only| only.is_match(row.entry.shot.as_str())) {
                outcome.add(&row);
            }
        })?;
        Ok(outcome)
    }

    fn add(&mut self, row: &Row) {
        self.counts.add(&row.entry.status.state);
        self.odd_charges += usize::from(odd_charge(row).is_some());
        self.mismatched += usize::from(!mismatches(row).is_empty());
        let Some(need) = Remedy::of(row) else { return };
        let group = &mut self.groups[need as usize];
        group.count += 1;
        if group.listed.len() < MAX_LISTED {
            let why = safe(row.entry.status.state.why().unwrap_or_default());
            group.listed.push((name(&row.entry), why));
        }
    }

    /// Writes it.
    pub fn write(
        &self,
        out: &mut dyn Write,
        summary: &Summary,
        paths: &CampaignPaths,
    ) -> io::Result<()> {
        let stalled = self.groups[Remedy::Stalled as usize].count;
        writeln!(out, "{}", head(summary, &self.counts, stalled))?;
        if self.counts.delivered > 0 {
            let path = |name| safe_path(&paths.folder.join(name));
            let (clips, page) = (path("clips"), path(contact_sheet::FILE));
            writeln!(out, "clips in {clips}, all on one page: {page}")?;
        }
        for (count, what) in [
            (self.odd_charges, "The gateway's charge is not the catalog's price for"),
            (self.mismatched, "The clip is not what was asked for in"),
        ] {
            if count > 0 {
                let (shots, report) = (plural(count, "shot"), paths.again("report", ""));
                writeln!(out, "\n{what} {shots}:\n  $ {report}")?;
            }
        }
        for (need, group) in Remedy::ALL.into_iter().zip(&self.groups) {
            let Some((first, _)) = group.listed.first() else { continue };
            writeln!(out, "\n{}", need.title())?;
            for (id, why) in &group.listed {
                let line = if why.is_empty() { id.clone() } else { format!("{id}: {why}") };
                writeln!(out, "  {line}")?;
            }
            if group.count > group.listed.len() {
                let more = group.count - group.listed.len();
                writeln!(out, "  … and {more} more: {}", paths.again("report", ""))?;
            }
            for Command { line, when } in need.help(&|verb, rest| paths.again(verb, rest), first) {
                let when = if when.is_empty() { String::new() } else { format!("   ({when})") };
                writeln!(out, "  $ {line}{when}")?;
            }
        }
        Ok(())
    }
}

/// Why a run stopped early and what to do about it; `None` when it went to its end.
pub fn stopped(
    ended: &RunOutcome,
    paths: &CampaignPaths,
    cap: Option<Usd>,
) -> Option<(String, String)> {
    let go_on = paths.again("run", "");
    let stopped = match ended {
        RunOutcome::Done => return None,
        RunOutcome::Interrupted => {
            return Some(("interrupted".to_owned(), format!("to go on: {go_on}")));
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
        StopReason::Balance(_) => format!(
            "top up the account, then: {go_on}; without --whole it buys what the balance allows"
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
        StopReason::Deadline => format!("to go on: {go_on}"),
        StopReason::Failures(_) | StopReason::FailureShare { .. } => {
            format!("see why in the list, then: {go_on}")
        }
        // It says itself what happened and what to do.
        StopReason::Ledger(_) => format!("when that is done, to go on: {go_on}"),
        StopReason::Disk(_) => format!("make room, then: {go_on}"),
        StopReason::Defect(_) => format!("please report it; nothing is lost, to go on: {go_on}"),
    };
    Some((format!("stopped early: {}", safe(&what)), help))
}
