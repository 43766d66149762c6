//! What a shot needs of the user, and the commands that help.

use serde::Serialize;

use crate::domain::state::{Failure, State};
use crate::ledger::Row;
use crate::provider::apimodels;

/// Why a shot wants a look. In the order in which a summary lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Remedy {
    /// The gateway will not have its request, or not what it asks for.
    Edit,
    /// A try to send it failed.
    Send,
    /// It failed and may be tried again.
    Retry,
    /// It failed, and whether it was charged is not known.
    Unsettled,
    /// It was paid, and its clip is gone.
    Expired,
    /// It may have been bought.
    Doubt,
    /// It was bought and is not done.
    Stalled,
    /// It was paid and is not on disk.
    Fetch,
}

/// A command to type, and when it is the right one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The whole line.
    pub line: String,
    /// `if it was bought`; empty when there is no choice.
    pub when: &'static str,
}

/// Makes a command for the campaign at hand: `rushes VERB MANIFEST REST`, with the flags that say
/// where it lives.
pub type Again<'a> = &'a dyn Fn(&str, &str) -> String;

impl Remedy {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Edit,
        Self::Send,
        Self::Retry,
        Self::Unsettled,
        Self::Expired,
        Self::Doubt,
        Self::Stalled,
        Self::Fetch,
    ];

    /// What a row needs.
    #[must_use]
    pub fn of(row: &Row) -> Option<Self> {
        match &row.entry.status.state {
            State::Failed { failure: Failure::Rejected, .. } => Some(Self::Edit),
            // The same request would be refused again, and perhaps be paid for.
            State::Failed { failure: Failure::NotRendered, why, .. }
                if apimodels::is_lasting(why) =>
            {
                Some(Self::Edit)
            }
            State::Failed {
                failure: Failure::RefusedTooOften | Failure::NotRendered | Failure::Unlucky,
                ..
            } => Some(Self::Retry),
            // The gateway's record settled it since.
            State::Failed { failure: Failure::Unsettled, .. } if row.is_settled => {
                row.files.is_empty().then_some(Self::Retry)
            }
            State::Failed { failure: Failure::Unsettled, .. } => Some(Self::Unsettled),
            State::Failed { failure: Failure::Expired, .. } => Some(Self::Expired),
            State::InDoubt { .. } => Some(Self::Doubt),
            State::Rendering { stalled: Some(_), .. } => Some(Self::Stalled),
            State::Rendered { .. } => Some(Self::Fetch),
            State::Queued { why: Some(_) } => Some(Self::Send),
            State::Failed { failure: Failure::Abandoned, .. }
            | State::Queued { why: None }
            | State::Submitting { .. }
            | State::Rendering { .. }
            | State::Delivered { .. } => None,
        }
    }

    /// One line over the shots that have it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Edit => "Refused for what they ask for; edit these in the manifest:",
            Self::Send => "Not bought yet; the last try was refused:",
            Self::Retry => "Failed; another try may help:",
            Self::Unsettled => {
                "Failed, and perhaps charged: their prices stay reserved. Look in the gateway's console:"
            }
            Self::Expired => "Paid, but the gateway no longer has the clip; a new one costs again:",
            Self::Doubt => "In doubt: these may have been bought. Look in the gateway's console:",
            Self::Stalled => "Stalled: bought and still not done; the next run asks again:",
            Self::Fetch => "Paid, but not fetched yet; the gateway keeps clips for 7 days:",
        }
    }

    /// The name of the state that its shots are shown with.
    #[must_use]
    pub const fn state(self) -> &'static str {
        match self {
            Self::Send => "queued",
            Self::Doubt => "in_doubt",
            Self::Stalled => "stalled",
            Self::Fetch => "rendered",
            Self::Edit | Self::Retry | Self::Unsettled | Self::Expired => "failed",
        }
    }

    /// The commands that help `shot`.
    #[must_use]
    pub fn help(self, again: Again<'_>, shot: &str) -> Vec<Command> {
        let typed = |verb: &str, rest: &str| Command { line: again(verb, rest), when: "" };
        let resolve =
            |what: &str, when| Command { when, ..typed("resolve", &format!("{shot} {what}")) };
        match self {
            Self::Edit => vec![Command { when: "once they are edited", ..typed("plan", "") }],
            Self::Send => vec![typed("run", "")],
            Self::Retry | Self::Expired => vec![typed("run", "--retry-failed")],
            Self::Unsettled => vec![
                resolve("--not-bought", "if it was not charged"),
                Command { when: "to buy it again in any case", ..typed("run", "--retry-failed") },
            ],
            Self::Doubt => vec![
                resolve("--task-id ID", "if it was bought"),
                resolve("--not-bought", "if it was not"),
            ],
            Self::Stalled => vec![
                Command { when: "to ask again", ..typed("run", "") },
                resolve(
                    "--not-bought",
                    "if it was not charged: its price is free, and the next run buys it again",
                ),
                resolve("--abandon", "to give it up; its price stays reserved"),
            ],
            Self::Fetch => vec![typed("fetch", "")],
        }
    }
}
