//! Holds the manifest's shots against the revisions that are stored, and writes the difference.
//! A million unchanged shots are read once, compared in place, and nothing is written.

use std::collections::{HashMap, HashSet};

use rusqlite::{Row as SqlRow, params};

use super::group_commit::{Fault, Tx};
use super::rows::{ENTRY_COLUMNS, entry, entry_columns, failure_name, list, pairs, words};
use super::snapshot::stored_request;
use super::{Entry, Identity, RevisionId};
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::state::RevisionState;
use crate::domain::time::Timestamp;
use crate::ledger::identity::{Candidate, choose, progress};
use crate::ledger::revision::{
    FAILED_WITH_FILES, TakenNames, as_written, is_name_for, is_unbought, is_without_files,
};

/// Makes `shots` the current ones; answers their entries in the same order.
pub(super) fn record(
    tx: &Tx<'_>,
    shots: &[Shot],
    identity: &Identity,
    at: Timestamp,
) -> Result<Vec<Entry>, Fault> {
    let mut stored = scan(tx, shots)?;
    find_same(tx, shots, identity, &mut stored)?;
    name_clips(tx, shots, &mut stored)?;
    for revision in &stored.retired {
        tx.conn
            .prepare_cached("UPDATE revisions SET current = 0 WHERE id = ?1")?
            .execute([revision.0])?;
    }
    let todo = stored.slots.into_iter().zip(shots).zip(0_i64..);
    let entries = todo.map(|((slot, shot), position)| match slot {
        Slot::Same(entry) => Ok(entry),
        Slot::Changed { entry, .. } => update(tx, position, shot, entry),
        Slot::New { number, clip_name } => insert(tx, position, shot, number, clip_name, at),
    });
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// What is to be done about one of the shots.
enum Slot {
    /// Nothing: stored as it is.
    Same(Entry),
    /// Stored, to be written again with this entry; its clip may have to be named.
    Changed { entry: Entry, is_renamed: bool },
    /// Not stored.
    New { number: u32, clip_name: Box<str> },
}

struct Stored {
    slots: Vec<Slot>,
    /// Current until now.
    retired: Vec<RevisionId>,
    /// Revisions of these shots with another fingerprint than theirs.
    others: Vec<Candidate>,
    /// Whether there are no revisions at all.
    is_empty: bool,
}

fn scan(tx: &Tx<'_>, shots: &[Shot]) -> rusqlite::Result<Stored> {
    let unknown = || Slot::New { number: 1, clip_name: Box::default() };
    let mut stored = Stored {
        slots: std::iter::repeat_with(unknown).take(shots.len()).collect(),
        retired: Vec::new(),
        others: Vec::new(),
        is_empty: true,
    };
    let mut finder = Finder { shots, by_id: None };
    let sql = format!(
        "SELECT {entry}, position, priority, model, tags, request, entry, variant FROM revisions",
        entry = entry_columns(true)
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        stored.is_empty = false;
        let found = finder.find(row)?;
        let Some((index, shot, true)) = found else {
            if row.get(4)? {
                stored.retired.push(RevisionId(row.get(0)?));
            }
            if let Some((index, shot, false)) = found {
                let entry = entry(row, Some(shot.id.clone()))?;
                stored.others.push(Candidate {
                    shot: index,
                    revision: entry.revision,
                    number: entry.number,
                    progress: progress(&entry.status.state),
                });
            }
            continue;
        };
        let mut entry = entry(row, Some(shot.id.clone()))?;
        let returns = !std::mem::replace(&mut entry.current, true);
        let priced = is_unbought(&entry.status.state) && entry.price != shot.price;
        if priced {
            entry.price = shot.price;
        }
        let is_renamed = is_without_files(&entry.status.state)
            && (returns || !is_name_for(&entry.clip_name, &shot.clip_name));
        let slot = if returns || priced || is_renamed || !says_the_same(row, index, shot)? {
            Slot::Changed { entry, is_renamed }
        } else {
            Slot::Same(entry)
        };
        if let Some(place) = stored.slots.get_mut(index) {
            *place = slot;
        }
    }
    Ok(stored)
}

/// Takes revisions that mean the same as a shot, though by another fingerprint, for its own.
fn find_same(
    tx: &Tx<'_>,
    shots: &[Shot],
    identity: &Identity,
    stored: &mut Stored,
) -> rusqlite::Result<()> {
    let others = std::mem::take(&mut stored.others);
    let slots = &stored.slots;
    let exact = |index: usize| match slots.get(index)? {
        Slot::Same(entry) | Slot::Changed { entry, .. } => Some(progress(&entry.status.state)),
        Slot::New { .. } => None,
    };
    let chosen = choose(others, exact, |index, revision| {
        let Some(shot) = shots.get(index) else { return Ok(false) };
        Ok::<_, rusqlite::Error>(identity.is_same(shot, &stored_request(tx.conn, revision)?))
    })?;
    let mut kept = HashSet::new();
    for Candidate { shot: index, revision, .. } in chosen {
        let (Some(shot), Some(slot)) = (shots.get(index), stored.slots.get_mut(index)) else {
            continue;
        };
        let mut entry = entry_of(tx, revision, shot)?;
        let returns = !std::mem::replace(&mut entry.current, true);
        match slot {
            // One row at most has a shot's fingerprint.
            Slot::Same(exact) | Slot::Changed { entry: exact, .. } => {
                stored.retired.push(exact.revision);
            }
            Slot::New { .. } => {
                tx.conn
                    .prepare_cached("UPDATE revisions SET fingerprint = ?2 WHERE id = ?1")?
                    .execute(params![revision.0, shot.fingerprint.as_bytes()])?;
                entry.fingerprint = shot.fingerprint;
            }
        }
        if is_unbought(&entry.status.state) {
            entry.price = shot.price;
        }
        let is_renamed = is_without_files(&entry.status.state)
            && (returns || !is_name_for(&entry.clip_name, &shot.clip_name));
        *slot = Slot::Changed { entry, is_renamed };
        kept.insert(revision);
    }
    stored.retired.retain(|retired| !kept.contains(retired));
    Ok(())
}

fn entry_of(tx: &Tx<'_>, revision: RevisionId, shot: &Shot) -> rusqlite::Result<Entry> {
    let sql = format!("SELECT {} FROM revisions WHERE id = ?1", entry_columns(true));
    let mut statement = tx.conn.prepare_cached(&sql)?;
    statement.query_row([revision.0], |row| entry(row, Some(shot.id.clone())))
}

/// Finds the shot whose revision a row is.
struct Finder<'a> {
    shots: &'a [Shot],
    /// Made when the first row is not where the manifest has it.
    by_id: Option<HashMap<&'a str, usize>>,
}

impl<'a> Finder<'a> {
    /// The shot and its index, and whether the fingerprint is its own.
    fn find(&mut self, row: &SqlRow<'_>) -> rusqlite::Result<Option<(usize, &'a Shot, bool)>> {
        let (id, fingerprint) = (row.get_ref(1)?.as_str()?, row.get_ref(3)?.as_blob()?);
        let is_it =
            |shot: &Shot| shot.id.as_str() == id && shot.fingerprint.as_bytes() == fingerprint;
        let position: i64 = row.get(ENTRY_COLUMNS)?;
        if let Ok(index) = usize::try_from(position)
            && let Some(shot) = self.shots.get(index)
            && is_it(shot)
        {
            return Ok(Some((index, shot, true)));
        }
        let shots = self.shots;
        let by_id = self.by_id.get_or_insert_with(|| {
            shots.iter().enumerate().map(|(index, shot)| (shot.id.as_str(), index)).collect()
        });
        let found = by_id.get(id).and_then(|index| Some((*index, shots.get(*index)?)));
        Ok(found.map(|(index, shot)| (index, shot, is_it(shot))))
    }
}

/// Whether the columns after those of [`entry_columns`] are as the shot has them.
fn says_the_same(row: &SqlRow<'_>, index: usize, shot: &Shot) -> rusqlite::Result<bool> {
    let column = |after: usize| ENTRY_COLUMNS + after;
    let position: i64 = row.get(column(0))?;
    let priority: i32 = row.get(column(1))?;
    let text = |after| -> rusqlite::Result<&str> { Ok(row.get_ref(column(after))?.as_str()?) };
    let maybe = |after| -> rusqlite::Result<Option<&str>> {
        Ok(row.get_ref(column(after))?.as_str_or_null()?)
    };
    let tags = text(3)?;
    Ok(usize::try_from(position) == Ok(index)
        && priority == shot.priority
        && text(2)? == &*shot.model
        && (if shot.tags.is_empty() { tags == "[]" } else { tags == list(&shot.tags) })
        && text(4)? == as_written(&shot.request)
        && maybe(5)? == Some(&*shot.entry)
        && maybe(6)? == pairs(&shot.variant).as_deref())
}

/// The revisions of which [`is_without_files`] is false.
fn with_files() -> String {
    let failures = words(&FAILED_WITH_FILES.map(failure_name));
    format!(
        "SELECT clip_name, number FROM revisions \
         WHERE state <> 'queued' AND (state <> 'failed' OR failure IN ({failures}))"
    )
}

/// Numbers new revisions and names the clips of new and renamed ones, so that no two revisions
/// ever write to one path.
fn name_clips(tx: &Tx<'_>, shots: &[Shot], stored: &mut Stored) -> rusqlite::Result<()> {
    let is_named =
        |slot: &Slot| matches!(slot, Slot::New { .. } | Slot::Changed { is_renamed: true, .. });
    if !stored.slots.iter().any(is_named) {
        return Ok(());
    }
    let mut taken = TakenNames::default();
    let mut with_files = tx.conn.prepare_cached(&with_files())?;
    let mut rows = with_files.query([])?;
    while let Some(row) = rows.next()? {
        taken.take(row.get_ref(0)?.as_str()?, row.get(1)?);
    }
    for slot in &stored.slots {
        if let Slot::Same(entry) | Slot::Changed { entry, is_renamed: false } = slot {
            taken.take(&entry.clip_name, entry.number);
        }
    }
    let mut last = tx.conn.prepare_cached("SELECT max(number) FROM revisions WHERE shot = ?1")?;
    for (slot, shot) in stored.slots.iter_mut().zip(shots) {
        match slot {
            Slot::New { number, clip_name } => {
                if !stored.is_empty {
                    let last: Option<u32> = last.query_row([shot.id.as_str()], |row| row.get(0))?;
                    *number = last.unwrap_or(0).saturating_add(1);
                }
                *clip_name = taken.free(&shot.clip_name, &shot.id, *number);
            }
            Slot::Changed { entry, is_renamed: true } => {
                entry.clip_name = taken.free(&shot.clip_name, &shot.id, entry.number);
            }
            Slot::Changed { .. } | Slot::Same(_) => {}
        }
    }
    Ok(())
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
    Ok(Entry {
        revision: RevisionId(revision),
        shot: shot.id.clone(),
        number,
        fingerprint: shot.fingerprint,
        current: true,
        clip_name,
        status: RevisionState::new(),
        price: shot.price,
        charged_if_failed: false,
    })
}
