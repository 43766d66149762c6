//! The append-only list of schemas, and what it takes to bring a file to the newest. A schema that
//! was shipped is never edited: `user_version` says how many of the list a file has.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::rows::in_accounts;
use super::{LedgerError, LedgerOptions};
use crate::failpoint;
use crate::ledger::columns::kind_name;

/// Marks an `SQLite` file as a ledger of rushes: `rush`.
pub(super) const APPLICATION_ID: i64 = 0x7275_7368;

/// Every schema ever shipped, oldest first.
const SCHEMAS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// From this schema on attempts have a token and a charge.
pub(super) const WITH_CHARGES: usize = 2;
/// From this schema on files have their footage, and revisions their entry and variant.
pub(super) const WITH_FOOTAGE: usize = 3;
/// From this schema on revisions know of re-rolls and the like, and attempts keep their answers.
pub(super) const WITH_ODD_NIGHTS: usize = 5;

/// From this schema on attempts have their origin and what was sent.
pub(super) const WITH_WIRES: usize = 4;

/// From this schema on a campaign knows where it belongs.
pub(super) const WITH_HOME: usize = 5;

/// This program, as a ledger names it.
const PROGRAM: &str = concat!("rushes ", env!("CARGO_PKG_VERSION"));

/// Looks at a file before anything is changed: how many of the schemas it has, or 0 if nothing is in
/// it yet.
pub(super) fn schema_of(conn: &Connection, path: &Path) -> Result<usize, LedgerError> {
    let sql = |error: rusqlite::Error| LedgerError::of(path, &error);
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(sql)?;
    let version = pragma("user_version").map_err(sql)?;
    if application != APPLICATION_ID {
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = conn.query_row(tables, [], |row| row.get(0)).map_err(sql)?;
        if (application, version, tables) == (0, 0, 0) {
            return Ok(0);
        }
        let what = "it is another program's SQLite database";
        return Err(LedgerError::Foreign(path.to_owned(), what));
    }
    match usize::try_from(version) {
        Ok(version @ 1..) if version <= SCHEMAS.len() => Ok(version),
        Ok(1..) => {
            let by = conn
                .query_row("SELECT written_by FROM campaign", [], |row| row.get(0))
                .unwrap_or_else(|_| "a later version".to_owned());
            Err(LedgerError::Newer { ledger: path.to_owned(), by, schema: version })
        }
        _ => Err(LedgerError::Damaged(path.to_owned(), format!("its schema is {version}"))),
    }
}

/// Brings a file that has so many of the schemas to the newest, in one transaction.
pub(super) fn migrate(
    conn: &mut Connection,
    had: usize,
    opening: &LedgerOptions<'_>,
) -> rusqlite::Result<()> {
    if had == SCHEMAS.len() {
        return Ok(());
    }
    let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
    for schema in SCHEMAS.iter().skip(had) {
        tx.execute_batch(schema)?;
    }
    failpoint::point("schema half way");
    if had == 0 {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.execute(
            "INSERT INTO campaign (only, name, kind, cap_micro, strict, created_at, created_by, \
             written_by) VALUES (1, ?1, ?2, NULL, 0, ?3, ?4, ?4)",
            params![opening.campaign, kind_name(opening.kind), opening.at.as_millis(), PROGRAM],
        )?;
    } else {
        tx.execute("UPDATE campaign SET written_by = ?1", [PROGRAM])?;
    }
    let version = i64::try_from(SCHEMAS.len()).unwrap_or(i64::MAX);
    tx.pragma_update(None, "user_version", version)?;
    tx.commit()?;
    failpoint::point("schema committed");
    Ok(())
}

/// Up to this size a ledger is looked through whole at every opening, in bytes; that takes about a
/// quarter of a second, and for a million shots it would take five.
const LOOKED_THROUGH: u64 = 32 << 20;

/// What is damaged in a ledger of `bytes` bytes; `None` when nothing is known to be. `SQLite` keeps
/// no checksums, so what is written twice is compared: the money with its movements and with the
/// attempts it was set aside for, the indexes with their tables.
pub(super) fn damage(conn: &Connection, bytes: u64) -> rusqlite::Result<Option<String>> {
    let whole = bytes <= LOOKED_THROUGH;
    let looks: &[&str] = if whole {
        &["integrity_check(1)"]
    } else {
        &["integrity_check(campaign)", "integrity_check(balance)"]
    };
    for look in looks {
        let said: String = conn.query_row(&format!("PRAGMA {look}"), [], |row| row.get(0))?;
        if said != "ok" {
            return Ok(Some(said.replace('\n', "; ")));
        }
    }
    for (table, micro, what) in [
        ("money", "micro", "the movements of its money"),
        ("attempts", "price_micro", "the prices of its attempts"),
    ] {
        if let Some(cause) = imbalance(conn, table, micro, what)? {
            return Ok(Some(cause));
        }
    }
    if whole && let Some(shot) = conn.query_row(ASTRAY, [], |row| row.get(0)).optional()? {
        let shot: String = shot;
        return Ok(Some(format!("the purchase of {shot:?} is not among its attempts")));
    }
    Ok(None)
}

/// A shot whose state is about an attempt of another one.
const ASTRAY: &str = "SELECT r.shot FROM revisions AS r LEFT JOIN attempts AS a ON a.id = r.attempt \
   WHERE r.attempt IS NOT NULL AND a.revision IS NOT r.id LIMIT 1";

/// Gives the ledger an unguessable id, if it has none.
pub(super) fn give_id(conn: &Connection) -> rusqlite::Result<()> {
    // SQLite seeds its random numbers from the system.
    let give = "UPDATE campaign SET ledger_id = lower(hex(randomblob(16))) WHERE ledger_id IS NULL";
    conn.execute(give, []).map(|_| ())
}

/// Keeps a second copy of the cap, which nothing else in the file would vouch for.
pub(super) fn keep_cap_twice(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "CREATE INDEX IF NOT EXISTS cap_twice ON campaign (cap_micro, strict, kind, name)",
    )
}

/// What differs between the balance and what is in its accounts by another table's `micro`; `None`
/// when nothing does. `what` is that table, for people.
fn imbalance(
    conn: &Connection,
    table: &str,
    micro: &str,
    what: &str,
) -> rusqlite::Result<Option<String>> {
    let sql = format!(
        "WITH sums (spent, reserved, unconfirmed) AS (SELECT {} FROM {table})
         SELECT printf('its balance is %d spent, %d reserved and %d unconfirmed millionths of a \
           dollar, {what} add up to %d, %d and %d',
           b.spent, b.reserved, b.unconfirmed, s.spent, s.reserved, s.unconfirmed)
         FROM balance AS b, sums AS s
         WHERE (b.spent, b.reserved, b.unconfirmed) <> (s.spent, s.reserved, s.unconfirmed)",
        in_accounts(micro),
    );
    conn.query_row(&sql, [], |row| row.get(0)).optional()
}
