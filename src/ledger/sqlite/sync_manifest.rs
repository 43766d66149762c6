//! Writes what a manifest changes: the rows' side of [`Difference`].

use rusqlite::{Row as SqlRow, params};

use super::group_commit::{Fault, Tx};
use super::rows::{ENTRY_COLUMNS, entry, entry_columns, words};
use super::snapshot::stored_request;
use super::{Entry, Identity, RevisionId};
use crate::domain::money::Usd;
use crate::domain::shot::{Shot, ShotId};
use crate::domain::time::Timestamp;
use crate::ledger::columns::failure_name;
use crate::ledger::reconcile::{Difference, Said, Slot, StoredRow, list, pairs};
use crate::ledger::revision::{FAILED_WITH_FILES, TakenNames, as_written};

/// Makes `shots` the current ones; answers their entries in the same order.
pub(super) fn record(
    tx: &Tx<'_>,
    shots: &[Shot],
    identity: &Identity,
    at: Timestamp,
) -> Result<Vec<Entry>, Fault> {
    let mut difference = scan(tx, shots)?;
    difference.find_same(
        |shot, revision| {
            Ok::<_, rusqlite::Error>(identity.is_same(shot, &stored_request(tx.conn, revision)?))
        },
        |revision, shot| entry_of(tx, revision, shot),
    )?;
    if difference.has_unnamed() {
        let sql = "SELECT max(number) FROM revisions WHERE shot = ?1";
        let mut last = tx.conn.prepare_cached(sql)?;
        difference
            .name_clips(taken(tx)?, |shot| last.query_row([shot.as_str()], |row| row.get(0)))?;
    }
    for revision in &difference.retired {
        tx.conn
            .prepare_cached("UPDATE revisions SET current = 0 WHERE id = ?1")?
            .execute([revision.0])?;
    }
    for (revision, fingerprint) in &difference.renewed {
        tx.conn
            .prepare_cached("UPDATE revisions SET fingerprint = ?2 WHERE id = ?1")?
            .execute(params![revision.0, fingerprint.as_bytes()])?;
    }
    let todo = difference.slots.into_iter().zip(shots).zip(0_i64..);
    let entries = todo.map(|((slot, shot), position)| match slot {
        Slot::Same(entry) => Ok(entry),
        Slot::Changed { entry, .. } => update(tx, position, shot, entry),
        Slot::New { number, clip_name } => insert(tx, position, shot, number, clip_name, at),
    });
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

fn scan<'s>(tx: &Tx<'_>, shots: &'s [Shot]) -> rusqlite::Result<Difference<'s>> {
    let mut difference = Difference::new(shots);
    let sql = format!(
        "SELECT {entry}, position, priority, model, tags, request, entry, variant FROM revisions",
        entry = entry_columns(true)
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        difference.take(row)?;
    }
    Ok(difference)
}

/// A row of [`scan`].
impl StoredRow for SqlRow<'_> {
    type Error = rusqlite::Error;

    fn revision(&self) -> rusqlite::Result<RevisionId> {
        self.get(0).map(RevisionId)
    }

    fn shot(&self) -> rusqlite::Result<&str> {
        Ok(self.get_ref(1)?.as_str()?)
    }

    fn fingerprint(&self) -> rusqlite::Result<&[u8]> {
        Ok(self.get_ref(3)?.as_blob()?)
    }

    fn is_current(&self) -> rusqlite::Result<bool> {
        self.get(4)
    }

    fn position(&self) -> rusqlite::Result<i64> {
        self.get(ENTRY_COLUMNS)
    }

    fn entry(&self, shot: &ShotId) -> rusqlite::Result<Entry> {
        entry(self, Some(shot.clone()))
    }

    fn said(&self) -> rusqlite::Result<Said<'_>> {
        let column = |after: usize| self.get_ref(ENTRY_COLUMNS + after);
        Ok(Said {
            priority: self.get(ENTRY_COLUMNS + 1)?,
            model: column(2)?.as_str()?,
            tags: column(3)?.as_str()?,
            request: column(4)?.as_str()?,
            entry: column(5)?.as_str_or_null()?,
            variant: column(6)?.as_str_or_null()?,
        })
    }
}

fn entry_of(tx: &Tx<'_>, revision: RevisionId, shot: &Shot) -> rusqlite::Result<Entry> {
    let sql = format!("SELECT {} FROM revisions WHERE id = ?1", entry_columns(true));
    let mut statement = tx.conn.prepare_cached(&sql)?;
    statement.query_row([revision.0], |row| entry(row, Some(shot.id.clone())))
}

/// The names of clips that lie, or may still come to lie, there: those of the revisions of which
/// [`is_without_files`](crate::ledger::revision::is_without_files) is false.
fn taken(tx: &Tx<'_>) -> rusqlite::Result<TakenNames> {
    let failures = words(&FAILED_WITH_FILES.map(failure_name));
    let sql = format!(
        "SELECT clip_name, number FROM revisions \
         WHERE state <> 'queued' AND (state <> 'failed' OR failure IN ({failures}))"
    );
    let mut taken = TakenNames::default();
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        taken.take(row.get_ref(0)?.as_str()?, row.get(1)?);
    }
    Ok(taken)
}

fn update(tx: &Tx<'_>, position: i64, shot: &Shot, entry: Entry) -> rusqlite::Result<Entry> {
    tx.conn
        .prepare_cached(
            "UPDATE revisions SET current = 1, position = ?2, priority = ?3, clip_name = ?4, \
             price_micro = ?5, model = ?6, tags = ?7, request = ?8, entry = ?9, variant = ?10 \
             WHERE id = ?1",
        )?
        .execute(params![
            entry.revision.0,
            position,
            shot.priority,
            entry.clip_name,
            entry.price.map(Usd::micros),
            shot.model,
            list(&shot.tags),
            as_written(&shot.request),
            shot.entry,
            pairs(&shot.variant),
        ])?;
    Ok(entry)
}

fn insert(
    tx: &Tx<'_>,
    position: i64,
    shot: &Shot,
    number: u32,
    clip_name: Box<str>,
    at: Timestamp,
) -> rusqlite::Result<Entry> {
    let revision = tx
        .conn
        .prepare_cached(
            "INSERT INTO revisions (shot, number, fingerprint, current, position, priority, \
             clip_name, price_micro, state, model, tags, request, recorded_at, \
             entry, variant) \
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, 'queued', ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .insert(params![
            shot.id.as_str(),
            number,
            shot.fingerprint.as_bytes(),
            position,
            shot.priority,
            clip_name,
            shot.price.map(Usd::micros),
            shot.model,
            list(&shot.tags),
            as_written(&shot.request),
            at.as_millis(),
            shot.entry,
            pairs(&shot.variant),
        ])?;
    Ok(Entry::new(RevisionId(revision), shot, number, clip_name))
}
