//! Finishes a shot: its id, its clip's name, its tags. A shot with a mistake is reported and dropped.

use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use super::expand::{Draft, IdHash, Stage};
use super::names::{Here, Trouble, cell};
use super::{entry, identity, request};
use crate::domain::shot::{Shot, ShotId};
use crate::manifest::report::log::{Mistake, Place};

/// The longest path of a clip below `clips/`, in bytes.
const MOST_PATH: usize = 600;

/// Makes the shot of a draft and puts it with the others.
pub(in crate::manifest) fn shot(stage: &mut Stage<'_>, draft: &Draft<'_, '_>) {
    let before = stage.log.mistakes();
    let id = id(stage, draft);
    let made = request::make(stage, draft);
    let Some(id) = id else { return };
    let labels = labels(stage, draft, &id);
    let (Some(made), Some(labels)) = (made, labels) else { return };
    // Once something is wrong, the shots are not needed any more: only their mistakes are.
    if before > 0 || stage.log.mistakes() > 0 {
        stage.made.shots = Vec::new();
        stage.made.bytes = 0;
        return;
    }
    stage.made.bytes += made.request.json.len();
    let alone = **draft.entry == *id.as_str();
    let entry = if alone { id.shared() } else { Arc::clone(draft.entry) };
    stage.made.shots.push(Shot {
        id,
        fingerprint: made.fingerprint,
        request: made.request,
        model: made.model,
        price: made.price,
        priority: labels.priority,
        tags: labels.tags,
        clip_name: labels.clip_name,
        entry,
        variant: draft.variant.concat().into(),
    });
}

/// The shot's id, unless it is no id or taken.
fn id(stage: &mut Stage<'_>, draft: &Draft<'_, '_>) -> Option<ShotId> {
    let id = match ShotId::new(draft.id) {
        Ok(id) => id,
        Err(why) => {
            // What the entry itself says is wrong for all its shots: say it once.
            let shown = if ShotId::new(draft.own).is_err() && !draft.own.is_empty() {
                draft.own
            } else {
                draft.id
            };
            let slug = identity::slug(shown);
            let slug = ShotId::new(&slug).map(|slug| slug.to_string());
            let slug = slug.unwrap_or_else(|_| "beach".to_owned());
            let fix = format!("write for example `{slug}`");
            let what = format!("a shot cannot be called \"{}\": {why}", shorten(shown));
            stage.log.add(Mistake::new(draft.place, what).fix(fix));
            return None;
        }
    };
    match stage.made.ids.entry(IdHash::of(&id.folded())) {
        Slot::Vacant(slot) => {
            slot.insert(draft.place);
            Some(id)
        }
        Slot::Occupied(first) => {
            let mistake = taken(draft, &id, *first.get());
            stage.log.add(mistake);
            None
        }
    }
}

/// Two shots of one id.
fn taken(draft: &Draft<'_, '_>, id: &ShotId, first: Place) -> Mistake {
    let equal_rows = draft.here.row.is_some() && first != draft.place;
    let unnamed = draft.recipe.columns.id.is_none() && !draft.recipe.id_has_row;
    let what = if equal_rows && unnamed {
        format!("this row says the same as another: both would be called `{id}`")
    } else if first == draft.place {
        format!("two shots come out with the same id `{id}`")
    } else {
        format!("another shot is called `{id}` already; `A` and `a` count as the same")
    };
    let fix = if equal_rows {
        "give each row an `id` of its own; to render one twice, write 2 into a column `takes`"
    } else {
        "give each an `id` of its own"
    };
    Mistake::new(draft.place, what).fix(fix.to_owned()).other(first, "it is first used here")
}

/// What a shot is called and sorted by.
struct Labels {
    priority: i32,
    tags: Box<[Box<str>]>,
    clip_name: Arc<str>,
}

fn labels(stage: &mut Stage<'_>, draft: &Draft<'_, '_>, id: &ShotId) -> Option<Labels> {
    let recipe = draft.recipe;
    let priority = match draft.cell(recipe.columns.priority) {
        Some((cell, place)) => entry::priority(cell, place, stage.log)?,
        None => recipe.entry.priority,
    };
    let here = Here { known: Some((id.as_str(), &[])), ..draft.here };
    let mut tags: Vec<Box<str>> = Vec::new();
    for shape in &recipe.tags {
        tags.push(told(shape.text(&here), stage, draft)?.trim().into());
    }
    if let Some((text, place)) = draft.cell(recipe.columns.tags) {
        let text = told(cell(text, place, &here), stage, draft)?;
        tags.extend(text.split([';', ',', '|']).map(|tag| tag.trim().into()));
    }
    tags.retain(|tag| !tag.is_empty());
    let here = Here { known: Some((id.as_str(), &tags)), ..draft.here };
    let written = match draft.cell(recipe.columns.clip_name) {
        Some((text, place)) => Some((told(cell(text, place, &here), stage, draft)?, place)),
        None => told(recipe.clip_name.text(&here), stage, draft)?.map(|name| {
            (name.into_owned(), recipe.entry.clip_name.map_or(draft.place, |node| node.place))
        }),
    };
    let clip_name = match written {
        Some((name, place)) => clip_name(stage, draft, id, &name, place)?,
        None => id.shared(),
    };
    Some(Labels { priority, tags: tags.into(), clip_name })
}

fn told<T>(made: Result<T, Trouble>, stage: &mut Stage<'_>, draft: &Draft<'_, '_>) -> Option<T> {
    made.map_err(|trouble| stage.log.add(trouble.shot(draft.id))).ok()
}

/// Checks a clip's path below `clips/`: safe names joined by `/`, and nobody else's.
fn clip_name(
    stage: &mut Stage<'_>,
    draft: &Draft<'_, '_>,
    id: &ShotId,
    written: &str,
    place: Place,
) -> Option<Arc<str>> {
    let name = written.strip_suffix(".mp4").unwrap_or(written);
    let wrong = name.split('/').find_map(|part| ShotId::new(part).err().map(|why| (part, why)));
    let what = match wrong {
        Some(("", _)) if !name.is_empty() => {
            "a clip's name cannot begin or end with `/`, nor hold `//`".to_owned()
        }
        Some((part, why)) => {
            format!("\"{}\" cannot be part of a clip's name: {why}", shorten(part))
        }
        None if folders(name).any(|folder| folder.to_lowercase().ends_with(".mp4")) => {
            "a folder of clips cannot be called like a clip, `….mp4`".to_owned()
        }
        None if name.len() > MOST_PATH => format!("a clip's name has at most {MOST_PATH} letters"),
        None => String::new(),
    };
    if !what.is_empty() {
        let fix = "write for example `scene-1/{{ id }}`".to_owned();
        stage.log.add(Mistake::new(place, what).fix(fix).shot(draft.id));
        return None;
    }
    if name != id.as_str() {
        let folded = name.to_lowercase().into_boxed_str();
        let taken = stage.made.clips.insert(folded, (place, id.as_str().into()));
        if let Some((first, other)) = taken {
            let what = format!("the clips of `{other}` and `{id}` would both be called `{name}`");
            let fix = "write what tells them apart into the name, such as `{{ id }}`".to_owned();
            stage.log.add(Mistake::new(place, what).fix(fix).other(first, "first here"));
            return None;
        }
    }
    Some(name.into())
}

/// The folders of a clip's path.
fn folders(name: &str) -> impl Iterator<Item = &str> {
    name.rsplit('/').skip(1)
}

/// A text short enough for a message.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
