//! `callback`: where the gateway can call when a task has ended. Also holds that shots do not name
//! another address then.

use std::net::SocketAddr;
use std::time::Duration;

use super::WrittenCallback;
use super::header::{duration, known_keys, text};
use super::report::log::{Log, Mistake, Place};
use super::text::tree::Node;

pub(super) const KEYS: [&str; 3] = ["listen", "url", "wait"];
/// What to write.
pub(super) const EXAMPLE: &str = "write for example `callback: {listen: \"127.0.0.1:8787\", url: \"https://hooks.example.com/rushes\"}`";
/// The gateway tries for half an hour to call.
const USUAL_WAIT: Duration = Duration::from_secs(30 * 60);

/// Reads it, with all its mistakes.
pub(super) fn read(node: &Node, log: &mut Log) -> Option<WrittenCallback> {
    known_keys(node, &KEYS, "`callback`", log);
    node.pairs()?;
    let listen = needed(node, "listen", log).and_then(|node| listen(node, log));
    let url = needed(node, "url", log).and_then(|node| url(node, log));
    let wait = match node.get("wait") {
        Some(node) => duration(node, log)?,
        None => USUAL_WAIT,
    };
    Some(WrittenCallback { listen: listen?, url: url?, wait })
}

/// The parameter that names the address at which the gateway calls.
pub(super) const PARAM: &str = "callback_url";

/// A shot says itself where the gateway is to call, while `callback` does.
pub(super) fn contradicted(place: Place) -> Mistake {
    let what = "`callback_url` cannot be set while `callback` is: every request gets an address of its own";
    let fix = "take this line out, or take `callback` out of the manifest";
    Mistake::new(place, what).fix(fix.to_owned())
}

fn needed<'n>(node: &'n Node, key: &str, log: &mut Log) -> Option<&'n Node> {
    let found = node.get(key);
    if found.is_none() {
        let mistake = Mistake::new(node.place, format!("`callback` does not say `{key}`"));
        log.add(mistake.fix(EXAMPLE.to_owned()));
    }
    found
}

fn listen(node: &Node, log: &mut Log) -> Option<SocketAddr> {
    let written = text(node, "listen", log)?;
    let address = written.trim().parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
    if address.is_none() {
        let what = format!("\"{written}\" is no address of this machine with a port");
        let fix = "write for example `listen: \"127.0.0.1:8787\"`, or `0.0.0.0:8787` to be reached \
                   from other machines";
        log.add(Mistake::new(node.place, what).fix(fix.to_owned()));
    }
    address
}

fn url(node: &Node, log: &mut Log) -> Option<String> {
    let written = text(node, "url", log)?.trim();
    let fix = "write for example `url: https://hooks.example.com/rushes`; each request gets its own \
               secret part after it";
    let problem = problem_of(written);
    if let Some(problem) = problem {
        let what = format!("the gateway cannot call \"{written}\": {problem}");
        log.add(Mistake::new(node.place, what).fix(fix.to_owned()));
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
