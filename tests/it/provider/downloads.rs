//! The HTTP client's downloads against a scripted server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use rushes::domain::outcome::DownloadError;
use rushes::provider::{Download, HttpProvider, HttpSettings, Pace, Provider, ResumePoint};
use rushes::scheduler::RunOutcome;

use super::http::{gateway, hasty};
use crate::disk::{CLIP, sold};
use crate::scheduler::stage::{Stage, shots};
use crate::support::{Reply, Request, Script};

async fn read(download: Download) -> Result<Vec<u8>, DownloadError> {
    let chunks: Vec<_> = download.bytes.collect().await;
    chunks.into_iter().try_fold(Vec::new(), |mut all, chunk| {
        all.extend_from_slice(&chunk?);
        Ok(all)
    })
}

async fn fetch(reply: Reply, resume: Option<&ResumePoint>) -> Result<Download, DownloadError> {
    let server = Script::new().get(reply).serve();
    // The server goes when this returns; what it sent whole is in the client's hands by then.
    gateway(&server).fetch(&(server.url() + "/a.mp4?sig=1"), resume).await
}

#[tokio::test]
async fn a_clip_is_fetched_without_the_key_and_like_a_browser_does() {
    let server = Script::new()
        .get(Reply::text(302, "").header("Location", "/b.mp4"))
        .get(Reply::text(200, "clip").header("ETag", "\"v1\""))
        .serve();
    let gateway = gateway(&server);
    let download = gateway.fetch(&(server.url() + "/a.mp4?sig=1"), None).await.unwrap();
    assert_eq!((download.starts_at, download.total), (0, Some(4)));
    assert_eq!(download.validator.as_deref(), Some("\"v1\""));
    assert_eq!(read(download).await, Ok(b"clip".to_vec()));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("referer"), None);
        assert_eq!(request.header("range"), None);
        assert!(request.header("user-agent").unwrap().starts_with("Mozilla/5.0"));
    }
}

#[tokio::test]
async fn a_download_goes_on_where_it_stopped() {
    let can_resume = |request: &Request| {
        let part = Reply::text(206, "ip").header("Content-Range", "bytes 2-3/4");
        let part = part.header("ETag", "\"v1\"");
        (request.connection == 1 && request.header("range") == Some("bytes=2-")).then_some(part)
    };
    let server = Script::new().on(can_resume).get(Reply::text(200, "clip")).serve();
    let point = ResumePoint { at: 2, validator: "\"v1\"".into(), total: Some(4) };
    let gateway = gateway(&server);
    let url = server.url();
    let download = gateway.fetch(&url, Some(&point)).await.unwrap();
    assert_eq!((download.starts_at, download.total), (2, Some(4)));
    assert_eq!(read(download).await, Ok(b"ip".to_vec()));
    let gateway = self::gateway(&server);
    let download = gateway.fetch(&url, Some(&point)).await.unwrap();
    assert_eq!((download.starts_at, download.total), (0, Some(4)));
    for request in server.requests() {
        assert_eq!(request.header("range"), Some("bytes=2-"));
        assert_eq!(request.header("if-range"), Some("\"v1\""));
    }
}

#[tokio::test]
async fn field_44_a_part_that_may_be_of_another_file_is_not_taken_and_all_begins_anew() {
    let point = ResumePoint { at: 2, validator: "\"v1\"".into(), total: Some(4) };
    let part = |range| Reply::text(206, "ip").header("Content-Range", range);
    let tagged = |range| part(range).header("ETag", "\"v1\"");
    for reply in [
        part("bytes 2-3/4"),
        tagged("bytes 1-2/4"),
        tagged("nonsense"),
        Reply::text(206, "ip").header("ETag", "\"v1\""),
        part("bytes 2-3/4").header("ETag", "\"v2\""),
        tagged("bytes 2-3/5"),
        Reply::text(416, ""),
    ] {
        let server = Script::new().get(reply).get(Reply::text(200, "other")).serve();
        let download = gateway(&server).fetch(&server.url(), Some(&point)).await.unwrap();
        assert_eq!((download.starts_at, download.total), (0, Some(5)));
        assert_eq!(read(download).await, Ok(b"other".to_vec()));
        assert_eq!(server.requests()[1].header("range"), None);
    }
    let said = fetch(part("bytes 2-3/4"), None).await.map(|_| ());
    assert!(matches!(said, Err(DownloadError::Broken { .. })), "{said:?}");
}

#[tokio::test]
async fn field_39_a_trickling_download_is_broken_off() {
    let reply = Reply::text(200, &"c".repeat(5000)).drip(Duration::from_millis(20));
    let server = Script::new().get(reply).serve();
    let pace = Pace { bytes_per_s: 1000, patience: Duration::from_millis(300) };
    let provider = HttpProvider::new(HttpSettings { pace, ..hasty(&server.url()) }).unwrap();
    let download = provider.fetch(&server.url(), None).await.unwrap();
    let said = read(download).await.unwrap_err();
    assert!(
        matches!(&said, DownloadError::Broken { why } if why.contains("slower than 1000 bytes/s")),
        "{said:?}"
    );
}

/// A whole run over a socket: the pace is no setting of a manifest, so it is shortened here.
#[tokio::test]
async fn field_39_eight_trickling_downloads_do_not_block_the_others() {
    let trickle = Reply::text(200, &"c".repeat(5000)).drip(Duration::from_millis(20));
    let served = Arc::new(AtomicUsize::new(0));
    let fetched = Arc::clone(&served);
    let server = Script::new()
        .on(move |request: &Request| {
            if !request.target.starts_with("/clip") {
                return Some(sold(request, CLIP));
            }
            let is_slow = fetched.fetch_add(1, Ordering::Relaxed) < 8;
            Some(if is_slow { trickle.clone() } else { Reply::bytes(200, CLIP) })
        })
        .serve();
    let pace = Pace { bytes_per_s: 1000, patience: Duration::from_millis(300) };
    let settings =
        HttpSettings { pace, idle_timeout: Duration::from_secs(60), ..hasty(&server.url()) };
    let provider = Arc::new(HttpProvider::new(settings).unwrap());
    let mut stage = Stage::new();
    stage.options.limits.poll_every = Duration::from_millis(20);
    stage.options.limits.rate.count = 100;
    let twelve = shots(12);
    let run = stage.run_with(&twelve, provider);
    let (ended, progress) = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap();
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 12));
    assert_eq!(served.load(Ordering::Relaxed), 20, "eight were fetched again");
}

#[tokio::test]
async fn only_gone_statuses_say_that_a_clip_is_gone() {
    for status in [403, 404, 410] {
        let said = fetch(Reply::text(status, ""), None).await.map(|_| ());
        assert!(matches!(said, Err(DownloadError::Gone { .. })), "{said:?}");
    }
    for status in [204, 304, 400, 401, 429, 500, 503] {
        let said = fetch(Reply::text(status, ""), None).await.map(|_| ());
        assert!(matches!(said, Err(DownloadError::Broken { .. })), "{said:?}");
    }
}

#[tokio::test]
async fn a_download_that_breaks_or_stands_still_ends_with_its_reason() {
    for (reply, word) in [
        (Reply::text(200, "clip").cut_before_end(1), ""),
        (Reply::text(200, "clip").hang_before_end(1), "nothing came for"),
    ] {
        let server = Script::new().get(reply).serve();
        let gateway = HttpProvider::new(hasty(&server.url())).unwrap();
        let download = gateway.fetch(&server.url(), None).await.unwrap();
        let said = read(download).await.unwrap_err();
        assert!(matches!(&said, DownloadError::Broken { why } if why.contains(word)), "{said:?}");
    }
    let server = Script::new().get(Reply::hang()).serve();
    let gateway = HttpProvider::new(hasty(&server.url())).unwrap();
    let said = gateway.fetch(&server.url(), None).await.map(|_| ()).unwrap_err();
    assert!(said.why().contains("nothing came for"), "{said:?}");
}

#[tokio::test]
async fn a_slow_download_that_keeps_coming_is_not_given_up() {
    let reply = Reply::text(200, "clip").drip(Duration::from_millis(10));
    let server = Script::new().get(reply).serve();
    let gateway = HttpProvider::new(HttpSettings {
        idle_timeout: Duration::from_secs(20),
        ..hasty(&server.url())
    });
    let download = gateway.unwrap().fetch(&server.url(), None).await.unwrap();
    assert_eq!(read(download).await, Ok(b"clip".to_vec()));
}

#[tokio::test]
async fn only_the_web_is_fetched_from_and_no_circle_is_run() {
    let server = Script::new()
        .get(Reply::text(302, "").header("Location", "file:///etc/passwd"))
        .always_get(Reply::text(302, "").header("Location", "/again"))
        .serve();
    let gateway = gateway(&server);
    for url in ["data:video/mp4;base64,AA", "file:///etc/passwd", "ftp://h/a", "", "a.mp4"] {
        let said = gateway.fetch(url, None).await.map(|_| ()).unwrap_err();
        assert!(said.why().contains("is not an http(s) address"), "{said:?}");
    }
    assert_eq!(server.connections(), 0);
    for requests in [1, 12] {
        let said = gateway.fetch(&server.url(), None).await.map(|_| ()).unwrap_err();
        assert!(matches!(said, DownloadError::Broken { .. }), "{said:?}");
        assert_eq!(server.requests().len(), requests);
    }
}
