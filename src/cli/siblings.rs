//! Other campaigns that bought the same shots: a manifest that was renamed, copied or moved would be
//! bought again with a fresh cap. Compared while a ledger has no attempt.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::disk::private;
use crate::domain::shot::Shot;
use crate::ledger::identity::progress;
use crate::ledger::{Identity, Kind, LedgerAddress, LedgerError, Snapshot};
use crate::report::text::safe_path;

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

/// Refuses a campaign of which another one bought, or has in doubt, half or more. `gateway` is the
/// address of today's, where it is known: what a stand-in on this machine rendered was never bought
/// elsewhere, nor the other way round.
pub fn check(paths: &CampaignPaths, shots: &[Shot], gateway: Option<&str>) -> Result<(), CliError> {
    // Rehearsals cost nothing, so that they may be repeated.
    if paths.kind != Kind::Gateway || shots.is_empty() {
        return Ok(());
    }
    in_database(paths, shots, gateway)?;
    let ours = real(paths.ledger.path());
    for ledger in others(paths) {
        if real(&ledger) == ours || !ledger.is_file() {
            continue;
        }
        match bought_half(&LedgerAddress::file(&ledger), shots, &paths.identity, gateway) {
            Ok(false) => {}
            Ok(true) => return Err(refusal(paths, &ledger)),
            Err(error) => tracing::info!("not compared: {error}"),
        }
    }
    Ok(())
}

/// The same for the other campaigns in the same database.
fn in_database(
    paths: &CampaignPaths,
    shots: &[Shot],
    gateway: Option<&str>,
) -> Result<(), CliError> {
    for (name, ledger) in paths.ledger.others()? {
        if bought_half(&ledger, shots, &paths.identity, gateway)? {
            return Err(CliError::new(format!(
                "half or more of these shots were bought already, by the campaign {name:?} in this \
                 database: here they would be bought again"
            ))
            .help(format!("to go on there, write `campaign: {name}` at the top of the manifest"))
            .help(format!("to buy them again on purpose: {}", paths.again("run", "--separate"))));
        }
    }
    Ok(())
}

fn refusal(paths: &CampaignPaths, ledger: &Path) -> CliError {
    let folder = ledger.parent().unwrap_or(Path::new("."));
    let there = paths.clone().in_folder(folder, ledger);
    CliError::new(format!(
        "half or more of these shots were bought already, by the campaign in {}: here they would \
         be bought again",
        safe_path(folder)
    ))
    .help(format!("to go on there: {}", there.again("run", "")))
    .help(format!("to buy them again on purpose: {}", paths.again("run", "--separate")))
}

fn bought_half(
    ledger: &LedgerAddress,
    shots: &[Shot],
    identity: &Identity,
    gateway: Option<&str>,
) -> Result<bool, LedgerError> {
    let reader = ledger.snapshot()?;
    let summary = reader.summary()?;
    if summary.kind != Kind::Gateway || !may_be_one(summary.home.gateway.as_deref(), gateway) {
        return Ok(false);
    }
    knows_half(&*reader, shots, identity)
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
    let by_id: HashMap<&str, &Shot> = shots.iter().map(|shot| (shot.id.as_str(), shot)).collect();
    let mut known = std::collections::HashSet::new();
    for entry in reader.entries()? {
        let Some(shot) = by_id.get(entry.shot.as_str()) else { continue };
        if progress(&entry.status.state) == 0 || known.contains(shot.id.as_str()) {
            continue;
        }
        let is_exact = shot.fingerprints().any(|by_a_rule| by_a_rule == entry.fingerprint);
        if is_exact || identity.is_same(shot, &reader.request(entry.revision)?) {
            known.insert(shot.id.as_str());
        }
    }
    Ok(!shots.is_empty() && known.len() * 2 >= shots.len())
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
