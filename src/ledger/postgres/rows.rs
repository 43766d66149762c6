//! Rows of the database as the words of the house.

use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::FromSql;

use super::error::Trouble;
use crate::domain::charge::Charge;
use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::{Fingerprint, ShotId};
use crate::domain::state::{Account, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::ledger::columns::{ACCOUNTS, StateColumns, named_texts, tasks, texts, word};
use crate::ledger::reconcile::{Said, StoredRow};
use crate::ledger::{ClipFile, Entry, RevisionId, Row, StoredRequest};
use crate::policy::budget::Balance;

/// Columns of `revisions AS r` left-joined with its attempt `a`, to be read by [`Found::entry`].
pub(super) const ENTRY: &str = "r.id, r.shot, r.number, r.fingerprint, r.current, r.clip_name, \
     r.price_micro, r.state, r.attempt, r.failure, r.why, r.since, r.completed_at, r.urls, r.refusals, \
     r.resubmits, CASE WHEN r.state IN ('rendering', 'rendered') THEN a.task_id END, \
     coalesce(r.state IN ('submitting', 'rendering', 'in_doubt') AND a.charged_if_failed, false), \
     r.rerolls, r.probed, r.waiting, r.failure_kind";
/// Where they come from.
pub(super) const FROM: &str = "FROM revisions AS r LEFT JOIN attempts AS a ON a.id = r.attempt";
/// How many columns [`ENTRY`] names.
pub(super) const ENTRY_COLUMNS: usize = 22;

/// Which of them are older or removed ones whose purchase is unfinished, and their order.
pub(super) fn older() -> String {
    let unfinished = State::UNFINISHED.join("', '");
    format!("NOT r.current AND r.state IN ('{unfinished}') ORDER BY r.shot, r.number")
}

/// Which of the others have clips, and their order.
pub(super) fn earlier_clips() -> String {
    let unfinished = State::UNFINISHED.join("', '");
    format!(
        "NOT r.current AND r.state NOT IN ('{unfinished}') \
         AND EXISTS (SELECT 1 FROM files AS f WHERE f.revision = r.id) ORDER BY r.shot, r.number"
    )
}

/// A row, and the database that it is from, for its errors.
pub(super) struct Found<'r> {
    pub(super) row: &'r SqlRow,
    pub(super) server: &'r str,
}

impl Found<'_> {
    pub(super) fn get<'a, T: FromSql<'a>>(&'a self, column: usize) -> Result<T, Trouble> {
        self.row.try_get(column).map_err(|error| Trouble::of(self.server, &error))
    }

    pub(super) fn odd(&self, what: impl Into<String>) -> Trouble {
        Trouble::damaged(self.server, what)
    }

    pub(super) fn usd(&self, column: usize) -> Result<Option<Usd>, Trouble> {
        Ok(self.get::<Option<i64>>(column)?.map(Usd::from_micros))
    }

    pub(super) fn moment(&self, column: usize) -> Result<Option<Timestamp>, Trouble> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn unsigned<T: TryFrom<i64>>(&self, column: usize) -> Result<T, Trouble> {
        T::try_from(self.get(column)?).map_err(|_| self.odd("a number that is too large"))
    }

    pub(super) fn shot_id(&self, column: usize) -> Result<Option<ShotId>, Trouble> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| ShotId::new(text).map_err(|bad| self.odd(format!("{text:?}: {bad}"))))
            .transpose()
    }

    pub(super) fn task_id(&self, column: usize) -> Result<Option<TaskId>, Trouble> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| TaskId::new(text).ok_or_else(|| self.odd("an unreadable task id")))
            .transpose()
    }

    /// A JSON list of tasks; NULL is an empty one.
    pub(super) fn task_ids(&self, column: usize) -> Result<Vec<TaskId>, Trouble> {
        tasks(self.get(column)?).map_err(|what| self.odd(what))
    }

    pub(super) fn texts(&self, column: usize) -> Result<Vec<String>, Trouble> {
        texts(self.get(column)?).map_err(|what| self.odd(what))
    }

    pub(super) fn account(&self, column: usize) -> Result<Account, Trouble> {
        word(self.get(column)?, &ACCOUNTS, Account::name).map_err(|what| self.odd(what))
    }

    /// The money, from three columns: spent, reserved, unconfirmed.
    pub(super) fn balance(&self, from: usize) -> Result<Balance, Trouble> {
        let micros = |column| self.get(column).map(Usd::from_micros);
        Ok(Balance {
            spent: micros(from)?,
            reserved: micros(from + 1)?,
            unconfirmed: micros(from + 2)?,
        })
    }

    /// From the columns of [`ENTRY`].
    pub(super) fn entry(&self, shot: Option<ShotId>) -> Result<Entry, Trouble> {
        let shot = match shot {
            Some(shot) => shot,
            None => self.shot_id(1)?.ok_or_else(|| self.odd("a shot without an id"))?,
        };
        let columns = StateColumns {
            state: self.get(7)?,
            attempt: self.get(8)?,
            failure: self.get(9)?,
            failure_kind: self.get(21)?,
            why: self.get(10)?,
            since: self.get(11)?,
            completed_at: self.get(12)?,
            urls: self.get(13)?,
            task: self.get(16)?,
        };
        Ok(Entry {
            revision: RevisionId(self.get(0)?),
            number: self.count(2)?,
            fingerprint: self.fingerprint_at(3)?,
            current: self.get(4)?,
            clip_name: self.get::<&str>(5)?.into(),
            price: self.usd(6)?,
            charged_if_failed: self.get(17)?,
            status: RevisionState {
                state: columns.read().map_err(|what| self.odd(format!("{shot}: {what}")))?,
                refusals: self.count(14)?,
                resubmits: self.count(15)?,
                rerolls: self.count(18)?,
                probed: self.get(19)?,
                is_waiting: self.get(20)?,
            },
            shot,
        })
    }

    pub(super) fn fingerprint_at(&self, column: usize) -> Result<Fingerprint, Trouble> {
        let bytes: &[u8] = self.get(column)?;
        let bytes = bytes.try_into().map_err(|_| self.odd("a fingerprint of another length"))?;
        Ok(Fingerprint::from_bytes(bytes))
    }

    pub(super) fn count(&self, column: usize) -> Result<u32, Trouble> {
        let count: i32 = self.get(column)?;
        u32::try_from(count).map_err(|_| self.odd("a negative count"))
    }

    /// Everything a report says of a revision but its files, from [`ENTRY`] and [`ROW`].
    pub(super) fn report_row(&self) -> Result<Row, Trouble> {
        let column = |after: usize| ENTRY_COLUMNS + after;
        let charge = match (self.get::<Option<&str>>(column(11))?, self.get(column(12))?) {
            (Some(amount), Some(currency)) => Some(
                Charge::new(amount, currency).ok_or_else(|| self.odd("an unreadable charge"))?,
            ),
            _ => None,
        };
        Ok(Row {
            entry: self.entry(None)?,
            model: self.get(column(0))?,
            request: self.get(column(1))?,
            tags: self.texts(column(2))?,
            completed_at: self.moment(column(3))?,
            delivered_at: self.moment(column(4))?,
            urls: self.texts(column(5))?,
            task: self.task_id(column(6))?,
            price: self.usd(column(7))?,
            attempts: self.unsigned(column(8))?,
            submitted_at: self.moment(column(9))?,
            task_first_of: self.shot_id(column(10))?,
            charge,
            entry_id: self.get(column(13))?,
            variant: self.pairs(column(14))?,
            answer: self.get(column(15))?,
            former_tasks: self.task_ids(column(16))?,
            is_settled: self.get(column(17))?,
            files: Vec::new(),
        })
    }

    /// From the columns of [`REQUEST`].
    pub(super) fn stored_request(&self) -> Result<StoredRequest, Trouble> {
        Ok(StoredRequest {
            fingerprint: self.fingerprint_at(0)?,
            request: self.get(1)?,
            wires: self.get(2)?,
        })
    }

    /// A JSON object of texts; NULL is an empty one.
    fn pairs(&self, column: usize) -> Result<Vec<(String, String)>, Trouble> {
        named_texts(self.get(column)?).map_err(|what| self.odd(what))
    }

    /// A clip's file from `path, bytes, sha256, millis, width, height, sound, unread`, from a column on.
    pub(super) fn clip_file(&self, from: usize) -> Result<ClipFile, Trouble> {
        let hash: &[u8] = self.get(from + 2)?;
        let millis: Option<i64> = self.get(from + 3)?;
        let clip_info = match millis {
            None => None,
            Some(_) => Some(ClipInfo {
                millis: self.unsigned(from + 3)?,
                width: self.unsigned(from + 4)?,
                height: self.unsigned(from + 5)?,
                sound: self.get(from + 6)?,
            }),
        };
        Ok(ClipFile {
            path: self.get(from)?,
            bytes: self.unsigned(from + 1)?,
            sha256: hash.try_into().map_err(|_| self.odd("a hash of another length"))?,
            clip_info,
            unread: self.get::<Option<&str>>(from + 7)?.map(Into::into),
        })
    }
}

/// What a revision asked for, to be read by [`Found::stored_request`].
pub(super) const REQUEST: &str = "SELECT fingerprint, request, \
     ARRAY(SELECT DISTINCT wire FROM attempts WHERE revision = r.id AND wire IS NOT NULL) \
     FROM revisions AS r WHERE r.id = $1 AND r.campaign = $2";

/// The columns after [`ENTRY`] that [`Found::report_row`] reads.
pub(super) const ROW: &str = "r.model, r.request, r.tags, r.completed_at, r.delivered_at, r.urls, a.task_id, \
     CASE WHEN r.attempt IS NULL THEN r.price_micro ELSE a.price_micro END, \
     (SELECT count(*) FROM attempts WHERE revision = r.id), \
     (SELECT max(sent_at) FROM attempts WHERE revision = r.id), \
     CASE WHEN a.task_id IS NOT NULL THEN task_first_of(a.id) END, a.charge, a.charge_currency, \
     r.entry, r.variant, CASE WHEN r.state <> 'delivered' THEN (SELECT answer FROM attempts \
     WHERE revision = r.id AND answer IS NOT NULL ORDER BY number DESC LIMIT 1) END, \
     CASE WHEN r.state = 'rendering' AND r.why IS NOT NULL THEN a.former_tasks END, \
     r.state = 'failed' AND coalesce(a.account <> 'reserved', true)";

/// The columns after [`ENTRY`] that a comparison with the manifest reads.
pub(super) const SAID: &str =
    "r.position, r.priority, r.model, r.tags, r.request, r.entry, r.variant";

impl StoredRow for Found<'_> {
    type Error = Trouble;

    fn revision(&self) -> Result<RevisionId, Trouble> {
        self.get(0).map(RevisionId)
    }

    fn shot(&self) -> Result<&str, Trouble> {
        self.get(1)
    }

    fn fingerprint(&self) -> Result<&[u8], Trouble> {
        self.get(3)
    }

    fn is_current(&self) -> Result<bool, Trouble> {
        self.get(4)
    }

    fn position(&self) -> Result<i64, Trouble> {
        self.get(ENTRY_COLUMNS)
    }

    fn entry(&self, shot: &ShotId) -> Result<Entry, Trouble> {
        Found::entry(self, Some(shot.clone()))
    }

    fn said(&self) -> Result<Said<'_>, Trouble> {
        Ok(Said {
            priority: self.get(ENTRY_COLUMNS + 1)?,
            model: self.get(ENTRY_COLUMNS + 2)?,
            tags: self.get(ENTRY_COLUMNS + 3)?,
            request: self.get(ENTRY_COLUMNS + 4)?,
            entry: self.get(ENTRY_COLUMNS + 5)?,
            variant: self.get(ENTRY_COLUMNS + 6)?,
        })
    }
}
