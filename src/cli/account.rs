//! `rushes account`: what an account allows over all its campaigns and machines, and what they spent.

use std::io::Write;

use serde_json::json;

use crate::domain::money::Usd;
use crate::ledger::{AccountChange, AccountSummary, LedgerPlace};
use crate::report::text::{dollars, plural, safe};

use super::args;
use super::error::CliError;
use super::terminal::{Terminal, var};
use super::values::Limit;

/// Shows an account, after what is to be changed of it is.
pub fn account(
    args: &args::Account,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    super::logging::start(args.logs, terminal);
    let Some(place) = args.ledger.clone() else {
        return Err(CliError::new("an account lies in a database, and none is named")
            .help("--ledger postgres://USER@HOST/DATABASE, or RUSHES_LEDGER"));
    };
    let place = place.with_password(var("PGPASSWORD")).with_account(args.name.as_deref());
    let change = AccountChange {
        rate: args.rate.map(Limit::written),
        poll_rate: args.poll_rate.map(Limit::written),
        in_flight: args.in_flight.map(Limit::written),
        month_cap: args.cap.map(|cap| cap.0),
        margin: args.margin,
        new_key: args.new_key,
    };
    if change != AccountChange::default() {
        place.change_account(&change)?;
    }
    let Some(found) = place.account()? else {
        return Err(CliError::new(format!("nothing was run for this account yet: {place}"))
            .help("its first run makes it, or a limit that is set here"));
    };
    match args.format {
        args::CheckFormat::Text => show(&found, &place, out)?,
        args::CheckFormat::Json => writeln!(out, "{}", as_json(&found))?,
    }
    Ok(())
}

/// For people.
fn show(account: &AccountSummary, place: &LedgerPlace, out: &mut dyn Write) -> std::io::Result<()> {
    let limits = &account.limits;
    let own = "what its runs keep to; the strictest of them holds for all";
    let written = |limit: Option<String>| limit.unwrap_or_else(|| own.to_owned());
    writeln!(out, "account {}, in {}", safe(&account.name), safe(&place.to_string()))?;
    writeln!(out, "  rate       {}", written(limits.rate.map(|rate| rate.to_string())))?;
    writeln!(out, "  polls      {}", written(limits.poll_rate.map(|rate| rate.to_string())))?;
    let most = limits.in_flight.map(|most| format!("{most} at most"));
    writeln!(out, "  in flight  {}; {} taken now", written(most), account.in_flight)?;
    writeln!(out, "  margin     {} ms around each window of a rate", limits.margin.as_millis())?;
    let (spent, reserved) = (account.of_month.spent, account.of_month.reserved);
    let spent = format!("{} spent, {} reserved", dollars(spent), dollars(reserved));
    let cap = match limits.month_cap {
        Some(cap) => {
            let left = cap.less(account.of_month.spent + account.of_month.reserved);
            format!(" of {}, {} left", dollars(cap), dollars(left))
        }
        None => "; no cap".to_owned(),
    };
    writeln!(out, "  {}    {spent}{cap}", account.month)?;
    if account.campaigns.is_empty() {
        return Ok(());
    }
    let names = account.campaigns.iter().map(|one| safe(&one.campaign));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
    writeln!(
        out,
        "\n{:width$}  {:>11}  {:>11}  {:>11}  {:>11}",
        "CAMPAIGN", "SPENT", "RESERVED", "THIS MONTH", "CAP"
    )?;
    for (name, one) in names.iter().zip(&account.campaigns) {
        let cap = one.cap.map_or_else(|| "none".to_owned(), dollars);
        let running = match one.workers {
            0 => String::new(),
            count => format!("  {}", plural(count as usize, "worker")),
        };
        writeln!(
            out,
            "{name:width$}  {:>11}  {:>11}  {:>11}  {cap:>11}{running}",
            dollars(one.balance.spent),
            dollars(one.balance.reserved),
            dollars(one.this_month)
        )?;
    }
    Ok(())
}

/// For programs: amounts as texts of dollars, as everywhere.
fn as_json(account: &AccountSummary) -> serde_json::Value {
    let limits = &account.limits;
    let left = |cap: Usd| cap.less(account.of_month.spent + account.of_month.reserved);
    json!({
        "account": account.name,
        "rate": limits.rate.map(|rate| rate.to_string()),
        "poll_rate": limits.poll_rate.map(|rate| rate.to_string()),
        "in_flight": limits.in_flight,
        "in_flight_now": account.in_flight,
        "margin_ms": u64::try_from(limits.margin.as_millis()).unwrap_or(u64::MAX),
        "month": {
            "month": account.month,
            "cap": limits.month_cap,
            "spent": account.of_month.spent,
            "reserved": account.of_month.reserved,
            "unconfirmed": account.of_month.unconfirmed,
            "left": limits.month_cap.map(left),
        },
        "campaigns": account.campaigns,
    })
}
