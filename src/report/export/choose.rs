//! From a ledger's rows and what is wanted of them to a timeline.

use std::collections::{HashMap, HashSet};

use crate::domain::frame_rate::Timing;
use crate::domain::state::State;
use crate::ledger::{ClipFile, Row, Snapshot};
use crate::report::ReportError;
use crate::report::model::{name, prompt};

use super::wanted::{MarksByShot, Order, Wanted};
use super::{Clip, Event, Location, Timeline};

/// Where a clip lies and how many pictures it has; `None` where it is gone.
pub type Locate<'a> = &'a mut dyn FnMut(&ClipFile) -> Option<(Location, Timing)>;

/// What came of choosing.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The timeline.
    pub timeline: Timeline,
    /// Picked shots that the campaign does not know.
    pub unknown: Vec<String>,
    /// Picked shots that have no clip yet, or whose clip is gone.
    pub missing: Vec<String>,
}

/// A clip before it has its place.
struct Candidate {
    clip: Clip,
    /// Further parts of the same purchase.
    parts: Vec<Clip>,
    /// What it shares with its other takes.
    group: String,
    /// The number of its mark, if it was picked.
    picked: Option<usize>,
}

/// Chooses. `allowed`: which shots may be on it at all, by their ids.
///
/// # Errors
/// When the ledger cannot be read.
pub fn choose(
    source: &dyn Snapshot,
    wanted: &Wanted,
    allowed: &dyn Fn(&str) -> bool,
    locate: Locate<'_>,
) -> Result<Chosen, ReportError> {
    let campaign = source.summary()?.campaign;
    let (mut candidates, mut known) = (Vec::new(), HashMap::new());
    let (marks, is_picked) = (wanted.by_shot(), wanted.is_picked());
    let mut add = |row: Row| {
        if is_picked {
            let place = known.len();
            known.entry(row.entry.shot.to_string()).or_insert(place);
        }
        if allowed(row.entry.shot.as_str()) {
            candidates.extend(candidate(&row, &marks, is_picked, locate));
        }
    };
    source.rows(&mut add)?;
    // Without picks nothing older is wanted.
    if is_picked {
        source.earlier_clips(&mut add)?;
        // An older text stands where its shot does.
        candidates.sort_by_key(|one| known.get(&one.clip.shot).copied());
    }
    let picked: HashSet<usize> = candidates.iter().filter_map(|one| one.picked).collect();
    let (mut unknown, mut missing) = (Vec::new(), Vec::new());
    for (nth, mark) in wanted.marks.iter().enumerate().filter(|(_, mark)| mark.picked) {
        if !known.contains_key(&mark.shot) {
            unknown.push(mark.shot.clone());
        } else if allowed(&mark.shot) && !picked.contains(&nth) {
            missing.push(mark.shot.clone());
        }
    }
    let events = arrange(candidates, wanted);
    Ok(Chosen { timeline: Timeline { campaign, events }, unknown, missing })
}

/// The clips of a row, if it is delivered and not unwanted.
fn candidate(
    row: &Row,
    marks: &MarksByShot<'_>,
    is_picked: bool,
    locate: Locate<'_>,
) -> Option<Candidate> {
    let mut of_shot = marks.get(row.entry.shot.as_str()).into_iter().flatten().copied();
    let said = of_shot.find(|(_, mark)| mark.means(row.entry.number, row.entry.current));
    let mark = said.map(|(_, mark)| mark);
    let is_delivered = matches!(row.entry.status.state, State::Delivered { .. });
    let picked = said.filter(|(_, mark)| mark.picked).map(|(nth, _)| nth);
    if !is_delivered || mark.is_some_and(|mark| mark.rejected && !mark.picked) {
        return None;
    }
    // Where clips were picked, those alone; an older text is shown only where it was picked.
    if picked.is_none() && (is_picked || !row.entry.current) {
        return None;
    }
    let prompt = prompt(row);
    let mut clips = row.files.iter().filter_map(|file| {
        let (location, timing) = locate(file)?;
        Some(Clip {
            shot: row.entry.shot.to_string(),
            revision: row.entry.number,
            name: name(&row.entry),
            path: file.path.clone(),
            location,
            info: file.clip_info,
            timing,
            model: row.model.clone(),
            prompt: prompt.clone(),
            rating: mark.map_or(0, |mark| mark.rating.min(5)),
            note: mark.map_or_else(String::new, |mark| mark.note.trim().to_owned()),
        })
    });
    let clip = clips.next()?;
    Some(Candidate { clip, parts: clips.collect(), group: group(row), picked })
}

/// The manifest's entry, and every value of its variant but the take's number.
fn group(row: &Row) -> String {
    let Some(entry) = &row.entry_id else { return format!("shot {}", row.entry.shot) };
    let values = row.variant.iter().filter(|(name, _)| name != "take");
    let values: Vec<String> = values.map(|(name, value)| format!("{name:?}={value:?}")).collect();
    format!("entry {entry:?} {}", values.join(" "))
}

/// The events in their order. Where clips were picked, those alone; else a group's first clip has its
/// others as takes.
fn arrange(candidates: Vec<Candidate>, wanted: &Wanted) -> Vec<Event> {
    let mut events: Vec<(Option<usize>, Event)> = Vec::new();
    let mut first_of: HashMap<String, usize> = HashMap::new();
    let is_picked = wanted.is_picked();
    for Candidate { clip, parts, group, picked } in candidates {
        if is_picked {
            events.push((picked, Event { clip, takes: parts }));
        } else if let Some((_, event)) = first_of.get(&group).and_then(|nth| events.get_mut(*nth)) {
            event.takes.extend(std::iter::once(clip).chain(parts));
        } else {
            first_of.insert(group, events.len());
            events.push((picked, Event { clip, takes: parts }));
        }
    }
    if wanted.order == Order::Picks {
        events.sort_by_key(|(picked, _)| *picked);
    }
    events.into_iter().map(|(_, event)| event).collect()
}
