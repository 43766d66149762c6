//! The names that a shot's templates can use, where their values come from, and how templates are
//! rendered with them. Looked up when they are used, because most shots use none.

use std::ops::Range;
use std::rc::Rc;

use minijinja::Value as Named;

use super::entry::Variable;
use super::template::{Engine, Template, TemplateError};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, did_you_mean};
use crate::manifest::source::place::{Place, saturating_u32};
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
    fn get(&self, name: &str, template: &Template<'_>) -> Option<Named> {
        match (name, self.known) {
            ("take", _) => return Some(Named::from(self.take)),
            ("id", Some((id, _))) => return Some(Named::from(id)),
            ("tags", Some((_, tags))) => return Some(tags.iter().map(|tag| &**tag).collect()),
            _ => {}
        }
        let (text, plain) = self.text(name)?;
        Some(if plain { template.value(name, text) } else { Named::from(text) })
    }

    /// What is written for a name, and whether it stands there without quotes. An empty cell hides
    /// the one of `vars`.
    fn text(&self, name: &str) -> Option<(&str, bool)> {
        if let Some((row, column)) = self.row.and_then(|row| Some((row, row.column(name)?)))
            && self.variable(name).is_none()
        {
            return row.cell(column).map(|text| (text, true));
        }
        let node = self.variable(name).or_else(|| self.var(name))?;
        let is_plain = matches!(node.value, Value::Text(_, true));
        node.text().map(|text| (&**text, is_plain))
    }

    /// Where a name's value stands.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        if name == "take" {
            return None;
        }
        if let Some(node) = self.variable(name) {
            return Some(node.place);
        }
        if let Some((row, column)) = self.row.and_then(|row| Some((row, row.column(name)?))) {
            return Some(row.place(column));
        }
        self.var(name).map(|node| node.place)
    }

    /// All names there are.
    fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.row.iter().flat_map(|row| row.columns());
        let columns = columns.map(|column| &*column.name);
        let variables = self.matrix.iter().map(|variable| &*variable.name);
        let vars = self.vars.iter().map(|(name, _)| &**name);
        variables.chain(columns).chain(vars).chain(["take"])
    }

    fn variable(&self, name: &str) -> Option<&Node> {
        let at = self.matrix.iter().position(|variable| *variable.name == *name)?;
        self.values.get(at).copied()
    }

    fn var(&self, name: &str) -> Option<&Node> {
        self.vars.iter().find(|(var, _)| **var == *name).map(|(_, node)| node)
    }
}

/// Compiles a template; a wrong one goes to the diags.
pub(crate) fn compile<'t>(
    engine: &'t Engine,
    text: &'t str,
    place: Place,
    diags: &mut Diagnostics,
) -> Option<Template<'t>> {
    engine.compile(text).map_err(|why| diags.add(no_template(why, text, place))).ok()
}

/// Compiles and renders a text, if it is a template.
///
/// # Errors
/// When it is none, or cannot be rendered.
pub(crate) fn cell(
    text: &str,
    place: Place,
    scope: &Scope<'_, '_>,
) -> Result<String, Box<Diagnostic>> {
    if !Engine::is_template(text) {
        return Ok(text.to_owned());
    }
    let template =
        scope.engine.compile(text).map_err(|why| Box::new(no_template(why, text, place)))?;
    render(&template, text, place, scope)
}

fn no_template(why: TemplateError, text: &str, place: Place) -> Diagnostic {
    let fix = "write a name as {{ name }}; write {{ \"{{\" }} for the characters themselves";
    let place = why.range.map_or(place, |range| within(place, text, &range));
    let diagnostic = Diagnostic::new(place, format!("this is no template: {}", why.what));
    diagnostic.fix(why.fix.unwrap_or_else(|| fix.to_owned()))
}

/// Renders a template.
///
/// # Errors
/// When it cannot be, with the names that have no value scope.
pub(crate) fn render(
    template: &Template<'_>,
    text: &str,
    place: Place,
    scope: &Scope<'_, '_>,
) -> Result<String, Box<Diagnostic>> {
    let nested = |name: &str| scope.text(name).is_some_and(|(text, _)| Engine::is_template(text));
    if let Some(name) = template.names.iter().find(|name| nested(name)) {
        let what = format!("`{name}` holds a template itself, which would be sent as it stands");
        let fix = "write the text out where it is used; names are put in only once";
        let diagnostic = Diagnostic::new(scope.place(name).unwrap_or(place), what).fix(fix);
        return Err(Box::new(diagnostic.related(word(text, name, place), "used here")));
    }
    template.render(&|name| scope.get(name, template)).map_err(|why| {
        let is_empty = |name: &str| scope.get(name, template).is_none();
        let empty = template.names.iter().find(|name| is_empty(name));
        let Some(name) = empty else {
            let place = why.range.map_or(place, |range| within(place, text, &range));
            let what = format!("this template cannot be rendered: {}", why.what);
            return Box::new(Diagnostic::new(place, what).maybe_fix(why.fix));
        };
        let place = word(text, name, place);
        Box::new(match scope.place(name) {
            Some(cell) => Diagnostic::new(place, format!("`{name}` has no value here"))
                .fix(format!("fill in the cell, or write {{{{ {name} | default(\"...\") }}}}"))
                .related(cell, "this cell is empty"),
            None => undefined(name, place, scope.names()),
        })
    })
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

/// The place of some bytes of a text that stands at a place, if it stands there as it is.
pub(crate) fn within(place: Place, text: &str, range: &Range<usize>) -> Place {
    let count = |text: &str| saturating_u32(text.chars().count());
    let before = match place.length.checked_sub(count(text)) {
        Some(quotes @ (0 | 2)) => quotes / 2,
        _ => return place,
    };
    match (text.get(..range.start), text.get(range.clone())) {
        (Some(head), Some(part)) => Place {
            column: place.column.saturating_add(before).saturating_add(count(head)),
            length: count(part),
            ..place
        },
        _ => place,
    }
}

/// The place of a name in a template that uses it.
pub(crate) fn word(text: &str, name: &str, place: Place) -> Place {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let open = text.find("{{").or_else(|| text.find("{%")).unwrap_or(0);
    let inside = text.get(open..).unwrap_or_default();
    let found = inside.match_indices(name).map(|(at, _)| open + at).find(|at| {
        let before = text.get(..*at).and_then(|head| head.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    });
    found.map_or(place, |at| within(place, text, &(at..at + name.len())))
}
