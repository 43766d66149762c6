//! Opens a campaign for writing: the folder's lock, then the ledger and its lock, then the log.

use std::sync::Arc;

use crate::blocking::Threads;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{FolderLock, Ledger, LedgerOptions, Work, open_in, post_lasts};

use super::error::CliError;
use super::log::{Began, Keeper, Log};
use super::settings::{CampaignPaths, private_folder};
use super::{ledger_place, ownership};

/// A campaign that is open for writing, and what is held meanwhile.
pub struct Opened {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its log.
    pub log: Keeper,
    /// The campaign folder's lock.
    pub folder: FolderLock,
}

/// Opens or creates the ledger, takes the locks, and begins the log. `work`: of a run.
pub fn open(
    paths: &CampaignPaths,
    holder: &str,
    log: &Log,
    work: Option<Work>,
) -> Result<Opened, CliError> {
    private_folder(&paths.folder)?;
    if let Some(folder) = paths.ledger.folder() {
        private_folder(folder)?;
    }
    let campaign = kept_name(paths)?;
    let at = SystemClock.now();
    let is_a_run = work.is_some();
    let options = LedgerOptions {
        campaign: &campaign,
        kind: paths.kind,
        holder,
        at,
        threads: Threads::Pool,
        identity: paths.identity.clone(),
        post_lasts: post_lasts(paths.header.limits.submit_timeout),
        work,
    };
    let (ledger, mut folder) = open_in(&paths.folder, &paths.ledger, &options)
        .map_err(|error| ownership::with_ways_out(error, paths))?;
    if ledger.fleet().is_some() && !is_a_run {
        folder.share();
    }
    let began = Began { campaign: &paths.header.campaign, command: holder, at };
    let log = log.begin(&paths.folder, ledger.fleet().is_some(), &began);
    if let Some(file) = paths.ledger.file_path() {
        ledger_place::warn_of_copies(file);
    }
    Ok(Opened { ledger, log, folder })
}

/// The campaign's name as its ledger has it: a manifest may be renamed, and what it bought stays.
fn kept_name(paths: &CampaignPaths) -> Result<String, CliError> {
    let ours = paths.header.campaign.clone();
    if !paths.is_renamed {
        return Ok(ours);
    }
    let kept = paths.reader()?.map(|reader| reader.summary()).transpose()?;
    Ok(kept.map_or(ours, |kept| kept.campaign))
}
