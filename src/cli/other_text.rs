//! Says in what a manifest differs from the text that others are at work on.

use std::collections::{BTreeSet, HashMap};

use crate::domain::shot::Shot;
use crate::ledger::LedgerError;
use crate::report::text::plural;

use super::error::CliError;
use super::settings::CampaignPaths;

/// So many shots are named.
const NAMED: usize = 5;

/// What the refusal of another text says, and in what that differs.
pub fn told(error: LedgerError, paths: &CampaignPaths, shots: &[Shot]) -> CliError {
    let error = CliError::from(error);
    match differing(paths, shots) {
        Ok(ids) if ids.is_empty() => error.help(
            "the shots are the same: prices, priorities, tags, `on_doubt`, `strict` or limits of retries \
             differ",
        ),
        Ok(ids) => {
            let (count, verb) = (ids.len(), if ids.len() == 1 { "differs" } else { "differ" });
            let named: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
            let more = if count > NAMED { ", …" } else { "" };
            error.help(format!("{} {verb}: {}{more}", plural(count, "shot"), named.join(", ")))
        }
        Err(_) => error,
    }
}

/// The shots that are not there, or other ones, on either side.
fn differing(paths: &CampaignPaths, shots: &[Shot]) -> Result<BTreeSet<String>, LedgerError> {
    let entries = paths.ledger.snapshot()?.entries()?;
    let theirs = entries.iter().filter(|entry| entry.current);
    let mut theirs: HashMap<&str, _> =
        theirs.map(|entry| (entry.shot.as_str(), entry.fingerprint)).collect();
    let is_other = |shot: &&Shot| theirs.remove(shot.id.as_str()) != Some(shot.fingerprint);
    let mut ids: BTreeSet<String> =
        shots.iter().filter(is_other).map(|shot| shot.id.to_string()).collect();
    ids.extend(theirs.into_keys().map(str::to_owned));
    Ok(ids)
}
