//! The providers that the suite is run over, each with what its other side knows.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes::catalog::Catalog;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::time::{Clock, SystemClock, Timestamp};
use rushes::provider::{HttpProvider, HttpSettings, Provider};
use rushes::simulator::{Accounts, Profile, SimOptions, SimState, Simulator, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::scheduler::stage::{Puppet, bought};

/// How the other side behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Everything is rendered at once.
    Calm,
    /// No task is ever done.
    Endless,
    /// The account is empty.
    Broke,
    /// Every fault there is.
    Storm(u64),
}

/// How long a provider waits for an answer here.
const PATIENCE: Duration = Duration::from_millis(300);

/// A provider and its other side.
pub trait Rig: Sync {
    fn provider(&self) -> &dyn Provider;

    /// What was bought: prompts and task ids, in order.
    async fn purchases(&self) -> Vec<(String, String)>;
}

/// Opens a rig in a mood.
pub trait Implementation {
    type Rig: Rig;

    async fn open(&self, mood: Mood) -> Self::Rig;
}

fn world(mood: Mood) -> SimState {
    let calm = SimOptions { render_ms: 0..1, ..SimOptions::new(Profile::Calm) };
    let options = match mood {
        Mood::Calm => calm,
        Mood::Endless => SimOptions { render_ms: 3_600_000..3_600_001, ..calm },
        Mood::Broke => SimOptions { purse: "0.01".parse().unwrap(), ..calm },
        Mood::Storm(seed) => SimOptions { seed, ..SimOptions::new(Profile::Storm) },
    };
    SimState::open(options, Catalog::builtin()).unwrap()
}

fn sold(books: &Accounts) -> Vec<(String, String)> {
    books.purchases().map(|sold| (sold.prompt.clone(), sold.task_id.clone())).collect()
}

/// Time as tokio tells it, so that it passes while the test sleeps.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(self.0.elapsed())
    }
}

/// The simulator in the process.
pub struct InProcess;

impl Implementation for InProcess {
    type Rig = Simulator;

    async fn open(&self, mood: Mood) -> Simulator {
        Simulator::new(world(mood), Arc::new(TokioClock(Instant::now())), PATIENCE)
    }
}

impl Rig for Simulator {
    fn provider(&self) -> &dyn Provider {
        self
    }

    async fn purchases(&self) -> Vec<(String, String)> {
        sold(&self.books())
    }
}

/// The HTTP client, with the simulator as the gateway behind a socket.
pub struct OverHttp;

pub struct HttpRig {
    provider: HttpProvider,
    books: String,
    /// Ends the server when dropped.
    _stop: oneshot::Sender<()>,
}

impl Implementation for OverHttp {
    type Rig = HttpRig;

    async fn open(&self, mood: Mood) -> HttpRig {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        tokio::spawn(serve(listener, world(mood), Arc::clone(&clock), async move {
            stopped.await.ok();
        }));
        let settings = HttpSettings {
            poll_timeout: PATIENCE,
            idle_timeout: PATIENCE,
            ..HttpSettings::new(base.clone(), "key".into(), PATIENCE, clock)
        };
        let provider = HttpProvider::new(settings).unwrap();
        HttpRig { provider, books: format!("{base}/sim/books"), _stop: stop }
    }
}

impl Rig for HttpRig {
    fn provider(&self) -> &dyn Provider {
        &self.provider
    }

    async fn purchases(&self) -> Vec<(String, String)> {
        let answer = reqwest::get(&self.books).await.unwrap().bytes().await.unwrap();
        sold(&serde_json::from_slice(&answer).unwrap())
    }
}

/// The gateway that the scheduler's tests script.
pub struct Scripted;

pub struct ScriptedRig {
    puppet: Puppet,
    sold: Arc<Mutex<Vec<(String, String)>>>,
}

impl Implementation for Scripted {
    type Rig = ScriptedRig;

    async fn open(&self, mood: Mood) -> ScriptedRig {
        let sold = Arc::<Mutex<Vec<(String, String)>>>::default();
        let (book, known) = (Arc::clone(&sold), Arc::clone(&sold));
        let puppet = Puppet::default()
            .on_submit(move |prompt, nth| {
                let outcome = submit(mood, prompt, nth);
                let book = || book.lock().unwrap();
                match &outcome {
                    SubmitOutcome::Bought { task } => {
                        book().push((prompt.into(), task.to_string()));
                    }
                    SubmitOutcome::Doubtful { .. } => {
                        book().push((prompt.into(), format!("lost-{prompt}")));
                    }
                    _ => {}
                }
                outcome
            })
            .on_poll(move |task, _| {
                let is_known = known.lock().unwrap().iter().any(|(_, id)| id == task);
                match mood {
                    _ if !is_known => PollOutcome::Missing { why: "404: Task not found".into() },
                    Mood::Endless => PollOutcome::Working { is_waiting: false, unknown: None },
                    _ => crate::scheduler::stage::completed(),
                }
            });
        ScriptedRig { puppet, sold }
    }
}

fn submit(mood: Mood, prompt: &str, nth: usize) -> SubmitOutcome {
    let why = || "as the script says".to_owned();
    match mood {
        Mood::Broke => SubmitOutcome::NoCredit { why: why() },
        Mood::Storm(seed) => {
            let mut hasher = DefaultHasher::new();
            (seed, prompt, nth).hash(&mut hasher);
            match hasher.finish() % 6 {
                0 => SubmitOutcome::NotSent { why: why() },
                1 => SubmitOutcome::Throttled { is_money: false, retry_after: None, why: why() },
                2 => SubmitOutcome::ServerError {
                    status: 500,
                    from_proxy: false,
                    retry_after: None,
                    why: why(),
                },
                3 => SubmitOutcome::Doubtful { why: why(), answer: None },
                _ => bought(prompt),
            }
        }
        Mood::Calm | Mood::Endless if nth > 1 => {
            SubmitOutcome::Bought { task: TaskId::new(&format!("task-{prompt}-{nth}")).unwrap() }
        }
        Mood::Calm | Mood::Endless => bought(prompt),
    }
}

impl Rig for ScriptedRig {
    fn provider(&self) -> &dyn Provider {
        &self.puppet
    }

    async fn purchases(&self) -> Vec<(String, String)> {
        self.sold.lock().unwrap().clone()
    }
}
