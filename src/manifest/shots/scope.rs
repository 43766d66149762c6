//! The names that a shot's templates can use, and where their values come from. Looked up when they
//! are used, because most shots use none.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use minijinja::Value as Named;

use super::entry::Variable;
use super::template::{Engine, Template, value};
use super::yaml_words::in_quotes;
use crate::catalog::{closest, is_foreign_switch};
use crate::manifest::diagnostics::Diagnostic;
use crate::manifest::source::place::Place;
use crate::manifest::text::table::Row;
use crate::manifest::text::tree::{Node, Pair, Value, scalar};

/// What one shot's values are made from.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'h, 't> {
    pub engine: &'h Engine,
    pub vars: &'h [(Rc<str>, Node)],
    pub row: Option<&'h Row<'h>>,
    pub matrix: &'h [Variable<'t>],
    /// This shot's values of the matrix's variables.
    pub values: &'h [&'t Node],
    pub take: u32,
    /// The shot's id and tags, once they are known.
    pub known: Option<(&'h str, &'h [Box<str>])>,
    /// How values that can be read in several ways are read.
    pub reading: Reading,
    /// Which of these readings would have yielded something else; `None`: not asked for.
    pub seen: Option<&'h Cell<Seen>>,
}

/// How a template reads values that can be read in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As the first release did: of switches only English words. Ids are always read so.
    First,
    /// Switches in the words of any spreadsheet; numbers as they are written. What is sent.
    Wire,
    /// As [`Reading::Wire`], and `5.0` is 5: what is meant.
    Meaning,
}

/// Whether readings differ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// There is a whole number that is not written as one.
    pub whole: bool,
    /// There is a switch that is not English.
    pub word: bool,
}

impl Scope<'_, '_> {
    /// A name's value for a template.
    pub(crate) fn get(&self, name: &str, template: &Template<'_>) -> Option<Named> {
        match (name, self.known) {
            ("take", _) => return Some(Named::from(self.take)),
            ("id", Some((id, _))) => return Some(Named::from(id)),
            ("tags", Some((_, tags))) => return Some(tags.iter().map(|tag| &**tag).collect()),
            _ => {}
        }
        if let Some(group) = self.group(name) {
            return Some(self.value_of(name, group, template));
        }
        let (text, plain) = self.text(name)?;
        Some(if plain { self.read(name, text, template) } else { Named::from(text) })
    }

    /// The group of variables of a name.
    pub(crate) fn group(&self, name: &str) -> Option<&Node> {
        match self.find(name)? {
            Found::Node(node) => node.pairs().map(|_| node),
            Found::Cell(..) => None,
        }
    }

    /// What a variable is worth that may be a group; `path` is its name with its groups'.
    fn value_of(&self, path: &str, node: &Node, template: &Template<'_>) -> Named {
        match &node.value {
            Value::Map(pairs) => {
                let named = pairs.iter().map(|Pair { key, value, .. }| {
                    let below = format!("{path}.{key}");
                    (key.to_string(), self.value_of(&below, value, template))
                });
                Named::from(named.collect::<BTreeMap<String, Named>>())
            }
            Value::Text(text, true) => self.read(path, text, template),
            Value::Text(text, false) => Named::from(&**text),
            Value::List(_) | Value::Bad => Named::UNDEFINED,
        }
    }

    /// What a text without quotes is worth.
    fn read(&self, name: &str, text: &str, template: &Template<'_>) -> Named {
        let whole = whole(text);
        let is_word = template.is_condition(name) && is_foreign_switch(text);
        if let Some(seen) = self.seen {
            let Seen { whole: number, word } = seen.get();
            seen.set(Seen { whole: number || whole.is_some(), word: word || is_word });
        }
        match (self.reading, whole) {
            (Reading::First, _) if is_word => value(text),
            (Reading::Meaning, Some(whole)) => Named::from(whole),
            _ => template.value(name, text),
        }
    }

    /// What is written for a name, if anything, and whether it stands there without quotes. An
    /// empty cell hides the name of `vars`.
    pub(crate) fn text(&self, name: &str) -> Option<(&str, bool)> {
        match self.find(name)? {
            Found::Node(node) => {
                let is_plain = matches!(node.value, Value::Text(_, true));
                node.text().map(|text| (&**text, is_plain))
            }
            Found::Cell(row, column) => row.cell(column).map(|text| (text, true)),
        }
    }

    /// Where a name's value stands.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        match self.find(name).filter(|_| name != "take")? {
            Found::Node(node) => Some(node.place),
            Found::Cell(row, column) => Some(row.place(column)),
        }
    }

    fn find(&self, name: &str) -> Option<Found<'_>> {
        let variable = self.matrix.iter().position(|variable| *variable.name == *name);
        if let Some(node) = variable.and_then(|at| self.values.get(at)) {
            return Some(Found::Node(node));
        }
        if let Some((row, column)) = self.row.and_then(|row| Some((row, row.table.column(name)?))) {
            return Some(Found::Cell(row, column));
        }
        let var = self.vars.iter().find(|(var, _)| **var == *name);
        var.map(|(_, node)| Found::Node(node))
    }

    /// All names there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.row.iter().flat_map(|row| &row.table.columns);
        let columns = columns.map(|column| &*column.name);
        let variables = self.matrix.iter().map(|variable| &*variable.name);
        let vars = self.vars.iter().map(|(name, _)| &**name);
        variables.chain(columns).chain(vars).chain(["take"])
    }
}

/// A whole number that is written with a fraction, such as `5.0`.
fn whole(text: &str) -> Option<i64> {
    let (digits, zeros) = text.split_once('.')?;
    let is_whole = !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    if !is_whole {
        return None;
    }
    scalar(digits).as_i64()
}

/// What stands for a name.
enum Found<'h> {
    Node(&'h Node),
    Cell(&'h Row<'h>, usize),
}

/// Reports a name that is nowhere, beside those that there are.
pub(crate) fn undefined<'a>(
    name: &str,
    place: Place,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let meant = closest(name, known.iter().copied()).map(|meant| {
        if is_name(meant) {
            return format!("did you mean `{meant}`?");
        }
        format!(
            "the column `{meant}` needs a name to stand in braces: `columns: {{{name}: {}}}` beside \
             `from:`",
            in_quotes(meant)
        )
    });
    let fix = meant.unwrap_or_else(|| {
        let first: Vec<&str> = known.iter().copied().take(20).collect();
        let names = first.join(", ");
        match name {
            "id" => "only `clip_name` and `tags` know the id; write the name out".to_owned(),
            "vars" => format!("write a name alone, without `vars.`: {names}"),
            _ => format!(
                "write `vars: {{{name}: …}}` above the shots, or use what is there: {names}"
            ),
        }
    });
    Diagnostic::new(place, format!("nothing here is called `{name}`")).fix(fix)
}
