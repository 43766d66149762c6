//! Calls to a `callback_url` when a task has ended: one POST of JSON without a signature. Only
//! addresses on this machine are ever called.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use serde_json::{Map, Value};

use super::profile::Profile;
use super::purchase::Purchase;
use super::rng::SimRng;

/// A call that is to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// About which task.
    pub(super) task: String,
    /// In which shape.
    pub(super) form: Form,
    /// To which place on this machine.
    pub(super) socket: SocketAddr,
    pub(super) path: String,
    /// When: once the task has ended, or later.
    pub(super) at: i64,
    /// How often it is made even if it was answered well.
    pub(super) times: u32,
}

/// The shape of a call's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a poll is answered.
    Plain,
    /// As a poll is sometimes answered.
    Odd,
    /// As it should not be.
    Nonsense,
}

/// Takes `callback_url` out of a POST's body: where to call, and the bytes without it, so that
/// requests that differ in nothing else are the same request.
pub(super) fn apart(body: &[u8]) -> (Option<String>, Vec<u8>) {
    const NAME: &str = "callback_url";
    let is_named = body.windows(NAME.len()).any(|window| window == NAME.as_bytes());
    let fields =
        is_named.then(|| serde_json::from_slice::<Map<String, Value>>(body).ok()).flatten();
    let Some(mut fields) = fields else { return (None, body.to_owned()) };
    match fields.shift_remove(NAME) {
        Some(Value::String(url)) => (Some(url), Value::Object(fields).to_string().into_bytes()),
        _ => (None, body.to_owned()),
    }
}

impl Call {
    /// The call about a purchase; `None` when its task never ends, or elsewhere than here.
    pub(super) fn about(
        purchase: &Purchase,
        url: &str,
        profile: Profile,
        mut rng: SimRng,
    ) -> Option<Self> {
        let Some((socket, path)) = address(url) else {
            tracing::debug!("a callback_url that is not http on this machine is never called");
            return None;
        };
        let ends_at = purchase.fate.ends_at()?;
        let stormy =
            matches!(profile, Profile::Flaky | Profile::Storm | Profile::Liar | Profile::Field);
        let late = if stormy && rng.comes_up(2_000) { 1_000 + rng.below(4_000) } else { 0 };
        let times = if stormy && rng.comes_up(2_000) { 2 } else { 1 };
        let forms = [Form::Plain, Form::Plain, Form::Plain, Form::Odd, Form::Nonsense];
        let form = if stormy { rng.pick(forms) } else { Form::Plain };
        let at = ends_at.saturating_add(i64::try_from(late).unwrap_or_default());
        Some(Self { task: purchase.task_id.clone(), form, socket, path, at, times })
    }
}

/// A URL's place on this machine, and its path; `None` for any other URL.
fn address(url: &str) -> Option<(SocketAddr, String)> {
    let url: Uri = url.trim().parse().ok()?;
    let ip = match url.host()? {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.trim_matches(['[', ']']).parse().ok()?,
    };
    let is_here = url.scheme_str() == Some("http") && ip.is_loopback();
    let socket = SocketAddr::new(ip, url.port_u16().unwrap_or(80));
    is_here.then(|| (socket, url.path_and_query().map_or("/", PathAndQuery::as_str).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_ever_called() {
        let read = |url| address(url).map(|(socket, path)| (socket.to_string(), path));
        let at = |socket: &str, path: &str| Some((socket.to_owned(), path.to_owned()));
        assert_eq!(read("http://127.0.0.1:8787/a/b"), at("127.0.0.1:8787", "/a/b"));
        assert_eq!(read("http://localhost:1/x"), at("127.0.0.1:1", "/x"));
        assert_eq!(read("http://[::1]:9"), at("[::1]:9", "/"));
        assert_eq!(read("http://127.0.0.1"), at("127.0.0.1:80", "/"));
        for elsewhere in [
            "https://127.0.0.1/x",
            "http://10.0.0.1/x",
            "http://example.com/x",
            "http://localhost.example.com/x",
            "http://127.0.0.1@example.com/x",
            "http://127.0.0.1:8787/a b",
            "http://127.0.0.1:8787/a\r\nX: y",
        ] {
            assert_eq!(read(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_request_is_the_same_wherever_it_asks_to_be_called() {
        let (one, meant) = apart(br#"{"prompt":"x","callback_url":"http://a/1"}"#);
        let (two, same) = apart(br#"{"prompt":"x","callback_url":"http://a/2"}"#);
        assert_eq!((one.as_deref(), two.as_deref()), (Some("http://a/1"), Some("http://a/2")));
        assert_eq!(meant, same);
        assert_eq!(apart(b"{}"), (None, b"{}".to_vec()));
    }
}
