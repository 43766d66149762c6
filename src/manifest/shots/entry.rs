//! One entry of `shots`, or a whole CSV manifest, decoded: which keys it has and what they hold.
//! What its parameters come to is for [`super::compiled_entry`] to say.

use std::rc::Rc;

use super::identity;
use super::keys::{KEYS, did_you_mean, report_unknown};
use super::sheet::{SHEET_KEYS, Sheet};
use super::template::Engine;
use crate::catalog::{Catalog, closest};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::scalars::{check_name, count_of, group, text};
use crate::manifest::source::place::Place;
use crate::manifest::text::tree::{Node, Pair, Value};

/// An entry as it is written.
#[derive(Default)]
pub(crate) struct Entry<'t> {
    /// Where mistakes about all of it point: its id, if it has one.
    pub place: Place,
    pub id: Option<&'t Node>,
    /// Its id is no text, which was reported.
    pub has_bad_id: bool,
    /// Request parameters by their place in the catalog.
    pub params: Vec<(usize, &'t Node)>,
    pub extra: Vec<&'t Pair>,
    /// `None`: one.
    pub takes: Option<u32>,
    /// The same as a template.
    pub takes_text: Option<&'t Node>,
    /// Variables, sorted by name; values in the order written.
    pub matrix: Vec<Variable<'t>>,
    /// The path that `from` names.
    pub from: Option<&'t Node>,
    /// What it says of that table.
    pub sheet: Sheet<'t>,
    pub priority: i32,
    pub tags: Vec<&'t Node>,
    pub clip_name: Option<&'t Node>,
    /// Parameters that are probably meant by keys there are not.
    pub misspelt: Vec<usize>,
}

/// A variable of a matrix.
pub(crate) struct Variable<'t> {
    pub name: Rc<str>,
    pub place: Place,
    /// The values, and each as identity sees it.
    pub values: Vec<(&'t Node, Rc<str>)>,
}

impl<'t> Entry<'t> {
    /// Reads an entry; `None` when it is no mapping.
    pub(crate) fn read(node: &'t Node, catalog: &Catalog, diags: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, Value::Bad) {
            return None;
        }
        let Some(pairs) = node.pairs() else {
            let is = if node.is_null() {
                "there is nothing here".to_owned()
            } else {
                format!("this is {}", node.kind())
            };
            let what = format!("a shot is made of lines such as `id: beach`, but {is}");
            let fix = "write for example `- id: beach` and its `prompt:` below";
            diags.error(node.place, what, fix);
            return None;
        };
        let mut entry = Self { place: node.place, ..Self::default() };
        for pair in pairs {
            entry.take(pair, catalog, diags);
        }
        if let Some(id) = entry.id {
            entry.place = id.place;
        } else if let Some(first) = pairs.first() {
            entry.place = first.key_place;
        }
        if entry.from.is_none()
            && let Some((key, place)) = &entry.sheet.first
        {
            let what = format!("`{key}` speaks of a table, and this shot has none");
            let fix = "add `from: FILE.csv`; to leave a shot out, put `# ` before its lines";
            diags.error(*place, what, fix);
        }
        Some(entry)
    }

    fn take(&mut self, pair: &'t Pair, catalog: &Catalog, diags: &mut Diagnostics) {
        let Pair { key, key_place, value } = pair;
        match &**key {
            "id" if value.is_null() => {}
            "id" => {
                self.id = text(value, key, diags).map(|_| value);
                self.has_bad_id = self.id.is_none();
            }
            "takes" if value.text().is_some_and(|text| Engine::is_template(text)) => {
                self.takes_text = Some(value);
            }
            "takes" => self.takes = count_of(value, key, diags),
            "matrix" => self.matrix = matrix(value, catalog, diags),
            "from" => self.from = text(value, key, diags).map(|_| value),
            "priority" => {
                let priority =
                    text(value, key, diags).and_then(|t| priority(t, value.place, diags));
                self.priority = priority.unwrap_or(0);
            }
            "tags" => self.tags = tags(value, diags),
            "clip_name" => self.clip_name = text(value, key, diags).map(|_| value),
            "extra" => self.extra = extra(value, catalog, diags),
            key if SHEET_KEYS.contains(&key) => self.sheet.take(pair, diags),
            _ => {
                let param = catalog.params().iter().position(|param| *param.name == **key);
                if let Some(param) = param {
                    self.params.push((param, value));
                } else {
                    // `ID` is reported as misspelt; that there is no `id` need not be, too.
                    self.has_bad_id |= closest(key, KEYS) == Some("id");
                    self.misspelt.extend(report_unknown(key, *key_place, catalog, &KEYS, diags));
                }
            }
        }
    }
}

fn matrix<'t>(node: &'t Node, catalog: &Catalog, diags: &mut Diagnostics) -> Vec<Variable<'t>> {
    let example = || "write for example `matrix: {mode: [std, pro]}`".to_owned();
    let Some(pairs) = node.pairs().filter(|pairs| !pairs.is_empty()) else {
        let what = match node.kind() {
            _ if node.pairs().is_some() || node.is_null() => {
                "`matrix` is empty, so there would be no shots".to_owned()
            }
            kind => format!("`matrix` is names and their values, but this is {kind}"),
        };
        diags.error(node.place, what, example());
        return Vec::new();
    };
    let mut matrix = Vec::new();
    for Pair { key, key_place, value } in pairs {
        check_name(key, *key_place, diags);
        let Value::List(items) = &value.value else {
            let what = format!("the values of `{key}` are a list, but this is {}", value.kind());
            let fix = value.text().map_or_else(example, |one| format!("write `{key}: [{one}]`"));
            diags.error(value.place, what, fix);
            // Without values there are no shots to say anything more about.
            matrix.push(Variable { name: Rc::clone(key), place: *key_place, values: Vec::new() });
            continue;
        };
        if items.is_empty() {
            let what = format!("`{key}` has no values, so there would be no shots");
            diags.error(value.place, what, example());
        }
        let mut values: Vec<(&Node, Rc<str>)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        for item in items.iter() {
            let Some(text) = text(item, key, diags) else { continue };
            let meant: Rc<str> = identity::meant(catalog.param(key), text).into();
            if let Some(first) = seen.insert(Rc::clone(&meant), item.place) {
                let twice = format!("`{key}` has the value {text:?} twice");
                let fix = "remove one, or write `takes: 2` to render it twice";
                diags.add(Diagnostic::new(item.place, twice).fix(fix).related(first, "first here"));
                continue;
            }
            values.push((item, meant));
        }
        matrix.push(Variable { name: Rc::clone(key), place: *key_place, values });
    }
    matrix.sort_by(|a, b| a.name.cmp(&b.name));
    matrix
}

/// A priority: any whole number.
pub(crate) fn priority(written: &str, place: Place, diags: &mut Diagnostics) -> Option<i32> {
    let written = written.trim();
    let parsed = written.strip_suffix(".0").unwrap_or(written).parse();
    if parsed.is_err() {
        let what = format!("`priority` is a whole number, not {written}");
        let fix = "write for example `priority: 10`; higher is submitted first";
        diags.error(place, what, fix);
    }
    parsed.ok()
}

fn tags<'t>(node: &'t Node, diags: &mut Diagnostics) -> Vec<&'t Node> {
    match &node.value {
        Value::List(items) => {
            items.iter().filter(|item| text(item, "tag", diags).is_some()).collect()
        }
        Value::Text(..) if node.is_null() => Vec::new(),
        _ => text(node, "tag", diags).map(|_| vec![node]).unwrap_or_default(),
    }
}

fn extra<'t>(node: &'t Node, catalog: &Catalog, diags: &mut Diagnostics) -> Vec<&'t Pair> {
    let pairs = group(node, "`extra` is parameters and their values", "extra: {seed: 7}", diags);
    let mut extra: Vec<&Pair> = Vec::new();
    for pair in pairs.unwrap_or_default() {
        if catalog.param(&pair.key).is_some_and(|param| !param.also_extra) {
            let what = format!("`{}` is a parameter that rushes knows", pair.key);
            let fix = "write it in the shot itself, not under `extra`";
            diags.error(pair.key_place, what, fix);
        } else {
            check_extra(pair, catalog, diags);
            extra.push(pair);
        }
    }
    extra.sort_by(|a, b| a.key.cmp(&b.key));
    extra
}

/// Warns of what is sent as it stands and was probably meant for a parameter.
fn check_extra(pair: &Pair, catalog: &Catalog, diags: &mut Diagnostics) {
    let Pair { key, key_place, value } = pair;
    let text = value.text().map_or("", |text| text);
    if let Some(meant) = catalog.meant(key, &[]).filter(|meant| **meant != **key) {
        let what = format!("`{key}` is sent as it stands, and the gateway names no such parameter");
        let fix = format!("{} It stands in the shot itself", did_you_mean(meant, catalog));
        diags.add(Diagnostic::new(*key_place, what).fix(fix).warning());
    } else if is_media_path(text) {
        let what = format!("\"{text}\" is sent as a text: under `extra` no file is read");
        let fix = "files belong to `image`, `image_tail` and `motion_video`";
        diags.add(Diagnostic::new(value.place, what).fix(fix).warning());
    }
}

/// Whether a text is the path of a picture or a video.
fn is_media_path(text: &str) -> bool {
    const KINDS: [&str; 7] = [".png", ".jpg", ".jpeg", ".webp", ".mp4", ".mov", ".gif"];
    let text = text.trim().to_lowercase();
    !text.contains("://") && KINDS.iter().any(|kind| text.ends_with(kind))
}
