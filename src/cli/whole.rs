//! `--whole`: everything or nothing. Judged against the cap before the campaign's first purchase, and
//! never again: a campaign that has begun goes on.

use crate::domain::money::Usd;
use crate::domain::state::State;
use crate::ledger::Entry;
use crate::plan::{Plan, plan as lay_out};
use crate::policy::budget::Balance;
use crate::report::text::{dollars, plural};

use super::args;
use super::error::CliError;
use super::settings::LoadedCampaign;

/// What `--whole` says before a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether something bought by earlier runs waits to be polled, fetched or resolved.
    pub has_open_purchases: bool,
}

/// Refuses a campaign that has bought nothing yet and does not fit under its cap as a whole.
pub fn judge(
    loaded: &LoadedCampaign,
    entries: &[Entry],
    work: &args::Work,
) -> Result<Judged, CliError> {
    let balance = loaded.kept.as_ref().map_or_else(Balance::default, |kept| kept.balance);
    let plan = lay_out(&loaded.campaign.shots, entries, loaded.scope(work));
    if let Some(why) = held_back(loaded, &plan, entries, &balance) {
        let enough = plan.total + loaded.budget.committed(&balance);
        let mut refusal = CliError::new(format!("{why}; nothing was sent"));
        if plan.unknown == 0 {
            let again = loaded.paths.again("run", &format!("--whole --budget {enough}"));
            refusal = refusal.help(format!("to buy all of it: {again}"));
        }
        return Err(refusal.help("to buy what fits under the cap: leave --whole out"));
    }
    let is_open = |entry: &Entry| entry.status.state.is_unfinished_purchase();
    Ok(Judged { has_open_purchases: entries.iter().any(is_open) })
}

/// Why nothing would be bought with `--whole`, if it is so.
pub fn held_back(
    loaded: &LoadedCampaign,
    plan: &Plan<'_>,
    entries: &[Entry],
    balance: &Balance,
) -> Option<String> {
    let buys = plan.to_buy();
    let fitting = plan.fitting(&loaded.budget, balance);
    if has_bought(entries, balance) || fitting == buys {
        return None;
    }
    let (cap, left) = (loaded.budget.cap?, loaded.budget.left(balance)?);
    let unknown = match plan.unknown {
        0 => String::new(),
        unknown => format!(" and {} of unknown price", plural(unknown, "shot")),
    };
    Some(format!(
        "--whole: {} cost {}{unknown}, and the cap of {} leaves {}: enough for {fitting} of them",
        plural(buys, "shot"),
        dollars(plan.total),
        dollars(cap),
        dollars(left)
    ))
}

/// Whether anything was or may have been bought for the campaign.
fn has_bought(entries: &[Entry], balance: &Balance) -> bool {
    let is_bought =
        |entry: &Entry| !matches!(entry.status.state, State::Queued { .. } | State::Failed { .. });
    (balance.spent + balance.reserved) != Usd::ZERO || entries.iter().any(is_bought)
}
