//! Whether a stored revision is what a shot asks for today, whatever rule its fingerprint was made
//! by: a catalog that learns a default, or a rule that reads a value more kindly, buys nothing anew.
//! Pure, but for the catalog that it goes by.

use std::sync::Arc;

use serde_json::Value;

use super::revision::as_written;
use super::{Entry, RevisionId};
use crate::catalog::{Catalog, FileHashes, Params};
use crate::domain::shot::{Fingerprint, Request, Shot};
use crate::domain::state::{Failure, State};
use crate::provider::canonical_wire;

/// What a ledger keeps of what a revision asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// By the rule of the day on which it was recorded.
    pub fingerprint: Fingerprint,
    /// Its JSON, local files by their paths as written.
    pub request: String,
    /// What its attempts sent: canonical JSON, local files by their hashes; none where it was never
    /// sent, or by a version that did not keep it. No text is there twice.
    pub wires: Vec<String>,
}

/// A stored revision of a shot whose fingerprint is not the shot's of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The shot's index.
    pub shot: usize,
    /// The revision.
    pub revision: RevisionId,
    /// Its number.
    pub number: u32,
    /// How far it is; see [`progress`].
    pub progress: u8,
}

/// How far a revision is: the further of two that mean the same is gone on with. What is in doubt,
/// given up, expired or unsettled may have been paid, so that it comes before what was not bought.
#[must_use]
pub const fn progress(state: &State) -> u8 {
    match state {
        State::Delivered { .. } => 5,
        State::Rendered { .. } => 4,
        State::Rendering { .. } => 3,
        State::InDoubt { .. } | State::Submitting { .. } => 2,
        State::Failed {
            failure: Failure::Abandoned | Failure::Expired | Failure::Unsettled,
            ..
        } => 1,
        State::Queued { .. } | State::Failed { .. } => 0,
    }
}

/// The [`progress`] from which on a revision may have cost money.
pub const MAY_HAVE_COST: u8 = 1;

/// For each shot the furthest of its candidates that `is_same` accepts, if it is further than the
/// revision with the shot's own fingerprint: `exact` says how far that is, `None` that there is none.
///
/// # Errors
/// Those of `is_same`.
pub fn choose<E>(
    mut candidates: Vec<Candidate>,
    exact: impl Fn(usize) -> Option<u8>,
    mut is_same: impl FnMut(usize, RevisionId) -> Result<bool, E>,
) -> Result<Vec<Candidate>, E> {
    candidates.sort_by_key(|one| (one.shot, std::cmp::Reverse((one.progress, one.number))));
    let mut chosen: Vec<Candidate> = Vec::new();
    for one in candidates {
        let is_decided = chosen.last().is_some_and(|last| last.shot == one.shot);
        if !is_decided
            && exact(one.shot).is_none_or(|exact| one.progress > exact)
            && is_same(one.shot, one.revision)?
        {
            chosen.push(one);
        }
    }
    Ok(chosen)
}

/// Gives each shot's revision the shot's fingerprint of today, so that both are found together.
/// `stored` reads what a revision asked for.
///
/// # Errors
/// Those of `stored`.
pub fn refresh<E>(
    shots: &[Shot],
    entries: &mut [Entry],
    identity: &Identity,
    mut stored: impl FnMut(RevisionId) -> Result<StoredRequest, E>,
) -> Result<(), E> {
    use std::collections::HashMap;
    let by_id: HashMap<&str, usize> =
        shots.iter().enumerate().map(|(index, shot)| (shot.id.as_str(), index)).collect();
    let mut exact: HashMap<usize, usize> = HashMap::new();
    let mut candidates = Vec::new();
    let mut places: HashMap<RevisionId, usize> = HashMap::new();
    for (place, entry) in entries.iter().enumerate() {
        let Some(index) = by_id.get(entry.shot.as_str()).copied() else { continue };
        if shots.get(index).is_some_and(|shot| shot.fingerprint == entry.fingerprint) {
            exact.insert(index, place);
        } else {
            let progress = progress(&entry.status.state);
            let (revision, number) = (entry.revision, entry.number);
            candidates.push(Candidate { shot: index, revision, number, progress });
            places.insert(revision, place);
        }
    }
    let chosen = {
        let how_far = |index: usize| {
            let entry = entries.get(*exact.get(&index)?)?;
            Some(progress(&entry.status.state))
        };
        choose(candidates, how_far, |index, revision| {
            let stored = stored(revision)?;
            Ok(shots.get(index).is_some_and(|shot| identity.is_same(shot, &stored)))
        })?
    };
    for Candidate { shot, revision, .. } in chosen {
        let (Some(place), Some(shown)) = (places.get(&revision), shots.get(shot)) else { continue };
        let Some(entry) = entries.get_mut(*place) else { continue };
        let before = std::mem::replace(&mut entry.fingerprint, shown.fingerprint);
        entry.current = true;
        if let Some(loser) = exact.get(&shot).and_then(|place| entries.get_mut(*place)) {
            (loser.fingerprint, loser.current) = (before, false);
        }
    }
    Ok(())
}

/// Tells whether two requests buy the same.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// `None`: the one of this version.
    catalog: Option<Arc<Catalog>>,
}

impl Identity {
    /// By this catalog's defaults and types.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog: Some(catalog) }
    }

    /// Whether a revision that is stored with another fingerprint is what the shot asks for: what it
    /// sent is what would be sent now, or its request means the same today.
    #[must_use]
    pub fn is_same(&self, shot: &Shot, stored: &StoredRequest) -> bool {
        if shot.fingerprints().any(|by_a_rule| by_a_rule == stored.fingerprint)
            || (shot.request.files.is_empty() && stored.request == as_written(&shot.request))
        {
            return true;
        }
        let wire = canonical_wire(&shot.request);
        if stored.wires.iter().any(|sent| **sent == *wire) {
            return true;
        }
        let catalog = self.catalog.clone().unwrap_or_else(|| Arc::new(Catalog::builtin()));
        let means = |params: &Params, files: &FileHashes| {
            catalog.fingerprint(params, files) == shot.fingerprint
        };
        stored
            .wires
            .iter()
            .filter_map(|wire| sent(wire))
            .any(|(params, files)| means(&params, &files))
            || rewritten(&stored.request, &shot.request).is_some_and(|(params, files)| {
                // Without what was sent, only its own fingerprint says that the files are the same.
                let by = [&*catalog, &Catalog::builtin()];
                let is_its_own =
                    |by: &Catalog| by.fingerprints(&params, &files).contains(&stored.fingerprint);
                (files.is_empty() || by.into_iter().any(is_its_own)) && means(&params, &files)
            })
    }
}

/// The parameters of a request, and those that local files fill, with the files' hashes.
type Asked = (Params, Vec<(String, [u8; 32])>);

impl StoredRequest {
    /// The local files of what was sent, by parameter, with their hashes.
    #[must_use]
    pub fn files(&self) -> Vec<(String, [u8; 32])> {
        self.wires.iter().find_map(|wire| sent(wire)).map(|(_, files)| files).unwrap_or_default()
    }
}

/// What was asked for by what was sent.
fn sent(wire: &str) -> Option<Asked> {
    let all: Params = serde_json::from_str(wire).ok()?;
    let mut params = Params::new();
    let mut files = Vec::new();
    for (name, value) in all {
        match sha256(&value) {
            Some(hash) => files.push((name, hash)),
            None => drop(params.insert(name, value)),
        }
    }
    Some((params, files))
}

/// The hash that stands for a file.
fn sha256(value: &Value) -> Option<[u8; 32]> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let text = fields.get("sha256")?.as_str().filter(|text| text.len() == 64)?;
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// The parameters of a stored request, and those of its local files that today's request has at the
/// same paths, with their hashes of today.
fn rewritten(stored: &str, today: &Request) -> Option<Asked> {
    let mut params: Params = serde_json::from_str(stored).ok()?;
    let mut files = Vec::new();
    for file in &today.files {
        if params.get(&*file.param).and_then(Value::as_str) != Some(&*file.written) {
            return None;
        }
        params.remove(&*file.param);
        files.push((file.param.to_string(), file.sha256));
    }
    Some((params, files))
}
