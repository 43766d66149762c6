//! What a shot asks for otherwise than a revision that is stored: parameter by parameter, without what
//! only is written in another way.

use serde_json::Value;

use super::shown_params;
use crate::catalog::{Catalog, FileHashes, Params};
use crate::domain::shot::{Fingerprint, Shot};
use crate::ledger::StoredRequest;

/// A parameter that means something else now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamChange {
    /// Its API name.
    pub param: String,
    /// What was asked for; `None`: it was left out. A local file by its path as written.
    pub old: Option<Value>,
    /// What is asked for now.
    pub new: Option<Value>,
    /// Whether it is a file at the same path with other contents.
    pub is_other_contents: bool,
}

/// What a shot asks for otherwise than `stored`: in the order of the request of today, then what is
/// left out today.
#[must_use]
pub fn changes(shot: &Shot, stored: &StoredRequest, catalog: &Catalog) -> Vec<ParamChange> {
    let old: Params = serde_json::from_str(&stored.request).unwrap_or_default();
    let new = shown_params(&shot.request);
    let files = shot.request.files.iter().map(|file| (file.param.to_string(), file.sha256));
    let (old_files, new_files) = (stored.files(), files.collect::<Vec<_>>());
    let mut names: Vec<&String> = new.keys().collect();
    names.extend(old.keys().filter(|name| !new.contains_key(*name)));
    let (mut changes, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        let (before, now) = (old.get(name), new.get(name));
        let is_at_its_path = before == now && holds(&new_files, name);
        let change = ParamChange {
            param: name.clone(),
            old: before.cloned(),
            new: now.cloned(),
            is_other_contents: is_at_its_path,
        };
        if is_at_its_path && !holds(&old_files, name) {
            unknown.push(change);
        } else if meaning(&old, &old_files, name, catalog)
            != meaning(&new, &new_files, name, catalog)
        {
            changes.push(change);
        }
    }
    // An older version kept no hash of what it sent: then it is the file, if nothing else is.
    if changes.is_empty() { unknown } else { changes }
}

fn holds(files: &FileHashes, name: &str) -> bool {
    files.iter().any(|(param, _)| param == name)
}

/// What one parameter of a request means, as the fingerprint of a request with nothing else.
fn meaning(params: &Params, files: &FileHashes, name: &str, catalog: &Catalog) -> Fingerprint {
    if let Some(file) = files.iter().find(|(param, _)| param == name) {
        return catalog.fingerprint(&Params::new(), std::slice::from_ref(file));
    }
    let alone = params.get(name).map(|value| (name.to_owned(), value.clone()));
    catalog.fingerprint(&alone.into_iter().collect(), &[])
}
