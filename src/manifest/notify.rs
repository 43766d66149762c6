//! `notify`: the web address that gets messages about a run, and on which occasions. The address is
//! a secret, so excerpts hide it.

use super::campaign::WrittenNotify;
use super::diagnostics::{Diagnostics, did_you_mean};
use super::scalars::{Section, count_of, hide_urls, text};
use super::text::tree::{Node, Value};
use crate::domain::webhook::{Hook, Occasion};

const SECTION: Section<'_> = Section {
    name: "`notify`",
    keys: &["url", "on", "failures"],
    example: "write for example `notify: https://hooks.example.com/…` or `notify: {url: …, on: [end, cap]}`",
};

/// Reads it, with all its mistakes.
pub(super) fn read(node: &Node, diags: &mut Diagnostics) -> Option<WrittenNotify> {
    hide_urls(node, diags);
    let mut written = WrittenNotify::default();
    if node.text().is_some() {
        written.url = Some(url(node, "notify", diags)?);
        return Some(written);
    }
    SECTION.check_keys(node, diags);
    node.pairs()?;
    if let Some(node) = node.get("url") {
        written.url = Some(url(node, "url", diags)?);
    }
    if let Some(node) = node.get("on") {
        written.on = occasions(node, diags)?;
    }
    if let Some(node) = node.get("failures") {
        written.failures = count_of(node, "failures", diags)?;
    }
    Some(written)
}

fn url(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<Hook> {
    // Also when it is mistyped.
    diags.hide(node.place);
    let written = text(node, name, diags)?;
    let fix = format!(
        "write `{name}: https://…`; on this machine plain http:// will do, such as \
         http://127.0.0.1:9000/. Or leave it out and set RUSHES_NOTIFY_URL"
    );
    let what = |why| format!("nobody can be told at this address: {why}");
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
