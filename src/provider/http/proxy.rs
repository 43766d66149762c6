//! A proxy that the user chose by name. Its address may hold a password, which is shown nowhere.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The environment variables by which other programs choose a proxy. They are ignored: a proxy that
/// repeats a POST would buy twice, so one is used only where `--proxy` names it.
pub const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Statuses that a proxy answers with when it could not reach the gateway, or lost it on the way.
const OF_PROXIES: [u16; 3] = [502, 503, 504];

/// Whether an answer with this status may be the proxy's own.
pub(super) fn may_be_the_proxys(status: u16) -> bool {
    OF_PROXIES.contains(&status)
}

/// The address of a proxy: `http://` or `https://`, a host, perhaps a port, a user and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

/// What was given is no proxy's address; the text does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--proxy takes an address such as http://proxy.example:3128")]
pub struct BadProxy;

impl ProxyUrl {
    /// The whole address, password included, for the HTTP client.
    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    /// The same as text, for another client than the gateway's.
    #[must_use]
    pub fn with_password(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ProxyUrl {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let url = Url::parse(text.trim()).map_err(|_| BadProxy)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        (is_web && is_bare && url.has_host()).then_some(Self(url)).ok_or(BadProxy)
    }
}

/// Without user and password: `http://USER:PASSWORD@host:3128/` where there are any.
impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            let _ = url.set_password(Some("PASSWORD"));
        }
        if !url.username().is_empty() {
            let _ = url.set_username("USER");
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_14_a_proxys_password_is_shown_nowhere() {
        let proxy: ProxyUrl = "http://me:s3cret@proxy.example:3128".parse().unwrap();
        assert_eq!(proxy.to_string(), "http://USER:PASSWORD@proxy.example:3128/");
        assert!(!format!("{proxy:?}").contains("s3cret"));
        for bad in ["", "proxy.example:3128", "socks5://h:1", "http://h/path", "http://h/?q=s3cret"]
        {
            let said = bad.parse::<ProxyUrl>().unwrap_err().to_string();
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
