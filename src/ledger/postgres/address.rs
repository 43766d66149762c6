//! The address of a `PostgreSQL` database, as it is typed: `postgres://user@host/database`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::disk::cause_told;

/// Where the tables lie, unless the address names another schema.
const SCHEMA: &str = "rushes";
/// Whose limits a campaign goes by, unless the address names another account.
const ACCOUNT: &str = "default";
/// The parameters of an address that are ours, not the driver's.
const OURS: [&str; 4] = ["schema", "account", "sslmode", "sslrootcert"];

/// A database's address. Its password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress {
    pub(super) config: Config,
    /// The schema with the tables.
    pub(super) schema: String,
    /// The account's name.
    pub(super) account: String,
    /// The file with the certificates to trust; `None`: the system's.
    pub(super) roots: Option<PathBuf>,
    shown: String,
}

/// Why a text is no address of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadServerAddress {
    /// Something in it is not understood.
    #[error("it is no address of a database ({0}); write postgres://USER@HOST/DATABASE")]
    Unreadable(String),
    /// Where its password ends cannot be told.
    #[error(
        "a `/`, `?`, `@` or `#` in a user's name or password is written %2F, %3F, %40 or %23; or leave the password out and set PGPASSWORD"
    )]
    Unescaped,
    /// It names no database.
    #[error("it names no database; write postgres://USER@HOST/DATABASE")]
    NoDatabase,
    /// Our name of something is not a plain one.
    #[error("{0} is a name of small letters, digits and _ that begins with a letter")]
    Name(&'static str),
    /// A way of encryption that does not exist.
    #[error(
        "sslmode is `require` (the usual: encrypted, the server's certificate is checked) or `disable`"
    )]
    SslMode,
}

impl ServerAddress {
    /// The same with a password, unless it has one.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        if self.config.get_password().is_none() {
            self.config.password(password);
        }
        self
    }

    /// The same with this account's limits.
    #[must_use]
    pub fn with_account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// As it was typed, without a password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// A name that needs no quotes in SQL.
fn name(what: &'static str, text: &str) -> Result<String, BadServerAddress> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && text.len() <= 60 && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(BadServerAddress::Name(what))
    }
}

impl FromStr for ServerAddress {
    type Err = BadServerAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_unescaped(text) {
            return Err(BadServerAddress::Unescaped);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (ours, theirs): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| OURS.contains(&pair.split('=').next().unwrap_or_default()));
        let value = |key: &str| {
            let text = ours.iter().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
            Some(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned())
        };
        let url = if theirs.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", theirs.join("&"))
        };
        let mut config =
            Config::from_str(&url).map_err(|error| BadServerAddress::Unreadable(told(&error)))?;
        if config.get_dbname().is_none() {
            return Err(BadServerAddress::NoDatabase);
        }
        let is_here = config.get_hosts().iter().all(is_this_machine);
        config.ssl_mode(match value("sslmode").as_deref() {
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            None if !is_here => SslMode::Require,
            Some("disable") | None => SslMode::Disable,
            Some(_) => return Err(BadServerAddress::SslMode),
        });
        Ok(Self {
            config,
            schema: name("schema", value("schema").as_deref().unwrap_or(SCHEMA))?,
            account: value("account").unwrap_or_else(|| ACCOUNT.to_owned()),
            roots: value("sslrootcert").map(PathBuf::from),
            shown: shown(text),
        })
    }
}

/// A socket in the file system, or an address that leads back here.
fn is_this_machine(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    }
}

/// Whether more than the user's name and password may end at the `@`, or the password go on after it.
fn is_unescaped(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    rest.matches('@').count() > usize::from(authority.contains('@')) || rest.contains('#')
}

/// The address as it was typed, without a password.
fn shown(text: &str) -> String {
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let is_password = |pair: &str| {
        let key = pair.split('=').next().unwrap_or_default();
        percent_encoding::percent_decode_str(key).decode_utf8_lossy() == "password"
    };
    let is_shown = |pair: &&str| !is_password(pair) && !pair.is_empty();
    let query: Vec<&str> = query.split('&').filter(is_shown).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}/{path}{mark}{}", query.join("&"))
}

/// An error with its causes, which the driver's own words leave out.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(database) = error.as_db_error() {
        return format!("{} ({})", database.message(), database.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = cause_told(error);
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
