//! A bucket of clips, held against an S3 of the tests with faults on demand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rushes::blocking::Threads;
use rushes::clips::{Bucket, BucketSettings, BucketStore, ClipError, ClipStore, Sweep};
use rushes::domain::time::{Clock, SystemClock};
use tempfile::TempDir;

use super::conformance::{self, conforms};
use super::{Storage, clip, store};
use crate::support::s3::{Fault, S3, error};
use crate::support::{Reply, Request, Script};

/// A bucket and the folder whose clips go there.
struct InBucket(S3, TempDir);

impl InBucket {
    fn with(faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) -> Self {
        Self(S3::with(faults), tempfile::tempdir().unwrap())
    }

    fn calm() -> Self {
        Self::with(|_| None)
    }

    fn bucket(&self) -> Bucket {
        let settings = BucketSettings {
            patience: Duration::from_secs(20),
            pause: Duration::from_millis(1),
            tries: 3,
            ..BucketSettings::new(self.0.variables())
        };
        Bucket::new(&"s3://films/summer".parse().unwrap(), settings).unwrap()
    }

    fn store(&self, keeps: bool) -> BucketStore {
        BucketStore::open(self.bucket(), self.1.path(), keeps, Threads::Pool, Sweep::All).unwrap()
    }
}

impl Storage for InBucket {
    fn open(&self) -> Box<dyn ClipStore> {
        Box::new(self.store(true))
    }

    fn ends_when_dropped(&self) -> bool {
        true
    }
}

/// A store that ignores the condition.
struct Ignorant(InBucket);

impl Storage for Ignorant {
    fn open(&self) -> Box<dyn ClipStore> {
        Box::new(self.0.store(false))
    }

    fn ends_when_dropped(&self) -> bool {
        true
    }
}

/// Every clip goes up in parts.
struct InParts(InBucket);

impl Storage for InParts {
    fn open(&self) -> Box<dyn ClipStore> {
        Box::new(self.0.store(true).with_max_put(40_000))
    }

    fn ends_when_dropped(&self) -> bool {
        true
    }
}

conforms!(scripted, InBucket::calm());
conforms!(ignorant, Ignorant(InBucket::with(|_| Some(Fault::Ignorant))));
conforms!(in_parts, InParts(InBucket::calm()));

const BEACH: &str = "clips/beach.mp4";
const KEY: &str = "summer/clips/beach.mp4";

/// Whether a request puts the clip.
fn puts(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("beach")
}

/// The first so many PUTs of the clip meet this.
fn at_first(
    times: usize,
    fault: impl Fn() -> Fault + Send + 'static,
) -> impl FnMut(&Request) -> Option<Fault> + Send {
    let met = AtomicUsize::new(0);
    move |request| (puts(request) && met.fetch_add(1, Ordering::Relaxed) < times).then(&fault)
}

#[tokio::test]
async fn one_put_carries_the_condition_the_hash_and_what_the_clip_is() {
    let place = InBucket::calm();
    let bytes = Bytes::from_static(include_bytes!("../../../src/simulator/assets/portrait.mp4"));
    let stored = store(&place.store(true), BEACH, &bytes).await.unwrap();
    assert_eq!(place.0.asked(), ["PUT /films/summer/clips/beach.mp4"]);
    let put = &place.0.requests()[0];
    assert_eq!(put.header("if-none-match"), Some("*"));
    assert_eq!(put.header("content-type"), Some("video/mp4"));
    let hash = put.header("x-amz-meta-sha256").unwrap();
    let bytes_of_hash = stored.sha256.map(|byte| format!("{byte:02x}"));
    assert_eq!(hash, bytes_of_hash.concat());
    let info = stored.clip_info.unwrap();
    let told = format!("{} ms, 180x320, silent", info.millis);
    assert_eq!(put.header("x-amz-meta-clip"), Some(&*told));
    assert_eq!(put.body, bytes);
    let left: Vec<_> = std::fs::read_dir(place.1.path().join("spool")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_store_that_is_overloaded_is_asked_again() {
    let place = InBucket::with(at_first(2, || Fault::Before(error(503, "SlowDown"))));
    let stored = store(&place.store(true), BEACH, &clip(1000)).await.unwrap();
    assert_eq!(stored.path, BEACH);
    assert_eq!(place.0.clips(), [KEY]);
}

#[tokio::test]
async fn a_store_that_stays_overloaded_is_no_reason_to_stop() {
    let place = InBucket::with(at_first(99, || Fault::Before(error(503, "SlowDown"))));
    let said = store(&place.store(true), BEACH, &clip(1000)).await;
    let Err(ClipError::Unreachable { place: at, why }) = said else { panic!("{said:?}") };
    assert_eq!(at, "s3://films/summer/clips/beach.mp4");
    assert_eq!(why, "the bucket answers 503 SlowDown");
}

#[tokio::test]
async fn an_answer_that_was_lost_may_have_been_a_yes() {
    let lost: [fn() -> Fault; 4] = [
        || Fault::After(Reply::cut()),
        || Fault::After(error(500, "InternalError")),
        || Fault::After(Reply::text(200, "").cut_after(10)),
        // The condition then refuses what is ours.
        || Fault::After(error(409, "ConditionalRequestConflict")),
    ];
    for fault in lost {
        let place = InBucket::with(at_first(1, fault));
        let stored = store(&place.store(true), BEACH, &clip(1000)).await.unwrap();
        assert_eq!((&*stored.path, place.0.clips()), (BEACH, vec![KEY.to_owned()]));
        let sent = place.0.asked().iter().filter(|asked| asked.starts_with("PUT")).count();
        assert_eq!(sent, 1, "it is looked before it is sent again: {:?}", place.0.asked());
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_patience_lasts() {
    for taken in [true, false] {
        let place = InBucket::with(at_first(1, move || {
            let hang = Reply::hang();
            if taken { Fault::After(hang) } else { Fault::Before(hang) }
        }));
        let settings = BucketSettings {
            patience: Duration::from_millis(300),
            pause: Duration::from_millis(1),
            tries: 3,
            ..BucketSettings::new(place.0.variables())
        };
        let bucket = Bucket::new(&"s3://films/summer".parse().unwrap(), settings).unwrap();
        let clips =
            BucketStore::open(bucket, place.1.path(), true, Threads::Pool, Sweep::All).unwrap();
        let stored = store(&clips, BEACH, &clip(1000)).await.unwrap();
        assert_eq!((&*stored.path, place.0.clips()), (BEACH, vec![KEY.to_owned()]));
        let sent = place.0.asked().iter().filter(|asked| asked.starts_with("PUT")).count();
        assert_eq!(sent, if taken { 1 } else { 2 });
    }
}

#[tokio::test]
async fn what_was_cut_and_not_taken_is_sent_again() {
    let place = InBucket::with(at_first(1, || Fault::Before(Reply::cut())));
    store(&place.store(true), BEACH, &clip(1000)).await.unwrap();
    assert_eq!(place.0.objects()[KEY].bytes, clip(1000));
}

#[tokio::test]
async fn another_writer_in_the_same_moment_is_waited_for() {
    let place =
        InBucket::with(at_first(1, || Fault::Before(error(409, "ConditionalRequestConflict"))));
    let stored = store(&place.store(true), BEACH, &clip(1000)).await.unwrap();
    assert_eq!((&*stored.path, place.0.clips()), (BEACH, vec![KEY.to_owned()]));
}

#[tokio::test]
async fn what_stands_there_stays_and_ours_goes_aside() {
    for keeps in [true, false] {
        let place = InBucket::calm();
        place.0.put(KEY, b"mine");
        place.0.put("summer/clips/beach~aside-1.mp4", &clip(999));
        // The same length, other bytes, no metadata.
        place.0.put("summer/clips/beach~aside-2.mp4", &[0; 1000 + 36]);
        let clips = place.store(keeps);
        let stored = store(&clips, BEACH, &clip(1000)).await.unwrap();
        assert_eq!(stored.path, "clips/beach~aside-3.mp4");
        assert_eq!(place.0.objects()[KEY].bytes, b"mine");
        assert_eq!(place.0.objects()["summer/clips/beach~aside-3.mp4"].bytes, clip(1000));
        // A run that was killed before it wrote that down finds it again.
        assert_eq!(store(&place.store(keeps), BEACH, &clip(1000)).await.unwrap(), stored);
        assert_eq!(place.0.clips().len(), 4);
    }
}

#[tokio::test]
async fn the_same_bytes_without_metadata_are_ours() {
    let place = InBucket::calm();
    place.0.put(KEY, &clip(1000));
    let stored = store(&place.store(true), BEACH, &clip(1000)).await.unwrap();
    assert_eq!((&*stored.path, place.0.clips().len()), (BEACH, 1));
    let adopted = place.store(true).adopt(BEACH, SystemClock.now()).await.unwrap();
    assert_eq!(adopted, Some(stored));
    place.0.put(KEY, b"no clip");
    assert_eq!(place.store(true).look(BEACH).await.unwrap(), None);
}

#[tokio::test]
async fn what_the_bucket_refuses_stops_the_run_and_shows_no_secret() {
    for (status, code) in
        [(403, "AccessDenied"), (401, "Unauthorized"), (404, "NoSuchBucket"), (301, "Moved")]
    {
        let place = InBucket::with(at_first(99, move || Fault::Before(error(status, code))));
        let said = store(&place.store(true), BEACH, &clip(1000)).await.unwrap_err();
        assert!(matches!(said, ClipError::Refused { .. }), "{said:?}");
        let text = format!("{said} {said:?}");
        assert!(text.contains(&format!("{status} {code}")), "{text}");
        assert!(!text.contains("very-secret-key") && !text.contains("http://"), "{text}");
        assert_eq!(place.0.asked().len(), 1, "once is enough: {:?}", place.0.asked());
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let mut variables = crate::support::s3::variables("http://s3.invalid:9000");
    variables.push(("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()));
    let settings = BucketSettings { tries: 1, ..BucketSettings::new(variables) };
    let bucket = Bucket::new(&"s3://films/summer".parse().unwrap(), settings).unwrap();
    let said = bucket.probe().await.unwrap_err().to_string();
    assert!(said.contains("plain http to s3.invalid"), "{said}");
}

#[tokio::test]
async fn a_proxy_gets_everything_and_its_password_is_shown_nowhere() {
    let proxy = Script::new().on(|_| Some(error(403, "AccessDenied"))).serve();
    let place = InBucket::calm();
    let address = proxy.url().replace("http://", "http://me:s3cret@");
    let settings = BucketSettings {
        proxy: Some(address),
        tries: 1,
        ..BucketSettings::new(place.0.variables())
    };
    assert!(!format!("{settings:?}").contains("s3cret"));
    let bucket = Bucket::new(&"s3://films/summer".parse().unwrap(), settings).unwrap();
    let said = bucket.probe().await.unwrap_err();
    assert!(said.to_string().contains("403 AccessDenied"), "{said}");
    assert!(!format!("{said} {said:?}").contains("s3cret"));
    assert!(proxy.requests()[0].target.starts_with(&place.0.url()), "{:?}", proxy.requests());
    assert!(place.0.asked().is_empty());
}

#[tokio::test]
async fn the_probe_tells_stores_apart() {
    let place = InBucket::calm();
    assert!(place.bucket().probe().await.unwrap(), "the first run");
    assert!(place.bucket().probe().await.unwrap(), "the next one");
    assert_eq!(place.0.asked().len(), 3);
    let place = InBucket::with(|_| Some(Fault::Ignorant));
    assert!(!place.bucket().probe().await.unwrap());
    let unknown = |request: &Request| {
        let asks = request.header("if-none-match").is_some();
        asks.then(|| Fault::Before(error(501, "NotImplemented")))
    };
    let place = InBucket::with(unknown);
    assert!(!place.bucket().probe().await.unwrap());
    assert!(place.0.objects().contains_key("summer/.rushes-probe"));
    let lost = InBucket::with({
        let mut first = true;
        move |_| std::mem::take(&mut first).then(|| Fault::After(Reply::cut()))
    });
    assert!(lost.bucket().probe().await.unwrap());
    for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket")] {
        let place = InBucket::with(move |_| Some(Fault::Before(error(status, code))));
        let said = place.bucket().probe().await;
        assert!(matches!(said, Err(ClipError::Refused { .. })), "{said:?}");
    }
}

#[tokio::test]
async fn an_upload_in_parts_that_breaks_is_made_whole() {
    for (broken, lost) in [("partNumber=2", false), ("uploadId=upload-0", true)] {
        let mut first = true;
        let place = InBucket::with(move |request| {
            let meant = request.target.contains(broken)
                && (request.method == "POST" || !lost)
                && std::mem::take(&mut first);
            let reply = if lost { Fault::After(Reply::cut()) } else { Fault::Before(Reply::cut()) };
            meant.then_some(reply)
        });
        let clips = place.store(true).with_max_put(40_000);
        let stored = store(&clips, BEACH, &clip(100_000)).await.unwrap();
        assert_eq!(stored.path, BEACH);
        assert_eq!(place.0.objects()[KEY].bytes, clip(100_000), "{broken}");
    }
}

#[tokio::test]
async fn clips_are_listed_over_several_pages() {
    let place = InBucket::calm();
    for name in ["a.mp4", "day 1/b~2.mp4", "c.mp4", "d.txt", "海.mp4"] {
        place.0.put(&format!("summer/clips/{name}"), b"x");
    }
    place.0.put("summer/results.csv", b"x");
    place.0.put("summer2/clips/z.mp4", b"x");
    let mut found = place.bucket().clips().await.unwrap();
    found.sort();
    assert_eq!(found, ["clips/a.mp4", "clips/c.mp4", "clips/day 1/b~2.mp4", "clips/海.mp4"]);
}

#[tokio::test]
async fn small_objects_are_read_and_replaced_and_links_are_signed() {
    let place = InBucket::calm();
    let bucket = place.bucket();
    assert_eq!(bucket.read("ledger.id", 100).await.unwrap(), None);
    for text in ["one", "another"] {
        bucket.write("ledger.id", Bytes::from(text), "text/plain").await.unwrap();
        assert_eq!(bucket.read("ledger.id", 100).await.unwrap().unwrap(), text);
    }
    assert_eq!(bucket.read("ledger.id", 3).await.unwrap().unwrap(), "ano");
    let link = bucket.link("clips/beach~2.mp4", Duration::from_secs(60)).await.unwrap();
    assert!(link.starts_with(&format!("{}/films/summer/clips/beach~2.mp4?", place.0.url())));
    assert!(link.contains("X-Amz-Expires=60") && !link.contains("very-secret"), "{link}");
}
