//! What a ledger knows, for reading a manifest whose local files are gone, or whose rows without ids are
//! spelled otherwise than when they were bought.

use std::path::Path;

use crate::catalog::Catalog;
use crate::ledger::identity::progress;
use crate::ledger::{LedgerError, Snapshot};
use crate::manifest::{KeptRequest, KeptRequests, KnownIds, Manifest};

/// Reads the manifest again where what the ledger knows makes a difference.
///
/// # Errors
/// When the ledger cannot be read.
pub fn knowing(
    manifest: Manifest,
    path: &Path,
    catalog: &Catalog,
    reader: &dyn Snapshot,
) -> Result<Manifest, LedgerError> {
    let (mut manifest, mut bought) = (manifest, KeptRequests::default());
    if manifest.lacks_files() {
        bought = kept_requests(reader)?;
        manifest = Manifest::read_knowing(path, catalog, bought.clone(), KnownIds::default());
    }
    if manifest.has_nameless_rows() && manifest.is_right() {
        let known = reader.entries()?.into_iter().map(|entry| entry.shot.to_string()).collect();
        let ids = KnownIds::new(known, manifest.shots().iter().map(|shot| shot.id.as_str()));
        if !ids.is_idle() {
            let again = Manifest::read_knowing(path, catalog, bought, ids);
            // A known id that cannot be had is no reason to refuse the manifest.
            manifest = if again.is_right() { again } else { manifest };
        }
    }
    Ok(manifest)
}

/// The requests that a ledger bought, or has in doubt.
fn kept_requests(reader: &dyn Snapshot) -> Result<KeptRequests, LedgerError> {
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
