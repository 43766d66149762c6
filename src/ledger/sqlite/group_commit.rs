//! Group commit: calls that arrive while another batch is being synced share the next transaction
//! and its sync. A batch runs beside the runtime only as long as it takes, so that a paused clock
//! stands still for it. Knows nothing of what the calls do.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::LedgerError;
use super::file_watch::FileWatch;
use super::lock::Lock;
use super::rescue::{Rescued, rescue};
use super::reserve::Reserve;
use super::rows::{MONEY, known, money};
use crate::blocking::Threads;
use crate::domain::money::Usd;
use crate::domain::origin::Origin;
use crate::domain::state::Account;
use crate::failpoint;
use crate::ledger::RunNote;
use crate::ledger::error::is_full;
use crate::ledger::high_water_mark::{HighWaterMark, Known};
use crate::policy::budget::{Balance, Budget};

/// What a call writes with: the batch's transaction.
pub(super) struct Tx<'a> {
    pub conn: &'a Connection,
    /// The ledger, for its errors.
    pub ledger: &'a Path,
    /// Whether the reserve is gone: what was bought is still written, nothing is bought.
    pub reserve_used: bool,
    /// That the file was taken away, if it was: again nothing is bought.
    pub displaced: Option<&'a LedgerError>,
    /// The cap and the money as of this call: read when the batch begins, then kept beside what it
    /// writes, so that not every claim has to read them.
    money: Cell<(Budget, Balance)>,
    /// How much the ledger knows as of this call.
    known: Cell<Known>,
    /// The origin that was looked up last: nearly all attempts of a run have the same.
    origin: RefCell<Option<(Origin, i64)>>,
}

impl Tx<'_> {
    /// The row of an attempt's address and account; made if there is none.
    pub(super) fn origin(&self, origin: &Origin) -> rusqlite::Result<i64> {
        if let Some((last, id)) = &*self.origin.borrow()
            && last == origin
        {
            return Ok(*id);
        }
        let (address, account) = (&*origin.address, &*origin.account);
        let known = "SELECT id FROM origins WHERE address = ?1 AND account = ?2";
        let known =
            self.conn.prepare_cached(known)?.query_row([address, account], |row| row.get(0));
        let id = match known.optional()? {
            Some(id) => id,
            None => self
                .conn
                .prepare_cached("INSERT INTO origins (address, account) VALUES (?1, ?2)")?
                .insert([address, account])?,
        };
        *self.origin.borrow_mut() = Some((origin.clone(), id));
        Ok(id)
    }

    /// The cap and the money as of this call.
    pub(super) fn money(&self) -> (Budget, Balance) {
        self.money.get()
    }

    /// The cap was written.
    pub(super) fn has_budget(&self, budget: Budget) {
        self.money.set((budget, self.money.get().1));
    }

    /// An attempt was written.
    pub(super) fn has_attempt(&self, id: i64) {
        self.known.set(Known { attempts: id, ..self.known.get() });
    }

    /// A movement of money was written, which the ledger's own trigger adds up as well.
    pub(super) fn has_moved(&self, id: i64, account: Account, moved: Usd) {
        let (budget, mut balance) = self.money.get();
        match account {
            Account::Spent => balance.spent += moved,
            Account::Reserved => balance.reserved += moved,
            Account::Unconfirmed => balance.unconfirmed += moved,
            Account::Released => {}
        }
        self.money.set((budget, balance));
        self.known.set(Known { movements: id, ..self.known.get() });
    }
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// It cannot be; it wrote nothing, and the other calls go on.
    Refused(LedgerError),
    /// The file failed; no call can be done.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// A call in the queue: its work, which is done again when a batch is, and where its answer goes.
trait Call: Send {
    fn work(&mut self, tx: &Tx<'_>) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, batch: Result<(), LedgerError>);
}

struct Pending<T, W> {
    work: W,
    done: Option<Result<T, LedgerError>>,
    caller: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, W> Call for Pending<T, W>
where
    T: Send,
    W: FnMut(&Tx<'_>) -> Result<T, Fault> + Send,
{
    fn work(&mut self, tx: &Tx<'_>) -> rusqlite::Result<()> {
        self.done = Some(match (self.work)(tx) {
            Ok(value) => Ok(value),
            Err(Fault::Refused(error)) => Err(error),
            Err(Fault::Sql(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, batch: Result<(), LedgerError>) {
        let Self { done, caller, .. } = *self;
        let never = || Err(LedgerError::defect("a call was not made"));
        let answer = batch.and_then(|()| done.unwrap_or_else(never));
        // The caller may have gone; what it asked for is done all the same.
        drop(caller.send(answer));
    }
}

type Batch = Vec<Box<dyn Call>>;

/// An open ledger and the calls that wait for it.
pub(super) struct GroupCommit {
    path: PathBuf,
    threads: Threads,
    queue: Mutex<Queue>,
    file: Mutex<OpenFile>,
    /// As of the last batch.
    money: Mutex<(Budget, Balance)>,
    /// Whether a batch could not be written, known before those that wait for it are told.
    failed: AtomicBool,
    /// Last, so that the file is closed before another process may open it.
    lock: Lock,
}

#[derive(Default)]
struct Queue {
    waiting: Batch,
    /// Whether a batch is being written or about to be.
    served: bool,
}

/// The file and what is kept beside it; one batch at a time works with it.
struct OpenFile {
    path: PathBuf,
    conn: Connection,
    reserve: Option<Reserve>,
    mark: HighWaterMark,
    /// How much the ledger knows.
    known: Known,
    watch: FileWatch,
    /// Where the ledger went; `conn` is open on the copy that was saved.
    displaced: Option<LedgerError>,
    /// The failure after which the file is not touched any more.
    failed: Option<LedgerError>,
    #[cfg(debug_assertions)]
    relief: Relief,
}

/// What a test does where giving up the reserve would make room.
#[cfg(debug_assertions)]
pub(super) type Relief = Option<Box<dyn FnMut(&Connection) + Send>>;

impl GroupCommit {
    pub(super) fn new(
        path: PathBuf,
        threads: Threads,
        conn: Connection,
        reserve: Reserve,
        mut mark: HighWaterMark,
        lock: Lock,
    ) -> rusqlite::Result<Self> {
        let now = conn.query_row(MONEY, [], money)?;
        let known = known(&conn)?;
        mark.note(known);
        let file = OpenFile {
            path: path.clone(),
            conn,
            reserve: Some(reserve),
            mark,
            known,
            watch: FileWatch::over(&path),
            displaced: None,
            failed: None,
            #[cfg(debug_assertions)]
            relief: None,
        };
        Ok(Self {
            path,
            threads,
            queue: Mutex::default(),
            file: Mutex::new(file),
            money: Mutex::new(now),
            failed: AtomicBool::new(false),
            lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The cap and the money as of the last batch.
    pub(super) fn money(&self) -> (Budget, Balance) {
        *locked(&self.money)
    }

    /// Whether a batch could not be written.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Says how the run stands. Blocking.
    pub(super) fn tell(&self, note: &RunNote) {
        self.lock.tell(note);
    }

    /// Has `work` done in a transaction shared with other calls; durable when this returns. Once
    /// this was polled the work is done, even if the caller has gone. `work` may be run
    /// again after all it wrote was rolled back.
    pub(super) async fn ask<T, W>(self: &Arc<Self>, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnMut(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let ending = || LedgerError::Ending(self.path.clone());
        let runtime = Handle::try_current().map_err(|_| ending())?;
        let (caller, answer) = oneshot::channel();
        let call = Box::new(Pending { work, done: None, caller });
        let idle = {
            let mut queue = locked(&self.queue);
            queue.waiting.push(call);
            !std::mem::replace(&mut queue.served, true)
        };
        if idle {
            serve(Turn(Some(Arc::clone(self))), &runtime);
        }
        answer.await.unwrap_or_else(|_| Err(ending()))
    }

    #[cfg(debug_assertions)]
    pub(super) fn between_batches(&self, act: impl FnOnce(&Connection, &mut Relief)) {
        let OpenFile { conn, relief, .. } = &mut *locked(&self.file);
        act(conn, relief);
    }

    /// Writes one batch; says at last whether another one waits, which the caller must then write.
    fn batch(&self) -> (Batch, Result<(), LedgerError>, bool) {
        let mut file = locked(&self.file);
        let mut batch = std::mem::take(&mut locked(&self.queue).waiting);
        let written = file.write(&mut batch);
        self.failed.fetch_or(written.is_err(), Ordering::AcqRel);
        drop(file);
        let outcome = written.map(|money| *locked(&self.money) = money);
        let mut queue = locked(&self.queue);
        queue.served = !queue.waiting.is_empty();
        (batch, outcome, queue.served)
    }
}

/// The duty to write the next batch. Dropped before that, when the runtime ends, it tells all callers
/// so by dropping their calls.
struct Turn(Option<Arc<GroupCommit>>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(commits) = &self.0 {
            // The calls are dropped when the queue is no longer locked.
            let _unserved = std::mem::take(&mut *locked(&commits.queue));
        }
    }
}

fn serve(mut turn: Turn, runtime: &Handle) {
    let again = runtime.clone();
    let Some(threads) = turn.0.as_ref().map(|commits| commits.threads) else { return };
    let served = threads.begin(runtime, move || {
        let Some(commits) = &turn.0 else { return };
        let (batch, outcome, more) = commits.batch();
        let commits = turn.0.take();
        if more {
            serve(Turn(commits), &again);
        } else {
            // Before the callers are answered: the one that drops the last handle frees the run lock.
            drop(commits);
        }
        for call in batch {
            call.answer(outcome.clone());
        }
    });
    drop(served);
}

impl OpenFile {
    /// Writes a batch as one transaction, giving up the reserve if that is what it takes.
    fn write(&mut self, batch: &mut Batch) -> Result<(Budget, Balance), LedgerError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let written = self.try_to_write(batch);
        if let Err(error) = &written {
            self.failed = Some(error.clone());
        }
        written
    }

    fn try_to_write(&mut self, batch: &mut Batch) -> Result<(Budget, Balance), LedgerError> {
        // Its file is not there any more: what it knows is saved.
        if self.displaced.is_none()
            && let Some(loss) = self.watch.loss()
        {
            let Rescued { conn, error } = rescue(&self.conn, &self.path, loss)?;
            self.conn = conn;
            self.displaced = Some(error);
        }
        let mut written = self.transact(batch);
        if written.as_ref().is_err_and(is_full)
            && let Some(reserve) = self.reserve.take()
            && reserve.give_up().is_ok()
        {
            tracing::warn!("the disk is full: the reserve of {} is given up", self.path.display());
            #[cfg(debug_assertions)]
            if let Some(relief) = &mut self.relief {
                relief(&self.conn);
            }
            written = self.transact(batch);
        }
        let (money, known) = written.map_err(|error| LedgerError::of(&self.path, &error))?;
        // Before a caller is answered, so that no POST leaves that is not noted.
        self.known = known;
        self.mark.note(known);
        Ok(money)
    }

    fn transact(&mut self, batch: &mut Batch) -> rusqlite::Result<((Budget, Balance), Known)> {
        let transaction = Transaction::new(&mut self.conn, TransactionBehavior::Immediate)?;
        let tx = Tx {
            conn: &transaction,
            ledger: &self.path,
            reserve_used: self.reserve.is_none(),
            displaced: self.displaced.as_ref(),
            money: Cell::new(transaction.prepare_cached(MONEY)?.query_row([], money)?),
            known: Cell::new(self.known),
            origin: RefCell::new(None),
        };
        for call in batch {
            call.work(&tx)?;
        }
        let (now, known) = (tx.money(), tx.known.get());
        debug_assert_eq!(now, transaction.query_row(MONEY, [], money)?);
        debug_assert_eq!(known, super::rows::known(&transaction)?);
        failpoint::point("batch not yet committed");
        transaction.commit()?;
        failpoint::point("batch committed");
        Ok((now, known))
    }
}

/// A panic while the lock was held leaves nothing half done that the next holder could see: the
/// transaction is rolled back by then.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
