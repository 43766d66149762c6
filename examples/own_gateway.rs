#![allow(clippy::print_stdout, reason = "an example talks to its user")]
//! Plugs in a gateway of its own: anything that can submit, poll and fetch can be scheduled, with
//! the same ledger, cap and promises. This one "renders" every shot at once.
//!
//! `cargo run --example own_gateway`

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream;
use rushes::{Campaign, Provider, Run};
use serde_json::json;

/// A studio next door that is always free and always done.
#[derive(Default)]
struct NextDoor {
    sold: AtomicU32,
}

impl Provider for NextDoor {
    fn submit(&self, submission: rushes::Submission) -> BoxFuture<'_, rushes::SubmitOutcome> {
        let nth = self.sold.fetch_add(1, Ordering::Relaxed);
        println!("asked for {}", submission.params);
        // A provider that cannot say for sure that nothing was bought answers `Doubtful`.
        let answer = match rushes::TaskId::new(&format!("take-{nth}")) {
            Some(task) => rushes::SubmitOutcome::Bought { task },
            None => {
                rushes::SubmitOutcome::Doubtful { why: "the task has no name".into(), answer: None }
            }
        };
        ready(answer).boxed()
    }

    fn poll<'a>(
        &'a self,
        tasks: &'a [rushes::TaskHandle],
    ) -> BoxFuture<'a, Vec<rushes::PollOutcome>> {
        let done = tasks.iter().map(|rushes::TaskHandle { task, .. }| {
            let urls = vec![format!("https://next-door.invalid/{task}.mp4")];
            rushes::PollOutcome::Completed { urls, completed_at: None }
        });
        ready(done.collect()).boxed()
    }

    fn fetch<'a>(
        &'a self,
        _url: &'a str,
        _resume: Option<&'a rushes::ResumePoint>,
    ) -> BoxFuture<'a, Result<rushes::Download, rushes::DownloadError>> {
        let clip = Bytes::from_static(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatfilm");
        ready(Ok(rushes::Download {
            starts_at: 0,
            total: Some(clip.len() as u64),
            validator: None,
            bytes: Box::pin(stream::iter([Ok(clip)])),
        }))
        .boxed()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let price = Some("0.10".parse()?);
    let shots = [("beach", "a beach at dusk"), ("forest", "a forest at dawn")]
        .map(|(id, prompt)| (id, json!({"model": "next-door", "prompt": prompt}), price));
    let run = Run::builder(Campaign::of("next-door", shots)?, folder.path())
        .provider(Arc::new(NextDoor::default()))
        .options(|options| options.limits.poll_every = Duration::from_millis(50));
    let progress = run.watch();
    let outcome = run.start().await?;
    let progress = progress.borrow();
    println!("{outcome:?}: {} delivered, ${} spent", progress.delivered, progress.balance.spent);
    Ok(())
}
