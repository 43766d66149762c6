//! The names that a shot's templates can use, and where their values come from. Looked up when they
//! are used, because most shots use none.

use std::rc::Rc;

use minijinja::Value as Named;

use super::entry::Variable;
use super::template::{Engine, Template};
use crate::manifest::diagnostics::{Diagnostic, did_you_mean};
use crate::manifest::source::place::Place;
use crate::manifest::text::table::Row;
use crate::manifest::text::tree::{Node, Value};

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
        let (text, plain) = self.text(name)?;
        Some(if plain { template.value(name, text) } else { Named::from(text) })
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
    let meant = did_you_mean(name, known.iter().copied());
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
