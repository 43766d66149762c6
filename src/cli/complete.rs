//! What a shell offers for a shot's id while it is typed: `source <(COMPLETE=bash rushes)`. Reads the
//! manifest and the ledger that the words so far name, and says nothing where it cannot.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use clap_complete::{ArgValueCompleter, CompleteEnv, CompletionCandidate};

use crate::catalog::Catalog;
use crate::ledger::{Entry, LedgerPlace};
use crate::manifest::Manifest;
use crate::simulator::SimOptions;

use super::args;
use super::named_manifest::in_folder;
use super::settings::CampaignPaths;
use super::terminal::var;
use super::values::Out;

/// The most ids that are offered.
const MAX_OFFERED: usize = 500;

/// Answers a shell that completes a command, and ends the program then.
pub fn answer() {
    CompleteEnv::with_factory(command).complete();
}

fn command() -> Command {
    let is_of_shots = |arg: &Arg| matches!(arg.get_id().as_str(), "only" | "shots");
    args::command(&var).mut_subcommands(|command| {
        command.mut_args(|arg| {
            if is_of_shots(&arg) { arg.add(ArgValueCompleter::new(shots)) } else { arg }
        })
    })
}

/// The shots whose ids begin as what was typed so far.
fn shots(begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(begun) = begun.to_str() else { return Vec::new() };
    // The shell's call is `rushes -- rushes resolve shots.yaml be`.
    let words: Vec<OsString> =
        std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let ids = known(&words).unwrap_or_default();
    let fits = ids.into_iter().filter(|(id, _)| id.starts_with(begun)).take(MAX_OFFERED);
    fits.map(|(id, state)| CompletionCandidate::new(id).help(state.map(Into::into))).collect()
}

/// The ids of a campaign's shots, each with its state where something became of it.
fn known(words: &[OsString]) -> Option<Vec<(String, Option<&'static str>)>> {
    let parser = args::command(&var).ignore_errors(true);
    let matches = parser.try_get_matches_from(words).ok()?;
    let (_, typed) = matches.subcommand()?;
    let mut campaign = campaign(typed)?;
    in_folder(&mut campaign.manifest, true).ok()?;
    let paths = CampaignPaths::find(&campaign, false).ok();
    if let Some(reader) = paths.and_then(|paths| paths.ledger.snapshot().ok()) {
        let told = |entry: &Entry| (entry.shot.to_string(), Some(entry.status.state.name()));
        let entries = reader.entries().ok()?;
        return Some(entries.iter().filter(|entry| entry.current).map(told).collect());
    }
    let manifest = Manifest::read(&campaign.manifest, &Catalog::builtin());
    Some(manifest.shots().iter().map(|shot| (shot.id.to_string(), None)).collect())
}

/// The campaign as far as it was typed.
fn campaign(typed: &ArgMatches) -> Option<args::Campaign> {
    let of = |id: &str| typed.try_contains_id(id).is_ok();
    let manifest = of("manifest").then(|| typed.get_one::<PathBuf>("manifest"))??;
    Some(args::Campaign {
        manifest: manifest.clone(),
        out: of("out").then(|| typed.get_one::<Out>("out").cloned())?,
        ledger: of("ledger").then(|| typed.get_one::<LedgerPlace>("ledger").cloned())?,
        account: of("account").then(|| typed.get_one::<String>("account").cloned())?,
        sim: of("sim").then(|| typed.get_one::<SimOptions>("sim").cloned())?,
        logs: args::Logs::default(),
    })
}
