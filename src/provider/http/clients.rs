//! The three HTTP clients: one for what costs money, one for questions, one for clips. They differ
//! because a convenience on one would be a second purchase or a leaked key on another.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, ClientBuilder, Proxy};

use super::explain::explain;
use super::proxy::ProxyUrl;
use super::settings::{HttpSettings, SetupError};

/// How long connecting may take at most: DNS, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(10);
/// The most redirects a download follows.
const MAX_REDIRECTS: usize = 10;
/// The gateway's and our own logs should tell who is asking.
const USER_AGENT: &str = concat!("rushes/", env!("CARGO_PKG_VERSION"));
/// The result host was seen to answer 403 to clients that are no browser.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/131.0.0.0 Safari/537.36";

/// The clients.
pub(super) struct Clients {
    /// For POSTs. Follows nothing (a 307 would send the POST again), retries nothing and never
    /// takes up an idle connection, which the server may be closing: that would look like a
    /// purchase in doubt.
    pub submit: Client,
    /// For polls. Follows nothing, so that the key stays with the gateway.
    pub poll: Client,
    /// For clips, anywhere on the web; made when the first is fetched.
    fetch: OnceLock<Client>,
    idle_timeout: Duration,
    proxy: Option<ProxyUrl>,
}

impl Clients {
    pub(super) fn new(settings: &HttpSettings, tls: bool) -> Result<Self, SetupError> {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Connecting ends well before the whole does: whether a POST left is then always known.
        let proxy = settings.proxy.as_ref();
        let submit = base(CONNECT.min(settings.submit_timeout / 2), proxy)?
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            // A connection lives for one request, which has its own deadline.
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .pool_max_idle_per_host(0);
        let poll = base(CONNECT.min(settings.poll_timeout), proxy)?
            .user_agent(USER_AGENT)
            .redirect(Policy::none());
        // A gateway on this machine needs no TLS, nor CA certificates.
        let roots = |builder: ClientBuilder| if tls { builder } else { builder.tls_certs_only([]) };
        Ok(Self {
            submit: build(roots(submit))?,
            poll: build(roots(poll))?,
            fetch: OnceLock::new(),
            idle_timeout: settings.idle_timeout,
            proxy: settings.proxy.clone(),
        })
    }

    /// The client for clips.
    pub(super) fn fetch(&self) -> Result<&Client, SetupError> {
        if let Some(client) = self.fetch.get() {
            return Ok(client);
        }
        let builder = || {
            let builder = base(CONNECT, self.proxy.as_ref())?
                .user_agent(BROWSER)
                .redirect(Policy::custom(follow))
                .read_timeout(self.idle_timeout);
            Ok::<_, SetupError>(builder)
        };
        // Without CA certificates, clips of a gateway on this machine can still be fetched.
        let client = match build(builder()?) {
            Ok(client) => client,
            Err(_) => build(builder()?.tls_certs_only([]))?,
        };
        Ok(self.fetch.get_or_init(|| client))
    }
}

/// What all clients have in common: no proxy but the one that was chosen, and no retry.
fn base(connect: Duration, proxy: Option<&ProxyUrl>) -> Result<ClientBuilder, SetupError> {
    let builder = Client::builder()
        .http1_only()
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect);
    let Some(proxy) = proxy else { return Ok(builder) };
    match Proxy::all(proxy.url().clone()) {
        Ok(all) => Ok(builder.proxy(all)),
        Err(error) => Err(SetupError::Proxy { proxy: proxy.clone(), why: explain(&error) }),
    }
}

fn build(builder: ClientBuilder) -> Result<Client, SetupError> {
    builder.build().map_err(|error| SetupError::Tls(explain(&error)))
}

fn follow(attempt: Attempt<'_>) -> Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error(format!("more than {MAX_REDIRECTS} redirects"))
    } else if !matches!(attempt.url().scheme(), "http" | "https") {
        attempt.error("redirected to what is not an http(s) address")
    } else {
        attempt.follow()
    }
}
