//! Between the scheduler and the simulator: every call passes here, is held against the ledger
//! before it goes on, and may be the one at which the process dies.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
use rushes::scheduler::CancelToken;
use rushes::simulator::Simulator;

use super::disk::Death;
use super::oracle::Oracle;

/// At which call the process dies or is asked to stop; numbers count such calls of a life from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It dies before a POST leaves.
    BeforePost(u32),
    /// It dies when the gateway has done what a POST asks and nobody heard yet.
    OnTheWire(u32),
    /// It dies as soon as it has the answer to a POST.
    AfterAnswer(u32),
    /// It dies while it polls.
    Polling(u32),
    /// It dies before a download.
    Fetching(u32),
    /// It dies in the middle of a clip.
    MidClip(u32),
    /// The user presses Ctrl-C during a POST.
    InterruptPost(u32),
    /// The user presses Ctrl-C during a poll.
    InterruptPoll(u32),
}

/// The simulator as one life of the process sees it.
pub struct Wire {
    pub sim: Arc<Simulator>,
    pub oracle: Arc<Mutex<Oracle>>,
    pub death: Arc<Death>,
    pub stop: CancelToken,
    pub cut: Option<Cut>,
    posts: AtomicU32,
    polls: AtomicU32,
    fetches: AtomicU32,
}

impl Wire {
    pub fn new(
        sim: &Arc<Simulator>,
        oracle: &Arc<Mutex<Oracle>>,
        death: &Arc<Death>,
        stop: &CancelToken,
        cut: Option<Cut>,
    ) -> Self {
        Self {
            sim: Arc::clone(sim),
            oracle: Arc::clone(oracle),
            death: Arc::clone(death),
            stop: stop.clone(),
            cut,
            posts: AtomicU32::new(0),
            polls: AtomicU32::new(0),
            fetches: AtomicU32::new(0),
        }
    }

    /// The process is dead: whatever it waits for never comes.
    async fn die<T>(&self) -> T {
        self.death.strike();
        std::future::pending().await
    }

    /// Waits for an answer, unless the process dies meanwhile; what was sold is looked at at once.
    async fn watched<T>(&self, mut call: BoxFuture<'_, T>) -> T {
        poll_fn(|context| {
            if self.death.has_struck() {
                return Poll::Pending;
            }
            let answer = Pin::new(&mut call).poll(context);
            self.oracle.lock().unwrap().audit(&self.sim);
            answer
        })
        .await
    }

    async fn post(&self, submission: Submission) -> SubmitOutcome {
        let nth = count(&self.posts);
        if self.death.has_struck() {
            return self.die().await;
        }
        let prompt = prompt(&submission.params);
        self.oracle.lock().unwrap().about_to_post(&prompt);
        match self.cut {
            Some(Cut::BeforePost(at)) if at == nth => return self.die().await,
            Some(Cut::InterruptPost(at)) if at == nth => self.stop.cancel(),
            _ => {}
        }
        let answer = self.watched(self.sim.submit(submission)).await;
        if self.cut == Some(Cut::OnTheWire(nth)) {
            return self.die().await;
        }
        self.oracle.lock().unwrap().answered(&prompt, &answer);
        if self.cut == Some(Cut::AfterAnswer(nth)) {
            self.death.strike();
        }
        answer
    }

    async fn ask(&self, task: &TaskId) -> PollOutcome {
        let nth = count(&self.polls);
        if self.death.has_struck() || self.cut == Some(Cut::Polling(nth)) {
            return self.die().await;
        }
        self.oracle.lock().unwrap().about_to_poll(task);
        if self.cut == Some(Cut::InterruptPoll(nth)) {
            self.stop.cancel();
        }
        let handle = TaskHandle::new(task.clone());
        let polled = self.watched(self.sim.poll(std::slice::from_ref(&handle))).await;
        polled.into_iter().next().unwrap()
    }

    async fn download(
        &self,
        url: &str,
        resume: Option<&ResumePoint>,
    ) -> Result<Download, DownloadError> {
        let nth = count(&self.fetches);
        if self.death.has_struck() || self.cut == Some(Cut::Fetching(nth)) {
            return self.die().await;
        }
        self.oracle.lock().unwrap().about_to_fetch(url);
        let download = self.watched(self.sim.fetch(url, resume)).await?;
        if self.cut != Some(Cut::MidClip(nth)) {
            return Ok(download);
        }
        let death = Arc::clone(&self.death);
        let end = futures::stream::once(async move {
            death.strike();
            std::future::pending().await
        });
        Ok(Download { bytes: download.bytes.take(1).chain(end).boxed(), ..download })
    }
}

fn count(counter: &AtomicU32) -> u32 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// Every text of every shot has a prompt of its own.
pub fn prompt(params: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(params).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

impl Provider for Wire {
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
