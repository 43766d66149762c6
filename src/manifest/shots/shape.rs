//! How a request's values are made: written once, from a template, a cell or a matrix. Everything
//! that is the same for all shots of an entry is worked out once.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::names::{Here, Trouble, compile, render, word};
use super::template::{Engine, Template};
use crate::manifest::report::log::{Log, Place};
use crate::manifest::text::tree::{Node, Pair, Value, scalar};

/// A value, ready to be made for each shot.
pub(in crate::manifest) enum Shape<'t> {
    /// The same for all.
    Fixed(Json),
    /// A text with names in it.
    Text(Written<'t>),
    List(Vec<Shape<'t>>),
    Map(Vec<(Rc<str>, Shape<'t>)>),
}

/// A name that a template uses.
pub(in crate::manifest) struct Used<'n> {
    pub name: &'n str,
    pub place: Place,
    /// Whether the template says what to write when it is missing.
    pub optional: bool,
}

/// A template as it is written.
pub(in crate::manifest) struct Written<'t> {
    template: Template<'t>,
    text: &'t str,
    place: Place,
}

impl<'t> Written<'t> {
    /// Prepares a text; `None` when it is a template and wrong.
    pub(in crate::manifest) fn of(
        node: &'t Node,
        engine: &'t Engine,
        log: &mut Log,
    ) -> Option<Self> {
        let text = node.text()?;
        let template = compile(engine, text, node.place, log)?;
        Some(Self { template, text, place: node.place })
    }

    /// Hands every name it uses to `each`.
    pub(in crate::manifest) fn names(&self, each: &mut dyn FnMut(&Used<'_>)) {
        for name in &self.template.names {
            let place = word(self.text, name, self.place);
            each(&Used { name, place, optional: self.template.optional.contains(name) });
        }
    }

    /// The text for one shot.
    ///
    /// # Errors
    /// When it cannot be rendered.
    pub(in crate::manifest) fn render(&self, here: &Here<'_, '_>) -> Result<String, Trouble> {
        render(&self.template, self.text, self.place, here)
    }

    /// The only name it uses, if it uses one.
    pub(in crate::manifest) fn one_name(&self) -> Option<&str> {
        match &*self.template.names {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl<'t> Shape<'t> {
    /// Prepares a value; `None` when one of its templates is wrong. `typed` values are read by
    /// their parameter's kind later, so that they keep their text; others mean what YAML says.
    pub(in crate::manifest) fn of(
        node: &'t Node,
        typed: bool,
        engine: &'t Engine,
        log: &mut Log,
    ) -> Option<Self> {
        Some(match &node.value {
            Value::Text(text, _) if Engine::is_template(text) => {
                Self::Text(Written::of(node, engine, log)?)
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
                    items.iter().map(|item| Self::of(item, typed, engine, log)).collect();
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
                    shapes.push((Rc::clone(key), Self::of(value, false, engine, log)?));
                }
                if shapes.iter().all(|(_, shape)| shape.is_fixed()) {
                    let pairs = shapes
                        .iter()
                        .filter_map(|(key, shape)| Some((key.to_string(), shape.fixed()?.clone())));
                    Self::Fixed(Json::Object(pairs.collect()))
                } else {
                    Self::Map(shapes)
                }
            }
        })
    }

    /// The only name it uses, if it is one text that uses one.
    pub(in crate::manifest) fn one_name(&self) -> Option<&str> {
        match self {
            Self::Text(written) if is_one_name(written.text) => written.one_name(),
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
    pub(in crate::manifest) fn is_fixed(&self) -> bool {
        self.fixed().is_some()
    }

    /// Hands every name that its templates use to `each`.
    pub(in crate::manifest) fn names(&self, each: &mut dyn FnMut(&Used<'_>)) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(written) => written.names(each),
            Self::List(shapes) => shapes.iter().for_each(|shape| shape.names(each)),
            Self::Map(shapes) => shapes.iter().for_each(|(_, shape)| shape.names(each)),
        }
    }

    /// Whether one of its templates uses a name.
    pub(in crate::manifest) fn uses(&self, name: &str) -> bool {
        let mut found = false;
        self.names(&mut |used| found |= used.name == name);
        found
    }

    /// The value for one shot. What is `typed` stays a text until its parameter's kind is known;
    /// else a text that is one `{{ name }}` and nothing more has the type of what it yields.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub(in crate::manifest) fn make(
        &self,
        here: &Here<'_, '_>,
        typed: bool,
    ) -> Result<Json, Trouble> {
        Ok(match self {
            Self::Fixed(json) => json.clone(),
            Self::Text(written) => {
                let text = written.render(here)?;
                let means = !typed && is_one_name(written.text);
                if means { scalar(&text) } else { Json::String(text) }
            }
            Self::List(shapes) => {
                Json::Array(shapes.iter().map(|s| s.make(here, typed)).collect::<Result<_, _>>()?)
            }
            Self::Map(shapes) => {
                let mut map = Map::new();
                for (key, shape) in shapes {
                    map.insert(key.to_string(), shape.make(here, false)?);
                }
                Json::Object(map)
            }
        })
    }

    /// A text for one shot; what is no text is empty.
    ///
    /// # Errors
    /// As for [`Shape::make`].
    pub(in crate::manifest) fn text(&self, here: &Here<'_, '_>) -> Result<String, Trouble> {
        Ok(match self.make(here, true)? {
            Json::String(text) => text,
            _ => String::new(),
        })
    }
}

/// Whether a text is one `{{ … }}` and nothing else.
fn is_one_name(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}
