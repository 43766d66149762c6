//! Where the page is: what the user asked for, and the address that came of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::TcpListener;

use crate::callback::new_token;

use super::access::Access;

/// The port unless the user names one.
pub const USUAL_PORT: u16 = 7878;

/// Where the user wants the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// On this machine, at the usual port or any other.
    Usual,
    /// Here and nowhere else.
    At(SocketAddr),
}

impl FromStr for Wish {
    type Err = String;

    /// Reads `8080`, `:8080`, `localhost:8080`, `0.0.0.0`, `192.168.1.5:8080`, `[::]:8080`, and
    /// nothing at all. A port alone is on this machine; a colon before it is on every address.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Usual);
        }
        let at = |ip: IpAddr, port| Self::At(SocketAddr::new(ip, port));
        let all = Ipv4Addr::UNSPECIFIED.into();
        let here = Ipv4Addr::LOCALHOST.into();
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        if let Ok(ip) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Ok(at(ip, USUAL_PORT));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
        match (host, port.parse()) {
            ("localhost", Ok(port)) => Ok(at(here, port)),
            ("", Ok(port)) => Ok(at(all, port)),
            _ if text == "localhost" => Ok(at(here, USUAL_PORT)),
            _ => Err(format!(
                "{text:?} is no address to listen on; write for example 8080, 0.0.0.0:8080 or \
                 [::1]:8080 (or put --serve after the manifest)"
            )),
        }
    }
}

/// A bound port that accepts no connection yet.
pub struct Port {
    pub(super) listener: TcpListener,
    pub(super) access: Access,
    /// Whether another program has the usual port.
    pub is_moved: bool,
}

impl Wish {
    /// Takes a port. Away from loopback it comes with a token.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn take(self) -> io::Result<Port> {
        let usual = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), USUAL_PORT);
        let (listener, is_moved) = match self {
            Self::At(address) => (TcpListener::bind(address).await?, false),
            Self::Usual => match TcpListener::bind(usual).await {
                Ok(listener) => (listener, false),
                Err(_) => (TcpListener::bind(SocketAddr::new(usual.ip(), 0)).await?, true),
            },
        };
        let address = listener.local_addr()?;
        let token = if address.ip().is_loopback() { None } else { Some(new_token()?) };
        Ok(Port { listener, access: Access::new(address, token), is_moved })
    }
}

impl Port {
    /// The page's address, for a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        self.access.url()
    }

    /// Whether other machines may reach it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.access.has_token()
    }
}
