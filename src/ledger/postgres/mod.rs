//! The ledger in a `PostgreSQL` database: one campaign that any machine can go on with.
//!
//! The tables are in `schema/*.sql`, what changes them in `schema/functions/*.sql`; both may be looked
//! into with `psql`, also during a run: the views `results` and `spend` are for people.
//!
//! A batch of commits is one statement that commits by itself and has a number. When the connection
//! breaks, the worker does not know what became of it, connects anew, and sends the same batch with
//! the same number: the database answers as it did, if it had written it. Nothing follows from a
//! commit before that answer. A database that knows less than it had confirmed is refused, now and at
//! the next run, which goes by the note beside the clips.
//!
//! Several workers may work on a campaign. Each has a lease that it renews every second; one that was
//! silent for 30 s is given up by the others, which take what it had in its hands. When it comes back it
//! joins anew under another number, and what it says of its own requests is kept.

mod account;
mod address;
mod apart;
mod begin;
mod beside;
mod calls;
mod connect;
mod counts;
mod encode;
mod error;
mod fleet;
mod hand_over;
mod joining;
mod lost;
mod pace;
mod process;
mod queries;
mod reading;
mod record;
mod rows;
mod schema;
mod server_clock;
mod shared;
mod snapshot;
mod spending;
mod timings;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};

use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::policy::budget::{Balance, Budget};

use super::high_water_mark::HighWaterMark;
use super::{
    Answer, Assign, CallbackSubscription, Commit, Committed, EarlierTask, Entry, Fleet, Identity,
    Kind, Ledger, LedgerError, LedgerOptions, Note, ReservedAttempt, RevisionId, Snapshot,
    StoredAttempt, StoredRequest,
};
use apart::{apart, runtime};
use beside::Beside;
use calls::{Call, Reply};
use fleet::{BesideCall, serve_all};
use pace::Pace;
use shared::Shared;
use worker::{Entered, Worker};

pub use account::{account, change_account};
pub use address::{BadServerAddress, ServerAddress};
pub use error::ServerError;
pub use snapshot::PostgresSnapshot;

/// A campaign's ledger in a database, open for writing: a worker that has joined. It leaves when this
/// is dropped.
pub struct PostgresLedger {
    address: ServerAddress,
    campaign: String,
    identity: Identity,
    shared: Arc<Shared>,
    /// Whether a run of the campaign began with it.
    begins_run: bool,
    /// `None` while it is dropped.
    calls: Option<mpsc::UnboundedSender<Call>>,
    /// What does not go behind commits.
    beside: Option<mpsc::UnboundedSender<BesideCall>>,
    thread: Option<JoinHandle<()>>,
}

impl PostgresLedger {
    /// Joins the campaign, which is made if it is new. `beside` is what the note of how much the
    /// database knew lies beside (`….mark`). Blocking.
    ///
    /// # Errors
    /// When the database cannot be reached, refuses, is not safe, is newer than this program, knows
    /// less than it did, or another worker renders another text of the manifest.
    pub fn open(
        address: &ServerAddress,
        beside: &Path,
        options: &LedgerOptions<'_>,
    ) -> Result<Self, LedgerError> {
        if options.kind == Kind::Simulator {
            return Err(ServerError::Rehearsal.into());
        }
        let mark = HighWaterMark::of(beside)?;
        let (runtime, entered) = apart(|| {
            let runtime = runtime()?;
            let entered = runtime.block_on(Worker::join(address, mark, options))?;
            Ok((runtime, entered))
        })?;
        let Entered { worker, begins_run, is_alone } = entered;
        let shared = Arc::clone(&worker.shared);
        let connection = || Beside::new(address.clone(), Arc::clone(&shared));
        let (pace, counting) = (Pace::new(connection(), is_alone), connection());
        let campaign = worker.campaign;
        let (sender, calls) = mpsc::unbounded_channel();
        let (beside_sender, beside_calls) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                runtime.block_on(serve_all(
                    worker,
                    calls,
                    pace,
                    (counting, campaign),
                    beside_calls,
                ));
            })
            .map_err(|error| LedgerError::defect(format!("no thread: {error}")))?;
        Ok(Self {
            address: address.clone(),
            campaign: options.campaign.to_owned(),
            identity: options.identity.clone(),
            shared,
            begins_run,
            calls: Some(sender),
            beside: Some(beside_sender),
            thread: Some(thread),
        })
    }

    /// Puts a call into the queue and waits for its answer. Once this was polled the call is made,
    /// even if the caller has gone.
    fn ask<T: Send + 'static>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Answer<'_, T> {
        asked(self.calls.as_ref(), call)
    }
}

/// Sends a call and waits for its answer.
fn asked<'a, C: Send + 'a, T: Send + 'static>(
    calls: Option<&mpsc::UnboundedSender<C>>,
    call: impl FnOnce(Reply<T>) -> C,
) -> Answer<'a, T> {
    let (reply, answer) = oneshot::channel();
    let ending = || LedgerError::defect("the ledger is closed");
    let sent = calls.map(|calls| calls.send(call(reply)).is_ok());
    async move {
        match sent {
            Some(true) => answer.await.unwrap_or_else(|_| Err(ending())),
            _ => Err(ending()),
        }
    }
    .boxed()
}

impl Drop for PostgresLedger {
    fn drop(&mut self) {
        (self.calls, self.beside) = (None, None);
        self.shared.close();
        // It says goodbye, which takes two seconds at most.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Ledger for PostgresLedger {
    fn budget(&self) -> Budget {
        self.shared.money().0
    }

    fn balance(&self) -> Balance {
        self.shared.money().1
    }

    fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }

    fn hurry(&self) {
        self.shared.hurry();
    }

    fn fleet(&self) -> Option<&dyn Fleet> {
        Some(self)
    }

    fn note(&self, note: Note) -> Answer<'_, ()> {
        self.ask(|reply| Call::Note(note, reply))
    }

    fn set_budget(&self, budget: Budget) -> Answer<'_, ()> {
        self.ask(|reply| Call::SetBudget(budget, reply))
    }

    fn record(&self, shots: Arc<[Shot]>, at: Timestamp) -> Answer<'_, Vec<Entry>> {
        self.ask(|reply| Call::Record(shots, self.identity.clone(), at, reply))
    }

    fn assign(&self, which: Assign) -> Answer<'_, Vec<Entry>> {
        self.ask(|reply| Call::Assign(which, reply))
    }

    fn subscriptions(&self) -> Answer<'_, Vec<CallbackSubscription>> {
        self.ask(Call::Subscriptions)
    }

    fn commit(&self, batch: Arc<Vec<Commit>>) -> Answer<'_, Committed> {
        self.ask(|reply| Call::Commit(batch, reply))
    }

    fn knows_task<'a>(&'a self, task: &'a TaskId) -> Answer<'a, bool> {
        self.ask(|reply| Call::KnowsTask(task.clone(), reply))
    }

    fn reserved_attempts(&self, revision: RevisionId) -> Answer<'_, Vec<ReservedAttempt>> {
        self.ask(|reply| Call::Reserved(revision, reply))
    }

    fn attempts(&self, revision: RevisionId) -> Answer<'_, Vec<StoredAttempt>> {
        self.ask(|reply| Call::Attempts(revision, reply))
    }

    fn earlier_tasks(&self) -> Answer<'_, Vec<EarlierTask>> {
        self.ask(Call::EarlierTasks)
    }

    fn may_have_clip(&self, revision: RevisionId) -> Answer<'_, bool> {
        self.ask(|reply| Call::MayHaveClip(revision, reply))
    }

    fn request(&self, revision: RevisionId) -> Answer<'_, StoredRequest> {
        self.ask(|reply| Call::Request(revision, reply))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        Ok(Box::new(PostgresSnapshot::open(&self.address, &self.campaign, true)?))
    }
}
