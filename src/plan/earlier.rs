//! What there is already of shots that a run would buy as new: an earlier text of the same shot, or the
//! same request under an id that left the manifest.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Because, Line};
use crate::domain::shot::{Fingerprint, Shot};
use crate::domain::state::State;
use crate::ledger::Entry;
use crate::ledger::identity::{MAY_HAVE_COST, progress};

/// Finds it for the lines that would be bought as new. `left` are the revisions that no shot asks for
/// today, among `entries`.
pub(super) fn find<'a>(
    lines: &mut [Line<'a>],
    shots: &[Shot],
    entries: &'a [Entry],
    left: &HashMap<(&str, Fingerprint), &Entry>,
) {
    let is_new = |line: &Line<'_>| line.because == Some(Because::New);
    if left.is_empty() || !lines.iter().any(is_new) {
        return;
    }
    let today: HashSet<&str> = shots.iter().map(|shot| shot.id.as_str()).collect();
    let mut earlier: HashMap<&str, &Entry> = HashMap::new();
    let mut gone: HashMap<Fingerprint, VecDeque<&Entry>> = HashMap::new();
    let is_left = |entry: &&Entry| left.contains_key(&(entry.shot.as_str(), entry.fingerprint));
    for entry in entries.iter().filter(is_left) {
        let id = entry.shot.as_str();
        if today.contains(id) {
            let furthest = earlier.entry(id).or_insert(entry);
            if rank(entry) > rank(furthest) {
                *furthest = entry;
            }
        } else if progress(&entry.status.state) >= MAY_HAVE_COST {
            gone.entry(entry.fingerprint).or_default().push_back(entry);
        }
    }
    for line in lines.iter_mut().filter(|line| is_new(line)) {
        let same_shot = earlier.get(line.shot.id.as_str()).copied();
        // What was never sent is replaced by nothing that costs more.
        let was_tried = |entry: &&Entry| !matches!(entry.status.state, State::Queued { .. });
        if let Some(entry) = same_shot.filter(was_tried) {
            (line.because, line.before) = (Some(Because::Changed), Some(entry));
        } else {
            let mut by_any_rule = line.shot.fingerprints();
            line.before = by_any_rule.find_map(|request| gone.get_mut(&request)?.pop_front());
        }
    }
}

/// What decides which of a shot's earlier texts is told of: the furthest, of those the newest.
fn rank(entry: &Entry) -> (u8, bool, u32) {
    let is_tried = !matches!(entry.status.state, State::Queued { .. });
    (progress(&entry.status.state), is_tried, entry.number)
}
