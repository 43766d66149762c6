//! An account in a database: what it allows over all its campaigns and workers, and what they spent.

use std::time::Duration;

use serde::Serialize;

use crate::domain::money::Usd;
use crate::policy::budget::Balance;
use crate::policy::limits::Rate;

/// What an account allows; nothing of it unless the user said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Purchases; `None`: what its workers keep to.
    pub rate: Option<Rate>,
    /// Polls; `None`: what its workers keep to.
    pub poll_rate: Option<Rate>,
    /// Places in flight; `None`: what its workers keep to.
    pub in_flight: Option<u32>,
    /// The most that may be spent in a calendar month (UTC).
    pub month_cap: Option<Usd>,
    /// By how much each window of a rate is stretched.
    pub margin: Duration,
}

/// What is to be changed of it; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// Purchases; `Some(None)`: what its workers keep to.
    pub rate: Option<Option<Rate>>,
    /// Polls.
    pub poll_rate: Option<Option<Rate>>,
    /// Places in flight.
    pub in_flight: Option<Option<u32>>,
    /// The month's cap; `Some(None)`: no cap.
    pub month_cap: Option<Option<Usd>>,
    /// By how much each window of a rate is stretched.
    pub margin: Option<Duration>,
    /// It is of the key that it is used with next.
    pub new_key: bool,
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub limits: AccountLimits,
    /// Places in flight that are taken.
    pub in_flight: u32,
    /// The month, such as `2026-11` (UTC).
    pub month: String,
    /// What was claimed in that month, wherever its money lies by now.
    pub of_month: Balance,
    /// Its campaigns, the newest first.
    pub campaigns: Vec<CampaignOfAccount>,
}

/// A campaign of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CampaignOfAccount {
    /// Its name.
    pub campaign: String,
    /// Its cap; `None`: there is none.
    pub cap: Option<Usd>,
    /// Its money over its whole life.
    #[serde(flatten)]
    pub balance: Balance,
    /// What of it was claimed in this month and is spent or reserved.
    pub this_month: Usd,
    /// Workers that live.
    pub workers: u32,
}
