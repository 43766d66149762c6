//! A revision's attempts, as they are kept.

use rusqlite::Row;

use super::group_commit::Tx;
use super::rows::{task_id, task_ids, usd};
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::{RevisionId, StoredAttempt};

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
