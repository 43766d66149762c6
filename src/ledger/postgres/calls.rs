//! The calls of a ledger, as a queue to the thread that holds the connection.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::encode::{self, answer};
use super::error::Trouble;
use super::process::boot_clock;
use super::record::record;
use super::worker::{BEAT, LEASE, Worker, patient};
use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::failpoint;
use crate::ledger::{
    Assign, CallbackSubscription, Commit, Committed, EarlierTask, Entry, Identity, LedgerError,
    Note, ReservedAttempt, RevisionId, StoredAttempt, StoredRequest,
};
use crate::policy::budget::Budget;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// What is asked of the ledger.
pub(super) enum Call {
    Commit(Arc<Vec<Commit>>, Reply<Committed>),
    Record(Arc<[Shot]>, Identity, Timestamp, Reply<Vec<Entry>>),
    Assign(Assign, Reply<Vec<Entry>>),
    Subscriptions(Reply<Vec<CallbackSubscription>>),
    KnowsTask(TaskId, Reply<bool>),
    Reserved(RevisionId, Reply<Vec<ReservedAttempt>>),
    Attempts(RevisionId, Reply<Vec<StoredAttempt>>),
    EarlierTasks(Reply<Vec<EarlierTask>>),
    MayHaveClip(RevisionId, Reply<bool>),
    Request(RevisionId, Reply<StoredRequest>),
    SetBudget(Budget, Reply<()>),
    Note(Note, Reply<()>),
}

/// Serves calls in their order until none can come any more, and leaves.
pub(super) async fn serve(mut worker: Worker, mut calls: mpsc::UnboundedReceiver<Call>) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            call = calls.recv() => match call {
                Some(call) => worker.serve(call).await,
                None => break,
            },
            // What fails here fails the next call too, which has a caller to be told.
            _ = beat.tick() => drop(worker.beat().await),
        }
    }
    worker.leave().await;
}

impl Worker {
    async fn serve(&mut self, call: Call) {
        match call {
            Call::Commit(batch, reply) => answered(reply, self.commit(&batch).await),
            Call::Record(shots, identity, at, reply) => {
                let recorded = self.retried(async |client, worker| {
                    record(client, worker, &shots, &identity, at).await
                });
                answered(reply, recorded.await);
            }
            Call::Assign(which, reply) => {
                let read =
                    async |client: &mut _, worker: &mut Self| worker.assign(client, which).await;
                answered(reply, self.retried(read).await);
            }
            Call::Subscriptions(reply) => {
                let read =
                    async |client: &mut _, worker: &mut Self| worker.subscriptions(client).await;
                answered(reply, self.retried(read).await);
            }
            Call::KnowsTask(task, reply) => {
                let read = async |client: &mut _, worker: &mut Self| {
                    worker.knows_task(client, &task).await
                };
                answered(reply, self.retried(read).await);
            }
            Call::Reserved(revision, reply) => {
                let read = async |client: &mut _, worker: &mut Self| {
                    worker.reserved_attempts(client, revision).await
                };
                answered(reply, self.retried(read).await);
            }
            Call::Attempts(revision, reply) => {
                let read = async |client: &mut _, worker: &mut Self| {
                    worker.attempts(client, revision).await
                };
                answered(reply, self.retried(read).await);
            }
            Call::EarlierTasks(reply) => {
                let read =
                    async |client: &mut _, worker: &mut Self| worker.earlier_tasks(client).await;
                answered(reply, self.retried(read).await);
            }
            Call::MayHaveClip(revision, reply) => {
                let read = async |client: &mut _, worker: &mut Self| {
                    worker.may_have_clip(client, revision).await
                };
                answered(reply, self.retried(read).await);
            }
            Call::Request(revision, reply) => {
                let read = async |client: &mut _, worker: &mut Self| {
                    worker.request(client, revision).await
                };
                answered(reply, self.retried(read).await);
            }
            Call::SetBudget(budget, reply) => {
                let write = async |client: &mut _, worker: &mut Self| {
                    worker.set_budget(client, budget).await
                };
                let done = self.retried(write).await;
                if done.is_ok() {
                    let (_, balance) = self.shared.money();
                    self.keep(budget, balance);
                }
                answered(reply, done);
            }
            Call::Note(note, reply) => {
                let write =
                    async |client: &mut _, worker: &mut Self| worker.keep_note(client, &note).await;
                answered(reply, self.retried(write).await);
            }
        }
    }

    /// The statement that writes a batch, prepared once for a connection.
    async fn batch_statement(&mut self, client: &Client) -> Result<Statement, Trouble> {
        if let Some(statement) = &self.batch {
            return Ok(statement.clone());
        }
        let sql = "SELECT batch($1, $2, $3::text::interval, $4::text::jsonb)";
        let statement = patient(client.prepare(sql)).await?;
        let statement = statement.map_err(|error| self.trouble(&error))?;
        Ok(self.batch.insert(statement).clone())
    }

    /// Writes a batch, once, however often it must be sent.
    async fn commit(&mut self, batch: &[Commit]) -> Result<Committed, LedgerError> {
        let text = encode::batch(batch);
        let number = self.batches + 1;
        let mut asked = boot_clock();
        let written = self
            .retried(async |client, worker| {
                asked = boot_clock();
                failpoint::point("batch about to be sent");
                let statement = worker.batch_statement(client).await?;
                let with: [&(dyn ToSql + Sync); 4] = [&worker.id, &number, &LEASE, &text];
                let row = patient(client.query_one(&statement, &with)).await?;
                let row = row.map_err(|error| worker.trouble(&error))?;
                failpoint::point("batch answered");
                answer(worker.address.shown(), row.get(0), batch.len())
            })
            .await?;
        self.batches = number;
        self.renewed(asked);
        self.keep(written.budget, written.committed.balance);
        self.note(written.known);
        Ok(written.committed)
    }
}

/// The caller may have gone; what it asked for is done all the same.
fn answered<T>(reply: Reply<T>, answer: Result<T, LedgerError>) {
    drop(reply.send(answer));
}
