//! Which revisions the words after `rushes resolve` mean.

use std::collections::BTreeSet;

use globset::GlobMatcher;

use crate::domain::state::{Failure, State};
use crate::ledger::Entry;
use crate::report::model::name;
use crate::report::text::safe;

use super::super::values;

/// What was typed in place of shots.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Shots named in full.
    pub names: Vec<String>,
    /// Patterns.
    pub globs: Vec<GlobMatcher>,
    /// Names from a file, with where each stands.
    pub listed: Vec<(String, String)>,
    /// All.
    pub all: bool,
}

/// What it means.
#[derive(Debug, Default)]
pub struct Chosen<'a> {
    /// The revisions, each once.
    pub entries: Vec<&'a Entry>,
    /// How many other shots matched a pattern or were listed: they are not in doubt.
    pub left: usize,
}

/// Why nothing can be said of a revision, after its state.
pub const NEITHER: &str = ", neither in doubt nor stalled";

/// What the user's word can be about.
pub trait About {
    /// Whether it can be about this revision.
    fn is_open(&self, entry: &Entry) -> bool;

    /// Why it cannot, as what follows `it is delivered`.
    fn why_not(&self) -> String;
}

impl Wanted {
    /// Tells patterns from names.
    ///
    /// # Errors
    /// Everything that is no pattern.
    pub fn of(typed: &[String]) -> Result<Self, Vec<String>> {
        let (mut wanted, mut wrong) = (Self::default(), Vec::new());
        for word in typed {
            if !word.contains(['*', '?', '[', '{']) {
                wanted.names.push(word.clone());
                continue;
            }
            match values::glob(word) {
                Ok(glob) => wanted.globs.push(glob),
                Err(why) => wrong.push(format!("{}: {why}", safe(word))),
            }
        }
        if wrong.is_empty() { Ok(wanted) } else { Err(wrong) }
    }

    /// Whether it is one shot named in full.
    pub fn is_one_name(&self) -> bool {
        self.names.len() == 1 && !self.is_many()
    }

    /// Whether it may mean any number of shots.
    pub fn is_many(&self) -> bool {
        self.all || !self.globs.is_empty() || !self.listed.is_empty()
    }

    /// Finds the revisions: of shots named in full those that the word can be about, of all others
    /// those in doubt.
    ///
    /// # Errors
    /// Everything that is wrong with the names.
    pub fn choose<'a>(
        &self,
        entries: &'a [Entry],
        about: &dyn About,
    ) -> Result<Chosen<'a>, Vec<String>> {
        let mut wrong = Vec::new();
        let mut found: Vec<&Entry> = Vec::new();
        let mut left = BTreeSet::new();
        for name in &self.names {
            match find(entries, name, about) {
                Ok(entry) => found.push(entry),
                Err(why) => wrong.push(why),
            }
        }
        let mut take = |entry: &'a Entry| {
            if matches!(entry.status.state, State::InDoubt { .. }) {
                found.push(entry);
            } else if entry.current {
                left.insert(&entry.shot);
            }
        };
        for glob in &self.globs {
            let matched = entries.iter().filter(|entry| glob.is_match(entry.shot.as_str()));
            let count = matched.map(&mut take).count();
            if count == 0 {
                wrong.push(format!(
                    "{}: no shot in the ledger matches it",
                    safe(glob.glob().glob())
                ));
            }
        }
        for (name, place) in &self.listed {
            match of_shot(entries, name) {
                Ok(matched) if !matched.is_empty() => matched.into_iter().for_each(&mut take),
                Ok(_) => wrong.push(format!("{place}: {}: no such shot in the ledger", safe(name))),
                Err(why) => wrong.push(format!("{place}: {why}")),
            }
        }
        if self.all {
            entries.iter().for_each(&mut take);
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut known = BTreeSet::new();
        found.retain(|entry| known.insert(entry.revision));
        left.retain(|shot| !found.iter().any(|entry| entry.shot == **shot));
        Ok(Chosen { entries: found, left: left.len() })
    }
}

/// The revisions that a name may mean: `beach` all of the shot, `beach~r1` the first.
fn of_shot<'a>(entries: &'a [Entry], typed: &str) -> Result<Vec<&'a Entry>, String> {
    let (id, number) = match typed.rsplit_once("~r") {
        Some((id, number)) => (id, number.parse::<u32>().ok()),
        None => (typed, None),
    };
    if typed.contains('~') && number.is_none() {
        return Err(format!("{}: a revision is named like beach~r1", safe(typed)));
    }
    let is_known = |id: &str| entries.iter().any(|entry| entry.shot.as_str() == id);
    // The first take, whose id has no number.
    let first = id.strip_suffix("-t1").filter(|first| is_known(&format!("{first}-t2")));
    let id = first.filter(|_| !is_known(id)).unwrap_or(id);
    let of_shot = entries.iter().filter(|entry| entry.shot.as_str() == id);
    Ok(of_shot.filter(|entry| number.is_none_or(|number| entry.number == number)).collect())
}

/// `beach` is the current text if that can be resolved, else the one older text that can, and
/// among several the one that was not given up; `beach~r1` is revision 1.
fn find<'a>(entries: &'a [Entry], typed: &str, about: &dyn About) -> Result<&'a Entry, String> {
    let of_shot = of_shot(entries, typed)?;
    let mut open: Vec<_> = of_shot.iter().filter(|entry| about.is_open(entry)).collect();
    if open.iter().any(|entry| waits_for_word(&entry.status.state)) {
        open.retain(|entry| waits_for_word(&entry.status.state));
    }
    let undecided: Vec<_> =
        open.iter().filter(|entry| !matches!(entry.status.state, State::Failed { .. })).collect();
    let current = open.iter().find(|entry| entry.current);
    match (current, open.as_slice(), of_shot.first()) {
        (Some(entry), ..) | (None, [entry], _) => Ok(entry),
        (None, [_, _, ..], _) if let [entry] = undecided[..] => Ok(entry),
        (None, [], None) => Err(format!("{}: no such shot in the ledger", safe(typed))),
        (None, [], Some(entry)) => {
            let state = entry.status.state.name().replace('_', " ");
            Err(format!("{}: it is {state}{}", name(entry), about.why_not()))
        }
        (None, [_, _, ..], Some(first)) => {
            let names: Vec<_> = open.iter().map(|entry| name(entry)).collect();
            let id = &first.shot;
            Err(format!("{id}: several texts of it can be resolved: {}", names.join(", ")))
        }
        (None, [_, _, ..], None) => Err(safe(typed)),
    }
}

/// Whether it is the user's to say what became of it.
pub const fn waits_for_word(state: &State) -> bool {
    matches!(
        state,
        State::InDoubt { .. }
            | State::Rendering { stalled: Some(_), .. }
            | State::Failed {
                attempt: Some(_),
                failure: Failure::Abandoned | Failure::Unsettled,
                ..
            }
    )
}

/// A word that is about what waits for one.
struct AnyWord;

impl About for AnyWord {
    fn is_open(&self, entry: &Entry) -> bool {
        waits_for_word(&entry.status.state)
    }

    fn why_not(&self) -> String {
        NEITHER.to_owned()
    }
}

/// Finds the revisions that were named in full, each once.
///
/// # Errors
/// Everything that is wrong with the names.
pub fn choose<'a>(entries: &'a [Entry], names: &[String]) -> Result<Vec<&'a Entry>, Vec<String>> {
    let wanted = Wanted::of(names)?;
    Ok(wanted.choose(entries, &AnyWord)?.entries)
}
