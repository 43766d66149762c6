//! What the user does between two lives: other caps, other texts, other prices, and saying what
//! became of shots in doubt, which a look into the gateway's books tells truly.

use std::sync::atomic::Ordering;
use std::time::Duration;

use std::sync::Arc;

use rushes::domain::money::Usd;
use rushes::domain::outcome::TaskId;
use rushes::domain::state::{
    AttemptId, Failure, OnDoubt, RecoveredTask, Resolution, Rules, ShotEvent, State,
};
use rushes::domain::time::{Clock, Timestamp};
use rushes::domain::transition::Transition;
use rushes::ledger::{
    Assign, Change, Commit, Entry, Ledger, ReservedAttempt, RevisionId, SqliteLedger, Verdict,
};

use super::night::Stage;
use super::oracle::is_lie;

/// One or two things, or nothing.
pub fn between_lives(stage: &mut Stage) {
    stage.retry_failed = stage.dice.u8(0..4) == 0;
    for _ in 0..stage.dice.u32(0..3) {
        match stage.dice.u8(0..9) {
            0 => another_cap(stage),
            1 => edit(stage),
            2 => {
                let index = stage.dice.usize(..stage.night.texts.len());
                let text = &mut stage.night.texts[index];
                text.is_there = !text.is_there;
                // A manifest has at least one shot.
                if stage.night.texts.iter().all(|text| !text.is_there) {
                    stage.night.texts[index].is_there = true;
                }
            }
            3 => stage.night.strict = !stage.night.strict,
            4 => {
                stage.night.on_doubt = match stage.night.on_doubt {
                    OnDoubt::Hold => OnDoubt::Resubmit,
                    OnDoubt::Resubmit => OnDoubt::Hold,
                }
            }
            5 => stage.night.dearer = stage.dice.i64(0..3) * 10,
            6 => {
                let wrong_by = stage.dice.i64(-7_200_000..7_200_000);
                stage.machine.wrong_by.store(wrong_by, Ordering::Relaxed);
            }
            7 => {
                resolve(stage);
            }
            _ => {
                let hours = if stage.dice.u8(0..12) == 0 { 8 * 24 } else { stage.dice.u64(0..3) };
                stage
                    .in_time(async { tokio::time::sleep(Duration::from_secs(hours * 3600)).await });
            }
        }
    }
    stage.note(format!(
        "the user: cap {:?}, strict {}, {:?}, retry {}, {:?}",
        stage.night.cap,
        stage.night.strict,
        stage.night.on_doubt,
        stage.retry_failed,
        stage.night.texts,
    ));
}

fn another_cap(stage: &mut Stage) {
    stage.night.cap = match stage.night.cap {
        Some(cap) if stage.dice.u8(0..4) > 0 => {
            Some(Usd::from_micros(cap.micros() * stage.dice.i64(30..250) / 100))
        }
        Some(_) => None,
        None => Some(Usd::from_micros(stage.dice.i64(0..1_000_000))),
    };
}

/// A new text, or back to the first.
fn edit(stage: &mut Stage) {
    let index = stage.dice.usize(..stage.night.texts.len());
    let text = &mut stage.night.texts[index];
    text.version = if text.version > 1 && stage.dice.bool() { 1 } else { text.version + 1 };
}

/// Resolves everything in doubt as the gateway's books say; how many shots that were.
pub fn resolve_truthfully(stage: &mut Stage) -> usize {
    resolve_by(stage, |_, _| None)
}

/// Resolves what is in doubt or stalled, as the books say or by a decision.
fn resolve(stage: &mut Stage) -> usize {
    let mut dice = stage.dice.fork();
    resolve_by(stage, move |_, _| match dice.u8(0..6) {
        0 => Some(Resolution::Resubmit),
        1 => Some(Resolution::Abandon),
        _ => None,
    })
}

fn resolve_by(
    stage: &mut Stage,
    mut decide: impl FnMut(&Entry, &str) -> Option<Resolution>,
) -> usize {
    let Ok(ledger) = stage.open("rushes resolve") else { return 0 };
    let made = stage.oracle.lock().unwrap().is_made();
    stage.oracle.lock().unwrap().life_is_over();
    if !made {
        return 0;
    }
    let prompts = prompts(stage);
    let rules = Rules { on_doubt: OnDoubt::Hold, ..stage.rules() };
    let resolved = stage.in_time(async {
        note_cut_posts(stage, &ledger, &rules).await;
        let mut resolved = 0;
        for entry in ledger.assign(Assign::All).await.unwrap() {
            let prompt = &prompts[&entry.revision.0];
            let decided = decide(&entry, prompt);
            let resolution = match (&entry.status.state, decided) {
                (State::InDoubt { attempt, .. }, None) => {
                    let reserved = ledger.reserved_attempts(entry.revision).await.unwrap();
                    let ours = reserved.iter().find(|one| one.attempt == *attempt).unwrap();
                    let truth = truth(stage, &ledger, prompt, ours.sent_at).await;
                    dated(truth, &reserved, *attempt)
                }
                (
                    State::InDoubt { .. } | State::Rendering { stalled: Some(_), .. },
                    Some(decided),
                ) => decided,
                (State::Failed { failure: Failure::Abandoned, .. }, Some(Resolution::Resubmit)) => {
                    Resolution::Resubmit
                }
                _ => continue,
            };
            stage.oracle.lock().unwrap().hears(prompt, &resolution);
            let at = stage.machine.now();
            let Ok(step) = entry.status.after(ShotEvent::Resolved(resolution), at, &rules) else {
                continue;
            };
            commit(&ledger, entry.revision, step, at).await;
            resolved += 1;
        }
        resolved
    });
    drop(ledger);
    resolved
}

/// Which prompt a revision's row has.
fn prompts(stage: &Stage) -> std::collections::HashMap<i64, String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = super::vfs::past_the_layer(&stage.ledger(), flags);
    let mut rows =
        conn.prepare("SELECT id, json_extract(request, '$.prompt') FROM revisions").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// As `rushes resolve` does before it looks at anything.
async fn note_cut_posts(stage: &Stage, ledger: &SqliteLedger, rules: &Rules) {
    for entry in ledger.assign(Assign::All).await.unwrap() {
        if matches!(entry.status.state, State::Submitting { .. }) {
            let at = stage.machine.now();
            let step = entry.status.after(ShotEvent::FoundSubmitting, at, rules).unwrap();
            commit(ledger, entry.revision, step, at).await;
        }
    }
}

/// What the gateway's console shows for a prompt: a task that the ledger does not know, best the one
/// that was begun when the attempt was sent; or none. One that was behind a 5xx long before is not
/// taken for it.
async fn truth(
    stage: &Stage,
    ledger: &SqliteLedger,
    prompt: &str,
    sent_at: Timestamp,
) -> Resolution {
    let books = stage.sim.books();
    let apart = |at: i64| at.abs_diff(sent_at.as_millis());
    let mut shown: Vec<_> = books.purchases().filter(|p| p.prompt == *prompt).collect();
    shown.retain(|purchase| apart(purchase.at) < MAX_WRONG || !is_lie(purchase));
    shown.sort_by_key(|purchase| apart(purchase.at));
    for purchase in shown {
        let task = TaskId::new(&purchase.task_id).unwrap();
        if !ledger.knows_task(&task).await.unwrap() {
            return Resolution::Task(RecoveredTask { task, sent_at });
        }
    }
    Resolution::NotBought { also: Vec::new() }
}

/// A task may be of the first of several doubts.
fn dated(truth: Resolution, reserved: &[ReservedAttempt], attempt: AttemptId) -> Resolution {
    let doubtful = || reserved.iter().filter(|one| one.task.is_none() || one.attempt == attempt);
    match truth {
        Resolution::Task(RecoveredTask { task, .. }) => {
            let sent_at = doubtful().map(|one| one.sent_at).min().unwrap();
            Resolution::Task(RecoveredTask { task, sent_at })
        }
        Resolution::NotBought { .. } => {
            let others = doubtful().map(|one| one.attempt).filter(|one| *one != attempt);
            Resolution::NotBought { also: others.collect() }
        }
        truth => truth,
    }
}

async fn commit(
    ledger: &SqliteLedger,
    revision: RevisionId,
    transition: Transition,
    at: Timestamp,
) {
    let (attempt, files) = (None, Vec::new());
    let change = Change::Transition { revision, transition, attempt, files };
    let committed = ledger.commit(Arc::new(vec![Commit { at, change }])).await.unwrap();
    assert!(matches!(committed.verdicts[..], [Verdict::Written { .. }]));
}

/// Clocks are wrong by less than this, in milliseconds.
const MAX_WRONG: u64 = 2 * 7_200_000;
