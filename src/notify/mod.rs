//! Tells the user's web address how a run goes: a short JSON, tried a few times; the run waits for it
//! only at its end. Knows neither the gateway nor its key; beside [`crate::provider`] the only room that
//! knows reqwest. What is told and how it reads is for others to say.

mod message;
mod when;

pub use message::Message;
pub use when::{Seen, Watch};

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use crate::domain::sanitize::plain;
use crate::domain::webhook::Hook;
use crate::policy::retry;

/// How long one try may take, its answer's head included.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// How often a message is sent before it is given up.
const TRIES: u32 = 3;
const USER_AGENT: &str = concat!("rushes/", env!("CARGO_PKG_VERSION"));
/// A longer reason is cut, in characters.
const MAX_WHY: usize = 200;

/// The web address that is told.
pub struct WebhookClient {
    client: Client,
    url: Url,
    hook: Hook,
}

/// Why a try failed.
struct Miss {
    why: String,
    /// Whether another try may.
    again: bool,
}

impl WebhookClient {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// Why messages cannot be sent there, without the address.
    pub fn new(hook: Hook) -> Result<Self, String> {
        // Another reader of addresses than the hook's own: both must find it harmless.
        let url = Url::parse(hook.secret()).map_err(|error| error.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let shown = hook.to_string().to_ascii_lowercase();
        if !matches!(url.scheme(), "https" | "http") || !shown.contains(&host.to_ascii_lowercase())
        {
            return Err("it is no plain web address".to_owned());
        }
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Without CA certificates there is no TLS; this machine needs none.
        let is_plain = url.scheme() == "http";
        let builder = if is_plain { base().tls_certs_only([]) } else { base() };
        let client = builder.build().map_err(|error| said(&error))?;
        Ok(Self { client, url, hook })
    }

    /// Sends a message, again if need be; at most half a minute and some seconds.
    ///
    /// # Errors
    /// Why a message did not arrive, without the address but for its host.
    pub async fn tell(&self, message: &Message<'_>) -> Result<(), String> {
        let body = message.json();
        let mut tries = 1;
        loop {
            match self.post(body.clone()).await {
                Ok(()) => return Ok(()),
                Err(miss) if !miss.again || tries >= TRIES => {
                    return Err(format!("{}: {}", self.hook, miss.why));
                }
                Err(_) => tokio::time::sleep(retry::backoff(tries, 0.9)).await,
            }
            tries += 1;
        }
    }

    /// What the answer says beyond its status is not read.
    async fn post(&self, body: String) -> Result<(), Miss> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        match request.body(body).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let status = answer.status().as_u16();
                let again = status >= 500 || status == 429;
                Err(Miss { why: format!("it answered {status}"), again })
            }
            Err(error) => Err(Miss { why: said(&error), again: true }),
        }
    }
}

/// Follows nothing, so that the message goes where the user said and nowhere else.
fn base() -> ClientBuilder {
    Client::builder()
        .http1_only()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT)
        .timeout(TIMEOUT)
}

/// What went wrong, without the address.
fn said(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    // The outermost names the address.
    let why =
        if std::ptr::eq(deepest, error) { "it failed".to_owned() } else { deepest.to_string() };
    plain(&why, MAX_WHY)
}
