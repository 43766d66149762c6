//! Reads the keys and scalars of settings and entries; reports what is wrong with them.

use std::rc::Rc;
use std::time::Duration;

use super::diagnostics::{Diagnostic, Diagnostics, did_you_mean};
use super::source::place::Place;
use super::text::tree::{Node, Pair, Value};
use super::text::yaml_errors;
use crate::catalog;
use crate::policy::limits::span;

/// The keys of a manifest's top level.
pub(super) const TOP_LEVEL: Section<'_> = Section {
    name: "a manifest",
    keys: &[
        "campaign",
        "out",
        "ledger",
        "account",
        "budget",
        "on_doubt",
        "callback",
        "check_charges",
        "notify",
        "include",
        "vars",
        "limits",
        "defaults",
        "shots",
    ],
    example: "begin with a line `shots:` and write the shots below it; `rushes init` makes an example",
};

/// A mapping of settings.
pub(super) struct Section<'s> {
    /// As messages call it.
    pub name: &'s str,
    pub keys: &'s [&'s str],
    /// What to write where something else stands.
    pub example: &'s str,
}

impl Section<'_> {
    /// Reports unknown keys, or a node that is no mapping at all.
    pub(super) fn check_keys(&self, node: &Node, diags: &mut Diagnostics) {
        let Some(pairs) = node.pairs() else {
            let (name, kind) = (self.name, node.kind());
            let what = format!("{name} is made of lines such as `key: value`, but this is {kind}");
            return diags.error(node.place, what, self.example);
        };
        for pair in pairs {
            self.check_key(pair, diags);
        }
    }

    /// Reports a key that is none of the section's.
    pub(super) fn check_key(&self, pair: &Pair, diags: &mut Diagnostics) {
        let Self { name, keys, .. } = self;
        let Pair { key, key_place, value } = pair;
        let is_known = keys.contains(&&**key);
        if !is_known {
            // It may be `notify` misspelt, whose address is a secret.
            hide_urls(value, diags);
        }
        if yaml_errors::is_oddly_spaced(key) {
            diags.add(yaml_errors::odd_spaces(*key_place));
        } else if !is_known {
            let fix = did_you_mean(key, keys.iter().copied()).unwrap_or_else(|| {
                let all = keys.join(", ");
                match &**key {
                    _ if *keys != TOP_LEVEL.keys => format!("{name} can say {all}"),
                    "key" | "api_key" | "token" => {
                        "keep the key out of the manifest; it comes from KLING_API_KEY".to_owned()
                    }
                    _ => format!(
                        "{name} can say {all}; a shot's own words stand in the shot or in `defaults:`"
                    ),
                }
            });
            diags.error(*key_place, format!("{name} has no setting `{key}`"), fix);
        }
    }
}

/// Hides URLs, wherever below a node they stand, from excerpts.
pub(super) fn hide_urls(node: &Node, diags: &mut Diagnostics) {
    match &node.value {
        Value::Text(text, _) if text.contains("://") => diags.hide(node.place),
        Value::Text(..) | Value::Bad => {}
        Value::List(nodes) => nodes.iter().for_each(|node| hide_urls(node, diags)),
        Value::Map(pairs) => pairs.iter().for_each(|Pair { key, key_place, value }| {
            if key.contains("://") {
                diags.hide(*key_place);
            }
            hide_urls(value, diags);
        }),
    }
}

/// The pairs of a mapping that is such a thing: ``"`vars` is names and their texts"``.
pub(super) fn group<'n>(
    node: &'n Node,
    such: &str,
    example: &str,
    diags: &mut Diagnostics,
) -> Option<&'n [Pair]> {
    let pairs = node.pairs();
    if pairs.is_none() {
        let what = format!("{such}, but this is {}", node.kind());
        diags.error(node.place, what, format!("write for example `{example}`"));
    }
    pairs
}

/// A scalar's text.
pub(super) fn text<'n>(node: &'n Node, name: &str, diags: &mut Diagnostics) -> Option<&'n Rc<str>> {
    let text = node.text();
    if text.is_none() && !matches!(node.value, Value::Bad) {
        let (what, fix) = if node.is_null() {
            (format!("`{name}` is empty"), format!("write a value, or leave `{name}` out"))
        } else {
            let what = format!("`{name}` is one text or number, but this is {}", node.kind());
            (what, "write one value, in quotes if it holds `: `, ` #` or brackets".to_owned())
        };
        diags.error(node.place, what, fix);
    }
    text
}

/// A whole number from 1 on.
pub(super) fn count(
    written: &str,
    name: &str,
    place: Place,
    diags: &mut Diagnostics,
) -> Option<u32> {
    let written = written.trim();
    let digits = written.strip_suffix(".0").or(written.strip_suffix(",0")).unwrap_or(written);
    if let Ok(count @ 1..) = digits.parse::<u32>() {
        return Some(count);
    }
    let what = format!("`{name}` is a whole number from 1 on, not {written}");
    diags.error(place, what, format!("write for example `{name}: 2`"));
    None
}

/// A whole number from 0 on.
pub(super) fn count_or_none(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<u32> {
    let is_zero = |text: &str| matches!(text.trim(), "0" | "0.0");
    match node.text() {
        Some(text) if is_zero(text) => Some(0),
        _ => count_of(node, name, diags),
    }
}

/// The same of a node.
pub(super) fn count_of(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<u32> {
    text(node, name, diags).and_then(|text| count(text, name, node.place, diags))
}

/// True or false.
pub(super) fn switch(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<bool> {
    let on = node.text().and_then(|text| catalog::switch(text));
    if on.is_none() {
        let what = format!("`{name}` is true or false");
        diags.error(node.place, what, format!("write `{name}: true`, or leave it out"));
    }
    on
}

/// A span of time.
pub(super) fn duration(node: &Node, diags: &mut Diagnostics) -> Option<Duration> {
    parsed(node, "a span of time such as 100ms, 5s or 2h", span, diags)
}

/// A scalar that `parse` reads; it refuses others in a sentence that ends with the fix.
pub(super) fn parsed<T>(
    node: &Node,
    wanted: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    diags: &mut Diagnostics,
) -> Option<T> {
    let parsed = match node.text() {
        Some(text) => parse(text),
        None => Err(format!("this is {}; write {wanted}", node.kind())),
    };
    parsed.map_err(|what| diags.add(Diagnostic::from_sentence(node.place, &what))).ok()
}

/// Checks the name of a variable for templates.
pub(super) fn check_name(name: &str, place: Place, diags: &mut Diagnostics) {
    if check_part(name, place, diags) && matches!(name, "take" | "id") {
        let what = format!("`{name}` already stands for the shot's own {name}");
        diags.error(place, what, format!("call it something else, such as `my_{name}`"));
    }
}

/// Checks a name within a group of variables; `false` when it is none.
pub(super) fn check_part(name: &str, place: Place, diags: &mut Diagnostics) -> bool {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_name = begins && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        let what =
            format!("`{name}` cannot stand in `{{{{ … }}}}`, so it is no name for a variable");
        let fix = "use letters, digits and `_`, and begin with a letter, such as `my_look`";
        diags.error(place, what, fix);
    }
    is_name
}
