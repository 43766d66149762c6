//! The worker: joins a campaign, holds its lease, and does one call after the other on one connection.
//! A connection that breaks is made again, and the call with it: what became of it is not known, and
//! every call may be made twice (a batch by its number).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Statement};

use super::address::ServerAddress;
use super::connect::{connect, is_safe, unreachable};
use super::error::{ServerError, Trouble};
use super::joining::{Former, Joined, Joining};
use super::lost::Lost;
use super::process::boot_clock;
use super::schema::migrate;
use super::shared::Shared;
use super::timings::TIMINGS;
use crate::failpoint;
use crate::ledger::high_water_mark::{HighWaterMark, Known};
use crate::ledger::{LedgerError, LedgerOptions};
use crate::policy::budget::Budget;

/// Renews the lease, and tells which batch was the last one.
pub(super) const ENTER: &str = "SELECT last_batch FROM enter($1, $2::text::interval)";
/// How often the lease is renewed while nothing is written.
pub(super) const BEAT: Duration = Duration::from_secs(1);
/// How long the first connection is tried for.
const FIRST: Duration = Duration::from_secs(10);
/// How long an answer may take before the connection counts as broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// A worker that has joined.
pub(super) struct Worker {
    pub(super) address: ServerAddress,
    pub(super) id: i64,
    pub(super) campaign: i32,
    pub(super) pot: i64,
    pub(super) shared: Arc<Shared>,
    pub(super) joining: Joining,
    mark: HighWaterMark,
    client: Option<Client>,
    /// The statement that writes a batch, of this connection.
    pub(super) batch: Option<Statement>,
    /// The number of the last batch that was answered; the first is a random one, so that another
    /// worker, to which a database that forgot this one gave its id, is told from it.
    pub(super) batches: i64,
    /// The answer of the batch that was sent under the number that was given up, if it was done then.
    pub(super) answered_before: Option<String>,
    /// So many answers told what is handed over.
    pub(super) assignments: i64,
    /// Where those work of whom nothing was heard for some seconds.
    pub(super) silent: Vec<String>,
    /// The failure after which nothing is written any more.
    failed: Option<LedgerError>,
}

/// What a new worker has to begin with.
pub(super) struct Entered {
    pub(super) worker: Worker,
    /// See [`Joined::begins_run`].
    pub(super) begins_run: bool,
    /// See [`Joined::is_alone`].
    pub(super) is_alone: bool,
}

impl Worker {
    /// Joins the campaign, which is made if it is new.
    pub(super) async fn join(
        address: &ServerAddress,
        mark: HighWaterMark,
        options: &LedgerOptions<'_>,
    ) -> Result<Entered, LedgerError> {
        let mut client = first_connection(address).await?;
        is_safe(&client, address).await.map_err(|trouble| unreachable(address, trouble))?;
        migrate(&mut client, address).await.map_err(|trouble| unreachable(address, trouble))?;
        let asked = boot_clock();
        let joining = Joining::new(address, options);
        let joined = joining.join(&client, None).await;
        let joined = joined.map_err(|trouble| unreachable(address, trouble))?;
        let Joined { begins_run, is_alone, .. } = joined;
        let mut worker = Self {
            address: address.clone(),
            id: joined.worker,
            campaign: joined.campaign,
            pot: joined.pot,
            shared: Arc::new(Shared::new(joined.worker)),
            joining,
            mark,
            client: Some(client),
            batch: None,
            batches: joined.batches,
            answered_before: None,
            assignments: 0,
            silent: Vec::new(),
            failed: None,
        };
        worker.shared.renewed(asked);
        failpoint::point("campaign joined");
        let look = worker.retried(async |client, worker| worker.money(client).await).await;
        if let Err(error) = look {
            worker.leave().await;
            return Err(error);
        }
        Ok(Entered { worker, begins_run, is_alone })
    }

    /// Joins anew under another number: it was given up. What it had in its hands and no other took is
    /// in its hands again.
    async fn join_anew(&mut self, client: &Client) -> Result<(), Trouble> {
        tracing::warn!(
            "{} gave this worker up because nothing was heard of it for too long; it joins anew",
            self.address
        );
        let asked = boot_clock();
        let former = Former { worker: self.id, batches: self.batches };
        let joined = patient(self.joining.join(client, Some(former))).await??;
        self.id = joined.worker;
        self.batches = joined.batches;
        self.answered_before = joined.answer;
        self.shared.joined_anew(joined.worker);
        self.shared.renewed(asked);
        Ok(())
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
        self.admit(known)?;
        self.shared.keep(budget, balance);
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

    /// Refuses a database that knows less than this worker had heard from it, also of others.
    pub(super) fn admit(&self, known: Known) -> Result<(), Trouble> {
        if known.covers(self.mark.noted()) {
            return Ok(());
        }
        Err(Trouble::Given(self.forgetful(known)))
    }

    fn forgetful(&self, known: Known) -> ServerError {
        ServerError::Forgetful {
            server: self.address.shown().to_owned(),
            had: self.mark.noted().attempts,
            has: known.attempts,
            mark: self.mark.path().display().to_string(),
        }
    }

    /// Notes what the database knows now, before anything follows from it.
    pub(super) fn note(&mut self, known: Known) {
        self.mark.note(known);
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
                None => match lost.connect(&self.address).await? {
                    Some(client) => {
                        self.batch = None;
                        client
                    }
                    None => continue,
                },
            };
            match call(&mut client, self).await {
                Ok(value) => {
                    self.client = Some(client);
                    lost.is_over(&self.address);
                    return Ok(value);
                }
                Err(Trouble::Lost(cause)) => lost.wait(&self.address, &cause).await,
                Err(Trouble::Given(ServerError::GivenUp(_))) => {
                    match self.join_anew(&client).await {
                        Ok(()) => self.client = Some(client),
                        Err(Trouble::Lost(cause)) => lost.wait(&self.address, &cause).await,
                        Err(Trouble::Given(ServerError::Forgetful { .. })) => {
                            let known = self.known(&client).await.unwrap_or_default();
                            return Err(self.forgetful(known));
                        }
                        Err(Trouble::Given(error)) => return Err(error),
                    }
                }
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
        self.shared.fail();
        error
    }

    /// Renews the lease.
    pub(super) async fn beat(&mut self) -> Result<(), LedgerError> {
        let mut asked = boot_clock();
        self.retried(async |client, worker| {
            asked = boot_clock();
            let beat = patient(client.query_one(ENTER, &[&worker.id, &TIMINGS.lease])).await?;
            let row = beat.map_err(|error| worker.trouble(&error))?;
            worker.is_answered_last(row.get(0))
        })
        .await?;
        self.shared.renewed(asked);
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

    /// Says goodbye, so that others need not wait, and gives everything back. Tried once.
    pub(super) async fn leave(&mut self) {
        if let Some(client) = &self.client {
            let with: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[&self.id, &self.batches];
            let left = client.execute("SELECT leave($1, $2)", with);
            let left = tokio::time::timeout(Duration::from_secs(2), left);
            if !matches!(left.await, Ok(Ok(_))) {
                tracing::debug!("{} was not told that this run ends", self.address);
            }
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
