//! What all shots of a manifest share: the names of `vars` and the request parameters of
//! `defaults`, its own and those of the files it includes. Its own win, then what is included last.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::header::{known_keys, name, text};
use super::report::log::{Log, Mistake};
use super::shots::entry;
use super::text::file;
use super::text::tree::{Node, Pair, Value};
use super::text::yaml::{self, NoShots};
use crate::catalog::{Catalog, closest};

/// The keys that shots depend on.
const KEYS: [&str; 3] = ["include", "vars", "defaults"];
/// How deep files may include each other.
const MOST_DEEP: usize = 20;

/// Names and parameters that all shots share.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Names for templates and their texts.
    pub vars: Vec<(Rc<str>, Node)>,
    /// Parameters by their place in the catalog.
    pub defaults: Vec<(usize, Node)>,
    /// Parameters that somebody meant to set, but for a slip that was reported.
    pub misspelt: Vec<usize>,
}

impl Settings {
    /// Reads them off a manifest's top level.
    pub(super) fn read(root: &Node, path: &Path, catalog: &Catalog, log: &mut Log) -> Self {
        let mut includes = Includes { catalog, read: HashMap::new(), open: Vec::new() };
        includes.open.extend(path.canonicalize());
        includes.settings(root, path, log)
    }

    /// Whether some of them stand in `root`, but not in what was written `before` the shots.
    pub(super) fn are_late(root: &Node, before: &[Pair]) -> bool {
        KEYS.iter()
            .any(|key| root.get(key).is_some() && before.iter().all(|pair| *pair.key != **key))
    }

    fn take(&mut self, other: &Self) {
        for (name, text) in &other.vars {
            put(&mut self.vars, name.clone(), text.clone());
        }
        for (param, value) in &other.defaults {
            put(&mut self.defaults, *param, value.clone());
        }
        self.misspelt.extend(&other.misspelt);
    }
}

/// Whether a key was probably meant to be another one.
fn is_slip(key: &str, meant: &str) -> bool {
    key != meant && closest(key, super::header::KEYS) == Some(meant)
}

/// Sets what is under a key, which stands there once.
fn put<K: PartialEq, V>(list: &mut Vec<(K, V)>, key: K, value: V) {
    match list.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => list.push((key, value)),
    }
}

/// Reads included files, each once.
struct Includes<'a> {
    catalog: &'a Catalog,
    read: HashMap<PathBuf, Rc<Settings>>,
    /// The files that are being read, from the manifest inwards.
    open: Vec<PathBuf>,
}

impl Includes<'_> {
    fn settings(&mut self, root: &Node, path: &Path, log: &mut Log) -> Settings {
        let mut settings = Settings::default();
        for node in list(root.get("include"), log) {
            if let Some(other) = self.include(node, path, log) {
                settings.take(&other);
            }
        }
        let mut own =
            Settings { vars: vars(root, log), ..entry::defaults(root, self.catalog, log) };
        if root.pairs().unwrap_or_default().iter().any(|pair| is_slip(&pair.key, "defaults")) {
            // Nobody can tell what it would have said.
            own.misspelt.extend(0..self.catalog.params().len());
        }
        settings.take(&own);
        settings
    }

    fn include(&mut self, node: &Node, from: &Path, log: &mut Log) -> Option<Rc<Settings>> {
        let written = text(node, "include", log)?;
        let path = from.parent().unwrap_or(Path::new("")).join(written.trim());
        let mut wrong = |what: String, fix: &str| {
            log.add(Mistake::new(node.place, what).fix(fix.to_owned()));
            None
        };
        if file::is_table(&path) {
            let fix = "write `from:` in a shot to make a shot of every row";
            return wrong("`include` brings in a YAML file, not a table".to_owned(), fix);
        }
        let known = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.open.contains(&known) {
            let what = format!("{written} includes itself, directly or through another file");
            return wrong(what, "remove one of the `include:` lines");
        }
        if self.open.len() > MOST_DEEP {
            let what = format!("files include each other more than {MOST_DEEP} deep");
            return wrong(what, "put what they share into one file");
        }
        if let Some(settings) = self.read.get(&known) {
            return Some(Rc::clone(settings));
        }
        let opened = match file::open(&path, log) {
            Ok(opened) => opened?,
            Err(why) => {
                let fix = "paths of `include:` are relative to the file they stand in".to_owned();
                log.add(Mistake::new(node.place, why).fix(fix));
                return None;
            }
        };
        let root = yaml::parse(opened.0, opened.1, &mut NoShots, log).root;
        let settings = match root {
            Some(root) => {
                check_keys(&root, log);
                self.open.push(known.clone());
                let settings = self.settings(&root, &path, log);
                self.open.pop();
                settings
            }
            None => Settings::default(),
        };
        let settings = Rc::new(settings);
        self.read.insert(known, Rc::clone(&settings));
        Some(settings)
    }
}

/// An included file has no settings but those that shots share.
fn check_keys(root: &Node, log: &mut Log) {
    let what = "an included file";
    if root.pairs().is_none() {
        return known_keys(root, &KEYS, what, log);
    }
    let (ours, others): (Vec<&Pair>, Vec<&Pair>) =
        root.pairs().unwrap_or_default().iter().partition(|pair| {
            super::header::KEYS.contains(&&*pair.key) && !KEYS.contains(&&*pair.key)
        });
    for pair in ours {
        let what = format!("`{}` belongs to the manifest, not to {what}", pair.key);
        let fix = "an included file holds `vars`, `defaults` and `include`".to_owned();
        log.add(Mistake::new(pair.key_place, what).fix(fix));
    }
    let others: Vec<Pair> = others.into_iter().cloned().collect();
    let rest = Node { place: root.place, value: Value::Map(others.into()) };
    known_keys(&rest, &KEYS, what, log);
}

/// One path, or a list of them.
fn list<'n>(node: Option<&'n Node>, log: &mut Log) -> Vec<&'n Node> {
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Value::List(items), node)) => {
            if items.is_empty() {
                let fix = "write `include: shared.yaml`, or leave the line out".to_owned();
                log.add(Mistake::new(node.place, "`include` names no file").fix(fix));
            }
            items.iter().collect()
        }
        Some((Value::Map(_), node)) => {
            let fix = "write `include: shared.yaml`, or a list of such files".to_owned();
            log.add(Mistake::new(node.place, "`include` names files").fix(fix));
            Vec::new()
        }
        Some((_, node)) => vec![node],
    }
}

/// `vars`: names and their texts.
fn vars(root: &Node, log: &mut Log) -> Vec<(Rc<str>, Node)> {
    let Some(node) = root.get("vars").filter(|node| !node.is_null()) else { return Vec::new() };
    let Some(pairs) = node.pairs() else {
        let what = format!("`vars` is names and their texts, but this is {}", node.kind());
        let fix = "write for example `vars: {mood: calm}`".to_owned();
        log.add(Mistake::new(node.place, what).fix(fix));
        return Vec::new();
    };
    let mut vars = Vec::new();
    for Pair { key, key_place, value } in pairs {
        name(key, *key_place, log);
        let value = match text(value, key, log) {
            Some(_) => value.clone(),
            // It was complained about; what uses it need not be, too.
            None => Node { place: value.place, value: Value::Text("…".into(), false) },
        };
        vars.push((Rc::clone(key), value));
    }
    vars
}
