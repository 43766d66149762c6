//! Paid work is polled and fetched whatever is wrong with the manifest: names the command that does,
//! and finds the campaign of a manifest that cannot be read.

use std::path::Path;

use crate::domain::state::State;
use crate::manifest::{Header, WrittenPlace};
use crate::report::text::plural;

use super::args;
use super::error::CliError;
use super::gateway;
use super::settings::CampaignPaths;
use super::values::ProxyFlag;

/// The command that fetches what is paid for and waits; `None` when nothing does, when a run is at
/// work on it, or when `error` names it already.
pub fn command(
    error: &CliError,
    typed: &args::Campaign,
    proxy: Option<&ProxyFlag>,
    color: bool,
) -> Option<String> {
    if let CliError::Error { help, .. } = error
        && help.iter().any(|line| line.contains("rushes fetch"))
    {
        return None;
    }
    let paths = CampaignPaths::find(typed, color).unwrap_or_else(|_| guess(typed));
    let reader = paths.ledger.snapshot().ok()?;
    let summary = reader.summary().ok()?;
    if summary.held_by.is_some() || summary.kind != paths.kind {
        return None;
    }
    let waits = |state: &State| matches!(state, State::Rendering { .. } | State::Rendered { .. });
    let entries = reader.entries().ok()?;
    let count = entries.iter().filter(|entry| waits(&entry.status.state)).count();
    // Tasks that their shots are no longer about are fetched too.
    let earlier = reader.kept_prices().ok()?;
    let count = count + earlier.iter().filter(|one| one.task.is_some()).count();
    let there = gateway::at_home(&paths.with_proxy(proxy), &summary.home);
    (count > 0).then(|| {
        let wait = if count == 1 { "waits" } else { "wait" };
        format!(
            "{} paid for {wait} to be fetched: {}",
            plural(count, "shot"),
            there.again("fetch", "")
        )
    })
}

/// The campaign of a manifest that cannot be read: by the lines with its name and its place, else by its
/// file's.
pub fn guess(typed: &args::Campaign) -> CampaignPaths {
    let stem = typed.manifest.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read(&typed.manifest).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = |key: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        let value = rest.split(" #").next()?.trim().trim_matches(['"', '\'']);
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    let is_name = |name: &String| crate::domain::shot::ShotId::new(name).is_ok();
    let campaign = line("campaign").filter(is_name).unwrap_or(stem);
    let beside = typed.manifest.parent().unwrap_or(Path::new(""));
    let place = WrittenPlace {
        out: line("out").map(|out| WrittenPlace::located(&out, beside)),
        ledger: line("ledger").map(|ledger| WrittenPlace::located(&ledger, beside)),
        account: line("account"),
    };
    let path = typed.manifest.clone();
    CampaignPaths::of(Header { campaign, path, place, ..Header::default() }, typed)
}
