//! Reads YAML into a tree. The only place that knows the YAML library: it uses its events instead
//! of its serde side, because a typed reader stops at the first mistake, and a manifest's reader
//! must find them all.

use std::borrow::Cow;
use std::collections::HashSet;
use std::rc::Rc;

use serde_yaml::granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::diagnostic::{Log, Mistake, Place};
use super::tree::{Anchors, MOST_DEEP, Node, Pair, Size, Value, Words};

/// Values that one alias may stand for, and all of them together: what is shared in memory is
/// walked once for every alias.
const MOST_ALIASED: usize = 100_000;
const MOST_ALIASED_IN_ALL: usize = 50_000_000;
/// Pairs that merge keys may bring in, all together.
const MOST_MERGED: usize = 20_000_000;

/// Reads a document. `None` when it is empty or not YAML at all; mistakes go to the log.
pub(super) fn parse(file: u16, text: &str, log: &mut Log) -> Option<Node> {
    let mut options = Options::default();
    // Or a block of a hundred commented-out lines would be refused.
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    let mut builder = Builder {
        file,
        log,
        words: Words::default(),
        anchors: Anchors::new(),
        open: HashSet::new(),
        stack: Vec::new(),
        root: None,
        documents: 0,
        merged: 0,
        aliased: 0,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = error.marker();
                let place =
                    Place { file, line: fits(at.line()), column: fits(at.col() + 1), length: 1 };
                let lines: Vec<&str> =
                    text.lines().skip(at.line().saturating_sub(1)).take(2).collect();
                let mistake = Mistake::new(place, format!("this is not YAML: {}", error.info()));
                builder.log.add(mistake.fix(advice(&lines)));
                return None;
            }
        };
        if !builder.take(event, &span) {
            return None;
        }
    }
    builder.root
}

/// What people usually got wrong where a text stops being YAML.
fn advice(lines: &[&str]) -> Option<String> {
    if lines.iter().any(|line| line.trim_start_matches([' ', '-']).starts_with('\t')) {
        return Some("indent with spaces, not with tabs".into());
    }
    let line = lines.first()?;
    if line.contains("{{") || line.contains("{%") {
        return Some("put a text that holds `{{` or `{%` into quotes".into());
    }
    line.contains(": ").then(|| "put a text that holds `: ` or ` #` into quotes".into())
}

fn fits(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A collection that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    size: Size,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { pairs: Vec<Pair>, key: Key, merges: Vec<(Place, Node)> },
}

enum Key {
    Awaited,
    Known(Rc<str>, Place),
    Merge(Place),
    /// Not a text: its value is dropped.
    Bad,
}

struct Builder<'l> {
    file: u16,
    log: &'l mut Log,
    words: Words,
    anchors: Anchors,
    /// Anchors of collections that are not closed yet: an alias to one is a cycle.
    open: HashSet<usize>,
    stack: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    merged: usize,
    aliased: usize,
}

impl Builder<'_> {
    fn place(&self, span: &Span) -> Place {
        let length = if span.start.line() == span.end.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            0
        };
        Place {
            file: self.file,
            line: fits(span.start.line()),
            column: fits(span.start.col() + 1),
            length: fits(length),
        }
    }

    fn add(&mut self, mistake: Mistake) {
        self.log.add(mistake);
    }

    /// Takes an event; `false` ends the reading.
    fn take(&mut self, event: Event<'_>, span: &Span) -> bool {
        let place = self.place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let what = "a manifest is one YAML document; another one starts here";
                    let fix = "remove the line `---`, or make two manifests of it".to_owned();
                    self.add(Mistake::new(place, what).fix(fix));
                    return false;
                }
                true
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !self.tagged(tag.as_ref(), place);
                let text = self.words.keep(&text);
                self.close(Node { place, value: Value::Text(text, plain) }, anchor, Size::ONE)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tagged(tag.as_ref(), place);
                self.open(place, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tagged(tag.as_ref(), place);
                let items = Items::Map { pairs: Vec::new(), key: Key::Awaited, merges: Vec::new() };
                self.open(place, anchor, items)
            }
            Event::SequenceEnd | Event::MappingEnd => self.closed(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::UnresolvedAlias(name) => {
                let what = format!("`*{name}` stands for nothing: there is no `&{name}` before it");
                let fix = "put a text that begins with `*` into quotes".to_owned();
                self.add(Mistake::new(place, what).fix(fix));
                self.close(Node { place, value: Value::Text("".into(), true) }, 0, Size::ONE)
            }
            _ => true,
        }
    }

    /// Whether a tag makes a text of what follows.
    fn tagged(&mut self, tag: Option<&Cow<'_, Tag>>, place: Place) -> bool {
        let Some(tag) = tag else { return false };
        if !tag.is_yaml_core_schema() && !tag.suffix().is_empty() {
            let what = format!("tags such as `{}` mean nothing in a manifest", tag.original());
            self.add(Mistake::new(place, what).fix("remove the tag".to_owned()));
        }
        tag.core_suffix().is_none_or(|suffix| suffix == "str")
    }

    fn open(&mut self, place: Place, anchor: usize, items: Items) -> bool {
        if self.stack.len() >= MOST_DEEP {
            self.too_deep(place);
            return false;
        }
        if anchor > 0 {
            self.open.insert(anchor);
        }
        self.stack.push(Open { place, anchor, size: Size::ONE, items });
        true
    }

    fn too_deep(&mut self, place: Place) {
        self.add(Mistake::new(place, format!("nested more than {MOST_DEEP} levels deep")));
    }

    fn alias(&mut self, anchor: usize, place: Place) -> bool {
        if let Some((node, size)) = self.anchors.get(&anchor) {
            let (node, size) = (node.clone(), *size);
            self.aliased = self.aliased.saturating_add(size.values);
            if size.values > MOST_ALIASED || self.aliased > MOST_ALIASED_IN_ALL {
                self.add(Mistake::new(place, "this alias stands for too many values"));
                return false;
            }
            return self.close(node, 0, size);
        }
        if self.open.contains(&anchor) {
            self.add(Mistake::new(place, "this alias stands inside of what it stands for"));
        }
        self.close(Node { place, value: Value::Text("".into(), true) }, 0, Size::ONE)
    }

    fn closed(&mut self) -> bool {
        let Some(Open { place, anchor, size, items }) = self.stack.pop() else { return true };
        self.open.remove(&anchor);
        let value = match items {
            Items::List(items) => Value::List(items.into()),
            Items::Map { pairs, merges, .. } => match self.merge(pairs, merges) {
                Some(pairs) => Value::Map(pairs.into()),
                None => return false,
            },
        };
        self.close(Node { place, value }, anchor, Size { height: size.height + 1, ..size })
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: Size) -> bool {
        if size.height + self.stack.len() > MOST_DEEP {
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
        open.size.values = open.size.values.saturating_add(size.values);
        let mistake = match &mut open.items {
            Items::List(items) => {
                items.push(node);
                None
            }
            Items::Map { pairs, key, merges } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    let (next, mistake) = as_key(node);
                    *key = next;
                    mistake
                }
                Key::Known(key, key_place) => {
                    pairs.push(Pair { key, key_place, value: node });
                    None
                }
                Key::Merge(place) => {
                    merges.push((place, node));
                    None
                }
                Key::Bad => None,
            },
        };
        if let Some(mistake) = mistake {
            self.add(mistake);
        }
        true
    }

    /// Checks for keys written twice and brings in what `<<` names: what is written in the mapping
    /// itself wins, then what is merged first.
    fn merge(&mut self, mut pairs: Vec<Pair>, merges: Vec<(Place, Node)>) -> Option<Vec<Pair>> {
        let mut known: HashSet<Rc<str>> = HashSet::new();
        for at in 0..pairs.len() {
            let Some(pair) = pairs.get(at) else { break };
            if known.insert(Rc::clone(&pair.key)) {
                continue;
            }
            let first = pairs.iter().find(|other| other.key == pair.key).map(|p| p.key_place);
            let mut twice =
                Mistake::new(pair.key_place, format!("`{}` stands here twice", pair.key))
                    .fix("keep one of them".to_owned());
            if let Some(first) = first {
                twice = twice.other(first, "first here");
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
                    self.add(Mistake::new(place, "`<<` can only bring in mappings"));
                    continue;
                };
                self.merged += more.len();
                if self.merged > MOST_MERGED {
                    self.add(Mistake::new(place, "merge keys bring in too many values"));
                    return None;
                }
                let new = more.iter().filter(|pair| known.insert(Rc::clone(&pair.key)));
                pairs.extend(new.cloned());
            }
        }
        Some(pairs)
    }
}

fn as_key(node: Node) -> (Key, Option<Mistake>) {
    match node.value {
        Value::Text(text, true) if &*text == "<<" => (Key::Merge(node.place), None),
        Value::Text(text, _) => (Key::Known(text, node.place), None),
        Value::List(_) | Value::Map(_) => {
            let fix = "put a text that begins with `{` or `[` into quotes".to_owned();
            (Key::Bad, Some(Mistake::new(node.place, "a key must be a text").fix(fix)))
        }
    }
}
