//! What the user says of shots in doubt, by a look into the gateway's books.

use std::time::Duration;

use rushes::domain::outcome::TaskId;
use rushes::domain::state::{OnDoubt, RecoveredTask, Resolution, Rules, ShotEvent, State};
use rushes::domain::time::Clock;
use rushes::ledger::{Entry, Ledger, MemoryLedger};

use super::oracle::prompt_of;
use super::stage::Stage;
use crate::nights::oracle::is_lie;
use crate::support::commits::{Commits, moving};

/// Resolves everything in doubt as the gateway's books say; how many shots that were.
pub async fn resolve_truthfully(stage: &Stage) -> usize {
    let visitor = stage.database.join(None, Duration::ZERO).unwrap();
    let mut resolved = 0;
    for entry in stage.database.snapshot().entries().unwrap() {
        if let State::InDoubt { .. } = entry.status.state
            && let Some(entry) = visitor.fleet().unwrap().take(entry.revision).await.unwrap()
        {
            resolve(stage, &visitor, entry).await;
            resolved += 1;
        }
    }
    resolved
}

async fn resolve(stage: &Stage, visitor: &MemoryLedger, entry: Entry) {
    let resolution = truth(stage, visitor, &entry).await;
    let rules = Rules { on_doubt: OnDoubt::Hold, ..stage.rules() };
    let at = stage.clock.now();
    let step = entry.status.after(ShotEvent::Resolved(resolution.clone()), at, &rules).unwrap();
    stage.note(format!("the user says of {}: {resolution:?}", entry.shot));
    visitor.written(moving(entry.revision, step, Vec::new(), at)).await;
}

/// A task that the ledger does not know, best the one that was begun when the attempt was sent; or
/// none.
async fn truth(stage: &Stage, visitor: &MemoryLedger, entry: &Entry) -> Resolution {
    let reserved = visitor.reserved_attempts(entry.revision).await.unwrap();
    let own = entry.status.state.attempt();
    let open = || reserved.iter().filter(|one| one.task.is_none() || Some(one.attempt) == own);
    let sent_at = open().map(|one| one.sent_at).min().unwrap();
    let ours = reserved.iter().find(|one| Some(one.attempt) == own).unwrap().sent_at;
    let prompt = prompt_of(&*stage.database.snapshot(), entry.revision);
    let books = stage.sim.books();
    let apart = |at: i64| at.abs_diff(ours.as_millis());
    let mut shown: Vec<_> = books.purchases().filter(|one| one.prompt == prompt).collect();
    shown.retain(|one| apart(one.at) < NEAR || !is_lie(one));
    shown.sort_by_key(|one| apart(one.at));
    for purchase in shown {
        let task = TaskId::new(&purchase.task_id).unwrap();
        if !visitor.knows_task(&task).await.unwrap() {
            return Resolution::Task(RecoveredTask { task, sent_at });
        }
    }
    let others = open().map(|one| one.attempt).filter(|one| Some(*one) != own);
    Resolution::NotBought { also: others.collect() }
}

/// What was bought behind a 5xx is not taken for a doubt's task unless it is as near, in milliseconds.
const NEAR: u64 = 60_000;
