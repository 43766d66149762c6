//! What the gateway said, as types. Every row of the outcome table has its own variant, so that
//! the function that decides must name them all. Made by the gateway, judged in [`crate::domain::state`].

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::domain::time::Timestamp;

/// The gateway's name for a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// The longest id that is believed, in bytes.
    pub const MAX_BYTES: usize = 4 << 10;

    /// Takes an id as the gateway or the user gave it; `None` when it is empty, longer than
    /// [`Self::MAX_BYTES`] or holds a character that cannot be printed.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let readable = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && !text.chars().any(char::is_control);
        readable.then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a POST's outcome means. `why` is a sentence for people, safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// Refused, DNS, TLS, could not connect: no byte of the request was written.
    NotSent {
        /// What stood in the way.
        why: String,
    },
    /// 429: too many requests, too many parallel tasks, or an exhausted account.
    Throttled {
        /// Whether its code or words mean by the provider's table that money is missing.
        is_money: bool,
        /// The gateway's `Retry-After`, from now.
        retry_after: Option<Duration>,
        /// The gateway's message.
        why: String,
    },
    /// 5xx, answered.
    ServerError {
        /// The status, from the status line or the envelope.
        status: u16,
        /// Whether a proxy in front of the gateway answered, which cannot know what that did.
        from_proxy: bool,
        /// The gateway's `Retry-After`, from now.
        retry_after: Option<Duration>,
        /// The gateway's message.
        why: String,
    },
    /// 400, 404 and 422 in the envelope, and any other 4xx: this request will never be accepted.
    Rejected {
        /// The gateway's message.
        why: String,
    },
    /// 401; 403 in JSON, text or nothing.
    BadKey {
        /// The gateway's message.
        why: String,
    },
    /// 403 with an HTML page: a firewall before the gateway refused this one request.
    Firewall {
        /// What the page said.
        why: String,
    },
    /// 402.
    NoCredit {
        /// The gateway's message.
        why: String,
    },
    /// 3xx, or 404 or 405 without the envelope: this is not the gateway's address.
    WrongAddress {
        /// What answered.
        why: String,
    },
    /// A task id: paid for.
    Bought {
        /// The task.
        task: TaskId,
    },
    /// Time-out or cut after the first byte was written, or a 2xx without a readable task id: it
    /// may have been bought.
    Doubtful {
        /// What happened.
        why: String,
        /// The whole answer where there was one, at most [`MAX_ANSWER`] bytes: it may hold the only
        /// trace of a purchase.
        answer: Option<Box<str>>,
    },
}

/// The most bytes of a doubtful answer that are kept.
pub const MAX_ANSWER: usize = 16 << 10;

impl SubmitOutcome {
    /// What was answered, as a sentence for people; `None` when it was bought.
    pub const fn why_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::NotSent { why }
            | Self::Throttled { why, .. }
            | Self::ServerError { why, .. }
            | Self::Rejected { why }
            | Self::BadKey { why }
            | Self::Firewall { why }
            | Self::NoCredit { why }
            | Self::WrongAddress { why }
            | Self::Doubtful { why, .. } => Some(why),
            Self::Bought { .. } => None,
        }
    }
}

/// What became of sending a local file to the gateway, which is free: a file that may or may not
/// have arrived can be sent again. `why` is a sentence for people, safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The gateway keeps it.
    Stored {
        /// Where it lies; `http` or `https`.
        url: Box<str>,
    },
    /// Refused, DNS, TLS, could not connect.
    NotSent {
        /// What stood in the way.
        why: String,
    },
    /// 429.
    Throttled {
        /// The gateway's `Retry-After`, from now.
        retry_after: Option<Duration>,
        /// The gateway's message.
        why: String,
    },
    /// 5xx, no answer, or one without a URL: sending it again may help.
    Failed {
        /// The gateway's `Retry-After`, from now.
        retry_after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// Any other 4xx: this file will never be taken.
    Refused {
        /// The gateway's message.
        why: String,
    },
    /// 401; 403 in JSON, text or nothing.
    BadKey {
        /// The gateway's message.
        why: String,
    },
    /// 402.
    NoCredit {
        /// The gateway's message.
        why: String,
    },
    /// 3xx: this is not the gateway's address.
    WrongAddress {
        /// What answered.
        why: String,
    },
}

/// What a poll said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// Not done yet.
    Working {
        /// Whether the gateway says that it has not begun.
        is_waiting: bool,
        /// The gateway's word for the state, when it is none that is known.
        unknown: Option<String>,
    },
    /// Done and paid.
    Completed {
        /// Where the clips lie; at least one, `http` or `https`.
        urls: Vec<String>,
        /// The gateway's `completeTime`.
        completed_at: Option<Timestamp>,
    },
    /// The gateway could not render it.
    Failed {
        /// The best text there is.
        why: String,
        /// What else is known of the failure.
        kind: FailedTask,
    },
    /// A word that may be the last one and is no clip and no plain failure: believed once it was
    /// said again.
    Unresolved {
        /// What was said.
        kind: Unresolved,
        /// The gateway's message, or what is missing.
        why: String,
    },
    /// 404 in the envelope or bare: the gateway does not know the task.
    Missing {
        /// The gateway's message.
        why: String,
    },
    /// 401 or 403.
    BadKey {
        /// The gateway's message.
        why: String,
    },
    /// An answer about another task than the one that was asked for.
    OtherTask {
        /// The task it names.
        theirs: TaskId,
    },
    /// The task that was asked for renders something else than its shot asks for.
    OtherContent {
        /// Both texts, as a phrase that follows the task's id.
        why: String,
    },
    /// An answer that says nothing about the task: 429, 5xx, an unreadable body.
    Unclear {
        /// The gateway's `Retry-After`, from now.
        retry_after: Option<Duration>,
        /// What was answered.
        why: String,
    },
    /// No answer: not connected, timed out, or cut.
    Unanswered {
        /// What happened.
        why: String,
    },
}

impl PollOutcome {
    /// A failure of which nothing more is known.
    #[must_use]
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), kind: FailedTask::default() }
    }

    /// What is known of the failure, if it says that the task failed.
    #[must_use]
    pub const fn failure(&self) -> Option<FailedTask> {
        match self {
            Self::Failed { kind, .. } | Self::Unresolved { kind: Unresolved::Ended(kind), .. } => {
                Some(*kind)
            }
            _ => None,
        }
    }

    /// What was said in words, if anything was.
    pub const fn why_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Working { unknown, .. } => unknown.as_mut(),
            Self::Failed { why, .. }
            | Self::Unresolved { why, .. }
            | Self::OtherContent { why }
            | Self::Missing { why }
            | Self::BadKey { why }
            | Self::Unclear { why, .. }
            | Self::Unanswered { why } => Some(why),
            Self::Completed { .. } | Self::OtherTask { .. } => None,
        }
    }
}

/// What is known of a task that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailedTask {
    /// The gateway says that one more try is reasonable, or its code is luck by the provider's table.
    pub is_luck: bool,
    /// It was canceled, which may be charged otherwise than a failure.
    pub is_canceled: bool,
}

/// A word about a task that may be its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Completed, with a reason and no URL.
    CompletedWithReason,
    /// Completed, without URL and reason.
    CompletedEmpty,
    /// A state that the provider's table lists as an end, with a reason or without one.
    Ended(FailedTask),
    /// A reason under any other state.
    OtherWithReason,
    /// An error code of 4xx other than 401, 403, 404, 408, 425 and 429.
    Coded(u16),
}

/// Why a clip could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadError {
    /// 403, 404 or 410: expired, if its seven days are over.
    Gone {
        /// What was answered.
        why: String,
    },
    /// Anything else: try again.
    Broken {
        /// What happened.
        why: String,
    },
}

impl DownloadError {
    /// The same, told in other words.
    #[must_use]
    pub fn map_why(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Gone { why } => Self::Gone { why: words(why) },
            Self::Broken { why } => Self::Broken { why: words(why) },
        }
    }

    /// What happened, as a sentence for people.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Gone { why } | Self::Broken { why } => why,
        }
    }
}
