//! A bucket's objects: each operation once, or again and again while its failure passes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectMeta, PutMode, PutOptions,
    PutPayload,
};
use reqwest::Method;

use crate::clips::{BucketUrl, CLIPS, ClipError};

use super::answer::{BucketError, Meaning};
use super::connect::{BucketSettings, Client};
use super::transport::watched;

/// A bucket below a prefix.
#[derive(Clone)]
pub struct Bucket {
    url: BucketUrl,
    client: Client,
    settings: Arc<BucketSettings>,
}

impl Bucket {
    /// Makes a client for it; sends nothing.
    ///
    /// # Errors
    /// When the environment's variables make no sense.
    pub fn new(url: &BucketUrl, settings: BucketSettings) -> Result<Self, ClipError> {
        let client = Client::of(url, &settings)?;
        Ok(Self { url: url.clone(), client, settings: Arc::new(settings) })
    }

    /// Its address.
    #[must_use]
    pub const fn url(&self) -> &BucketUrl {
        &self.url
    }

    /// The names of all objects below `clips/` that may be clips, relative to the prefix.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn clips(&self) -> Result<Vec<String>, ClipError> {
        let prefix = self.key(CLIPS)?;
        let list = || async {
            let found = self.client.store.list(Some(&prefix)).map_ok(|found| found.location);
            found.try_collect::<Vec<_>>().await
        };
        let found = self.again(list).await.map_err(|error| self.at(error, CLIPS))?;
        let below = if self.url.prefix.is_empty() { 0 } else { self.url.prefix.len() + 1 };
        let path = |key: Path| Some(key.as_ref().get(below..)?.to_owned());
        let is_clip = |path: &String| {
            let path = std::path::Path::new(path);
            path.extension().is_some_and(|suffix| suffix == "mp4")
        };
        Ok(found.into_iter().filter_map(path).filter(is_clip).collect())
    }

    /// The first bytes, `most` of them, of the object at `path` below the prefix; `None` when there
    /// is none.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub async fn read(&self, path: &str, most: u64) -> Result<Option<Bytes>, ClipError> {
        let key = self.key(path)?;
        let read = || async {
            let mut found =
                self.client.store.get_opts(&key, GetOptions::default()).await?.into_stream();
            let mut bytes = BytesMut::new();
            while let Some(chunk) = found.try_next().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() as u64 >= most {
                    break;
                }
            }
            bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            Ok(bytes.freeze())
        };
        match self.again(read).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.meaning == Meaning::Missing => Ok(None),
            Err(error) => Err(self.at(error, path)),
        }
    }

    /// Writes a small object, whatever has its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write(
        &self,
        path: &str,
        bytes: Bytes,
        kind: &'static str,
    ) -> Result<(), ClipError> {
        let key = self.key(path)?;
        let attributes = Attributes::from_iter([(Attribute::ContentType, kind)]);
        let write = || {
            let options = PutOptions {
                attributes: attributes.clone(),
                ..PutOptions::from(PutMode::Overwrite)
            };
            async { self.client.store.put_opts(&key, bytes.clone().into(), options).await }
        };
        self.again(write).await.map(drop).map_err(|error| self.at(error, path))
    }

    /// Writes a small object, unless something has its name; whether it did.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add(&self, path: &str, bytes: Bytes) -> Result<bool, ClipError> {
        let key = self.key(path)?;
        let mut tries = 1;
        loop {
            let made = self.create(&key, bytes.clone().into(), Attributes::new()).await;
            match made {
                Ok(()) => return Ok(true),
                Err(error) => match error.meaning {
                    Meaning::Taken => return Ok(false),
                    Meaning::Passing if tries < self.tries() => {}
                    Meaning::Unsupported => {
                        let made = self.replace(&key, bytes.into(), Attributes::new()).await;
                        return made.map(|()| true).map_err(|error| self.at(error, path));
                    }
                    _ => return Err(self.at(error, path)),
                },
            }
            self.pause(tries).await;
            tries += 1;
        }
    }

    /// A link to the object at `path`, signed with the credentials, that serves for so long.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn link(&self, path: &str, lasts: Duration) -> Result<String, ClipError> {
        let key = self.key(path)?;
        let sign = || self.client.signer.signed_url(Method::GET, &key, lasts);
        let link = self.again(sign).await.map_err(|error| self.at(error, path))?;
        Ok(link.into())
    }

    /// Puts an object once, if nothing has its name.
    pub(super) async fn create(
        &self,
        key: &Path,
        payload: PutPayload,
        attributes: Attributes,
    ) -> Result<(), BucketError> {
        let options = PutOptions { attributes, ..PutOptions::from(PutMode::Create) };
        self.once(self.client.store.put_opts(key, payload, options)).await.map(drop)
    }

    /// Puts an object once, whatever has its name.
    pub(super) async fn replace(
        &self,
        key: &Path,
        payload: PutPayload,
        attributes: Attributes,
    ) -> Result<(), BucketError> {
        let options = PutOptions { attributes, ..PutOptions::from(PutMode::Overwrite) };
        self.once(self.client.store.put_opts(key, payload, options)).await.map(drop)
    }

    /// An object's facts; `None` when there is none.
    pub(super) async fn head(
        &self,
        key: &Path,
    ) -> Result<Option<(ObjectMeta, Attributes)>, BucketError> {
        let head = || async {
            let options = GetOptions { head: true, ..GetOptions::default() };
            let found = self.client.store.get_opts(key, options).await?;
            Ok((found.meta, found.attributes))
        };
        match self.again(head).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.meaning == Meaning::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An object from a byte on.
    pub(super) async fn get(&self, key: &Path, from: u64) -> Result<GetResult, BucketError> {
        let range = (from > 0).then_some(GetRange::Offset(from));
        let get = || {
            let options = GetOptions { range: range.clone(), ..GetOptions::default() };
            self.client.store.get_opts(key, options)
        };
        self.again(get).await
    }

    /// The library's own client, for uploads in parts.
    pub(super) fn store(&self) -> &dyn object_store::ObjectStore {
        &*self.client.store
    }

    /// Does an operation once.
    pub(super) async fn once<T>(
        &self,
        operation: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, BucketError> {
        watched(operation).await.map_err(|(error, failure)| BucketError::of(&error, failure))
    }

    /// Does an operation that changes nothing, or the same each time, until it is not a passing
    /// failure.
    async fn again<T, F>(&self, mut operation: impl FnMut() -> F) -> Result<T, BucketError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let mut tries = 1;
        loop {
            match self.once(operation()).await {
                Err(error) if error.meaning == Meaning::Passing && tries < self.settings.tries => {}
                done => return done,
            }
            self.pause(tries).await;
            tries += 1;
        }
    }

    /// How often an operation is tried in all.
    pub(super) fn tries(&self) -> u32 {
        self.settings.tries
    }

    /// The pause after so many tries.
    pub(super) async fn pause(&self, tries: u32) {
        let doubled = self.settings.pause.saturating_mul(1 << tries.saturating_sub(1).min(6));
        tokio::time::sleep(doubled.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }

    /// How long an answer may take.
    pub(super) fn patience(&self) -> Duration {
        self.settings.patience
    }

    /// The name of what lies at `path` below the prefix.
    pub(super) fn key(&self, path: &str) -> Result<Path, ClipError> {
        Path::parse(self.url.key(path)).map_err(|_| ClipError::Refused {
            place: self.url.join(path),
            why: "no object can have that name".to_owned(),
        })
    }

    /// What an operation on `path` failed of.
    pub(super) fn at(&self, error: BucketError, path: &str) -> ClipError {
        error.at(self.url.join(path))
    }
}

/// The bytes of an object as they come; each must come in time.
pub(super) fn bytes_of(
    found: GetResult,
    place: String,
    patience: Duration,
) -> impl futures::Stream<Item = Result<Bytes, ClipError>> + Send + 'static {
    let chunks = found.into_stream();
    let state = (chunks, place);
    futures::stream::try_unfold(state, move |(mut chunks, place)| async move {
        let cut = |why: &str| ClipError::Unreachable { place: place.clone(), why: why.to_owned() };
        match tokio::time::timeout(patience, chunks.next()).await {
            Err(_) => Err(cut("it stopped sending")),
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some((bytes, (chunks, place)))),
            Ok(Some(Err(_))) => Err(cut("the connection was cut")),
        }
    })
}
