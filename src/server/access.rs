//! Which requests are answered. Pure: looks at a request's path and headers and says yes or no.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use crate::domain::secret::Secret;
use crate::listener::reachable;

/// What a button's request must carry, as `1`: no page of another site can send it unasked.
pub const BUTTON: HeaderName = HeaderName::from_static("x-rushes");

/// What every request has to pass.
#[derive(Clone, Debug)]
pub struct Access {
    address: SocketAddr,
    token: Option<Secret>,
}

/// Why a request is refused: the answer's status and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub(super) StatusCode, pub(super) &'static str);

impl Refusal {
    /// The token is missing or wrong: the answer is that there is nothing.
    pub const NOTHING: Self = Self(StatusCode::NOT_FOUND, "nothing is here");
    /// A name that is not this machine's, as after DNS rebinding.
    pub const HOST: Self = Self(
        StatusCode::MISDIRECTED_REQUEST,
        "open it under the address that was printed when the run began",
    );
    /// A page of another site.
    pub const ORIGIN: Self = Self(StatusCode::FORBIDDEN, "not for pages of other sites");
    /// A button's request without its header.
    pub const BUTTON: Self = Self(StatusCode::FORBIDDEN, "the header `X-Rushes: 1` is missing");
}

impl Access {
    #[must_use]
    pub const fn new(address: SocketAddr, token: Option<Secret>) -> Self {
        Self { address, token }
    }

    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The page's address, for a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let address = reachable(self.address);
        let token = self.token.map_or_else(String::new, |token| format!("{}/", token.reveal()));
        format!("http://{address}/{token}")
    }

    /// What a request asks for below the prefix, if it may come in.
    pub fn admit<'a>(
        &self,
        method: &Method,
        uri: &'a Uri,
        headers: &HeaderMap,
    ) -> Result<&'a str, Refusal> {
        let path = uri.path().strip_prefix('/').ok_or(Refusal::NOTHING)?;
        let below = match &self.token {
            None => path,
            Some(token) => {
                let (first, rest) = path.split_once('/').ok_or(Refusal::NOTHING)?;
                if !token.is(first) {
                    return Err(Refusal::NOTHING);
                }
                rest
            }
        };
        let host = only(headers, &header::HOST).and_then(|host| host.parse().ok());
        let host = host.filter(|host| self.goes_by(host)).ok_or(Refusal::HOST)?;
        if headers.contains_key(header::ORIGIN) && origin(headers).as_ref() != Some(&host) {
            return Err(Refusal::ORIGIN);
        }
        let pressed = headers.get(BUTTON).is_some_and(|value| value.as_bytes() == b"1");
        if *method == Method::POST && !pressed {
            return Err(Refusal::BUTTON);
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
