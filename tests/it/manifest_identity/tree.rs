//! A campaign as a YAML tree: which keys, in which order, with what said where. How it looks on the
//! page is for the writer.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value as Json;

use super::model::{Campaign, Entry, KINDS, Param, written};

/// A value to be written down.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    Scalar(String, Kind),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// What quotes do to a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Nothing: its parameter's kind is known.
    Typed,
    /// They keep a text from being a number or a switch.
    Text,
    /// They would make a text of it.
    Bare,
}

/// How a campaign is dressed up. Seed 0 is the plainest way.
pub struct Style {
    pub rng: Rng,
    plain: bool,
}

impl Style {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), plain: seed == 0 }
    }

    /// Whether to do something odd that is done once in so many times.
    pub fn odd(&mut self, times: usize) -> bool {
        !self.plain && self.rng.usize(0..times) == 0
    }

    /// One of several ways; the first is the plain one.
    pub fn of<T: Copy>(&mut self, ways: &[T]) -> T {
        if self.plain { ways[0] } else { ways[self.rng.usize(0..ways.len())] }
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        if !self.plain {
            self.rng.shuffle(items);
        }
    }
}

/// The manifest of a campaign, and the CSV files it names by entry.
pub fn tree(campaign: &Campaign, style: &mut Style) -> Yaml {
    let mut entries: Vec<Vec<(String, Yaml)>> =
        campaign.entries.iter().map(|entry| pairs(entry, style)).collect();
    let defaults = move_to_defaults(campaign, &mut entries, style);
    merge(&mut entries, style);
    for pairs in &mut entries {
        style.shuffle(pairs);
    }
    style.shuffle(&mut entries);
    let mut root = settings(style);
    root.push(("shots".into(), Yaml::List(entries.into_iter().map(Yaml::Map).collect())));
    if !campaign.vars.is_empty() {
        let vars = campaign.vars.iter();
        let mut vars: Vec<_> = vars.map(|(name, text)| (name.clone(), typed(text))).collect();
        style.shuffle(&mut vars);
        root.push(("vars".into(), Yaml::Map(vars)));
    }
    if !defaults.is_empty() || style.odd(4) {
        root.push(("defaults".into(), Yaml::Map(defaults)));
    }
    style.shuffle(&mut root);
    Yaml::Map(root)
}

/// What never matters to a shot.
fn settings(style: &mut Style) -> Vec<(String, Yaml)> {
    let mut settings = Vec::new();
    let mut add = |key: &str, value: Yaml| settings.push((key.to_owned(), value));
    add("campaign", typed(style.of(&["c", "another-name", "ä"])));
    if style.odd(2) {
        let cap = typed(style.of(&["99999", "1500.50"]));
        let strict = ("strict".to_owned(), typed("true"));
        let both = style.of(&[false, true]);
        let parts = || Yaml::Map(vec![("cap".to_owned(), cap.clone()), strict]);
        add("budget", if both { parts() } else { cap.clone() });
    }
    if style.odd(2) {
        let limits = [("rate", "2/s"), ("poll_every", "7s"), ("in_flight", "3"), ("attempts", "9")];
        let limits = limits.iter().filter(|_| style.odd(2));
        let limits = limits.map(|(key, value)| ((*key).to_owned(), typed(value))).collect();
        add("limits", Yaml::Map(limits));
    }
    if style.odd(2) {
        add("on_doubt", typed(style.of(&["hold", "resubmit"])));
    }
    settings
}

/// The name of an entry's CSV.
pub fn csv_name(who: usize) -> String {
    format!("rows-{who}.csv")
}

fn pairs(entry: &Entry, style: &mut Style) -> Vec<(String, Yaml)> {
    let mut pairs = vec![("id".to_owned(), typed(&written(&entry.id)))];
    let mut add = |key: &str, value: Yaml| pairs.push((key.to_owned(), value));
    for (name, value) in &entry.params {
        let has_parts =
            entry.columns().iter().any(|column| column.starts_with(&format!("{name}.")));
        match value {
            Param::Object(fields) if !has_parts && style.odd(6) => {
                add(name, typed(&Json::Object(fields.clone()).to_string()));
            }
            value => add(name, param(value, style)),
        }
    }
    if entry.takes != 1 || style.odd(4) {
        let takes = entry.takes.to_string();
        add("takes", typed(&if style.odd(4) { takes + ".0" } else { takes }));
    }
    if !entry.matrix.is_empty() {
        let mut matrix: Vec<_> = entry.matrix.clone().into_iter().collect();
        style.shuffle(&mut matrix);
        let matrix = matrix.into_iter().map(|(name, mut values)| {
            style.shuffle(&mut values);
            (name, Yaml::List(values.iter().map(|value| typed(value)).collect()))
        });
        add("matrix", Yaml::Map(matrix.collect()));
    }
    if !entry.extra.is_empty() {
        let mut extra: Vec<_> = entry.extra.iter().collect();
        style.shuffle(&mut extra);
        let extra = extra.into_iter().map(|(name, value)| (name.clone(), untyped(value, style)));
        add("extra", Yaml::Map(extra.collect()));
    }
    if entry.table.is_some() {
        add("from", typed(&format!("{}{}", style.of(&["", "./"]), csv_name(entry.who))));
    }
    if !entry.labels.tags.is_empty() || style.odd(5) {
        let tags = entry.labels.tags.iter().map(|tag| typed(tag)).collect();
        add("tags", Yaml::List(tags));
    }
    if let Some(priority) = entry.labels.priority {
        add("priority", typed(&priority.to_string()));
    }
    if let Some(clip_name) = entry.labels.clip_name {
        add("clip_name", typed(clip_name));
    }
    pairs
}

fn typed(text: &str) -> Yaml {
    Yaml::Scalar(text.to_owned(), Kind::Typed)
}

/// A parameter in one of the ways that people write it.
fn param(value: &Param, style: &mut Style) -> Yaml {
    match value {
        Param::Text(text) => typed(&written(text)),
        Param::Seconds(n) => {
            typed(&format!("{n}{}", style.of(&["", "", ".0", "s", " s", "S", ".00"])))
        }
        Param::Switch(on) | Param::Bool(on) => typed(switch(*on, style)),
        Param::Number(number) => typed(&match style.of(&[0, 0, 1, 2]) {
            0 => number.to_string(),
            1 => format!("{number:.3}"),
            _ => format!("{number:e}"),
        }),
        Param::List(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            if style.odd(4) {
                typed(&items.join(style.of(&[";", ", ", " | "])))
            } else {
                Yaml::List(items.iter().map(|item| typed(item)).collect())
            }
        }
        Param::Object(fields) => {
            let mut pairs: Vec<_> = fields.iter().collect();
            style.shuffle(&mut pairs);
            let pairs = pairs.into_iter().map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("enabled", Json::Bool(on)) => typed(switch(*on, style)),
                    (_, value) => untyped(value, style),
                };
                (name.clone(), value)
            });
            Yaml::Map(pairs.collect())
        }
        Param::Still(file) => typed(&format!("{}{file}", style.of(&["", "", "./"]))),
    }
}

fn switch(on: bool, style: &mut Style) -> &'static str {
    let ways = if on {
        ["on", "true", "yes", "On", "TRUE", "1"]
    } else {
        ["off", "false", "no", "Off", "FALSE", "0"]
    };
    style.of(&ways)
}

/// A value of an unknown kind: it means what YAML says.
fn untyped(value: &Json, style: &mut Style) -> Yaml {
    match value {
        Json::String(text) => Yaml::Scalar(text.clone(), Kind::Text),
        Json::Array(items) => Yaml::List(items.iter().map(|item| untyped(item, style)).collect()),
        Json::Object(fields) => {
            let mut pairs: Vec<_> = fields.iter().collect();
            style.shuffle(&mut pairs);
            let pairs =
                pairs.into_iter().map(|(name, value)| (name.clone(), untyped(value, style)));
            Yaml::Map(pairs.collect())
        }
        Json::Null => Yaml::Scalar(style.of(&["null", "~", "Null"]).to_owned(), Kind::Bare),
        Json::Bool(true) => Yaml::Scalar(style.of(&["true", "True"]).to_owned(), Kind::Bare),
        other => Yaml::Scalar(other.to_string(), Kind::Bare),
    }
}

/// Says in `defaults` what several entries say, and `~` where an entry did not say it.
fn move_to_defaults(
    campaign: &Campaign,
    entries: &mut [Vec<(String, Yaml)>],
    style: &mut Style,
) -> Vec<(String, Yaml)> {
    let mut defaults = Vec::new();
    for (name, _) in KINDS {
        let said: Vec<Yaml> = entries
            .iter()
            .flatten()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect();
        if said.is_empty() || !style.odd(3) {
            continue;
        }
        let default = said[style.rng.usize(0..said.len())].clone();
        for (entry, pairs) in campaign.entries.iter().zip(entries.iter_mut()) {
            match pairs.iter().position(|(key, _)| key == name) {
                Some(at) if pairs[at].1 == default && !style.odd(4) => drop(pairs.remove(at)),
                Some(_) => {}
                None if entry.matrix.contains_key(name) => {}
                None => {
                    let nothing = style.of(&["~", "null", ""]).to_owned();
                    pairs.push((name.to_owned(), Yaml::Scalar(nothing, Kind::Bare)));
                }
            }
        }
        defaults.push((name.to_owned(), default));
    }
    style.shuffle(&mut defaults);
    defaults
}

/// Puts pairs that entries share into mappings that `<<` brings in, some of them overridden.
fn merge(entries: &mut [Vec<(String, Yaml)>], style: &mut Style) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for pair in entries.iter().flatten() {
        *counts.entry(format!("{pair:?}")).or_default() += 1;
    }
    for pairs in entries {
        if !style.odd(3) {
            continue;
        }
        let shared = |pair: &(String, Yaml)| counts[&format!("{pair:?}")] > 1;
        let (mut merged, own): (Vec<_>, Vec<_>) =
            pairs.drain(..).partition(|pair| pair.0 != "id" && (shared(pair) || style.odd(4)));
        merged.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some((key, Yaml::Scalar(..))) = own.last()
            && style.odd(2)
        {
            merged.push((key.clone(), typed("overridden")));
        }
        *pairs = own;
        let value = if style.odd(3) {
            let rest = merged.split_off(merged.len() / 2);
            Yaml::List(vec![Yaml::Map(merged), Yaml::Map(rest)])
        } else {
            Yaml::Map(merged)
        };
        pairs.push(("<<".to_owned(), value));
    }
}
