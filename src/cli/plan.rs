//! `rushes plan`: prints what a run would do, as a table or as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::domain::money::Usd;
use crate::domain::sanitize::json_text;
use crate::ledger::Summary;
use crate::manifest::{Campaign, Mistakes};
use crate::plan::{Action, Plan, USUAL_RENDER, plan as lay_out, shown};
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::report::text::{dollars, listed, plural, safe, span};

use super::args::{self, PlanFormat};
use super::error::CliError;
use super::logging;
use super::ownership;
use super::settings::LoadedCampaign;
use super::terminal::Terminal;
use super::whole::held_back;

/// The most lines of a table, unless all are asked for.
const SCREENFUL: usize = 20;

/// The most shots that are named in a note.
const MAX_NAMED: usize = 3;

/// Prints a plan.
pub fn plan(args: &args::Plan, terminal: &Terminal, out: &mut dyn Write) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let loaded = LoadedCampaign::read(&args.campaign, &args.work, terminal.color);
    if let (Err(CliError::Mistakes(mistakes)), PlanFormat::Json) = (&loaded, args.format) {
        json_mistakes(out, mistakes)?;
    }
    let loaded = loaded?;
    let opening = ownership::before_buying(&loaded, &args.work, None)?;
    if let Some(kept) = loaded.kept.as_ref().filter(|_| !opening.is_renamed) {
        same_campaign(&loaded, kept)?;
    }
    let entries = loaded.entries()?;
    loaded.warn(terminal);
    loaded.warn_of_vanished(&entries, terminal);
    let plan = lay_out(&loaded.campaign.shots, &entries, loaded.scope(&args.work));
    match args.format {
        PlanFormat::Json => json(out, &loaded.campaign, &plan)?,
        PlanFormat::Text => {
            let all = args.campaign.logs.verbose > 0;
            let balance = loaded.kept.as_ref().map_or_else(Balance::default, |kept| kept.balance);
            let page = Page { plan: &plan, budget: loaded.budget, balance, limits: &loaded.limits };
            writeln!(out, "{}: {}", loaded.campaign.header.campaign, counts(&plan))?;
            page.write(out, if all { usize::MAX } else { SCREENFUL })?;
            if args.work.whole
                && let Some(why) = held_back(&loaded, &plan, &entries, &balance)
            {
                writeln!(out, "{why}; a run would buy nothing")?;
            }
        }
    }
    Ok(())
}

/// A run would refuse to open another campaign's ledger; so does the plan.
pub fn same_campaign(loaded: &LoadedCampaign, kept: &Summary) -> Result<(), CliError> {
    let ledger = &loaded.paths.ledger;
    if kept.kind != loaded.paths.kind {
        let (whose, fix) = match kept.kind {
            crate::ledger::Kind::Simulator => ("the simulator's", "add --sim"),
            crate::ledger::Kind::Gateway => ("a gateway's", "leave --sim out"),
        };
        return Err(CliError::new(format!("{ledger} holds {whose} tasks"))
            .help(format!("{fix}, or choose another folder with --out")));
    }
    if kept.campaign != loaded.paths.header.campaign {
        let theirs = safe(&kept.campaign);
        return Err(CliError::new(format!("{ledger} is the campaign {theirs}'s"))
            .help("choose another folder with --out"));
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonShot<'a> {
    id: &'a str,
    action: &'static str,
    price: Option<String>,
    request: serde_json::Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hopeless: bool,
}

/// The stable shape that scripts rely on, one shot a line. The total is `null` when it holds an
/// unknown price.
fn json(out: &mut dyn Write, campaign: &Campaign, plan: &Plan<'_>) -> io::Result<()> {
    let total = (plan.unknown == 0).then(|| plan.total.to_string());
    write!(
        out,
        "{{\"campaign\": {}, \"total\": {}, ",
        json_text(&campaign.header.campaign)?,
        serde_json::to_string(&total)?
    )?;
    if !campaign.warnings.is_empty() {
        write!(out, "\"warnings\": {}, ", json_text(&campaign.warnings)?)?;
    }
    write!(out, "\"shots\": [")?;
    for (index, line) in plan.lines.iter().enumerate() {
        let shot = JsonShot {
            id: line.shot.id.as_str(),
            action: line.action.word(),
            price: line.price.map(|price| price.to_string()),
            request: shown(&line.shot.request),
            hopeless: line.is_hopeless,
        };
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n  {}", json_text(&shot)?)?;
    }
    writeln!(out, "]}}")
}

/// What editors show at its place; people read the same on standard error.
fn json_mistakes(out: &mut dyn Write, mistakes: &Mistakes) -> io::Result<()> {
    writeln!(
        out,
        "{{\"count\": {}, \"mistakes\": {}}}",
        mistakes.count,
        json_text(&mistakes.findings)?
    )?;
    out.flush()
}

/// `5 shots: 4 to render, 1 done`.
pub fn counts(plan: &Plan<'_>) -> String {
    let parts = [
        (Action::Render, "to render"),
        (Action::Retry, "to retry"),
        (Action::GoOn, "rendering"),
        (Action::Download, "to download"),
        (Action::Done, "done"),
        (Action::InDoubt, "in doubt"),
        (Action::Failed, "failed"),
    ]
    .map(|(action, words)| (plan.count(action), words));
    format!("{}: {}", plural(plan.lines.len(), "shot"), listed(&parts))
}

/// What a text plan shows below its first line.
struct Page<'a> {
    plan: &'a Plan<'a>,
    budget: Budget,
    balance: Balance,
    limits: &'a Limits,
}

impl Page<'_> {
    fn write(&self, out: &mut dyn Write, most: usize) -> io::Result<()> {
        self.table(out, most)?;
        self.models(out)?;
        self.money(out)?;
        if self.plan.others.shots > 0 {
            let others = self.plan.others;
            writeln!(
                out,
                "{} of older texts or removed from the manifest still open; nothing new is spent \
                 on them",
                plural(others.shots, "shot")
            )?;
        }
        self.hopeless(out)?;
        let time = self.plan.time(self.limits, USUAL_RENDER);
        if !time.is_zero() {
            writeln!(
                out,
                "about {}, at {} and {} in flight, if a clip takes {}",
                span(time),
                self.limits.rate,
                self.limits.in_flight,
                span(USUAL_RENDER)
            )?;
        }
        Ok(())
    }

    fn table(&self, out: &mut dyn Write, most: usize) -> io::Result<()> {
        let lines = &self.plan.lines;
        let listed = if lines.len() > most { &lines[..most] } else { &lines[..] };
        let width = listed.iter().map(|line| line.shot.id.as_str().chars().count());
        let width = width.max().unwrap_or(0).clamp("SHOT".len(), 40);
        writeln!(out, "\n{:width$}  {:<8}  {:>9}  MODEL", "SHOT", "ACTION", "PRICE")?;
        for line in listed {
            let (id, action) = (&line.shot.id, line.action.word());
            let price = price(line.price);
            writeln!(out, "{id:width$}  {action:<8}  {price:>9}  {}", safe(&line.shot.model))?;
        }
        if lines.len() > listed.len() {
            writeln!(out, "… and {} more (-v shows all)", lines.len() - listed.len())?;
        }
        writeln!(out)
    }

    /// Which of the failed shots will most likely fail again.
    fn hopeless(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = self.plan.lines.iter().filter(|line| line.is_hopeless);
        let names: Vec<&str> = lines.map(|line| line.shot.id.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let first = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = match names.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(
            out,
            "{} of the {} to retry will most likely fail again, for what they ask for: {first}{more}; \
             edit them in the manifest, or choose the others with --only",
            names.len(),
            self.plan.count(Action::Retry)
        )
    }

    fn models(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.plan.by_model.len() > 1 {
            for share in &self.plan.by_model {
                let total = sum(share.total, share.shots, share.unknown);
                let shots = plural(share.shots, "shot");
                writeln!(out, "  {}: {shots}, {total}", safe(&share.model))?;
            }
        }
        Ok(())
    }

    fn money(&self, out: &mut dyn Write) -> io::Result<()> {
        let buys = self.plan.to_buy();
        if buys == 0 {
            return writeln!(out, "nothing to buy: a run would spend nothing more");
        }
        let total = sum(self.plan.total, buys, self.plan.unknown);
        writeln!(out, "a run would spend {total} on {}", plural(buys, "shot"))?;
        let (Some(cap), Some(left)) = (self.budget.cap, self.budget.left(&self.balance)) else {
            return writeln!(out, "no cap; set one with --budget USD or `budget:` in the manifest");
        };
        let fitting = self.plan.fitting(&self.budget, &self.balance);
        let (cap, left) = (dollars(cap), dollars(left));
        if fitting == buys {
            writeln!(out, "cap {cap}, {left} left: enough")
        } else {
            writeln!(out, "cap {cap}, {left} left: enough for {fitting} of {buys}")
        }
    }
}

fn price(price: Option<Usd>) -> String {
    price.map_or_else(|| "unknown".to_owned(), dollars)
}

/// A sum in which some prices may be unknown.
fn sum(total: Usd, shots: usize, unknown: usize) -> String {
    if unknown == 0 {
        dollars(total)
    } else if unknown == shots {
        "an unknown amount".to_owned()
    } else {
        format!("{} and {} of unknown price", dollars(total), plural(unknown, "shot"))
    }
}
