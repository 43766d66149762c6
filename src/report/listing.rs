//! Many campaigns on one screen, as text and for programs.

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::ledger::{LedgerError, Snapshot};
use crate::policy::budget::Money;

use super::Counts;
use super::model::{STALLED, state_name};
use super::standing::moments;

/// A campaign among others.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The campaign folder, as it is typed.
    pub folder: String,
    /// What is known of it.
    #[serde(flatten)]
    pub known: Known,
}

/// What is known of a campaign.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Known {
    /// Its ledger was read.
    Read(Box<Campaign>),
    /// Its ledger cannot be read.
    Unreadable {
        /// `unreadable`.
        state: &'static str,
        /// Why.
        why: String,
    },
}

/// What a ledger says in a line.
#[derive(Debug, Serialize)]
pub struct Campaign {
    /// Its name.
    pub campaign: String,
    /// Whether it was rehearsed on the simulator.
    pub simulated: bool,
    /// Where it stands, in a word.
    pub state: &'static str,
    /// Its money.
    pub money: Money,
    /// Its shots by state.
    pub counts: Counts,
    /// When something happened last.
    pub changed_at: Option<Timestamp>,
}

impl Known {
    /// What cannot be read.
    #[must_use]
    pub fn unreadable(why: String) -> Self {
        Self::Unreadable { state: "unreadable", why }
    }

    /// Reads a ledger.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn of(source: &dyn Snapshot) -> Result<Self, LedgerError> {
        let summary = source.summary()?;
        let (mut counts, mut stalled) = (Counts::default(), 0);
        let mut changed_at = None;
        source.rows(&mut |row| {
            counts.add(&row.entry.status.state);
            stalled += usize::from(state_name(&row) == STALLED);
            changed_at = changed_at.max(moments(&row).max());
        })?;
        let state = if summary.held_by.is_some() { "running" } else { state(&counts, stalled) };
        Ok(Self::Read(Box::new(Campaign {
            campaign: summary.campaign,
            simulated: summary.kind == crate::ledger::Kind::Simulator,
            state,
            money: Money { cap: summary.budget.cap, balance: summary.balance },
            counts,
            changed_at,
        })))
    }

    /// When something happened last.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Read(campaign) => campaign.changed_at,
            Self::Unreadable { .. } => None,
        }
    }
}

/// What a campaign without a run waits for, the most urgent first.
const fn state(counts: &Counts, stalled: usize) -> &'static str {
    if counts.in_doubt + counts.submitting > 0 {
        "in doubt"
    } else if counts.queued > 0 {
        "to go on"
    } else if counts.rendered + counts.rendering > stalled {
        "to fetch"
    } else if stalled > 0 {
        STALLED
    } else if counts.failed > 0 {
        "failed"
    } else {
        "done"
    }
}
