//! The append-only list of schemas, and what it takes to bring a file to the newest. A schema that
//! was shipped is never edited: `user_version` says how many of the list a file has.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::encode::kind_name;
use super::{LedgerError, Opening};

/// Marks an `SQLite` file as a ledger of rushes: `rush`.
pub(super) const APPLICATION_ID: i64 = 0x7275_7368;

/// Every schema ever shipped, oldest first.
const SCHEMAS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// From this schema on attempts have a token and a charge.
pub(super) const WITH_CHARGES: usize = 2;

/// This program, as a ledger names it.
const PROGRAM: &str = concat!("rushes ", env!("CARGO_PKG_VERSION"));

/// What kind of file an `SQLite` file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing in it yet.
    Empty,
    /// A ledger with so many of the schemas.
    Ledger(usize),
}

/// Looks at a file before anything is changed.
pub(super) fn look(conn: &Connection, opening: &std::path::Path) -> Result<Found, LedgerError> {
    let sql = |error: rusqlite::Error| LedgerError::of(opening, &error);
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(sql)?;
    let version = pragma("user_version").map_err(sql)?;
    if application != APPLICATION_ID {
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = conn.query_row(tables, [], |row| row.get(0)).map_err(sql)?;
        if (application, version, tables) == (0, 0, 0) {
            return Ok(Found::Empty);
        }
        let what = "it is another program's SQLite database".to_owned();
        return Err(LedgerError::Foreign { ledger: opening.to_owned(), what });
    }
    match usize::try_from(version) {
        Ok(version @ 1..) if version <= SCHEMAS.len() => Ok(Found::Ledger(version)),
        Ok(1..) => {
            let by = conn
                .query_row("SELECT written_by FROM campaign", [], |row| row.get(0))
                .unwrap_or_else(|_| "a later version".to_owned());
            Err(LedgerError::Newer { ledger: opening.to_owned(), by, schema: version })
        }
        _ => Err(LedgerError::Damaged {
            ledger: opening.to_owned(),
            cause: format!("its schema is {version}"),
        }),
    }
}

/// Brings the file to the newest schema, in one transaction.
pub(super) fn migrate(
    conn: &mut Connection,
    found: Found,
    opening: &Opening<'_>,
) -> rusqlite::Result<()> {
    let had = match found {
        Found::Empty => 0,
        Found::Ledger(version) => version,
    };
    if had == SCHEMAS.len() {
        return Ok(());
    }
    let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
    for schema in SCHEMAS.iter().skip(had) {
        tx.execute_batch(schema)?;
    }
    if found == Found::Empty {
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
    tx.commit()
}

/// What differs between the balance and the movements it is the sum of; `None` when nothing does.
pub(super) fn imbalance(conn: &Connection) -> rusqlite::Result<Option<String>> {
    conn.query_row(
        "WITH sums AS (
           SELECT coalesce(sum(iif(account = 'spent', micro, 0)), 0) AS spent,
             coalesce(sum(iif(account = 'reserved', micro, 0)), 0) AS reserved,
             coalesce(sum(iif(account = 'unconfirmed', micro, 0)), 0) AS unconfirmed
           FROM money)
         SELECT printf('its balance is %d spent, %d reserved and %d unconfirmed millionths of a \
           dollar, the movements of its money add up to %d, %d and %d',
           b.spent, b.reserved, b.unconfirmed, s.spent, s.reserved, s.unconfirmed)
         FROM balance AS b, sums AS s
         WHERE (b.spent, b.reserved, b.unconfirmed) <> (s.spent, s.reserved, s.unconfirmed)",
        [],
        |row| row.get(0),
    )
    .optional()
}
