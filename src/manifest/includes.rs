//! What all shots of a manifest inherit: `vars` and `defaults`, its own and those of the files it
//! includes. A manifest's own override those of included files, a later include an earlier one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::diagnostics::Diagnostics;
use super::scalars::{Section, TOP_LEVEL, check_name, check_part, group, text};
use super::shots::defaults::Inherited;
use super::shots::keys;
use super::text::builder::NoShots;
use super::text::file;
use super::text::tree::{Node, Pair, Value};
use super::text::yaml;
use crate::catalog::{Catalog, closest};

/// The keys that shots depend on.
const INCLUDED: Section<'_> = Section {
    name: "an included file",
    keys: &["include", "vars", "defaults"],
    example: "write for example `limits: {rate: 2/s, in_flight: 10}`",
};
/// How deep files may include each other.
const MAX_DEPTH: usize = 20;

/// Reads what the shots of a manifest inherit from its top level `root`.
pub(super) fn read(
    root: &Node,
    path: &Path,
    catalog: &Catalog,
    diags: &mut Diagnostics,
) -> Inherited {
    let mut includes = Includes { catalog, read: HashMap::new(), open: Vec::new() };
    includes.open.extend(path.canonicalize());
    includes.inherited(root, path, diags)
}

/// Whether shots depend on something in `root` that was not among the pairs `before` the shots.
pub(super) fn is_late(root: &Node, before: &[Pair]) -> bool {
    let is_new = |key: &&&str| root.get(key).is_some() && before.iter().all(|p| *p.key != ***key);
    INCLUDED.keys.iter().any(|key| is_new(&key))
}

/// Reads included files, each once.
struct Includes<'a> {
    catalog: &'a Catalog,
    read: HashMap<PathBuf, Rc<Inherited>>,
    /// The files that are being read, from the manifest inwards.
    open: Vec<PathBuf>,
}

impl Includes<'_> {
    fn inherited(&mut self, root: &Node, path: &Path, diags: &mut Diagnostics) -> Inherited {
        let mut all = Inherited::default();
        for node in list(root.get("include"), diags) {
            if let Some(other) = self.include(node, path, diags) {
                all.merge(&other);
            }
        }
        let mut own = Inherited { vars: vars(root, diags), ..defaults(root, self.catalog, diags) };
        let is_misspelt = |pair: &Pair| {
            &*pair.key != "defaults"
                && closest(&pair.key, TOP_LEVEL.keys.iter().copied()) == Some("defaults")
        };
        if root.pairs().unwrap_or_default().iter().any(is_misspelt) {
            // It could have set any parameter: none of them is reported as missing.
            own.misspelt.extend(0..self.catalog.params().len());
        }
        all.merge(&own);
        all
    }

    fn include(
        &mut self,
        node: &Node,
        from: &Path,
        diags: &mut Diagnostics,
    ) -> Option<Rc<Inherited>> {
        let written = text(node, "include", diags)?;
        let path = from.parent().unwrap_or(Path::new("")).join(written.trim());
        let known = path.canonicalize().unwrap_or_else(|_| path.clone());
        let wrong = if file::is_table(&path) {
            let fix = "write `from:` in a shot to make a shot of every row";
            Some(("`include` brings in a YAML file, not a table".to_owned(), fix))
        } else if self.open.contains(&known) {
            let what = format!("{written} includes itself, directly or through another file");
            Some((what, "remove one of the `include:` lines"))
        } else if self.open.len() > MAX_DEPTH {
            let what = format!("files include each other more than {MAX_DEPTH} deep");
            Some((what, "put what they share into one file"))
        } else {
            None
        };
        if let Some((what, fix)) = wrong {
            diags.error(node.place, what, fix);
            return None;
        }
        if let Some(inherited) = self.read.get(&known) {
            return Some(Rc::clone(inherited));
        }
        let (file, opened) = match file::open(&path, diags) {
            Ok(opened) => opened?,
            Err(why) => {
                let fix = "paths of `include:` are relative to the file they stand in";
                diags.error(node.place, why, fix);
                return None;
            }
        };
        let inherited = match yaml::parse(file, opened, &mut NoShots, diags).root {
            Some(root) => {
                check_keys(&root, diags);
                self.open.push(known.clone());
                let inherited = self.inherited(&root, &path, diags);
                self.open.pop();
                inherited
            }
            None => Inherited::default(),
        };
        let inherited = Rc::new(inherited);
        self.read.insert(known, Rc::clone(&inherited));
        Some(inherited)
    }
}

/// An included file has no settings but those that shots inherit.
fn check_keys(root: &Node, diags: &mut Diagnostics) {
    let Some(pairs) = root.pairs() else { return INCLUDED.check_keys(root, diags) };
    for pair in pairs {
        let key = &&*pair.key;
        if TOP_LEVEL.keys.contains(key) && !INCLUDED.keys.contains(key) {
            let what = format!("`{key}` belongs to the manifest, not to an included file");
            let fix = "an included file holds `vars`, `defaults` and `include`";
            diags.error(pair.key_place, what, fix);
        } else {
            INCLUDED.check_key(pair, diags);
        }
    }
}

/// One path, or a list of them.
fn list<'n>(node: Option<&'n Node>, diags: &mut Diagnostics) -> Vec<&'n Node> {
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Value::List(items), node)) => {
            if items.is_empty() {
                let fix = "write `include: shared.yaml`, or leave the line out";
                diags.error(node.place, "`include` names no file", fix);
            }
            items.iter().collect()
        }
        Some((Value::Map(_), node)) => {
            let fix = "write `include: shared.yaml`, or a list of such files";
            diags.error(node.place, "`include` names files", fix);
            Vec::new()
        }
        Some((_, node)) => vec![node],
    }
}

/// `vars`: names and their texts.
fn vars(root: &Node, diags: &mut Diagnostics) -> Vec<(Rc<str>, Node)> {
    let node = root.get("vars").filter(|node| !node.is_null());
    let pairs = node.and_then(|node| {
        group(node, "`vars` is names and their texts", "vars: {mood: calm}", diags)
    });
    let mut vars = Vec::new();
    for Pair { key, key_place, value } in pairs.unwrap_or_default() {
        if value.is_null() && key.contains(' ') {
            let what = format!("`{key}` looks like the rest of a text");
            let fix = "inside of `{ }` a text with a comma must stand in quotes, such as \
                       {look: \"35 mm film, soft light\"}";
            diags.error(*key_place, what, fix);
            continue;
        }
        check_name(key, *key_place, diags);
        let value = if is_var(value, key, diags) {
            value.clone()
        } else {
            // Reported; a text in its place keeps the templates that use it right.
            Node { place: value.place, value: Value::Text("…".into(), false) }
        };
        vars.push((Rc::clone(key), value));
    }
    vars
}

/// Whether a variable holds a text, or a group of such; what is wrong with it is reported.
fn is_var(node: &Node, name: &str, diags: &mut Diagnostics) -> bool {
    let Some(pairs) = node.pairs().filter(|pairs| !pairs.is_empty()) else {
        return text(node, name, diags).is_some();
    };
    let before = diags.error_count();
    for Pair { key, key_place, value } in pairs {
        check_part(key, *key_place, diags);
        is_var(value, key, diags);
    }
    diags.error_count() == before
}

/// `defaults`: request parameters that all shots start from.
fn defaults(root: &Node, catalog: &Catalog, diags: &mut Diagnostics) -> Inherited {
    let mut inherited = Inherited::default();
    let node = root.get("defaults").filter(|node| !node.is_null());
    let such = "`defaults` is parameters of shots";
    let pairs = node.and_then(|node| group(node, such, "defaults: {mode: pro}", diags));
    for Pair { key, key_place, value } in pairs.unwrap_or_default() {
        match catalog.params().iter().position(|param| *param.name == **key) {
            Some(param) => inherited.defaults.push((param, value.clone())),
            None if keys::KEYS.contains(&&**key) => {
                let what = format!("`{key}` belongs to a shot, not to `defaults`");
                let fix = "write it in each shot that needs it";
                diags.error(*key_place, what, fix);
            }
            None => inherited.misspelt.extend(keys::report_unknown(
                key,
                *key_place,
                catalog,
                &[],
                diags,
            )),
        }
    }
    inherited
}
