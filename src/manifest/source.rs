//! Where a request parameter of an entry's shots comes from. A matrix or a filled cell that is
//! named like the parameter sets it; failing that the entry's own value, then `defaults`. A template
//! that uses the cell (`prompt: "{{ prompt }}, at night"`) has the last word, for that is its point.

use serde_json::{Map, Value as Json};

use super::diagnostic::{Log, Mistake, Place};
use super::shape::{Shape, Trouble, compile, render};
use super::table::Row;
use super::template::{Engine, Names};
use super::tree::{Node, scalar};
use crate::catalog::{Param, ParamKind};

/// A parameter's sources.
pub(super) struct Field<'t> {
    /// `None` for one that `extra` passes through.
    pub param: Option<&'t Param>,
    pub name: &'t str,
    /// What it says is mistaken, and reported: nothing more is to be said about it.
    pub broken: bool,
    /// What the entry or `defaults` says.
    pub base: Option<(&'t Node, Shape<'t>)>,
    /// The matrix variable of this name.
    pub variable: Option<usize>,
    /// The column of this name.
    pub column: Option<usize>,
    /// Columns for parts of it, such as `camera_control.type`: the path below it, and the column.
    pub parts: Vec<(&'t str, usize)>,
}

/// What one shot's values are made from.
pub(super) struct Here<'h, 't> {
    pub row: Option<&'h Row<'h>>,
    /// The matrix values of this shot, by variable.
    pub values: &'h [&'t Node],
    pub names: &'h Names,
    pub engine: &'h Engine,
}

impl Field<'_> {
    /// Coerces what is the same for all shots, once. What cannot be is a mistake.
    pub(super) fn settle(&mut self, log: &mut Log) {
        let Some(param) = self.param else { return };
        if let Some((node, Shape::Fixed(json))) = &mut self.base
            && self.parts.is_empty()
            && !json.is_null()
        {
            match param.coerce(json.take()) {
                Ok(wire) => *json = wire,
                Err(what) => {
                    self.broken = true;
                    log.add(Mistake::new(node.place, what));
                }
            }
        }
    }

    /// Whether the shot's own cell or matrix value sets it.
    fn own_text<'h>(&self, here: &Here<'h, '_>) -> Option<&'h str> {
        let value = self.variable.and_then(|at| here.values.get(at)).and_then(|node| node.text());
        value.map(|text| &**text).or_else(|| here.row?.cell(self.column?))
    }

    /// The value on the wire; `None` when the shot does not have it.
    ///
    /// # Errors
    /// The place and what is wrong.
    pub(super) fn make(&self, here: &Here<'_, '_>) -> Result<Option<Json>, Trouble> {
        let mut settled = false;
        let mut value = match (self.own_text(here), &self.base) {
            (Some(text), _) => self.cell(text, here)?,
            (None, Some((_, shape))) => {
                settled = shape.is_fixed();
                shape.make(here.names, self.param.is_some())?
            }
            (None, None) => Json::Null,
        };
        for (path, column) in &self.parts {
            if let Some(text) = here.row.and_then(|row| row.cell(*column)) {
                let part = self.cell(text, here)?;
                let part = match part {
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
            Some(param) if !settled || !self.parts.is_empty() => {
                param.coerce(value).map(Some).map_err(|what| (self.place(here, self.name), what))
            }
            _ => Ok(Some(value)),
        }
    }

    /// A cell's or a matrix value's text; templates work there too.
    fn cell(&self, text: &str, here: &Here<'_, '_>) -> Result<Json, Trouble> {
        if Engine::is_template(text) {
            let place = self.place(here, self.name);
            let template = here
                .engine
                .compile(text)
                .map_err(|why| (place, format!("this is no template: {why}")))?;
            return render(&template, place, here.names).map(Json::String);
        }
        Ok(if self.param.is_none() { scalar(text) } else { Json::from(text) })
    }

    /// Where the value of a dotted path stands.
    pub(super) fn place(&self, here: &Here<'_, '_>, path: &str) -> Place {
        let below = path.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('.'));
        if let Some(row) = here.row {
            let filled = |column: usize| row.cell(column).is_some();
            let exact = self.parts.iter().find(|(part, at)| below == Some(part) && filled(*at));
            let written = self
                .base
                .as_ref()
                .zip(below)
                .is_some_and(|((node, _), below)| !std::ptr::eq(node.descend(below), *node));
            let any = self.parts.iter().find(|(_, at)| filled(*at) && !written);
            let part = exact.or(any);
            if let Some((_, column)) = part {
                return row.place(*column);
            }
        }
        let value = self.variable.and_then(|at| here.values.get(at));
        if let Some(node) = value {
            return node.place;
        }
        if let (Some(row), Some(column)) = (here.row, self.column)
            && (row.cell(column).is_some() || self.base.is_none())
        {
            return row.place(column);
        }
        match (&self.base, below) {
            (Some((node, _)), Some(below)) => node.descend(below).place,
            (Some((node, _)), None) => node.place,
            (None, _) => here.row.map(Row::start).unwrap_or_default(),
        }
    }

    /// Whether this shot has it.
    pub(super) fn is_set(&self, here: &Here<'_, '_>) -> bool {
        self.own_text(here).is_some()
            || self.base.is_some()
            || self.parts.iter().any(|(_, at)| here.row.is_some_and(|row| row.cell(*at).is_some()))
    }

    /// Whether it may be a local file.
    pub(super) fn is_image(&self) -> bool {
        self.param.is_some_and(|param| param.kind == ParamKind::Image)
    }
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

/// A value of the entry or of `defaults`, prepared.
pub(super) fn base<'t>(
    node: &'t Node,
    typed: bool,
    engine: &'t Engine,
    log: &mut Log,
) -> Option<(&'t Node, Shape<'t>)> {
    (!node.is_null()).then(|| Shape::of(node, typed, engine, log)).flatten().map(|s| (node, s))
}

/// Checks a cell's template without rendering it; used where a text is no request parameter.
pub(super) fn cell_text(
    text: &str,
    place: Place,
    names: &Names,
    engine: &Engine,
    log: &mut Log,
) -> Option<String> {
    if !Engine::is_template(text) {
        return Some(text.to_owned());
    }
    let template = compile(engine, text, place, log)?;
    render(&template, place, names).map_err(|(place, what)| log.add(Mistake::new(place, what))).ok()
}
