//! Makes a shot of a draft: its id, clip name, tags and request. A shot with a mistake is reported and
//! dropped.

use std::borrow::Cow;
use std::sync::Arc;

use thin_vec::ThinVec;

use super::context::ExpandContext;
use super::draft::Draft;
use super::scope::Scope;
use super::text_template::TextTemplate;
use super::{entry, identity, request};
use crate::domain::shot::{Shot, ShotId};
use crate::manifest::diagnostics::Diagnostic;
use crate::manifest::source::place::Place;

/// The longest path of a clip below `clips/`, in bytes.
const MAX_PATH: usize = 600;

/// Makes the shot of a draft and adds it to the others; reports what is wrong with it instead.
pub(crate) fn build(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>) {
    let before = cx.diags.error_count();
    let built = request::build(cx, draft);
    let id = id(cx, draft, built.is_some());
    let Some(id) = id else { return };
    let labels = labels(cx, draft, &id);
    let (Some(built), Some(labels)) = (built, labels) else { return };
    if before > 0 || cx.diags.error_count() > 0 {
        return cx.output.shots.discard();
    }
    let alone = **draft.entry == *id.as_str();
    let entry = if alone { id.shared() } else { Arc::clone(draft.entry) };
    cx.output.shots.push(Shot {
        id,
        fingerprint: built.fingerprint,
        former: built.former,
        request: built.request,
        model: built.model,
        price: built.price,
        priority: labels.priority,
        tags: labels.tags,
        clip_name: labels.clip_name,
        entry,
        variant: draft.variant.concat().into(),
    });
}

/// The shot's id, unless it is no id or taken. That rows are the same is not told of those whose request
/// is wrong: they may lack the same.
fn id(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>, is_right: bool) -> Option<ShotId> {
    let id = match ShotId::new(draft.id) {
        Ok(id) => id,
        Err(why) => {
            // What is wrong with the entry's own part is the same for all its shots: reported once.
            let own_is_wrong = ShotId::new(draft.own).is_err() && !draft.own.is_empty();
            let shown = if own_is_wrong { draft.own } else { draft.id };
            let slug = ShotId::new(&identity::slug(shown));
            let slug = slug.map_or_else(|_| "beach".to_owned(), |slug| slug.to_string());
            let what = format!("a shot cannot be called \"{}\": {why}", shorten(shown));
            cx.diags.error(draft.place, what, format!("write for example `{slug}`"));
            return None;
        }
    };
    match cx.output.shots.take_id(&id, draft.place) {
        Ok(()) => Some(id),
        Err(first) => {
            if is_right || !draft.is_nameless_row() {
                cx.diags.add(taken(draft, &id, first));
            }
            None
        }
    }
}

/// Two shots of one id.
fn taken(draft: &Draft<'_, '_>, id: &ShotId, first: Place) -> Diagnostic {
    let equal_rows = draft.scope.row.is_some() && !first.is_at(draft.place);
    let what = if equal_rows && draft.is_nameless_row() {
        format!("this row says the same as another: both would be called `{id}`")
    } else if first.is_at(draft.place) {
        format!("two shots come out with the same id `{id}`")
    } else {
        format!("another shot is called `{id}` already; `A` and `a` count as the same")
    };
    let fix = if equal_rows {
        "give each row an `id` of its own; to render one twice, write 2 into a column `takes`"
    } else {
        "give each an `id` of its own"
    };
    Diagnostic::new(draft.place, what).fix(fix).related(first, "it is first used here")
}

/// What a shot is called and sorted by.
struct Labels {
    priority: i32,
    tags: ThinVec<Box<str>>,
    clip_name: Arc<str>,
}

fn labels(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>, id: &ShotId) -> Option<Labels> {
    let compiled = draft.compiled;
    let priority = match draft.cell("priority") {
        Some((cell, place)) => entry::priority(cell, place, cx.diags)?,
        None => compiled.entry.priority,
    };
    let scope = Scope { known: Some((id.as_str(), &[])), ..draft.scope };
    let mut tags: Vec<Box<str>> = Vec::new();
    for tag in &compiled.tags {
        tags.push(report(tag.render(&scope), cx, draft)?.trim().into());
    }
    if let Some((text, place)) = draft.cell("tags") {
        let text = cell(text, place, &scope, cx, draft)?;
        tags.extend(text.split([';', ',', '|']).map(|tag| tag.trim().into()));
    }
    tags.retain(|tag| !tag.is_empty());
    let scope = Scope { known: Some((id.as_str(), &tags)), ..draft.scope };
    let written = match (draft.cell("clip_name"), &compiled.clip_name) {
        (Some((text, place)), _) => Some((cell(text, place, &scope, cx, draft)?, place)),
        (None, Some(name)) => Some((report(name.render(&scope), cx, draft)?, name.place)),
        (None, None) => None,
    };
    let clip_name = match written {
        Some((name, place)) => clip_name(cx, draft, id, &name, place)?,
        None => id.shared(),
    };
    Some(Labels { priority, tags: tags.into(), clip_name })
}

fn cell<'c>(
    text: &'c str,
    place: Place,
    scope: &Scope<'c, '_>,
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
) -> Option<Cow<'c, str>> {
    let rendered = TextTemplate::new(text, place, scope.engine).and_then(|text| text.render(scope));
    report(rendered, cx, draft)
}

fn report<T>(
    made: Result<T, Box<Diagnostic>>,
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
) -> Option<T> {
    made.map_err(|diagnostic| cx.diags.add(diagnostic.shot(draft.id))).ok()
}

/// Checks a clip's path below `clips/`: safe names joined by `/`, and no other shot's.
fn clip_name(
    cx: &mut ExpandContext<'_>,
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
        None if name.len() > MAX_PATH => format!("a clip's name has at most {MAX_PATH} letters"),
        None => String::new(),
    };
    if !what.is_empty() {
        let fix = "write for example `scene-1/{{ id }}`";
        cx.diags.add(Diagnostic::new(place, what).fix(fix).shot(draft.id));
        return None;
    }
    if name != id.as_str()
        && let Err((first, other)) = cx.output.shots.take_clip(name, id, place)
    {
        let what = format!("the clips of `{other}` and `{id}` would both be called `{name}`");
        let fix = "write what tells them apart into the name, such as `{{ id }}`";
        cx.diags.add(Diagnostic::new(place, what).fix(fix).related(first, "first here"));
        return None;
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
