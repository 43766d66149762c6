//! Which requests are answered. Pure: looks at a request's path and headers and says yes or no.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use crate::domain::secret::Secret;

/// What a button's request must carry, as `1`: no page of another site can send it unasked.
pub(super) const BUTTON: HeaderName = HeaderName::from_static("x-rushes");

/// What every request has to pass.
#[derive(Clone, Debug)]
pub(super) struct Access {
    address: SocketAddr,
    token: Option<Secret>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is missing or wrong: the answer is that there is nothing.
    Nothing,
    /// A name that is not this machine's, as after DNS rebinding.
    Host,
    /// A page of another site.
    Origin,
    /// A button's request without its header.
    Button,
}

impl Refusal {
    /// The answer's status and text.
    pub(super) const fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::Nothing => (StatusCode::NOT_FOUND, "nothing is here"),
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "open it under the address that was printed when the run began",
            ),
            Self::Origin => (StatusCode::FORBIDDEN, "not for pages of other sites"),
            Self::Button => (StatusCode::FORBIDDEN, "the header `X-Rushes: 1` is missing"),
        }
    }
}

impl Access {
    pub(super) const fn new(address: SocketAddr, token: Option<Secret>) -> Self {
        Self { address, token }
    }

    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The page's address, for a browser on this machine.
    pub(super) fn url(&self) -> String {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let token = self.token.map_or_else(String::new, |token| format!("{}/", token.reveal()));
        format!("http://{address}/{token}")
    }

    /// What a request asks for below the prefix, if it may come in.
    pub(super) fn admit<'a>(
        &self,
        method: &Method,
        uri: &'a Uri,
        headers: &HeaderMap,
    ) -> Result<&'a str, Refusal> {
        let path = uri.path().strip_prefix('/').ok_or(Refusal::Nothing)?;
        let below = match &self.token {
            None => path,
            Some(token) => {
                let (first, rest) = path.split_once('/').ok_or(Refusal::Nothing)?;
                if !token.is(first) {
                    return Err(Refusal::Nothing);
                }
                rest
            }
        };
        let host = only(headers, &header::HOST).and_then(|host| host.parse().ok());
        let host = host.filter(|host| self.goes_by(host)).ok_or(Refusal::Host)?;
        if headers.contains_key(header::ORIGIN) && origin(headers).as_ref() != Some(&host) {
            return Err(Refusal::Origin);
        }
        let pressed = headers.get(BUTTON).is_some_and(|value| value.as_bytes() == b"1");
        if *method == Method::POST && !pressed {
            return Err(Refusal::Button);
        }
        Ok(below)
    }

    /// Whether this machine goes by that name. With the token any name will do.
    fn goes_by(&self, host: &Authority) -> bool {
        if self.has_token() || host.host().eq_ignore_ascii_case("localhost") {
            return true;
        }
        let host = host.host().trim_start_matches('[').trim_end_matches(']');
        host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == self.address.ip())
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

fn origin(headers: &HeaderMap) -> Option<Authority> {
    let (scheme, authority) = only(headers, &header::ORIGIN)?.split_once("://")?;
    matches!(scheme, "http" | "https").then(|| authority.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(
        access: &Access,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        access.admit(method, &path.parse().unwrap(), &map).err()
    }

    fn here() -> Access {
        Access::new("127.0.0.1:7878".parse().unwrap(), None)
    }

    #[test]
    fn on_loopback_only_its_own_names_are_answered() {
        for host in ["localhost:7878", "LOCALHOST", "127.0.0.1:7878", "127.8.8.8", "[::1]:1"] {
            assert_eq!(asks(&here(), &Method::GET, "/", &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example:7878", "127.0.0.1.nip.io", "10.0.0.1", "localhost.evil", ""] {
            let refused = asks(&here(), &Method::GET, "/", &[("host", host)]);
            assert_eq!(refused, Some(Refusal::Host), "{host}");
        }
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(asks(&here(), &Method::GET, "/", &two), Some(Refusal::Host));
        assert_eq!(asks(&here(), &Method::GET, "/", &[]), Some(Refusal::Host));
    }

    #[test]
    fn pages_of_other_sites_press_no_button() {
        let host = ("host", "localhost:7878");
        let button = ("x-rushes", "1");
        let own = ("origin", "http://localhost:7878");
        assert_eq!(asks(&here(), &Method::POST, "/stop", &[host, button, own]), None);
        assert_eq!(asks(&here(), &Method::POST, "/stop", &[host, button]), None);
        let refused = asks(&here(), &Method::POST, "/stop", &[host, own]);
        assert_eq!(refused, Some(Refusal::Button));
        for origin in ["http://evil.example", "null", "http://localhost:80", "file://", ""] {
            for method in [Method::POST, Method::GET] {
                let refused = asks(&here(), &method, "/stop", &[host, button, ("origin", origin)]);
                assert_eq!(refused, Some(Refusal::Origin), "{origin}");
            }
        }
    }

    #[test]
    fn a_token_opens_the_gate_under_any_name_and_nothing_else_does() {
        let token = Secret::from_bytes([7; 16]);
        let access = Access::new("0.0.0.0:80".parse().unwrap(), Some(token));
        let host = [("host", "studio.example")];
        let secret = token.reveal();
        assert_eq!(access.url(), format!("http://127.0.0.1:80/{secret}/"));
        assert_eq!(asks(&access, &Method::GET, &format!("/{secret}/events"), &host), None);
        let wrong = secret.replace('7', "8");
        for path in ["/", "/events", &format!("/{wrong}/"), &format!("/{secret}"), "/x/", "//"] {
            assert_eq!(asks(&access, &Method::GET, path, &host), Some(Refusal::Nothing), "{path}");
        }
    }
}
