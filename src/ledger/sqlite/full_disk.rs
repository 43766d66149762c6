//! Tests: what a ledger does when its disk is full or its file fails. `max_page_count` stands in
//! for the end of the disk.

use std::path::Path;
use std::task::{Context, Waker};

use futures::FutureExt;
use rusqlite::Connection;

use super::group_commit::Fault;
use super::lock::beside;
use super::*;
use crate::domain::outcome::SubmitOutcome;
use crate::domain::shot::Request;
use crate::domain::state::{OnDoubt, Rules, ShotEvent};

const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: std::time::Duration::from_secs(7200),
    failed_tasks_charged: false,
};
const AT: Timestamp = Timestamp::from_millis(1_705_123_450_000);

fn open(folder: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(&LedgerOptions {
        path: &folder.join("ledger.sqlite"),
        campaign: "summer",
        kind: Kind::Gateway,
        holder: "rushes run",
        at: AT,
    })
}

/// A ledger with two claimed shots and more that are queued.
async fn with_two_on_the_wire(folder: &Path) -> (Ledger, Vec<Entry>, Vec<RevisionState>) {
    let shots: Vec<Shot> = (0..40_u8)
        .map(|i| Shot {
            id: ShotId::new(&format!("s{i}")).unwrap(),
            fingerprint: Fingerprint::from_bytes([i; 16]),
            request: Request { json: "{}".into(), files: [].into() },
            model: "m".into(),
            price: Some(Usd::from_micros(5)),
            priority: 0,
            tags: [].into(),
            clip_name: format!("s{i}").into(),
            entry: format!("s{i}").into(),
            variant: [].into(),
        })
        .collect();
    let ledger = open(folder).unwrap();
    let entries = ledger.record(shots.into(), AT).await.unwrap();
    let mut jobs = Vec::new();
    for entry in &entries[..2] {
        let claim = ledger.claim(entry.revision, AttemptSpec::new(entry.price), AT).await.unwrap();
        let Claim::Granted { attempt, .. } = claim else { panic!("{claim:?}") };
        jobs.push(entry.status.after(ShotEvent::Claimed(attempt), AT, &RULES).unwrap().to);
    }
    (ledger, entries, jobs)
}

/// A task id of the longest kind, so that a full file has no room for it.
fn bought(job: &RevisionState, task: char) -> Transition {
    let task = TaskId::new(&task.to_string().repeat(TaskId::MOST_BYTES)).unwrap();
    job.after(ShotEvent::Answered(SubmitOutcome::Bought { task }), AT, &RULES).unwrap()
}

/// The disk ends here; with `relief`, giving up the reserve makes room.
fn fill(ledger: &Ledger, relief: bool) {
    ledger.queue.at_desk(|conn, on_relief| {
        limit(conn, 1);
        // Whatever free room the last pages have is used up.
        while conn
            .execute(
                "INSERT INTO files SELECT 1, coalesce(max(part), 0) + 1, \
             hex(randomblob(200)), 0, zeroblob(32) FROM files",
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

/// Puts a call into the queue; while the desk is taken, everyone who lines up is in one batch.
fn line_up<F: Future + Unpin>(call: &mut F) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.poll_unpin(&mut context).is_pending());
}

#[tokio::test]
async fn on_a_full_disk_the_reserve_makes_room_for_task_ids_and_nothing_is_bought() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    let reserve = beside(&folder.path().join("ledger.sqlite"), "reserve");
    assert!(reserve.exists());
    fill(&ledger, true);

    // In one batch: a claim that must not be granted, and two purchases that must not be lost.
    let mut claim =
        Box::pin(ledger.claim(entries[2].revision, AttemptSpec::new(entries[2].price), AT));
    let mut first = Box::pin(ledger.commit(entries[0].revision, bought(&jobs[0], 'a'), AT));
    let mut second = Box::pin(ledger.commit(entries[1].revision, bought(&jobs[1], 'b'), AT));
    ledger.queue.at_desk(|_, _| {
        line_up(&mut claim);
        line_up(&mut first);
        line_up(&mut second);
    });
    let (claim, first, second) = tokio::join!(claim, first, second);
    assert!(matches!(claim, Err(LedgerError::DiskFull { .. })), "{claim:?}");
    assert!(first.unwrap().reserve_used);
    assert!(second.unwrap().reserve_used);
    assert!(!reserve.exists());

    let later = ledger.claim(entries[3].revision, AttemptSpec::new(entries[3].price), AT).await;
    assert!(matches!(later, Err(LedgerError::DiskFull { .. })), "{later:?}");
    let stalled = Transition { change: None, ..bought(&jobs[0], 'a') };
    let later = ledger.commit(entries[0].revision, stalled, AT).await.unwrap();
    assert!(later.reserve_used, "what is in flight is still written");

    drop(ledger);
    let ledger = open(folder.path()).unwrap();
    assert!(reserve.exists(), "set aside again");
    let states: Vec<_> =
        ledger.entries().await.unwrap().iter().map(|entry| entry.status.state.name()).collect();
    assert_eq!(states[..4], ["rendering", "rendering", "queued", "queued"]);
    assert_eq!(ledger.balance().reserved, Usd::from_micros(10));
}

#[tokio::test]
async fn when_even_the_reserve_does_not_help_nothing_is_written_ever_again() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    fill(&ledger, false);
    let before = ledger.balance();
    let lost = ledger.commit(entries[0].revision, bought(&jobs[0], 'a'), AT).await.unwrap_err();
    assert!(matches!(lost, LedgerError::Failed { .. }), "{lost}");
    // Room that comes too late does not make anyone believe the file again.
    ledger.queue.at_desk(|conn, _| limit(conn, 100_000));
    let refused = [
        ledger.claim(entries[2].revision, AttemptSpec::new(entries[2].price), AT).await.map(drop),
        ledger.commit(entries[1].revision, bought(&jobs[1], 'b'), AT).await.map(drop),
        ledger.set_budget(Budget::default()).await,
        ledger.entries().await.map(drop),
        ledger.knows_task(&TaskId::new("t").unwrap()).await.map(drop),
    ];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().to_string(), lost.to_string());
    }
    assert_eq!(ledger.balance(), before);
    drop(ledger);
    let ledger = open(folder.path()).unwrap();
    let states: Vec<_> =
        ledger.entries().await.unwrap().iter().map(|entry| entry.status.state.name()).collect();
    assert_eq!(states[..3], ["submitting", "submitting", "queued"]);
}

#[tokio::test]
async fn a_failed_call_takes_its_whole_batch_back_and_poisons_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    let mut good = Box::pin(ledger.commit(entries[0].revision, bought(&jobs[0], 'a'), AT));
    let mut bad = Box::pin(ledger.queue.ask(|tx| {
        tx.conn.execute("UPDATE money SET micro = 0", [])?;
        Ok::<_, Fault>(())
    }));
    ledger.queue.at_desk(|_, _| {
        line_up(&mut good);
        line_up(&mut bad);
    });
    assert!(!ledger.has_failed());
    let (good, bad) = tokio::join!(good, bad);
    assert!(ledger.has_failed());
    let bad = bad.unwrap_err();
    assert!(bad.to_string().contains("never changed"), "{bad}");
    assert_eq!(good.unwrap_err().to_string(), bad.to_string());
    let later = ledger
        .claim(entries[2].revision, AttemptSpec::new(entries[2].price), AT)
        .await
        .unwrap_err();
    assert_eq!(later.to_string(), bad.to_string());
    drop(ledger);
    let states = open(folder.path()).unwrap().entries().await.unwrap();
    assert_eq!(states[0].status.state.name(), "submitting");
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
    let call = ledger.commit(entries[0].revision, bought(&jobs[0], 'a'), AT);
    let told = call.now_or_never();
    assert!(matches!(told, Some(Err(LedgerError::Ending { .. }))), "{told:?}");
    drop(entered);
    let step = bought(&jobs[0], 'a');
    runtime().block_on(ledger.commit(entries[0].revision, step, AT)).unwrap();
}
