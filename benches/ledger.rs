//! How fast the ledger is: durable calls a second with many shots in flight, and how long a large
//! campaign takes to begin, to go on, and to be reported. `cargo bench --bench ledger [SHOTS]`.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::shot::{Fingerprint, Request, Shot, ShotId};
use rushes::domain::state::{OnDoubt, RevisionState, Rules, ShotEvent};
use rushes::domain::time::Timestamp;
use rushes::ledger::{AttemptSpec, Claim, ClipFile, Entry, Kind, Ledger, LedgerOptions, Snapshot};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Shots in flight at once.
const TASKS: usize = 64;
/// Shots that each of them takes through its life.
const EACH: usize = 60;
/// A claim and four commits.
const CALLS: usize = 5;
const AT: Timestamp = Timestamp::from_millis(1_705_123_450_000);
const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: Duration::from_secs(7200),
    failed_tasks_charged: false,
};

fn main() -> Result<(), Failure> {
    let shots = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(in_flight())?;
    runtime.block_on(large(shots))
}

/// CPU seconds of this process so far, where the system says so: on a busy machine the better figure.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Runs `work` and says how long it took.
async fn timed<T>(
    what: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (began, busy) = (Instant::now(), cpu());
    let done = work.await?;
    let (wall, busy) = (began.elapsed().as_secs_f64(), cpu() - busy);
    writeln!(std::io::stdout(), "{wall:>9.3} s, {busy:>6.2} s of CPU  {what}")?;
    Ok(done)
}

fn open(folder: &Path) -> Result<Ledger, Failure> {
    Ok(SqliteLedger::open(&LedgerOptions {
        path: &folder.join("ledger.sqlite"),
        campaign: "bench",
        kind: Kind::Gateway,
        holder: "bench",
        at: AT,
    })?)
}

fn shots(count: usize) -> Result<Arc<[Shot]>, Failure> {
    let prompt = "a girl dancing on the beach at sunset, cinematic lighting, ".repeat(4);
    (0..count)
        .map(|i| {
            let id = format!("shot-{i:07}");
            let mut fingerprint = [0; 16];
            let spread = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            fingerprint[..8].copy_from_slice(&spread.to_le_bytes());
            fingerprint[8..].copy_from_slice(&(i as u64).to_le_bytes());
            Ok(Shot {
                id: ShotId::new(&id)?,
                fingerprint: Fingerprint::from_bytes(fingerprint),
                request: Request {
                    json: format!(r#"{{"model":"kling-v3","prompt":"{prompt} {i}"}}"#).into(),
                    files: [].into(),
                },
                model: "kling-v3".into(),
                price: Some(Usd::from_micros(316_500)),
                priority: 0,
                tags: [].into(),
                clip_name: id.as_str().into(),
                entry: id.into(),
                variant: [].into(),
            })
        })
        .collect()
}

async fn in_flight() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let ledger = open(folder.path())?;
    let entries = ledger.record(shots(TASKS * EACH)?, AT).await?;
    let calls = f64::from(u32::try_from(TASKS * EACH * CALLS)?);
    let (began, busy) = (Instant::now(), cpu());
    let tasks: Vec<_> = entries
        .chunks(EACH)
        .map(|mine| {
            let (ledger, mine) = (ledger.clone(), mine.to_vec());
            tokio::spawn(async move {
                for entry in mine {
                    live(&ledger, &entry).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let per_second = calls / began.elapsed().as_secs_f64();
    let each = (cpu() - busy) * 1e6 / calls;
    writeln!(
        std::io::stdout(),
        "{per_second:>9.0} durable calls a second, {each:.0} µs of CPU each, {TASKS} shots in flight"
    )?;
    Ok(())
}

/// A claim, an answer, a completion, a broken download, a delivery.
async fn live(ledger: &SqliteLedger, entry: &Entry) -> Result<(), Failure> {
    let Claim::Granted { attempt, .. } =
        ledger.claim(entry.revision, AttemptSpec::new(entry.price), AT).await?
    else {
        return Err("over a cap that is not there".into());
    };
    let mut status: RevisionState = entry.status.after(ShotEvent::Claimed(attempt), AT, &RULES)?.to;
    let task = TaskId::new(&format!("task-{}", attempt.0)).ok_or("no task id")?;
    let urls = vec![format!("https://results.example/{}.mp4", attempt.0)];
    for event in [
        ShotEvent::Answered(SubmitOutcome::Bought { task }),
        ShotEvent::Polled(PollOutcome::Completed { urls, completed_at: None }),
        ShotEvent::NotFetched(DownloadError::Broken { why: "cut".to_owned() }),
    ] {
        let step = job.after(event, AT, &RULES)?;
        job = step.to.clone();
        ledger.commit(entry.revision, step, AT).await?;
    }
    let step = job.after(ShotEvent::Delivered, AT, &RULES)?;
    let path = format!("clips/{}.mp4", entry.clip_name);
    let file = ClipFile { path, bytes: 1 << 20, sha256: [7; 32], clip_info: None, unread: None };
    ledger.deliver(entry.revision, step, vec![file], AT).await?;
    Ok(())
}

async fn large(count: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    writeln!(std::io::stdout(), "\n{count} shots")?;
    let shots = shots(count)?;
    let ledger = open(folder.path())?;
    timed("first record", async { Ok(ledger.record(Arc::clone(&shots), AT).await?) }).await?;
    drop(ledger);
    again(folder.path(), &shots, "all queued").await?;
    // All of them bought and delivered, as the ledger writes it.
    rusqlite::Connection::open(&path)?.execute_batch(
        "PRAGMA synchronous = off; BEGIN;
         INSERT INTO attempts (id, revision, number, price_micro, charged_if_failed, sent_at,
           answered_at, outcome, task_id, account)
           SELECT id, id, 1, price_micro, 0, 0, 0, 'bought', 'task-' || id, 'spent' FROM revisions;
         INSERT INTO money (attempt, at, account, micro)
           SELECT id, 0, 'reserved', price_micro FROM attempts;
         INSERT INTO money (attempt, at, account, micro)
           SELECT id, 0, 'reserved', -price_micro FROM attempts;
         INSERT INTO money (attempt, at, account, micro)
           SELECT id, 0, 'spent', price_micro FROM attempts;
         INSERT INTO files SELECT id, 1, 'clips/' || clip_name || '.mp4', 1000, zeroblob(32)
           FROM revisions;
         UPDATE revisions SET state = 'delivered', attempt = id,
           urls = '[\"https://results.example/' || id || '.mp4\"]', completed_at = 0,
           delivered_at = 0;
         COMMIT;",
    )?;
    again(folder.path(), &shots, "all delivered").await?;
    timed("report of all rows", async {
        let mut rows = 0;
        Snapshot::open(&path)?.rows(&mut |_| rows += 1)?;
        if rows == count { Ok(()) } else { Err(format!("{rows} rows").into()) }
    })
    .await
}

async fn again(folder: &Path, shots: &Arc<[Shot]>, how: &str) -> Result<(), Failure> {
    let ledger = timed(&format!("open, {how}"), async { open(folder) }).await?;
    let unchanged = format!("record them unchanged, {how}");
    let record = async { Ok(ledger.record(Arc::clone(shots), AT).await?) };
    let entries = timed(&unchanged, record).await?;
    if entries.len() == shots.len() { Ok(()) } else { Err("entries are missing".into()) }
}
