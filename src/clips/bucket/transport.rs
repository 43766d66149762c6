//! The HTTP below the library: our own client, bounds in time, and plain HTTP to this machine only.
//! What a store answers to a request that fails is kept for the words of the error, because the
//! library's own words may hold an address with a signature in it.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy};

use crate::disk::cause_told;

use super::answer::{Answer, Failure};

/// How long connecting may take: DNS, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(10);
/// Slower than this, in bytes a second, an upload is broken off.
const MIN_SPEED: u64 = 32 << 10;
/// Where clouds tell a machine or container its own credentials.
const OWN_CREDENTIALS: &str = "169.254.0.0/16,fd00:ec2::/32,metadata.google.internal,metadata";
/// So much of a refusal is read, in bytes.
const MAX_REFUSAL: usize = 16 << 10;

tokio::task_local! {
    /// Why the last request of this operation failed.
    static FAILURE: RefCell<Option<Failure>>;
}

/// Does an operation, and answers with why its last request failed, if that is known.
pub(super) async fn watched<T>(
    operation: impl Future<Output = object_store::Result<T>>,
) -> Result<T, (object_store::Error, Option<Failure>)> {
    let scope = FAILURE.scope(RefCell::new(None), async {
        let done = operation.await;
        done.map_err(|error| (error, FAILURE.with(RefCell::take)))
    });
    scope.await
}

/// Keeps why a request failed. Credentials may be asked for outside of an operation's task.
fn keep(failure: Failure) {
    let _ = FAILURE.try_with(|kept| kept.replace(Some(failure)));
}

/// Makes the client.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    /// Every request goes through it, but for those for the machine's own credentials.
    pub proxy: Option<ProxyAddress>,
    /// How long an answer may take beyond what the body's length needs.
    pub patience: Duration,
}

/// A proxy's address, which may hold a password.
#[derive(Clone)]
pub(super) struct ProxyAddress(pub String);

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyAddress")
    }
}

impl Connector {
    fn client(&self) -> Result<Client, reqwest::Error> {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            let builder = Client::builder()
                .http1_only()
                .user_agent(concat!("rushes/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT.min(self.patience));
            match &self.proxy {
                Some(ProxyAddress(address)) => {
                    let proxy = Proxy::all(address.as_str())?;
                    Ok(builder.proxy(proxy.no_proxy(NoProxy::from_string(OWN_CREDENTIALS))))
                }
                None => Ok::<_, reqwest::Error>(builder),
            }
        };
        // Without CA certificates a store on this machine can still be reached.
        builder()?.build().or_else(|_| builder()?.tls_certs_only([]).build())
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.client().map_err(|error| object_store::Error::Generic {
            store: "bucket",
            source: Box::new(error.without_url()),
        })?;
        Ok(HttpClient::new(Transport { client, patience: self.patience }))
    }
}

/// Sends one request and tries nothing again.
#[derive(Debug)]
struct Transport {
    client: Client,
    patience: Duration,
}

impl HttpService for Transport {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            if let Some(host) = readable_by_others(&request) {
                keep(Failure::Plain(host));
                return Err(HttpError::new(HttpErrorKind::Unknown, Refusal));
            }
            let patience = self.patience + sending(request.body().content_length());
            match tokio::time::timeout(patience, HttpService::call(&self.client, request)).await {
                Ok(Ok(answered)) if answered.status().is_success() => Ok(answered),
                Ok(Ok(answered)) => self.refusal(answered).await,
                Ok(Err(error)) => {
                    keep(Failure::Cut(on_the_way(&error)));
                    // The library would send it again, which is for others to decide.
                    Err(HttpError::new(HttpErrorKind::Unknown, error))
                }
                Err(_) => {
                    keep(Failure::Cut(format!("no answer within {} s", patience.as_secs())));
                    Err(HttpError::new(HttpErrorKind::Unknown, Refusal))
                }
            }
        })
    }
}

impl Transport {
    /// Reads why a store refuses; the library gets the same answer.
    async fn refusal(&self, answered: HttpResponse) -> Result<HttpResponse, HttpError> {
        let (parts, body) = answered.into_parts();
        let read = tokio::time::timeout(self.patience, beginning(body)).await;
        let text = read.unwrap_or_default();
        keep(Failure::Answered(Answer::of(parts.status, &parts.headers, &text)));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(text)))
    }
}

/// The first bytes of a body.
async fn beginning(body: HttpResponseBody) -> Bytes {
    let mut chunks = body.bytes_stream();
    let mut read = BytesMut::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = MAX_REFUSAL.saturating_sub(read.len());
        read.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if read.len() >= MAX_REFUSAL {
            break;
        }
    }
    read.freeze()
}

/// How long a body of so many bytes may take to be sent.
fn sending(bytes: usize) -> Duration {
    Duration::from_secs(bytes as u64 / MIN_SPEED)
}

/// What went wrong on the way, in the words of its deepest cause, which names no address.
fn on_the_way(error: &HttpError) -> String {
    let mut deepest: &(dyn std::error::Error + 'static) = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    let why = cause_told(deepest);
    match error.kind() {
        HttpErrorKind::Connect => format!("could not connect: {why}"),
        _ => why,
    }
}

/// The host of a request that others could read on the way: plain HTTP, and not to this machine. The
/// clouds' own sources of credentials are reached over it within the machine's own link.
fn readable_by_others(request: &HttpRequest) -> Option<String> {
    let uri = request.uri();
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || bare == "fd00:ec2::254" || bare == "fd00:ec2::23"
        }
        Err(_) => bare == "localhost" || bare == "metadata.google.internal" || bare == "metadata",
    };
    (!is_local).then(|| host.to_owned())
}

/// A request that was not sent, or not answered in time.
#[derive(Debug, thiserror::Error)]
#[error("not answered")]
struct Refusal;

#[cfg(test)]
mod tests {
    use object_store::client::HttpRequestBody;

    use super::*;

    #[test]
    fn plain_http_leaves_no_machine() {
        let host = |uri: &str| {
            let mut request = HttpRequest::new(HttpRequestBody::empty());
            *request.uri_mut() = uri.parse().unwrap();
            readable_by_others(&request)
        };
        for uri in [
            "https://s3.example/b/k",
            "http://127.0.0.1:5000/b",
            "http://[::1]:5000/b",
            "http://localhost:9000/b",
            "http://169.254.169.254/latest/api/token",
        ] {
            assert_eq!(host(uri), None, "{uri}");
        }
        for uri in ["http://s3.example/b", "http://10.0.0.1/b", "http://localhost.example/b"] {
            assert!(host(uri).is_some(), "{uri}");
        }
    }
}
