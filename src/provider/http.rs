//! The HTTP client of the paid gateway. Promises that a POST leaves at most once, that "not sent"
//! is said only when nothing was, and that the key goes to the gateway alone and into no text.
//! What an answer means is decided in `wire`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Url};
use sha2::{Digest, Sha256};

use crate::catalog::hex;
use crate::domain::account::{Access, BalanceOutcome, ModelsOutcome};
use crate::domain::charge::ChargeOutcome;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId, UploadOutcome};
use crate::domain::time::Clock;

use super::wire::{self, Answer};
use super::{
    Capabilities, Download, FileUpload, Provider, ResumePoint, Submission, TaskHandle, apimodels,
    body,
};
use crate::domain::origin::Origin;

mod account;
mod address;
mod clients;
mod deadline;
mod explain;
mod fetch;
mod headers;
mod meter;
mod proxy;
mod read;
mod redact;
mod settings;
mod slices;
mod unpack;
mod upload;

pub use address::same_gateway;
use deadline::{Deadline, TimedOut};
use explain::{NOT_CONNECTED, explain};
pub use proxy::{BadProxy, PROXY_VARIABLES, ProxyUrl};
pub use settings::{HttpSettings, Pace, SetupError};
use slices::StopSending;

/// The paid gateway over HTTP.
pub struct HttpProvider {
    origin: Origin,
    endpoint: Url,
    authorization: HeaderValue,
    secret: redact::KeyRedactor,
    clock: Arc<dyn Clock>,
    submit_timeout: Duration,
    poll_timeout: Duration,
    patience: fetch::Patience,
    ignored_proxy: Option<&'static str>,
    is_proxied: bool,
    clients: clients::Clients,
}

/// Why a request was not answered.
struct NoAnswer {
    why: String,
    /// Whether a byte of it may have been written.
    was_sent: bool,
}

impl HttpProvider {
    /// Prepares the clients; sends nothing.
    ///
    /// # Errors
    /// When the address is no URL, or plain http to a host that is not loopback, or carries more
    /// than scheme, host, port and path; when the key cannot be sent; when TLS cannot be set up.
    pub fn new(settings: HttpSettings) -> Result<Self, SetupError> {
        let endpoint = address::endpoint(&settings.api_base)?;
        let key = settings.key.trim();
        if key.is_empty() {
            return Err(SetupError::Key("is empty"));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}"))
            .ok()
            .filter(|value| value.to_str().is_ok())
            .ok_or(SetupError::Key("holds a character that cannot stand in a header"))?;
        authorization.set_sensitive(true);
        let account = salted_hash(key, &address::canonical(&endpoint));
        let origin = Origin { address: endpoint.as_str().into(), account: account.into() };
        Ok(Self {
            origin,
            authorization,
            secret: redact::KeyRedactor::new(key),
            clients: clients::Clients::new(&settings, endpoint.scheme() == "https")?,
            endpoint,
            clock: settings.clock,
            submit_timeout: settings.submit_timeout,
            poll_timeout: settings.poll_timeout,
            patience: fetch::Patience { idle: settings.idle_timeout, pace: settings.pace },
            ignored_proxy: settings.ignored_proxy,
            is_proxied: settings.proxy.is_some(),
        })
    }

    async fn submit_once(&self, body: Bytes) -> SubmitOutcome {
        let stop = StopSending::default();
        let request = self
            .clients
            .submit
            .post(self.endpoint.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(slices::body(body, &stop));
        match self.ask(request, self.submit_timeout, Some(&stop)).await {
            Ok(mut answer) => {
                answer.is_proxied = self.is_proxied && proxy::may_be_the_proxys(answer.status);
                let said = wire::submitted(&answer);
                match said {
                    SubmitOutcome::Bought { .. } => said,
                    _ => self.hiding_the_key(&answer).map_or(said, |it| wire::submitted(&it)),
                }
            }
            Err(NoAnswer { why, was_sent: false }) => SubmitOutcome::NotSent { why },
            Err(NoAnswer { why, was_sent: true }) => {
                SubmitOutcome::Doubtful { why: format!("no answer: {why}"), answer: None }
            }
        }
    }

    /// A question to the gateway: free, and with the key.
    fn question(&self, url: Url) -> RequestBuilder {
        let request = self.clients.poll.get(url).header(ACCEPT, "application/json");
        request.header(AUTHORIZATION, self.authorization.clone())
    }

    async fn poll_once(&self, handle: &TaskHandle) -> PollOutcome {
        let mut url = self.endpoint.clone();
        let read =
            |answer: &Answer| wire::polled_for(&handle.task, handle.asked.as_deref(), answer);
        url.query_pairs_mut().append_pair("task_id", handle.task.as_str());
        match self.ask(self.question(url), self.poll_timeout, None).await {
            Ok(answer) => {
                let said = read(&answer);
                let hidden = match said {
                    PollOutcome::Completed { .. } => None,
                    _ => self.hiding_the_key(&answer),
                };
                hidden.map_or(said, |it| read(&it))
            }
            Err(NoAnswer { why, .. }) => PollOutcome::Unanswered { why },
        }
    }

    async fn charge_once(&self, task: &TaskId) -> ChargeOutcome {
        let Some(url) = address::record(&self.endpoint, task.as_str()) else {
            return ChargeOutcome::Unknown {
                why: "the task's id cannot stand in an address".to_owned(),
            };
        };
        match self.ask(self.question(url), self.poll_timeout, None).await {
            Ok(answer) => {
                let hidden = self.hiding_the_key(&answer);
                wire::billed(task, hidden.as_ref().unwrap_or(&answer))
            }
            Err(NoAnswer { why, .. }) => ChargeOutcome::Unknown { why },
        }
    }

    /// Sends a request, once, and reads its answer.
    async fn ask(
        &self,
        request: RequestBuilder,
        within: Duration,
        sending: Option<&StopSending>,
    ) -> Result<Answer, NoAnswer> {
        let mut deadline = Deadline::after(within);
        let no_answer = |why: String, was_sent| NoAnswer { why: self.without_key(&why), was_sent };
        match deadline.wait(request.send()).await {
            Ok(Ok(response)) => {
                // Of a request that was refused no more need be sent. What may yet be accepted is
                // sent to its end.
                if let (Some(sending), 400..) = (sending, response.status().as_u16()) {
                    sending.stop();
                }
                Ok(read::answer(response, &mut deadline, &self.secret, &*self.clock).await)
            }
            Ok(Err(error)) => {
                let was_sent = !(error.is_connect() || error.is_builder());
                Err(no_answer(self.told(&error), was_sent))
            }
            Err(TimedOut) => Err(no_answer(format!("timed out after {within:?}"), true)),
        }
    }

    /// The answer without the key, should it echo it; for reasons only, never for what is bought.
    fn hiding_the_key(&self, answer: &Answer) -> Option<Answer> {
        let answer = answer.clone();
        Some(if let Ok(body) = &answer.body {
            Answer { body: Ok(self.secret.hide_in_body(body)?.into()), ..answer }
        } else {
            Answer { begun: self.secret.hide_in_body(&answer.begun)?.into(), ..answer }
        })
    }

    /// What went wrong, with the proxy that might have helped.
    fn told(&self, error: &reqwest::Error) -> String {
        let why = explain(error);
        match self.ignored_proxy.filter(|_| error.is_connect()) {
            Some(variable) => with_ignored(&why, variable),
            None => why,
        }
    }

    fn without_key(&self, text: &str) -> String {
        self.secret.hide(text)
    }
}

impl Provider for HttpProvider {
    fn capabilities(&self) -> Capabilities {
        let uploads = apimodels::uploads();
        Capabilities { origin: self.origin.clone(), uploads, ..Capabilities::default() }
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        self.submit_once(body(&submission)).boxed()
    }

    fn upload(&self, file: FileUpload) -> BoxFuture<'_, UploadOutcome> {
        self.upload_once(file).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polls = tasks.iter().map(|handle| self.poll_once(handle));
        futures::future::join_all(polls).boxed()
    }

    fn charge<'a>(&'a self, task: &'a TaskHandle) -> BoxFuture<'a, ChargeOutcome> {
        self.charge_once(&task.task).boxed()
    }

    fn balance(&self) -> BoxFuture<'_, BalanceOutcome> {
        self.balance_once().boxed()
    }

    fn models(&self) -> BoxFuture<'_, ModelsOutcome> {
        self.models_once().boxed()
    }

    fn access(&self) -> BoxFuture<'_, Access> {
        self.access_once().boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        let fetched = fetch::fetch(&self.clients, url, resume, self.patience);
        let ignored = self.ignored_proxy;
        fetched
            .map_err(move |error| match ignored {
                Some(variable) if error.why().starts_with(NOT_CONNECTED) => {
                    error.map_why(|why| with_ignored(&why, variable))
                }
                _ => error,
            })
            .boxed()
    }

    fn redact(&self, text: String) -> String {
        self.without_key(&text)
    }
}

fn with_ignored(why: &str, variable: &str) -> String {
    format!("{why}; {variable} is set and was ignored, --proxy URL uses a proxy")
}

/// What tells a key from others, whatever the gateway's address: a salted hash, in hexadecimal digits.
#[must_use]
pub fn key_hash(key: &str) -> String {
    salted_hash(key, &super::apimodels::spec().base.url)
}

/// What tells a key from others, without the key: a hash that is slow to turn back by guessing, salted
/// with an address, in hexadecimal digits.
fn salted_hash(key: &str, address: &str) -> String {
    let salted = |text: &[u8]| {
        Sha256::new().chain_update(b"rushes account").chain_update(address).chain_update(text)
    };
    let mut hash = salted(key.as_bytes()).finalize();
    for _ in 0..KEY_ROUNDS {
        hash = salted(&hash).finalize();
    }
    hex(&hash)
}

/// How often the hash of a key is hashed again.
const KEY_ROUNDS: u32 = 10_000;
