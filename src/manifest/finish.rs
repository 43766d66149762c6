//! Finishes a shot: its request's values, the catalog's opinion of them, its price, fingerprint,
//! clip name. A shot with a mistake is reported and dropped.

use serde_json::Value as Json;

use super::diagnostic::{Mistake, Place};
use super::expand::{Draft, IdHash, Stage};
use super::media::{BIG_BYTES, Image};
use super::names::{Here, Trouble, cell};
use super::source::Origin;
use super::{entry, identity};
use crate::catalog::Params;
use crate::shot::{LocalFile, Request, Shot, ShotId};

/// The parameters that prices depend on, for telling people which combination has none.
const PRICED: [&str; 5] = ["model", "mode", "duration", "sound", "voice_list"];
/// The longest path of a clip below `clips/`, in bytes.
const MOST_PATH: usize = 600;

/// Makes the shot of a draft and puts it with the others.
pub(super) fn shot(stage: &mut Stage<'_>, draft: &Draft<'_, '_>) {
    let before = stage.log.mistakes();
    let id = id(stage, draft);
    let made = request(stage, draft);
    let Some(id) = id else { return };
    let labels = labels(stage, draft, &id);
    let (Some(made), Some(labels)) = (made, labels) else { return };
    // Once something is wrong, the shots are not needed any more: only their mistakes are.
    if before > 0 || stage.log.mistakes() > 0 {
        stage.made.shots = Vec::new();
        return;
    }
    stage.made.shots.push(Shot {
        id,
        fingerprint: made.fingerprint,
        request: made.request,
        model: made.model,
        price: made.price,
        priority: labels.priority,
        tags: labels.tags,
        clip_name: labels.clip_name,
    });
}

/// The shot's id, unless it is no id or taken.
fn id(stage: &mut Stage<'_>, draft: &Draft<'_, '_>) -> Option<ShotId> {
    let id = match ShotId::new(draft.id) {
        Ok(id) => id,
        Err(why) => {
            let slug = identity::slug(draft.id);
            let slug = ShotId::new(&slug).map(|slug| slug.to_string());
            let slug = slug.unwrap_or_else(|_| "beach".to_owned());
            let fix = format!("write for example `{slug}`");
            let what = format!("a shot cannot be called \"{}\": {why}", shorten(draft.id));
            stage.log.add(Mistake::new(draft.place, what).fix(fix));
            return None;
        }
    };
    let hash = IdHash::of(&id.folded());
    if let Some(first) = stage.made.ids.get(&hash).copied() {
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
        let mistake = Mistake::new(draft.place, what).fix(fix.to_owned());
        stage.log.add(mistake.other(first, "it is first used here"));
        return None;
    }
    stage.made.ids.insert(hash, draft.place);
    Some(id)
}

/// What a request came to.
struct Made {
    request: Request,
    fingerprint: crate::shot::Fingerprint,
    model: Box<str>,
    price: Option<crate::money::Usd>,
}

fn request(stage: &mut Stage<'_>, draft: &Draft<'_, '_>) -> Option<Made> {
    let mut whole = true;
    let mut params = Params::new();
    let mut extra = Params::new();
    let mut files = Vec::new();
    let mut unseen: Vec<&str> = Vec::new();
    for field in &draft.recipe.fields {
        if field.broken {
            whole = false;
            continue;
        }
        let value = match field.make(&draft.here) {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(trouble) => {
                stage.log.add(trouble.shot(draft.id));
                // The catalog would only say that it is missing.
                return None;
            }
        };
        let to = if field.param.is_some() { &mut params } else { &mut extra };
        to.insert(field.name.to_owned(), value);
    }
    for field in draft.recipe.fields.iter().filter(|field| field.is_image()) {
        let Some(Json::String(written)) = params.get_mut(field.name) else { continue };
        if written.trim().is_empty() {
            continue;
        }
        let origin = field.origin(&draft.here, field.name);
        match stage.made.gallery.look(written.trim()) {
            Ok(Image::Url) => *written = written.trim().to_owned(),
            Ok(Image::Base64(text)) => *written = text,
            Ok(Image::File { path, sha256, bytes }) => {
                if bytes > BIG_BYTES {
                    let what = format!("{written} is big: {} MB", bytes / 1_000_000);
                    let fix = "the gateway may refuse it; make it smaller".to_owned();
                    stage.log.add(from(draft, &origin, what).fix(fix).warning());
                }
                let written = written.trim().into();
                files.push(LocalFile { param: field.name.into(), path, written, sha256, bytes });
            }
            Err((what, fix)) => {
                unseen.push(field.name);
                let mistake = from(draft, &origin, format!("`{}`: {what}", field.name));
                stage.log.add(mistake.fix(fix));
            }
        }
    }
    let problems = stage.catalog.check(&params);
    for problem in &problems {
        let head = problem.param.split('.').next().unwrap_or(&problem.param);
        let field = draft.recipe.fields.iter().find(|field| field.name == head);
        if field.is_some_and(|field| field.broken) || unseen.contains(&head) {
            continue;
        }
        let mistake = match field.filter(|field| field.is_set(&draft.here)) {
            Some(field) => {
                from(draft, &field.origin(&draft.here, &problem.param), problem.what.clone())
            }
            None => Mistake::new(draft.place, &problem.what).shot(draft.id),
        };
        stage.log.add(mistake.fix(problem.fix.clone()));
    }
    if !whole || !unseen.is_empty() || !problems.is_empty() {
        return None;
    }
    let price = stage.catalog.price(&params);
    if price.is_none() {
        no_price(stage, draft, &params);
    }
    let model = params.get("model").and_then(Json::as_str).unwrap_or_default().into();
    for file in &files {
        params.shift_remove(&*file.param);
    }
    params.extend(extra);
    let hashes: Vec<(String, [u8; 32])> =
        files.iter().map(|file| (file.param.to_string(), file.sha256)).collect();
    Some(Made {
        fingerprint: stage.catalog.fingerprint(&params, &hashes),
        request: Request {
            json: Json::Object(params).to_string().into_boxed_str(),
            files: files.into_boxed_slice(),
        },
        model,
        price,
    })
}

/// A mistake in a value, with the places that had a part in it.
fn from(draft: &Draft<'_, '_>, origin: &Origin, what: String) -> Mistake {
    let mistake = Mistake::new(origin.place, what).shot(draft.id).others(&origin.others);
    let entry = draft.recipe.entry;
    match (entry.from, origin.is_near) {
        // A cell of a table: the entry that reads it stands elsewhere.
        (Some(table), true) if origin.place.file != table.place.file => {
            mistake.other(table.place, "read here")
        }
        (_, true) => mistake,
        (_, false) => mistake.other(entry.place, "for this shot"),
    }
}

/// Under a cap what has no price cannot be bought; without one the user should know.
fn no_price(stage: &mut Stage<'_>, draft: &Draft<'_, '_>, params: &Params) {
    let default = |name: &str| stage.catalog.param(name)?.default.as_ref();
    let said = |name: &str| params.get(name).or_else(|| default(name));
    let combination: Vec<String> = PRICED
        .iter()
        .filter_map(|name| match said(name)? {
            Json::String(text) => Some(format!("{name} {text}")),
            _ => Some((*name).to_owned()),
        })
        .collect();
    let what = format!("the price of {} is not known", combination.join(", "));
    stage.log.add(Mistake::new(draft.place, what).shot(draft.id).unpriced());
}

/// What a shot is called and sorted by.
struct Labels {
    priority: i32,
    tags: Box<[Box<str>]>,
    clip_name: Box<str>,
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
        None => id.as_str().into(),
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
) -> Option<Box<str>> {
    let name = written.strip_suffix(".mp4").unwrap_or(written);
    let wrong = name.split('/').find_map(|part| ShotId::new(part).err().map(|why| (part, why)));
    let what = match wrong {
        Some(("", _)) if !name.is_empty() => {
            "a clip's name cannot begin or end with `/`, nor hold `//`".to_owned()
        }
        Some((part, why)) => {
            format!("\"{}\" cannot be part of a clip's name: {why}", shorten(part))
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

/// A text short enough for a message.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
