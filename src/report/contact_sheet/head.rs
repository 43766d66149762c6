//! What the page shows over its shots: the campaign, where its money lies and how it got there,
//! and the commands that help.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::domain::money::Usd;
use crate::domain::sanitize::shell_word;
use crate::domain::time::Timestamp;
use crate::ledger::{Kind, LedgerError, OrphanReservation, Spending, Summary};
use crate::policy::budget::Money;
use crate::report::eta::{Eta, EtaBasis, Outlook};
use crate::report::remedy::Remedy;
use crate::report::text::safe;

use super::Sheet;

/// The end of a run is told in such steps, in milliseconds, so that it is not new with every reading.
const STEP: i64 = 10_000;

/// The most tags that are told; the dearest first.
const MAX_TAGS: usize = 50;

/// `at` is when the page was made, of a page that is not live. In `commands` `{shot}` stands for the
/// shot's name, and in `export` `{format}` for the format and `{to}` for where it goes. Moments are Unix milliseconds.
pub(super) fn head(sheet: &Sheet<'_>) -> Result<Value, LedgerError> {
    let (summary, spending) = (sheet.source.summary()?, sheet.source.spending()?);
    let mut tags = shares(&spending, |_, tags| tags.to_vec());
    tags.truncate(MAX_TAGS);
    let (budget, balance) = (summary.budget, summary.balance);
    let mut money = json!(Money { cap: budget.cap, balance });
    money["left"] = json!(budget.left(&balance));
    money["strict"] = json!(budget.strict);
    let history = spending.history.iter();
    let history = history.map(|(at, then)| (at.as_millis(), then.spent, then.reserved));
    let stray = |stray: &OrphanReservation| {
        json!({
            "shot": format!("{}~r{}", stray.shot, stray.number),
            "price": stray.price,
            "at": stray.sent_at.as_millis(),
            "why": stray.why.as_deref().map(safe),
        })
    };
    let export = format!("--picks {} --format {{format}}{{to}}", shell_word(sheet.picks.file));
    let commands = Remedy::ALL.map(|need| (need, need.help(sheet.again, "{shot}")));
    Ok(json!({
        "campaign": summary.campaign,
        "simulated": summary.kind == Kind::Simulator,
        "at": (!sheet.live).then(|| sheet.now.as_millis()),
        "running": summary.held_by.as_deref().map(safe),
        "money": money,
        "models": shares(&spending, |model, _| vec![model.to_owned()]),
        "tags": tags,
        "history": history.collect::<Vec<_>>(),
        "strays": spending.orphans.iter().map(stray).collect::<Vec<_>>(),
        "commands": BTreeMap::from(commands),
        "review": {"saves": sheet.picks.saves, "file": sheet.picks.file},
        "export": (sheet.again)("export", &export),
        "serve": (sheet.again)("review", ""),
        "plan": (sheet.again)("plan", ""),
        "sheet": sheet.place,
        "params": Catalog::builtin().params().iter().map(|param| &*param.name).collect::<Vec<_>>(),
        "live": sheet.live,
        "since": summary.running_since().map(Timestamp::as_millis),
        "ends": ends(sheet, &summary)?,
    }))
}

/// About when a live run ends, in steps of ten seconds, and whether that is a guess.
fn ends(sheet: &Sheet<'_>, summary: &Summary) -> Result<Option<Value>, LedgerError> {
    if !sheet.live || summary.held_by.is_none() {
        return Ok(None);
    }
    let outlook = Outlook::of(sheet.source, summary, sheet.now)?;
    let eta = outlook.left.filter(|_| outlook.refused.is_none());
    Ok(eta.map(|Eta { span, basis }| {
        let at = sheet.now.plus(span).as_millis() / STEP * STEP;
        json!({"at": at, "is_guess": basis != EtaBasis::Known})
    }))
}

/// What went to a model or a tag.
#[derive(Serialize)]
struct Share {
    name: String,
    bought: usize,
    spent: Usd,
    reserved: Usd,
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
