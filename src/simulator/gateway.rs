//! The simulator in-process: a [`Provider`] without a socket. Only tokio's time passes in it, so it
//! behaves under a paused clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream::{self, BoxStream, StreamExt};

use crate::domain::account::{Access, AccessVerdict, BalanceOutcome, Clocks, ModelsOutcome};
use crate::domain::charge::ChargeOutcome;
use crate::domain::origin::Origin;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, UploadOutcome};
use crate::domain::time::Clock;
use crate::provider::wire::{self, Answer, account};
use crate::provider::{
    Capabilities, Download, FileUpload, Provider, ResumePoint, Submission, TaskHandle, apimodels,
    body,
};

use super::accounts::Accounts;
use super::caller::Caller;
use super::files;
use super::profile::Profile;
use super::reply::{Answered, Clip, ClipReply, Reply};
use super::rng::SimRng;
use super::state::{NO_HOST, SimState};

/// How long a poll or a download that hangs is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A [`SimState`] as the scheduler's gateway.
pub struct Simulator {
    state: Arc<Mutex<SimState>>,
    clock: Arc<dyn Clock>,
    submit_timeout: Duration,
    /// The longest time an answer takes, in milliseconds.
    latency: u64,
    seed: u64,
    caller: Caller,
}

impl Simulator {
    /// Wraps a simulator's state. `clock` must be the run's own.
    #[must_use]
    pub fn new(state: SimState, clock: Arc<dyn Clock>, submit_timeout: Duration) -> Self {
        let latency = match state.options().profile {
            Profile::Calm | Profile::Broke => 0,
            Profile::Flaky | Profile::Storm | Profile::Liar | Profile::Field => 20,
        };
        let (seed, caller) = (state.options().seed, Caller::default());
        Self { state: Arc::new(Mutex::new(state)), clock, submit_timeout, latency, seed, caller }
    }

    /// A copy of the accounts as of now.
    #[must_use]
    pub fn books(&self) -> Accounts {
        let now = self.clock.now();
        self.state().books(now)
    }

    fn state(&self) -> MutexGuard<'_, SimState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn poll_once(&self, handle: &TaskHandle) -> PollOutcome {
        let task = &handle.task;
        self.travel(task.as_str().as_bytes()).await;
        let now = self.clock.now();
        let reply = self.state().poll(task.as_str(), now);
        match self.answer_to(reply, PATIENCE).await {
            Ok(answer) => wire::polled_for(task, handle.asked.as_deref(), &answer),
            Err(NoAnswer { why, .. }) => PollOutcome::Unanswered { why },
        }
    }

    /// What comes of a reply for a client that waits for so long.
    async fn answer_to(&self, reply: Reply, patience: Duration) -> Result<Answer, NoAnswer> {
        let why = match reply {
            Reply::Answered(answered) => return Ok(self.answer(answered)),
            Reply::Torn(answered, _) => {
                let why = "the connection was cut in the middle of the answer".to_owned();
                return Ok(Answer { body: Err(why), ..self.answer(answered) });
            }
            Reply::NotSent(why) => return Err(NoAnswer { why, was_sent: false }),
            Reply::Cut => "the connection was closed without an answer".to_owned(),
            Reply::Hang => {
                tokio::time::sleep(patience).await;
                format!("no answer within {patience:?}")
            }
        };
        Err(NoAnswer { why, was_sent: true })
    }

    async fn travel(&self, about: &[u8]) {
        let millis = SimRng::new(self.seed, "latency", about, 0).below(self.latency);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    fn answer(&self, answered: Answered) -> Answer {
        let retry_after = answered.retry_after.map(|after| after.span(self.clock.now()));
        Answer { retry_after, ..Answer::new(answered.status, answered.body) }
    }
}

/// A request without an answer.
struct NoAnswer {
    why: String,
    was_sent: bool,
}

impl Provider for Simulator {
    fn capabilities(&self) -> Capabilities {
        let origin = Origin { address: "simulator".into(), account: "".into() };
        Capabilities { origin, uploads: apimodels::uploads(), ..Capabilities::default() }
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        Box::pin(async move {
            let body = body(&submission);
            self.travel(&body[..body.len().min(1_024)]).await;
            let now = self.clock.now();
            let reply = self.state().submit(&body, now);
            self.caller.take_on(&self.state, &self.clock);
            match self.answer_to(reply, self.submit_timeout).await {
                Ok(answer) => wire::submitted(&answer),
                Err(NoAnswer { why, was_sent: false }) => SubmitOutcome::NotSent { why },
                Err(NoAnswer { why, was_sent: true }) => {
                    SubmitOutcome::Doubtful { why, answer: None }
                }
            }
        })
    }

    fn upload(&self, file: FileUpload) -> BoxFuture<'_, UploadOutcome> {
        ready(wire::uploaded(&self.answer(files::kept(&file.sha256)))).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polls = tasks.iter().map(|handle| self.poll_once(handle));
        Box::pin(futures::future::join_all(polls))
    }

    fn charge<'a>(&'a self, task: &'a TaskHandle) -> BoxFuture<'a, ChargeOutcome> {
        Box::pin(async move {
            let task = &task.task;
            self.travel(task.as_str().as_bytes()).await;
            let now = self.clock.now();
            let answered = self.state().record(task.as_str(), now);
            wire::billed(task, &self.answer(answered))
        })
    }

    fn balance(&self) -> BoxFuture<'_, BalanceOutcome> {
        let now = self.clock.now();
        let answered = self.state().balance(now);
        ready(account::balance(&self.answer(answered))).boxed()
    }

    fn models(&self) -> BoxFuture<'_, ModelsOutcome> {
        let answered = self.state().models();
        ready(account::models(&self.answer(answered))).boxed()
    }

    fn access(&self) -> BoxFuture<'_, Access> {
        let now = self.clock.now();
        let clocks = Some(Clocks { theirs: now, ours: now });
        ready(Access { verdict: AccessVerdict::Accepted, clocks }).boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        Box::pin(async move {
            let Some(path) = url.strip_prefix(NO_HOST) else {
                let why = format!("{url} is not the simulator's: no such host");
                return Err(DownloadError::Broken { why });
            };
            self.travel(path.as_bytes()).await;
            let now = self.clock.now();
            let from = resume.map(|point| (point.at, Some(point.validator.as_str())));
            let reply = self.state().clip(path, from, now);
            match reply {
                ClipReply::Clip(clip) => Ok(download(clip)),
                ClipReply::Answered(answered) => page(answered),
                ClipReply::Hang => {
                    tokio::time::sleep(PATIENCE).await;
                    Err(DownloadError::Broken { why: format!("no answer within {PATIENCE:?}") })
                }
            }
        })
    }
}

fn download(clip: Clip) -> Download {
    let (pause, cut) = (clip.pause, clip.cut);
    let pieces = stream::iter(clip.pieces()).then(move |piece| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(piece)
    });
    let end = || Err(DownloadError::Broken { why: "the connection was cut".to_owned() });
    let bytes: BoxStream<'static, _> =
        if cut { pieces.chain(stream::iter([end()])).boxed() } else { pieces.boxed() };
    Download {
        starts_at: clip.starts_at,
        total: clip.announced.then_some(clip.total),
        validator: clip.announced.then_some(clip.etag),
        bytes,
    }
}

/// What is not a clip: an error, or a web page with a 200.
fn page(answered: Answered) -> Result<Download, DownloadError> {
    let why = format!("answered {}", answered.status);
    match answered.status {
        200..=299 => Ok(Download {
            starts_at: 0,
            total: Some(answered.body.len() as u64),
            validator: None,
            bytes: stream::iter([Ok(answered.body)]).boxed(),
        }),
        403 | 404 | 410 => Err(DownloadError::Gone { why }),
        _ => Err(DownloadError::Broken { why }),
    }
}
