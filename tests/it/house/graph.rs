//! Which file needs which: every path of a crate's code, followed to the file that defines what it
//! names.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{self, Path, Token, Written};

/// The file and the text of a module.
pub type Read<'a> = dyn Fn(&[String]) -> Option<(String, String)> + 'a;

/// The files of a crate, by module (`["scheduler", "poll"]`), without what only tests see.
#[derive(Default)]
pub struct Graph {
    modules: BTreeMap<Vec<String>, Module>,
}

struct Module {
    file: String,
    code: Vec<Token>,
    paths: Vec<Path>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Module(Vec<String>),
    /// Something that this module defines.
    Item(Vec<String>),
}

/// From file to file, the names that lead there.
pub type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

impl Graph {
    /// Reads the file of a module and of all modules it declares; `read` answers file and text.
    pub fn read(read: &Read<'_>) -> Self {
        let mut graph = Self::default();
        let mut waiting = vec![Vec::new()];
        while let Some(module) = waiting.pop() {
            let (file, text) =
                read(&module).unwrap_or_else(|| panic!("no file for the module {module:?}"));
            let code = code::without_tests(&code::tokens(&text));
            waiting.extend(code::modules(&code).into_iter().map(|child| joined(&module, &child)));
            let paths = code::paths(&code);
            graph.modules.insert(module, Module { file, code, paths });
        }
        graph
    }

    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (at, module) in &self.modules {
            for path in &module.paths {
                let Some((target, name)) = self.needed(at, module, path) else { continue };
                let file = &self.modules[&target].file;
                // A folder's own file is its face: its files may need what it defines.
                let is_face = !at.is_empty() && target.starts_with(at);
                if target != *at && !is_face {
                    let from = edges.entry(module.file.clone()).or_default();
                    from.entry(file.clone()).or_default().insert(name);
                }
            }
        }
        edges
    }

    /// The module a path needs, and by which name. A folder that shows a name of its own files needs
    /// it only if its code uses that name; an imported module counts where something of it is named.
    fn needed(&self, at: &[String], module: &Module, path: &Path) -> Option<(Vec<String>, String)> {
        let shows_only = match &path.written {
            Written::Use { name, public } => *public && !code::says(&module.code, name),
            Written::Inline => false,
        };
        let is_glob = matches!(&path.written, Written::Use { name, .. } if name == "*");
        match self.resolve(at, &path.segments, 0)? {
            Target::Item(target) if shows_only && target.starts_with(at) => None,
            Target::Module(target) if is_glob && !(shows_only && target.starts_with(at)) => {
                Some((target, "*".to_owned()))
            }
            Target::Item(target) => Some((target, path.segments.last()?.clone())),
            Target::Module(_) => None,
        }
    }

    fn resolve(&self, at: &[String], segments: &[String], depth: usize) -> Option<Target> {
        if depth > 16 {
            return None;
        }
        let mut here = at.to_vec();
        for (index, segment) in segments.iter().enumerate() {
            match segment.as_str() {
                "crate" => here.clear(),
                "self" => {}
                "super" => drop(here.pop()),
                name => match self.member(&here, name, index > 0, depth)? {
                    Target::Module(module) => here = module,
                    item @ Target::Item(_) => return Some(item),
                },
            }
        }
        Some(Target::Module(here))
    }

    /// What a name means in a module: a child, something it imports, or something it defines.
    fn member(&self, at: &[String], name: &str, qualified: bool, depth: usize) -> Option<Target> {
        let child = joined(at, name);
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let module = self.modules.get(at)?;
        for path in &module.paths {
            let Written::Use { name: bound, .. } = &path.written else { continue };
            // `use futures::futures` would lead to itself.
            let itself = path.segments.first().is_some_and(|first| first == name);
            if bound == name && !itself {
                return self.resolve(at, &path.segments, depth + 1);
            }
            if bound == "*"
                && let Some(Target::Module(shown)) = self.resolve(at, &path.segments, depth + 1)
                && self.defines(&shown, name)
            {
                return Some(Target::Item(shown));
            }
        }
        (qualified || self.defines(at, name)).then(|| Target::Item(at.to_vec()))
    }

    fn defines(&self, at: &[String], name: &str) -> bool {
        const WORDS: [&str; 8] =
            ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
        let defines =
            |pair: &[Token]| WORDS.contains(&pair[0].text.as_str()) && pair[1].text == name;
        self.modules.get(at).is_some_and(|module| module.code.windows(2).any(defines))
    }
}

fn joined(module: &[String], child: &str) -> Vec<String> {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

/// Every set of files that reach each other, with the names that tie them.
pub fn circles(edges: &Edges) -> Vec<String> {
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|file| (file, reached(edges, file))).collect();
    let together = |one: &String, other: &String| {
        reach[one].contains(other) && reach.get(other).is_some_and(|back| back.contains(one))
    };
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for file in edges.keys() {
        if told.contains(file) || !together(file, file) {
            continue;
        }
        let members: Vec<&String> = edges.keys().filter(|other| together(file, other)).collect();
        told.extend(members.iter().copied());
        let ties = members.iter().flat_map(|from| {
            let inside = edges[*from].iter().filter(|(to, _)| members.contains(to));
            inside.map(move |(to, names)| {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                format!("  {from} -> {to}: {}", names.join(", "))
            })
        });
        let ties: Vec<String> = ties.collect();
        circles.push(format!("{} files need each other:\n{}", members.len(), ties.join("\n")));
    }
    circles
}

fn reached<'a>(edges: &'a Edges, from: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(file) = waiting.pop() {
        for to in edges.get(file).into_iter().flatten().map(|(to, _)| to) {
            if reached.insert(to) {
                waiting.push(to);
            }
        }
    }
    reached
}
