//! `--only`: ids and patterns, separated by commas or by giving the flag again.

use std::fmt;
use std::str::FromStr;

use globset::GlobMatcher;

use crate::domain::shot::Shot;

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

/// One pattern of all that was typed; `None`: all shots.
///
/// # Errors
/// When something that was typed is no shot's id and matches none.
pub fn all(typed: &[Only], shots: &[Shot]) -> Result<Option<GlobMatcher>, CliError> {
    let mut known: Vec<String> = Vec::new();
    for part in typed.iter().flat_map(|only| &only.0) {
        let part = named(part, shots).ok_or_else(|| {
            let first = shots.first().map_or("", |shot| shot.id.as_str());
            CliError::new(format!("no shot's id matches --only {part}"))
                .help(format!("ids look like {first}; `rushes plan` lists them"))
        })?;
        if !known.contains(&part) {
            known.push(part);
        }
    }
    if known.is_empty() {
        return Ok(None);
    }
    glob(&known.join(",")).map(Some).map_err(CliError::new)
}

/// The pattern as it is meant, if shots match it: the first take, whose id has no number, may be called
/// `-t1`.
fn named(part: &str, shots: &[Shot]) -> Option<String> {
    let matches = |pattern: &str| {
        glob(pattern).is_ok_and(|glob| shots.iter().any(|shot| glob.is_match(shot.id.as_str())))
    };
    if matches(part) {
        return Some(part.to_owned());
    }
    let first = part.strip_suffix("-t1")?;
    let is_first = |shot: &&Shot| {
        shot.id.as_str() == first
            && shot.variant.iter().any(|(name, take)| (&**name, &**take) == ("take", "1"))
    };
    shots.iter().find(is_first).map(|_| first.to_owned())
}
