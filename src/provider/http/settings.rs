//! How to reach the gateway, and why it cannot be reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::Clock;

use super::proxy::ProxyUrl;

/// How to reach the gateway.
#[derive(Clone)]
pub struct HttpSettings {
    /// Scheme, host and port; `/api/v1/video/generations` is appended.
    pub api_base: String,
    /// The bearer key.
    pub key: String,
    /// How long a POST may take, from connect to the last byte of its answer.
    pub submit_timeout: Duration,
    /// How long a poll may take; 30 s by default.
    pub poll_timeout: Duration,
    /// How long a download may stand still; 30 s by default. There is no limit to its whole.
    pub idle_timeout: Duration,
    /// How slow a download may be.
    pub pace: Pace,
    /// The proxy for everything; none by default, whatever the environment says.
    pub proxy: Option<ProxyUrl>,
    /// The environment variable that names a proxy and is ignored, to be told where no connection
    /// is made.
    pub ignored_proxy: Option<&'static str>,
    /// Turns a `Retry-After` that names a date into a span.
    pub clock: Arc<dyn Clock>,
}

impl HttpSettings {
    /// Settings with the default time-outs for polls and downloads.
    #[must_use]
    pub fn new(
        api_base: String,
        key: String,
        submit_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let patience = Duration::from_secs(30);
        Self {
            api_base,
            key,
            submit_timeout,
            poll_timeout: patience,
            idle_timeout: patience,
            pace: Pace::default(),
            proxy: None,
            ignored_proxy: None,
            clock,
        }
    }
}

/// How slow a download may be before it is broken off, to be resumed later: a host that trickles
/// must not hold for ever what others could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes in a second.
    pub bytes_per_s: u32,
    /// For how long at a stretch it may be slower.
    pub patience: Duration,
}

/// 1 kB/s over 30 s.
impl Default for Pace {
    fn default() -> Self {
        Self { bytes_per_s: 1000, patience: Duration::from_secs(30) }
    }
}

/// Without the key.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("api_base", &self.api_base)
            .field("submit_timeout", &self.submit_timeout)
            .finish_non_exhaustive()
    }
}

/// Why the gateway cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address cannot be the gateway's.
    #[error("the gateway's address {address:?} {problem}")]
    Address {
        /// As it was given, printable.
        address: String,
        /// What is wrong and what to write instead.
        problem: &'static str,
    },
    /// The key is empty, or holds what no header can carry.
    #[error("the key {0}; look at KLING_API_KEY or the file named by KLING_API_KEY_FILE")]
    Key(&'static str),
    /// The proxy cannot be used.
    #[error("the proxy {proxy} cannot be used: {why}")]
    Proxy {
        /// Its address, without user and password.
        proxy: ProxyUrl,
        /// Why not.
        why: String,
    },
    /// TLS cannot be set up, as on a machine without any CA certificates.
    #[error("TLS cannot be set up: {0}; are the system's CA certificates installed?")]
    Tls(String),
}
