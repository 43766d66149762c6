//! How a run ended, and why one stopped early.

use std::fmt;

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
    /// Why it ended early, for people; `None` when it did not.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Done => None,
            Self::Interrupted => Some("stopped by the user".to_owned()),
            Self::Stopped(why) => Some(why.to_string()),
        }
    }

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
    /// Shots that no longer fit under the account's cap of this month.
    MonthCap {
        /// How many are held back.
        held: usize,
    },
    /// 402.
    Credit(String),
    /// `--whole`, and the account holds less than what is left to buy costs.
    Balance(String),
    /// 401, 403.
    Key(String),
    /// A firewall before the gateway refuses all requests.
    Firewall(String),
    /// All requests are rejected alike.
    Alike {
        /// How many in a row.
        count: u32,
        /// The gateway's message.
        why: String,
    },
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
    /// `--max-failures` as a share.
    FailureShare {
        /// So many failed.
        failed: u32,
        /// Of the last so many that ended.
        of: u32,
    },
    /// The ledger could not be written, in a whole sentence.
    Ledger(String),
    /// The disk is full or cannot be written.
    Disk(String),
    /// The bucket refuses clips.
    Bucket(String),
    /// A defect in this program.
    Defect(String),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cap { held: 1 } => write!(f, "one shot no longer fits under the cap"),
            Self::Cap { held } => write!(f, "{held} shots no longer fit under the cap"),
            Self::MonthCap { held: 1 } => {
                write!(f, "one shot no longer fits under the account's cap of this month")
            }
            Self::MonthCap { held } => {
                write!(f, "{held} shots no longer fit under the account's cap of this month")
            }
            Self::Credit(why) => write!(f, "the gateway says the account is out of credit: {why}"),
            Self::Key(why) => write!(f, "the gateway refuses the key: {why}"),
            Self::Firewall(why) => write!(
                f,
                "a firewall before the gateway refuses the requests: it blocks this machine or \
                 account, or the texts of the shots trigger it ({why})"
            ),
            Self::Alike { count, why } => {
                write!(f, "the gateway rejected {count} requests in a row alike: {why}")
            }
            Self::Address(why) => write!(f, "what answered is not the gateway: {why}"),
            Self::Unreached(why) => write!(f, "the gateway could not be reached: {why}"),
            Self::Throttled(why) => write!(f, "the gateway answers nothing but 429: {why}"),
            Self::Ledger(why) | Self::Balance(why) => f.write_str(why),
            Self::Deadline => f.write_str("the deadline passed with shots left"),
            Self::Failures(1) => f.write_str("one shot failed in this run (--max-failures)"),
            Self::Failures(count) => write!(f, "{count} shots failed in this run (--max-failures)"),
            Self::FailureShare { failed, of } => {
                write!(f, "{failed} of the last {of} shots failed (--max-failures)")
            }
            Self::Disk(why) => write!(f, "the disk cannot be written: {why}"),
            Self::Bucket(why) => write!(f, "clips cannot be stored: {why}"),
            Self::Defect(why) => write!(f, "a defect in rushes: {why}"),
        }
    }
}
