//! Where messages about a run are sent, and on which occasions. The address is a secret, as those of
//! chats are: it is all that writing there takes. So it shows itself by scheme and host only.

use std::fmt;
use std::net::IpAddr;

/// The longest address, in bytes.
const MAX_BYTES: usize = 2048;

/// A web address that is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook {
    url: Box<str>,
    /// Where what may be shown ends, in bytes.
    shown: usize,
}

impl Hook {
    /// Takes an address: https, or plain http on this machine.
    ///
    /// # Errors
    /// Why it cannot be one, without the address.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return Err("it is too long");
        }
        let (scheme, authority) = web_address(text)?;
        if !text.is_ascii() {
            return Err("it holds a character that no web address holds");
        }
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        if scheme.eq_ignore_ascii_case("http") && !is_loopback(host) {
            return Err("plain http:// would show it to others on the way");
        }
        let shown = scheme.len() + "://".len() + authority.len();
        Ok(Self { url: text.into(), shown })
    }

    /// The whole address, for the client that sends to it alone.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.url
    }
}

/// `https://hooks.example.com/…`
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.url.get(..self.shown).unwrap_or_default())
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hook({self})")
    }
}

/// The scheme of an http or https address, and its host with the port.
///
/// # Errors
/// Why it is no address that can be called.
pub fn web_address(text: &str) -> Result<(&str, &str), &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it is no web address")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"<>\\".contains(c);
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        Err("it is neither http:// nor https://")
    } else if text.contains(odd) {
        Err("it holds a character that no web address holds")
    } else if authority.is_empty() || authority.starts_with(':') {
        Err("it names no host")
    } else if authority.contains('@') {
        Err("it holds a user name")
    } else {
        Ok((scheme, authority))
    }
}

/// Whether an address's host is this machine: `localhost`, `127.0.0.1`, `[::1]`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// What a message is sent about, each at most once a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The run has ended, however it did.
    End,
    /// Nothing that waits fits under what is left of the cap.
    Cap,
    /// The gateway's account is out of credit.
    Credit,
    /// Many shots fail.
    Failures,
    /// The user asks whether messages arrive. It is on no list: a run never sends it.
    Test,
}

impl Occasion {
    /// All that a run may send.
    pub const ALL: [Self; 4] = [Self::End, Self::Cap, Self::Credit, Self::Failures];

    /// Its name in the manifest and in a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Cap => "cap",
            Self::Credit => "credit",
            Self::Failures => "failures",
            Self::Test => "test",
        }
    }
}
