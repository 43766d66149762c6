//! A copy of what an open ledger knows, made when its file was taken away from under it, and its
//! way back to the ledger's name. Until then nothing is bought: two files would each buy the rest.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::LedgerError;
use super::lock::{beside, private};
use super::open::{BUSY, log_of, set_up};
use super::watch::Loss;

/// The rescued copy of the ledger at `ledger`.
pub(super) fn copy_of(ledger: &Path) -> PathBuf {
    beside(ledger, "rescued")
}

/// Whether there is one.
pub(super) fn is_there(ledger: &Path) -> bool {
    fs::symlink_metadata(copy_of(ledger)).is_ok()
}

/// A saved copy, open to go on with, and what is to be said about it.
pub(super) struct Rescued {
    pub conn: Connection,
    pub error: LedgerError,
}

/// Copies what `conn` knows, durably, beside the ledger or, if that cannot be, where temporary
/// files go. What stands under the ledger's name is left alone, unless it is the ledger itself.
pub(super) fn rescue(conn: &Connection, ledger: &Path, loss: Loss) -> Result<Rescued, LedgerError> {
    let beside_it = copy_of(ledger);
    let elsewhere = std::env::temp_dir().join(format!("rushes-rescued-{}", std::process::id()));
    let (saved, copy, fix) = match save(conn, &beside_it) {
        Ok(saved) if loss == Loss::Replaced => {
            let fix = "move the file that has the ledger's name elsewhere and run again";
            (saved, beside_it, fix.to_owned())
        }
        Ok(saved) => (saved, beside_it, "run again, and it is put back".to_owned()),
        Err(cause) => {
            let saved = save(conn, &elsewhere).map_err(|_| LedgerError::Lost {
                ledger: ledger.to_owned(),
                what: loss.what(),
                cause,
            })?;
            // Under that name, because a log that the lost file left would be taken for its own.
            let fix = format!("make room, copy it to {} and run again", beside_it.display());
            (saved, elsewhere, fix)
        }
    };
    if loss == Loss::Unlogged {
        // Without its log it is not whole, and would be believed.
        drop(fs::rename(ledger, beside(ledger, "incomplete")));
    }
    let error =
        LedgerError::Displaced { ledger: ledger.to_owned(), what: loss.what(), rescued: copy, fix };
    Ok(Rescued { conn: saved, error })
}

/// Writes what `conn` knows to `copy`, durably, and opens that.
fn save(conn: &Connection, copy: &Path) -> Result<Connection, String> {
    let disk = |error: io::Error| error.to_string();
    let sql = |error: rusqlite::Error| error.to_string();
    // Closing must not touch what has the log's name now.
    let spared = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    spared.map_err(sql)?;
    if let Some(folder) = copy.parent() {
        private_folder(folder).map_err(disk)?;
    }
    let part = beside(copy, "part");
    let mut options = OpenOptions::new();
    private(options.write(true).create(true)).truncate(true).open(&part).map_err(disk)?;
    let written = part
        .to_str()
        .ok_or_else(|| "its name is not text".to_owned())
        .and_then(|name| conn.execute("VACUUM INTO ?1", [name]).map_err(sql))
        // SQLite does not sync what it writes so.
        .and_then(|_| File::open(&part).and_then(|file| file.sync_all()).map_err(disk))
        .and_then(|()| fs::rename(&part, copy).map_err(disk));
    if let Err(cause) = written {
        drop(fs::remove_file(&part));
        return Err(cause);
    }
    sync_folder(copy).map_err(disk)?;
    let conn = Connection::open(copy).map_err(sql)?;
    conn.busy_timeout(BUSY).map_err(sql)?;
    set_up(&conn, copy).map_err(|error| error.to_string())?;
    Ok(conn)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Gives a rescued copy the ledger's name again, if nothing else has that. Under the run lock.
pub(super) fn put_back(ledger: &Path) -> Result<(), LedgerError> {
    if !is_there(ledger) {
        return Ok(());
    }
    let copy = copy_of(ledger);
    if fs::symlink_metadata(ledger).is_ok() {
        return Err(LedgerError::TwoLedgers { ledger: ledger.to_owned(), rescued: copy });
    }
    let sql = |error: rusqlite::Error| LedgerError::of(&copy, &error);
    let disk = |error: io::Error| LedgerError::Inaccessible {
        place: copy.clone(),
        cause: error.to_string(),
        fix: super::error::PERMISSION,
    };
    // Its own log goes into it; a log that the lost file left behind would be taken for its own.
    let conn = Connection::open(&copy).map_err(sql)?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sql)?;
    conn.close().map_err(|(_, error)| sql(error))?;
    let stale = log_of(ledger);
    if fs::symlink_metadata(&stale).is_ok() {
        fs::rename(&stale, beside(&stale, "old")).map_err(disk)?;
    }
    fs::rename(&copy, ledger).and_then(|()| sync_folder(ledger)).map_err(disk)?;
    tracing::warn!(
        "{} had been taken away while a run worked; what that run saved is put back in its place",
        ledger.display()
    );
    Ok(())
}

fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
