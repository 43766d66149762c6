//! A bucket of the tests: as much of S3 as clips need, on the scripted server, with faults where a
//! test says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Reply, Request, Script, Server};

/// An object as it was put.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its metadata: names without `x-amz-meta-`.
    pub metadata: Vec<(String, String)>,
    /// When it was put, as HTTP tells it.
    pub modified: String,
}

/// What happens to a request besides what S3 does.
pub enum Fault {
    /// It is answered so, and nothing else happens.
    Before(Reply),
    /// It is done, and answered so.
    After(Reply),
    /// A PUT's condition is ignored.
    Ignorant,
}

type Faults = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// The bucket `films`, reached by path: `http://127.0.0.1:PORT/films/KEY`.
pub struct S3 {
    server: Server,
    objects: Arc<Mutex<BTreeMap<String, Object>>>,
}

impl S3 {
    /// One with faults.
    pub fn with(faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) -> Self {
        let objects = Arc::new(Mutex::new(BTreeMap::new()));
        let mut state = State {
            objects: Arc::clone(&objects),
            uploads: BTreeMap::new(),
            faults: Box::new(faults),
        };
        let server = Script::new().on(move |request| Some(state.answer(request))).serve();
        Self { server, objects }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The environment that leads here.
    pub fn variables(&self) -> Vec<(String, String)> {
        variables(&self.url())
    }

    /// What lies in it, by key.
    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.objects.lock().unwrap()
    }

    /// The keys below `summer/clips/`.
    pub fn clips(&self) -> Vec<String> {
        let objects = self.objects();
        objects.keys().filter(|key| key.starts_with("summer/clips/")).cloned().collect()
    }

    /// Puts an object as somebody else does.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let object = Object { bytes: bytes.to_vec(), metadata: Vec::new(), modified: now() };
        self.objects().insert(key.to_owned(), object);
    }

    /// What was asked: `PUT /films/summer/clips/a.mp4`.
    pub fn asked(&self) -> Vec<String> {
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let requests = self.server.requests();
        requests.iter().map(|it| format!("{} {}", it.method, path(&it.target))).collect()
    }

    /// Everything that was asked.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}

/// The environment that leads to an S3 of the tests.
pub fn variables(url: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "AKIDTESTS"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// An S3 error.
pub fn error(status: u16, code: &str) -> Reply {
    Reply::text(status, &format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

struct State {
    objects: Arc<Mutex<BTreeMap<String, Object>>>,
    uploads: BTreeMap<String, Object>,
    faults: Faults,
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        match (self.faults)(request) {
            None => self.perform(request, true),
            Some(Fault::Ignorant) => self.perform(request, false),
            Some(Fault::Before(reply)) => reply,
            Some(Fault::After(reply)) => {
                self.perform(request, true);
                reply
            }
        }
    }

    fn perform(&mut self, request: &Request, heeds: bool) -> Reply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
        let Some(key) = path.strip_prefix("/films") else { return error(404, "NoSuchBucket") };
        let key = key.trim_start_matches('/');
        let has = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
        match request.method.as_str() {
            "GET" if key.is_empty() => self.list(query),
            "POST" if has("uploads") => {
                let id = format!("upload-{}", self.uploads.len());
                self.uploads.insert(id.clone(), object(request));
                let xml = format!(
                    "<InitiateMultipartUploadResult><Bucket>films</Bucket><Key>k</Key>\
                     <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                Reply::text(200, &xml)
            }
            "PUT" if has("partNumber") => {
                let Some(begun) = self.uploads.get_mut(id(query)) else {
                    return error(404, "NoSuchUpload");
                };
                begun.bytes.extend_from_slice(&request.body);
                Reply::text(200, "").header("ETag", "\"part\"")
            }
            "POST" if has("uploadId") => {
                let Some(whole) = self.uploads.remove(id(query)) else {
                    return error(404, "NoSuchUpload");
                };
                self.objects.lock().unwrap().insert(key.to_owned(), whole);
                let xml = "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag>\
                           </CompleteMultipartUploadResult>";
                Reply::text(200, xml)
            }
            "DELETE" if has("uploadId") => {
                self.uploads.remove(id(query));
                Reply::text(204, "")
            }
            "PUT" => {
                let mut objects = self.objects.lock().unwrap();
                if heeds && request.header("if-none-match").is_some() && objects.contains_key(key) {
                    return error(412, "PreconditionFailed");
                }
                let put = Object { bytes: request.body.clone(), ..object(request) };
                objects.insert(key.to_owned(), put);
                Reply::text(200, "").header("ETag", "\"one\"")
            }
            method => {
                let objects = self.objects.lock().unwrap();
                match objects.get(key) {
                    Some(found) => found.answer(method, request.header("range")),
                    None if method == "HEAD" => Reply::text(404, ""),
                    None => error(404, "NoSuchKey"),
                }
            }
        }
    }

    /// A page of two, so that more are asked for.
    fn list(&self, query: &str) -> Reply {
        let param = |name: &str| {
            let found =
                query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8().unwrap();
            found.map(|text| decode(text).into_owned())
        };
        let (prefix, after) = (param("prefix").unwrap_or_default(), param("continuation-token"));
        let objects = self.objects.lock().unwrap();
        let mut keys = objects.iter().filter(|(key, _)| {
            key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after)
        });
        let page: Vec<_> = keys.by_ref().take(2).collect();
        let entry = |(key, object): &(&String, &Object)| {
            let size = object.bytes.len();
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-28T00:00:00.000Z\
                 </LastModified><ETag>\"e\"</ETag><Size>{size}</Size></Contents>"
            )
        };
        let contents = page.iter().map(entry).collect::<Vec<_>>().concat();
        let next = match (keys.next(), page.last()) {
            (Some(_), Some((last, _))) => {
                format!("<NextContinuationToken>{last}</NextContinuationToken>")
            }
            _ => String::new(),
        };
        Reply::text(200, &format!("<ListBucketResult>{contents}{next}</ListBucketResult>"))
    }
}

impl Object {
    fn answer(&self, method: &str, range: Option<&str>) -> Reply {
        let length = self.bytes.len();
        let from = range.map_or(0, |range| {
            let from = range.strip_prefix("bytes=").unwrap().split('-').next().unwrap();
            from.parse::<usize>().unwrap()
        });
        if from > 0 && from >= length {
            return error(416, "InvalidRange");
        }
        let reply = match (method, range) {
            ("HEAD", _) => Reply::text(200, "").header("Content-Length", &length.to_string()),
            (_, None) => Reply::bytes(200, &self.bytes),
            (_, Some(_)) => Reply::bytes(206, &self.bytes[from..])
                .header("Content-Range", &format!("bytes {from}-{}/{length}", length - 1)),
        };
        let reply = reply.header("ETag", "\"e\"").header("Last-Modified", &self.modified);
        let named = |reply: Reply, (name, value): &(String, String)| {
            reply.header(&format!("x-amz-meta-{name}"), value)
        };
        self.metadata.iter().fold(reply, named)
    }
}

/// The upload that a query names.
fn id(query: &str) -> &str {
    query.split('&').find_map(|part| part.strip_prefix("uploadId=")).unwrap_or_default()
}

/// An object without bytes, as a request describes it.
fn object(request: &Request) -> Object {
    let metadata = |(name, value): &(String, String)| {
        let name = name.to_ascii_lowercase();
        Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.clone()))
    };
    let metadata = request.headers.iter().filter_map(metadata).collect();
    Object { bytes: Vec::new(), metadata, modified: now() }
}

/// Now, as HTTP tells it.
fn now() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
