//! How fast the ledger is: what a shot's life costs in batches, durable calls a second with many shots
//! in flight, and how long a large campaign takes to begin, to go on, and to be reported.
//! `cargo bench --bench ledger -- [SHOTS] [postgres://…]`: with a database it takes the place of the
//! file. Each case is a campaign of its own there; it stays in the schema that the address names.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::blocking::Threads;
use rushes::domain::money::Usd;
use rushes::domain::origin::Origin;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::secret::Secret;
use rushes::domain::shot::{Fingerprint, Request, Shot, ShotId};
use rushes::domain::state::{OnDoubt, RevisionState, Rules, ShotEvent};
use rushes::domain::time::Timestamp;
use rushes::ledger::{
    AttemptSpec, Change, ClipFile, Commit, Entry, Kind, Ledger, LedgerAddress, LedgerOptions,
    LedgerPlace, Verdict,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Shots in flight at once.
const TASKS: usize = 64;
/// Shots that each of them takes through its life.
const EACH: usize = 60;
/// A claim, an answer, a completion, a delivery.
const TRANSITIONS: usize = 4;
/// Shots whose lives are measured in batches.
const LIVES: usize = 30_000;
/// Transitions in one batch.
const BATCH: usize = 64;
const AT: Timestamp = Timestamp::from_millis(1_705_123_450_000);
const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: Duration::from_secs(7200),
    failed_tasks_charged: false,
    canceled_tasks_charged: None,
    result_lifetime: Duration::from_secs(7 * 24 * 3600),
    rerolls: 0,
    others_are_clear: false,
};

fn main() -> Result<(), Failure> {
    let shots = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(in_batches())?;
    runtime.block_on(in_flight())?;
    match shots {
        0 => Ok(()),
        _ if database().is_some() => runtime.block_on(large_in_database(shots)),
        _ => runtime.block_on(large(shots)),
    }
}

/// The database that was named.
fn database() -> Option<LedgerPlace> {
    std::env::args_os()
        .find(|arg| arg.to_string_lossy().starts_with("postgres"))
        .map(LedgerPlace::from)
}

/// A case's ledger.
fn address(folder: &Path, case: &str) -> LedgerAddress {
    let file = || LedgerPlace::File(folder.join("ledger.sqlite"));
    LedgerAddress::new(database().unwrap_or_else(file), case, folder)
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

fn open(folder: &Path, case: &str) -> Result<Arc<dyn Ledger>, Failure> {
    Ok(address(folder, case).open(&LedgerOptions {
        campaign: case,
        kind: Kind::Gateway,
        holder: "bench",
        at: AT,
        threads: Threads::Pool,
        identity: rushes::ledger::Identity::default(),
        post_lasts: std::time::Duration::ZERO,
        work: None,
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
                former: [].into(),
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

/// A shot on its way through its life.
struct Life {
    entry: Entry,
    status: RevisionState,
}

impl Life {
    fn new(entry: Entry) -> Self {
        let status = entry.status.clone();
        Self { entry, status }
    }

    /// The next transition of its life, and what the shot is after it.
    fn next(&self, nth: usize) -> Result<(Commit, RevisionState), Failure> {
        let revision = self.entry.revision;
        let task = || TaskId::new(&format!("clx0b2v7k000{}", revision.0)).ok_or("no task id");
        let event = match nth {
            0 => ShotEvent::Claim,
            1 => ShotEvent::Answered(SubmitOutcome::Bought { task: task()? }),
            2 => {
                let urls = vec![format!("https://results.example/{}.mp4", revision.0)];
                ShotEvent::Polled(PollOutcome::Completed { urls, completed_at: None })
            }
            _ => ShotEvent::Delivered,
        };
        let transition = self.status.after(event, AT, &RULES)?;
        let to = transition.to.clone();
        let attempt = (nth == 0).then(|| Box::new(self.spec()));
        let path = format!("clips/{}.mp4", self.entry.clip_name);
        let file =
            ClipFile { path, bytes: 1 << 20, sha256: [7; 32], clip_info: None, unread: None };
        let files = if nth == TRANSITIONS - 1 { vec![file] } else { Vec::new() };
        let change = Change::Transition { revision, transition, attempt, files };
        Ok((Commit { at: AT, change }, to))
    }

    fn spec(&self) -> AttemptSpec {
        AttemptSpec {
            price: self.entry.price,
            charged_if_failed: false,
            key: Secret::from_bytes(self.entry.fingerprint.as_bytes().to_owned()),
            key_on_wire: false,
            origin: Origin { address: "https://gateway.example".into(), account: "ab12".into() },
            wire: r#"{"duration":5,"model":"kling-v3","prompt":"a girl dancing on the beach"}"#
                .into(),
        }
    }
}

/// Takes lives one transition further, in one batch.
async fn step(ledger: &dyn Ledger, lives: &mut [Life], nth: usize) -> Result<(), Failure> {
    let steps: Vec<_> = lives.iter().map(|life| life.next(nth)).collect::<Result<_, _>>()?;
    let (batch, to): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
    let verdicts = ledger.commit(Arc::new(batch)).await?.verdicts;
    for ((life, to), verdict) in lives.iter_mut().zip(to).zip(verdicts) {
        life.status = match verdict {
            Verdict::Claimed(attempt) => to.with_attempt(attempt),
            Verdict::Written { .. } => to,
            Verdict::OverCap => return Err("over a cap that is not there".into()),
            Verdict::Full | Verdict::Gone => return Err("another worker is at it".into()),
            Verdict::Refused(error) => return Err(error.into()),
        };
    }
    Ok(())
}

/// What a shot's life costs when its transitions are made with those of others.
async fn in_batches() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let ledger = open(folder.path(), "batches")?;
    let entries = ledger.record(shots(LIVES)?, AT).await?;
    let mut lives: Vec<Life> = entries.into_iter().map(Life::new).collect();
    let (began, busy) = (Instant::now(), cpu());
    for some in lives.chunks_mut(BATCH) {
        for nth in 0..TRANSITIONS {
            step(&*ledger, some, nth).await?;
        }
    }
    let count = f64::from(u32::try_from(LIVES)?);
    let each = (cpu() - busy) * 1e6 / count;
    let wall = began.elapsed().as_secs_f64() * 1e6 / count;
    writeln!(
        std::io::stdout(),
        "{each:>9.0} µs of CPU, {wall:.0} µs a shot of {TRANSITIONS} transitions, {BATCH} to a batch"
    )?;
    Ok(())
}

/// The same, each commit alone, of as many shots at once.
async fn in_flight() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let ledger = open(folder.path(), "flight")?;
    let entries = ledger.record(shots(TASKS * EACH)?, AT).await?;
    let calls = f64::from(u32::try_from(TASKS * EACH * TRANSITIONS)?);
    let (began, busy) = (Instant::now(), cpu());
    let tasks: Vec<_> = entries
        .chunks(EACH)
        .map(|mine| {
            let (ledger, mine) = (Arc::clone(&ledger), mine.to_vec());
            tokio::spawn(async move {
                for entry in mine {
                    let mut life = Life::new(entry);
                    for nth in 0..TRANSITIONS {
                        step(&*ledger, std::slice::from_mut(&mut life), nth).await?;
                    }
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

async fn large(count: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    writeln!(std::io::stdout(), "\n{count} shots")?;
    let shots = shots(count)?;
    let ledger = open(folder.path(), "large")?;
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
         INSERT INTO files (revision, part, path, bytes, sha256)
           SELECT id, 1, 'clips/' || clip_name || '.mp4', 1000, zeroblob(32) FROM revisions;
         UPDATE revisions SET state = 'delivered', attempt = id,
           urls = '[\"https://results.example/' || id || '.mp4\"]', completed_at = 0,
           delivered_at = 0;
         COMMIT;",
    )?;
    again(folder.path(), &shots, "all delivered").await?;
    timed("report of all rows", async {
        let mut rows = 0;
        LedgerAddress::file(&path).snapshot()?.rows(&mut |_| rows += 1)?;
        if rows == count { Ok(()) } else { Err(format!("{rows} rows").into()) }
    })
    .await
}

/// A large campaign in a database: how long it takes to be recorded, to be gone on with, to be told.
async fn large_in_database(count: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    writeln!(std::io::stdout(), "\n{count} shots")?;
    let shots = shots(count)?;
    let ledger = open(folder.path(), "large")?;
    timed("first record", async { Ok(ledger.record(Arc::clone(&shots), AT).await?) }).await?;
    drop(ledger);
    again(folder.path(), &shots, "all queued").await?;
    timed("report of all rows", async {
        let mut rows = 0;
        address(folder.path(), "large").snapshot()?.rows(&mut |_| rows += 1)?;
        if rows == count { Ok(()) } else { Err(format!("{rows} rows").into()) }
    })
    .await
}

async fn again(folder: &Path, shots: &Arc<[Shot]>, how: &str) -> Result<(), Failure> {
    let ledger = timed(&format!("open, {how}"), async { open(folder, "large") }).await?;
    let unchanged = format!("record them unchanged, {how}");
    let record = async { Ok(ledger.record(Arc::clone(shots), AT).await?) };
    let entries = timed(&unchanged, record).await?;
    if entries.len() == shots.len() { Ok(()) } else { Err("entries are missing".into()) }
}
