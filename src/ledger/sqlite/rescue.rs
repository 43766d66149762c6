//! A copy of what an open ledger knows, made when its file was taken away from under it, and its
//! way back to the ledger's name. Until then nothing is bought: two files would each buy the rest.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::LedgerError;
use super::connection::{connect, log_of, set_up};
use super::file_watch::Loss;
use crate::disk::{self, private};
use crate::ledger::beside::beside;

/// How long readers of a saved copy are waited for before it gets the ledger's name.
const READER_GOES: Duration = Duration::from_secs(2);

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
    // No process has this name twice: in a container all have the same number, and the copy that an
    // earlier run saved may still be needed.
    let name = format!("rushes-rescued-{}-{:08x}", std::process::id(), fastrand::u32(..));
    let elsewhere = std::env::temp_dir().join(name);
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
    // Never a file of other origin under that name, nor a link that leads elsewhere.
    drop(fs::remove_file(&part));
    private(OpenOptions::new().write(true).create_new(true)).open(&part).map_err(disk)?;
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
    sync_name(copy).map_err(disk)?;
    let conn = connect(copy, OpenFlags::default()).map_err(sql)?;
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
        fix: crate::ledger::error::PERMISSION,
    };
    // Its own log goes into it; a log that the lost file left behind would be taken for its own.
    let conn = Connection::open(&copy).map_err(sql)?;
    conn.busy_timeout(READER_GOES).map_err(sql)?;
    // This fails by saying so in its first column.
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = conn.query_row(checkpoint, [], |row| row.get(0)).map_err(sql)?;
    if is_busy {
        let holder = "a program that reads it".to_owned();
        return Err(LedgerError::Locked(copy, holder));
    }
    conn.close().map_err(|(_, error)| sql(error))?;
    let stale = log_of(ledger);
    if fs::symlink_metadata(&stale).is_ok() {
        fs::rename(&stale, beside(&stale, "old")).map_err(disk)?;
    }
    fs::rename(&copy, ledger).and_then(|()| sync_name(ledger)).map_err(disk)?;
    tracing::warn!(
        "{} had been taken away while a run worked; what that run saved is put back in its place",
        ledger.display()
    );
    Ok(())
}

/// Makes a file's name durable.
fn sync_name(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), disk::sync_folder)
}
