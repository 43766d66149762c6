//! What the user agreed to buy, kept beside the ledger so that the same or less is not asked again.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::disk::replace;
use crate::domain::money::Usd;
use crate::ledger::Ledger;

use super::settings::CampaignPaths;

/// The longest file that is believed, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// What a run would buy, or what the user agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The id of the ledger that it is about; a new ledger was never agreed to.
    pub ledger: Option<String>,
    /// The most that the campaign may have cost by then, what it has cost before included; in dollars.
    pub total: String,
    /// Whether there was no cap.
    pub without_cap: bool,
    /// Whether so much was to be bought that it is asked for.
    pub large: bool,
    /// What is agreed to one by one, by shot and fingerprint: what was bought before and is bought
    /// again, and what has no known price.
    pub named: BTreeSet<String>,
}

impl Consent {
    /// Whether all that `wanted` asks for was agreed to.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        let total = |one: &Self| one.total.parse::<Usd>().ok();
        let is_enough = total(self).zip(total(wanted)).is_some_and(|(agreed, to)| agreed >= to);
        self.ledger.is_some()
            && self.ledger == wanted.ledger
            && is_enough
            && (self.without_cap || !wanted.without_cap)
            && (self.large || !wanted.large)
            && wanted.named.is_subset(&self.named)
    }

    /// What was agreed to last for a campaign; nothing where that cannot be read: it is asked again.
    #[must_use]
    pub fn kept(paths: &CampaignPaths) -> Self {
        let place = place(paths);
        let is_short = std::fs::metadata(&place).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = if is_short { std::fs::read_to_string(place).ok() } else { None };
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps it as of the ledger that is open now. Where that cannot be done it is asked again.
    pub fn keep_for(self, ledger: &dyn Ledger, paths: &CampaignPaths) {
        let id = ledger.snapshot().and_then(|reader| reader.summary());
        let ledger = id.ok().and_then(|summary| summary.home.id);
        if let Err(error) = (Self { ledger, ..self }).keep(paths) {
            tracing::warn!("the answer could not be kept, the next run asks again: {error}");
        }
    }

    fn keep(&self, paths: &CampaignPaths) -> io::Result<()> {
        replace(&place(paths), &format!("{}\n", serde_json::to_string(self)?))
    }
}

/// Beside a ledger in a file; in the campaign folder of one in a database.
fn place(paths: &CampaignPaths) -> PathBuf {
    match paths.ledger.file_path() {
        Some(file) => {
            let mut name = file.as_os_str().to_owned();
            name.push(".agreed");
            name.into()
        }
        None => paths.folder.join("agreed.json"),
    }
}
