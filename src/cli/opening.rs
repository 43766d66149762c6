//! Opens a campaign for writing: the folder's lock, then the ledger and its lock, then the log.

use std::sync::Arc;

use crate::blocking::Threads;
use crate::domain::shot::Shot;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{FolderLock, Ledger, LedgerError, LedgerOptions, Work, open_in, post_lasts};

use super::error::CliError;
use super::log::{Began, Keeper, Log};
use super::settings::{CampaignPaths, private_folder};
use super::{ledger_place, other_text, ownership};

/// A campaign that is open for writing, and what is held meanwhile.
pub struct Opened {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its log.
    pub log: Keeper,
    /// The campaign folder's lock.
    pub folder: FolderLock,
}

/// A run that begins.
pub struct Beginning<'a> {
    /// What other workers are told of it.
    pub work: Work,
    /// The manifest's shots.
    pub shots: &'a [Shot],
}

/// Opens or creates the ledger, takes the locks, and begins the log.
pub fn open(
    paths: &CampaignPaths,
    holder: &str,
    log: &Log,
    run: Option<Beginning<'_>>,
) -> Result<Opened, CliError> {
    private_folder(&paths.folder)?;
    if let Some(folder) = paths.ledger.folder() {
        private_folder(folder)?;
    }
    let campaign = kept_name(paths)?;
    let at = SystemClock.now();
    let (is_a_run, shots) = (run.is_some(), run.as_ref().map_or(&[][..], |run| run.shots));
    let work = run.map(|run| run.work);
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
    let (ledger, mut folder) =
        open_in(&paths.folder, &paths.ledger, &options).map_err(|error| match error {
            error if error.is_other_text() => other_text::told(error, paths, shots),
            error if error.is_other_key() => other_key(error, paths),
            error => ownership::with_ways_out(error, paths),
        })?;
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

/// What the refusal of another key says, and the two ways out.
fn other_key(error: LedgerError, paths: &CampaignPaths) -> CliError {
    CliError::from(error)
        .help(format!(
            "to give this key an account of its own: {}",
            paths.again("run", "--account NAME")
        ))
        .help(
            "if the account's key was renewed: rushes account --new-key, with the same --ledger and \
             --account",
        )
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
