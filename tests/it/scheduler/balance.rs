//! A provider that does not answer the question for its balance holds purchases up for five seconds,
//! once, and nothing else.

use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use rushes::domain::account::BalanceOutcome;
use rushes::provider::{Download, Provider, ResumePoint, Submission, TaskHandle};

use super::*;

/// A [`Puppet`] that is asked for its balance and never answers.
struct Silent(Arc<Puppet>);

impl Provider for Silent {
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        self.0.submit(submission)
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        self.0.poll(tasks)
    }

    fn balance(&self) -> BoxFuture<'_, BalanceOutcome> {
        pending().boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        self.0.fetch(url, resume)
    }
}

#[tokio::test(start_paused = true)]
async fn a_balance_that_does_not_come_holds_purchases_up_for_five_seconds_once() {
    let mut stage = Stage::new();
    stage.options.check_balance = true;
    let (puppet, began) = (Arc::new(Puppet::default()), Instant::now());
    let (ended, progress) = stage.run_with(&shots(5), Arc::new(Silent(Arc::clone(&puppet)))).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 5));
    let first = puppet.seen.lock().unwrap().submits[0].0.duration_since(began);
    assert!(first >= Duration::from_secs(5) && first < Duration::from_secs(6), "{first:?}");
    let again = Instant::now();
    let (ended, _) = stage.run_with(&shots(5), Arc::new(Silent(puppet))).await;
    assert_eq!(ended, RunOutcome::Done);
    assert!(again.elapsed() < Duration::from_secs(1), "nothing to buy: it is not asked");
}
