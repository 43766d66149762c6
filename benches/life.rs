#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "it prints figures")]
//! What a shot costs the machine that orders it: CPU time of a whole life, and memory in flight.
//!
//! `cargo bench --bench life` runs both for 20,000 shots; `cargo bench --bench life -- 100000` for
//! as many as it is told. The gateway is in-process and answers at once, so what is measured is the
//! scheduler, the ledger (five durable transitions a shot) and the clip on disk. Linux only: the
//! figures come from `/proc`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream;
use rushes::blocking::Threads;
use rushes::clips::FolderStore;
use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::shot::{Fingerprint, Request, Shot, ShotId};
use rushes::domain::time::{Clock, SystemClock};
use rushes::ledger::{Kind, LedgerOptions, SqliteLedger};
use rushes::policy::limits::{Limits, Rate, Window};
use rushes::provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
use rushes::scheduler::{self, CancelToken, Deps, Progress, RunOptions};
use tokio::sync::watch;

/// Sells everything at once; its tasks are done as soon as `hold` of them were sold.
struct Instant {
    sold: AtomicUsize,
    hold: usize,
    /// The most memory until all that it holds were in flight, in KiB.
    held: AtomicU64,
}

impl Provider for Instant {
    fn submit(&self, _submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        let nth = self.sold.fetch_add(1, Ordering::Relaxed);
        if nth + 1 == self.hold {
            self.held.store(peak().unwrap_or(0), Ordering::Relaxed);
        }
        let task = TaskId::new(&format!("task-{nth:08}"));
        let answer = task.map_or_else(
            || SubmitOutcome::Doubtful { why: "no id".into(), answer: None },
            |task| SubmitOutcome::Bought { task },
        );
        ready(answer).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polled = if self.sold.load(Ordering::Relaxed) < self.hold {
            PollOutcome::Working { is_waiting: false, unknown: None }
        } else {
            let urls = vec!["https://host.invalid/clip.mp4".to_owned()];
            PollOutcome::Completed { urls, completed_at: None }
        };
        ready(vec![polled; tasks.len()]).boxed()
    }

    fn fetch<'a>(
        &'a self,
        _url: &'a str,
        _resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        let clip = Bytes::from_static(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip");
        let bytes = Box::pin(stream::iter([Ok(clip)]));
        ready(Ok(Download { starts_at: 0, total: Some(28), validator: None, bytes })).boxed()
    }
}

fn shots(count: usize) -> Result<Arc<[Shot]>, Box<dyn std::error::Error>> {
    (0..count)
        .map(|n| {
            let mut fingerprint = [0; 16];
            fingerprint[..8].copy_from_slice(&(n as u64).to_be_bytes());
            let id = format!("shot-{n:08}");
            let json = format!(
                r#"{{"model":"kling-v3","prompt":"a girl dancing on the beach at sunset, take {n}","duration":"5"}}"#
            );
            Ok(Shot {
                id: ShotId::new(&id)?,
                fingerprint: Fingerprint::from_bytes(fingerprint),
                former: [].into(),
                request: Request { json: json.into(), files: [].into() },
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

/// User and system time of this process in microseconds, counted in ticks of 10 ms.
fn cpu() -> Option<[f64; 2]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
    let micros = |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? * 1e4);
    Some([micros(11)?, micros(12)?])
}

/// The most memory this process ever held, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

async fn campaign(
    count: usize,
    in_flight: u32,
    hold: usize,
    download: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let shots = shots(count)?;
    let before = peak();
    let folder = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ledger = SqliteLedger::open(
        &folder.path().join("ledger.sqlite"),
        &LedgerOptions {
            campaign: "bench",
            kind: Kind::Gateway,
            holder: "a benchmark",
            at: clock.now(),
            threads: Threads::Pool,
            identity: rushes::ledger::Identity::default(),
            post_lasts: std::time::Duration::ZERO,
            work: None,
        },
    )?;
    // Slower than the ledger can write, so that shots do not pile up before it.
    let count_a_second = if hold > 0 { 4_000 } else { 1_000_000 };
    let fast = Rate { count: count_a_second, window: Window::Second };
    let limits = Limits {
        rate: fast,
        poll_rate: fast,
        poll_every: Duration::from_millis(if hold > 0 { 5_000 } else { 1 }),
        in_flight,
        ..Limits::default()
    };
    let gateway = Arc::new(Instant { sold: AtomicUsize::new(0), hold, held: AtomicU64::new(0) });
    let deps = Deps::new(
        Arc::clone(&gateway) as Arc<dyn Provider>,
        Arc::new(ledger),
        Arc::new(FolderStore::open(folder.path(), Threads::Pool)?),
        clock,
    );
    let (progress, seen) = watch::channel(Progress::default());
    let (cpu_before, started) = (cpu(), tokio::time::Instant::now());
    let options = RunOptions { download, ..RunOptions::new(limits) };
    let ended = scheduler::run(shots, options, deps, CancelToken::default(), progress).await?;
    let (wall, cpu_after) = (started.elapsed(), cpu());
    let progress = seen.borrow().clone();
    let [user, system] = match (cpu_before, cpu_after) {
        (Some(before), Some(after)) => [0, 1].map(|i| (after[i] - before[i]) / count as f64),
        _ => [f64::NAN; 2],
    };
    println!(
        "{count} shots, {in_flight} in flight: {ended:?}, {} delivered, {} rendered\n  \
         wall {:.2} s, CPU per shot {user:.0} µs user and {system:.0} µs system\n  \
         peak memory {} MiB; {} MiB before the run, {} MiB when all were in flight",
        progress.delivered,
        progress.rendered,
        wall.as_secs_f64(),
        peak().unwrap_or(0) / 1024,
        before.unwrap_or(0) / 1024,
        gateway.held.load(Ordering::Relaxed) / 1024,
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(20_000);
    println!("all in flight at once, no downloads:");
    campaign(count, u32::MAX, count, false).await?;
    println!("a whole life, 64 at a time:");
    campaign(count, 64, 0, true).await
}
