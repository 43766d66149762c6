//! Everything of a manifest but its shots: from the tree to a [`Header`], with all mistakes.

use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::campaign::{Header, WrittenBudget, WrittenCallback, WrittenNotify, WrittenPlace};
use super::diagnostics::{Diagnostics, did_you_mean};
use super::scalars::{
    Section, TOP_LEVEL, count_of, count_or_none, duration, hide_urls, parsed, switch, text,
};
use super::shots::identity;
use super::source::place::Place;
use super::text::tree::{Node, Pair, Value};
use crate::domain::money::Usd;
use crate::domain::shot::ShotId;
use crate::domain::state::OnDoubt;
use crate::domain::webhook::{Hook, Occasion, web_address};
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
        "posts",
        "rerolls",
        "fetch_patience",
    ],
    example: EXAMPLE,
};
const CALLBACK: Section<'_> = Section {
    name: "`callback`",
    keys: &["listen", "url", "wait"],
    example: "write for example `callback: {listen: \"127.0.0.1:8787\", url: \"https://hooks.example.com/rushes\"}`",
};
/// The gateway tries for half an hour to call.
const DEFAULT_WAIT: Duration = Duration::from_secs(30 * 60);
const NOTIFY: Section<'_> = Section {
    name: "`notify`",
    keys: &["url", "on", "failures"],
    example: "write for example `notify: https://hooks.example.com/…` or `notify: {url: …, on: [end, cap]}`",
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
        place: place(root, path, diags),
        budget: root.get("budget").and_then(|node| budget(node, diags)),
        on_doubt: root.get("on_doubt").and_then(|node| on_doubt(node, diags)).unwrap_or_default(),
        limits: limited.map(|node| limits(node, diags)).unwrap_or_default(),
        callback: root.get("callback").and_then(|node| callback(node, diags)),
        check_charges: (root.get("check_charges"))
            .and_then(|node| switch(node, "check_charges", diags))
            .unwrap_or_default(),
        notify: root.get("notify").and_then(|node| notify(node, diags)),
    }
}

/// Where the campaign lives, as far as the manifest says so.
fn place(root: &Node, path: &Path, diags: &mut Diagnostics) -> WrittenPlace {
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut read = |key: &str, example: &str| {
        let node = root.get(key)?;
        // A database's address may hold a password.
        diags.hide(node.place);
        let written = text(node, key, diags)?.trim();
        if written.is_empty() {
            let what = format!("`{key}` names nothing");
            diags.error(node.place, what, format!("write for example `{key}: {example}`"));
            return None;
        }
        Some(written.to_owned())
    };
    let located = |written: String| WrittenPlace::located(&written, beside);
    WrittenPlace {
        out: read("out", "s3://films/summer").map(located),
        ledger: read("ledger", "postgres://rushes@db.example/films").map(located),
        account: read("account", "studio"),
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
        Some(text) => match amount(text).parse::<Usd>() {
            Ok(Usd::ZERO) => Err("a budget of 0 pays for nothing".to_owned()),
            Ok(cap) => Ok(cap),
            Err(why) => Err(format!("the budget cannot be \"{text}\": {why}")),
        },
    };
    read.map_err(|what| diags.error(node.place, what, fix)).ok()
}

/// An amount without what says that it is in US dollars: `$40`, `40 USD`, `US$ 40`.
fn amount(text: &str) -> &str {
    let text = text.trim();
    let before = ["US$", "USD", "$"].iter().find_map(|sign| text.strip_prefix(sign));
    let text = before.unwrap_or(text).trim();
    let behind = ["US dollars", "USD", "Dollars", "dollars", "Dollar", "dollar", "$"];
    behind.iter().find_map(|sign| text.strip_suffix(sign)).unwrap_or(text).trim()
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
            "fetch_patience" => set(&mut limits.fetch_patience, duration(value, diags)),
            "posts" => limits.posts = count_of(value, key, diags).or(limits.posts),
            "rerolls" => set(&mut limits.rerolls, count_or_none(value, key, diags)),
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

/// Where the gateway can call when a task has ended.
fn callback(node: &Node, diags: &mut Diagnostics) -> Option<WrittenCallback> {
    CALLBACK.check_keys(node, diags);
    node.pairs()?;
    let listen = required(node, "listen", diags).and_then(|node| listen(node, diags));
    let url = required(node, "url", diags).and_then(|node| callback_url(node, diags));
    let wait = match node.get("wait") {
        Some(node) => duration(node, diags)?,
        None => DEFAULT_WAIT,
    };
    Some(WrittenCallback { listen: listen?, url: url?, wait })
}

fn required<'n>(node: &'n Node, key: &str, diags: &mut Diagnostics) -> Option<&'n Node> {
    let found = node.get(key);
    if found.is_none() {
        diags.error(node.place, format!("`callback` does not say `{key}`"), CALLBACK.example);
    }
    found
}

fn listen(node: &Node, diags: &mut Diagnostics) -> Option<SocketAddr> {
    let written = text(node, "listen", diags)?;
    let address = written.trim().parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
    if address.is_none() {
        let what = format!("\"{written}\" is no address of this machine with a port");
        let fix = "write for example `listen: \"127.0.0.1:8787\"`, or `0.0.0.0:8787` to be reached \
                   from other machines";
        diags.error(node.place, what, fix);
    }
    address
}

fn callback_url(node: &Node, diags: &mut Diagnostics) -> Option<String> {
    let written = text(node, "url", diags)?.trim();
    let fix = "write for example `url: https://hooks.example.com/rushes`; each request gets its own \
               secret part after it";
    let problem = match web_address(written) {
        // Its secret part is put behind it.
        Ok(_) => written.contains(['?', '#']).then_some("it holds `?` or `#`"),
        Err(problem) => Some(problem),
    };
    if let Some(problem) = problem {
        let what = format!("the gateway cannot call \"{written}\": {problem}");
        diags.error(node.place, what, fix);
        return None;
    }
    Some(written.trim_end_matches('/').to_owned())
}

/// The web address that gets messages about a run, and on which occasions. The address is a secret,
/// so excerpts hide it.
fn notify(node: &Node, diags: &mut Diagnostics) -> Option<WrittenNotify> {
    hide_urls(node, diags);
    let mut written = WrittenNotify::default();
    if node.text().is_some() {
        written.url = Some(hook(node, "notify", diags)?);
        return Some(written);
    }
    NOTIFY.check_keys(node, diags);
    node.pairs()?;
    if let Some(node) = node.get("url") {
        written.url = Some(hook(node, "url", diags)?);
    }
    if let Some(node) = node.get("on") {
        written.on = occasions(node, diags)?;
    }
    if let Some(node) = node.get("failures") {
        written.failures = count_of(node, "failures", diags)?;
    }
    Some(written)
}

fn hook(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<Hook> {
    // Also when it is mistyped.
    diags.hide(node.place);
    let written = text(node, name, diags)?;
    let fix = format!(
        "write `{name}: https://…`; on this machine plain http:// will do, such as \
         http://127.0.0.1:9000/. Or leave it out and set RUSHES_NOTIFY_URL"
    );
    let what = |why| format!("no message can be sent to this address: {why}");
    Hook::new(written).map_err(|why| diags.error(node.place, what(why), fix)).ok()
}

fn occasions(node: &Node, diags: &mut Diagnostics) -> Option<Vec<Occasion>> {
    let nodes = match &node.value {
        Value::List(nodes) => &nodes[..],
        _ => std::slice::from_ref(node),
    };
    let before = diags.error_count();
    let mut on = Vec::new();
    if nodes.is_empty() {
        diags.error(
            node.place,
            "`on` names nothing to be told of",
            "write for example `on: [end, cap]`",
        );
    }
    for node in nodes {
        let written = node.text().map_or("", |text| &**text);
        match Occasion::ALL.into_iter().find(|one| one.name() == written) {
            Some(one) if on.contains(&one) => {}
            Some(one) => on.push(one),
            None => {
                let meant = did_you_mean(written, Occasion::ALL.map(Occasion::name));
                let fix = meant.unwrap_or_else(|| {
                    "write some of end, cap, credit, failures, such as `on: [end, cap]`".to_owned()
                });
                let what = "`on` names what to be told of: end, cap, credit, failures";
                diags.error(node.place, what, fix);
            }
        }
    }
    (diags.error_count() == before).then_some(on)
}
