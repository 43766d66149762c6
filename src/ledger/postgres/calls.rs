//! The calls of a ledger, as a queue to the thread that holds the connection.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::begin::{Beginning, begin};
use super::encode::{self, Answered, answer};
use super::error::Trouble;
use super::process::boot_clock;
use super::record::record;
use super::timings::TIMINGS;
use super::worker::{BEAT, Worker, patient};
use crate::domain::outcome::TaskId;
use crate::domain::shot::Shot;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::failpoint;
use crate::ledger::{
    Assign, Assigned, Begun, CallbackSubscription, Change, Commit, Committed, EarlierTask, Entry,
    Identity, LedgerError, Note, ReservedAttempt, RevisionId, StoredAttempt, StoredRequest,
    Verdict, Want,
};
use crate::policy::budget::Budget;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// What is asked of the ledger.
pub(super) enum Call {
    Commit(Arc<Vec<Commit>>, Reply<Committed>),
    Record(Arc<[Shot]>, Identity, Timestamp, Reply<Vec<Entry>>),
    Assign(Assign, Reply<Vec<Entry>>),
    Begin(Beginning, Reply<Begun>),
    HandOver(Want, Reply<Assigned>),
    Take(RevisionId, Reply<Option<Entry>>),
    SetPaused(bool, Reply<()>),
    Subscriptions(Reply<Vec<CallbackSubscription>>),
    KnowsTask(TaskId, Reply<bool>),
    Reserved(RevisionId, Reply<Vec<ReservedAttempt>>),
    Attempts(RevisionId, Reply<Vec<StoredAttempt>>),
    EarlierTasks(Reply<Vec<EarlierTask>>),
    MayHaveClip(RevisionId, Reply<bool>),
    Request(RevisionId, Reply<StoredRequest>),
    SetBudget(Budget, Reply<()>),
    OfferBudget(Budget, Reply<Budget>),
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
            Call::Begin(beginning, reply) => {
                let begun =
                    self.retried(async |client, worker| begin(client, worker, &beginning).await);
                answered(reply, begun.await);
            }
            Call::HandOver(want, reply) => answered(reply, self.hand_over(&want).await),
            Call::Take(revision, reply) => {
                let take =
                    async |client: &mut _, worker: &mut Self| worker.take(client, revision).await;
                answered(reply, self.retried(take).await);
            }
            Call::SetPaused(paused, reply) => {
                let write = async |client: &mut _, worker: &mut Self| {
                    worker.set_paused(client, paused).await
                };
                answered(reply, self.retried(write).await);
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
                    self.shared.keep(budget, balance);
                }
                answered(reply, done);
            }
            Call::OfferBudget(budget, reply) => {
                let write = async |client: &mut _, worker: &mut Self| {
                    worker.offer_budget(client, budget).await
                };
                let done = self.retried(write).await;
                if let Ok(holds) = &done {
                    let (_, balance) = self.shared.money();
                    self.shared.keep(*holds, balance);
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
        let sql = "SELECT batch($1, $2, $3::text::interval, $4, $5::text::jsonb)";
        let statement = patient(client.prepare(sql)).await?;
        let statement = statement.map_err(|error| self.trouble(&error))?;
        Ok(self.batch.insert(statement).clone())
    }

    /// Writes a batch, once, however often it must be sent, and under however many numbers.
    async fn commit(&mut self, batch: &[Commit]) -> Result<Committed, LedgerError> {
        let (text, moves) = (encode::batch(batch), encode::moves(batch));
        let mut asked = boot_clock();
        let written = self
            .retried(async |client, worker| {
                if let Some(told) = worker.answered_before.clone() {
                    let told = answer(worker.address.shown(), &told, batch.len())?;
                    let told = worker.still_held(client, told, batch).await?;
                    worker.answered_before = None;
                    return Ok((told, None));
                }
                asked = boot_clock();
                failpoint::point("batch about to be sent");
                let statement = worker.batch_statement(client).await?;
                let number = worker.batches + 1;
                let with: [&(dyn ToSql + Sync); 5] =
                    [&worker.id, &number, &TIMINGS.lease, &moves, &text];
                let row = patient(client.query_one(&statement, &with)).await?;
                let row = row.map_err(|error| worker.trouble(&error))?;
                failpoint::point("batch answered");
                let told = answer(worker.address.shown(), row.get(0), batch.len())?;
                // Before anything follows from it.
                worker.admit(told.known)?;
                Ok((told, Some(number)))
            })
            .await;
        self.answered_before = None;
        let (written, number) = written?;
        if let Some(number) = number {
            self.batches = number;
            self.shared.renewed(asked);
            self.keep_claims(batch, &written.committed.verdicts);
        }
        self.shared.keep(written.budget, written.committed.balance);
        self.note(written.known);
        Ok(written.committed)
    }

    /// The answer of a batch that was written before this worker was given up: a claim in it counts only
    /// as far as the revision is still in its hands.
    async fn still_held(
        &self,
        client: &Client,
        mut told: Answered,
        batch: &[Commit],
    ) -> Result<Answered, Trouble> {
        let claims = batch.iter().filter_map(|commit| claimed(commit).map(|revision| revision.0));
        let claims: Vec<i64> = claims.collect();
        let sql = "SELECT id FROM revisions WHERE id = ANY ($1) AND worker = $2";
        let rows = patient(client.query(sql, &[&claims, &self.id])).await?;
        let rows = rows.map_err(|error| self.trouble(&error))?;
        let held: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        for (verdict, commit) in told.committed.verdicts.iter_mut().zip(batch) {
            let is_lost = claimed(commit).is_some_and(|revision| !held.contains(&revision.0));
            if is_lost && matches!(verdict, Verdict::Claimed(_)) {
                *verdict = Verdict::Gone;
            }
        }
        Ok(told)
    }

    /// Keeps what was claimed, until its answer is written.
    fn keep_claims(&self, batch: &[Commit], verdicts: &[Verdict]) {
        let claims = batch.iter().zip(verdicts).filter(|(commit, _)| claimed(commit).is_some());
        let new: Vec<_> = claims
            .filter_map(|(_, verdict)| match verdict {
                Verdict::Claimed(attempt) => Some(*attempt),
                _ => None,
            })
            .collect();
        let answered: Vec<_> = batch
            .iter()
            .filter_map(|commit| match &commit.change {
                Change::Transition { transition, .. } => transition.change.as_ref(),
                _ => None,
            })
            .map(|change| change.attempt)
            .collect();
        self.shared.claimed(&new, &answered);
    }
}

/// Which revision a commit claims, if it claims one.
const fn claimed(commit: &Commit) -> Option<RevisionId> {
    match &commit.change {
        Change::Transition { revision, transition, attempt: Some(_), .. }
            if matches!(transition.to.state, State::Submitting { .. }) =>
        {
            Some(*revision)
        }
        _ => None,
    }
}

/// The caller may have gone; what it asked for is done all the same.
pub(super) fn answered<T>(reply: Reply<T>, answer: Result<T, LedgerError>) {
    drop(reply.send(answer));
}
