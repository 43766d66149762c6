//! The budget that a run begins with: what is typed always counts, what the manifest says where several
//! workers share a campaign only if it says something new.

use crate::ledger::{Ledger, LedgerError};
use crate::policy::budget::Budget;

/// The budget that the user named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamedBudget {
    /// By `--budget`.
    pub typed: Option<Budget>,
    /// In the manifest.
    pub written: Option<Budget>,
}

impl NamedBudget {
    /// Has the ledger keep it.
    pub async fn write(self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        if let (Some(fleet), Some(written)) = (ledger.fleet(), self.written) {
            fleet.offer_budget(written).await?;
        }
        let own = self.written.filter(|_| ledger.fleet().is_none());
        match self.typed.or(own) {
            Some(budget) if budget != ledger.budget() => ledger.set_budget(budget).await,
            _ => Ok(()),
        }
    }
}
