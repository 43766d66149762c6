//! Whose the campaign folder is, which gateway its purchases are at, and who bought the same shots: what
//! a run would refuse, found beforehand.

use crate::ledger::{Kind, Owner};
use crate::report::text::safe;

use super::super::error::CliError;
use super::super::holdings::Holdings;
use super::super::settings::{CampaignPaths, LoadedCampaign};
use super::super::{gateway, ownership, siblings};
use super::finding::Finding;

/// What keeps a run from beginning, in its own words.
pub fn refused(name: &'static str, error: &CliError) -> Finding {
    let (what, help) = error.in_words();
    let found = Finding::failed(name, what);
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// The folder's mark, and the gateway's address against the one that the ledger keeps. Nothing is said
/// of a campaign that has neither yet.
pub fn of_folder(paths: &CampaignPaths, api_base: &str) -> Vec<Finding> {
    [owner(paths), address(paths, api_base)].into_iter().flatten().collect()
}

fn owner(paths: &CampaignPaths) -> Option<Finding> {
    let owner = match Owner::of(&paths.folder) {
        Ok(owner) => owner,
        Err(error) => return Some(refused("owner", &error.into())),
    };
    // What is said of the ledger itself is said once, as its own finding.
    if paths.reader().is_err()
        || ownership::lost_ledger(paths, &Holdings::in_folder(paths)).is_some()
    {
        return None;
    }
    if let Err(error) = ownership::check(paths) {
        return Some(refused("owner", &error));
    }
    let home = paths.reader().ok()??.summary().ok()?.home;
    match owner {
        Some(_) => Some(Finding::ok("owner", "the folder is this ledger's, by its ledger.id")),
        None if home.has_attempts => {
            let what = "ledger.id, which names the ledger that bought what lies in the folder, is \
                        missing: another ledger could buy the same again into it";
            let help =
                format!("the next run with this ledger writes it: {}", paths.again("run", ""));
            Some(Finding::warning("owner", what).help(help))
        }
        None => None,
    }
}

fn address(paths: &CampaignPaths, api_base: &str) -> Option<Finding> {
    if paths.kind != Kind::Gateway {
        return None;
    }
    let home = paths.reader().ok()??.summary().ok()?.home;
    let theirs = home.gateway.as_deref()?;
    Some(match gateway::keeps_to(&home, api_base, paths) {
        Ok(()) => {
            let base = safe(gateway::base(theirs));
            Finding::ok("address", format!("this campaign's purchases are at {base}"))
        }
        Err(error) => refused("address", &error),
    })
}

/// Clips that the ledger knows no purchase of, and other campaigns that bought the same shots.
pub fn of_shots(
    paths: &CampaignPaths,
    loaded: &LoadedCampaign,
    has_ledger: bool,
    api_base: &str,
) -> Vec<Finding> {
    let shots = &loaded.campaign.shots;
    let clips = has_ledger.then(|| ownership::check_clips(paths, shots).err()).flatten();
    let clips = clips.map(|error| refused("clips", &error));
    let may_be_bought = paths.kind == Kind::Gateway && ownership::begins(loaded);
    let siblings = may_be_bought.then(|| match siblings::check(paths, shots, Some(api_base)) {
        Ok(()) => Finding::ok("siblings", "no other campaign bought half or more of these shots"),
        Err(error) => refused("siblings", &error),
    });
    clips.into_iter().chain(siblings).collect()
}
