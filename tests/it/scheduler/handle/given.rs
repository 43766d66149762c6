//! What a run begins with: shots, stored states, limits, a cap.

use std::sync::Arc;
use std::time::Duration;

use super::rig::{Attempt, Rig};
use rushes::callback::Callbacks;
use rushes::domain::money::Usd;
use rushes::domain::outcome::TaskId;
use rushes::domain::secret::{KeyMint, Secret};
use rushes::domain::shot::{FileKind, Fingerprint, LocalFile, Request, Shot, ShotId};
use rushes::domain::state::{Account, AttemptId, OnDoubt, RevisionState, State, Unanswered};
use rushes::domain::time::Timestamp;
use rushes::ledger::{CallbackSubscription, Counts, EarlierTask, Entry, RevisionId};
use rushes::policy::budget::Budget;
use rushes::policy::limits::{Limits, Rate, Window};
use rushes::provider::Capabilities;
use rushes::scheduler::RunOptions;
use rushes::scheduler::Scheduler;
use rushes::scheduler::Setup;

/// What the wall clock says when a run begins.
pub const BEGAN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

pub fn task(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

/// A run that has not begun. Unless a test says otherwise, a shot costs a dollar, there is no cap,
/// and the rates are too high to matter.
pub struct Given {
    pub shots: Vec<Shot>,
    pub entries: Vec<(Entry, Option<u32>)>,
    pub attempts: Vec<Attempt>,
    /// The rows of earlier tasks, the attempts, and the tasks.
    pub earlier: Vec<(usize, AttemptId, TaskId)>,
    pub options: RunOptions,
    pub budget: Budget,
    pub poll_batch: usize,
    pub callbacks: Option<Callbacks>,
    pub paused: bool,
    /// Whether other workers may be at the campaign.
    pub shared: bool,
}

/// A run of so many shots that were never submitted.
pub fn given(count: u32) -> Given {
    let rate = Rate { count: 1000, window: Window::Second };
    let limits = Limits { rate, poll_rate: rate, in_flight: 100, ..Limits::default() };
    let shots: Vec<Shot> = (0..count).map(shot).collect();
    let entries = (0..).zip(&shots).map(|(place, shot)| (entry(place, shot), Some(place)));
    Given {
        entries: entries.collect(),
        shots,
        attempts: Vec::new(),
        earlier: Vec::new(),
        options: RunOptions::new(limits),
        budget: Budget::default(),
        poll_batch: 1,
        callbacks: None,
        paused: false,
        shared: false,
    }
}

fn shot(place: u32) -> Shot {
    let name = format!("shot-{place}");
    Shot {
        id: ShotId::new(&name).unwrap(),
        fingerprint: Fingerprint::from_bytes([0; 16]),
        former: [].into(),
        request: Request { json: format!(r#"{{"prompt":"{name}"}}"#).into(), files: [].into() },
        model: "model".into(),
        price: Some(usd("1")),
        priority: 0,
        tags: [].into(),
        clip_name: name.as_str().into(),
        entry: name.as_str().into(),
        variant: [].into(),
    }
}

fn entry(row: u32, shot: &Shot) -> Entry {
    Entry {
        revision: RevisionId(row.into()),
        shot: shot.id.clone(),
        number: 1,
        fingerprint: shot.fingerprint,
        current: true,
        clip_name: (&*shot.clip_name).into(),
        status: RevisionState::new(),
        price: shot.price,
        charged_if_failed: false,
    }
}

impl Given {
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.options.limits);
        self.options.rules.attempts = self.options.limits.attempts;
        self.options.rules.render_timeout = self.options.limits.render_timeout;
        self
    }

    pub fn options(mut self, change: impl FnOnce(&mut RunOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub fn resubmitting(self) -> Self {
        self.options(|options| options.rules.on_doubt = OnDoubt::Resubmit)
    }

    pub fn cap(mut self, cap: &str) -> Self {
        self.budget.cap = Some(usd(cap));
        self
    }

    /// What each shot costs and how early it is submitted, in manifest order.
    pub fn priced(mut self, shots: &[(&str, i32)]) -> Self {
        for (place, (price, priority)) in shots.iter().enumerate() {
            let price = Some(usd(price));
            (self.shots[place].price, self.shots[place].priority) = (price, *priority);
            self.entries[place].0.price = price;
        }
        self
    }

    /// Other workers may be at the campaign: what there is to do is handed over by and by.
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The provider can call back; a doubt waits so long for it.
    pub fn callbacks(mut self, wait: Duration) -> Self {
        let url = "http://localhost/callback".to_owned();
        self.callbacks = Some(Callbacks { queue: Arc::default(), url, wait });
        self
    }

    /// A shot that needs a local file.
    pub fn with_file(mut self, place: usize) -> Self {
        let path = "a.png";
        let file = LocalFile {
            param: "image".into(),
            kind: FileKind::Picture,
            path: path.into(),
            written: path.into(),
            sha256: [0; 32],
            bytes: 1,
        };
        self.shots[place].request.files = [file].into();
        self
    }

    /// A shot as the ledger has it from an earlier run, with the attempt that its state is about.
    pub fn stored(mut self, row: usize, state: impl FnOnce(AttemptId) -> State) -> Self {
        let attempt = AttemptId(i64::try_from(self.attempts.len()).unwrap() + 1);
        let state = state(attempt);
        let account = match state {
            State::Rendered { .. } | State::Delivered { .. } => Account::Spent,
            State::Failed { .. } => Account::Released,
            _ => Account::Reserved,
        };
        let price = self.entries[row].0.price;
        let key = Secret::from_bytes([u8::try_from(attempt.0).unwrap(); 16]);
        self.attempts.push(Attempt { row, price, account, outcome: None, key });
        self.entries[row].0.status.state = state;
        self
    }

    /// A task that a shot is no longer about, or that it gave up if its state is about the last
    /// attempt. It was sent when the run began.
    pub fn earlier(mut self, row: usize, name: &str) -> Self {
        let own = self.entries[row].0.status.state.attempt();
        let last = i64::try_from(self.attempts.len()).unwrap();
        let is_own = matches!(self.entries[row].0.status.state, State::Failed { .. });
        let attempt = AttemptId(last + i64::from(!is_own));
        assert_eq!(is_own, own == Some(attempt));
        if is_own {
            self.attempts.last_mut().unwrap().account = Account::Reserved;
        } else {
            let price = self.entries[row].0.price;
            let key = Secret::from_bytes([u8::try_from(attempt.0).unwrap(); 16]);
            let account = Account::Reserved;
            self.attempts.push(Attempt { row, price, account, outcome: None, key });
        }
        self.earlier.push((row, attempt, task(name)));
        self
    }

    /// A revision that is older than the manifest's, or whose shot left it; its row follows those
    /// of the manifest's shots.
    pub fn leftover(mut self, state: impl FnOnce(AttemptId) -> State) -> Self {
        let row = self.entries.len();
        let mut entry = entry(u32::try_from(row).unwrap(), &self.shots[0]);
        entry.current = false;
        self.entries.push((entry, None));
        self.stored(row, state)
    }

    /// The run has begun and has done what it can do at once.
    pub fn start(self) -> Rig {
        let mut rig = self.recovered();
        rig.carry_out();
        rig
    }

    /// The run has taken over what the ledger has; what follows is still in the output.
    pub fn recovered(self) -> Rig {
        let mut rng = fastrand::Rng::with_seed(7);
        let setup = Setup {
            provider: Capabilities { poll_batch: self.poll_batch, ..Capabilities::default() },
            is_shared: self.shared,
            budget: self.budget,
            balance: super::rig::balance(&self.attempts),
            metrics: Arc::default(),
            callbacks: self.callbacks,
            keys: KeyMint::from_seed([7; 32]),
            rng: rng.fork(),
        };
        let subscription = |(attempt, one): (i64, &Attempt)| CallbackSubscription {
            attempt: AttemptId(attempt),
            key: one.key,
            sent_at: BEGAN,
        };
        let subscriptions = (1..).zip(&self.attempts).map(subscription).collect();
        let states = self.entries.iter().map(|(entry, _)| entry.status.clone()).collect();
        let earlier = self.earlier.into_iter().map(|(row, attempt, task)| EarlierTask {
            entry: self.entries[row].0.clone(),
            attempt,
            task,
            sent_at: BEGAN,
        });
        let earlier: Vec<EarlierTask> = earlier.collect();
        let scheduler = Scheduler::new(self.shots.into(), self.options, setup, BEGAN);
        let mut rig = Rig::new(scheduler, states, self.attempts, self.budget);
        rig.scheduler.set_paused(self.paused);
        if self.shared {
            rig.entries = self.entries;
            rig.scheduler.begun(&Counts::default(), Usd::ZERO);
            rig.scheduler.take_earlier(rig.now, earlier);
            return rig;
        }
        rig.scheduler.recover_from(rig.now, self.entries.into_iter(), subscriptions);
        rig.scheduler.take_earlier(rig.now, earlier);
        rig
    }
}

/// A task that renders since the run began.
pub fn rendering(name: &str) -> impl FnOnce(AttemptId) -> State + use<> {
    let task = task(name);
    |attempt| State::Rendering {
        attempt,
        task,
        since: BEGAN,
        silence: Unanswered::default(),
        stalled: None,
    }
}

/// A task that is done, with so many clips that are still to be fetched.
pub fn rendered(clips: u32) -> impl FnOnce(AttemptId) -> State {
    move |attempt| State::Rendered {
        attempt,
        task: task("done"),
        urls: (0..clips).map(|clip| format!("https://host/{clip}")).collect(),
        completed_at: BEGAN,
        why: None,
    }
}

pub fn in_doubt(attempt: AttemptId) -> State {
    State::InDoubt { attempt, why: "cut".into() }
}
