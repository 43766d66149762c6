//! Where a campaign's money lies and how it got there, over all its attempts: also those of older
//! and removed revisions, which a report's rows leave out.

use rusqlite::{Connection, Row};

use super::rows::{in_accounts, odd, shot_id, task_id, unlist, usd};
use crate::domain::money::Usd;
use crate::domain::time::Timestamp;
use crate::ledger::snapshot::{HISTORY_MOMENTS, MAX_ORPHANS};
use crate::ledger::{KeptPrice, OrphanReservation, RevisionId, SpendGroup, Spending};
use crate::policy::budget::Balance;

/// Reads it.
pub(super) fn spending(conn: &Connection) -> rusqlite::Result<Spending> {
    Ok(Spending { groups: groups(conn)?, history: history(conn)?, orphans: orphans(conn)? })
}

/// Reads the columns of [`in_accounts`] from a column on, in millionths of a dollar.
fn sums(row: &Row<'_>, from: usize) -> rusqlite::Result<[i64; 3]> {
    Ok([row.get(from)?, row.get(from + 1)?, row.get(from + 2)?])
}

fn balance(micros: [i64; 3]) -> Balance {
    let [spent, reserved, unconfirmed] = micros.map(|micros| Usd::from_micros(micros.max(0)));
    Balance { spent, reserved, unconfirmed }
}

fn groups(conn: &Connection) -> rusqlite::Result<Vec<SpendGroup>> {
    conn.prepare_cached(&format!(
        "SELECT r.model, r.tags, sum(a.task_id IS NOT NULL AND account IN ('spent', 'reserved')), {} \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE account <> 'released' GROUP BY r.model, r.tags ORDER BY r.model, r.tags",
        in_accounts("a.price_micro"),
    ))?
    .query_map([], |row| {
        let bought: i64 = row.get(2)?;
        let bought = usize::try_from(bought).map_err(|error| odd(2, error))?;
        let (model, tags, balance) = (row.get(0)?, unlist(row, 1)?, balance(sums(row, 3)?));
        Ok(SpendGroup { model, tags, bought, balance })
    })?
    .collect()
}

/// The movements of money, summed over spans of equal length and then one after another.
fn history(conn: &Connection) -> rusqlite::Result<Vec<(Timestamp, Balance)>> {
    let mut statement = conn.prepare_cached(&format!(
        "WITH ends AS (SELECT min(at) AS first, max(at) AS last FROM money), \
           spans AS (SELECT first, max(1, (last - first) / ?1) AS span FROM ends) \
         SELECT max(at), {} FROM money, spans GROUP BY (at - first) / span ORDER BY 1",
        in_accounts("micro"),
    ))?;
    let mut sum = [0; 3];
    let mut rows = statement.query([HISTORY_MOMENTS])?;
    let mut history = Vec::new();
    while let Some(row) = rows.next()? {
        for (sum, moved) in sum.iter_mut().zip(sums(row, 1)?) {
            *sum += moved;
        }
        history.push((Timestamp::from_millis(row.get(0)?), balance(sum)));
    }
    Ok(history)
}

/// The prices that stay reserved beside what their shots are about, or for what failed.
pub(super) fn kept_prices(conn: &Connection) -> rusqlite::Result<Vec<KeptPrice>> {
    conn.prepare_cached(
        "SELECT r.shot, r.id, r.number, r.attempt IS a.id, a.price_micro, a.task_id \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE a.account = 'reserved' AND (r.attempt IS NOT a.id OR r.state = 'failed') \
         ORDER BY a.id",
    )?
    .query_map([], |row| {
        Ok(KeptPrice {
            shot: shot_id(row, 0)?.ok_or_else(|| odd(0, "a shot without a name"))?,
            revision: RevisionId(row.get(1)?),
            number: row.get(2)?,
            is_own: row.get(3)?,
            price: usd(row, 4)?,
            task: task_id(row, 5)?,
        })
    })?
    .collect()
}

fn orphans(conn: &Connection) -> rusqlite::Result<Vec<OrphanReservation>> {
    conn.prepare_cached(
        "SELECT r.shot, r.id, r.number, a.price_micro, a.sent_at, a.why \
         FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
         WHERE a.account = 'reserved' AND r.attempt IS NOT a.id ORDER BY a.id LIMIT ?1",
    )?
    .query_map([MAX_ORPHANS], |row| {
        let shot = shot_id(row, 0)?.ok_or_else(|| odd(0, "a shot without a name"))?;
        let sent_at = Timestamp::from_millis(row.get(4)?);
        let (revision, number) = (RevisionId(row.get(1)?), row.get(2)?);
        Ok(OrphanReservation {
            shot,
            revision,
            number,
            price: usd(row, 3)?,
            sent_at,
            why: row.get(5)?,
        })
    })?
    .collect()
}
