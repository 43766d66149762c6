//! What a run is told: by the command line, and by its surroundings.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::blocking::Threads;
use crate::callback::Callbacks;
use crate::clips::ClipStore;
use crate::domain::secret::KeyMint;
use crate::domain::state::{OnDoubt, Rules, State};
use crate::domain::time::{Clock, Timestamp};
use crate::ledger::{Entry, Ledger};
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::provider::{Capabilities, Provider};

use super::metrics::Metrics;
use super::switches::PauseSwitch;

/// What a run is to do.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct RunOptions {
    /// What it keeps to.
    pub limits: Limits,
    /// What decides transitions. What it says of failed tasks is for what this run buys.
    pub rules: Rules,
    /// Whether anything is bought; `false` for `rushes fetch`.
    pub submit: bool,
    /// Whether clips are fetched; `false` for `--no-download`.
    pub download: bool,
    /// Which shots may be submitted; `None` is all.
    pub only: Option<globset::GlobMatcher>,
    /// Whether failed shots go back to the queue first.
    pub retry_failed: bool,
    /// Stop submitting after so many shots failed in this run.
    pub max_failures: Option<u32>,
    /// Whether the provider's balance is asked for before the first purchase.
    pub check_balance: bool,
    /// `--whole`: nothing is bought when the balance is known to be too little.
    pub whole: bool,
    /// Stop submitting once so many in a hundred of the last 50 shots that ended failed.
    pub max_failure_percent: Option<u32>,
    /// Stop submitting at this moment.
    pub deadline: Option<Timestamp>,
    /// Whether the gateway is asked what finished tasks really cost.
    pub check_charges: bool,
}

impl RunOptions {
    /// Everything there is to do, without a deadline; doubts are held, a 5xx is a refusal, and
    /// failed tasks are not charged. How long clips are kept is the provider's to say: a scheduler
    /// takes that from its [`Setup`].
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        let rules = Rules {
            attempts: limits.attempts,
            strict: false,
            on_doubt: OnDoubt::Hold,
            render_timeout: limits.render_timeout,
            failed_tasks_charged: false,
            canceled_tasks_charged: None,
            result_lifetime: Duration::MAX,
            rerolls: limits.rerolls,
            others_are_clear: false,
        };
        Self {
            limits,
            rules,
            submit: true,
            download: true,
            only: None,
            retry_failed: false,
            max_failures: None,
            check_balance: false,
            whole: false,
            max_failure_percent: None,
            deadline: None,
            check_charges: false,
        }
    }

    /// Whether a run means to buy a shot that waits.
    #[must_use]
    pub fn takes_up(&self, entry: &Entry) -> bool {
        matches!(entry.status.state, State::Queued { .. }) && self.selects(entry.shot.as_str())
    }

    /// Whether `--only` lets a shot be submitted.
    #[must_use]
    pub fn selects(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|glob| glob.is_match(id))
    }
}

/// What a run works with.
pub struct Deps {
    /// Who renders.
    pub provider: Arc<dyn Provider>,
    /// Where everything is written first; its lock is held.
    pub ledger: Arc<dyn Ledger>,
    /// Where clips go.
    pub clips: Arc<dyn ClipStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where the gateway can call back, if it can.
    pub callbacks: Option<Callbacks>,
    /// The user's pause button.
    pub pause: PauseSwitch,
    /// What is counted and timed while it runs.
    pub metrics: Arc<Metrics>,
    /// Where local files are read.
    pub threads: Threads,
}

impl Deps {
    /// Deps without callbacks, not paused.
    #[must_use]
    pub fn new(
        provider: Arc<dyn Provider>,
        ledger: Arc<dyn Ledger>,
        clips: Arc<dyn ClipStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (pause, metrics) = (PauseSwitch::default(), Arc::default());
        let (callbacks, threads) = (None, Threads::default());
        Self { provider, ledger, clips, clock, callbacks, pause, metrics, threads }
    }
}

/// What a scheduler is told of the run's surroundings, as plain values.
pub struct Setup {
    /// What the provider says of itself.
    pub provider: Capabilities,
    /// Whether other workers may be at the campaign too.
    pub is_shared: bool,
    /// The cap.
    pub budget: Budget,
    /// The money as the ledger has it.
    pub balance: Balance,
    /// What is counted and timed.
    pub metrics: Arc<Metrics>,
    /// Where the provider can call back, if it can.
    pub callbacks: Option<Callbacks>,
    /// Makes attempt keys.
    pub keys: KeyMint,
    /// Chance, for the waits before retries.
    pub rng: fastrand::Rng,
}

impl Setup {
    /// What `deps` say.
    ///
    /// # Errors
    /// When the system has no randomness for attempt keys, which it always has.
    pub fn of(deps: &Deps) -> io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        Ok(Self {
            provider: deps.provider.capabilities(),
            is_shared: deps.ledger.fleet().is_some(),
            budget: deps.ledger.budget(),
            balance: deps.ledger.balance(),
            metrics: Arc::clone(&deps.metrics),
            callbacks: deps.callbacks.clone(),
            keys: KeyMint::from_seed(seed),
            rng: fastrand::Rng::new(),
        })
    }
}
