//! A YAML document as a tree in which every value and every key knows its place. Anchors, aliases
//! and merge keys are resolved here; aliased parts are shared, so a bomb of aliases stays small.
//! Values keep their text: what `1.10` or `16:9` means is decided where they are read.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value as Json;

use crate::manifest::source::place::Place;

/// Levels of nesting, aliases counted through. Deeper is a mistake, so that walking a tree by
/// recursion is safe.
pub(crate) const MAX_DEEP: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A scalar: its text, and whether it stood there without quotes.
    Text(Rc<str>, bool),
    /// A sequence.
    List(Rc<[Node]>),
    /// A mapping in the order it was written.
    Map(Rc<[Pair]>),
    /// Wrong, which was reported.
    Bad,
}

/// A key of a mapping and its value.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub key: Rc<str>,
    pub key_place: Place,
    pub value: Node,
}

impl Node {
    /// A scalar's text; `None` for collections and for null.
    pub(crate) fn text(&self) -> Option<&Rc<str>> {
        match &self.value {
            Value::Text(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether nothing is written, or a plain `null` or `~`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Text(text, true)
            if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A mapping's pairs.
    pub(crate) fn pairs(&self) -> Option<&[Pair]> {
        match &self.value {
            Value::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?.iter().find(|pair| &*pair.key == key).map(|pair| &pair.value)
    }

    /// The deepest node that exists on a dotted path; list items are not entered.
    pub(crate) fn descend(&self, path: &str) -> &Node {
        path.split('.').try_fold(self, |node, key| node.get(key).ok_or(node)).unwrap_or_else(|n| n)
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a group of `key: value`",
            Value::Text(..) if self.is_null() => "empty",
            Value::Text(_, true) => match scalar(self.text().map_or("", |t| t)) {
                Json::Number(_) => "a number",
                Json::Bool(_) => "true or false",
                _ => "a text",
            },
            Value::Text(_, false) => "a text",
            Value::Bad => "wrong",
        }
    }
}

/// What a plain scalar means in YAML 1.2: null, a switch, a decimal number or a text. Numbers with
/// leading zeros or underscores stay texts, and so does everything that is a number only elsewhere.
#[must_use]
pub fn scalar(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_number = digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && !(whole.len() > 1 && whole.starts_with('0'))
        && (!whole.is_empty() || mantissa.contains('.'))
        && !exponent.is_empty()
        && digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    if !is_number {
        return Json::String(text.to_owned());
    }
    let whole_number = !text.contains(['.', 'e', 'E']);
    if let (true, Ok(number)) = (whole_number, text.parse::<i64>()) {
        return Json::from(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Json::from(number),
        _ => Json::String(text.to_owned()),
    }
}

/// Keys and short texts that occur again and again are kept once.
#[derive(Default)]
pub(crate) struct Words(HashSet<Rc<str>>);

impl Words {
    const MAX: usize = 4096;

    pub(crate) fn keep(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.0.get(text) {
            return Rc::clone(known);
        }
        let word: Rc<str> = text.into();
        if text.len() <= 40 && self.0.len() < Self::MAX {
            self.0.insert(Rc::clone(&word));
        }
        word
    }
}

/// Levels, values and bytes of a node, aliases counted as often as they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub height: usize,
    pub values: usize,
    /// Of all texts.
    pub bytes: usize,
}

impl Size {
    pub(crate) const ONE: Self = Self { height: 1, values: 1, bytes: 0 };
}

/// Anchored nodes by the parser's numbers.
pub(crate) type Anchors = HashMap<usize, (Node, Size)>;
