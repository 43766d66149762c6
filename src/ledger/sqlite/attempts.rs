//! A revision's attempts, as they are kept.

use rusqlite::Row;

use super::group_commit::Tx;
use super::rows::{ENTRY_COLUMNS, entry, entry_columns, odd, task_id, task_ids, usd};
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::{EarlierTask, Entry, RevisionId, StoredAttempt};

/// All attempts of a revision, the oldest first.
pub(super) fn of(tx: &Tx<'_>, revision: RevisionId) -> rusqlite::Result<Vec<StoredAttempt>> {
    tx.conn
        .prepare_cached(
            "SELECT id, price_micro, sent_at, account, task_id, \
             task_id IS NOT NULL AND outcome IS NOT 'bought', former_tasks \
             FROM attempts WHERE revision = ?1 ORDER BY id",
        )?
        .query_map([revision.0], stored)?
        .collect()
}

/// The tasks whose price is reserved though no state is about them any more.
pub(super) fn earlier(tx: &Tx<'_>) -> rusqlite::Result<Vec<EarlierTask>> {
    // The few of them first: all of a million revisions would be read for their entries.
    let sql = format!(
        "WITH earlier AS MATERIALIZED ( \
           SELECT a.id AS own, a.revision AS whose, a.task_id AS task, a.price_micro AS micro, \
             a.charged_if_failed AS charged, a.sent_at AS sent \
           FROM attempts AS a JOIN revisions AS r ON r.id = a.revision \
           WHERE a.account = 'reserved' AND a.task_id IS NOT NULL \
             AND (r.attempt IS NOT a.id OR r.state = 'failed')) \
         SELECT {}, own, task, micro, charged, sent \
         FROM earlier JOIN revisions ON revisions.id = earlier.whose ORDER BY own",
        entry_columns(true)
    );
    tx.conn.prepare_cached(&sql)?.query_map([], earlier_task)?.collect()
}

fn earlier_task(row: &Row<'_>) -> rusqlite::Result<EarlierTask> {
    let column = |after: usize| ENTRY_COLUMNS + after;
    let (price, charged_if_failed) = (usd(row, column(2))?, row.get(column(3))?);
    Ok(EarlierTask {
        entry: Entry { price, charged_if_failed, ..entry(row, None)? },
        attempt: AttemptId(row.get(column(0))?),
        task: task_id(row, column(1))?.ok_or_else(|| odd(column(1), "no task id"))?,
        sent_at: Timestamp::from_millis(row.get(column(4))?),
    })
}

/// Whether a price of a revision is reserved, or a clip of it listed.
pub(super) fn may_have_clip(tx: &Tx<'_>, revision: RevisionId) -> rusqlite::Result<bool> {
    tx.conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM attempts WHERE revision = ?1 AND account = 'reserved') \
             OR EXISTS (SELECT 1 FROM files WHERE revision = ?1)",
        )?
        .query_row([revision.0], |row| row.get(0))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredAttempt> {
    Ok(StoredAttempt {
        attempt: AttemptId(row.get(0)?),
        price: usd(row, 1)?,
        sent_at: Timestamp::from_millis(row.get(2)?),
        account: row.get(3)?,
        task: task_id(row, 4)?,
        is_given: row.get(5)?,
        former_tasks: task_ids(row, 6)?,
    })
}
