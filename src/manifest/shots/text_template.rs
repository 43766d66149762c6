//! A text that may be a template: compiled once, rendered for each shot. What is wrong with it is
//! reported at the part of the text that causes it.

use std::borrow::Cow;
use std::ops::Range;

use super::scope::{Scope, undefined};
use super::template::{Engine, Template, TemplateError, name_for};
use super::yaml_words::in_quotes;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, did_you_mean};
use crate::manifest::source::chars;
use crate::manifest::source::place::{Place, saturating_u32};
use crate::manifest::text::tree::Node;

/// A text of an entry, or a cell.
pub(crate) struct TextTemplate<'t> {
    pub text: &'t str,
    pub place: Place,
    /// `None`: it stands for itself.
    template: Option<Template<'t>>,
}

/// A name that a template uses.
pub(crate) struct Used<'n> {
    pub name: &'n str,
    pub place: Place,
    /// Whether the template has a default for it.
    pub optional: bool,
}

impl<'t> TextTemplate<'t> {
    /// Compiles a text that stands at a place.
    pub(crate) fn new(
        text: &'t str,
        place: Place,
        engine: &'t Engine,
    ) -> Result<Self, Box<Diagnostic>> {
        let template = if Engine::is_template(text) {
            Some(engine.compile(text).map_err(|why| Box::new(no_template(why, text, place)))?)
        } else {
            None
        };
        Ok(Self { text, place, template })
    }

    /// Compiles a scalar; `None` when it is wrong, which is reported.
    pub(crate) fn of(node: &'t Node, engine: &'t Engine, diags: &mut Diagnostics) -> Option<Self> {
        let text = node.text()?;
        let compiled = Self::new(text, node.place, engine);
        compiled
            .map_err(|wrong| diags.add(cut_by_comment(text, node.place, diags).unwrap_or(*wrong)))
            .ok()
    }

    /// The names it uses, sorted.
    pub(crate) fn names(&self) -> &[Box<str>] {
        self.template.as_ref().map_or(&[], |template| &template.names)
    }

    /// Where and how it uses each of its names.
    pub(crate) fn uses(&self) -> impl Iterator<Item = Used<'_>> {
        let optional = self.template.as_ref().map_or(&[][..], |template| &template.optional);
        self.names().iter().map(|name| {
            let place = word(self.text, name, self.place);
            Used { name, place, optional: optional.contains(name) }
        })
    }

    /// The text for one shot.
    ///
    /// # Errors
    /// When it cannot be rendered, with the names that have no value.
    pub(crate) fn render(&self, scope: &Scope<'_, '_>) -> Result<Cow<'t, str>, Box<Diagnostic>> {
        let Self { text, place, template } = self;
        let Some(template) = template else { return Ok(Cow::Borrowed(text)) };
        let is_template =
            |name: &str| scope.text(name).is_some_and(|(text, _)| Engine::is_template(text));
        if let Some(name) = template.names.iter().find(|name| is_template(name)) {
            let what =
                format!("`{name}` holds a template itself, which would be sent as it stands");
            let fix = "write the text out where it is used; names are put in only once";
            let diagnostic = Diagnostic::new(scope.place(name).unwrap_or(*place), what).fix(fix);
            return Err(Box::new(diagnostic.related(word(text, name, *place), "used here")));
        }
        for name in &template.names {
            let misused = scope.group(name).and_then(|group| misused(template, name, group));
            if let Some((path, what, fix)) = misused {
                return Err(Box::new(Diagnostic::new(word(text, &path, *place), what).fix(fix)));
            }
        }
        let rendered = template.render(&|name| scope.get(name, template));
        rendered.map(Cow::Owned).map_err(|why| {
            let is_empty = |name: &str| scope.get(name, template).is_none();
            let Some(name) = template.names.iter().find(|name| is_empty(name)) else {
                let place = why.range.map_or(*place, |range| within(*place, text, &range));
                let what = format!("this template cannot be rendered: {}", why.what);
                return Box::new(Diagnostic::new(place, what).maybe_fix(why.fix));
            };
            let place = word(text, name, *place);
            Box::new(match scope.place(name) {
                Some(cell) => Diagnostic::new(place, format!("`{name}` has no value here"))
                    .fix(format!("fill in the cell, or write {{{{ {name} | default(\"...\") }}}}"))
                    .related(cell, "this cell is empty"),
                None => undefined(name, place, scope.names()),
            })
        })
    }
}

/// What is wrong with how a template uses a group of variables: the path, what is wrong and what to
/// write instead.
fn misused(template: &Template<'_>, name: &str, group: &Node) -> Option<(String, String, String)> {
    template.paths(name).find_map(|used| {
        let mut node = group;
        let mut known = name.to_owned();
        for key in used.path.split('.').skip(1) {
            let keys = || node.pairs().unwrap_or_default().iter().map(|pair| &*pair.key);
            let Some(below) = node.get(key) else {
                let what = format!("nothing in `{known}` is called `{key}`");
                let fix = did_you_mean(key, keys()).unwrap_or_else(|| {
                    let all: Vec<&str> = keys().take(20).collect();
                    format!("there are {}", all.join(", "))
                });
                return Some((used.path.clone(), what, fix));
            };
            node = below;
            known = format!("{known}.{key}");
        }
        if let Some(pair) = node.pairs().and_then(|pairs| pairs.first())
            && used.is_whole
            && !used.is_list
        {
            let what = format!("`{known}` is a group of names, not a text");
            let fix = format!("write one of them, such as {{{{ {known}.{} }}}}", pair.key);
            return Some((used.path.clone(), what, fix));
        }
        has_template(node).then(|| {
            let what =
                format!("`{known}` holds a template itself, which would be sent as it stands");
            let fix = "write the text out where it is used; names are put in only once".to_owned();
            (used.path.clone(), what, fix)
        })
    })
}

/// Whether a variable's text, or one of its group's, is a template.
fn has_template(node: &Node) -> bool {
    match node.pairs() {
        Some(pairs) => pairs.iter().any(|pair| has_template(&pair.value)),
        None => node.text().is_some_and(|text| Engine::is_template(text)),
    }
}

/// What is wrong with a text whose last braces are open because YAML takes the ` #` behind it for the
/// beginning of a comment: `{{ Shot # }}`.
fn cut_by_comment(text: &str, place: Place, diags: &Diagnostics) -> Option<Diagnostic> {
    let (_, inside) = text.rsplit_once("{{").filter(|(_, inside)| !inside.contains("}}"))?;
    let [_, line] = chars::line_and_above(diags.path(place.file)?, place.line);
    let at = line.find(text)? + text.len();
    let hash = at + line.get(at..)?.find('#')?;
    let between = line.get(at..hash)?;
    if between.is_empty() || !between.trim().is_empty() {
        return None;
    }
    let at =
        Place { column: saturating_u32(line.get(..hash)?.chars().count() + 1), length: 1, ..place };
    let header = line.get(hash..).and_then(|rest| rest.split_once("}}")).map_or_else(
        || inside.trim().to_owned(),
        |(rest, _)| format!("{} {}", inside.trim(), rest.trim()),
    );
    let name = name_for(&header);
    let what = "the text ends before this `#`, which begins a comment, and leaves `{{` open";
    Some(Diagnostic::new(at, what).fix(format!(
        "give the column a name by `columns: {{{name}: {}}}` beside `from:`, and write {{{{ {name} }}}}",
        in_quotes(&header)
    )))
}

fn no_template(why: TemplateError, text: &str, place: Place) -> Diagnostic {
    let fix = "write a name as {{ name }}; write {{ \"{{\" }} for the characters themselves";
    let place = why.range.map_or(place, |range| within(place, text, &range));
    let diagnostic = Diagnostic::new(place, format!("this is no template: {}", why.what));
    diagnostic.fix(why.fix.unwrap_or_else(|| fix.to_owned()))
}

/// The place of some bytes of a text that stands at a place, if it stands there as it is.
fn within(place: Place, text: &str, range: &Range<usize>) -> Place {
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
fn word(text: &str, name: &str, place: Place) -> Place {
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
