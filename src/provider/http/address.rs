//! The gateway's address: where the key and the money go, so it is looked at closely.

use reqwest::Url;

use crate::domain::sanitize::plain;
use crate::domain::webhook::is_loopback;

use super::super::apimodels::spec;
use super::settings::SetupError;

/// What buys and answers for videos, below the version.
const GENERATIONS: &str = "/video/generations";

/// What a task's record lies below.
const RECORDS: &str = "/records";

/// The URL of a path below the version at the same gateway, such as `/files`.
pub(super) fn beside(endpoint: &Url, path: &str) -> Url {
    let base = endpoint.path().strip_suffix(GENERATIONS).unwrap_or_default();
    let mut url = endpoint.clone();
    url.set_path(&format!("{base}{path}"));
    url
}

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

/// The endpoint's URL below `api_base`, which may be typed with or without the version (`/v1`,
/// `/api/v1`) and the path of videos; a path prefix and a trailing slash are tolerated.
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
    let (prefix, version) = parts(&url);
    let version = version.unwrap_or_else(|| usual_version(&url));
    let path = format!("{prefix}{version}{GENERATIONS}");
    url.set_path(&path);
    Ok(url)
}

/// The endpoint as all addresses of one gateway have it, to tell one account from another.
pub(super) fn canonical(endpoint: &Url) -> String {
    let spec = spec();
    let mut url = endpoint.clone();
    if is_known(&url)
        && let Ok(base) = Url::parse(&spec.base.url)
    {
        let _ = url.set_host(base.host_str());
    }
    let path = format!("{}{}{GENERATIONS}", parts(endpoint).0, spec.base.version);
    url.set_path(&path);
    url.to_string()
}

/// Whether two addresses, as they were typed or as a ledger keeps them, are of one gateway: scheme,
/// host, port and path prefix, whatever version stands behind them. A provider's own addresses are
/// one, all addresses of this machine are one, and these two never are.
#[must_use]
pub fn same_gateway(a: &str, b: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(a.trim()), Url::parse(b.trim())) else {
        return a.trim() == b.trim();
    };
    let is_local = |url: &Url| url.host_str().is_some_and(is_loopback);
    match (is_local(&one), is_local(&other)) {
        (true, true) => true,
        (false, false) => {
            let place = |url: &Url| {
                let base = is_known(url).then(|| Url::parse(&spec().base.url).ok()).flatten();
                let url = base.as_ref().unwrap_or(url);
                let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
                (url.scheme().to_owned(), host, url.port_or_known_default())
            };
            place(&one) == place(&other) && parts(&one).0 == parts(&other).0
        }
        _ => false,
    }
}

/// Whether scheme, host and port are one of the provider's own.
fn is_known(url: &Url) -> bool {
    spec().bases().any(|base| Url::parse(&base.url).is_ok_and(|base| base.origin() == url.origin()))
}

/// The version for an address that was typed without one.
fn usual_version(url: &Url) -> &'static str {
    let is_here = |base: &&super::super::spec::Base| {
        Url::parse(&base.url).is_ok_and(|base| base.origin() == url.origin())
    };
    &spec().bases().find(is_here).unwrap_or(&spec().base).version
}

/// What stands before the version in an address's path, and the version if there is one.
fn parts(url: &Url) -> (&str, Option<&'static str>) {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(GENERATIONS).unwrap_or(path);
    // The longest first: one may end as another does.
    let mut versions: Vec<&'static str> =
        spec().bases().map(|base| base.version.as_str()).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.len()));
    let split = |version| path.strip_suffix(version).map(|prefix| (prefix, Some(version)));
    versions.into_iter().find_map(split).unwrap_or((path, None))
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
    fn field_06_the_endpoint_lies_below_the_address_with_or_without_a_version() {
        for (base, url) in [
            ("https://apimodels.app", "https://apimodels.app/api/v1/video/generations"),
            (" https://apimodels.app/ ", "https://apimodels.app/api/v1/video/generations"),
            ("https://h:8443/proxy/", "https://h:8443/proxy/api/v1/video/generations"),
            ("http://127.0.0.1:80", "http://127.0.0.1/api/v1/video/generations"),
            ("http://127.9.9.9:81", "http://127.9.9.9:81/api/v1/video/generations"),
            ("http://[::1]:82", "http://[::1]:82/api/v1/video/generations"),
            ("http://LOCALHOST:83", "http://localhost:83/api/v1/video/generations"),
            ("https://api.apimodels.app/v1", "https://api.apimodels.app/v1/video/generations"),
            ("https://api.apimodels.app", "https://api.apimodels.app/v1/video/generations"),
            ("https://apimodels.app/v1/", "https://apimodels.app/v1/video/generations"),
            ("https://apimodels.app/api/v1", "https://apimodels.app/api/v1/video/generations"),
            ("https://h/proxy/api/v1/", "https://h/proxy/api/v1/video/generations"),
            (
                "https://apimodels.app/api/v1/video/generations",
                "https://apimodels.app/api/v1/video/generations",
            ),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), url);
        }
    }

    #[test]
    fn field_37_a_gateway_is_one_at_all_its_addresses_and_loopback_is_another() {
        let usual = "https://apimodels.app";
        for other in [
            "https://apimodels.app/",
            "https://APIMODELS.app:443/api/v1",
            "https://api.apimodels.app/v1",
            "https://apimodels.app/api/v1/video/generations",
            "https://api.apimodels.app/v1/video/generations",
        ] {
            assert!(same_gateway(usual, other) && same_gateway(other, usual), "{other}");
            let endpoint = endpoint(other).unwrap();
            assert_eq!(canonical(&endpoint), "https://apimodels.app/api/v1/video/generations");
        }
        for other in [
            "https://apimodels.app:8443",
            "https://apimodels.app/proxy",
            "https://apimodels.app.evil.example",
            "http://127.0.0.1:80",
            "simulator",
            "",
        ] {
            assert!(!same_gateway(usual, other) && !same_gateway(other, usual), "{other}");
        }
        assert!(same_gateway("http://127.0.0.1:1/x", "https://localhost:2"));
        assert!(same_gateway("http://[::1]", "http://127.0.0.1"));
        assert!(same_gateway("https://h/proxy/v1", "https://h/proxy/"));
        assert!(same_gateway("simulator", "simulator"));
    }

    #[test]
    fn field_16_files_lie_beside_the_videos_at_every_address() {
        for (base, files) in [
            ("https://apimodels.app", "https://apimodels.app/api/v1/files"),
            ("https://api.apimodels.app/v1", "https://api.apimodels.app/v1/files"),
            ("https://h/proxy", "https://h/proxy/api/v1/files"),
        ] {
            assert_eq!(beside(&endpoint(base).unwrap(), "/files").as_str(), files);
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
