//! Where a request parameter of an entry's shots comes from. A matrix or a filled cell that is
//! named like the parameter sets it; failing that the entry's own value, then `defaults`. A template
//! that uses the cell (`prompt: "{{ prompt }}, at night"`) comes before all of them.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::scope::Scope;
use super::template::Engine;
use super::text_template::TextTemplate;
use super::value_template::ValueTemplate;
use crate::catalog::{Form, Param, ParamKind};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::Place;
use crate::manifest::text::table::Row;
use crate::manifest::text::tree::{Node, scalar};

/// A parameter's value in an entry or in `defaults`, compiled.
#[derive(Clone)]
pub(crate) struct Base<'t> {
    pub node: &'t Node,
    pub template: Rc<ValueTemplate<'t>>,
    /// Whether it stands in `defaults`, far from the shot.
    pub is_default: bool,
}

/// A value is wrong, which was reported.
#[derive(Clone, Copy)]
pub(crate) struct Reported;

/// A parameter's sources.
#[derive(Default)]
pub(crate) struct Field<'t> {
    /// `None` for one that `extra` passes through.
    pub param: Option<&'t Param>,
    pub name: &'t str,
    /// Its value is wrong, which was reported: nothing more about it is.
    pub broken: bool,
    /// The value in the entry or in `defaults`.
    pub base: Option<Base<'t>>,
    /// The matrix variable of this name.
    pub variable: Option<usize>,
    /// The column of this name.
    pub column: Option<usize>,
    /// Columns for parts of it, such as `camera_control.type`: the path below it, and the column.
    pub parts: Vec<(&'t str, usize)>,
}

/// A shot's own value of a parameter. Where it stands is found out when that is asked for.
enum Own<'h> {
    Value(&'h Node, &'h str),
    Cell(&'h Row<'h>, usize, &'h str),
}

impl<'h> Own<'h> {
    fn text(&self) -> &'h str {
        let (Self::Value(_, text) | Self::Cell(_, _, text)) = self;
        text
    }

    fn origin(&self) -> ValueOrigin {
        match self {
            Self::Value(node, _) => ValueOrigin::far(node.place),
            Self::Cell(row, column, _) => ValueOrigin::near(row.place(*column)),
        }
    }
}

/// Where a value stands.
pub(crate) struct ValueOrigin {
    pub place: Place,
    /// The template that is the name of the value at `place`, and nothing more.
    pub used_at: Option<Place>,
    /// Whether it is written beside the shot itself.
    pub is_near: bool,
}

impl ValueOrigin {
    fn near(place: Place) -> Self {
        Self { place, used_at: None, is_near: true }
    }

    fn far(place: Place) -> Self {
        Self { is_near: false, ..Self::near(place) }
    }

    /// Names the template that uses the value, if one does.
    pub(crate) fn mark_use(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.used_at {
            Some(place) => diagnostic.related(place, "used here"),
            None => diagnostic,
        }
    }
}

/// Prepares a value of the entry or of `defaults`; what is the same for all shots is coerced, once.
pub(crate) fn compile_base<'t>(
    node: &'t Node,
    param: Option<&Param>,
    is_default: bool,
    engine: &'t Engine,
    diags: &mut Diagnostics,
) -> Result<Option<Base<'t>>, Reported> {
    if node.is_null() {
        return Ok(None);
    }
    let template = ValueTemplate::of(node, param.is_some(), engine, diags).ok_or(Reported)?;
    let template = match (template, param) {
        (ValueTemplate::Fixed(json), Some(param)) if !json.is_null() => {
            let wire = param.coerce(json).map_err(|what| {
                diags.add(Diagnostic::from_sentence(node.place, &what));
                Reported
            })?;
            ValueTemplate::Fixed(wire)
        }
        (template, _) => template,
    };
    Ok(Some(Base { node, template: Rc::new(template), is_default }))
}

impl Field<'_> {
    /// The shot's own matrix value or cell that sets it.
    fn own<'h>(&self, scope: &Scope<'h, '_>) -> Option<Own<'h>> {
        let value = self.variable.and_then(|at| scope.values.get(at).copied());
        if let Some((node, text)) = value.and_then(|node| Some((node, node.text()?))) {
            return Some(Own::Value(node, text));
        }
        let (row, column) = (scope.row?, self.column?);
        Some(Own::Cell(row, column, row.cell(column)?))
    }

    /// The value on the wire; `None` when the shot does not have it.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn make(&self, scope: &Scope<'_, '_>) -> Result<Option<Json>, Box<Diagnostic>> {
        let mut settled = false;
        let mut value = match (self.own(scope), &self.base) {
            (Some(own), _) => self.cell(own.text(), || own.origin().place, scope)?,
            (None, Some(base)) => {
                settled = base.template.is_fixed();
                base.template.make(scope, self.param.is_some())?
            }
            (None, None) => Json::Null,
        };
        let has_parts = |row: &Row<'_>| self.parts.iter().any(|(_, at)| row.cell(*at).is_some());
        if let Some(param) = self.param
            && value.is_string()
            && scope.row.is_some_and(has_parts)
        {
            // An object written as JSON, of which a column sets a part.
            value = param.coerce(value).map_err(|what| Box::new(self.refused(scope, &what)))?;
        }
        for (path, column) in &self.parts {
            if let Some((row, text)) = scope.row.and_then(|row| Some((row, row.cell(*column)?))) {
                let part = match self.cell(text, || row.place(*column), scope)? {
                    Json::String(text) if has_decimal_comma(&text) => {
                        let what = format!("{text} has a decimal comma");
                        let fix = format!("write {}", text.replace(',', "."));
                        return Err(Box::new(Diagnostic::new(row.place(*column), what).fix(fix)));
                    }
                    Json::String(text) => scalar(&text),
                    part => part,
                };
                settled = false;
                set(&mut value, path, part);
            }
        }
        if value.is_null() {
            return Ok(None);
        }
        match self.param {
            Some(param) if !settled => {
                param.coerce(value).map(Some).map_err(|what| Box::new(self.refused(scope, &what)))
            }
            _ => Ok(Some(value)),
        }
    }

    /// What the catalog has against its value.
    fn refused(&self, scope: &Scope<'_, '_>, what: &str) -> Diagnostic {
        let origin = self.origin(scope, self.name);
        origin.mark_use(Diagnostic::from_sentence(origin.place, what))
    }

    /// A cell's or a matrix value's text; templates work there too.
    fn cell(
        &self,
        text: &str,
        place: impl Fn() -> Place,
        scope: &Scope<'_, '_>,
    ) -> Result<Json, Box<Diagnostic>> {
        if Engine::is_template(text) {
            let rendered = TextTemplate::new(text, place(), scope.engine)?.render(scope)?;
            return Ok(Json::String(rendered.into_owned()));
        }
        Ok(if self.param.is_none() { scalar(text) } else { Json::String(text.to_owned()) })
    }

    /// Where the value of a dotted path comes from.
    pub(crate) fn origin(&self, scope: &Scope<'_, '_>, path: &str) -> ValueOrigin {
        let below = path.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('.'));
        if let Some(place) = self.part(scope, below) {
            return ValueOrigin::near(place);
        }
        match (self.own(scope), &self.base) {
            (Some(own), _) => own.origin(),
            (None, Some(base)) => base.origin(scope, below),
            (None, None) => ValueOrigin::near(match (scope.row, self.column) {
                (Some(row), Some(column)) => row.place(column),
                (Some(row), None) => row.start(),
                (None, _) => Place::default(),
            }),
        }
    }

    /// The cell that sets a part of it.
    fn part(&self, scope: &Scope<'_, '_>, below: Option<&str>) -> Option<Place> {
        let row = scope.row?;
        let filled = |column: usize| row.cell(column).is_some();
        let exact = self.parts.iter().find(|(part, at)| below == Some(part) && filled(*at));
        let written = self
            .base
            .as_ref()
            .zip(below)
            .is_some_and(|(base, below)| !std::ptr::eq(base.node.descend(below), base.node));
        let any = || self.parts.iter().find(|(_, at)| filled(*at) && !written);
        exact.or_else(any).map(|(_, column)| row.place(*column))
    }

    /// Whether this shot has it.
    pub(crate) fn is_set(&self, scope: &Scope<'_, '_>) -> bool {
        self.own(scope).is_some()
            || self.base.is_some()
            || self.parts.iter().any(|(_, at)| scope.row.is_some_and(|row| row.cell(*at).is_some()))
    }

    /// Whether it is a width to a height.
    pub(crate) fn is_ratio(&self) -> bool {
        self.param.is_some_and(|param| param.form == Some(Form::Ratio))
    }

    /// Whether it is a picture, which may be a local file.
    pub(crate) fn is_image(&self) -> bool {
        self.param.is_some_and(|param| param.kind == ParamKind::Image)
    }

    /// Whether it is a video, which may be a local file.
    pub(crate) fn is_video(&self) -> bool {
        self.param.is_some_and(|param| param.kind == ParamKind::Video)
    }
}

impl Base<'_> {
    /// Where its value comes from: of a template that is one name, where that name's value stands.
    fn origin(&self, scope: &Scope<'_, '_>, below: Option<&str>) -> ValueOrigin {
        let place = below.map_or(self.node.place, |below| self.node.descend(below).place);
        let named = self.template.one_name().and_then(|name| scope.place(name));
        match named {
            Some(value) => ValueOrigin { place: value, used_at: Some(place), is_near: false },
            None if self.is_default => ValueOrigin::far(place),
            None => ValueOrigin::near(place),
        }
    }
}

/// `1,5`, as spreadsheets of half the world write it.
fn has_decimal_comma(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.trim_start_matches('-');
    unsigned.split_once(',').is_some_and(|(whole, part)| digits(whole) && digits(part))
}

/// Sets a dotted path in an object.
fn set(value: &mut Json, path: &str, part: Json) {
    let (key, rest) = match path.split_once('.') {
        Some((key, rest)) => (key, Some(rest)),
        None => (path, None),
    };
    if !value.is_object() {
        *value = Json::Object(Map::new());
    }
    let Some(fields) = value.as_object_mut() else { return };
    match rest {
        None => {
            fields.insert(key.to_owned(), part);
        }
        Some(rest) => set(fields.entry(key).or_insert(Json::Null), rest, part),
    }
}
