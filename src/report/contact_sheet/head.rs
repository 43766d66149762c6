//! What the page shows over its shots: the campaign, where its money lies and how it got there,
//! and the commands that help.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::money::Usd;
use crate::ledger::{Kind, LedgerError, OrphanReservation, Spending, Summary};
use crate::report::remedy::Remedy;
use crate::report::text::safe;

use super::sheet::Sheet;

/// The most tags that are told; the dearest first.
const MAX_TAGS: usize = 50;

#[derive(Serialize)]
pub(super) struct Head {
    campaign: String,
    simulated: bool,
    /// When the page was made, in Unix milliseconds; a live one is of now.
    at: Option<i64>,
    /// Who works on the campaign.
    running: Option<String>,
    money: Money,
    models: Vec<Share>,
    tags: Vec<Share>,
    /// Unix milliseconds, spent, reserved.
    history: Vec<(i64, String, String)>,
    strays: Vec<Reserved>,
    commands: BTreeMap<&'static str, Vec<Command>>,
    /// The command for some of the shots only; `{ids}` stands for their pattern.
    only: String,
    live: bool,
}

#[derive(Serialize)]
struct Money {
    cap: Option<String>,
    left: Option<String>,
    spent: String,
    reserved: String,
    unconfirmed: String,
    strict: bool,
}

/// What went to a model or a tag.
#[derive(Serialize)]
struct Share {
    name: String,
    bought: usize,
    spent: String,
    reserved: String,
    #[serde(skip)]
    sum: Usd,
}

#[derive(Serialize)]
struct Reserved {
    shot: String,
    price: Option<String>,
    at: i64,
    why: Option<String>,
}

/// A command in which `{shot}` stands for the shot's name, and when it is the right one.
#[derive(Serialize)]
struct Command {
    line: String,
    when: &'static str,
}

impl Head {
    pub(super) fn of(sheet: &Sheet<'_>) -> Result<Self, LedgerError> {
        let (summary, spending) = (sheet.source.summary()?, sheet.source.spending()?);
        let models = shares(&spending, |model, _| vec![model.to_owned()]);
        let mut tags = shares(&spending, |_, tags| tags.to_vec());
        tags.truncate(MAX_TAGS);
        let history = spending.history.iter().map(|(at, balance)| {
            (at.as_millis(), balance.spent.to_string(), balance.reserved.to_string())
        });
        Ok(Self {
            simulated: summary.kind == Kind::Simulator,
            at: (!sheet.live).then(|| sheet.now.as_millis()),
            running: summary.held_by.as_deref().map(safe),
            money: Money::of(&summary),
            models,
            tags,
            history: history.collect(),
            strays: spending.orphans.iter().map(Reserved::of).collect(),
            commands: Remedy::ALL.map(|need| (need.name(), commands(sheet, need))).into(),
            only: (sheet.again)("plan", "--only '{ids}'"),
            live: sheet.live,
            campaign: summary.campaign,
        })
    }
}

impl Money {
    fn of(summary: &Summary) -> Self {
        let (budget, balance) = (&summary.budget, &summary.balance);
        Self {
            cap: budget.cap.map(|cap| cap.to_string()),
            left: budget.left(balance).map(|left| left.to_string()),
            spent: balance.spent.to_string(),
            reserved: balance.reserved.to_string(),
            unconfirmed: balance.unconfirmed.to_string(),
            strict: budget.strict,
        }
    }
}

impl Reserved {
    fn of(stray: &OrphanReservation) -> Self {
        Self {
            shot: format!("{}~r{}", stray.shot, stray.number),
            price: stray.price.map(|price| price.to_string()),
            at: stray.sent_at.as_millis(),
            why: stray.why.as_deref().map(safe),
        }
    }
}

fn commands(sheet: &Sheet<'_>, need: Remedy) -> Vec<Command> {
    let help = need.help(sheet.again, "{shot}");
    help.into_iter().map(|command| Command { line: command.line, when: command.when }).collect()
}

/// The money under each name that a pile has, the dearest first. What has several names counts
/// under each.
fn shares(spending: &Spending, names: impl Fn(&str, &[String]) -> Vec<String>) -> Vec<Share> {
    let mut sums: BTreeMap<String, (usize, Usd, Usd)> = BTreeMap::new();
    for pile in &spending.groups {
        let mut under = names(&pile.model, &pile.tags);
        under.sort_unstable();
        under.dedup();
        for name in under {
            let (bought, spent, reserved) = sums.entry(name).or_default();
            *bought += pile.bought;
            *spent += pile.balance.spent;
            *reserved += pile.balance.reserved;
        }
    }
    let share = |(name, (bought, spent, reserved)): (String, (usize, Usd, Usd))| Share {
        name,
        bought,
        spent: spent.to_string(),
        reserved: reserved.to_string(),
        sum: spent + reserved,
    };
    let mut shares: Vec<Share> = sums.into_iter().map(share).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.sum));
    shares
}
