//! `notify`: who is told how a run goes, and of what. The address is a secret, so it is shown in no
//! excerpt.

use super::WrittenNotify;
use super::header::{count, known_keys, text};
use super::report::log::{Log, Mistake, did_you_mean};
use super::text::tree::{Node, Pair, Value};
use crate::domain::webhook::{Hook, Occasion};

pub(super) const KEYS: [&str; 3] = ["url", "on", "failures"];
/// What to write.
pub(super) const EXAMPLE: &str =
    "write for example `notify: https://hooks.example.com/…` or `notify: {url: …, on: [end, cap]}`";

/// Reads it, with all its mistakes.
pub(super) fn read(node: &Node, log: &mut Log) -> Option<WrittenNotify> {
    hide(node, log);
    let everything = WrittenNotify::default();
    if node.text().is_some() {
        return Some(WrittenNotify { url: Some(url(node, "notify", log)?), ..everything });
    }
    known_keys(node, &KEYS, "`notify`", log);
    node.pairs()?;
    let mut written = everything;
    if let Some(node) = node.get("url") {
        written.url = Some(url(node, "url", log)?);
    }
    if let Some(node) = node.get("on") {
        written.on = occasions(node, log)?;
    }
    if let Some(node) = node.get("failures") {
        let text = text(node, "failures", log)?;
        written.failures = count(text, "failures", node.place, log)?;
    }
    Some(written)
}

/// Addresses are shown in no excerpt, wherever below they stand.
pub(super) fn hide(node: &Node, log: &mut Log) {
    match &node.value {
        Value::Text(text, _) if text.contains("://") => log.hide(node.place),
        Value::Text(..) | Value::Bad => {}
        Value::List(nodes) => nodes.iter().for_each(|node| hide(node, log)),
        Value::Map(pairs) => pairs.iter().for_each(|Pair { key, key_place, value }| {
            if key.contains("://") {
                log.hide(*key_place);
            }
            hide(value, log);
        }),
    }
}

fn url(node: &Node, name: &str, log: &mut Log) -> Option<Hook> {
    // Also when it is mistyped.
    log.hide(node.place);
    let written = text(node, name, log)?;
    let fix = format!(
        "write `{name}: https://…`; on this machine plain http:// will do, such as \
         http://127.0.0.1:9000/. Or leave it out and set RUSHES_NOTIFY_URL"
    );
    let problem = |why| {
        Mistake::new(node.place, format!("nobody can be told at this address: {why}")).fix(fix)
    };
    Hook::new(written).map_err(|why| log.add(problem(why))).ok()
}

fn occasions(node: &Node, log: &mut Log) -> Option<Vec<Occasion>> {
    let nodes = match &node.value {
        Value::List(nodes) => &nodes[..],
        _ => std::slice::from_ref(node),
    };
    let mut on = Vec::new();
    let mut wrong = nodes.is_empty();
    if wrong {
        let what = "`on` names nothing to be told of";
        log.add(
            Mistake::new(node.place, what).fix("write for example `on: [end, cap]`".to_owned()),
        );
    }
    for node in nodes {
        let written = node.text().map_or("", |text| &**text);
        match Occasion::ALL.into_iter().find(|one| one.name() == written) {
            Some(one) if on.contains(&one) => {}
            Some(one) => on.push(one),
            None => {
                let names = Occasion::ALL.map(Occasion::name);
                let fix = did_you_mean(written, names).unwrap_or_else(|| {
                    "write some of end, cap, credit, failures, such as `on: [end, cap]`".to_owned()
                });
                let what = "`on` names what to be told of: end, cap, credit, failures";
                log.add(Mistake::new(node.place, what).fix(fix));
                wrong = true;
            }
        }
    }
    (!wrong).then_some(on)
}
