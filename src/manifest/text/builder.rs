//! Builds the tree of a YAML document from the library's events: resolves aliases and merge keys,
//! holds them in bounds, and hands shots on as soon as they are whole.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use serde_yaml::granit_parser::{Event, ScalarStyle, Span, Tag};

use super::comments::Comments;
use super::tree::{Anchors, MAX_DEEP, Node, Pair, Size, Value, Words};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::{Place, saturating_u32};

/// Values that one alias may stand for, and all of them together: what is shared in memory is
/// walked once for every alias.
const MAX_ALIASED: usize = 100_000;
const MAX_ALIASED_IN_ALL: usize = 50_000_000;
/// Values and bytes of text that one shot, or one setting, may come to with its aliases.
const MAX_IN_ONE: Size = Size { height: MAX_DEEP, values: 1_000_000, bytes: 64 << 20 };
/// Pairs that merge keys may bring in, all together.
const MAX_MERGED: usize = 20_000_000;

/// A collection that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    size: Size,
    items: Items,
    /// Whether its items go to the sink.
    streams: bool,
}

impl Open {
    /// The key whose value is next.
    fn key(&self) -> Option<&str> {
        match &self.items {
            Items::Map { key: Key::Known(key, _), .. } => Some(key),
            _ => None,
        }
    }
}

enum Items {
    List(Vec<Node>),
    Map {
        pairs: Vec<Pair>,
        key: Key,
        merges: Vec<(Place, Node)>,
    },
    /// A mapping that is none: `{{ name }}` without quotes.
    Bad,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tagged {
    No,
    /// As a text, whatever it looks like.
    Text,
    /// By something that means nothing here, which was reported.
    Unknown,
}

enum Key {
    Awaited,
    Known(Rc<str>, Place),
    Merge(Place),
    /// Not a text: its value is dropped.
    Bad,
}

/// Takes the items of the document's `shots` one by one, so that they need not be kept.
pub(crate) trait Sink {
    /// Whether shots are looked at; if not, only what makes the rest unreadable is reported there.
    fn wants_shots(&self) -> bool;

    /// An item of `shots`, with what was written before it at the top level.
    fn shot(&mut self, before: &[Pair], shot: Node, diags: &mut Diagnostics);
}

/// Lets the shots go by: for the settings alone, and for included files, which have none.
pub(crate) struct NoShots;

impl Sink for NoShots {
    fn wants_shots(&self) -> bool {
        false
    }

    fn shot(&mut self, _: &[Pair], _: Node, _: &mut Diagnostics) {}
}

/// Makes a tree of events.
pub(super) struct Builder<'l> {
    file: u16,
    pub diags: &'l mut Diagnostics,
    sink: &'l mut dyn Sink,
    comments: &'l RefCell<Comments>,
    /// The place of a text without quotes that was just read, and the line and column of its end.
    ended: Option<(Place, u32, u32)>,
    words: Words,
    anchors: Anchors,
    /// Anchors of collections that are not closed yet: an alias to one is a cycle.
    open: HashSet<usize>,
    stack: Vec<Open>,
    root: Option<Node>,
    /// How many shots the sink got.
    pub shots: usize,
    documents: usize,
    merged: usize,
    aliased: usize,
}

impl<'l> Builder<'l> {
    pub(super) fn new(
        file: u16,
        sink: &'l mut dyn Sink,
        comments: &'l RefCell<Comments>,
        diags: &'l mut Diagnostics,
    ) -> Self {
        Self {
            file,
            diags,
            sink,
            comments,
            ended: None,
            words: Words::default(),
            anchors: Anchors::new(),
            open: HashSet::new(),
            stack: Vec::new(),
            root: None,
            shots: 0,
            documents: 0,
            merged: 0,
            aliased: 0,
        }
    }

    fn place(&self, span: &Span) -> Place {
        let length = if span.start.line() == span.end.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            0
        };
        Place {
            file: self.file,
            line: saturating_u32(span.start.line()),
            column: saturating_u32(span.start.col() + 1),
            length: saturating_u32(length),
            cell: 0,
        }
    }

    fn error(&mut self, place: Place, what: impl Into<String>, fix: &str) {
        self.add(Diagnostic::new(place, what).fix(fix));
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        if self.is_looked_at() {
            self.diags.add(diagnostic);
        }
    }

    /// Reports a value and drops later diagnostics of its place.
    fn add_last(&mut self, diagnostic: Diagnostic) {
        if self.is_looked_at() {
            self.diags.add_last(diagnostic);
        }
    }

    fn is_looked_at(&self) -> bool {
        !self.is_in_shots() || self.sink.wants_shots()
    }

    /// Whether an item of `shots` is being read.
    pub(super) fn is_in_shots(&self) -> bool {
        self.stack.get(1).is_some_and(|open| open.streams)
    }

    /// The top level; of a document that broke off, what there was before.
    pub(super) fn root(self) -> Option<Node> {
        let first = self.stack.into_iter().next();
        self.root.or_else(|| {
            let Open { place, items: Items::Map { pairs, .. }, .. } = first? else { return None };
            Some(Node { place, value: Value::Map(pairs.into()) })
        })
    }

    /// Takes an event; `false` ends the reading.
    pub(super) fn take(&mut self, event: Event<'_>, span: &Span) -> bool {
        let place = self.place(span);
        self.check_comment();
        if matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..)) && self.is_at_text() {
            self.ended =
                Some((place, saturating_u32(span.end.line()), saturating_u32(span.end.col() + 1)));
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let what = "a manifest is one YAML document; another one starts here";
                    let fix = "remove the line `---`, or make two manifests of it";
                    self.error(place, what, fix);
                    return false;
                }
                true
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = match self.tagged(tag.as_ref(), &text, place) {
                    Tagged::Unknown => Value::Bad,
                    tagged => {
                        let plain = style == ScalarStyle::Plain && tagged == Tagged::No;
                        Value::Text(self.words.keep(&text), plain)
                    }
                };
                self.close(Node { place, value }, anchor, Size { bytes: text.len(), ..Size::ONE })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tagged(tag.as_ref(), "", place);
                self.open(place, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tagged(tag.as_ref(), "", place);
                let items = Items::Map { pairs: Vec::new(), key: Key::Awaited, merges: Vec::new() };
                self.open(place, anchor, items)
            }
            Event::SequenceEnd | Event::MappingEnd => self.closed(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::UnresolvedAlias(name) => {
                let what = format!("`*{name}` stands for nothing: there is no `&{name}` before it");
                let fix = "put a text that begins with `*` into quotes";
                self.add_last(Diagnostic::new(place, what).fix(fix));
                self.close(Node { place, value: Value::Bad }, 0, Size::ONE)
            }
            _ => true,
        }
    }

    /// Whether a text is next that is sent or names something, or a part of one.
    fn is_at_text(&self) -> bool {
        let Some(last) = self.stack.last() else { return false };
        let own = ["prompt", "negative_prompt", "image", "image_tail", "id", "clip_name"];
        let holding = ["vars", "matrix", "tags", "extra"];
        let is_value = matches!(last.items, Items::List(_)) || last.key().is_some();
        is_value
            && (last.key().is_some_and(|key| own.contains(&key))
                || self.stack.iter().filter_map(Open::key).any(|key| holding.contains(&key)))
    }

    /// Reports a text that ends where `#` was meant to be part of it.
    fn check_comment(&mut self) {
        let Some((place, line, column)) = self.ended.take() else { return };
        let Some(hash) = self.comments.borrow_mut().behind(line, column) else { return };
        let at = Place { line, column: hash, length: 1, ..place };
        let what = "the text ends before this `#`, which begins a comment";
        let fix = "put the text into quotes; or write a space behind `#` if a comment is meant";
        self.error(at, what, fix);
        let last = match self.stack.last_mut() {
            Some(Open { items: Items::Map { pairs, .. }, .. }) => {
                pairs.last_mut().map(|pair| &mut pair.value)
            }
            Some(Open { items: Items::List(items), .. }) => items.last_mut(),
            _ => None,
        };
        if let Some(node) = last.filter(|node| node.place == place) {
            node.value = Value::Bad;
        }
    }

    /// What a tag makes of the text that follows.
    fn tagged(&mut self, tag: Option<&Cow<'_, Tag>>, text: &str, place: Place) -> Tagged {
        let Some(tag) = tag else { return Tagged::No };
        if !tag.is_yaml_core_schema() && !tag.suffix().is_empty() {
            let what = "a text that begins with `!` must stand in quotes";
            let whole: String = format!("{} {text}", tag.original()).chars().take(60).collect();
            self.add_last(
                Diagnostic::new(place, what).fix(format!("write {:?}", whole.trim_end())),
            );
            return Tagged::Unknown;
        }
        let is_text = tag.core_suffix().is_none_or(|suffix| suffix == "str");
        if is_text { Tagged::Text } else { Tagged::No }
    }

    fn open(&mut self, place: Place, anchor: usize, items: Items) -> bool {
        if self.stack.len() >= MAX_DEEP {
            self.too_deep(place);
            return false;
        }
        if anchor > 0 {
            self.open.insert(anchor);
        }
        let is_list = matches!(items, Items::List(_));
        let streams = is_list && anchor == 0 && self.is_at_shots();
        self.stack.push(Open { place, anchor, size: Size::ONE, items, streams });
        true
    }

    /// Whether the value of the top level's `shots` is next.
    fn is_at_shots(&self) -> bool {
        matches!(self.stack.as_slice(), [root] if root.key() == Some("shots"))
    }

    fn too_deep(&mut self, place: Place) {
        self.error(
            place,
            format!("nested more than {MAX_DEEP} levels deep"),
            "put a text that holds brackets into quotes",
        );
    }

    fn alias(&mut self, anchor: usize, place: Place) -> bool {
        if let Some((node, size)) = self.anchors.get(&anchor) {
            let (node, size) = (node.clone(), *size);
            self.aliased = self.aliased.saturating_add(size.values);
            if size.values > MAX_ALIASED || self.aliased > MAX_ALIASED_IN_ALL || self.is_full(size)
            {
                self.error(place, "this alias stands for too many values", "write the values out");
                return false;
            }
            return self.close(node, 0, size);
        }
        if self.open.contains(&anchor) {
            self.add_last(Diagnostic::new(place, "this alias stands inside of what it stands for"));
        }
        self.close(Node { place, value: Value::Bad }, 0, Size::ONE)
    }

    /// Whether one shot, or one setting, becomes too big with what an alias stands for.
    fn is_full(&self, more: Size) -> bool {
        let (values, bytes) = self.stack.iter().skip(1).fold((0_usize, 0_usize), |sum, open| {
            (sum.0.saturating_add(open.size.values), sum.1.saturating_add(open.size.bytes))
        });
        values.saturating_add(more.values) > MAX_IN_ONE.values
            || bytes.saturating_add(more.bytes) > MAX_IN_ONE.bytes
    }

    fn closed(&mut self) -> bool {
        let Some(Open { place, anchor, size, items, .. }) = self.stack.pop() else { return true };
        self.open.remove(&anchor);
        let value = match items {
            Items::List(items) => Value::List(items.into()),
            Items::Map { pairs, merges, .. } => match self.merge(pairs, merges) {
                Some(value) => value,
                None => return false,
            },
            Items::Bad => Value::Bad,
        };
        self.close(Node { place, value }, anchor, Size { height: size.height + 1, ..size })
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: Size) -> bool {
        if size.height + self.stack.len() > MAX_DEEP {
            self.too_deep(node.place);
            return false;
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return true;
        };
        open.size.height = open.size.height.max(size.height);
        if open.streams {
            self.stream(node);
            return true;
        }
        open.size.values = open.size.values.saturating_add(size.values);
        open.size.bytes = open.size.bytes.saturating_add(size.bytes);
        match &mut open.items {
            Items::Bad => {}
            Items::List(items) => items.push(node),
            Items::Map { pairs, key, merges } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited if is_unquoted_template(open.place, pairs, &node) => {
                    let place = open.place;
                    open.items = Items::Bad;
                    let what = "a text that begins with `{{` must stand in quotes";
                    let fix = "write it as \"{{ name }} ...\"";
                    self.add_last(Diagnostic::new(place, what).fix(fix));
                }
                Key::Awaited => match node.value {
                    Value::Text(text, true) if &*text == "<<" => *key = Key::Merge(node.place),
                    Value::Text(text, _) => *key = Key::Known(text, node.place),
                    Value::Bad => *key = Key::Bad,
                    Value::List(_) | Value::Map(_) => {
                        *key = Key::Bad;
                        let fix = "put a text that begins with `{` or `[` into quotes";
                        self.add_last(Diagnostic::new(node.place, "a key must be a text").fix(fix));
                    }
                },
                Key::Known(key, key_place) => pairs.push(Pair { key, key_place, value: node }),
                Key::Merge(place) => merges.push((place, node)),
                Key::Bad => {}
            },
        }
        true
    }

    /// Hands a shot on, with what stands before it.
    fn stream(&mut self, shot: Node) {
        self.shots += 1;
        if let [Open { items: Items::Map { pairs, .. }, .. }, ..] = self.stack.as_slice() {
            self.sink.shot(pairs, shot, self.diags);
        }
    }

    /// Checks for keys written twice and brings in what `<<` names: what is written in the mapping
    /// itself wins, then what is merged first.
    fn merge(&mut self, mut pairs: Vec<Pair>, merges: Vec<(Place, Node)>) -> Option<Value> {
        let mut is_whole = true;
        let mut known: HashSet<Rc<str>> = HashSet::new();
        for pair in &pairs {
            if known.insert(Rc::clone(&pair.key)) {
                continue;
            }
            let what = format!("`{}` stands here twice", pair.key);
            let mut twice = Diagnostic::new(pair.key_place, what).fix("keep one of them");
            if let Some(first) = pairs.iter().find(|other| other.key == pair.key) {
                twice = twice.related(first.key_place, "first here");
            }
            self.add(twice);
        }
        for (place, node) in merges {
            let sources = match &node.value {
                Value::List(items) => items.to_vec(),
                _ => vec![node],
            };
            for source in sources {
                let Some(more) = source.pairs() else {
                    is_whole = false;
                    if !matches!(source.value, Value::Bad) {
                        let what = "`<<` brings in keys and their values, but here are none";
                        let fix = "write `<<: *name`, where `&name` stands before a shot's keys";
                        self.error(place, what, fix);
                    }
                    continue;
                };
                self.merged += more.len();
                if self.merged > MAX_MERGED {
                    self.add(Diagnostic::new(place, "merge keys bring in too many values"));
                    return None;
                }
                let new = more.iter().filter(|pair| known.insert(Rc::clone(&pair.key)));
                pairs.extend(new.cloned());
            }
        }
        Some(if is_whole { Value::Map(pairs.into()) } else { Value::Bad })
    }
}

/// Whether a mapping is the outer half of `{{ name }}`.
fn is_unquoted_template(outer: Place, pairs: &[Pair], inner: &Node) -> bool {
    let beside = outer.line == inner.place.line && outer.column + 1 == inner.place.column;
    pairs.is_empty() && beside && matches!(inner.value, Value::Map(_))
}
