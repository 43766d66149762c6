//! What a run does with a bucket, and when either of them fails.

use std::fs;
use std::path::Path;

use super::{OUT, at, posts, report, run};
use crate::disk::{CLIP, all_delivered, each_once, sells};
use crate::support::s3::{Fault, S3, error};
use crate::support::{Reply, Request};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn puts_a_clip(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("/clips/")
}

#[test]
fn clips_table_page_and_mark_lie_in_the_bucket_and_the_ledger_here() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a", "b"]), gateway.url());
    let done = sandbox.run_words(&run(&url, &[])).exits(0);
    let done = done.says("clips: s3://films/summer/clips");
    let done = done.says("all on one page: s3://films/summer/contact-sheet.html");
    let keys: Vec<String> = s3.objects().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "summer/.rushes-probe",
            "summer/clips/a.mp4",
            "summer/clips/b.mp4",
            "summer/contact-sheet.html",
            "summer/ledger.id",
            "summer/results.csv",
        ]
    );
    assert_eq!(s3.objects()["summer/clips/a.mp4"].bytes, CLIP);
    let page = String::from_utf8(s3.objects()["summer/contact-sheet.html"].bytes.clone()).unwrap();
    assert!(
        page.contains("\"path\":\"clips/a.mp4\"") || page.contains("\"path\": \"clips/a.mp4\"")
    );
    let table = String::from_utf8(s3.objects()["summer/results.csv"].bytes.clone()).unwrap();
    assert!(table.contains("clips/b.mp4"), "{table}");
    all_delivered(&report(&sandbox), 2);
    assert_eq!(report(&sandbox)["shots"][0]["files"], serde_json::json!(["clips/a.mp4"]));
    let home = sandbox.path("renders/night");
    assert!(home.join("ledger.sqlite").exists() && !home.join("clips").exists());
    // No secret is written or said.
    let secrets = ["very-secret-key", "X-Amz-Signature", "secret-key"];
    for file in files(&sandbox.path(".")) {
        let bytes = fs::read(&file).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
    assert!(secrets.iter().all(|secret| !done.stderr().contains(secret)));
    // The same command again, and one that does not name the bucket.
    for words in [run(&url, &["-vv"]), vec!["run", "shots.yaml", "--api-base", &url]] {
        let again = sandbox.run_words(&words).exits(0);
        assert!(secrets.iter().all(|secret| !again.stderr().contains(secret)));
    }
    each_once(&[&gateway], &["a", "b"]);
    assert_eq!(s3.clips().len(), 2);
}

#[cfg(unix)]
#[test]
fn killed_between_the_put_and_the_commit_a_clip_is_found_again() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a", "b"]), gateway.url());
    // Bought first, so that it dies with no POST on the wire.
    sandbox.run_words(&run(&url, &["--no-download"])).exits(1);
    let mut second = sandbox.command(&run(&url, &[]));
    let died = second.env("RUSHES_DIE_AT", "clips stored:1").output().unwrap();
    assert_eq!(died.status.code(), None, "{died:?}");
    let before = s3.clips();
    assert!(!before.is_empty());
    let again = sandbox.run_words(&run(&url, &[])).exits(0);
    assert!(!again.stderr().contains("stands at"), "it is ours: {}", again.stderr());
    all_delivered(&report(&sandbox), 2);
    assert_eq!(s3.clips(), ["summer/clips/a.mp4", "summer/clips/b.mp4"]);
    each_once(&[&gateway], &["a", "b"]);
    let spool = sandbox.path("renders/night/spool");
    assert!(files(&spool).is_empty(), "what the killed run left is swept");
}

#[test]
fn an_overloaded_bucket_is_waited_for() {
    let mut times = 0;
    let s3 = S3::with(move |request| {
        if !puts_a_clip(request) {
            return None;
        }
        times += 1;
        match times {
            1 => Some(Fault::Before(error(503, "SlowDown"))),
            2 => Some(Fault::After(Reply::cut())),
            _ => None,
        }
    });
    let gateway = sells();
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    all_delivered(&report(&sandbox), 1);
    assert_eq!((posts(&gateway), s3.clips().len()), (1, 1));
}

#[test]
fn a_bucket_that_begins_to_refuse_stops_the_run_and_what_was_bought_is_fetched_later() {
    let refuses = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let asked = std::sync::Arc::clone(&refuses);
    let s3 = S3::with(move |request| {
        let refuses = asked.load(std::sync::atomic::Ordering::Relaxed) && puts_a_clip(request);
        refuses.then(|| Fault::Before(error(403, "AccessDenied")))
    });
    let gateway = sells();
    let ids = ["a", "b", "c", "d", "e", "f"];
    let (sandbox, url) = (at(&s3.url(), &ids), gateway.url());
    let done = sandbox.run_words(&run(&url, &["--in-flight", "1"])).exits(3);
    let done = done.warns("clips cannot be stored").warns("403 AccessDenied");
    done.warns("nothing is lost").warns("--out 's3://films/summer'");
    let bought = posts(&gateway);
    assert!(bought < ids.len(), "nothing more is submitted: {bought}");
    assert_eq!(report(&sandbox)["counts"]["rendered"], bought);
    refuses.store(false, std::sync::atomic::Ordering::Relaxed);
    sandbox.run_words(&run(&url, &[])).exits(0);
    all_delivered(&report(&sandbox), ids.len());
    each_once(&[&gateway], &ids);
}

#[test]
fn what_stands_at_a_clips_name_stays_and_the_clip_goes_aside() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    // Clips without a ledger would be refused: a run that buys nothing makes it first.
    sandbox.run_words(&run(&url, &["--deadline", "1ms"])).exits(3);
    s3.put("summer/clips/a.mp4", b"mine");
    let done = sandbox.run_words(&run(&url, &[])).exits(0);
    done.warns("something else stands at clips/a.mp4").warns("clips/a~aside-1.mp4");
    assert_eq!(s3.objects()["summer/clips/a.mp4"].bytes, b"mine");
    assert_eq!(s3.objects()["summer/clips/a~aside-1.mp4"].bytes, CLIP);
    let files = &report(&sandbox)["shots"][0]["files"];
    assert_eq!(*files, serde_json::json!(["clips/a~aside-1.mp4"]));
}

#[test]
fn a_store_that_would_replace_is_told_of_and_looked_at_first() {
    let (s3, gateway) = (S3::with(|_| Some(Fault::Ignorant)), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &["--deadline", "1ms"])).exits(3);
    s3.put("summer/clips/a.mp4", b"mine");
    let done = sandbox.run_words(&run(&url, &[])).exits(0);
    done.warns("note: s3://films/summer does not refuse to replace what is there");
    assert_eq!(s3.objects()["summer/clips/a.mp4"].bytes, b"mine");
    assert_eq!(s3.clips().len(), 2);
}

#[test]
fn a_report_has_links_that_serve_for_a_while_and_the_bucket_does_not_get_them() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    let html = ["report", "shots.yaml", "--format", "html"];
    let page = sandbox.run_words(&[&html[..], &["--links", "12h"]].concat()).exits(0).stdout();
    let page = std::fs::read_to_string(sandbox.path(page.trim_end())).unwrap();
    assert!(page.contains("X-Amz-Expires=43200") && page.contains("X-Amz-Signature="));
    assert!(
        page.contains(&format!("media-src 'self' file: {}", s3.url())),
        "the page may go there"
    );
    assert!(!page.contains("very-secret-key"));
    sandbox.run_words(&html).exits(0).says(&format!("{OUT}/contact-sheet.html\n"));
    let there = s3.objects()["summer/contact-sheet.html"].bytes.clone();
    assert!(!String::from_utf8(there).unwrap().contains("X-Amz"));
    for wrong in [&["--links", "8d"][..], &["--links", "1s"]] {
        sandbox.run_words(&[&html[..], wrong].concat()).exits(2);
    }
    let text = ["report", "shots.yaml", "--links", "12h"];
    sandbox.run(text).exits(2).warns("--links is for the page of a campaign");
}

#[test]
fn a_report_is_printed_though_the_bucket_cannot_be_reached() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    let sandbox =
        sandbox.var("AWS_SECRET_ACCESS_KEY", "other").var("AWS_ENDPOINT_URL", "http://s3.invalid");
    let page = sandbox.run(["report", "shots.yaml", "--format", "html"]).exits(0);
    let page = page.says("renders/night/contact-sheet.html\n");
    page.warns(&format!("{OUT}/contact-sheet.html is not up to date: plain http to s3.invalid"));
}

#[test]
fn a_page_of_others_is_left_alone() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    s3.put("summer/contact-sheet.html", b"<p>mine");
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    let done = sandbox.run_words(&run(&url, &[])).exits(0);
    done.warns(&format!("{OUT}/contact-sheet.html is not up to date: something else lies there"));
    assert_eq!(s3.objects()["summer/contact-sheet.html"].bytes, b"<p>mine");
}
