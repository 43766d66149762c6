//! How every connection to a ledger is set up, and where its write-ahead file lies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::LedgerError;

/// How long a write waits for another program that looks into the file.
const BUSY: Duration = Duration::from_secs(30);
/// How long the write-ahead file may stay after it was copied into the ledger, in bytes.
const LOG_STAYS: i64 = 16 << 20;
/// Pages in the write-ahead file after which it is copied into the ledger.
const LOG_PAGES: i64 = 4000;
const STATEMENTS: usize = 32;

/// The write-ahead file of a ledger.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Opens a file that only one thread at a time works with.
pub(super) fn connect(path: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY)?;
    Ok(conn)
}

/// What durability and honesty ask of `SQLite`.
pub(super) fn set_up(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    let sql = |error: rusqlite::Error| LedgerError::of(path, &error);
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a statement on a table that has an index of what is not NULL is planned anew for
    // each value it is bound to: a fifth of what a purchase costs.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sql)?;
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(sql)?;
    if mode != "wal" {
        return Err(LedgerError::Inaccessible {
            place: path.to_owned(),
            cause: "this file system cannot hold a ledger that is read while it is written"
                .to_owned(),
            fix: "put the campaign folder on a local disk with --out",
        });
    }
    let pragmas = [
        ("synchronous", "full"),
        ("fullfsync", "on"),
        ("checkpoint_fullfsync", "on"),
        ("foreign_keys", "on"),
        ("cell_size_check", "on"),
        ("trusted_schema", "off"),
    ];
    for (name, value) in pragmas {
        conn.pragma_update(None, name, value).map_err(sql)?;
    }
    conn.pragma_update(None, "journal_size_limit", LOG_STAYS).map_err(sql)?;
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(sql)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_not_planned_anew_for_each_value_it_is_bound_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let conn = Connection::open(&path).unwrap();
        set_up(&conn, &path).unwrap();
        conn.execute_batch(
            "CREATE TABLE attempts (id INTEGER PRIMARY KEY, revision INTEGER, task_id TEXT);
             CREATE INDEX of_revision ON attempts (revision);
             CREATE INDEX by_task ON attempts (task_id) WHERE task_id IS NOT NULL;",
        )
        .unwrap();
        let mut of_revision =
            conn.prepare("SELECT max(id) FROM attempts WHERE revision = ?1").unwrap();
        for revision in 0..5 {
            of_revision.query_row([revision], |_| Ok(())).unwrap();
        }
        assert_eq!(of_revision.get_status(StatementStatus::RePrepare), 0);
    }
}
