//! What the page shows over its shots: the campaign, where its money lies and how it got there,
//! and the commands that help.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::money::Usd;
use crate::ledger::{Kind, LedgerError, OrphanReservation, Spending};
use crate::policy::budget::Money;
use crate::report::remedy::{Command, Remedy};
use crate::report::text::safe;

use super::Sheet;

/// The most tags that are told; the dearest first.
const MAX_TAGS: usize = 50;

#[derive(Serialize)]
pub(super) struct Head {
    campaign: String,
    simulated: bool,
    /// When the page was made, in Unix milliseconds; a live one is of now.
    at: Option<i64>,
    /// Which run holds the campaign.
    running: Option<String>,
    money: Funds,
    models: Vec<Share>,
    tags: Vec<Share>,
    /// Unix milliseconds, spent, reserved.
    history: Vec<(i64, Usd, Usd)>,
    strays: Vec<Reserved>,
    /// In which `{shot}` stands for the shot's name.
    commands: BTreeMap<Remedy, Vec<Command>>,
    /// The command for some of the shots only; `{ids}` stands for their pattern.
    only: String,
    live: bool,
}

#[derive(Serialize)]
struct Funds {
    #[serde(flatten)]
    money: Money,
    left: Option<Usd>,
    strict: bool,
}

/// What went to a model or a tag.
#[derive(Serialize)]
struct Share {
    name: String,
    bought: usize,
    spent: Usd,
    reserved: Usd,
}

#[derive(Serialize)]
struct Reserved {
    shot: String,
    price: Option<Usd>,
    at: i64,
    why: Option<String>,
}

impl Head {
    pub(super) fn of(sheet: &Sheet<'_>) -> Result<Self, LedgerError> {
        let (summary, spending) = (sheet.source.summary()?, sheet.source.spending()?);
        let models = shares(&spending, |model, _| vec![model.to_owned()]);
        let mut tags = shares(&spending, |_, tags| tags.to_vec());
        tags.truncate(MAX_TAGS);
        let (budget, balance) = (summary.budget, summary.balance);
        let history = spending.history.iter();
        let history = history.map(|(at, then)| (at.as_millis(), then.spent, then.reserved));
        Ok(Self {
            simulated: summary.kind == Kind::Simulator,
            at: (!sheet.live).then(|| sheet.now.as_millis()),
            running: summary.held_by.as_deref().map(safe),
            money: Funds {
                money: Money { cap: budget.cap, balance },
                left: budget.left(&balance),
                strict: budget.strict,
            },
            models,
            tags,
            history: history.collect(),
            strays: spending.orphans.iter().map(Reserved::of).collect(),
            commands: Remedy::ALL.map(|need| (need, need.help(sheet.again, "{shot}"))).into(),
            only: (sheet.again)("plan", "--only '{ids}'"),
            live: sheet.live,
            campaign: summary.campaign,
        })
    }
}

impl Reserved {
    fn of(stray: &OrphanReservation) -> Self {
        Self {
            shot: format!("{}~r{}", stray.shot, stray.number),
            price: stray.price,
            at: stray.sent_at.as_millis(),
            why: stray.why.as_deref().map(safe),
        }
    }
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
    let mut shares: Vec<Share> = sums
        .into_iter()
        .map(|(name, (bought, spent, reserved))| Share { name, bought, spent, reserved })
        .collect();
    shares.sort_by_key(|share| Reverse(share.spent + share.reserved));
    shares
}
