//! The life of a shot's revision: its states, what can happen to it, and (in `after`) the one
//! function that decides what follows. Synchronous and pure: no clock, no I/O. The driver around it
//! commits a [`Transition`](super::transition::Transition) to the ledger and only then acts on it.

use std::time::Duration;

use crate::domain::outcome::{DownloadError, FailedTask, PollOutcome, SubmitOutcome, TaskId};
use crate::domain::time::Timestamp;

/// An attempt's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub i64);

impl AttemptId {
    /// Of an attempt that the ledger has not recorded yet.
    pub const UNASSIGNED: Self = Self(0);
}

/// Where a revision stands, with what is known in that state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// To be submitted.
    Queued {
        /// Why the last attempt did not buy it.
        why: Option<Box<str>>,
    },
    /// Its POST is about to leave or on the wire.
    Submitting {
        /// The POST.
        attempt: AttemptId,
        /// The attempt in doubt that it is sent in spite of; known to this process only.
        doubt: Option<Doubt>,
    },
    /// Bought; the gateway works on it.
    Rendering {
        /// The attempt that bought it.
        attempt: AttemptId,
        /// The task to poll.
        task: TaskId,
        /// When the task was handed over.
        since: Timestamp,
        /// Since when nothing was heard of it; known to this process only.
        silence: Unanswered,
        /// Why nothing more is expected of it in this run.
        stalled: Option<Box<str>>,
    },
    /// Rendered and paid; its clips are still to be fetched.
    Rendered {
        /// The attempt that bought it.
        attempt: AttemptId,
        /// The task.
        task: TaskId,
        /// Where the clips lie.
        urls: Vec<String>,
        /// When the gateway finished; the seven days count from here.
        completed_at: Timestamp,
        /// Why the last download failed.
        why: Option<Box<str>>,
    },
    /// Every clip is on disk under its final name.
    Delivered {
        /// The attempt that bought it.
        attempt: AttemptId,
    },
    /// Nothing more will happen unless the user asks.
    Failed {
        /// The last attempt, when there was one.
        attempt: Option<AttemptId>,
        /// What kind of end this is.
        failure: Failure,
        /// The reason for people.
        why: Box<str>,
    },
    /// It may have been bought; only the user or the gateway's own evidence can tell.
    InDoubt {
        /// The attempt in doubt.
        attempt: AttemptId,
        /// What happened to it.
        why: Box<str>,
    },
}

/// An attempt that may have bought its shot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The attempt.
    pub attempt: AttemptId,
    /// What happened to it.
    pub why: Box<str>,
}

/// Since when polls of a task were answered without a word about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    /// Since when the gateway says it does not know the task.
    pub missing: Option<Timestamp>,
    /// Since when no answer was clear, those that say so included.
    pub unclear: Option<Timestamp>,
    /// What may be the gateway's last word on it.
    pub word: Option<LastWord>,
}

/// What a task's polls said again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWord {
    /// A hash of what was said.
    pub digest: u64,
    /// When it was first said.
    pub since: Timestamp,
    /// How often it was said since.
    pub times: u32,
}

/// How a shot failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The gateway will not accept the request.
    Rejected,
    /// Refused with 5xx as often as `attempts` allows.
    RefusedTooOften,
    /// The gateway accepted the task and could not render it.
    NotRendered,
    /// The same, and one more try may do: the gateway says so, or its code is luck.
    Unlucky,
    /// The gateway calls the task completed, gives a reason and no clip. Whether it was charged is
    /// not known, so its price stays reserved.
    Unsettled,
    /// Paid, but its clip was no longer there to be fetched.
    Expired,
    /// Given up by the user; it may have been bought, so its price stays reserved.
    Abandoned,
}

/// A revision's state and what is counted over all runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionState {
    /// Where it stands.
    pub state: State,
    /// POSTs answered with 5xx since it was last (re-)armed.
    pub refusals: u32,
    /// How often it was sent again with an attempt in doubt, by `on_doubt: resubmit`.
    pub resubmits: u32,
    /// How often a failed task was bought again, by `limits.rerolls`.
    pub rerolls: u32,
    /// Whether it was refused in a run that stopped because all requests were refused alike. It is
    /// submitted behind all others then.
    pub probed: bool,
    /// Whether its task renders and had not begun a minute after it was bought.
    pub is_waiting: bool,
}

/// What can happen to a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShotEvent {
    /// It is to be submitted: an attempt is to be recorded and its price reserved.
    Claim,
    /// Its request could not be made, so nothing was sent: a local file is gone or has changed.
    NotSendable(String),
    /// Its POST ended.
    Answered(SubmitOutcome),
    /// Its task was polled.
    Polled(PollOutcome),
    /// Its clips are durable under their final names.
    Delivered,
    /// Its clip lay in the campaign folder before anything was sent, and the user says that it is
    /// paid.
    Adopted,
    /// Its clips could not be fetched in this run.
    NotFetched(DownloadError),
    /// The last run died with its POST on the wire.
    FoundSubmitting,
    /// A callback named this task, and the gateway itself knows it: the attempt in doubt bought it.
    Evidence(RecoveredTask),
    /// A callback named this task, and what the gateway tells of it is not what the shot asks for.
    Refuted {
        /// The task.
        task: TaskId,
        /// Both texts, as a phrase that follows the task's id.
        why: String,
    },
    /// The run stopped because all requests are refused alike, and this one was too.
    RefusedAlike,
    /// Its failed task is bought again, by `limits.rerolls`.
    Reroll,
    /// `--retry-failed`.
    RetryFailed,
    /// `rushes resolve`.
    Resolved(Resolution),
    /// The task of an earlier request, or of one that was given up, came to its end: of a request
    /// that nothing more is done about but to learn what it cost.
    Earlier {
        /// The request.
        attempt: AttemptId,
        /// What became of its task.
        end: EarlierEnd,
    },
    /// The gateway does not know the task that was given last, and knows this one, which was given
    /// before.
    FormerTask(TaskId),
}

/// What became of the task of an earlier request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EarlierEnd {
    /// Its clips are durable under their final names.
    Delivered,
    /// Some of its clips are; the others could not be fetched in this run.
    Partly,
    /// The gateway could not render it.
    Failed {
        /// The reason for people.
        why: Box<str>,
        /// What else is known of the failure.
        kind: FailedTask,
    },
    /// Paid, but its clip was no longer there to be fetched.
    Expired {
        /// The reason for people.
        why: Box<str>,
    },
}

/// A task that turned out to be an attempt's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTask {
    /// The task.
    pub task: TaskId,
    /// When the attempt was sent. The task may have been done long ago, and its clip's seven days
    /// count from then, but not from before this.
    pub sent_at: Timestamp,
}

/// What the user says about a shot in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was bought; this is its task.
    Task(RecoveredTask),
    /// It was bought, and its task is another one than the user or a callback said.
    OtherTask(TaskId),
    /// It was not bought.
    NotBought {
        /// The revision's other reserved attempts without a task: the user's word is about the shot,
        /// so that they were not bought either.
        also: Vec<AttemptId>,
    },
    /// These attempts were not bought. The state is about none of them and stays as it is.
    FreeOthers(Vec<AttemptId>),
    /// Buy it again, even if it was bought.
    Resubmit,
    /// Give it up.
    Abandon,
}

/// What to do with a shot in doubt without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDoubt {
    /// Keep it for the user.
    #[default]
    Hold,
    /// Buy it again; both prices count.
    Resubmit,
}

/// The settings that decide transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// POSTs answered with 5xx after which a shot fails; also the most automatic resubmits.
    pub attempts: u32,
    /// Whether a proxy's 5xx is in doubt instead of refused.
    pub strict: bool,
    /// What to do with doubts.
    pub on_doubt: OnDoubt,
    /// How long a task may take.
    pub render_timeout: Duration,
    /// Whether the gateway charges the attempt if its task fails.
    pub failed_tasks_charged: bool,
    /// Whether the gateway charges it if its task is canceled; `None`: as a failed one.
    pub canceled_tasks_charged: Option<bool>,
    /// How long the provider keeps a finished clip.
    pub result_lifetime: Duration,
    /// How often a failed task may be bought again, over all runs.
    pub rerolls: u32,
    /// Whether other tasks were answered clearly since this one is answered with an error code.
    pub others_are_clear: bool,
}

/// The account an attempt's price lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// Nowhere: nothing was, or will be, charged.
    Released,
    /// Set aside: it was or may be charged.
    Reserved,
    /// Refused with a 5xx: not charged unless the gateway lies.
    Unconfirmed,
    /// Charged.
    Spent,
}

/// How a POST ended, for the attempt's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// No byte left.
    NotSent,
    /// 429.
    Throttled,
    /// 5xx.
    ServerError,
    /// Other 4xx.
    Rejected,
    /// 401, 403.
    BadKey,
    /// 402.
    NoCredit,
    /// Not the gateway.
    WrongAddress,
    /// A task id.
    Bought,
    /// Unknown.
    Doubtful,
}

impl Account {
    /// Its name in the ledger and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Reserved => "reserved",
            Self::Unconfirmed => "unconfirmed",
            Self::Spent => "spent",
        }
    }
}

impl AttemptOutcome {
    /// Its name in the ledger and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Throttled => "throttled",
            Self::ServerError => "server_error",
            Self::Rejected => "rejected",
            Self::BadKey => "bad_key",
            Self::NoCredit => "no_credit",
            Self::WrongAddress => "wrong_address",
            Self::Bought => "bought",
            Self::Doubtful => "doubtful",
        }
    }
}

/// How long a task may be unknown to the gateway before it counts as stalled; and how long a clear
/// answer about an overdue one is waited for, unless the time it may take is shorter still.
pub const MISSING_PATIENCE: Duration = Duration::from_secs(60);
impl RevisionState {
    /// A revision that was never submitted.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Queued { why: None },
            refusals: 0,
            resubmits: 0,
            rerolls: 0,
            probed: false,
            is_waiting: false,
        }
    }

    /// Whether it is in doubt and may be bought again without asking. It stays in doubt until it
    /// really is, so that every run goes by what the manifest says then; refused too often, it is
    /// left to the user.
    #[must_use]
    pub fn is_bought_again(&self, rules: &Rules) -> bool {
        matches!(self.state, State::InDoubt { .. })
            && rules.on_doubt == OnDoubt::Resubmit
            && self.may_be_sent_again(rules.attempts)
    }

    /// The same with the attempt that the ledger recorded for it.
    #[must_use]
    pub fn with_attempt(mut self, recorded: AttemptId) -> Self {
        if let State::Submitting { attempt, .. } | State::Delivered { attempt } = &mut self.state {
            *attempt = recorded;
        }
        self
    }

    /// Whether its failed task may be bought again without asking.
    #[must_use]
    pub const fn may_be_rerolled(&self, rules: &Rules) -> bool {
        matches!(self.state, State::Failed { failure: Failure::Unlucky, .. })
            && self.rerolls < rules.rerolls
    }

    /// Whether a doubt about it has not been met by as many further requests as are allowed.
    #[must_use]
    pub const fn may_be_sent_again(&self, attempts: u32) -> bool {
        self.resubmits < attempts && self.refusals < attempts
    }
}

impl Default for RevisionState {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The names of the states of an unfinished purchase: it may have been bought, or was bought and
    /// its clips are not on disk.
    pub const UNFINISHED: [&str; 4] = ["submitting", "rendering", "rendered", "in_doubt"];

    /// The state's name in the ledger, in JSON and on the screen.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Submitting { .. } => "submitting",
            Self::Rendering { .. } => "rendering",
            Self::Rendered { .. } => "rendered",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::InDoubt { .. } => "in_doubt",
        }
    }

    /// Whether its purchase is unfinished; see [`State::UNFINISHED`].
    #[must_use]
    pub fn is_unfinished_purchase(&self) -> bool {
        Self::UNFINISHED.contains(&self.name())
    }

    /// Whether `--retry-failed` queues it again. What the user gave up may have been bought.
    #[must_use]
    pub const fn may_be_retried(&self) -> bool {
        matches!(self, Self::Failed { failure, .. } if !matches!(failure, Failure::Abandoned))
    }

    /// Its task, while it renders or waits to be fetched.
    #[must_use]
    pub const fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Rendering { task, .. } | Self::Rendered { task, .. } => Some(task),
            _ => None,
        }
    }

    /// The attempt that the state is about.
    #[must_use]
    pub const fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Queued { .. } => None,
            Self::Submitting { attempt, .. }
            | Self::Rendering { attempt, .. }
            | Self::Rendered { attempt, .. }
            | Self::Delivered { attempt }
            | Self::InDoubt { attempt, .. } => Some(*attempt),
            Self::Failed { attempt, .. } => *attempt,
        }
    }

    /// The reason that goes with the state, for people.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Queued { why } | Self::Rendered { why, .. } => why.as_deref(),
            Self::Rendering { stalled, .. } => stalled.as_deref(),
            Self::Failed { why, .. } | Self::InDoubt { why, .. } => Some(why),
            Self::Submitting { .. } | Self::Delivered { .. } => None,
        }
    }
}

impl ShotEvent {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Claim => "a claim",
            Self::NotSendable(_) => "an unsendable request",
            Self::Answered(_) => "an answer to a POST",
            Self::Polled(_) => "an answer to a poll",
            Self::Delivered => "a delivery",
            Self::Adopted => "an adoption",
            Self::NotFetched(_) => "a failed download",
            Self::FoundSubmitting => "being found on the wire",
            Self::Evidence(_) => "evidence of a purchase",
            Self::Refuted { .. } => "another's task",
            Self::RefusedAlike => "a stop of the run",
            Self::Reroll => "a re-roll",
            Self::RetryFailed => "a retry",
            Self::Resolved(_) => "a resolution",
            Self::Earlier { .. } => "the end of an earlier task",
            Self::FormerTask(_) => "the return of a former task",
        }
    }
}
