//! Reads and changes an account's limits. Blocking.

use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row as SqlRow};

use super::address::ServerAddress;
use super::apart::{apart, runtime};
use super::connect::{connect, is_safe, unreachable};
use super::error::Trouble;
use super::rows::Found;
use super::schema::{is_there, migrate};
use crate::domain::money::Usd;
use crate::ledger::LedgerError;
use crate::ledger::account::{AccountChange, AccountLimits, AccountSummary, CampaignOfAccount};
use crate::policy::limits::{Rate, Window};

/// The account of an address as it stands; `None` where nothing was run for it yet. Blocking.
///
/// # Errors
/// When the database cannot be reached or read.
pub fn account(address: &ServerAddress) -> Result<Option<AccountSummary>, LedgerError> {
    done(address, async |client| {
        if is_there(client, address).await? { summary(client, address).await } else { Ok(None) }
    })
}

/// Changes what an account allows, which is made if it is new. Blocking.
///
/// # Errors
/// When the database cannot be reached, is not safe, or refuses.
pub fn change_account(address: &ServerAddress, change: &AccountChange) -> Result<(), LedgerError> {
    done(address, async |client| {
        is_safe(client, address).await?;
        migrate(client, address).await?;
        let lost = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
        let tx = client.transaction().await.map_err(lost)?;
        let made =
            "INSERT INTO accounts (name, kind) VALUES ($1, 'gateway') ON CONFLICT DO NOTHING";
        tx.execute(made, &[&address.account]).await.map_err(lost)?;
        let set = async |sql: &str, with: &[&(dyn ToSql + Sync)]| {
            let sql = format!("UPDATE accounts SET {sql} WHERE name = $1 AND kind = 'gateway'");
            tx.execute(&sql, with).await.map(drop).map_err(lost)
        };
        let name = &address.account;
        let count = |rate: Rate| rate.count.cast_signed();
        if let Some(rate) = change.rate {
            let sql = "rate_count = $2, rate_window_ms = $3";
            set(sql, &[name, &rate.map(count), &rate.map(millis)]).await?;
        }
        if let Some(rate) = change.poll_rate {
            let sql = "poll_rate_count = $2, poll_rate_window_ms = $3";
            set(sql, &[name, &rate.map(count), &rate.map(millis)]).await?;
        }
        if let Some(limit) = change.in_flight {
            set("max_in_flight = $2", &[name, &limit.map(u32::cast_signed)]).await?;
        }
        if let Some(margin) = change.margin {
            let margin = i32::try_from(margin.as_millis()).unwrap_or(i32::MAX);
            set("margin_ms = $2", &[name, &margin]).await?;
        }
        if change.new_key {
            set("key_hash = NULL", &[name]).await?;
        }
        if let Some(cap) = change.month_cap {
            let sql =
                "SELECT set_month_cap(id, $2) FROM accounts WHERE name = $1 AND kind = 'gateway'";
            tx.query(sql, &[name, &cap.map(Usd::micros)]).await.map_err(lost)?;
        }
        tx.commit().await.map_err(lost)
    })
}

/// Does something on a connection of its own.
fn done<T: Send>(
    address: &ServerAddress,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Trouble> + Send,
) -> Result<T, LedgerError> {
    apart(|| {
        let done = runtime()?.block_on(async {
            let mut client = connect(address).await?;
            work(&mut client).await
        });
        done.map_err(|trouble| unreachable(address, trouble).into())
    })
}

fn millis(rate: Rate) -> i32 {
    i32::try_from(rate.window.length().as_millis()).unwrap_or(i32::MAX)
}

fn rate(count: Option<i32>, window: Option<i32>) -> Option<Rate> {
    let window = if window? >= 60_000 { Window::Minute } else { Window::Second };
    Some(Rate { count: count?.unsigned_abs(), window })
}

async fn summary(
    client: &Client,
    address: &ServerAddress,
) -> Result<Option<AccountSummary>, Trouble> {
    let lost = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
    let sql = "SELECT id, rate_count, rate_window_ms, poll_rate_count, poll_rate_window_ms, \
         max_in_flight, month_cap_micro, margin_ms, in_flight, \
         to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM') \
         FROM accounts WHERE name = $1 AND kind = 'gateway'";
    let Some(row) = client.query_opt(sql, &[&address.account]).await.map_err(lost)? else {
        return Ok(None);
    };
    let found = Found { row: &row, server: address.shown() };
    let id: i32 = found.get(0)?;
    let margin: i32 = found.get(7)?;
    let limits = AccountLimits {
        rate: rate(found.get(1)?, found.get(2)?),
        poll_rate: rate(found.get(3)?, found.get(4)?),
        in_flight: found.get::<Option<i32>>(5)?.map(i32::unsigned_abs),
        month_cap: found.usd(6)?,
        margin: Duration::from_millis(margin.unsigned_abs().into()),
    };
    let sql = "SELECT coalesce(sum(price_micro) FILTER (WHERE a.account = 'spent'), 0)::bigint, \
         coalesce(sum(price_micro) FILTER (WHERE a.account = 'reserved'), 0)::bigint, \
         coalesce(sum(price_micro) FILTER (WHERE a.account = 'unconfirmed'), 0)::bigint \
         FROM attempts AS a JOIN campaigns AS c ON c.id = a.campaign \
         WHERE c.account = $1 AND a.sent_at + 0 >= month_begins()";
    let month = client.query_one(sql, &[&id]).await.map_err(lost)?;
    let of_month = Found { row: &month, server: address.shown() }.balance(0)?;
    let sql = "SELECT c.name, p.spent, p.reserved, p.unconfirmed, p.cap_micro, \
         (SELECT coalesce(sum(price_micro), 0)::bigint FROM attempts AS a WHERE a.campaign = c.id \
          AND a.account IN ('spent', 'reserved') AND a.sent_at + 0 >= month_begins()), \
         (SELECT count(*)::int FROM workers AS w WHERE w.campaign = c.id AND w.ended IS NULL \
          AND NOT w.is_visitor AND w.lease_until > clock_timestamp()) \
         FROM campaigns AS c JOIN pots AS p ON p.id = c.pot WHERE c.account = $1 ORDER BY c.id DESC";
    let rows = client.query(sql, &[&id]).await.map_err(lost)?;
    let campaign = |row: &SqlRow| {
        let found = Found { row, server: address.shown() };
        Ok::<_, Trouble>(CampaignOfAccount {
            campaign: found.get(0)?,
            balance: found.balance(1)?,
            cap: found.usd(4)?,
            this_month: found.usd(5)?.unwrap_or_default(),
            workers: found.count(6)?,
        })
    };
    let campaigns = rows.iter().map(campaign).collect::<Result<_, _>>()?;
    let name = address.account.clone();
    let in_flight = found.get::<i32>(8)?.unsigned_abs();
    Ok(Some(AccountSummary { name, limits, in_flight, month: found.get(9)?, of_month, campaigns }))
}
