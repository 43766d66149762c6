//! `callback`: where the gateway can call when a task has ended.

use std::net::SocketAddr;
use std::time::Duration;

use super::campaign::WrittenCallback;
use super::diagnostics::Diagnostics;
use super::scalars::{Section, duration, text};
use super::text::tree::Node;

const SECTION: Section<'_> = Section {
    name: "`callback`",
    keys: &["listen", "url", "wait"],
    example: "write for example `callback: {listen: \"127.0.0.1:8787\", url: \"https://hooks.example.com/rushes\"}`",
};
/// The gateway tries for half an hour to call.
const DEFAULT_WAIT: Duration = Duration::from_secs(30 * 60);

/// Reads it, with all its mistakes.
pub(super) fn read(node: &Node, diags: &mut Diagnostics) -> Option<WrittenCallback> {
    SECTION.check_keys(node, diags);
    node.pairs()?;
    let listen = required(node, "listen", diags).and_then(|node| listen(node, diags));
    let url = required(node, "url", diags).and_then(|node| url(node, diags));
    let wait = match node.get("wait") {
        Some(node) => duration(node, diags)?,
        None => DEFAULT_WAIT,
    };
    Some(WrittenCallback { listen: listen?, url: url?, wait })
}

fn required<'n>(node: &'n Node, key: &str, diags: &mut Diagnostics) -> Option<&'n Node> {
    let found = node.get(key);
    if found.is_none() {
        diags.error(node.place, format!("`callback` does not say `{key}`"), SECTION.example);
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

fn url(node: &Node, diags: &mut Diagnostics) -> Option<String> {
    let written = text(node, "url", diags)?.trim();
    let fix = "write for example `url: https://hooks.example.com/rushes`; each request gets its own \
               secret part after it";
    let problem = problem_of(written);
    if let Some(problem) = problem {
        let what = format!("the gateway cannot call \"{written}\": {problem}");
        diags.error(node.place, what, fix);
        return None;
    }
    Some(written.trim_end_matches('/').to_owned())
}

/// Why an address cannot be called with a secret part after it.
fn problem_of(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Some("it is no web address") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        Some("it is neither http:// nor https://")
    } else if host.is_empty() || host.starts_with(':') {
        Some("it names no host")
    } else if host.contains('@') {
        Some("it holds a user name")
    } else if rest.contains(['?', '#']) {
        Some("it holds `?` or `#`")
    } else if rest
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\'))
    {
        Some("it holds a character that no web address holds")
    } else {
        None
    }
}
