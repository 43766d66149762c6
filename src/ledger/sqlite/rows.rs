//! The words of the house as columns and back. What is read is believed only as far as it can
//! have been written: anything else is a damaged ledger.

use std::fmt;

use rusqlite::Row as SqlRow;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Type, ValueRef};

use super::{Entry, RevisionId};
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::{Fingerprint, ShotId};
use crate::domain::state::{Account, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::ledger::Kind;
use crate::ledger::columns::{ACCOUNTS, StateColumns, kind_name, named_texts, tasks, texts, word};
use crate::ledger::high_water_mark::Known;
use crate::ledger::revision::{WITH_OPEN_ATTEMPT, WITH_TASK};
use crate::policy::budget::{Balance, Budget};

fn named<T: Copy>(value: ValueRef<'_>, all: &[T], name: fn(T) -> &'static str) -> FromSqlResult<T> {
    word(value.as_str()?, all, name).map_err(|what| FromSqlError::Other(what.into()))
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        named(value, &[Self::Gateway, Self::Simulator], kind_name)
    }
}

impl FromSql for Account {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        named(value, &ACCOUNTS, Self::name)
    }
}

/// A column with a JSON list of texts; NULL is an empty one.
pub(super) fn unlist(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    texts(row.get_ref(column)?.as_str_or_null()?).map_err(|what| odd(column, what))
}

/// A column with a JSON object of texts; NULL is an empty one.
pub(super) fn unpairs(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Vec<(String, String)>> {
    named_texts(row.get_ref(column)?.as_str_or_null()?).map_err(|what| odd(column, what))
}

/// A value that was never written so.
pub(super) fn odd(column: usize, what: impl fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.to_string().into())
}

/// Words of ours as an SQL list.
pub(super) fn words(words: &[&str]) -> String {
    format!("'{}'", words.join("', '"))
}

/// Columns of `revisions` that make an [`Entry`], to be read by [`entry`]. What the attempt knows
/// is looked up only where it matters; a ledger of a schema before 5 lacks some.
pub(super) fn entry_columns(has_odd_nights: bool) -> String {
    format!(
        "id, shot, number, fingerprint, current, clip_name, price_micro, \
         state, attempt, failure, why, since, completed_at, urls, refusals, resubmits, \
         CASE WHEN state IN ({with_task}) \
         THEN (SELECT task_id FROM attempts WHERE attempts.id = revisions.attempt) END, \
         state IN ({open}) AND \
         (SELECT charged_if_failed FROM attempts WHERE attempts.id = revisions.attempt), \
         {odd_nights}",
        odd_nights = if has_odd_nights { ODD_NIGHTS } else { "0, 0, 0, NULL" },
        with_task = words(&WITH_TASK),
        open = words(&WITH_OPEN_ATTEMPT),
    )
}
/// How many columns [`entry_columns`] names.
pub(super) const ENTRY_COLUMNS: usize = 22;
/// What revisions have since schema 5.
const ODD_NIGHTS: &str = "rerolls, probed, waiting, failure_kind";

/// An entry from the columns of [`entry_columns`]; the shot's id may be known already.
pub(super) fn entry(row: &SqlRow<'_>, shot: Option<ShotId>) -> rusqlite::Result<Entry> {
    let shot = match shot {
        Some(shot) => shot,
        None => shot_id(row, 1)?.ok_or_else(|| odd(1, "a shot without an id"))?,
    };
    Ok(Entry {
        revision: RevisionId(row.get(0)?),
        shot,
        number: row.get(2)?,
        fingerprint: Fingerprint::from_bytes(row.get(3)?),
        current: row.get(4)?,
        clip_name: row.get(5)?,
        price: usd(row, 6)?,
        charged_if_failed: row.get::<_, Option<bool>>(17)?.unwrap_or_default(),
        status: RevisionState {
            state: state(row)?,
            refusals: row.get(14)?,
            resubmits: row.get(15)?,
            rerolls: row.get(18)?,
            probed: row.get(19)?,
            is_waiting: row.get(20)?,
        },
    })
}

fn state(row: &SqlRow<'_>) -> rusqlite::Result<State> {
    let text = |column| -> rusqlite::Result<_> { Ok(row.get_ref(column)?.as_str_or_null()?) };
    let columns = StateColumns {
        state: row.get_ref(7)?.as_str()?,
        attempt: row.get(8)?,
        failure: text(9)?,
        failure_kind: text(21)?,
        why: text(10)?,
        since: row.get(11)?,
        completed_at: row.get(12)?,
        urls: text(13)?,
        task: text(16)?,
    };
    columns.read().map_err(|what| odd(7, what))
}

pub(super) fn shot_id(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<ShotId>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| ShotId::new(text).map_err(|bad| odd(column, bad))).transpose()
}

pub(super) fn task_id(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<TaskId>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| TaskId::new(text).ok_or_else(|| odd(column, "an unreadable task id")))
        .transpose()
}

/// A column with a JSON list of tasks; NULL is an empty one.
pub(super) fn task_ids(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Vec<TaskId>> {
    tasks(row.get_ref(column)?.as_str_or_null()?).map_err(|what| odd(column, what))
}

pub(super) fn usd(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<Usd>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Usd::from_micros))
}

pub(super) fn moment(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// The columns that say what lies in each account (spent, reserved, unconfirmed), by the rows of a
/// table with `account` and the column `micro`.
pub(super) fn in_accounts(micro: &str) -> String {
    let sum = |account| format!("coalesce(sum(iif(account = '{account}', {micro}, 0)), 0)");
    ["spent", "reserved", "unconfirmed"].map(sum).join(", ")
}

/// The cap and the money, to be read by [`money`].
pub(super) const MONEY: &str =
    "SELECT cap_micro, strict, spent, reserved, unconfirmed FROM campaign, balance";

pub(super) fn money(row: &SqlRow<'_>) -> rusqlite::Result<(Budget, Balance)> {
    let micros = |column| row.get(column).map(Usd::from_micros);
    let budget = Budget { cap: usd(row, 0)?, strict: row.get(1)? };
    let balance = Balance { spent: micros(2)?, reserved: micros(3)?, unconfirmed: micros(4)? };
    Ok((budget, balance))
}

/// How much an open ledger knows.
pub(super) fn known(conn: &rusqlite::Connection) -> rusqlite::Result<Known> {
    let newest = "SELECT coalesce((SELECT max(id) FROM attempts), 0), \
         coalesce((SELECT max(id) FROM money), 0)";
    conn.prepare_cached(newest)?
        .query_row([], |row| Ok(Known { attempts: row.get(0)?, movements: row.get(1)? }))
}
