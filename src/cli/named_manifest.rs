//! Which manifest is meant: the one that is named, standard input, or the only one in a folder.

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::disk::{give_standard_input, open_file};
use crate::ledger::Owner;
use crate::report::text::{first_of, safe_path};

use super::args::{self, Command};
use super::error::CliError;

/// The longest manifest that is taken from standard input, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// How much of a file is looked at to tell whether it is a manifest, in bytes.
const MAX_LOOKED_AT: u64 = 4 << 20;
/// The most manifests that are named.
const MAX_NAMED: usize = 5;

/// Puts the manifest that is meant in the place of a folder, and reads standard input where that is
/// named.
pub fn settle(command: &mut Command) -> Result<(), CliError> {
    let is_input = |path: &Path| path == Path::new("-");
    let other = match command {
        Command::Resolve(args) => args.file.as_deref(),
        Command::Export(args) => args.picks.as_deref(),
        Command::Check(args) => args.manifest.as_deref(),
        _ => None,
    };
    let other_is_input = other.is_some_and(is_input);
    // It reads its list by itself.
    let is_resolve = matches!(command, Command::Resolve(_));
    // These need the shots, which are only in the manifest.
    let takes_folder = !matches!(command, Command::Plan(_) | Command::Run(_));
    let mut needs_input = other_is_input && !is_resolve;
    if let Some(campaign) = command.campaign_mut() {
        if !is_input(&campaign.manifest) {
            in_folder(&mut campaign.manifest, takes_folder)?;
        } else if other_is_input {
            let what = "- is named twice, and there is one standard input";
            return Err(CliError::new(what).help("name a file for one of them"));
        } else {
            needs_input = true;
        }
    }
    // Without one it checks what it can.
    if let Command::Check(args::Check { manifest: Some(manifest), .. }) = command {
        in_folder(manifest, false)?;
    }
    if needs_input { read_input() } else { Ok(()) }
}

fn read_input() -> Result<(), CliError> {
    let input = io::stdin();
    if input.is_terminal() {
        let what = "- stands for standard input, and that is this terminal";
        return Err(CliError::new(what).help("name a file, or pipe it: make-shots | rushes run -"));
    }
    let mut text = Vec::new();
    let cannot = |error| CliError::new(format!("standard input cannot be read: {error}"));
    input.lock().take(MAX_BYTES).read_to_end(&mut text).map_err(cannot)?;
    give_standard_input(text);
    Ok(())
}

/// Where a folder is named: the only manifest in it.
pub fn in_folder(manifest: &mut PathBuf, takes_folder: bool) -> Result<(), CliError> {
    let folder = manifest.clone();
    if !folder.is_dir() {
        return Ok(());
    }
    if is_campaign(&folder) {
        if takes_folder {
            return Ok(());
        }
        let shown = safe_path(&folder);
        let what = format!("{shown} is a campaign's folder, and this command needs the manifest");
        return Err(CliError::new(what).help(format!(
            "name the manifest; status, report, review, fetch, export and resolve take the folder: rushes \
             status {shown}"
        )));
    }
    *manifest = only_one(&folder)?;
    Ok(())
}

/// Whether a campaign lives in a folder.
pub fn is_campaign(folder: &Path) -> bool {
    ["ledger.sqlite", Owner::FILE].iter().any(|name| folder.join(name).is_file())
}

fn only_one(folder: &Path) -> Result<PathBuf, CliError> {
    let is_here = folder == Path::new(".");
    let place = if is_here { "this folder".to_owned() } else { safe_path(folder) };
    let mut found = manifests_in(folder);
    let what = match found.len() {
        1 => return Ok(found.remove(0)),
        0 => {
            let what = format!("no manifest is named, and there is none in {place}");
            let help = "name it, such as `rushes plan shots.yaml`; `rushes init` writes one";
            return Err(CliError::new(what).help(help));
        }
        count => format!("no manifest is named, and there are {count} in {place}"),
    };
    let names: Vec<String> = found.iter().map(|path| safe_path(path)).collect();
    Err(CliError::new(format!("{what}: {}", first_of(&names, MAX_NAMED)))
        .help("name the one that is meant"))
}

/// The manifests in a folder, by name: YAML files with shots; where there are none, tables with prompts.
fn manifests_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_visible = |path: &PathBuf| {
        path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_visible).collect();
    files.sort();
    let mut found: Vec<&PathBuf> = files.iter().filter(|path| has_shots(path)).collect();
    if found.is_empty() {
        found = files.iter().filter(|path| has_prompts(path)).collect();
    }
    // As it would be typed.
    let typed =
        |path: &PathBuf| path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned);
    found.into_iter().map(typed).collect()
}

fn ends_in(path: &Path, known: [&str; 2]) -> bool {
    path.extension().is_some_and(|it| known.iter().any(|known| it.eq_ignore_ascii_case(known)))
}

/// The lines of a file, up to one that cannot be read.
fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = open_file(path).ok().map(|file| BufReader::new(file.take(MAX_LOOKED_AT)));
    let lines = file.into_iter().flat_map(|file| file.split(b'\n').map_while(Result::ok));
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}

fn has_shots(path: &Path) -> bool {
    ends_in(path, ["yaml", "yml"]) && lines(path).any(|line| line.starts_with("shots:"))
}

fn has_prompts(path: &Path) -> bool {
    let is_prompt =
        |cell: &str| cell.trim_matches(['"', ' ', '\r', '\u{feff}']).eq_ignore_ascii_case("prompt");
    ends_in(path, ["csv", "tsv"])
        && lines(path).next().is_some_and(|head| head.split([',', ';', '\t']).any(is_prompt))
}
