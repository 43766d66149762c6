//! One entry of `shots`, or a whole CSV manifest, decoded: which keys it has and what they hold.
//! What its parameters come to is for [`super::recipe`] to say.

use std::rc::Rc;

use super::identity;
use crate::catalog::{Catalog, closest};
use crate::manifest::header::{KEYS as SETTINGS, count, name, text};
use crate::manifest::report::log::{Log, Mistake, Place};
use crate::manifest::settings::Settings;
use crate::manifest::text::table::Table;
use crate::manifest::text::tree::{Node, Pair, Value};

/// An entry's own keys; everything else is a request parameter.
const KEYS: [&str; 8] = ["id", "takes", "matrix", "from", "priority", "tags", "clip_name", "extra"];
/// Those that a column can stand for.
pub(in crate::manifest) const ROW_KEYS: [&str; 5] =
    ["id", "takes", "priority", "tags", "clip_name"];

/// An entry as it is written.
pub(in crate::manifest) struct Entry<'t> {
    /// Where mistakes about all of it point: its id, if it has one.
    pub place: Place,
    pub id: Option<&'t Node>,
    /// Its id is no text, which was reported.
    pub has_bad_id: bool,
    /// Request parameters by their place in the catalog.
    pub params: Vec<(usize, &'t Node)>,
    pub extra: Vec<&'t Pair>,
    pub takes: u32,
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
pub(in crate::manifest) struct Variable<'t> {
    pub name: Rc<str>,
    pub place: Place,
    /// The values, and each as identity sees it.
    pub values: Vec<(&'t Node, Rc<str>)>,
}

impl<'t> Entry<'t> {
    /// The entry that a CSV manifest as a whole is.
    pub(in crate::manifest) fn of_table(table: &Table) -> Self {
        Self::empty(table.place())
    }

    fn empty(place: Place) -> Self {
        Self {
            place,
            id: None,
            has_bad_id: false,
            params: Vec::new(),
            extra: Vec::new(),
            takes: 1,
            matrix: Vec::new(),
            from: None,
            priority: 0,
            tags: Vec::new(),
            clip_name: None,
            misspelt: Vec::new(),
        }
    }

    /// Reads an entry; `None` when it is no mapping.
    pub(in crate::manifest) fn read(
        node: &'t Node,
        catalog: &Catalog,
        log: &mut Log,
    ) -> Option<Self> {
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
            let fix = "write for example `- id: beach` and its `prompt:` below".to_owned();
            log.add(Mistake::new(node.place, what).fix(fix));
            return None;
        };
        let mut entry = Self::empty(node.place);
        for pair in pairs {
            entry.take(pair, catalog, log);
        }
        if let Some(id) = entry.id {
            entry.place = id.place;
        } else if let Some(first) = pairs.first() {
            entry.place = first.key_place;
        }
        Some(entry)
    }

    fn take(&mut self, pair: &'t Pair, catalog: &Catalog, log: &mut Log) {
        let Pair { key, key_place, value } = pair;
        match &**key {
            "id" if value.is_null() => {}
            "id" => {
                self.id = text(value, key, log).map(|_| value);
                self.has_bad_id = self.id.is_none();
            }
            "takes" => {
                let takes = text(value, key, log).and_then(|t| count(t, key, value.place, log));
                self.takes = takes.unwrap_or(1);
            }
            "matrix" => self.matrix = matrix(value, catalog, log),
            "from" => self.from = text(value, key, log).map(|_| value),
            "priority" => {
                let priority = text(value, key, log).and_then(|t| priority(t, value.place, log));
                self.priority = priority.unwrap_or(0);
            }
            "tags" => self.tags = tags(value, log),
            "clip_name" => self.clip_name = text(value, key, log).map(|_| value),
            "extra" => self.extra = extra(value, catalog, log),
            _ => {
                let param = catalog.params().iter().position(|param| *param.name == **key);
                if let Some(param) = param {
                    self.params.push((param, value));
                } else {
                    // `ID`: that there is no id would be said again.
                    self.has_bad_id |= closest(key, KEYS) == Some("id");
                    self.misspelt.extend(unknown(key, *key_place, catalog, &KEYS, log));
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
pub(in crate::manifest) fn unknown(
    key: &str,
    place: Place,
    catalog: &Catalog,
    keys: &[&str],
    log: &mut Log,
) -> Option<usize> {
    let params = catalog.params().iter().map(|param| param.name.as_str());
    let meant = if SETTINGS.contains(&key) {
        None
    } else {
        synonym(key).or_else(|| closest(key, keys.iter().copied().chain(params)))
    };
    let in_table = keys == ROW_KEYS;
    let fix = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if in_table && (SETTINGS.contains(&key) || KEYS.contains(&key)) => {
            "it belongs into a YAML manifest; there `from: FILE.csv` takes the rows".to_owned()
        }
        None if SETTINGS.contains(&key) => "write it above `shots:`, not indented".to_owned(),
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
    log.add(Mistake::new(place, what).fix(fix));
    catalog.params().iter().position(|param| Some(param.name.as_str()) == meant)
}

/// The request parameters that all shots start from.
pub(in crate::manifest) fn defaults(root: &Node, catalog: &Catalog, log: &mut Log) -> Settings {
    let mut settings = Settings::default();
    let Some(node) = root.get("defaults").filter(|node| !node.is_null()) else { return settings };
    let Some(pairs) = node.pairs() else {
        let what = format!("`defaults` is parameters of shots, but this is {}", node.kind());
        let fix = "write for example `defaults: {mode: pro}`".to_owned();
        log.add(Mistake::new(node.place, what).fix(fix));
        return settings;
    };
    for Pair { key, key_place, value } in pairs {
        match catalog.params().iter().position(|param| *param.name == **key) {
            Some(param) => settings.defaults.push((param, value.clone())),
            None if KEYS.contains(&&**key) => {
                let what = format!("`{key}` belongs to a shot, not to `defaults`");
                let fix = "write it in each shot that needs it".to_owned();
                log.add(Mistake::new(*key_place, what).fix(fix));
            }
            None => settings.misspelt.extend(unknown(key, *key_place, catalog, &[], log)),
        }
    }
    settings
}

fn matrix<'t>(node: &'t Node, catalog: &Catalog, log: &mut Log) -> Vec<Variable<'t>> {
    let example = || "write for example `matrix: {mode: [std, pro]}`".to_owned();
    let Some(pairs) = node.pairs().filter(|pairs| !pairs.is_empty()) else {
        let what = match node.kind() {
            _ if node.pairs().is_some() || node.is_null() => {
                "`matrix` is empty, so there would be no shots".to_owned()
            }
            kind => format!("`matrix` is names and their values, but this is {kind}"),
        };
        log.add(Mistake::new(node.place, what).fix(example()));
        return Vec::new();
    };
    let mut matrix = Vec::new();
    for Pair { key, key_place, value } in pairs {
        name(key, *key_place, log);
        let Value::List(items) = &value.value else {
            let what = format!("the values of `{key}` are a list, but this is {}", value.kind());
            let fix = value.text().map_or_else(example, |one| format!("write `{key}: [{one}]`"));
            log.add(Mistake::new(value.place, what).fix(fix));
            // Without values there are no shots to say anything more about.
            matrix.push(Variable { name: Rc::clone(key), place: *key_place, values: Vec::new() });
            continue;
        };
        if items.is_empty() {
            let what = format!("`{key}` has no values, so there would be no shots");
            log.add(Mistake::new(value.place, what).fix(example()));
        }
        let mut values: Vec<(&Node, Rc<str>)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        for item in items.iter() {
            let Some(text) = text(item, key, log) else { continue };
            let meant: Rc<str> = identity::meant(catalog.param(key), text).into();
            if let Some(first) = seen.insert(Rc::clone(&meant), item.place) {
                let twice = format!("`{key}` has the value {text:?} twice");
                let fix = "remove one, or write `takes: 2` to render it twice".to_owned();
                log.add(Mistake::new(item.place, twice).fix(fix).other(first, "first here"));
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
pub(in crate::manifest) fn priority(written: &str, place: Place, log: &mut Log) -> Option<i32> {
    let written = written.trim();
    let parsed = written.strip_suffix(".0").unwrap_or(written).parse();
    if parsed.is_err() {
        let what = format!("`priority` is a whole number, not {written}");
        let fix = "write for example `priority: 10`; higher is submitted first".to_owned();
        log.add(Mistake::new(place, what).fix(fix));
    }
    parsed.ok()
}

fn tags<'t>(node: &'t Node, log: &mut Log) -> Vec<&'t Node> {
    match &node.value {
        Value::List(items) => {
            items.iter().filter(|item| text(item, "tag", log).is_some()).collect()
        }
        Value::Text(..) if node.is_null() => Vec::new(),
        _ => text(node, "tag", log).map(|_| vec![node]).unwrap_or_default(),
    }
}

fn extra<'t>(node: &'t Node, catalog: &Catalog, log: &mut Log) -> Vec<&'t Pair> {
    let Some(pairs) = node.pairs() else {
        let what = format!("`extra` is parameters and their values, but this is {}", node.kind());
        let fix = "write for example `extra: {seed: 7}`".to_owned();
        log.add(Mistake::new(node.place, what).fix(fix));
        return Vec::new();
    };
    let mut extra: Vec<&Pair> = Vec::new();
    for pair in pairs {
        if catalog.param(&pair.key).is_some() {
            let what = format!("`{}` is a parameter that rushes knows", pair.key);
            let fix = "write it in the shot itself, not under `extra`".to_owned();
            log.add(Mistake::new(pair.key_place, what).fix(fix));
        } else {
            extra.push(pair);
        }
    }
    extra.sort_by(|a, b| a.key.cmp(&b.key));
    extra
}
