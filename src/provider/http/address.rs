//! The gateway's address: where the key and the money go, so it is looked at closely.

use reqwest::Url;

use crate::domain::sanitize::plain;
use crate::domain::webhook::is_loopback;

use super::settings::SetupError;

/// The path that buys and answers for videos.
const GENERATIONS: &str = "/api/v1/video/generations";

/// The path below which a task's record lies.
const RECORDS: &str = "/api/v1/records";

/// The URL of a task's record at the same gateway; `None` when the id cannot be a part of a path.
pub(super) fn record(endpoint: &Url, task: &str) -> Option<Url> {
    let base = endpoint.path().strip_suffix(GENERATIONS)?;
    let mut url = endpoint.clone();
    url.set_path(&format!("{base}{RECORDS}"));
    // `.` and `..` would lead elsewhere, and an id with them is none.
    let is_plain = !task.is_empty() && task.bytes().any(|byte| byte != b'.');
    url.path_segments_mut().ok()?.push(task);
    is_plain.then_some(url)
}

/// The endpoint's URL below `api_base`; a path prefix and a trailing slash are tolerated.
pub(super) fn endpoint(api_base: &str) -> Result<Url, SetupError> {
    let wrong = |problem| SetupError::Address { address: printable(api_base), problem };
    let mut url = Url::parse(api_base.trim())
        .map_err(|_| wrong("is no URL; write for example https://apimodels.app"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" => return Err(wrong("would send the key unencrypted; write https://")),
        _ => return Err(wrong("is not an http(s) address; write https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name; the key is given by KLING_API_KEY"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds `?` or `#`; write only scheme, host, port and path"));
    }
    let path = format!("{}{GENERATIONS}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// The address without what may be a secret in it.
fn printable(address: &str) -> String {
    let shown = match Url::parse(address.trim()) {
        Ok(mut url) => {
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        }
        Err(_) => address.to_owned(),
    };
    plain(&shown, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_lies_below_the_address() {
        for (base, url) in [
            ("https://apimodels.app", "https://apimodels.app/api/v1/video/generations"),
            (" https://apimodels.app/ ", "https://apimodels.app/api/v1/video/generations"),
            ("https://h:8443/proxy/", "https://h:8443/proxy/api/v1/video/generations"),
            ("http://127.0.0.1:80", "http://127.0.0.1/api/v1/video/generations"),
            ("http://127.9.9.9:81", "http://127.9.9.9:81/api/v1/video/generations"),
            ("http://[::1]:82", "http://[::1]:82/api/v1/video/generations"),
            ("http://LOCALHOST:83", "http://localhost:83/api/v1/video/generations"),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), url);
        }
    }

    #[test]
    fn an_address_that_would_leak_the_key_or_hides_one_is_refused() {
        for (base, problem) in [
            ("", "is no URL"),
            ("apimodels.app", "is no URL"),
            ("http://apimodels.app", "unencrypted"),
            ("http://127.0.0.1.evil.example", "unencrypted"),
            ("http://localhost.evil.example", "unencrypted"),
            ("http://10.0.0.1", "unencrypted"),
            ("http://[::2]", "unencrypted"),
            ("ftp://127.0.0.1", "not an http(s)"),
            ("https://me:secret@apimodels.app", "user name"),
            ("http://127.0.0.1@evil.example", "unencrypted"),
            ("https://apimodels.app?key=secret", "`?` or `#`"),
            ("https://apimodels.app/#x", "`?` or `#`"),
        ] {
            let error = endpoint(base).unwrap_err().to_string();
            assert!(error.contains(problem), "{base}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
