//! A stage for whole runs in virtual time: a gateway that does what a closure says, a real ledger
//! and real clips in a temporary folder, a clock that follows tokio's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream;
use rushes::blocking::Threads;
use rushes::callback::Callbacks;
use rushes::clips::FolderStore;
use rushes::domain::charge::ChargeOutcome;
use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::secret::Secret;
use rushes::domain::shot::{Fingerprint, Request, Shot, ShotId};
use rushes::domain::time::{Clock, Timestamp};
use rushes::ledger::{Kind, Ledger, LedgerAddress, LedgerOptions, Row, SqliteLedger};
use rushes::policy::budget::Budget;
use rushes::policy::limits::Limits;
use rushes::provider::{Download, Provider, ResumePoint, Submission, TaskHandle};
use rushes::scheduler::{self, CancelToken, Deps, PauseSwitch, Progress, RunOptions, RunOutcome};
use tokio::sync::watch;
use tokio::time::Instant;

/// A shot whose request is its id.
pub fn shot(id: &str) -> Shot {
    let mut fingerprint = [0; 16];
    for (byte, of_id) in fingerprint.iter_mut().zip(id.bytes()) {
        *byte = of_id;
    }
    Shot {
        id: ShotId::new(id).unwrap(),
        fingerprint: Fingerprint::from_bytes(fingerprint),
        former: [].into(),
        request: Request { json: format!(r#"{{"prompt":"{id}"}}"#).into(), files: [].into() },
        model: "kling-v3".into(),
        price: Some(Usd::from_micros(100_000)),
        priority: 0,
        tags: [].into(),
        clip_name: id.into(),
        entry: id.into(),
        variant: [].into(),
    }
}

/// `count` shots: `s000`, `s001`, …
pub fn shots(count: usize) -> Vec<Shot> {
    (0..count).map(|n| shot(&format!("s{n:03}"))).collect()
}

/// The smallest file that passes for a clip.
pub fn clip() -> Bytes {
    Bytes::from_static(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip")
}

pub fn bought(prompt: &str) -> SubmitOutcome {
    SubmitOutcome::Bought { task: TaskId::new(&format!("task-{prompt}")).unwrap() }
}

pub fn completed() -> PollOutcome {
    PollOutcome::Completed { urls: vec!["http://host/clip.mp4".into()], completed_at: None }
}

type OnSubmit = dyn Fn(&str, usize) -> (Duration, SubmitOutcome) + Send + Sync;
type OnPoll = dyn Fn(&str, usize) -> PollOutcome + Send + Sync;
type OnCharge = dyn Fn(&str, usize) -> (Duration, ChargeOutcome) + Send + Sync;
type OnFetch = dyn Fn(usize) -> Result<Bytes, DownloadError> + Send + Sync;

/// What the gateway saw, in order.
#[derive(Default)]
pub struct Seen {
    pub submits: Vec<(Instant, String)>,
    pub polls: Vec<(Instant, String)>,
    pub fetches: usize,
    /// Tasks whose charge was asked for.
    pub charges: Vec<String>,
    /// Whom to call about each prompt, by POST.
    pub callbacks: Vec<(String, Secret)>,
    in_flight: usize,
    pub max_in_flight: usize,
    nth: HashMap<String, usize>,
}

/// A gateway that does what closures say: each gets the prompt (or task id) and how many-eth such
/// call this is, from 1.
pub struct Puppet {
    on_submit: Box<OnSubmit>,
    on_poll: Box<OnPoll>,
    on_fetch: Box<OnFetch>,
    on_charge: Box<OnCharge>,
    pub seen: Mutex<Seen>,
}

impl Default for Puppet {
    fn default() -> Self {
        Self {
            on_submit: Box::new(|prompt, _| (Duration::from_millis(20), bought(prompt))),
            on_poll: Box::new(|_, _| completed()),
            on_fetch: Box::new(|_| Ok(clip())),
            on_charge: Box::new(|_, _| (Duration::ZERO, ChargeOutcome::Unsettled)),
            seen: Mutex::default(),
        }
    }
}

impl Puppet {
    pub fn on_submit(
        self,
        does: impl Fn(&str, usize) -> SubmitOutcome + Send + Sync + 'static,
    ) -> Self {
        let on_submit = move |prompt: &str, nth| (Duration::from_millis(20), does(prompt, nth));
        Self { on_submit: Box::new(on_submit), ..self }
    }

    pub fn on_slow_submit(
        self,
        does: impl Fn(&str, usize) -> (Duration, SubmitOutcome) + Send + Sync + 'static,
    ) -> Self {
        Self { on_submit: Box::new(does), ..self }
    }

    pub fn on_poll(
        self,
        does: impl Fn(&str, usize) -> PollOutcome + Send + Sync + 'static,
    ) -> Self {
        Self { on_poll: Box::new(does), ..self }
    }

    pub fn on_fetch(
        self,
        does: impl Fn(usize) -> Result<Bytes, DownloadError> + Send + Sync + 'static,
    ) -> Self {
        Self { on_fetch: Box::new(does), ..self }
    }

    pub fn on_charge(
        self,
        does: impl Fn(&str, usize) -> (Duration, ChargeOutcome) + Send + Sync + 'static,
    ) -> Self {
        Self { on_charge: Box::new(does), ..self }
    }

    /// The token that the last POST of a prompt was given.
    pub fn token(&self, prompt: &str) -> Secret {
        let seen = self.seen.lock().unwrap();
        seen.callbacks.iter().rfind(|(of, _)| of == prompt).expect("it was posted").1
    }

    fn nth(&self, key: &str) -> usize {
        let mut seen = self.seen.lock().unwrap();
        let nth = seen.nth.entry(key.to_owned()).or_default();
        *nth += 1;
        *nth
    }

    /// The prompts in the order they were posted.
    pub fn posted(&self) -> Vec<String> {
        self.seen.lock().unwrap().submits.iter().map(|(_, prompt)| prompt.clone()).collect()
    }
}

impl Puppet {
    fn poll_once(&self, task: &TaskId) -> PollOutcome {
        self.seen.lock().unwrap().polls.push((Instant::now(), task.to_string()));
        let polled = (self.on_poll)(task.as_str(), self.nth(&format!("poll {task}")));
        if matches!(polled, PollOutcome::Completed { .. } | PollOutcome::Failed { .. }) {
            let mut seen = self.seen.lock().unwrap();
            seen.in_flight = seen.in_flight.saturating_sub(1);
        }
        polled
    }
}

impl Provider for Puppet {
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        let params: serde_json::Value = serde_json::from_str(&submission.params).unwrap();
        let prompt = params["prompt"].as_str().unwrap().to_owned();
        {
            let mut seen = self.seen.lock().unwrap();
            seen.submits.push((Instant::now(), prompt.clone()));
            if let Some(url) = &submission.callback {
                let token = Secret::parse(url.rsplit('/').next().unwrap()).unwrap();
                seen.callbacks.push((prompt.clone(), token));
            }
            seen.in_flight += 1;
            seen.max_in_flight = seen.max_in_flight.max(seen.in_flight);
        }
        let (delay, answer) = (self.on_submit)(&prompt, self.nth(&format!("submit {prompt}")));
        async move {
            tokio::time::sleep(delay).await;
            if !matches!(answer, SubmitOutcome::Bought { .. }) {
                // The end of an earlier run's task may have been taken for it.
                let mut seen = self.seen.lock().unwrap();
                seen.in_flight = seen.in_flight.saturating_sub(1);
            }
            answer
        }
        .boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polled = tasks.iter().map(|handle| self.poll_once(&handle.task)).collect();
        futures::future::ready(polled).boxed()
    }

    fn charge<'a>(&'a self, handle: &'a TaskHandle) -> BoxFuture<'a, ChargeOutcome> {
        let task = &handle.task;
        self.seen.lock().unwrap().charges.push(task.to_string());
        let (delay, billed) = (self.on_charge)(task.as_str(), self.nth(&format!("charge {task}")));
        async move {
            tokio::time::sleep(delay).await;
            billed
        }
        .boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        _resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        self.seen.lock().unwrap().fetches += 1;
        let fetched = (self.on_fetch)(self.nth(&format!("fetch {url}")));
        async move {
            fetched.map(|bytes| Download {
                starts_at: 0,
                total: Some(bytes.len() as u64),
                validator: None,
                bytes: Box::pin(stream::iter([Ok(bytes)])),
            })
        }
        .boxed()
    }
}

/// A clock that follows tokio's, also when it is paused, until somebody sets it.
pub struct VirtualClock {
    began: Instant,
    set: AtomicI64,
}

impl VirtualClock {
    /// Sets it forward by so many hours, or back.
    pub fn jump(&self, hours: i64) {
        self.set.fetch_add(hours * 3_600_000, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let set = 1_700_000_000_000 + self.set.load(Ordering::Relaxed);
        Timestamp::from_millis(set).plus(self.began.elapsed())
    }
}

/// A campaign folder in which runs can follow one another.
pub struct Stage {
    folder: tempfile::TempDir,
    pub clock: Arc<VirtualClock>,
    pub options: RunOptions,
    pub budget: Option<Budget>,
    pub stop: CancelToken,
    pub pause: PauseSwitch,
    pub callbacks: Option<Callbacks>,
}

impl Stage {
    pub fn new() -> Self {
        let limits = Limits { in_flight: 1000, ..Limits::default() };
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(VirtualClock { began: Instant::now(), set: AtomicI64::new(0) }),
            options: RunOptions::new(limits),
            budget: None,
            stop: CancelToken::default(),
            pause: PauseSwitch::default(),
            callbacks: None,
        }
    }

    /// With somewhere for the gateway to call, and half an hour of patience.
    pub fn calling(self) -> Self {
        let wait = Duration::from_secs(1800);
        let callbacks = Callbacks { queue: Arc::default(), url: "http://hook/a".into(), wait };
        Self { callbacks: Some(callbacks), ..self }
    }

    /// The gateway, or somebody else, calls about a prompt's last attempt and names these tasks.
    pub fn call(&self, token: Secret, tasks: &[&str]) {
        let tasks = tasks.iter().map(|task| TaskId::new(task).unwrap()).collect();
        assert!(self.callbacks.as_ref().unwrap().queue.push(token, tasks));
    }

    pub fn cap(mut self, dollars: &str) -> Self {
        self.budget = Some(Budget { cap: Some(dollars.parse().unwrap()), strict: false });
        self
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn run(&self, shots: &[Shot], gateway: &Arc<Puppet>) -> (RunOutcome, Progress) {
        self.run_with(shots, Arc::clone(gateway) as Arc<dyn Provider>).await
    }

    pub async fn run_with(
        &self,
        shots: &[Shot],
        gateway: Arc<dyn Provider>,
    ) -> (RunOutcome, Progress) {
        let ledger = SqliteLedger::open(
            &self.folder.path().join("ledger.sqlite"),
            &LedgerOptions {
                campaign: "stage",
                kind: Kind::Gateway,
                holder: "a test",
                at: self.clock.now(),
                threads: Threads::InPlace,
                identity: rushes::ledger::Identity::default(),
                post_lasts: std::time::Duration::ZERO,
                work: None,
            },
        )
        .unwrap();
        if let Some(budget) = self.budget {
            ledger.set_budget(budget).await.unwrap();
        }
        let deps = Deps {
            provider: gateway,
            ledger: Arc::new(ledger),
            clips: Arc::new(FolderStore::open(self.folder.path(), Threads::InPlace).unwrap()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            callbacks: self.callbacks.clone(),
            pause: self.pause.clone(),
            metrics: Arc::default(),
            threads: Threads::InPlace,
        };
        let (progress, seen) = watch::channel(Progress::default());
        let ended =
            scheduler::run(shots.into(), self.options.clone(), deps, self.stop.clone(), progress);
        let ended = ended.await.unwrap();
        let progress = seen.borrow().clone();
        (ended, progress)
    }

    /// Where the ledger lies.
    pub fn ledger(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    /// What the ledger says of every shot.
    pub fn rows(&self) -> Vec<Row> {
        let reader =
            LedgerAddress::file(self.folder.path().join("ledger.sqlite")).snapshot().unwrap();
        let mut rows = Vec::new();
        reader.rows(&mut |row| rows.push(row)).unwrap();
        rows
    }

    /// Spent and reserved, by the ledger.
    pub fn money(&self) -> (Usd, Usd) {
        let reader =
            LedgerAddress::file(self.folder.path().join("ledger.sqlite")).snapshot().unwrap();
        let balance = reader.summary().unwrap().balance;
        (balance.spent, balance.reserved)
    }

    /// Every task that the ledger knows.
    pub fn tasks(&self) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        let sql = "SELECT task_id FROM attempts WHERE task_id IS NOT NULL";
        let mut tasks = conn.prepare(sql).unwrap();
        tasks.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    pub fn states(&self) -> HashMap<String, &'static str> {
        self.rows()
            .iter()
            .map(|row| (row.entry.shot.to_string(), row.entry.status.state.name()))
            .collect()
    }
}
