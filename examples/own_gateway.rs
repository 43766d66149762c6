#![allow(clippy::print_stdout, reason = "an example talks to its user")]
//! Plugs in a gateway of its own: anything that can submit, poll and fetch can be scheduled, with
//! the same ledger, cap and promises. This one "renders" every shot at once.
//!
//! `cargo run --example own_gateway`

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream;
use rushes::blocking::Threads;
use rushes::catalog::{Catalog, Params};
use rushes::clips::FolderStore;
use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::shot::{Request, Shot, ShotId};
use rushes::domain::time::{Clock, SystemClock};
use rushes::ledger::{Kind, LedgerOptions, SqliteLedger};
use rushes::policy::limits::Limits;
use rushes::provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
use rushes::scheduler::{self, CancelToken, Deps, Progress, RunOptions};
use serde_json::json;
use tokio::sync::watch;

/// A studio next door that is always free and always done.
#[derive(Default)]
struct NextDoor {
    sold: AtomicU32,
}

impl Provider for NextDoor {
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        let nth = self.sold.fetch_add(1, Ordering::Relaxed);
        println!("asked for {}", submission.params);
        // Whoever cannot say for sure that nothing was bought answers `Doubtful`.
        let answer = match TaskId::new(&format!("take-{nth}")) {
            Some(task) => SubmitOutcome::Bought { task },
            None => SubmitOutcome::Doubtful { why: "the task has no name".into() },
        };
        ready(answer).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let done = tasks.iter().map(|TaskHandle { task }| {
            let urls = vec![format!("https://next-door.invalid/{task}.mp4")];
            PollOutcome::Completed { urls, completed_at: None }
        });
        ready(done.collect()).boxed()
    }

    fn fetch<'a>(
        &'a self,
        _url: &'a str,
        _resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        let clip = Bytes::from_static(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatfilm");
        ready(Ok(Download {
            starts_at: 0,
            total: Some(clip.len() as u64),
            validator: None,
            bytes: Box::pin(stream::iter([Ok(clip)])),
        }))
        .boxed()
    }
}

fn shot(id: &str, prompt: &str) -> Result<Shot, Box<dyn Error>> {
    let request = json!({"model": "next-door", "prompt": prompt});
    let params: Params = request.as_object().cloned().unwrap_or_default();
    Ok(Shot {
        id: ShotId::new(id)?,
        fingerprint: Catalog::builtin().fingerprint(&params, &[]),
        request: Request { json: request.to_string().into(), files: [].into() },
        model: "next-door".into(),
        price: Some("0.10".parse::<Usd>()?),
        priority: 0,
        tags: [].into(),
        clip_name: id.into(),
        entry: id.into(),
        variant: [].into(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ledger = SqliteLedger::open(&LedgerOptions {
        path: &folder.path().join("ledger.sqlite"),
        campaign: "next-door",
        kind: Kind::Gateway,
        holder: "the own_gateway example",
        at: clock.now(),
        threads: Threads::Pool,
    })?;
    let limits = Limits { poll_every: std::time::Duration::from_millis(50), ..Limits::default() };
    let tools = Deps::new(
        Arc::new(NextDoor::default()),
        Arc::new(ledger),
        Arc::new(FolderStore::open(folder.path(), Threads::Pool)?),
        clock,
    );
    let shots = [shot("beach", "a beach at dusk")?, shot("forest", "a forest at dawn")?];
    let (tally, seen) = watch::channel(Progress::default());
    let orders = RunOptions::new(limits);
    let ended =
        scheduler::run(Arc::new(shots), orders, tools, CancelToken::default(), tally).await?;
    let tally = seen.borrow();
    println!("{ended:?}: {} delivered, ${} spent", tally.delivered, tally.balance.spent);
    Ok(())
}
