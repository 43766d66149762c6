//! What a ledger does when its disk is full or its file fails. `max_page_count` stands in
//! for the end of the disk.

use std::sync::Arc;
use std::task::{Context, Waker};

use futures::FutureExt;
use rushes::domain::charge::Charge;
use rushes::domain::state::AttemptId;
use rushes::domain::transition::Transition;
use rushes::ledger::{Assign, Change, Commit};

use super::*;

fn batch(commit: Commit) -> Arc<Vec<Commit>> {
    Arc::new(vec![commit])
}

/// A batch of one transition that is no claim.
fn one(entry: &Entry, transition: Transition) -> Arc<Vec<Commit>> {
    batch(moving(entry.revision, transition, Vec::new(), at(0)))
}

fn claim(entry: &Entry) -> Arc<Vec<Commit>> {
    batch(claiming(entry, spec(entry.price), &RULES, at(0)))
}

async fn states(ledger: &SqliteLedger) -> Vec<&'static str> {
    let entries = ledger.entries().await.unwrap();
    entries.iter().map(|entry| entry.status.state.name()).collect()
}

/// A ledger with two claimed shots and more that are queued.
async fn with_two_on_the_wire(folder: &Path) -> (SqliteLedger, Vec<Entry>, Vec<RevisionState>) {
    let shots: Vec<Shot> = (0..40).map(|i| shot(&format!("s{i}"), 1, Some(5))).collect();
    let ledger = open_in(folder).unwrap();
    let entries = ledger.record(shots.into(), at(0)).await.unwrap();
    let mut jobs = Vec::new();
    for entry in &entries[..2] {
        jobs.push(ledger.claimed(entry, spec(entry.price), at(0)).await);
    }
    (ledger, entries, jobs)
}

/// A task id of the longest kind, so that a full file has no room for it.
fn bought(job: &RevisionState, task: char) -> Transition {
    let task = TaskId::new(&task.to_string().repeat(TaskId::MAX_BYTES)).unwrap();
    job.after(ShotEvent::Answered(SubmitOutcome::Bought { task }), at(0), &RULES).unwrap()
}

/// The disk ends here; with `relief`, giving up the reserve makes room.
fn fill(ledger: &SqliteLedger, relief: bool) {
    ledger.between_batches(|conn, on_relief| {
        limit(conn, 1);
        // Whatever free room the last pages have is used up.
        while conn
            .execute(
                "INSERT INTO files (revision, part, path, bytes, sha256) \
                 SELECT 1, coalesce(max(part), 0) + 1, hex(randomblob(200)), 0, zeroblob(32) \
                 FROM files",
                [],
            )
            .is_ok()
        {}
        while conn
            .execute(
                "UPDATE attempts SET why = coalesce(why, '') || hex(zeroblob(32)) WHERE id = 1",
                [],
            )
            .is_ok()
        {}
        if relief {
            *on_relief = Some(Box::new(|conn| limit(conn, 100_000)));
        }
    });
}

/// `SQLite` keeps the present size when less is asked for.
fn limit(conn: &Connection, pages: i64) {
    conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
}

/// Puts a call into the queue: all that are put there between two batches are in the next one.
fn enqueue<F: Future + Unpin>(call: &mut F) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.poll_unpin(&mut context).is_pending());
}

#[tokio::test]
async fn on_a_full_disk_the_reserve_makes_room_for_task_ids_and_nothing_is_bought() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    let reserve = folder.path().join("ledger.sqlite.reserve");
    assert!(reserve.exists());
    fill(&ledger, true);

    // In one batch: a claim that must not be granted, and two purchases that must not be lost.
    let mut third = ledger.commit(claim(&entries[2]));
    let mut first = ledger.commit(one(&entries[0], bought(&jobs[0], 'a')));
    let mut second = ledger.commit(one(&entries[1], bought(&jobs[1], 'b')));
    ledger.between_batches(|_, _| {
        enqueue(&mut third);
        enqueue(&mut first);
        enqueue(&mut second);
    });
    let (third, first, second) = tokio::join!(third, first, second);
    let is_refused =
        |verdicts: &[Verdict]| matches!(verdicts, [Verdict::Refused(LedgerError::DiskFull { .. })]);
    let third = third.unwrap().verdicts;
    assert!(is_refused(&third), "{third:?}");
    for written in [first.unwrap(), second.unwrap()] {
        assert!(written.reserve_used);
        assert_eq!(written.verdicts, [Verdict::Written { task_first_of: None }]);
    }
    assert!(!reserve.exists());

    let later = ledger.commit(claim(&entries[3])).await.unwrap().verdicts;
    assert!(is_refused(&later), "{later:?}");
    let stalled = Transition { change: None, ..bought(&jobs[0], 'a') };
    let later = ledger.commit(one(&entries[0], stalled)).await.unwrap();
    assert!(later.reserve_used, "what is in flight is still written");

    drop(ledger);
    let ledger = open_in(folder.path()).unwrap();
    assert!(reserve.exists(), "set aside again");
    assert_eq!(states(&ledger).await[..4], ["rendering", "rendering", "queued", "queued"]);
    assert_eq!(ledger.balance().reserved, usd(10));
}

#[tokio::test]
async fn when_even_the_reserve_does_not_help_nothing_is_written_ever_again() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    fill(&ledger, false);
    let before = ledger.balance();
    let lost = ledger.commit(one(&entries[0], bought(&jobs[0], 'a'))).await.unwrap_err();
    assert!(matches!(lost, LedgerError::Failed { .. }), "{lost}");
    // Room that comes too late does not make the file trusted again.
    ledger.between_batches(|conn, _| limit(conn, 100_000));
    let refused = [
        ledger.commit(claim(&entries[2])).await.map(drop),
        ledger.commit(one(&entries[1], bought(&jobs[1], 'b'))).await.map(drop),
        ledger.set_budget(Budget::default()).await,
        ledger.assign(Assign::All).await.map(drop),
        ledger.knows_task(&TaskId::new("t").unwrap()).await.map(drop),
    ];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().to_string(), lost.to_string());
    }
    assert_eq!(ledger.balance(), before);
    drop(ledger);
    let ledger = open_in(folder.path()).unwrap();
    assert_eq!(states(&ledger).await[..3], ["submitting", "submitting", "queued"]);
}

#[tokio::test]
async fn a_failed_call_takes_its_whole_batch_back_and_poisons_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    let mut good = ledger.commit(one(&entries[0], bought(&jobs[0], 'a')));
    let charge = Charge::new("0.5", "USD").unwrap();
    let change = Change::Charge { attempt: AttemptId(2), charge };
    let mut bad = ledger.commit(batch(Commit { at: at(0), change }));
    ledger.between_batches(|conn, _| {
        conn.execute_batch(
            "CREATE TEMP TRIGGER worn BEFORE UPDATE OF charge ON attempts \
             BEGIN SELECT RAISE(ABORT, 'the disk is worn'); END",
        )
        .unwrap();
    });
    ledger.between_batches(|_, _| {
        enqueue(&mut good);
        enqueue(&mut bad);
        assert!(!ledger.has_failed());
    });
    let (good, bad) = tokio::join!(good, bad);
    assert!(ledger.has_failed());
    let bad = bad.unwrap_err();
    assert!(bad.to_string().contains("the disk is worn"), "{bad}");
    assert_eq!(good.unwrap_err().to_string(), bad.to_string());
    let later = ledger.commit(claim(&entries[2])).await.unwrap_err();
    assert_eq!(later.to_string(), bad.to_string());
    drop(ledger);
    assert_eq!(states(&open_in(folder.path()).unwrap()).await[0], "submitting");
}

#[test]
fn a_runtime_that_ends_says_so_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let first = runtime();
    let (ledger, entries, jobs) = first.block_on(with_two_on_the_wire(folder.path()));
    let handle = first.handle().clone();
    first.shutdown_background();
    let entered = handle.enter();
    let call = ledger.commit(one(&entries[0], bought(&jobs[0], 'a')));
    let told = call.now_or_never();
    assert!(matches!(told, Some(Err(LedgerError::Ending { .. }))), "{told:?}");
    drop(entered);
    let step = one(&entries[0], bought(&jobs[0], 'a'));
    runtime().block_on(ledger.commit(step)).unwrap();
}
