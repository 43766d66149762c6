//! `rushes plan`: prints what a run would do, as text, as JSON or as CSV.

mod before;
mod changed;
mod csv;
mod json;
mod look;
mod page;
mod settings;
mod table;

use std::collections::HashSet;
use std::io::Write;

use crate::ledger::{KeptPrice, Kind, Snapshot, Summary};
use crate::plan::{Action, Plan, Scope, plan as lay_out};
use crate::policy::budget::Balance;
use crate::report::text::safe;

use super::args::{self, PlanFormat};
use super::error::CliError;
use super::exit::Exit;
use super::logging;
use super::ownership;
use super::settings::{CampaignPaths, LoadedCampaign};
use super::terminal::{self, Terminal};
use super::whole::held_back;
use before::Before;
use look::Look;
use page::Page;

pub use changed::cost;
pub use page::counts;

/// Prints a plan; with `--check` the exit code says what a run would do.
pub fn plan(args: &args::Plan, terminal: &Terminal, out: &mut dyn Write) -> Result<Exit, CliError> {
    logging::start(args.campaign.logs, terminal);
    let loaded = LoadedCampaign::read(&args.campaign, &args.work, terminal.color);
    if let (Err(CliError::Mistakes(mistakes)), PlanFormat::Json) = (&loaded, args.format) {
        json::mistakes(out, mistakes)?;
    }
    let loaded = loaded?;
    let opening = ownership::before_buying(&loaded, &args.work, None)?;
    if let Some(kept) = loaded.kept.as_ref().filter(|_| !opening.is_renamed) {
        same_campaign(&loaded, kept)?;
    }
    let entries = loaded.entries()?;
    loaded.warn(terminal);
    let reader = loaded.paths.reader()?;
    let kept = kept_prices(reader.as_deref())?;
    let resubmitted: HashSet<_> =
        kept.iter().filter(|one| is_resubmitted(one)).map(|one| one.revision).collect();
    let scope = Scope { resubmitted: Some(&resubmitted), ..loaded.scope(&args.work) };
    let plan = lay_out(&loaded.campaign.shots, &entries, scope);
    loaded.warn_of_vanished(&entries, terminal);
    let before = Before { reader: reader.as_deref(), catalog: &loaded.catalog };
    let balance = loaded.kept.as_ref().map_or_else(Balance::default, |kept| kept.balance);
    let whole = args.work.whole.then(|| held_back(&loaded, &plan, &entries, &balance)).flatten();
    match args.format {
        PlanFormat::Json => json::write(out, &loaded.campaign, &plan, &before)?,
        PlanFormat::Csv => csv::write(out, &plan, &before)?,
        PlanFormat::Text => {
            let all = args.campaign.logs.verbose > 0;
            let look = Look { screen: terminal::screen(), all };
            let (campaign, budget) = (&*loaded.campaign.header.campaign, loaded.budget);
            let (plan, before, limits) = (&plan, &before, &loaded.limits);
            Page { campaign, plan, before, budget, balance, limits, look }.write(out)?;
            if let Some(why) = &whole {
                look.say(out, &format!("{why}; a run would buy nothing"))?;
            }
        }
    }
    out.flush()?;
    if !args.check {
        return Ok(Exit::Delivered);
    }
    let earlier = kept.iter().any(|one| one.task.is_some());
    check(&plan, plan.fitting(&loaded.budget, &balance), whole, earlier)
}

/// What `--check` answers. `earlier`: whether tasks that their shots are no longer about are polled.
fn check(
    plan: &Plan<'_>,
    fitting: usize,
    whole: Option<String>,
    earlier: bool,
) -> Result<Exit, CliError> {
    if let Some(why) = whole {
        return Err(CliError::new(format!("{why}; a run would buy nothing")));
    }
    if plan.to_buy() > 0 {
        return if fitting > 0 {
            Ok(Exit::WouldBuy)
        } else {
            let why = "nothing that is to be bought fits under what the cap leaves";
            Err(CliError::new(why).help("allow more with --budget USD"))
        };
    }
    let polls = [Action::GoOn, Action::Download].iter().any(|action| plan.count(*action) > 0);
    let is_open = polls || earlier || plan.others.in_flight > 0;
    Ok(if is_open { Exit::WouldFetch } else { Exit::Delivered })
}

/// The prices that stay reserved for earlier requests; none before the first run.
fn kept_prices(reader: Option<&dyn Snapshot>) -> Result<Vec<KeptPrice>, CliError> {
    Ok(reader.map(Snapshot::kept_prices).transpose()?.unwrap_or_default())
}

/// Refuses to mix a rehearsal and real purchases.
pub fn same_kind(paths: &CampaignPaths, kept: Kind) -> Result<(), CliError> {
    if kept == paths.kind {
        return Ok(());
    }
    let (whose, fix) = match kept {
        Kind::Simulator => ("the simulator's", "add --sim"),
        Kind::Gateway => ("a gateway's", "leave --sim out"),
    };
    Err(CliError::new(format!("{} holds {whose} tasks", paths.ledger))
        .help(format!("{fix}, or choose another folder with --out")))
}

/// Whether the price is of a lost request after which the shot was queued again.
const fn is_resubmitted(kept: &KeptPrice) -> bool {
    !kept.is_own && kept.task.is_none()
}

/// A run would refuse to open another campaign's ledger; so does the plan.
pub fn same_campaign(loaded: &LoadedCampaign, kept: &Summary) -> Result<(), CliError> {
    let ledger = &loaded.paths.ledger;
    same_kind(&loaded.paths, kept.kind)?;
    if kept.campaign != loaded.paths.header.campaign {
        let theirs = safe(&kept.campaign);
        return Err(CliError::new(format!("{ledger} is the campaign {theirs}'s"))
            .help("choose another folder with --out"));
    }
    Ok(())
}
