//! How a request's values are made: written once, from a template, a cell or a matrix. Everything
//! that is the same for all shots of an entry is worked out once.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::scope::Scope;
use super::template::Engine;
use super::text_template::{TextTemplate, Used};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::text::tree::{Node, Pair, Value, scalar};

/// A value, ready to be made for each shot.
pub(crate) enum ValueTemplate<'t> {
    /// The same for all.
    Fixed(Json),
    /// A text with names in it.
    Text(TextTemplate<'t>),
    List(Vec<ValueTemplate<'t>>),
    Map(Vec<(Rc<str>, ValueTemplate<'t>)>),
}

impl<'t> ValueTemplate<'t> {
    /// Prepares a value; `None` when one of its templates is wrong. `typed` values are read by
    /// their parameter's kind later, so that they keep their text; others are read as YAML scalars.
    pub(crate) fn of(
        node: &'t Node,
        typed: bool,
        engine: &'t Engine,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        Some(match &node.value {
            Value::Text(text, _) if Engine::is_template(text) => {
                Self::Text(TextTemplate::of(node, engine, diags)?)
            }
            Value::Text(text, plain) if typed || !plain => {
                if node.is_null() {
                    Self::Fixed(Json::Null)
                } else {
                    Self::Fixed((**text).into())
                }
            }
            Value::Text(text, _) => Self::Fixed(scalar(text)),
            Value::Bad => return None,
            Value::List(items) => {
                let shapes: Option<Vec<Self>> =
                    items.iter().map(|item| Self::of(item, typed, engine, diags)).collect();
                let shapes = shapes?;
                if shapes.iter().all(Self::is_fixed) {
                    Self::Fixed(shapes.iter().filter_map(Self::fixed).cloned().collect())
                } else {
                    Self::List(shapes)
                }
            }
            Value::Map(pairs) => {
                let mut shapes = Vec::with_capacity(pairs.len());
                // An empty part is left out, as an empty parameter is.
                for Pair { key, value, .. } in pairs.iter().filter(|pair| !pair.value.is_null()) {
                    shapes.push((Rc::clone(key), Self::of(value, false, engine, diags)?));
                }
                if shapes.iter().all(|(_, template)| template.is_fixed()) {
                    let pairs = shapes.iter().filter_map(|(key, template)| {
                        Some((key.to_string(), template.fixed()?.clone()))
                    });
                    Self::Fixed(Json::Object(pairs.collect()))
                } else {
                    Self::Map(shapes)
                }
            }
        })
    }

    /// The only name it uses, if it is one text that uses one.
    pub(crate) fn one_name(&self) -> Option<&str> {
        match self {
            Self::Text(written) if is_one_name(written.text) => match written.names() {
                [name] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    fn fixed(&self) -> Option<&Json> {
        match self {
            Self::Fixed(json) => Some(json),
            _ => None,
        }
    }

    /// Whether it is the same for all shots.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed().is_some()
    }

    /// Every name that its templates use.
    pub(crate) fn uses(&self) -> Vec<Used<'_>> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(written) => written.uses().collect(),
            Self::List(shapes) => shapes.iter().flat_map(Self::uses).collect(),
            Self::Map(shapes) => shapes.iter().flat_map(|(_, template)| template.uses()).collect(),
        }
    }

    /// The value for one shot. What is `typed` stays a text until its parameter's kind is known;
    /// else a text that is one `{{ name }}` and nothing more has the type of what it yields.
    pub(crate) fn make(&self, scope: &Scope<'_, '_>, typed: bool) -> Result<Json, Box<Diagnostic>> {
        Ok(match self {
            Self::Fixed(json) => json.clone(),
            Self::Text(written) => {
                let text = written.render(scope)?;
                let means = !typed && is_one_name(written.text);
                if means { scalar(&text) } else { Json::String(text.into_owned()) }
            }
            Self::List(shapes) => {
                Json::Array(shapes.iter().map(|s| s.make(scope, typed)).collect::<Result<_, _>>()?)
            }
            Self::Map(shapes) => {
                let mut map = Map::new();
                for (key, template) in shapes {
                    map.insert(key.to_string(), template.make(scope, false)?);
                }
                Json::Object(map)
            }
        })
    }
}

/// Whether a text is one `{{ … }}` and nothing else.
fn is_one_name(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}
