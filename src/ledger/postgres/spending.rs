//! Where a campaign's money lies and how it got there, over all its attempts: also those of older and
//! removed revisions, which a report's rows leave out.

use super::error::{ServerError, Trouble};
use super::reading::Reading;
use super::rows::Found;
use crate::domain::money::Usd;
use crate::domain::time::Timestamp;
use crate::ledger::snapshot::{HISTORY_MOMENTS, MAX_ORPHANS};
use crate::ledger::{KeptPrice, OrphanReservation, RevisionId, SpendGroup, Spending};
use crate::policy::budget::Balance;

/// Reads it.
pub(super) async fn spending(reading: &Reading<'_>) -> Result<Spending, Trouble> {
    Ok(Spending {
        groups: groups(reading).await?,
        history: history(reading).await?,
        orphans: orphans(reading).await?,
    })
}

/// What lies in each account (spent, reserved, unconfirmed), by rows with `account` and `micro`.
fn in_accounts(micro: &str) -> String {
    let sum =
        |account| format!("coalesce(sum({micro}) FILTER (WHERE account = '{account}'), 0)::bigint");
    ["spent", "reserved", "unconfirmed"].map(sum).join(", ")
}

fn sums(found: &Found<'_>, from: usize) -> Result<[i64; 3], Trouble> {
    Ok([found.get(from)?, found.get(from + 1)?, found.get(from + 2)?])
}

fn balance(micros: [i64; 3]) -> Balance {
    let [spent, reserved, unconfirmed] = micros.map(|micros| Usd::from_micros(micros.max(0)));
    Balance { spent, reserved, unconfirmed }
}

async fn groups(reading: &Reading<'_>) -> Result<Vec<SpendGroup>, Trouble> {
    let sql = format!(
        "SELECT r.model, r.tags, \
         count(*) FILTER (WHERE a.task_id IS NOT NULL AND a.account IN ('spent', 'reserved')), {} \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE a.campaign = $1 AND a.account <> 'released' \
         GROUP BY r.model, r.tags ORDER BY r.model COLLATE \"C\", r.tags COLLATE \"C\"",
        in_accounts("a.price_micro"),
    );
    let rows = reading.rows(&sql, &[&reading.campaign]).await?;
    let groups = rows.iter().map(|row| {
        let found = reading.found(row);
        Ok(SpendGroup {
            model: found.get(0)?,
            tags: found.texts(1)?,
            bought: found.unsigned(2)?,
            balance: balance(sums(&found, 3)?),
        })
    });
    groups.collect()
}

/// The movements of money, summed over spans of equal length and then one after another.
async fn history(reading: &Reading<'_>) -> Result<Vec<(Timestamp, Balance)>, Trouble> {
    let sql = format!(
        "WITH ends AS (SELECT min(at) AS first, max(at) AS last FROM money WHERE campaign = $1), \
           spans AS (SELECT first, greatest(1, (last - first) / {HISTORY_MOMENTS}) AS span FROM ends) \
         SELECT max(at), {} FROM money, spans WHERE campaign = $1 \
         GROUP BY (at - first) / span ORDER BY 1",
        in_accounts("micro"),
    );
    let mut sum = [0; 3];
    let mut history = Vec::new();
    for row in &reading.rows(&sql, &[&reading.campaign]).await? {
        let found = reading.found(row);
        for (sum, moved) in sum.iter_mut().zip(sums(&found, 1)?) {
            *sum += moved;
        }
        history.push((Timestamp::from_millis(found.get(0)?), balance(sum)));
    }
    Ok(history)
}

/// The prices that stay reserved beside what their shots are about, or for what failed.
pub(super) async fn kept_prices(reading: &Reading<'_>) -> Result<Vec<KeptPrice>, Trouble> {
    let sql = "SELECT r.shot, r.id, r.number, r.attempt IS NOT DISTINCT FROM a.id, a.price_micro, a.task_id \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE a.campaign = $1 AND a.account = 'reserved' \
         AND (r.attempt IS DISTINCT FROM a.id OR r.state = 'failed') ORDER BY a.id";
    let rows = reading.rows(sql, &[&reading.campaign]).await?;
    let kept = rows.iter().map(|row| {
        let found = reading.found(row);
        Ok(KeptPrice {
            shot: found.shot_id(0)?.ok_or_else(|| found.odd("a shot without a name"))?,
            revision: RevisionId(found.get(1)?),
            number: found.count(2)?,
            is_own: found.get(3)?,
            price: found.usd(4)?,
            task: found.task_id(5)?,
        })
    });
    kept.collect()
}

async fn orphans(reading: &Reading<'_>) -> Result<Vec<OrphanReservation>, Trouble> {
    let sql = format!(
        "SELECT r.shot, r.id, r.number, a.price_micro, a.sent_at, a.why \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE a.campaign = $1 AND a.account = 'reserved' AND r.attempt IS DISTINCT FROM a.id \
         ORDER BY a.id LIMIT {MAX_ORPHANS}"
    );
    let rows = reading.rows(&sql, &[&reading.campaign]).await?;
    let orphans = rows.iter().map(|row| {
        let found = reading.found(row);
        Ok(OrphanReservation {
            shot: found.shot_id(0)?.ok_or_else(|| found.odd("a shot without a name"))?,
            revision: RevisionId(found.get(1)?),
            number: found.count(2)?,
            price: found.usd(3)?,
            sent_at: Timestamp::from_millis(found.get(4)?),
            why: found.get(5)?,
        })
    });
    orphans.collect()
}

/// Compares what is written twice: the money with its movements and with the attempts' prices.
pub(super) async fn look_for_damage(reading: &Reading<'_>) -> Result<(), Trouble> {
    let damaged = |what: &str| {
        Trouble::Given(ServerError::Damaged(reading.server.to_owned(), what.to_owned()))
    };
    let kept = "SELECT p.spent, p.reserved, p.unconfirmed FROM pots AS p \
         JOIN campaigns AS c ON c.pot = p.id WHERE c.id = $1";
    let rows = reading.rows(kept, &[&reading.campaign]).await?;
    let kept =
        sums(&reading.found(rows.first().ok_or_else(|| damaged("the campaign is gone"))?), 0)?;
    for (table, micro, what) in [
        ("money", "micro", "its money is not the sum of its movements"),
        ("attempts", "price_micro", "its money is not that of its attempts"),
    ] {
        let sql = format!("SELECT {} FROM {table} WHERE campaign = $1", in_accounts(micro));
        let rows = reading.rows(&sql, &[&reading.campaign]).await?;
        let summed = rows.first().map(|row| sums(&reading.found(row), 0)).transpose()?;
        if summed.is_some_and(|summed| summed != kept) {
            return Err(damaged(what));
        }
    }
    Ok(())
}
