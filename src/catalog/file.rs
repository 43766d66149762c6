//! A catalog file: its shape, and everything that must be true of it before a price in it is used.
//! The only file of this folder that knows YAML.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Spanned;

use crate::domain::money::Usd;

use super::model::{Catalog, CatalogError, Model};
use super::notes;
use super::param::{Param, ParamKind};
use super::price_table::{DURATION, Rate, Row};
use super::values::Values;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    date: Spanned<String>,
    source: String,
    failed_tasks: FailedTasks,
    /// As failed ones, unless it is said.
    canceled_tasks: Option<FailedTasks>,
    params: Spanned<Vec<Spanned<Param>>>,
    models: Spanned<Vec<Spanned<ModelEntry>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailedTasks {
    Free,
    Charged,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    name: String,
    doc: String,
    #[serde(default)]
    accepts: BTreeMap<String, Value>,
    #[serde(default)]
    refuses: Vec<String>,
    #[serde(default)]
    requires: Vec<Vec<String>>,
    prices: Vec<Spanned<RowEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowEntry {
    #[serde(default, rename = "for")]
    when: BTreeMap<String, Value>,
    /// As text, so that no digit of it goes through a float.
    each: Option<String>,
    per_second: Option<String>,
}

impl Catalog {
    /// Reads a catalog file; `kling-2026-11-22.yaml` beside this module says what it holds.
    ///
    /// # Errors
    /// When the text is not a catalog: on which line, and why.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        // YAML 1.2: `on` and `off` are texts. No excerpt: one line says it.
        let options = serde_yaml::options! { strict_booleans: true, with_snippet: false };
        let file: File =
            serde_yaml::from_str_with_options(text, options).map_err(|error| not_yaml(&error))?;
        if file.date.value.parse::<jiff::civil::Date>().is_err() {
            let what = format!("{:?} is not a date; write for example 2026-11-22", file.date.value);
            return Err(at(&file.date, what));
        }
        let mut params: Vec<Param> = Vec::new();
        for entry in &file.params.value {
            let named = |what| at(entry, format!("parameter {:?}: {what}", entry.value.name));
            if params.iter().any(|param| param.name == entry.value.name) {
                return Err(named("is there twice".to_owned()));
            }
            params.push(param(entry.value.clone()).map_err(named)?);
        }
        resolve_needs(&mut params).map_err(|what| at(&file.params, what))?;
        let mut models: Vec<Model> = Vec::new();
        for entry in &file.models.value {
            if models.iter().any(|model| model.name == entry.value.name) {
                return Err(at(entry, format!("model {:?} is there twice", entry.value.name)));
            }
            models.push(model(entry, &params)?);
        }
        if models.is_empty() {
            return Err(at(&file.models, "there is no model".to_owned()));
        }
        Ok(Catalog {
            date: file.date.value,
            source: file.source,
            failed_tasks_charged: matches!(file.failed_tasks, FailedTasks::Charged),
            canceled_tasks_charged: file
                .canceled_tasks
                .map(|canceled| matches!(canceled, FailedTasks::Charged)),
            noted: notes::noted(&params),
            params,
            models,
        })
    }
}

/// The reader's own mistake, its place brought to the front like that of all others.
fn not_yaml(error: &serde_yaml::Error) -> CatalogError {
    let text = error.to_string();
    CatalogError(match error.location() {
        Some(place) => {
            let end = format!(" at line {}, column {}", place.line(), place.column());
            format!("line {}: {}", place.line(), text.strip_suffix(&end).unwrap_or(&text))
        }
        None => text,
    })
}

fn at<T>(place: &Spanned<T>, what: impl std::fmt::Display) -> CatalogError {
    CatalogError(format!("line {}: {what}", place.referenced.line()))
}

/// Checks a parameter and brings its values into wire form.
fn param(mut param: Param) -> Result<Param, String> {
    if !is_name(&param.name, "_") {
        return Err("a name has small letters, digits and `_`".to_owned());
    }
    let is_text = matches!(param.kind, ParamKind::Text);
    let is_list = matches!(param.kind, ParamKind::TextList | ParamKind::ObjectList);
    if param.most.is_some() && !is_text && !is_list {
        return Err("`most` is for a text or a list".to_owned());
    }
    if param.form.is_some() && !is_text {
        return Err("`form` is for a text".to_owned());
    }
    check_fields(&param)?;
    check_known(&param)?;
    let wire = |value: &Value| param.coerce(value.clone());
    let one_of: Vec<Value> = param.one_of.iter().map(wire).collect::<Result<_, _>>()?;
    let usual: Vec<Value> = param.usual.iter().map(wire).collect::<Result<_, _>>()?;
    let default = param.default.as_ref().map(wire).transpose()?;
    (param.one_of, param.usual, param.default) = (one_of, usual, default);
    match &param.default {
        Some(value) if !param.one_of.is_empty() && !param.one_of.contains(value) => {
            Err(format!("its default {value} is not one of its values"))
        }
        _ => Ok(param),
    }
}

/// What is said about a parameter's fields.
fn check_fields(param: &Param) -> Result<(), String> {
    let is_list = param.kind == ParamKind::ObjectList;
    if !param.fields.is_empty() && param.kind != ParamKind::Object && !is_list {
        return Err("`fields` is for an object or an object_list".to_owned());
    }
    let simple = [ParamKind::Text, ParamKind::Bool, ParamKind::Number];
    let fits = |kind: &ParamKind| simple.contains(kind) || (is_list && *kind == ParamKind::Seconds);
    if !param.fields.values().all(fits) {
        return Err(
            "a field is a text, a bool or a number, in an object_list also seconds".to_owned()
        );
    }
    let is = |field: &String, kind| is_list && param.fields.get(field) == Some(&kind);
    if !param.fields_most.keys().all(|field| is(field, ParamKind::Text)) {
        return Err("`fields_most` is for text fields of an object_list".to_owned());
    }
    if !param.sums.keys().all(|field| is(field, ParamKind::Seconds)) {
        return Err("`sums` is for seconds of an object_list".to_owned());
    }
    Ok(())
}

/// What is said about values that the gateway is known to take.
fn check_known(param: &Param) -> Result<(), String> {
    if param.between.is_some() && param.kind != ParamKind::Number {
        return Err("`between` is for a number".to_owned());
    }
    if !param.usual.is_empty() && param.kind != ParamKind::Text {
        return Err("`usual` is for a text".to_owned());
    }
    let is_image = param.kind == ParamKind::Image;
    if (param.picture.is_some() || param.shape_of.is_some()) && !is_image {
        return Err("`picture` and `shape_of` are for an image".to_owned());
    }
    Ok(())
}

/// Small letters and digits, and what else the name may hold.
fn is_name(text: &str, also: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c))
}

/// Looks up the parameters that `needs` names, and brings their values into wire form.
fn resolve_needs(params: &mut [Param]) -> Result<(), String> {
    let known = params.to_vec();
    for param in &mut *params {
        let owner = format!("parameter {:?}", param.name);
        let named = param.idle_beside.iter().chain(param.sums.values()).chain(&param.shape_of);
        for name in named {
            if !known.iter().any(|known| known.name == *name) {
                return Err(format!("{owner}: there is no parameter {name:?}"));
            }
        }
        for need in &mut param.needs {
            let found = known.iter().find(|known| known.name == need.param);
            let found =
                found.ok_or_else(|| format!("{owner}: there is no parameter {:?}", need.param))?;
            if let Some(value) = need.is.take() {
                need.is = Some(found.coerce(value).map_err(|what| format!("{owner}: {what}"))?);
            }
        }
    }
    match params.iter().find(|param| param.name == "model") {
        Some(param) if param.kind == ParamKind::Text && param.default.is_none() => Ok(()),
        Some(_) => Err("parameter \"model\" is a text without a default".to_owned()),
        None => Err("there is no parameter \"model\"".to_owned()),
    }
}

fn model(entry: &Spanned<ModelEntry>, params: &[Param]) -> Result<Model, CatalogError> {
    let ModelEntry { name, doc, accepts, refuses, requires, prices } = &entry.value;
    let named = |what: String| at(entry, format!("model {name:?}: {what}"));
    if !is_name(name, "-_.") {
        return Err(named("a name has small letters, digits, `-`, `_` and `.`".to_owned()));
    }
    let places = |names: &[String]| {
        names.iter().map(|name| place(params, name)).collect::<Result<Vec<usize>, String>>()
    };
    let mut rows: Vec<Row> = Vec::new();
    for entry in prices {
        let row = row(&entry.value, params).and_then(|row| {
            let overlap = rows.iter().any(|other| other.overlaps(&row));
            if overlap {
                Err("fits requests that a row before it fits too".to_owned())
            } else {
                Ok(row)
            }
        });
        rows.push(row.map_err(|what| at(entry, format!("price of {name:?}: {what}")))?);
    }
    if requires.iter().any(Vec::is_empty) {
        return Err(named("`requires` has an empty list".to_owned()));
    }
    Ok(Model {
        name: name.clone(),
        doc: doc.clone(),
        accepts: conditions(accepts, params).map_err(named)?,
        refuses: places(refuses).map_err(named)?,
        requires: requires
            .iter()
            .map(|any| places(any))
            .collect::<Result<_, _>>()
            .map_err(named)?,
        prices: rows,
    })
}

fn place(params: &[Param], name: &str) -> Result<usize, String> {
    let known = params.iter().map(|param| param.name.as_str());
    params.iter().position(|param| param.name == name).ok_or_else(|| {
        match super::closest(name, known) {
            Some(meant) => format!("there is no parameter {name:?}; did you mean {meant:?}?"),
            None => format!("there is no parameter {name:?}"),
        }
    })
}

fn conditions(
    written: &BTreeMap<String, Value>,
    params: &[Param],
) -> Result<Vec<(usize, Values)>, String> {
    let condition = |(name, value): (&String, &Value)| {
        let place = place(params, name)?;
        let param = params.get(place).ok_or("no such parameter")?;
        Ok((place, Values::read(param, value.clone())?))
    };
    written.iter().map(condition).collect()
}

fn row(entry: &RowEntry, params: &[Param]) -> Result<Row, String> {
    let amount = |text: &str| match text.parse::<Usd>() {
        Ok(Usd::ZERO) => Err("a price of nothing; leave the row out if it is not known".to_owned()),
        Ok(price) => Ok(price),
        Err(error) => Err(format!("{text:?}: {error}")),
    };
    let rate = match (&entry.each, &entry.per_second) {
        (Some(price), None) => Rate::Each(amount(price)?),
        (None, Some(price)) => {
            let timed = params.iter().any(|p| p.name == DURATION && p.kind == ParamKind::Seconds);
            if !timed {
                return Err(format!("`per_second` wants a parameter {DURATION:?} in seconds"));
            }
            Rate::PerSecond(amount(price)?)
        }
        _ => return Err("write either `each` or `per_second`".to_owned()),
    };
    Ok(Row { when: conditions(&entry.when, params)?, rate })
}
