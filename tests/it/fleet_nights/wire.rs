//! Between a worker and the simulator: every call passes here, is held against the books before it goes
//! on, and may be the one at which something goes wrong. What has left goes on whatever becomes of the
//! worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::provider::{Capabilities, Download, Provider, ResumePoint, Submission, TaskHandle};
use rushes::simulator::Simulator;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::plan::When;
use super::worker::Worker;
use crate::nights::prompt;

/// How long a poll or a download is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The simulator as one worker sees it.
pub struct Wire {
    sim: Arc<Simulator>,
    worker: Arc<Worker>,
    exchange: Arc<Exchange>,
    submit_timeout: Duration,
    posts: AtomicU32,
    polls: AtomicU32,
    fetches: AtomicU32,
}

impl Wire {
    pub fn new(
        sim: &Arc<Simulator>,
        worker: &Arc<Worker>,
        exchange: &Arc<Exchange>,
        submit_timeout: Duration,
    ) -> Self {
        Self {
            sim: Arc::clone(sim),
            worker: Arc::clone(worker),
            exchange: Arc::clone(exchange),
            submit_timeout,
            posts: AtomicU32::new(0),
            polls: AtomicU32::new(0),
            fetches: AtomicU32::new(0),
        }
    }

    async fn post(&self, mut submission: Submission) -> SubmitOutcome {
        let (worker, nth) = (&self.worker, count(&self.posts));
        worker.reaches(When::BeforePost(nth));
        if !worker.gate.runs() {
            // It was stopped before its last look at its lease: that look comes now.
            worker.gate.running().await;
            return SubmitOutcome::NotSent { why: "the process stood still".into() };
        }
        if worker.gate.is_cut() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            worker.gate.running().await;
            return SubmitOutcome::NotSent { why: "no route to host".into() };
        }
        let prompt = prompt(&submission.params);
        let has = |revision| worker.has_in_hands(revision);
        worker.oracle.lock().unwrap().about_to_post(worker.number, &prompt, &has);
        let left = Instant::now();
        let called = submission.callback.take().map(|_| (submission.key, prompt.clone()));
        let exchange = Arc::clone(&self.exchange);
        let sells = move |sim: Arc<Simulator>| async move {
            let Some((key, prompt)) = called else { return sim.submit(submission).await };
            let before = sim.books().purchases.len();
            let answer = sim.submit(submission).await;
            let books = sim.books();
            if let Some(sold) = books.purchases().skip(before).find(|sold| sold.prompt == prompt) {
                exchange.has_sold(key, &sold.task_id);
            }
            answer
        };
        let call = self.go(move |sim| sells(sim).boxed());
        let mut answer = call.await;
        worker.reaches(When::OnTheWire(nth));
        if worker.gate.is_cut() {
            // What was lost on the way is sent again, unless it takes too long.
            tokio::select! {
                biased;
                () = worker.gate.reaching() => {}
                () = tokio::time::sleep_until(left + self.submit_timeout) => {
                    let why = "timed out".to_owned();
                    answer = SubmitOutcome::Doubtful { why, answer: None };
                }
            }
        }
        worker.gate.running().await;
        worker.oracle.lock().unwrap().answered(worker.number, &prompt, &answer);
        worker.reaches(When::AfterAnswer(nth));
        worker.gate.running().await;
        answer
    }

    /// Makes a call that goes on whatever becomes of the worker.
    async fn go<T: Send + 'static>(
        &self,
        call: impl FnOnce(Arc<Simulator>) -> BoxFuture<'static, T>,
    ) -> T {
        let (call, sim) = (call(Arc::clone(&self.sim)), Arc::clone(&self.sim));
        let oracle = Arc::clone(&self.worker.oracle);
        let done = tokio::spawn(async move {
            let answer = call.await;
            oracle.lock().unwrap().audit(&sim);
            answer
        });
        done.await.unwrap()
    }

    async fn ask(&self, task: &TaskId) -> PollOutcome {
        let worker = &self.worker;
        worker.reaches(When::Polling(count(&self.polls)));
        worker.gate.running().await;
        if worker.gate.is_cut() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            worker.gate.running().await;
            return PollOutcome::Unanswered { why: "no route to host".into() };
        }
        worker.oracle.lock().unwrap().about_to_poll(task);
        let handle = TaskHandle::new(task.clone());
        let polled = self
            .go(move |sim| async move { sim.poll(std::slice::from_ref(&handle)).await }.boxed())
            .await;
        let is_lost = worker.gate.is_cut();
        if is_lost {
            tokio::time::sleep(PATIENCE).await;
        }
        worker.gate.running().await;
        match polled.into_iter().next() {
            Some(polled) if !is_lost => polled,
            _ => PollOutcome::Unanswered { why: "timed out".into() },
        }
    }

    async fn download(
        &self,
        url: &str,
        resume: Option<&ResumePoint>,
    ) -> Result<Download, DownloadError> {
        let worker = &self.worker;
        worker.reaches(When::Fetching(count(&self.fetches)));
        worker.gate.running().await;
        if worker.gate.is_cut() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            worker.gate.running().await;
            return Err(DownloadError::Broken { why: "no route to host".into() });
        }
        let download = self.sim.fetch(url, resume).await;
        worker.gate.running().await;
        let download = download?;
        let (gate, bytes) = (Arc::clone(worker), download.bytes);
        let bytes = bytes.then(move |piece| {
            let gate = Arc::clone(&gate);
            async move {
                gate.gate.running().await;
                let cut = || DownloadError::Broken { why: "the connection was cut".into() };
                if gate.gate.is_cut() { Err(cut()) } else { piece }
            }
        });
        Ok(Download { bytes: bytes.boxed(), ..download })
    }
}

fn count(counter: &AtomicU32) -> u32 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

impl Provider for Wire {
    fn capabilities(&self) -> Capabilities {
        self.sim.capabilities()
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        Box::pin(self.post(submission))
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polls = tasks.iter().map(|handle| self.ask(&handle.task));
        futures::future::join_all(polls).boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        Box::pin(self.download(url, resume))
    }
}
