//! The HTTP client's errors in words.

use std::error::Error as _;

use reqwest::Url;

use crate::disk::cause_told;
use crate::domain::sanitize::plain;

/// The longest reason, in characters.
const MAX_WHY: usize = 250;

/// How a reason begins where no connection was made.
pub(super) const NOT_CONNECTED: &str = "could not connect to";

/// What went wrong on the wire, with its causes and without the URL, which may carry a signature.
pub(super) fn explain(error: &reqwest::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    if error.is_connect() {
        let url = error.url();
        let host = url.and_then(Url::host_str).unwrap_or("the host");
        let port = url.and_then(Url::port_or_known_default).unwrap_or_default();
        causes.push(format!("{NOT_CONNECTED} {host}:{port}"));
    } else if error.is_timeout() {
        causes.push("timed out".to_owned());
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause_told(cause);
        let is_news = !causes.iter().any(|known| known.contains(&text));
        if is_news && !text.starts_with("client error (") {
            causes.push(text);
        }
        source = cause.source();
    }
    if causes.is_empty() {
        causes.push("the request could not be made".to_owned());
    }
    plain(&causes.join(": "), MAX_WHY)
}
