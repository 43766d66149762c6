//! What a gateway says of the account that a key belongs to, and of itself. All of it is free to ask,
//! and none of it decides what a purchase was.

use super::charge::Charge;
use super::time::Timestamp;

/// What the account can still spend, as the gateway says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BalanceOutcome {
    /// So much, in the gateway's own currency; what it holds for running tasks is left out.
    Known(Charge),
    /// Nothing that could be read, or nothing at all.
    Unknown {
        /// What was answered.
        why: String,
    },
}

/// Which models the gateway lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelsOutcome {
    /// These ids; at least one.
    Listed(Vec<String>),
    /// No list that could be read.
    Unknown {
        /// What was answered.
        why: String,
    },
}

/// Whether the address is the gateway's and the key is taken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What the answer shows.
    pub verdict: AccessVerdict,
    /// The gateway's clock beside ours, where its answer has a date.
    pub clocks: Option<Clocks>,
}

/// What an answer shows about address and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessVerdict {
    /// The gateway answered, and took the key.
    Accepted,
    /// It answered, and refused the key.
    BadKey {
        /// What was answered.
        why: String,
    },
    /// Something else answered.
    NotTheGateway {
        /// What was answered.
        why: String,
    },
    /// It answered nothing that shows either.
    Unclear {
        /// What was answered.
        why: String,
    },
    /// It did not answer.
    Unreached {
        /// What happened.
        why: String,
    },
}

/// Two clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// What the gateway's answer says, in whole seconds.
    pub theirs: Timestamp,
    /// What ours showed when it came.
    pub ours: Timestamp,
}
