//! Everything of a manifest but its shots: from the tree to a header, with all mistakes. Offers the
//! small readers that entries use too.

use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use super::report::log::{Log, Mistake, Place, did_you_mean};
use super::shots::identity;
use super::text::slips;
use super::text::tree::{Node, Pair, Value};
use super::{Header, WrittenBudget};
use super::{callback, notify};
use crate::catalog;
use crate::domain::money::Usd;
use crate::domain::shot::ShotId;
use crate::domain::state::OnDoubt;
use crate::policy::limits::{Rate, SomeLimits, span};

pub(super) const KEYS: [&str; 11] = [
    "campaign",
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
];
const LIMITS: [&str; 7] = [
    "rate",
    "poll_every",
    "poll_rate",
    "in_flight",
    "attempts",
    "submit_timeout",
    "render_timeout",
];

/// The settings of a YAML manifest. `stem` is the file's, for a manifest that names no campaign.
pub(super) fn read(root: &Node, stem: &str, path: &std::path::Path, log: &mut Log) -> Header {
    known_keys(root, &KEYS, "a manifest", log);
    let campaign = match root.get("campaign").filter(|node| !node.is_null()) {
        Some(node) => text(node, "campaign", log)
            .and_then(|name| campaign(name, node.place, log))
            .unwrap_or_default(),
        None => stem_campaign(stem, root.place, "write a line `campaign: NAME`", log),
    };
    Header {
        campaign,
        path: path.to_owned(),
        budget: root.get("budget").and_then(|node| budget(node, log)),
        on_doubt: root.get("on_doubt").and_then(|node| on_doubt(node, log)).unwrap_or_default(),
        limits: (root.get("limits").filter(|node| !node.is_null()))
            .map(|node| limits(node, log))
            .unwrap_or_default(),
        callback: root.get("callback").and_then(|node| callback::read(node, log)),
        check_charges: (root.get("check_charges"))
            .and_then(|node| switch(node, "check_charges", log))
            .unwrap_or_default(),
        notify: root.get("notify").and_then(|node| notify::read(node, log)),
    }
}

/// The campaign of a manifest that is called by its file.
pub(super) fn stem_campaign(stem: &str, place: Place, fix: &str, log: &mut Log) -> String {
    if let Err(why) = ShotId::new(stem) {
        let what = format!("the campaign cannot be called \"{stem}\" like its file: {why}");
        log.add(Mistake::new(place, what).fix(fix.to_owned()));
    }
    stem.to_owned()
}

fn campaign(name: &str, place: Place, log: &mut Log) -> Option<String> {
    let Err(why) = ShotId::new(name) else { return Some(name.to_owned()) };
    let slug = ShotId::new(&identity::slug(name)).ok();
    let fix = slug.map_or("write a short name, such as `summer`".to_owned(), |slug| {
        format!("write for example `campaign: {slug}`")
    });
    let what = format!("the campaign, and so its folder, cannot be called \"{name}\": {why}");
    log.add(Mistake::new(place, what).fix(fix));
    None
}

/// Reports keys that mean nothing, and a node that is no mapping at all.
pub(super) fn known_keys(node: &Node, known: &[&str], what: &str, log: &mut Log) {
    let Some(pairs) = node.pairs() else {
        let is = node.kind();
        let example = if known == KEYS {
            "begin with a line `shots:` and write the shots below it; `rushes init` makes an example"
        } else {
            example_of(known)
        };
        let what = format!("{what} is made of lines such as `key: value`, but this is {is}");
        log.add(Mistake::new(node.place, what).fix(example.to_owned()));
        return;
    };
    for Pair { key, key_place, value } in pairs {
        if !known.contains(&&**key) {
            // It may be `notify` misspelt, and then it is nobody's business.
            notify::hide(value, log);
        }
        if slips::is_oddly_spaced(key) {
            log.add(slips::odd_spaces(*key_place));
        } else if !known.contains(&&**key) {
            let fix = did_you_mean(key, known.iter().copied()).unwrap_or_else(|| {
                let all = known.join(", ");
                match &**key {
                    _ if known != KEYS => format!("{what} can say {all}"),
                    "key" | "api_key" | "token" => {
                        "keep the key out of the manifest; it comes from KLING_API_KEY".to_owned()
                    }
                    _ => format!(
                        "{what} can say {all}; a shot's own words stand in the shot or in `defaults:`"
                    ),
                }
            });
            let mistake = Mistake::new(*key_place, format!("{what} has no setting `{key}`"));
            log.add(mistake.fix(fix));
        }
    }
}

/// A mapping that says some of these keys.
fn example_of(known: &[&str]) -> &'static str {
    if known == callback::KEYS {
        callback::EXAMPLE
    } else if known == notify::KEYS {
        notify::EXAMPLE
    } else {
        "write for example `limits: {rate: 2/s, in_flight: 10}`"
    }
}

/// A scalar's text.
pub(super) fn text<'n>(node: &'n Node, name: &str, log: &mut Log) -> Option<&'n Rc<str>> {
    let text = node.text();
    if text.is_none() && !matches!(node.value, Value::Bad) {
        let (what, fix) = if node.is_null() {
            (format!("`{name}` is empty"), format!("write a value, or leave `{name}` out"))
        } else {
            let what = format!("`{name}` is one text or number, but this is {}", node.kind());
            (what, "write one value, in quotes if it holds `: `, ` #` or brackets".to_owned())
        };
        log.add(Mistake::new(node.place, what).fix(fix));
    }
    text
}

/// A whole number from 1 on.
pub(super) fn count(written: &str, name: &str, place: Place, log: &mut Log) -> Option<u32> {
    let written = written.trim();
    let digits = written.strip_suffix(".0").unwrap_or(written);
    if let Ok(count @ 1..) = digits.parse::<u32>() {
        return Some(count);
    }
    let what = format!("`{name}` is a whole number from 1 on, not {written}");
    log.add(Mistake::new(place, what).fix(format!("write for example `{name}: 2`")));
    None
}

fn budget(node: &Node, log: &mut Log) -> Option<WrittenBudget> {
    if node.pairs().is_some() {
        known_keys(node, &["cap", "strict"], "`budget`", log);
        let cap = match node.get("cap").map(|node| cap(node, log)) {
            Some(None) => return None,
            cap => cap.flatten(),
        };
        let strict = match node.get("strict") {
            Some(node) => switch(node, "strict", log)?,
            None => false,
        };
        return Some(WrittenBudget { cap, strict });
    }
    cap(node, log).map(|cap| WrittenBudget { cap: Some(cap), strict: false })
}

/// The most the campaign may cost. An empty one is a mistake: nobody means "no cap" by it.
fn cap(node: &Node, log: &mut Log) -> Option<Usd> {
    let fix = "write dollars, such as `budget: 25` or `budget: {cap: 25, strict: true}`; leave the \
               line out for no cap";
    let read = match node.text() {
        None if node.is_null() => Err("the budget is empty".to_owned()),
        None => Err(format!("the budget is a number, but this is {}", node.kind())),
        Some(text) => match text.parse::<Usd>() {
            Ok(Usd::ZERO) => Err("a budget of 0 pays for nothing".to_owned()),
            Ok(cap) => Ok(cap),
            Err(why) => Err(format!("the budget cannot be \"{text}\": {why}")),
        },
    };
    read.map_err(|what| log.add(Mistake::new(node.place, what).fix(fix.to_owned()))).ok()
}

fn switch(node: &Node, name: &str, log: &mut Log) -> Option<bool> {
    let on = node.text().and_then(|text| catalog::switch(text));
    if on.is_none() {
        let what = format!("`{name}` is true or false");
        let fix = format!("write `{name}: true`, or leave it out");
        log.add(Mistake::new(node.place, what).fix(fix));
    }
    on
}

fn on_doubt(node: &Node, log: &mut Log) -> Option<OnDoubt> {
    match node.text().map(|text| &**text) {
        Some("hold") => Some(OnDoubt::Hold),
        Some("resubmit") => Some(OnDoubt::Resubmit),
        other => {
            let fix =
                did_you_mean(other.unwrap_or(""), ["hold", "resubmit"]).unwrap_or_else(|| {
                    "write `hold`, or `resubmit` if paying twice is acceptable".to_owned()
                });
            let what = "`on_doubt` is `hold` or `resubmit`";
            log.add(Mistake::new(node.place, what).fix(fix));
            None
        }
    }
}

fn limits(node: &Node, log: &mut Log) -> SomeLimits {
    known_keys(node, &LIMITS, "`limits`", log);
    let mut limits = SomeLimits::default();
    for Pair { key, value, .. } in node.pairs().unwrap_or_default() {
        match &**key {
            "rate" => limits.rate = parsed(value, log),
            "poll_rate" => limits.poll_rate = parsed(value, log),
            "poll_every" => limits.poll_every = duration(value, log),
            "submit_timeout" => limits.submit_timeout = duration(value, log),
            "render_timeout" => limits.render_timeout = duration(value, log),
            "in_flight" | "attempts" => {
                let number = text(value, key, log).and_then(|t| count(t, key, value.place, log));
                if &**key == "attempts" {
                    limits.attempts = number;
                } else {
                    limits.in_flight = number;
                }
            }
            _ => {}
        }
    }
    limits
}

fn parsed(node: &Node, log: &mut Log) -> Option<Rate> {
    scalar(node, "a rate such as 2/s or 90/min", Rate::from_str, log)
}

pub(super) fn duration(node: &Node, log: &mut Log) -> Option<Duration> {
    scalar(node, "a span of time such as 100ms, 5s or 2h", span, log)
}

fn scalar<T>(
    node: &Node,
    wanted: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    log: &mut Log,
) -> Option<T> {
    let parsed = match node.text() {
        Some(text) => parse(text),
        None => Err(format!("this is {}; write {wanted}", node.kind())),
    };
    parsed.map_err(|what| log.add(Mistake::said(node.place, &what))).ok()
}

/// Checks a name that templates are to use.
pub(super) fn name(name: &str, place: Place, log: &mut Log) {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let what =
            format!("`{name}` cannot stand in `{{{{ … }}}}`, so it is no name for a variable");
        let fix =
            "use letters, digits and `_`, and begin with a letter, such as `my_look`".to_owned();
        log.add(Mistake::new(place, what).fix(fix));
    } else if matches!(name, "take" | "id") {
        let what = format!("`{name}` already stands for the shot's own {name}");
        log.add(
            Mistake::new(place, what).fix(format!("call it something else, such as `my_{name}`")),
        );
    }
}
