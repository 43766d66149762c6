//! A ledger in a database as one of several workers sees it, and the calls that go beside commits.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::begin::Beginning;
use super::beside::Beside;
use super::calls::{Call, Reply, answered, serve};
use super::counts::COUNTS;
use super::error::Trouble;
use super::pace::Pace;
use super::rows::Found;
use super::worker::{Worker, patient};
use super::{PostgresLedger, asked};
use crate::domain::shot::Shot;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::{
    Answer, Assigned, Begun, Counts, Entry, Fleet, LedgerError, RevisionId, SlotRequest, Slots,
    Want,
};
use crate::policy::budget::Budget;

/// What does not go behind commits.
pub(super) enum BesideCall {
    Slots(SlotRequest, Reply<Slots>),
    Counts(Reply<Counts>),
}

impl Fleet for PostgresLedger {
    fn begins_run(&self) -> bool {
        self.begins_run
    }

    fn begin(
        &self,
        shots: Option<Arc<[Shot]>>,
        only: Option<Vec<u32>>,
        at: Timestamp,
    ) -> Answer<'_, Begun> {
        let beginning = Beginning { shots, only, identity: self.identity.clone(), at };
        self.ask(|reply| Call::Begin(beginning, reply))
    }

    fn assign(&self, want: Want) -> Answer<'_, Assigned> {
        self.ask(|reply| Call::HandOver(want, reply))
    }

    fn take(&self, revision: RevisionId) -> Answer<'_, Option<Entry>> {
        self.ask(|reply| Call::Take(revision, reply))
    }

    fn slots(&self, request: SlotRequest) -> Answer<'_, Slots> {
        asked(self.beside.as_ref(), |reply| BesideCall::Slots(request, reply))
    }

    fn counts(&self) -> Answer<'_, Counts> {
        asked(self.beside.as_ref(), BesideCall::Counts)
    }

    fn set_paused(&self, paused: bool) -> Answer<'_, ()> {
        self.ask(|reply| Call::SetPaused(paused, reply))
    }

    fn offer_budget(&self, budget: Budget) -> Answer<'_, Budget> {
        self.ask(|reply| Call::OfferBudget(budget, reply))
    }

    fn may_leave(&self, attempt: AttemptId) -> bool {
        self.shared.may_leave(attempt)
    }
}

/// Serves calls until none can come any more, and leaves. Those that go beside commits wait only for
/// those of their own kind.
pub(super) async fn serve_all(
    worker: Worker,
    calls: mpsc::UnboundedReceiver<Call>,
    pace: Pace,
    (counting, campaign): (Beside, i32),
    mut beside: mpsc::UnboundedReceiver<BesideCall>,
) {
    let (slots, slot_calls) = mpsc::unbounded_channel();
    let (counts, count_calls) = mpsc::unbounded_channel();
    let sorted = async move {
        while let Some(call) = beside.recv().await {
            match call {
                BesideCall::Slots(request, reply) => drop(slots.send((request, reply))),
                BesideCall::Counts(reply) => drop(counts.send(reply)),
            }
        }
    };
    let served = async {
        tokio::join!(sorted, serve_slots(pace, slot_calls), count(counting, campaign, count_calls));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = serve(worker, calls) => {}
        () = served => {}
    }
}

async fn serve_slots(
    mut pace: Pace,
    mut calls: mpsc::UnboundedReceiver<(SlotRequest, Reply<Slots>)>,
) {
    while let Some((request, reply)) = calls.recv().await {
        answered(reply, pace.slots(request).await);
    }
}

async fn count(
    mut connection: Beside,
    campaign: i32,
    mut calls: mpsc::UnboundedReceiver<Reply<Counts>>,
) {
    while let Some(reply) = calls.recv().await {
        answered(reply, counts(&mut connection, campaign).await);
    }
}

async fn counts(connection: &mut Beside, campaign: i32) -> Result<Counts, LedgerError> {
    let server = connection.address.shown().to_owned();
    connection
        .retried(async |client| {
            let row = patient(client.query_one(COUNTS, &[&campaign])).await?;
            let row = row.map_err(|error| Trouble::of(&server, &error))?;
            Found { row: &row, server: &server }.counts()
        })
        .await
}
