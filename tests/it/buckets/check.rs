//! What `rushes check` says of a bucket.

use std::fs;

use serde_json::Value;

use super::{OUT, at, run};
use crate::disk::sells;
use crate::sandbox::Sandbox;
use crate::support::s3::{Fault, S3, error};

/// The finding of that name.
fn finding(sandbox: &Sandbox, name: &str) -> Value {
    let words = ["check", "shots.yaml", "--out", OUT, "--sim", "--format", "json"];
    let found = sandbox.run(words).stdout_json();
    let all = found["findings"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).cloned().unwrap_or_default()
}

#[test]
fn a_bucket_is_listed_read_and_written() {
    let s3 = S3::with(|_| None);
    let sandbox = at(&s3.url(), &["a"]);
    let found = finding(&sandbox, "bucket");
    assert_eq!((&found["verdict"], &*s3.asked()), (&"ok".into(), &*s3.asked()), "{found}");
    assert!(s3.objects().contains_key("summer/.rushes-probe"));
    assert!(!sandbox.path("renders").exists(), "nothing is made here");
    let replaces = S3::with(|_| Some(Fault::Ignorant));
    assert_eq!(finding(&at(&replaces.url(), &["a"]), "bucket")["verdict"], "warning");
    let refuses = S3::with(|_| Some(Fault::Before(error(403, "AccessDenied"))));
    let found = finding(&at(&refuses.url(), &["a"]), "bucket");
    assert_eq!(found["verdict"], "failed", "{found}");
    assert!(found.to_string().contains("403 AccessDenied"), "{found}");
}

#[test]
fn clips_of_a_lost_ledger_are_found() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    fs::remove_dir_all(sandbox.path("renders")).unwrap();
    let found = finding(&sandbox, "in bucket");
    assert!(found.to_string().contains("a clip lies in s3://films/summer/clips"), "{found}");
}
