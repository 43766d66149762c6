//! Opens a ledger: what is looked at before anything is changed, and in which order the lock,
//! the reserve and the file are taken.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::connection::{connect, log_of, set_up};
use super::group_commit::GroupCommit;
use super::lock::Lock;
use super::rescue;
use super::reserve::Reserve;
use super::rows::known;
use super::schema::{damage, give_id, keep_cap_twice, migrate, schema_of};
use super::{LedgerError, LedgerOptions};
use crate::disk::{private, sync_folder};
use crate::failpoint;
use crate::ledger::Kind;
use crate::ledger::high_water_mark::{HighWaterMark, Known, admit};

/// Opens or makes a ledger for writing.
pub(super) fn for_writing(
    path: &Path,
    opening: &LedgerOptions<'_>,
) -> Result<GroupCommit, LedgerError> {
    let path = true_path(path);
    is_to_be_made(&path)?;
    let mut lock = Lock::take(&path)?;
    rescue::put_back(&path)?;
    let made = is_to_be_made(&path)?;
    let mark = HighWaterMark::of(&path)?;
    if made {
        is_new(&path, &mark)?;
    }
    let reserve = Reserve::prepare(&path)?;
    if made {
        make(&path).map_err(|cause| LedgerError::inaccessible(&path, &cause))?;
        failpoint::point("empty ledger made");
    }
    lock.take_ledger(&path)?;
    lock.sign(opening.holder, opening.at);
    let sql = |error: rusqlite::Error| LedgerError::of(&path, &error);
    let mut conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sql)?;
    let schema = schema_of(&conn, &path)?;
    if schema == 0 {
        mark.admit(&path, Known::default())?;
    } else {
        let bytes = fs::metadata(&path).map_or(u64::MAX, |file| file.len());
        if let Some(cause) = damage(&conn, bytes).map_err(sql)? {
            return Err(LedgerError::Damaged(path, cause));
        }
        is_of(&conn, &path, opening)?;
        mark.admit(&path, known(&conn).map_err(sql)?)?;
    }
    set_up(&conn, &path)?;
    failpoint::point("ledger set up");
    migrate(&mut conn, schema, opening).map_err(sql)?;
    keep_cap_twice(&conn).map_err(sql)?;
    give_id(&conn).map_err(sql)?;
    GroupCommit::new(path.clone(), opening.threads, conn, reserve, mark, lock)
        .map_err(|error| LedgerError::of(&path, &error))
}

/// Opens a ledger that is there for reading, and says how many of the schemas it has.
pub(super) fn for_reading(path: &Path) -> Result<(PathBuf, Connection, usize), LedgerError> {
    let mut path = true_path(path);
    if rescue::is_there(&path) {
        let rescued = rescue::copy_of(&path);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(LedgerError::TwoLedgers { ledger: path, rescued });
        }
        path = rescued;
    }
    let noted = HighWaterMark::noted_beside(&path).unwrap_or_default();
    if is_to_be_made(&path)? {
        admit(&path, noted, Known::default())?;
        if has_log(&path) {
            return Err(LedgerError::Emptied { log: log_of(&path), ledger: path });
        }
        return Err(LedgerError::Missing(path));
    }
    let sql = |error: rusqlite::Error| LedgerError::of(&path, &error);
    let open = |flags| {
        let conn = connect(&path, flags)?;
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(conn)
    };
    if has_journal(&path) {
        // Only a program that may write can undo what was cut short; reading once as one does it.
        drop(open(OpenFlags::SQLITE_OPEN_READ_WRITE));
    }
    let beside_a_run = open(OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sql);
    let conn = match beside_a_run {
        Err(LedgerError::Inaccessible { .. }) if has_journal(&path) => {
            return Err(LedgerError::CutShort(path));
        }
        // A folder that cannot be written has no place for what readers and writers share. Without
        // a write-ahead file no program writes, and the ledger can be read as it lies.
        Err(LedgerError::Inaccessible { .. }) if !has_log(&path) => {
            open_as_it_lies(&path).map_err(sql)?
        }
        other => other?,
    };
    match schema_of(&conn, &path)? {
        0 => {
            admit(&path, noted, Known::default())?;
            Err(LedgerError::Missing(path))
        }
        schema => {
            admit(&path, noted, known(&conn).map_err(sql)?)?;
            Ok((path, conn, schema))
        }
    }
}

fn has_log(path: &Path) -> bool {
    fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

/// Whether a write is to be undone that did not go by the write-ahead file: the first of all, which
/// makes that file the ledger's way of writing.
fn has_journal(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    fs::metadata(journal).is_ok_and(|journal| journal.len() > 0)
}

/// Whether a file that is empty or not there was never more: `SQLite` would take it for a new one
/// and throw away the log of an old one.
fn is_new(path: &Path, mark: &HighWaterMark) -> Result<(), LedgerError> {
    mark.admit(path, Known::default())?;
    if has_log(path) {
        return Err(LedgerError::Emptied { ledger: path.to_owned(), log: log_of(path) });
    }
    Ok(())
}

fn open_as_it_lies(path: &Path) -> rusqlite::Result<Connection> {
    let name = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    connect(format!("file:{name}?immutable=1"), flags)
}

/// The path without links, so that two names of one ledger have one lock.
fn true_path(path: &Path) -> PathBuf {
    let of_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(of_folder).unwrap_or_else(|| path.to_owned())
}

/// Whether there is no ledger yet; an error when something else lies there.
fn is_to_be_made(path: &Path) -> Result<bool, LedgerError> {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(LedgerError::inaccessible(path, &error)),
    };
    let mut head = Vec::new();
    file.take(MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(|error| LedgerError::inaccessible(path, &error))?;
    // An empty file is what a run leaves that was killed while it made the ledger.
    if !head.is_empty() && head != MAGIC {
        return Err(LedgerError::Foreign(path.to_owned(), "it is not an SQLite file"));
    }
    Ok(head.is_empty())
}

/// Makes the file, for the user's eyes only, and its name durable.
fn make(path: &Path) -> std::io::Result<()> {
    private(OpenOptions::new().write(true).create(true)).truncate(false).open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Whether it is this campaign's and of this kind.
fn is_of(conn: &Connection, path: &Path, opening: &LedgerOptions<'_>) -> Result<(), LedgerError> {
    let ledger = path.to_owned();
    let (theirs, kind): (String, Kind) = conn
        .query_row("SELECT name, kind FROM campaign", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|error| LedgerError::of(path, &error))?;
    if kind != opening.kind {
        return Err(LedgerError::OtherKind { ledger, theirs: kind });
    }
    if theirs != opening.campaign {
        let ours = opening.campaign.to_owned();
        return Err(LedgerError::OtherCampaign { ledger, theirs, ours });
    }
    Ok(())
}
