//! Everything of a manifest but its shots: from the tree to a [`Header`], with all mistakes.

use std::path::Path;
use std::str::FromStr;

use super::campaign::{Header, WrittenBudget};
use super::diagnostics::{Diagnostics, did_you_mean};
use super::scalars::{Section, TOP_LEVEL, count_of, duration, parsed, switch, text};
use super::shots::identity;
use super::source::place::Place;
use super::text::tree::{Node, Pair};
use super::{callback, notify};
use crate::domain::money::Usd;
use crate::domain::shot::ShotId;
use crate::domain::state::OnDoubt;
use crate::policy::limits::{Limits, Rate};

const EXAMPLE: &str = "write for example `limits: {rate: 2/s, in_flight: 10}`";
const BUDGET: Section<'_> =
    Section { name: "`budget`", keys: &["cap", "strict"], example: EXAMPLE };
const LIMITS: Section<'_> = Section {
    name: "`limits`",
    keys: &[
        "rate",
        "poll_every",
        "poll_rate",
        "in_flight",
        "attempts",
        "submit_timeout",
        "render_timeout",
    ],
    example: EXAMPLE,
};

/// The settings of a YAML manifest. `stem` is the file's, for a manifest that names no campaign.
pub(super) fn read(root: &Node, stem: &str, path: &Path, diags: &mut Diagnostics) -> Header {
    TOP_LEVEL.check_keys(root, diags);
    let campaign = match root.get("campaign").filter(|node| !node.is_null()) {
        Some(node) => text(node, "campaign", diags)
            .and_then(|name| campaign(name, node.place, diags))
            .unwrap_or_default(),
        None => campaign_of_stem(stem, root.place, "write a line `campaign: NAME`", diags),
    };
    let limited = root.get("limits").filter(|node| !node.is_null());
    Header {
        campaign,
        path: path.to_owned(),
        budget: root.get("budget").and_then(|node| budget(node, diags)),
        on_doubt: root.get("on_doubt").and_then(|node| on_doubt(node, diags)).unwrap_or_default(),
        limits: limited.map(|node| limits(node, diags)).unwrap_or_default(),
        callback: root.get("callback").and_then(|node| callback::read(node, diags)),
        check_charges: (root.get("check_charges"))
            .and_then(|node| switch(node, "check_charges", diags))
            .unwrap_or_default(),
        notify: root.get("notify").and_then(|node| notify::read(node, diags)),
    }
}

/// The campaign of a manifest that does not name it: its file's name.
pub(super) fn campaign_of_stem(
    stem: &str,
    place: Place,
    fix: &str,
    diags: &mut Diagnostics,
) -> String {
    if let Err(why) = ShotId::new(stem) {
        let what = format!("the campaign cannot be called \"{stem}\" like its file: {why}");
        diags.error(place, what, fix);
    }
    stem.to_owned()
}

fn campaign(name: &str, place: Place, diags: &mut Diagnostics) -> Option<String> {
    let Err(why) = ShotId::new(name) else { return Some(name.to_owned()) };
    let slug = ShotId::new(&identity::slug(name)).ok();
    let fix = slug.map_or("write a short name, such as `summer`".to_owned(), |slug| {
        format!("write for example `campaign: {slug}`")
    });
    let what = format!("the campaign, and so its folder, cannot be called \"{name}\": {why}");
    diags.error(place, what, fix);
    None
}

fn budget(node: &Node, diags: &mut Diagnostics) -> Option<WrittenBudget> {
    if node.pairs().is_none() {
        return cap(node, diags).map(|cap| WrittenBudget { cap: Some(cap), strict: false });
    }
    BUDGET.check_keys(node, diags);
    let cap = match node.get("cap") {
        Some(node) => Some(cap(node, diags)?),
        None => None,
    };
    let strict = match node.get("strict") {
        Some(node) => switch(node, "strict", diags)?,
        None => false,
    };
    Some(WrittenBudget { cap, strict })
}

/// The most the campaign may cost. An empty one is a mistake: it must not be taken for "no cap".
fn cap(node: &Node, diags: &mut Diagnostics) -> Option<Usd> {
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
    read.map_err(|what| diags.error(node.place, what, fix)).ok()
}

fn on_doubt(node: &Node, diags: &mut Diagnostics) -> Option<OnDoubt> {
    match node.text().map_or("", |text| &**text) {
        "hold" => Some(OnDoubt::Hold),
        "resubmit" => Some(OnDoubt::Resubmit),
        other => {
            let meant = did_you_mean(other, ["hold", "resubmit"]);
            let fix = meant.unwrap_or_else(|| {
                "write `hold`, or `resubmit` if paying twice is acceptable".to_owned()
            });
            diags.error(node.place, "`on_doubt` is `hold` or `resubmit`", fix);
            None
        }
    }
}

/// The limits that are written, and the usual ones for the rest.
fn limits(node: &Node, diags: &mut Diagnostics) -> Limits {
    LIMITS.check_keys(node, diags);
    let mut limits = Limits::default();
    for Pair { key, value, .. } in node.pairs().unwrap_or_default() {
        match &**key {
            "rate" => set(&mut limits.rate, rate(value, diags)),
            "poll_rate" => set(&mut limits.poll_rate, rate(value, diags)),
            "poll_every" => set(&mut limits.poll_every, duration(value, diags)),
            "submit_timeout" => set(&mut limits.submit_timeout, duration(value, diags)),
            "render_timeout" => set(&mut limits.render_timeout, duration(value, diags)),
            "in_flight" => set(&mut limits.in_flight, count_of(value, key, diags)),
            "attempts" => set(&mut limits.attempts, count_of(value, key, diags)),
            _ => {}
        }
    }
    limits
}

fn set<T>(limit: &mut T, written: Option<T>) {
    if let Some(written) = written {
        *limit = written;
    }
}

fn rate(node: &Node, diags: &mut Diagnostics) -> Option<Rate> {
    parsed(node, "a rate such as 2/s or 90/min", Rate::from_str, diags)
}
