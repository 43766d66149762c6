//! One entry of `shots`, or a whole CSV manifest, decoded: which keys it has and what they hold.
//! What its parameters come to is for [`super::compiled_entry`] to say.

use std::rc::Rc;

use super::identity;
use crate::catalog::{Catalog, closest};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::scalars::{TOP_LEVEL, check_name, count_of, group, text};
use crate::manifest::source::place::Place;
use crate::manifest::text::tree::{Node, Pair, Value};

/// An entry's own keys; everything else is a request parameter.
pub(crate) const KEYS: [&str; 8] =
    ["id", "takes", "matrix", "from", "priority", "tags", "clip_name", "extra"];
/// Those that a column can stand for.
pub(crate) const ROW_KEYS: [&str; 5] = ["id", "takes", "priority", "tags", "clip_name"];

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
    /// Variables, sorted by name; values in the order written.
    pub matrix: Vec<Variable<'t>>,
    /// The path that `from` names.
    pub from: Option<&'t Node>,
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

/// What people call parameters that are called otherwise.
fn synonym(key: &str) -> Option<&'static str> {
    Some(match key.to_ascii_lowercase().as_str() {
        "seconds" | "length" | "secs" | "time" => "duration",
        "ratio" | "aspect" | "format" => "aspect_ratio",
        "audio" => "sound",
        "voice" | "voices" => "voice_list",
        "negative" => "negative_prompt",
        "text" | "description" => "prompt",
        "repeat" | "count" | "copies" => "takes",
        "quality" | "resolution" => "mode",
        "camera" => "camera_control",
        "watermark" => "watermark_info",
        "picture" | "still" => "image",
        "name" => "id",
        _ => return None,
    })
}

/// Reports a key or a column that is neither a shot's own nor a request parameter. Returns the
/// parameter that was probably meant.
pub(crate) fn report_unknown(
    key: &str,
    place: Place,
    catalog: &Catalog,
    keys: &[&str],
    diags: &mut Diagnostics,
) -> Option<usize> {
    let params = catalog.params().iter().map(|param| param.name.as_str());
    let meant = if TOP_LEVEL.keys.contains(&key) {
        None
    } else {
        synonym(key).or_else(|| closest(key, keys.iter().copied().chain(params)))
    };
    let in_table = keys == ROW_KEYS;
    let fix = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if in_table && (TOP_LEVEL.keys.contains(&key) || KEYS.contains(&key)) => {
            "it belongs into a YAML manifest; there `from: FILE.csv` takes the rows".to_owned()
        }
        None if TOP_LEVEL.keys.contains(&key) => "write it above `shots:`, not indented".to_owned(),
        None if in_table && key.contains(' ') => {
            "the first row names the columns, such as `id,model,prompt`".to_owned()
        }
        None if key.contains(' ') => {
            "if it belongs to the text before it, put all of that text into quotes".to_owned()
        }
        None if in_table => {
            format!("remove the column; or, if the gateway knows it, call it `extra.{key}`")
        }
        None => format!("remove it; or, if the gateway knows it, write `extra: {{{key}: …}}`"),
    };
    let what = format!("a shot has no parameter `{key}`");
    diags.error(place, what, fix);
    catalog.params().iter().position(|param| Some(param.name.as_str()) == meant)
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
            extra.push(pair);
        }
    }
    extra.sort_by(|a, b| a.key.cmp(&b.key));
    extra
}
