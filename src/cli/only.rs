//! `--only`: ids and patterns, separated by commas or by giving the flag again.

use std::fmt;
use std::str::FromStr;

use globset::GlobMatcher;

use crate::domain::shot::Shot;
use crate::ledger::Snapshot;

use super::error::CliError;
use super::values::{glob, parts};

/// What one `--only` says: ids and patterns.
#[derive(Clone, Debug)]
pub struct Only(Vec<String>);

/// As it can be typed again.
impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = parts(text);
        for part in &parts {
            glob(part)?;
        }
        if parts.is_empty() {
            return Err("it names no shot; write for example 'beach*'".to_owned());
        }
        Ok(Self(parts))
    }
}

/// A shot's id, and whether it is an entry's first take.
type Known = (String, bool);

/// One pattern of all that was typed, for the manifest's shots; `None`: all shots.
///
/// # Errors
/// When something that was typed is no shot's id and matches none.
pub fn of_manifest(typed: &[Only], shots: &[Shot]) -> Result<Option<GlobMatcher>, CliError> {
    if typed.is_empty() {
        return Ok(None);
    }
    let is_first = |shot: &Shot| shot.variant.iter().any(|(name, take)| is_first_take(name, take));
    let known: Vec<Known> =
        shots.iter().map(|shot| (shot.id.to_string(), is_first(shot))).collect();
    one_pattern(typed, &known, "rushes plan").map(Some)
}

/// The same for the shots that a ledger knows; `list` is the command that names them.
///
/// # Errors
/// The same, and when the ledger cannot be read.
pub fn of_ledger(
    typed: &[Only],
    ledger: &dyn Snapshot,
    list: &str,
) -> Result<Option<GlobMatcher>, CliError> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut known: Vec<Known> = Vec::new();
    ledger.rows(&mut |row| {
        let is_first = row.variant.iter().any(|(name, take)| is_first_take(name, take));
        known.push((row.entry.shot.to_string(), is_first));
    })?;
    one_pattern(typed, &known, list).map(Some)
}

fn is_first_take(name: &str, value: &str) -> bool {
    (name, value) == ("take", "1")
}

fn one_pattern(typed: &[Only], known: &[Known], list: &str) -> Result<GlobMatcher, CliError> {
    let mut patterns: Vec<String> = Vec::new();
    for part in typed.iter().flat_map(|only| &only.0) {
        let pattern = meant(part, known).ok_or_else(|| {
            let first = known.first().map_or("", |(id, _)| id);
            CliError::new(format!("no shot's id matches --only {part}"))
                .help(format!("ids look like {first}; `{list}` lists them"))
        })?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    glob(&patterns.join(",")).map_err(CliError::new)
}

/// The pattern as it is meant, if shots match it: the first take, whose id has no number, may be called
/// `-t1`.
fn meant(part: &str, known: &[Known]) -> Option<String> {
    if glob(part).is_ok_and(|glob| known.iter().any(|(id, _)| glob.is_match(id))) {
        return Some(part.to_owned());
    }
    let first = part.strip_suffix("-t1")?;
    known.iter().any(|(id, is_first)| *is_first && id == first).then(|| first.to_owned())
}
