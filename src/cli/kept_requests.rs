//! What a ledger bought, for reading a manifest whose local files are gone.

use crate::ledger::identity::progress;
use crate::ledger::{LedgerError, Snapshot};
use crate::manifest::{KeptRequest, KeptRequests};

/// The requests that a ledger bought, or has in doubt.
pub fn kept_requests(reader: &dyn Snapshot) -> Result<KeptRequests, LedgerError> {
    let mut kept = KeptRequests::default();
    let mut bought = reader.entries()?;
    bought.retain(|entry| progress(&entry.status.state) > 0);
    bought.sort_by_key(|entry| std::cmp::Reverse(entry.number));
    for entry in bought {
        let stored = reader.request(entry.revision)?;
        let Ok(params) = serde_json::from_str(&stored.request) else { continue };
        let request =
            KeptRequest { fingerprint: stored.fingerprint, params, hashes: stored.files() };
        kept.add(entry.shot.as_str(), request);
    }
    Ok(kept)
}
