//! The HTTP client of the paid gateway. Promises that a POST leaves at most once, that "not sent"
//! is said only when nothing was, and that the key goes to the gateway alone and into no text.
//! What an answer means is decided in `wire`.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, Url};
use sha2::{Digest, Sha256};

use crate::catalog::hex;
use crate::domain::charge::ChargeOutcome;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use crate::domain::sanitize::plain;
use crate::domain::time::Clock;

use super::wire::{self, Answer, MAX_BODY};
use super::{Capabilities, Download, Provider, ResumePoint, Submission, TaskHandle, body};
use crate::domain::origin::Origin;

mod address;
mod clients;
mod explain;
mod fetch;
mod headers;
mod redact;
mod settings;

use explain::explain;
pub use settings::{HttpSettings, SetupError};

/// The paid gateway over HTTP.
pub struct HttpProvider {
    origin: Origin,
    endpoint: Url,
    authorization: HeaderValue,
    secret: redact::KeyRedactor,
    clock: Arc<dyn Clock>,
    idle_timeout: Duration,
    clients: clients::Clients,
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
        let account = account_of(key, &endpoint);
        let origin = Origin { address: endpoint.as_str().into(), account: account.into() };
        Ok(Self {
            origin,
            authorization,
            secret: redact::KeyRedactor::new(key),
            clients: clients::Clients::new(&settings, endpoint.scheme() == "https")?,
            endpoint,
            clock: settings.clock,
            idle_timeout: settings.idle_timeout,
        })
    }

    async fn submit_once(&self, body: Bytes) -> SubmitOutcome {
        let request = self
            .clients
            .submit
            .post(self.endpoint.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(body);
        match request.send().await {
            Ok(response) => {
                let answer = self.read(response).await;
                let said = wire::submitted(&answer);
                match said {
                    SubmitOutcome::Bought { .. } => said,
                    _ => self.hiding_the_key(&answer).map_or(said, |it| wire::submitted(&it)),
                }
            }
            Err(error) => {
                let why = self.without_key(&explain(&error));
                if error.is_connect() || error.is_builder() {
                    SubmitOutcome::NotSent { why }
                } else {
                    SubmitOutcome::Doubtful { why: format!("no answer: {why}"), answer: None }
                }
            }
        }
    }

    /// A question to the gateway: free, and with the key.
    fn question(&self, url: Url) -> reqwest::RequestBuilder {
        let request = self.clients.poll.get(url).header(ACCEPT, "application/json");
        request.header(AUTHORIZATION, self.authorization.clone())
    }

    async fn poll_once(&self, task: &TaskId) -> PollOutcome {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().append_pair("task_id", task.as_str());
        match self.question(url).send().await {
            Ok(response) => {
                let answer = self.read(response).await;
                let said = wire::polled_of(task, &answer);
                match said {
                    PollOutcome::Completed { .. } => said,
                    _ => self.hiding_the_key(&answer).map_or(said, |it| wire::polled_of(task, &it)),
                }
            }
            Err(error) => PollOutcome::Unanswered { why: self.without_key(&explain(&error)) },
        }
    }

    async fn charge_once(&self, task: &TaskId) -> ChargeOutcome {
        let Some(url) = address::record(&self.endpoint, task.as_str()) else {
            return ChargeOutcome::Unknown {
                why: "the task's id cannot stand in an address".to_owned(),
            };
        };
        match self.question(url).send().await {
            Ok(response) => {
                let answer = self.read(response).await;
                let hidden = self.hiding_the_key(&answer);
                wire::billed(task, hidden.as_ref().unwrap_or(&answer))
            }
            Err(error) => ChargeOutcome::Unknown { why: self.without_key(&explain(&error)) },
        }
    }

    /// Reads an answer, its body within [`MAX_BODY`].
    async fn read(&self, mut response: Response) -> Answer {
        let status = response.status().as_u16();
        let header = |name| {
            response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        // Its own clock, so that ours may be wrong.
        let theirs = header(DATE).and_then(|text| headers::date(&text));
        let now = theirs.unwrap_or_else(|| self.clock.now());
        let retry_after = header(RETRY_AFTER).and_then(|text| headers::retry_after(&text, now));
        let location = header(LOCATION).map(|text| self.without_key(&text));
        let body = self.read_bounded(&mut response).await;
        tracing::debug!(status, bytes = body.as_ref().map_or(0, Bytes::len), "answered");
        Answer { status, retry_after, location, body }
    }

    /// The body, or why it did not arrive whole together with how it began. A body that was cut after
    /// its JSON was complete has told everything: a task id in it reached this machine.
    async fn read_bounded(&self, response: &mut Response) -> Result<Bytes, String> {
        let mut body = BytesMut::new();
        let problem = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                    break format!("the answer is longer than {MAX_BODY} bytes");
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => {
                    if serde_json::from_slice::<serde_json::Map<_, _>>(&body).is_ok() {
                        return Ok(body.freeze());
                    }
                    break format!("the answer broke off ({})", explain(&error));
                }
            }
        };
        let begins = self.without_key(&String::from_utf8_lossy(&body[..body.len().min(2048)]));
        let begins = plain(&begins, 150);
        Err(if begins.is_empty() { problem } else { format!("{problem}; it begins {begins}") })
    }

    /// The answer without the key, should it echo it; for reasons only, never for what is bought.
    fn hiding_the_key(&self, answer: &Answer) -> Option<Answer> {
        let hidden = self.secret.hide_in_body(answer.body.as_ref().ok()?)?;
        Some(Answer { body: Ok(hidden.into()), ..answer.clone() })
    }

    fn without_key(&self, text: &str) -> String {
        self.secret.hide(text)
    }
}

impl Provider for HttpProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities { origin: self.origin.clone(), ..Capabilities::default() }
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        self.submit_once(body(&submission)).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let polls = tasks.iter().map(|handle| self.poll_once(&handle.task));
        futures::future::join_all(polls).boxed()
    }

    fn charge<'a>(&'a self, task: &'a TaskHandle) -> BoxFuture<'a, ChargeOutcome> {
        self.charge_once(&task.task).boxed()
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        let fetched = fetch::fetch(&self.clients, url, resume, self.idle_timeout);
        // A result host that the gateway chose may be named by what it was told.
        fetched.map_err(|unfetched| unfetched.map_why(|why| self.without_key(&why))).boxed()
    }
}

/// Which account a key is of, without the key: a hash that is slow to turn back by guessing, salted
/// with the address, in hexadecimal digits.
fn account_of(key: &str, endpoint: &Url) -> String {
    let salted = |text: &[u8]| {
        Sha256::new()
            .chain_update(b"rushes account")
            .chain_update(endpoint.as_str())
            .chain_update(text)
    };
    let mut hash = salted(key.as_bytes()).finalize();
    for _ in 0..ACCOUNT_ROUNDS {
        hash = salted(&hash).finalize();
    }
    hex(&hash)
}

/// How often the hash of a key is hashed again.
const ACCOUNT_ROUNDS: u32 = 10_000;
