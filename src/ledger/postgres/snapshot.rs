//! Reading a campaign in a database, for reports and plans, also while a run writes it. Each call has a
//! transaction of its own, which sees one moment, on a connection of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, IsolationLevel};

use super::address::ServerAddress;
use super::apart::{apart, beside, ended, runtime};
use super::connect::{connect, unreachable};
use super::error::{ServerError, Trouble};
use super::reading::Reading;
use super::rows::{ENTRY, FROM, REQUEST, ROW, earlier_clips, older};
use super::schema::is_there;
use super::spending;
use super::timings::TIMINGS;
use crate::domain::shot::ShotId;
use crate::domain::state::{AttemptId, State};
use crate::domain::time::Timestamp;
use crate::ledger::columns::{kind_name, word};
use crate::ledger::holder::without_since;
use crate::ledger::snapshot::CUT_SHORT;
use crate::ledger::{
    ClipFile, Entry, Home, KeptPrice, Kind, LedgerError, RevisionId, Row, RunNote, Snapshot,
    Spending, StoredRequest, Summary, WorkerSummary,
};
use crate::policy::budget::Budget;

/// So many rows are held at once.
const AT_ONCE: i32 = 2_000;

/// A campaign open for reading. Blocking.
pub struct PostgresSnapshot {
    address: ServerAddress,
    campaign: i32,
    /// Whether a worker that lives says that a run still works.
    heeds_workers: bool,
    /// The connection, and what drives it.
    held: Mutex<Option<(Runtime, Client)>>,
}

impl PostgresSnapshot {
    /// Opens an existing campaign; changes nothing. With `heeds_workers` off it is shown as the next
    /// run will find it: for the process that was its worker and has ended its work.
    ///
    /// # Errors
    /// When it cannot be reached, there is no such campaign, or it is newer than this program.
    pub fn open(
        address: &ServerAddress,
        campaign: &str,
        heeds_workers: bool,
    ) -> Result<Self, LedgerError> {
        let opened = apart(|| {
            let runtime = runtime()?;
            let found = runtime.block_on(async {
                let client =
                    connect(address).await.map_err(|trouble| unreachable(address, trouble))?;
                let found = find(&client, address, campaign).await;
                Ok::<_, ServerError>((
                    client,
                    found.map_err(|trouble| unreachable(address, trouble))?,
                ))
            });
            found.map(|(client, found)| (runtime, client, found)).map_err(LedgerError::from)
        });
        let (runtime, client, campaign) = opened?;
        let held = Mutex::new(Some((runtime, client)));
        Ok(Self { address: address.clone(), campaign, heeds_workers, held })
    }

    /// The names of the account's campaigns. Blocking.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn campaigns(address: &ServerAddress) -> Result<Vec<String>, LedgerError> {
        apart(|| {
            let found = runtime()?.block_on(async {
                let client = connect(address).await?;
                if !is_there(&client, address).await? {
                    return Ok(Vec::new());
                }
                let sql = "SELECT c.name FROM campaigns AS c JOIN accounts AS a ON a.id = c.account \
                     WHERE a.name = $1 ORDER BY c.id DESC";
                let rows = client.query(sql, &[&address.account]).await;
                let rows = rows.map_err(|error| Trouble::of(address.shown(), &error))?;
                Ok(rows.into_iter().map(|row| row.get(0)).collect())
            });
            found.map_err(|trouble| unreachable(address, trouble).into())
        })
    }

    /// Reads one moment's ledger.
    fn within<T: Send>(
        &self,
        read: impl AsyncFnOnce(Reading<'_>) -> Result<T, Trouble> + Send,
    ) -> Result<T, LedgerError> {
        apart(|| self.on_this_thread(read))
    }

    /// Reads rows on another thread, and hands each to `each` on this one as it comes over.
    fn handed(
        &self,
        each: &mut dyn FnMut(Row),
        read: impl AsyncFnOnce(Reading<'_>, &mut (dyn FnMut(Row) + Send)) -> Result<(), Trouble> + Send,
    ) -> Result<(), LedgerError> {
        let (sender, rows) = std::sync::mpsc::sync_channel::<Row>(AT_ONCE as usize);
        std::thread::scope(|scope| {
            let read = beside(scope, move || {
                self.on_this_thread(async move |reading| {
                    read(reading, &mut |row| drop(sender.send(row))).await
                })
            })?;
            rows.into_iter().for_each(each);
            ended(read)
        })
    }

    fn on_this_thread<T>(
        &self,
        read: impl AsyncFnOnce(Reading<'_>) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((runtime, client)) = &mut *held else {
            return Err(LedgerError::defect("the ledger is closed"));
        };
        let read = runtime.block_on(async {
            let tx = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await
                .map_err(|error| Trouble::of(self.address.shown(), &error))?;
            let server = self.address.shown();
            let told = read(Reading { tx: &tx, server, campaign: self.campaign }).await;
            // What is only dropped ends with the next call, and holds its locks until then.
            if let Err(error) = tx.rollback().await {
                tracing::debug!("{}: {error}", self.address);
            }
            told
        });
        read.map_err(|trouble| unreachable(&self.address, trouble).into())
    }
}

impl Drop for PostgresSnapshot {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((runtime, client)) = held {
            drop(client);
            runtime.shutdown_background();
        }
    }
}

/// The campaign's number.
async fn find(client: &Client, address: &ServerAddress, campaign: &str) -> Result<i32, Trouble> {
    let missing =
        || Trouble::Given(ServerError::Missing(address.shown().to_owned(), campaign.to_owned()));
    if !is_there(client, address).await? {
        return Err(missing());
    }
    let sql = "SELECT c.id FROM campaigns AS c JOIN accounts AS a ON a.id = c.account \
         WHERE a.name = $1 AND c.name = $2 ORDER BY c.id LIMIT 1";
    let row = client.query_opt(sql, &[&address.account, &campaign]).await;
    let row = row.map_err(|error| Trouble::of(address.shown(), &error))?;
    Ok(row.ok_or_else(missing)?.get(0))
}

impl Reading<'_> {
    /// Who works on it: of each the phrase that a file's lock would have, and more. A database of an
    /// earlier form has no visitors.
    async fn workers(&self) -> Result<Vec<(String, WorkerSummary)>, Trouble> {
        let sql = "SELECT who, trunc(extract(epoch FROM joined_at) * 1000)::bigint, greatest(0, \
             trunc(extract(epoch FROM clock_timestamp() - (lease_until - $2::text::interval))))::bigint \
             FROM workers WHERE campaign = $1 AND ended IS NULL AND lease_until > clock_timestamp() \
             AND NOT coalesce((to_jsonb(workers)->>'is_visitor')::boolean, false) ORDER BY id";
        let rows = self.rows(sql, &[&self.campaign, &TIMINGS.lease]).await?;
        let each = rows.iter().map(|row| {
            let found = self.found(row);
            let who: String = found.get(0)?;
            let summary = WorkerSummary {
                who: without_since(&who).to_owned(),
                since: Timestamp::from_millis(found.get(1)?),
                silent_s: found.unsigned(2)?,
            };
            Ok((who, summary))
        });
        each.collect()
    }

    /// The workers that live, by number.
    async fn living(&self) -> Result<Vec<i64>, Trouble> {
        let sql = "SELECT id FROM workers WHERE campaign = $1 AND ended IS NULL \
             AND lease_until > clock_timestamp()";
        let rows = self.rows(sql, &[&self.campaign]).await?;
        rows.iter().map(|row| self.found(row).get(0)).collect()
    }

    /// The attempts on the wire of workers that live; also those that are to be handed over to one.
    async fn on_wire(&self) -> Result<HashSet<AttemptId>, Trouble> {
        let sql = "SELECT r.attempt FROM revisions AS r WHERE r.campaign = $1 \
             AND r.state = 'submitting' AND r.attempt IS NOT NULL \
             AND coalesce((to_jsonb(r)->>'worker')::bigint = ANY ($2), true)";
        let living = self.living().await?;
        if living.is_empty() {
            return Ok(HashSet::new());
        }
        let rows = self.rows(sql, &[&self.campaign, &living]).await?;
        rows.iter().map(|row| self.found(row).get(0).map(AttemptId)).collect()
    }

    async fn summary(&self, heeds_workers: bool) -> Result<Summary, Trouble> {
        let sql = "SELECT c.name, a.kind, p.cap_micro, p.is_strict, p.spent, p.reserved, p.unconfirmed, \
             c.ledger_id, c.separate, coalesce(c.moved_to, (SELECT o.address FROM attempts AS t \
               JOIN origins AS o ON o.id = t.origin WHERE t.campaign = c.id ORDER BY t.id DESC LIMIT 1)), \
             p.attempts > 0, coalesce((to_jsonb(c)->>'paused')::boolean, false) \
             FROM campaigns AS c JOIN accounts AS a ON a.id = c.account JOIN pots AS p ON p.id = c.pot \
             WHERE c.id = $1";
        let rows = self.rows(sql, &[&self.campaign]).await?;
        let gone = || Trouble::damaged(self.server, "the campaign is gone");
        let found = self.found(rows.first().ok_or_else(gone)?);
        let kinds = [Kind::Gateway, Kind::Simulator];
        let kind = word(found.get(1)?, &kinds, kind_name).map_err(|what| found.odd(what))?;
        let workers = if heeds_workers { self.workers().await? } else { Vec::new() };
        let paused: bool = found.get(11)?;
        Ok(Summary {
            campaign: found.get(0)?,
            kind,
            budget: Budget { cap: found.usd(2)?, strict: found.get(3)? },
            balance: found.balance(4)?,
            home: Home {
                id: found.get(7)?,
                separate: found.get(8)?,
                gateway: found.get(9)?,
                has_attempts: found.get(10)?,
            },
            held_by: workers.first().map(|(who, _)| who.clone()),
            note: RunNote { stopping: None, paused: !workers.is_empty() && paused },
            workers: workers.into_iter().map(|(_, summary)| summary).collect(),
        })
    }

    /// The rows of a report, some at a time, through `portal`'s statement.
    async fn report(&self, which: &str, each: &mut (dyn FnMut(Row) + Send)) -> Result<(), Trouble> {
        let lost = |error: tokio_postgres::Error| Trouble::of(self.server, &error);
        let sql = format!("SELECT {ENTRY}, {ROW} {FROM} WHERE r.campaign = $1 AND {which}");
        let portal = self.tx.bind(&sql, &[&self.campaign]).await.map_err(lost)?;
        loop {
            let rows = self.tx.query_portal(&portal, AT_ONCE).await.map_err(lost)?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut told = Vec::with_capacity(rows.len());
            for row in &rows {
                told.push(self.found(row).report_row()?);
            }
            let mut files = self.files(&told).await?;
            for mut row in told {
                row.files = files.remove(&row.entry.revision).unwrap_or_default();
                each(row);
            }
        }
    }

    async fn files(&self, of: &[Row]) -> Result<HashMap<RevisionId, Vec<ClipFile>>, Trouble> {
        let ids: Vec<i64> = of.iter().map(|row| row.entry.revision.0).collect();
        let sql = "SELECT revision, path, bytes, sha256, millis, width, height, sound, unread \
             FROM files WHERE revision = ANY ($1) ORDER BY revision, part";
        let mut files: HashMap<RevisionId, Vec<ClipFile>> = HashMap::new();
        for row in &self.rows(sql, &[&ids]).await? {
            let found = self.found(row);
            files.entry(RevisionId(found.get(0)?)).or_default().push(found.clip_file(1)?);
        }
        Ok(files)
    }
}

impl Snapshot for PostgresSnapshot {
    fn summary(&self) -> Result<Summary, LedgerError> {
        let heeds_workers = self.heeds_workers;
        self.within(async move |reading| reading.summary(heeds_workers).await)
    }

    fn look_for_damage(&self) -> Result<(), LedgerError> {
        self.within(async |reading| spending::look_for_damage(&reading).await)
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        let heeds_workers = self.heeds_workers;
        self.handed(each, async move |reading, tell| {
            let on_wire = if heeds_workers { reading.on_wire().await? } else { HashSet::new() };
            let mut tell = |mut row: Row| {
                if let State::Submitting { attempt, .. } = row.entry.status.state
                    && !on_wire.contains(&attempt)
                {
                    let why = CUT_SHORT.into();
                    row.entry.status.state = State::InDoubt { attempt, why };
                }
                tell(row);
            };
            reading.report("r.current ORDER BY r.position", &mut tell).await?;
            reading.report(&older(), &mut tell).await
        })
    }

    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.handed(each, async |reading, tell| reading.report(&earlier_clips(), tell).await)
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        self.within(async |reading| spending::spending(&reading).await)
    }

    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError> {
        self.within(async |reading| spending::kept_prices(&reading).await)
    }

    fn lists(&self, path: &str) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM files AS f JOIN revisions AS r ON r.id = f.revision \
             WHERE f.path = $2 AND r.campaign = $1 LIMIT 1";
        self.within(async |reading| {
            Ok(!reading.rows(sql, &[&reading.campaign, &path]).await?.is_empty())
        })
    }

    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError> {
        let sql = "SELECT f.path FROM files AS f JOIN revisions AS r ON r.id = f.revision \
             WHERE r.id = $2 AND r.campaign = $1 ORDER BY f.part";
        self.within(async |reading| {
            let rows = reading.rows(sql, &[&reading.campaign, &revision.0]).await?;
            rows.iter().map(|row| reading.found(row).get(0)).collect()
        })
    }

    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM revisions AS r JOIN attempts AS a ON a.revision = r.id \
             WHERE r.campaign = $1 AND r.shot = $2 LIMIT 1";
        self.within(async |reading| {
            Ok(!reading.rows(sql, &[&reading.campaign, &shot.as_str()]).await?.is_empty())
        })
    }

    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError> {
        self.within(async |reading| {
            let rows = reading.rows(REQUEST, &[&revision.0, &reading.campaign]).await?;
            let missing =
                || Trouble::damaged(reading.server, format!("there is no revision {}", revision.0));
            reading.found(rows.first().ok_or_else(missing)?).stored_request()
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let sql = format!(
            "SELECT {ENTRY} {FROM} WHERE r.campaign = $1 \
             ORDER BY r.current DESC, r.position, r.shot, r.number"
        );
        self.within(async |reading| {
            let rows = reading.rows(&sql, &[&reading.campaign]).await?;
            rows.iter().map(|row| reading.found(row).entry(None)).collect()
        })
    }
}
