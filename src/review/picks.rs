//! A file of chosen clips, as `--picks FILE` takes it: `review.json`, or ids, one a line.

use std::collections::HashSet;
use std::path::Path;

use crate::domain::shot::ShotId;

use super::file::text_of;
use super::{Review, ReviewError, Verdict};

/// A chosen clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The shot.
    pub id: ShotId,
    /// The revision, where the file names it: always in `review.json`, as `beach~r1` in a list; else
    /// the current one is meant.
    pub revision: Option<u32>,
    /// What else was decided about it.
    pub verdict: Verdict,
}

/// The clips that a file chooses, in its order and each once. Blocking.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn read_picks(path: &Path) -> Result<Vec<Pick>, ReviewError> {
    let text = text_of(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if !text.trim_start().starts_with(['{', '[']) {
        return listed(path, text);
    }
    let review = Review::parse(path, text)?;
    let picks = review.all().filter(|reviewed| reviewed.verdict.pick).map(|reviewed| Pick {
        id: reviewed.clip.id.clone(),
        revision: Some(reviewed.clip.revision),
        verdict: reviewed.verdict.clone(),
    });
    Ok(picks.collect())
}

/// Ids, one a line; empty lines and those that begin with `#` say nothing.
fn listed(path: &Path, text: &str) -> Result<Vec<Pick>, ReviewError> {
    let mut seen = HashSet::new();
    let mut picks = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, revision) = named(line)
            .map_err(|why| ReviewError::broken(path, format!("line {}: {why}", index + 1)))?;
        if seen.insert((id.clone(), revision)) {
            let verdict = Verdict { pick: true, ..Verdict::default() };
            picks.push(Pick { id, revision, verdict });
        }
    }
    Ok(picks)
}

/// `beach`, or `beach~r1` for one revision of it.
fn named(text: &str) -> Result<(ShotId, Option<u32>), String> {
    let number = |text: &str| text.parse().ok().filter(|number: &u32| *number > 0);
    let (id, revision) = match text.rsplit_once("~r") {
        Some((id, digits)) => (id, Some(number(digits).ok_or("`~r` wants a revision's number")?)),
        None => (text, None),
    };
    let id = ShotId::new(id).map_err(|why| format!("{text:?} is no shot's id: {why}"))?;
    Ok((id, revision))
}
