//! Reading a ledger, for reports and plans, also while a run writes it.

use std::path::Path;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, TransactionBehavior};

use super::group_commit::Tx;
use super::rows::{
    ENTRY_COLUMNS, MONEY, entry, entry_columns, moment, money, odd, shot_id, task_id, task_ids,
    unlist, unpairs, usd, words,
};
use super::schema::{WITH_CHARGES, WITH_FOOTAGE, WITH_HOME, WITH_ODD_NIGHTS, WITH_WIRES, damage};
use super::{
    CallbackSubscription, ClipFile, Entry, LedgerError, ReservedAttempt, RevisionId, lock, open,
    spending,
};
use crate::domain::charge::Charge;
use crate::domain::clip_info::ClipInfo;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::shot::{Fingerprint, ShotId};
use crate::domain::state::{AttemptId, State};
use crate::domain::time::Timestamp;
use crate::ledger::revision::WITH_OPEN_ATTEMPT;
use crate::ledger::snapshot::CUT_SHORT;
use crate::ledger::{Home, KeptPrice, Row, RunNote, Snapshot, Spending, StoredRequest, Summary};

/// A ledger file open for reading, also while a run writes it. Blocking.
pub struct SqliteSnapshot {
    path: PathBuf,
    conn: Connection,
    /// How many of the schemas it had when it was opened: an older ledger is read as it lies.
    schema: usize,
    /// Whether a lock that is held says that a run still works.
    heeds_lock: bool,
}

impl SqliteSnapshot {
    /// Opens an existing ledger; changes nothing. With `heeds_lock` off it is shown as the next run
    /// will find it: for the process that holds the run lock and has ended its work.
    ///
    /// # Errors
    /// When there is none, or it is newer than this program, damaged or unreadable.
    pub fn open(path: &Path, heeds_lock: bool) -> Result<Self, LedgerError> {
        let (path, conn, schema) = open::for_reading(path)?;
        Ok(Self { path, conn, schema, heeds_lock })
    }

    /// Who works on it, as one phrase, and what that run says of itself.
    fn held_by(&self) -> Option<(String, RunNote)> {
        self.heeds_lock.then(|| lock::held_by(&self.path)).flatten()
    }

    /// Reads one moment's ledger.
    fn within<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        Transaction::new_unchecked(&self.conn, TransactionBehavior::Deferred)
            .and_then(|tx| read(&tx))
            .map_err(|error| LedgerError::of(&self.path, &error))
    }
}

impl Snapshot for SqliteSnapshot {
    fn summary(&self) -> Result<Summary, LedgerError> {
        let (held_by, note) = self.held_by().unzip();
        let note = note.unwrap_or_default();
        self.within(|conn| {
            let (budget, balance) = conn.query_row(MONEY, [], money)?;
            let home = home(conn, self.schema)?;
            conn.query_row("SELECT name, kind FROM campaign", [], |row| {
                let (campaign, kind) = (row.get(0)?, row.get(1)?);
                let workers = Vec::new();
                Ok(Summary { campaign, kind, budget, balance, home, held_by, note, workers })
            })
        })
    }

    fn look_for_damage(&self) -> Result<(), LedgerError> {
        let bytes = std::fs::metadata(&self.path).map_or(u64::MAX, |file| file.len());
        match self.within(|conn| damage(conn, bytes))? {
            Some(cause) => Err(LedgerError::Damaged(self.path.clone(), cause)),
            None => Ok(()),
        }
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        let held_before = self.held_by().is_some();
        self.within(|conn| {
            // The first read fixes what is seen; a run that began or ended around it was there.
            conn.query_row("SELECT only FROM campaign", [], |_| Ok(()))?;
            let held = held_before || self.held_by().is_some();
            let mut each = |mut row: Row| {
                if let State::Submitting { attempt, .. } = row.entry.status.state
                    && !held
                {
                    let why = CUT_SHORT.into();
                    row.entry.status.state = State::InDoubt { attempt, why };
                }
                each(row);
            };
            read_rows(conn, self.schema, "current = 1 ORDER BY position", &mut each)?;
            read_rows(conn, self.schema, &older(), &mut each)
        })
    }

    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.within(|conn| read_rows(conn, self.schema, &earlier_clips(), each))
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        self.within(spending::spending)
    }

    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError> {
        self.within(spending::kept_prices)
    }

    fn lists(&self, path: &str) -> Result<bool, LedgerError> {
        let listed = "SELECT 1 FROM files WHERE path = ?1 LIMIT 1";
        self.within(|conn| Ok(conn.query_row(listed, [path], |_| Ok(())).optional()?.is_some()))
    }

    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError> {
        let listed = "SELECT path FROM files WHERE revision = ?1 ORDER BY part";
        self.within(|conn| {
            conn.prepare_cached(listed)?.query_map([revision.0], |row| row.get(0))?.collect()
        })
    }

    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError> {
        let tried = "SELECT EXISTS (SELECT 1 FROM revisions JOIN attempts \
             ON attempts.revision = revisions.id WHERE shot = ?1)";
        self.within(|conn| conn.prepare_cached(tried)?.query_row([shot.as_str()], |row| row.get(0)))
    }

    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError> {
        self.within(|conn| match self.schema {
            WITH_WIRES.. => stored_request(conn, revision),
            _ => stored_text(conn, revision),
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.within(|conn| {
            let has_odd_nights = self.schema >= WITH_ODD_NIGHTS;
            entries(conn, has_odd_nights, "1 = 1 ORDER BY current DESC, position, shot, number")
        })
    }
}

/// Where a ledger of a schema belongs.
fn home(conn: &Connection, schema: usize) -> rusqlite::Result<Home> {
    let sent = "SELECT EXISTS (SELECT 1 FROM attempts)";
    let has_attempts = conn.query_row(sent, [], |row| row.get(0))?;
    let last = "SELECT address FROM origins ORDER BY id DESC LIMIT 1";
    let last = || conn.query_row(last, [], |row| row.get(0)).optional();
    let gateway = if schema >= WITH_WIRES { last()? } else { None };
    let home = Home { id: None, has_attempts, gateway, separate: false };
    if schema < WITH_HOME {
        return Ok(home);
    }
    let kept = "SELECT ledger_id, moved_to, separate FROM campaign";
    conn.query_row(kept, [], |row| {
        let moved: Option<String> = row.get(1)?;
        let gateway = moved.or(home.gateway);
        Ok(Home { id: row.get(0)?, gateway, separate: row.get(2)?, has_attempts })
    })
}

/// Which revisions are older or removed ones whose purchase is unfinished, and their order.
fn older() -> String {
    let unfinished = words(&State::UNFINISHED);
    format!("current = 0 AND state IN ({unfinished}) ORDER BY shot, number")
}

/// Which of the others have clips, and their order.
fn earlier_clips() -> String {
    let unfinished = words(&State::UNFINISHED);
    format!(
        "current = 0 AND state NOT IN ({unfinished}) \
         AND EXISTS (SELECT 1 FROM files WHERE revision = revisions.id) ORDER BY shot, number"
    )
}

fn entries(conn: &Connection, has_odd_nights: bool, which: &str) -> rusqlite::Result<Vec<Entry>> {
    let columns = entry_columns(has_odd_nights);
    conn.prepare_cached(&format!("SELECT {columns} FROM revisions WHERE {which}"))?
        .query_map([], |row| entry(row, None))?
        .collect()
}

/// What a revision asked for, and what its attempts sent.
pub(super) fn stored_request(
    conn: &Connection,
    revision: RevisionId,
) -> rusqlite::Result<StoredRequest> {
    let sent = "SELECT DISTINCT wire FROM attempts WHERE revision = ?1 AND wire IS NOT NULL";
    let mut sent = conn.prepare_cached(sent)?;
    let wires = sent.query_map([revision.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(StoredRequest { wires, ..stored_text(conn, revision)? })
}

/// The same of a ledger that does not keep what was sent.
fn stored_text(conn: &Connection, revision: RevisionId) -> rusqlite::Result<StoredRequest> {
    conn.prepare_cached("SELECT fingerprint, request FROM revisions WHERE id = ?1")?.query_row(
        [revision.0],
        |row| {
            let fingerprint = Fingerprint::from_bytes(row.get(0)?);
            Ok(StoredRequest { fingerprint, request: row.get(1)?, wires: Vec::new() })
        },
    )
}

/// The current revisions in manifest order, then unfinished others.
pub(super) fn open_entries(tx: &Tx<'_>) -> rusqlite::Result<Vec<Entry>> {
    let mut all = entries(tx.conn, true, "current = 1 ORDER BY position")?;
    all.append(&mut leftovers(tx)?);
    Ok(all)
}

/// The older or removed revisions whose purchase is unfinished.
pub(super) fn leftovers(tx: &Tx<'_>) -> rusqlite::Result<Vec<Entry>> {
    entries(tx.conn, true, &older())
}

/// The attempts that the provider may call about.
pub(super) fn subscriptions(tx: &Tx<'_>) -> rusqlite::Result<Vec<CallbackSubscription>> {
    let open = words(&WITH_OPEN_ATTEMPT);
    tx.conn
        .prepare_cached(&format!(
            "SELECT a.id, a.token, a.sent_at FROM revisions AS r JOIN attempts AS a \
             ON a.id = r.attempt WHERE r.state IN ({open}) \
             AND a.key_on_wire = 1 AND a.token IS NOT NULL ORDER BY a.id"
        ))?
        .query_map([], |row| {
            let key = Secret::parse(row.get_ref(1)?.as_str()?);
            Ok(CallbackSubscription {
                attempt: AttemptId(row.get(0)?),
                key: key.ok_or_else(|| odd(1, "an unreadable key"))?,
                sent_at: Timestamp::from_millis(row.get(2)?),
            })
        })?
        .collect()
}

/// Whether any attempt has this task.
pub(super) fn knows_task(tx: &Tx<'_>, task: &TaskId) -> rusqlite::Result<bool> {
    let known = "SELECT 1 FROM attempts WHERE task_id = ?1 LIMIT 1";
    Ok(tx.conn.prepare_cached(known)?.query_row([task.as_str()], |_| Ok(())).optional()?.is_some())
}

/// The attempts of a revision whose price is reserved.
pub(super) fn reserved_attempts(
    tx: &Tx<'_>,
    revision: RevisionId,
) -> rusqlite::Result<Vec<ReservedAttempt>> {
    tx.conn
        .prepare_cached(
            "SELECT id, price_micro, sent_at, task_id FROM attempts \
             WHERE revision = ?1 AND account = 'reserved' ORDER BY id",
        )?
        .query_map([revision.0], |row| {
            Ok(ReservedAttempt {
                attempt: AttemptId(row.get(0)?),
                price: usd(row, 1)?,
                sent_at: Timestamp::from_millis(row.get(2)?),
                task: task_id(row, 3)?,
            })
        })?
        .collect()
}

/// Whose earlier attempt has the task of the attempt that `$mine` names, a column or parameter of
/// SQL. By the index of tasks: left to itself, SQLite goes through all earlier attempts.
macro_rules! first_of {
    ($mine:literal) => {
        concat!(
            "SELECT shot FROM attempts AS mine \
             JOIN attempts AS first INDEXED BY by_task \
               ON first.task_id = mine.task_id AND first.id < mine.id \
             JOIN revisions AS had ON had.id = first.revision \
             WHERE mine.id = ",
            $mine,
            " ORDER BY first.id LIMIT 1"
        )
    };
}

/// The shot that had an attempt's task before.
pub(super) fn task_first_of(tx: &Tx<'_>, attempt: AttemptId) -> rusqlite::Result<Option<ShotId>> {
    tx.conn
        .prepare_cached(first_of!("?1"))?
        .query_row([attempt.0], |row| shot_id(row, 0))
        .optional()
        .map(Option::flatten)
}

fn read_rows(
    conn: &Connection,
    schema: usize,
    which: &str,
    each: &mut dyn FnMut(Row),
) -> rusqlite::Result<()> {
    let charge = if schema >= WITH_CHARGES { CHARGE } else { "NULL, NULL" };
    let (origin, clip_info) = match schema {
        WITH_FOOTAGE.. => ("entry, variant", "millis, width, height, sound, unread"),
        _ => ("NULL, NULL", "NULL, NULL, NULL, NULL, NULL"),
    };
    let (answer, former) =
        if schema >= WITH_ODD_NIGHTS { (ANSWER, FORMER_TASKS) } else { ("NULL", "NULL") };
    let sql = format!(
        "SELECT {entry}, model, request, tags, completed_at, delivered_at, urls, \
           (SELECT task_id FROM attempts WHERE attempts.id = revisions.attempt), \
           CASE WHEN attempt IS NULL THEN price_micro \
             ELSE (SELECT price_micro FROM attempts WHERE attempts.id = revisions.attempt) END, \
           (SELECT count(*) FROM attempts WHERE revision = revisions.id), \
           (SELECT max(sent_at) FROM attempts WHERE revision = revisions.id), \
           ({first_of}), {charge}, {origin}, {answer}, {former}, {IS_SETTLED} \
         FROM revisions WHERE {which}",
        entry = entry_columns(schema >= WITH_ODD_NIGHTS),
        first_of = first_of!("revisions.attempt"),
    );
    let mut files = conn.prepare_cached(&format!(
        "SELECT path, bytes, sha256, {clip_info} FROM files WHERE revision = ?1 ORDER BY part",
    ))?;
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let mut row = row(found)?;
        row.files =
            files.query_map([row.entry.revision.0], clip_file)?.collect::<Result<_, _>>()?;
        each(row);
    }
    Ok(())
}

/// A clip from the columns that [`read_rows`] asks for.
fn clip_file(file: &SqlRow<'_>) -> rusqlite::Result<ClipFile> {
    let unsigned = |column, number: i64| u64::try_from(number).map_err(|error| odd(column, error));
    let millis: Option<i64> = file.get(3)?;
    let clip_info = millis.map(|millis| {
        Ok::<_, rusqlite::Error>(ClipInfo {
            millis: unsigned(3, millis)?,
            width: file.get(4)?,
            height: file.get(5)?,
            sound: file.get(6)?,
        })
    });
    Ok(ClipFile {
        path: file.get(0)?,
        bytes: unsigned(1, file.get(1)?)?,
        sha256: file.get(2)?,
        clip_info: clip_info.transpose()?,
        unread: file.get(7)?,
    })
}

/// What the gateway says the attempt cost.
const CHARGE: &str = "(SELECT charge FROM attempts WHERE attempts.id = revisions.attempt), \
     (SELECT charge_currency FROM attempts WHERE attempts.id = revisions.attempt)";

/// The last whole answer that left a doubt, also after the user's word, until there is a clip.
const ANSWER: &str = "CASE WHEN state <> 'delivered' \
     THEN (SELECT answer FROM attempts WHERE revision = revisions.id AND answer IS NOT NULL \
           ORDER BY number DESC LIMIT 1) END";

/// The tasks that a stalled one was said to have before.
const FORMER_TASKS: &str = "CASE WHEN state = 'rendering' AND why IS NOT NULL \
     THEN (SELECT former_tasks FROM attempts WHERE attempts.id = revisions.attempt) END";

/// Whether it failed and its price is not reserved.
const IS_SETTLED: &str = "CASE WHEN state = 'failed' THEN coalesce((SELECT account <> 'reserved' \
     FROM attempts WHERE attempts.id = revisions.attempt), 1) ELSE 0 END";

/// A row but for its files.
fn row(found: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let column = |after: usize| ENTRY_COLUMNS + after;
    let text =
        |after| -> rusqlite::Result<_> { Ok(found.get_ref(column(after))?.as_str_or_null()?) };
    let charge = match (text(11)?, text(12)?) {
        (Some(amount), Some(currency)) => Some(
            Charge::new(amount, currency).ok_or_else(|| odd(column(11), "an unreadable charge"))?,
        ),
        _ => None,
    };
    Ok(Row {
        entry: entry(found, None)?,
        model: found.get(column(0))?,
        request: found.get(column(1))?,
        tags: unlist(found, column(2))?,
        entry_id: found.get(column(13))?,
        variant: unpairs(found, column(14))?,
        task: task_id(found, column(6))?,
        former_tasks: task_ids(found, column(16))?,
        task_first_of: shot_id(found, column(10))?,
        price: usd(found, column(7))?,
        is_settled: found.get(column(17))?,
        charge,
        answer: found.get(column(15))?,
        attempts: found.get(column(8))?,
        urls: unlist(found, column(5))?,
        files: Vec::new(),
        submitted_at: moment(found, column(9))?,
        completed_at: moment(found, column(3))?,
        delivered_at: moment(found, column(4))?,
    })
}
