//! Tests: what a ledger does when its disk is full or its file fails. `max_page_count` stands in
//! for the end of the disk.

use std::path::Path;
use std::task::{Context, Waker};

use futures::FutureExt;
use rusqlite::Connection;

use super::group_commit::Fault;
use super::lock::beside;
use super::*;
use crate::blocking::Threads;
use crate::domain::money::Usd;
use crate::domain::outcome::SubmitOutcome;
use crate::domain::secret::Secret;
use crate::domain::shot::{Fingerprint, Request, ShotId};
use crate::domain::state::{OnDoubt, RevisionState, Rules, ShotEvent};
use crate::domain::transition::Transition;
use crate::ledger::Kind;
use crate::ledger::{AttemptSpec, Change, Origin, Verdict};

const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: std::time::Duration::from_secs(7200),
    failed_tasks_charged: false,
    result_lifetime: std::time::Duration::from_secs(7 * 24 * 3600),
};
const AT: Timestamp = Timestamp::from_millis(1_705_123_450_000);

fn open(folder: &Path) -> Result<SqliteLedger, LedgerError> {
    SqliteLedger::open(
        &folder.join("ledger.sqlite"),
        &LedgerOptions {
            campaign: "summer",
            kind: Kind::Gateway,
            holder: "rushes run",
            at: AT,
            threads: Threads::Pool,
        },
    )
}

/// A batch of one.
fn one(entry: &Entry, transition: Transition, attempt: Option<AttemptSpec>) -> Arc<Vec<Commit>> {
    let (revision, attempt, files) = (entry.revision, attempt.map(Box::new), Vec::new());
    let change = Change::Transition { revision, transition, attempt, files };
    Arc::new(vec![Commit { at: AT, change }])
}

fn claim(entry: &Entry) -> Arc<Vec<Commit>> {
    let spec = AttemptSpec {
        price: entry.price,
        charged_if_failed: false,
        key: Secret::from_bytes([7; 16]),
        key_on_wire: false,
        origin: Origin::default(),
        wire: "{}".into(),
    };
    one(entry, entry.status.after(ShotEvent::Claim, AT, &RULES).unwrap(), Some(spec))
}

async fn states(ledger: &SqliteLedger) -> Vec<&'static str> {
    let entries = ledger.assign(Assign::All).await.unwrap();
    entries.iter().map(|entry| entry.status.state.name()).collect()
}

/// A ledger with two claimed shots and more that are queued.
async fn with_two_on_the_wire(folder: &Path) -> (SqliteLedger, Vec<Entry>, Vec<RevisionState>) {
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
        let verdicts = ledger.commit(claim(entry)).await.unwrap().verdicts;
        let [Verdict::Claimed(attempt)] = verdicts[..] else { panic!("{verdicts:?}") };
        let claimed = entry.status.after(ShotEvent::Claim, AT, &RULES).unwrap().to;
        jobs.push(claimed.with_attempt(attempt));
    }
    (ledger, entries, jobs)
}

/// A task id of the longest kind, so that a full file has no room for it.
fn bought(job: &RevisionState, task: char) -> Transition {
    let task = TaskId::new(&task.to_string().repeat(TaskId::MAX_BYTES)).unwrap();
    job.after(ShotEvent::Answered(SubmitOutcome::Bought { task }), AT, &RULES).unwrap()
}

/// The disk ends here; with `relief`, giving up the reserve makes room.
fn fill(ledger: &SqliteLedger, relief: bool) {
    ledger.commits.between_batches(|conn, on_relief| {
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

/// Puts a call into the queue: all that are put there between two batches are in the next one.
fn enqueue<F: Future + Unpin>(call: &mut F) {
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
    let mut third = ledger.commit(claim(&entries[2]));
    let mut first = ledger.commit(one(&entries[0], bought(&jobs[0], 'a'), None));
    let mut second = ledger.commit(one(&entries[1], bought(&jobs[1], 'b'), None));
    ledger.commits.between_batches(|_, _| {
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
    let later = ledger.commit(one(&entries[0], stalled, None)).await.unwrap();
    assert!(later.reserve_used, "what is in flight is still written");

    drop(ledger);
    let ledger = open(folder.path()).unwrap();
    assert!(reserve.exists(), "set aside again");
    assert_eq!(states(&ledger).await[..4], ["rendering", "rendering", "queued", "queued"]);
    assert_eq!(ledger.balance().reserved, Usd::from_micros(10));
}

#[tokio::test]
async fn when_even_the_reserve_does_not_help_nothing_is_written_ever_again() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    fill(&ledger, false);
    let before = ledger.balance();
    let lost = ledger.commit(one(&entries[0], bought(&jobs[0], 'a'), None)).await.unwrap_err();
    assert!(matches!(lost, LedgerError::Failed { .. }), "{lost}");
    // Room that comes too late does not make the file trusted again.
    ledger.commits.between_batches(|conn, _| limit(conn, 100_000));
    let refused = [
        ledger.commit(claim(&entries[2])).await.map(drop),
        ledger.commit(one(&entries[1], bought(&jobs[1], 'b'), None)).await.map(drop),
        ledger.set_budget(Budget::default()).await,
        ledger.assign(Assign::All).await.map(drop),
        ledger.knows_task(&TaskId::new("t").unwrap()).await.map(drop),
    ];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().to_string(), lost.to_string());
    }
    assert_eq!(ledger.balance(), before);
    drop(ledger);
    let ledger = open(folder.path()).unwrap();
    assert_eq!(states(&ledger).await[..3], ["submitting", "submitting", "queued"]);
}

#[tokio::test]
async fn a_failed_call_takes_its_whole_batch_back_and_poisons_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, entries, jobs) = with_two_on_the_wire(folder.path()).await;
    let mut good = ledger.commit(one(&entries[0], bought(&jobs[0], 'a'), None));
    let mut bad = Box::pin(ledger.commits.ask(|tx| {
        tx.conn.execute("UPDATE money SET micro = 0", [])?;
        Ok::<_, Fault>(())
    }));
    ledger.commits.between_batches(|_, _| {
        enqueue(&mut good);
        enqueue(&mut bad);
        assert!(!ledger.has_failed());
    });
    let (good, bad) = tokio::join!(good, bad);
    assert!(ledger.has_failed());
    let bad = bad.unwrap_err();
    assert!(bad.to_string().contains("never changed"), "{bad}");
    assert_eq!(good.unwrap_err().to_string(), bad.to_string());
    let later = ledger.commit(claim(&entries[2])).await.unwrap_err();
    assert_eq!(later.to_string(), bad.to_string());
    drop(ledger);
    assert_eq!(states(&open(folder.path()).unwrap()).await[0], "submitting");
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
    let call = ledger.commit(one(&entries[0], bought(&jobs[0], 'a'), None));
    let told = call.now_or_never();
    assert!(matches!(told, Some(Err(LedgerError::Ending { .. }))), "{told:?}");
    drop(entered);
    let step = one(&entries[0], bought(&jobs[0], 'a'), None);
    runtime().block_on(ledger.commit(step)).unwrap();
}
