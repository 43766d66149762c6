//! How a request's values are made: written once, from a template, a cell or a matrix. Everything
//! that is the same for all shots of an entry is worked out once.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::diagnostic::{Log, Mistake, Place};
use super::template::{Engine, Names, Template};
use super::tree::{Node, Pair, Value, scalar};

/// A value, ready to be made for each shot.
pub(super) enum Shape<'t> {
    /// The same for all.
    Fixed(Json),
    /// A text with names in it; whether it is nothing but one name.
    Text(Template<'t>, Place, bool),
    List(Vec<Shape<'t>>),
    Map(Vec<(Rc<str>, Shape<'t>)>),
}

/// What goes wrong while a value is made.
pub(super) type Trouble = (Place, String);

impl<'t> Shape<'t> {
    /// Prepares a value; `None` when one of its templates is wrong. `typed` values are read by
    /// their parameter's kind later, so that they keep their text; others mean what YAML says.
    pub(super) fn of(
        node: &'t Node,
        typed: bool,
        engine: &'t Engine,
        log: &mut Log,
    ) -> Option<Self> {
        Some(match &node.value {
            Value::Text(text, _) if Engine::is_template(text) => {
                let template = compile(engine, text, node.place, log)?;
                Self::Text(template, node.place, is_one_name(text))
            }
            Value::Text(text, plain) if typed || !plain => {
                if node.is_null() {
                    Self::Fixed(Json::Null)
                } else {
                    Self::Fixed((**text).into())
                }
            }
            Value::Text(text, _) => Self::Fixed(scalar(text)),
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
                for Pair { key, value, .. } in pairs.iter() {
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

    fn fixed(&self) -> Option<&Json> {
        match self {
            Self::Fixed(json) => Some(json),
            _ => None,
        }
    }

    /// Whether it is the same for all shots.
    pub(super) fn is_fixed(&self) -> bool {
        self.fixed().is_some()
    }

    /// Hands every name that its templates use to `each`, with the template's place.
    pub(super) fn names(&self, each: &mut dyn FnMut(&str, Place)) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template, place, _) => {
                template.names.iter().for_each(|name| each(name, *place));
            }
            Self::List(shapes) => shapes.iter().for_each(|shape| shape.names(each)),
            Self::Map(shapes) => shapes.iter().for_each(|(_, shape)| shape.names(each)),
        }
    }

    /// Whether one of its templates uses a name.
    pub(super) fn uses(&self, name: &str) -> bool {
        let mut found = false;
        self.names(&mut |used, _| found |= used == name);
        found
    }

    /// The value for one shot. What is `typed` stays a text until its parameter's kind is known;
    /// else a text that is one `{{ name }}` and nothing more has the type of what it yields.
    ///
    /// # Errors
    /// When a template cannot be rendered, with its place and the reason.
    pub(super) fn make(&self, names: &Names, typed: bool) -> Result<Json, Trouble> {
        Ok(match self {
            Self::Fixed(json) => json.clone(),
            Self::Text(template, place, one_name) => {
                let text = render(template, *place, names)?;
                if *one_name && !typed { scalar(&text) } else { Json::String(text) }
            }
            Self::List(shapes) => {
                Json::Array(shapes.iter().map(|s| s.make(names, typed)).collect::<Result<_, _>>()?)
            }
            Self::Map(shapes) => {
                let mut map = Map::new();
                for (key, shape) in shapes {
                    map.insert(key.to_string(), shape.make(names, false)?);
                }
                Json::Object(map)
            }
        })
    }

    /// A text for one shot; what is no text is empty.
    ///
    /// # Errors
    /// As for [`Shape::make`].
    pub(super) fn text(&self, names: &Names) -> Result<String, Trouble> {
        Ok(match self.make(names, true)? {
            Json::String(text) => text,
            _ => String::new(),
        })
    }
}

/// Compiles a template; a wrong one goes to the log.
pub(super) fn compile<'t>(
    engine: &'t Engine,
    text: &'t str,
    place: Place,
    log: &mut Log,
) -> Option<Template<'t>> {
    let fix = "write a name as {{ name }}; write {{ \"{{\" }} for the characters themselves";
    engine
        .compile(text)
        .map_err(|why| {
            let what = format!("this is no template: {why}");
            log.add(Mistake::new(place, what).fix(fix.to_owned()));
        })
        .ok()
}

/// Renders a template; says which names have no value here.
pub(super) fn render(
    template: &Template<'_>,
    place: Place,
    names: &Names,
) -> Result<String, Trouble> {
    template.render(names).map_err(|why| {
        let empty: Vec<String> = template
            .names
            .iter()
            .filter(|name| !names.contains_key(&***name))
            .map(|name| format!("`{name}`"))
            .collect();
        let what = if empty.is_empty() {
            format!("this template cannot be rendered: {why}")
        } else {
            format!("{} has no value here", empty.join(", "))
        };
        (place, what)
    })
}

/// Whether a text is one `{{ … }}` and nothing else.
fn is_one_name(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}
