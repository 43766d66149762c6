//! What a run is told and what it answers: plain data between the command line and the scheduler.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::callback::Callbacks;
use crate::clips::Clips;
use crate::domain::state::{OnDoubt, Rules, State};
use crate::domain::time::{Clock, Timestamp};
use crate::domain::transition::StopCause;
use crate::ledger::SqliteLedger;
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::provider::Provider;

use super::metrics::Metrics;

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
    /// Stop submitting at this moment.
    pub deadline: Option<Timestamp>,
    /// Whether the gateway is asked what finished tasks really cost.
    pub check_charges: bool,
}

impl RunOptions {
    /// Everything there is to do, without a deadline; doubts are held, a 5xx is a refusal, and
    /// failed tasks are not charged.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        let rules = Rules {
            attempts: limits.attempts,
            strict: false,
            on_doubt: OnDoubt::Hold,
            render_timeout: limits.render_timeout,
            failed_tasks_charged: false,
        };
        Self {
            limits,
            rules,
            submit: true,
            download: true,
            only: None,
            retry_failed: false,
            max_failures: None,
            deadline: None,
            check_charges: false,
        }
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
    pub gateway: Arc<dyn Provider>,
    /// Where everything is written first; its lock is held.
    pub ledger: SqliteLedger,
    /// Where clips go.
    pub clips: Clips,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where the gateway can call back, if it can.
    pub callbacks: Option<Callbacks>,
    /// The user's pause button.
    pub pause: PauseSwitch,
    /// What is counted and timed while it runs.
    pub gauges: Arc<Metrics>,
}

impl Deps {
    /// Tools without callbacks, not paused.
    #[must_use]
    pub fn new(
        gateway: Arc<dyn Provider>,
        ledger: SqliteLedger,
        clips: Clips,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (pause, gauges) = (PauseSwitch::default(), Arc::default());
        Self { gateway, ledger, clips, clock, callbacks: None, pause, gauges }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// There is nothing left that this run could do.
    Done,
    /// The user stopped it.
    Interrupted,
    /// Something else stopped it early.
    Stopped(StopReason),
}

impl RunOutcome {
    /// How it ended in one word, and why where that needs a reason: `done`, `interrupted`,
    /// `stopped`.
    #[must_use]
    pub fn in_words(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Done => ("done", None),
            Self::Interrupted => ("interrupted", None),
            Self::Stopped(why) => ("stopped", Some(why.to_string())),
        }
    }
}

/// What stopped a run early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Shots that no longer fit under the cap.
    Cap {
        /// How many are held back.
        held: usize,
    },
    /// 402.
    Credit(String),
    /// 401, 403.
    Key(String),
    /// Not the gateway.
    Address(String),
    /// Never reached at all.
    Unreached(String),
    /// 429 again and again with nothing accepted.
    Throttled(String),
    /// The deadline passed with shots left.
    Deadline,
    /// `--max-failures`.
    Failures(u32),
    /// The ledger could not be written, in a whole sentence.
    Ledger(String),
    /// The disk is full or cannot be written.
    Disk(String),
    /// A defect in this program.
    Defect(String),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cap { held: 1 } => write!(f, "one shot no longer fits under the cap"),
            Self::Cap { held } => write!(f, "{held} shots no longer fit under the cap"),
            Self::Credit(why) => write!(f, "the gateway says the account is out of credit: {why}"),
            Self::Key(why) => write!(f, "the gateway does not accept the key: {why}"),
            Self::Address(why) => write!(f, "what answered is not the gateway: {why}"),
            Self::Unreached(why) => write!(f, "the gateway was never reached: {why}"),
            Self::Ledger(why) | Self::Throttled(why) => f.write_str(why),
            Self::Deadline => f.write_str("the deadline has passed"),
            Self::Failures(1) => f.write_str("one shot failed (--max-failures)"),
            Self::Failures(count) => write!(f, "{count} shots failed (--max-failures)"),
            Self::Disk(why) => write!(f, "the disk cannot be written: {why}"),
            Self::Defect(why) => write!(f, "a defect in rushes: {why}"),
        }
    }
}

impl From<(StopCause, String)> for StopReason {
    fn from((halt, why): (StopCause, String)) -> Self {
        match halt {
            StopCause::Key => Self::Key(why),
            StopCause::Credit => Self::Credit(why),
            StopCause::Address => Self::Address(why),
        }
    }
}

/// The manifest's shots by state, and the money, as they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Queued.
    pub queued: usize,
    /// On the wire.
    pub submitting: usize,
    /// Rendering, stalled ones not counted.
    pub rendering: usize,
    /// Rendered and not yet fetched.
    pub rendered: usize,
    /// Delivered.
    pub delivered: usize,
    /// Failed.
    pub failed: usize,
    /// In doubt.
    pub in_doubt: usize,
    /// Stalled.
    pub stalled: usize,
    /// The money.
    pub balance: Balance,
    /// The cap.
    pub budget: Budget,
    /// How the run will end, once submitting has stopped for good.
    pub stopping: Option<RunOutcome>,
    /// Whether nothing is submitted until the user says so.
    pub paused: bool,
    /// Shots that wait while none of them fits under the cap and none that pauses could.
    pub held_by_cap: usize,
    /// How shots came to their ends in this run.
    pub ends: Ends,
}

/// How shots came to their ends in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Delivered or failed.
    pub settled: u32,
    /// Failed.
    pub failed: u32,
    /// Whether the latest 32 failed: a bit each, the last one's the lowest.
    pub latest: u32,
}

impl Ends {
    /// One more came to its end, if that is what the state is.
    pub(super) const fn note(&mut self, state: &State) {
        let failed = match state {
            State::Delivered { .. } => 0,
            State::Failed { .. } => 1,
            _ => return,
        };
        self.settled = self.settled.saturating_add(1);
        self.failed = self.failed.saturating_add(failed);
        self.latest = self.latest << 1 | failed;
    }
}

impl Progress {
    /// The count a state belongs to.
    pub(super) const fn of(&mut self, state: &State) -> &mut usize {
        match state {
            State::Queued { .. } => &mut self.queued,
            State::Submitting { .. } => &mut self.submitting,
            State::Rendering { stalled: Some(_), .. } => &mut self.stalled,
            State::Rendering { .. } => &mut self.rendering,
            State::Rendered { .. } => &mut self.rendered,
            State::Delivered { .. } => &mut self.delivered,
            State::Failed { .. } => &mut self.failed,
            State::InDoubt { .. } => &mut self.in_doubt,
        }
    }

    /// Submitting or rendering; stalled ones are not waited for.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.submitting + self.rendering
    }

    /// The counts under their states' names, in the order of a shot's life.
    #[must_use]
    pub const fn by_state(&self) -> [(&'static str, usize); 8] {
        [
            ("queued", self.queued),
            ("submitting", self.submitting),
            ("rendering", self.rendering),
            ("stalled", self.stalled),
            ("rendered", self.rendered),
            ("delivered", self.delivered),
            ("failed", self.failed),
            ("in_doubt", self.in_doubt),
        ]
    }

    /// All shots.
    #[must_use]
    pub fn total(&self) -> usize {
        self.by_state().iter().map(|(_, count)| count).sum()
    }
}

/// The user's stop button; clones press the same one.
#[derive(Clone, Debug)]
pub struct CancelToken(watch::Sender<bool>);

impl Default for CancelToken {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl CancelToken {
    /// Asks the run to stop: submit nothing more, write down what is on the wire, return.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was pressed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pressed.
    pub(super) async fn cancelled(&self) {
        // The sender lives in `self`, so that waiting can only end with a press.
        let _ = self.0.subscribe().wait_for(|pressed| *pressed).await;
    }
}

/// The user's pause button; clones share it. Paused, a run buys nothing and does everything else:
/// what is on the wire is answered and written down, tasks are polled, clips are fetched, callbacks
/// heard, a stop or a deadline obeyed.
///
/// The button is looked at before a purchase is claimed in the ledger, and once more when its POST
/// is about to leave: one that was claimed before the press and has not left is written down as not
/// sent, and its price is free again. So when [`PauseSwitch::pause`] has returned, only those POSTs are on
/// the wire that had passed that last look, and no other leaves before [`PauseSwitch::resume`].
#[derive(Clone, Debug)]
pub struct PauseSwitch(watch::Sender<bool>);

impl Default for PauseSwitch {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl PauseSwitch {
    /// Nothing more is bought from now on.
    pub fn pause(&self) {
        self.0.send_replace(true);
    }

    /// Buying goes on.
    pub fn resume(&self) {
        self.0.send_replace(false);
    }

    /// Whether it is pressed.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is no longer as it was.
    pub(super) async fn turns(&self, was_pressed: bool) {
        // The sender lives in `self`, so that waiting can only end with a turn.
        let _ = self.0.subscribe().wait_for(|pressed| *pressed != was_pressed).await;
    }
}
