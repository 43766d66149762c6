//! Other campaigns that bought the same shots: a manifest that was renamed, copied or moved would be
//! bought again with a fresh cap. Compared while a ledger has no attempt.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::disk::private;
use crate::domain::shot::Shot;
use crate::domain::state::State;
use crate::ledger::identity::{MAY_HAVE_COST, progress};
use crate::ledger::{Identity, Kind, LedgerAddress, LedgerError, Snapshot};
use crate::report::text::{plural, safe_path};

use super::again::quoted;
use super::error::CliError;
use super::gateway::is_local;
use super::settings::CampaignPaths;
use super::terminal::var;

/// The ledger's name in a campaign folder.
const LEDGER: &str = "ledger.sqlite";
/// The most campaigns of a list that are looked at, the newest first.
const MAX_LISTED: usize = 200;
/// The longest list that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Refuses a campaign of which another one bought, has in doubt or is about to buy half or more, and
/// warns of fewer. `gateway` is the
/// address of today's, where it is known: what a stand-in on this machine rendered was never bought
/// elsewhere, nor the other way round.
pub fn check(paths: &CampaignPaths, shots: &[Shot], gateway: Option<&str>) -> Result<(), CliError> {
    // Rehearsals cost nothing, so that they may be repeated.
    if paths.kind != Kind::Gateway || shots.is_empty() {
        return Ok(());
    }
    let mut most = in_database(paths, shots, gateway)?;
    let ours = real(paths.ledger.path());
    for ledger in others(paths) {
        if real(&ledger) == ours || !ledger.is_file() {
            continue;
        }
        match bought(&LedgerAddress::file(&ledger), shots, &paths.identity, gateway) {
            Ok(count) if count * 2 >= shots.len() => return Err(refusal(paths, &ledger)),
            Ok(count) if count > most.0 => {
                let folder = ledger.parent().unwrap_or(Path::new("."));
                most = (count, format!("in {}", safe_path(folder)));
            }
            Ok(_) => {}
            Err(error) => tracing::info!("not compared: {error}"),
        }
    }
    if let (1.., whose) = &most {
        tracing::warn!(
            "{} of {} were bought already, or are about to be, by the campaign {whose}: here they \
             would be bought again",
            most.0,
            plural(shots.len(), "shot"),
        );
    }
    Ok(())
}

/// The same for the other campaigns in the same database; answers how many shots one of them has at
/// most, and which.
fn in_database(
    paths: &CampaignPaths,
    shots: &[Shot],
    gateway: Option<&str>,
) -> Result<(usize, String), CliError> {
    let mut most = (0, String::new());
    for (name, ledger) in paths.ledger.others()? {
        let count = bought(&ledger, shots, &paths.identity, gateway)?;
        if count * 2 >= shots.len() {
            return Err(CliError::new(format!(
                "half or more of these shots were bought already, or are about to be, by the campaign \
                 {name:?} in this database: here they would be bought again"
            ))
            .help(format!("to go on there, write `campaign: {name}` at the top of the manifest"))
            .help(format!("to buy them again on purpose: {}", paths.again("run", "--separate"))));
        }
        if count > most.0 {
            most = (count, format!("{name:?} in this database"));
        }
    }
    Ok(most)
}

fn refusal(paths: &CampaignPaths, ledger: &Path) -> CliError {
    let folder = ledger.parent().unwrap_or(Path::new("."));
    let there = paths.clone().in_folder(folder, ledger);
    CliError::new(format!(
        "half or more of these shots were bought already, or are about to be, by the campaign in {}: \
         here they would be bought again",
        safe_path(folder)
    ))
    .help(format!("to go on there: {}", there.again("run", "")))
    .help(format!("to buy them again on purpose: {}", paths.again("run", "--separate")))
}

/// How many of these shots a ledger bought or has in doubt, or is about to buy.
fn bought(
    ledger: &LedgerAddress,
    shots: &[Shot],
    identity: &Identity,
    gateway: Option<&str>,
) -> Result<usize, LedgerError> {
    let reader = ledger.snapshot()?;
    let summary = reader.summary()?;
    if summary.kind != Kind::Gateway || !may_be_one(summary.home.gateway.as_deref(), gateway) {
        return Ok(0);
    }
    known(&*reader, shots, identity, summary.held_by.is_some())
}

/// Whether what was sent to `theirs` may have been bought where `today` is: unless one of them is on
/// this machine and the other is not. An unknown gateway of today is elsewhere; an older ledger, which
/// kept no address, may have used any.
fn may_be_one(theirs: Option<&str>, today: Option<&str>) -> bool {
    theirs.is_none_or(|theirs| is_local(theirs) == today.is_some_and(is_local))
}

/// Whether a ledger bought, or has in doubt, half or more of these shots.
pub fn knows_half(
    reader: &dyn Snapshot,
    shots: &[Shot],
    identity: &Identity,
) -> Result<bool, LedgerError> {
    let known = known(reader, shots, identity, false)?;
    Ok(!shots.is_empty() && known * 2 >= shots.len())
}

/// How many of these shots a ledger bought or has in doubt. A run at work has those that it is to buy,
/// too.
fn known(
    reader: &dyn Snapshot,
    shots: &[Shot],
    identity: &Identity,
    is_at_work: bool,
) -> Result<usize, LedgerError> {
    let by_id: HashMap<&str, &Shot> = shots.iter().map(|shot| (shot.id.as_str(), shot)).collect();
    let mut known = std::collections::HashSet::new();
    for entry in reader.entries()? {
        let Some(shot) = by_id.get(entry.shot.as_str()) else { continue };
        let is_to_be =
            is_at_work && entry.current && matches!(entry.status.state, State::Queued { .. });
        if !is_to_be && progress(&entry.status.state) < MAY_HAVE_COST
            || known.contains(shot.id.as_str())
        {
            continue;
        }
        let is_exact = shot.fingerprints().any(|by_a_rule| by_a_rule == entry.fingerprint);
        if is_exact || identity.is_same(shot, &reader.request(entry.revision)?) {
            known.insert(shot.id.as_str());
        }
    }
    Ok(known.len())
}

/// The ledgers beside this campaign's folder, and those of the user's own list.
fn others(paths: &CampaignPaths) -> Vec<PathBuf> {
    let folder = real(&paths.folder);
    let beside = folder.parent().map(fs::read_dir).and_then(Result::ok).into_iter().flatten();
    let mut all: Vec<PathBuf> = beside.flatten().map(|entry| entry.path().join(LEDGER)).collect();
    all.sort();
    all.extend(listed().into_iter().rev().take(MAX_LISTED));
    all
}

/// The path without links; of what is not there yet as much as there is.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => absolute,
    }
}

/// The file with the user's campaigns; `None` where the system names no place for it.
fn list() -> Option<PathBuf> {
    let set = |name| var(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("rushes").join("campaigns"))
}

fn listed() -> Vec<PathBuf> {
    use std::io::Read;
    let mut text = String::new();
    let file = list().and_then(|list| crate::disk::open_file(&list).ok());
    if let Some(file) = file {
        drop(file.take(MAX_BYTES).read_to_string(&mut text));
    }
    text.lines().map(PathBuf::from).filter(|path| path.is_absolute()).collect()
}

/// Adds a campaign that buys to the user's list. That it cannot be written is no reason not to buy.
pub fn enlist(paths: &CampaignPaths) {
    let Some(ledger) = paths.ledger.file_path().filter(|_| paths.kind == Kind::Gateway) else {
        return;
    };
    let ledger = real(ledger);
    let Some(list) = list() else {
        return tracing::info!(
            "neither HOME nor XDG_STATE_HOME is set: no list of campaigns is kept"
        );
    };
    if listed().contains(&ledger) || ledger.display().to_string().contains('\n') {
        return;
    }
    let write = || {
        if let Some(folder) = list.parent() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        let mut file = private(fs::OpenOptions::new().append(true).create(true)).open(&list)?;
        file.write_all(format!("{}\n", ledger.display()).as_bytes())
    };
    if let Err(error) = write() {
        tracing::info!("{} is not kept: {error}", quoted(&list));
    }
}
