//! The worker: joins a campaign, holds its lease, and does one call after the other on one connection.
//! A connection that breaks is made again, and the call with it: what became of it is not known, and
//! every call may be made twice (a batch by its number, see `functions.sql`).

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_postgres::{Client, Statement};

use super::address::ServerAddress;
use super::connect::{connect, is_safe, unreachable};
use super::error::{ServerError, Trouble};
use super::process::{self, boot_clock};
use super::schema::{PROGRAM, migrate};
use crate::domain::secret::Secret;
use crate::failpoint;
use crate::ledger::columns::kind_name;
use crate::ledger::high_water_mark::{HighWaterMark, Known};
use crate::ledger::holder::holder;
use crate::ledger::{LedgerError, LedgerOptions};
use crate::policy::budget::{Balance, Budget};

/// How long a worker may decide without a word from the database.
pub(super) const LEASE: &str = "30 seconds";
/// The same as the worker holds itself to: counted from when it asked, by a clock that goes on while the
/// machine sleeps.
const OWN_LEASE: Duration = Duration::from_secs(25);
/// Renews the lease, and tells which batch was the last one.
pub(super) const ENTER: &str = "SELECT last_batch FROM enter($1, $2::text::interval)";
/// How often the lease is renewed while nothing is written.
pub(super) const BEAT: Duration = Duration::from_secs(1);
/// How long the first connection is tried for.
const FIRST: Duration = Duration::from_secs(10);
/// Between tries to connect: doubling from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long an answer may take before the connection counts as broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
/// How long an answer may take once the user wants to leave.
const HURRY: Duration = Duration::from_secs(5);
/// The same once there is no caller left.
const CLOSING: Duration = Duration::from_secs(2);
/// After a warning that the database does not answer, the next one comes so much later.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// What other threads see of a worker.
#[derive(Debug)]
pub(super) struct Shared {
    /// As of the last batch.
    pub(super) money: Mutex<(Budget, Balance)>,
    /// Whether something could not be written.
    failed: AtomicBool,
    /// Until when the lease lasts at least, in milliseconds of [`boot_clock`].
    lease_until: AtomicI64,
    /// Since when, and how long at most, an answer is waited for; `None`: as long as it takes.
    ends: watch::Sender<Option<(Instant, Duration)>>,
}

impl Shared {
    pub(super) fn money(&self) -> (Budget, Balance) {
        *self.money.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user wants to leave: a database that does not answer is not waited for much longer.
    pub(super) fn hurry(&self) {
        self.ends.send_if_modified(|ends| {
            let is_new = ends.is_none();
            ends.get_or_insert_with(|| (Instant::now(), HURRY));
            is_new
        });
    }

    /// Nothing will be asked any more.
    pub(super) fn close(&self) {
        self.ends.send_replace(Some((Instant::now(), CLOSING)));
    }

    /// Waits until the answer to what was asked at `asked` is waited for no longer.
    async fn patience_ends(&self, asked: Instant) {
        let mut ends = self.ends.subscribe();
        loop {
            let until = ends.borrow_and_update().map(|(since, span)| since.max(asked) + span);
            let Some(until) = until else {
                drop(ends.changed().await);
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                changed = ends.changed() => drop(changed),
            }
        }
    }

    /// Whether nothing may be sent now.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
            || boot_clock() > self.lease_until.load(Ordering::Acquire)
    }
}

/// A worker that has joined.
pub(super) struct Worker {
    pub(super) address: ServerAddress,
    pub(super) id: i64,
    pub(super) campaign: i32,
    pub(super) pot: i64,
    pub(super) shared: Arc<Shared>,
    mark: HighWaterMark,
    client: Option<Client>,
    /// The statement that writes a batch, of this connection.
    pub(super) batch: Option<Statement>,
    /// The number of the last batch that was answered; the first is a random one, so that another
    /// worker, to which a database that forgot this one gave its id, is told from it.
    pub(super) batches: i64,
    /// The failure after which nothing is written any more.
    failed: Option<LedgerError>,
}

impl Worker {
    /// Joins the campaign, which is made if it is new.
    pub(super) async fn join(
        address: &ServerAddress,
        mark: HighWaterMark,
        options: &LedgerOptions<'_>,
    ) -> Result<Self, LedgerError> {
        let shown = || address.shown().to_owned();
        let mut client = first_connection(address).await?;
        is_safe(&client, address).await.map_err(|trouble| unreachable(address, trouble))?;
        migrate(&mut client, address).await.map_err(|trouble| unreachable(address, trouble))?;
        let asked = boot_clock();
        let joined = join(&client, address, options).await;
        let joined = joined.map_err(|trouble| unreachable(address, trouble))?;
        let number = |name: &str| joined.get(name).and_then(Value::as_i64);
        if let Some(who) = joined.get("busy").and_then(Value::as_str) {
            let silent = number("silent_s").unwrap_or_default();
            return Err(ServerError::InUse { holder: who.to_owned(), silent }.into());
        }
        if let Some(left) = number("wire_s") {
            return Err(ServerError::OnTheWire(left).into());
        }
        let (Some(id), Some(campaign), Some(pot), Some(batches)) =
            (number("worker"), number("campaign"), number("pot"), number("batch"))
        else {
            let what = format!("it answered {joined} to a worker that joins");
            return Err(ServerError::Damaged(shown(), what).into());
        };
        let shared = Shared {
            money: Mutex::default(),
            failed: AtomicBool::new(false),
            lease_until: AtomicI64::new(0),
            ends: watch::Sender::new(None),
        };
        let mut worker = Self {
            address: address.clone(),
            id,
            campaign: i32::try_from(campaign).unwrap_or(i32::MAX),
            pot,
            shared: Arc::new(shared),
            mark,
            client: Some(client),
            batch: None,
            batches,
            failed: None,
        };
        worker.renewed(asked);
        failpoint::point("campaign joined");
        let look = worker.retried(async |client, worker| worker.money(client).await).await;
        if let Err(error) = look {
            worker.leave().await;
            return Err(error);
        }
        Ok(worker)
    }

    /// Reads the money, and refuses a database that knows less than it had confirmed.
    async fn money(&self, client: &Client) -> Result<(), Trouble> {
        let sql = "SELECT cap_micro, is_strict, spent, reserved, unconfirmed, attempts, movements \
             FROM pots WHERE id = $1";
        let row =
            client.query_one(sql, &[&self.pot]).await.map_err(|error| self.trouble(&error))?;
        let found = super::rows::Found { row: &row, server: self.address.shown() };
        let budget = Budget { cap: found.usd(0)?, strict: found.get(1)? };
        let balance = found.balance(2)?;
        let known = Known { attempts: found.get(5)?, movements: found.get(6)? };
        let noted = self.mark.noted();
        if !known.covers(noted) {
            return Err(Trouble::Given(self.forgetful(known)));
        }
        self.keep(budget, balance);
        Ok(())
    }

    /// How much the database knows, for a message.
    async fn known(&self, client: &Client) -> Option<Known> {
        let sql = "SELECT attempts, movements FROM pots WHERE id = $1";
        let row = patient(client.query_opt(sql, &[&self.pot])).await.ok()?.ok()?;
        let known = |row: &tokio_postgres::Row| {
            Some(Known { attempts: row.try_get(0).ok()?, movements: row.try_get(1).ok()? })
        };
        row.as_ref().map_or_else(|| Some(Known::default()), known)
    }

    fn forgetful(&self, known: Known) -> ServerError {
        ServerError::Forgetful {
            server: self.address.shown().to_owned(),
            had: self.mark.noted().attempts,
            has: known.attempts,
            mark: self.mark.path().display().to_string(),
        }
    }

    pub(super) fn keep(&self, budget: Budget, balance: Balance) {
        let mut money = self.shared.money.lock().unwrap_or_else(PoisonError::into_inner);
        *money = (budget, balance);
    }

    /// Notes what the database knows now, before anything follows from it.
    pub(super) fn note(&mut self, known: Known) {
        self.mark.note(known);
    }

    /// The lease was renewed by a call that was made at `asked`.
    pub(super) fn renewed(&self, asked: i64) {
        let lease = i64::try_from(OWN_LEASE.as_millis()).unwrap_or(i64::MAX);
        self.shared.lease_until.store(asked + lease, Ordering::Release);
    }

    pub(super) fn trouble(&self, error: &tokio_postgres::Error) -> Trouble {
        Trouble::of(self.address.shown(), error)
    }

    /// Makes a call that writes nothing but what it may write twice, until it is answered.
    pub(super) async fn retried<T>(
        &mut self,
        mut call: impl AsyncFnMut(&mut Client, &mut Self) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let shared = Arc::clone(&self.shared);
        let asked = Instant::now();
        let answer = {
            let tries = self.tries(&mut call);
            tokio::select! {
                biased;
                answer = tries => Some(answer),
                () = shared.patience_ends(asked) => None,
            }
        };
        let answer =
            answer.unwrap_or_else(|| Err(ServerError::Unanswered(self.address.shown().to_owned())));
        answer.map_err(|error| self.fails(error))
    }

    /// Makes a call until it is answered, or will not be done.
    async fn tries<T>(
        &mut self,
        call: &mut impl AsyncFnMut(&mut Client, &mut Self) -> Result<T, Trouble>,
    ) -> Result<T, ServerError> {
        let mut lost = Lost::default();
        loop {
            let mut client = match self.client.take().filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => match connect(&self.address).await {
                    Ok(client) => {
                        self.batch = None;
                        client
                    }
                    // It let us in before: it is not there now, or not ready yet.
                    Err(Trouble::Lost(cause) | Trouble::Given(ServerError::Refused(_, cause))) => {
                        lost.wait(&self.address, &cause).await;
                        continue;
                    }
                    Err(Trouble::Given(error)) => return Err(error),
                },
            };
            match call(&mut client, self).await {
                Ok(value) => {
                    self.client = Some(client);
                    lost.is_over(&self.address);
                    return Ok(value);
                }
                Err(Trouble::Lost(cause)) => lost.wait(&self.address, &cause).await,
                Err(Trouble::Given(ServerError::Forgetful { .. })) => {
                    let known = self.known(&client).await.unwrap_or_default();
                    return Err(self.forgetful(known));
                }
                Err(Trouble::Given(error)) => return Err(error),
            }
        }
    }

    /// From now on nothing is written.
    fn fails(&mut self, error: ServerError) -> LedgerError {
        let error = LedgerError::from(error);
        self.failed = Some(error.clone());
        self.shared.failed.store(true, Ordering::Release);
        error
    }

    /// Renews the lease.
    pub(super) async fn beat(&mut self) -> Result<(), LedgerError> {
        let asked = boot_clock();
        let id = self.id;
        self.retried(async |client, worker| {
            let beat = patient(client.query_one(ENTER, &[&id, &LEASE])).await?;
            let row = beat.map_err(|error| worker.trouble(&error))?;
            worker.is_answered_last(row.get(0))
        })
        .await?;
        self.renewed(asked);
        Ok(())
    }

    /// Refuses a database to which another batch than ours was the last one: it forgot ours, or this
    /// worker, and gave its id to another.
    pub(super) fn is_answered_last(&self, batch: i64) -> Result<(), Trouble> {
        if batch == self.batches {
            return Ok(());
        }
        Err(Trouble::Given(self.forgetful(Known::default())))
    }

    /// Says goodbye, so that others need not wait. Tried once.
    pub(super) async fn leave(&mut self) {
        if let Some(client) = &self.client {
            let sql = "UPDATE workers SET ended = 'left' \
                 WHERE id = $1 AND last_batch = $2 AND ended IS NULL";
            let with: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[&self.id, &self.batches];
            let left = tokio::time::timeout(Duration::from_secs(2), client.execute(sql, with));
            if !matches!(left.await, Ok(Ok(_))) {
                tracing::debug!("{} was not told that this run ends", self.address);
            }
        }
    }
}

/// A database that does not answer.
#[derive(Default)]
struct Lost {
    /// Since when, and when the user was last told.
    since: Option<(Instant, Option<Instant>)>,
    /// How long the last wait was.
    waited: Option<Duration>,
}

impl Lost {
    /// Waits before the next try.
    async fn wait(&mut self, address: &ServerAddress, cause: &str) {
        let now = Instant::now();
        let (since, told) = self.since.get_or_insert((now, None));
        let is_told = told.is_some_and(|told| now - told < WARN_EVERY);
        if now - *since > BACKOFF.1 && !is_told {
            *told = Some(now);
            tracing::warn!(
                "{address} does not answer ({cause}); nothing is submitted until it does"
            );
        }
        let wait = self.waited.map_or(BACKOFF.0, |waited| (waited * 2).min(BACKOFF.1));
        self.waited = Some(wait);
        tokio::time::sleep(wait).await;
    }

    /// It answers again.
    fn is_over(&self, address: &ServerAddress) {
        match self.since {
            Some((_, Some(_))) => tracing::warn!("{address} answers again; the run goes on"),
            Some(_) => tracing::info!("{address} answers again"),
            None => {}
        }
    }
}

/// An answer that does not come is a connection that is gone.
pub(super) async fn patient<T>(answer: impl Future<Output = T>) -> Result<T, Trouble> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .map_err(|_| Trouble::Lost(format!("no answer for {} s", PATIENCE.as_secs())))
}

/// The first connection, which is tried for a while: a server that begins is worth waiting for.
async fn first_connection(address: &ServerAddress) -> Result<Client, LedgerError> {
    let began = tokio::time::Instant::now();
    loop {
        match connect(address).await {
            Ok(client) => return Ok(client),
            Err(Trouble::Lost(_)) if began.elapsed() < FIRST => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Err(trouble) => return Err(unreachable(address, trouble).into()),
        }
    }
}

async fn join(
    client: &Client,
    address: &ServerAddress,
    options: &LedgerOptions<'_>,
) -> Result<Value, Trouble> {
    let trouble = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
    let kind = kind_name(options.kind);
    let places = "SELECT w.place FROM workers AS w JOIN campaigns AS c ON c.id = w.campaign \
         JOIN accounts AS a ON a.id = c.account \
         WHERE a.name = $1 AND a.kind = $2 AND c.name = $3 AND w.ended IS DISTINCT FROM 'left'";
    let places = client.query(places, &[&address.account, &kind, &options.campaign]).await;
    let places = places.map_err(trouble)?.into_iter().map(|row| row.get::<_, String>(0));
    let gone: Vec<String> = places.filter(|place| process::is_gone(place)).collect();
    let id = fresh_id()?;
    let sql = "SELECT join_campaign($1, $2, $3, $4, $5, $6, $7, $8, $9::text::interval, \
         $10::text::interval, $11)::text";
    let who = holder(options.holder, options.at);
    let post_lasts = format!("{} seconds", options.post_lasts.as_secs());
    let row = client
        .query_one(
            sql,
            &[
                &address.account,
                &kind,
                &options.campaign,
                &id,
                &who,
                &process::place(),
                &gone,
                &PROGRAM,
                &LEASE,
                &post_lasts,
                &options.at.as_millis(),
            ],
        )
        .await
        .map_err(trouble)?;
    serde_json::from_str(row.get(0))
        .map_err(|error| Trouble::damaged(address.shown(), error.to_string()))
}

/// An unguessable id for a new campaign.
fn fresh_id() -> Result<String, Trouble> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| Trouble::damaged("this machine", format!("no random numbers: {error}")))?;
    Ok(Secret::from_bytes(bits).reveal())
}
