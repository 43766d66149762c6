//! From an address and the environment to a client of the cloud's own protocol. The variables have
//! the names that the cloud's own tools use.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use crate::clips::{BucketUrl, ClipError, Cloud};

use super::transport::{Connector, ProxyAddress};

/// How a bucket is reached.
#[derive(Clone)]
pub struct BucketSettings {
    /// Environment variables of the cloud's own tools, such as `AWS_ACCESS_KEY_ID`.
    pub variables: Vec<(String, String)>,
    /// The proxy that everything goes through: `http://HOST:PORT`, perhaps with a password.
    pub proxy: Option<String>,
    /// How long an answer may take, beyond what sending the clip needs.
    pub patience: Duration,
    /// The first of the growing pauses between tries.
    pub pause: Duration,
    /// How often an operation is tried in all, at least once.
    pub tries: u32,
}

impl BucketSettings {
    /// The usual ones.
    #[must_use]
    pub fn new(variables: Vec<(String, String)>) -> Self {
        Self {
            variables,
            proxy: None,
            patience: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            tries: 5,
        }
    }
}

/// Without the variables, which hold secrets.
impl std::fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketSettings").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// A client of a cloud.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Reads and writes objects.
    pub store: Arc<dyn ObjectStore>,
    /// Signs links.
    pub signer: Arc<dyn Signer>,
}

impl Client {
    /// Makes it; sends nothing.
    pub(super) fn of(url: &BucketUrl, settings: &BucketSettings) -> Result<Self, ClipError> {
        let built = match url.cloud {
            Cloud::S3 => s3(url, settings).map(Self::from_store),
            Cloud::Google => google(url, settings).map(Self::from_store),
            Cloud::Azure => azure(url, settings).map(Self::from_store),
        };
        built.map_err(|error| ClipError::Refused {
            place: url.to_string(),
            why: unusable(&error, url.cloud),
        })
    }

    fn from_store<T: ObjectStore + Signer>(store: T) -> Self {
        let store = Arc::new(store);
        Self { store: Arc::clone(&store) as _, signer: store }
    }
}

/// What is wrong with the settings; the library's own words may show a secret.
fn unusable(error: &object_store::Error, cloud: Cloud) -> String {
    let variables = cloud.variables();
    match error {
        object_store::Error::UnknownConfigurationKey { key, .. } => {
            format!("the variable {key} is not understood")
        }
        _ => format!("the variables {variables}… do not say how it is reached"),
    }
}

/// The variables that the library knows.
fn known<K: FromStr>(settings: &BucketSettings) -> impl Iterator<Item = (K, &str)> {
    settings.variables.iter().filter_map(|(name, value)| {
        let key = name.to_ascii_lowercase().parse().ok()?;
        Some((key, value.as_str()))
    })
}

fn s3(
    url: &BucketUrl,
    settings: &BucketSettings,
) -> object_store::Result<object_store::aws::AmazonS3> {
    let mut builder = AmazonS3Builder::new();
    for (key, value) in known(settings) {
        builder = builder.with_config(key, value);
    }
    builder
        .with_bucket_name(&url.bucket)
        .with_allow_http(true)
        .with_retry(once())
        .with_http_connector(connector(settings))
        .build()
}

fn google(
    url: &BucketUrl,
    settings: &BucketSettings,
) -> object_store::Result<object_store::gcp::GoogleCloudStorage> {
    let mut builder = GoogleCloudStorageBuilder::new();
    for (key, value) in known(settings) {
        builder = builder.with_config(key, value);
    }
    builder
        .with_bucket_name(&url.bucket)
        .with_retry(once())
        .with_http_connector(connector(settings))
        .build()
}

fn azure(
    url: &BucketUrl,
    settings: &BucketSettings,
) -> object_store::Result<object_store::azure::MicrosoftAzure> {
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in known(settings) {
        builder = builder.with_config(key, value);
    }
    builder
        .with_container_name(&url.bucket)
        .with_allow_http(true)
        .with_retry(once())
        .with_http_connector(connector(settings))
        .build()
}

/// The library tries nothing again: [`super::objects`] does, after it has looked what the last try did.
fn once() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, ..RetryConfig::default() }
}

fn connector(settings: &BucketSettings) -> Connector {
    let proxy = settings.proxy.clone().map(ProxyAddress);
    Connector { proxy, patience: settings.patience }
}
