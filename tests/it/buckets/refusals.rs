//! What is refused before anything is bought or changed.

use std::fs;

use super::{OUT, at, posts, report, run};
use crate::disk::{all_delivered, campaign, sells};
use crate::support::s3::{Fault, S3, error, variables};

#[test]
fn a_bucket_that_does_not_take_clips_is_found_out_before_anything_is_bought() {
    for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket")] {
        let s3 = S3::with(move |request| {
            (request.method == "PUT").then(|| Fault::Before(error(status, code)))
        });
        let gateway = sells();
        let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
        let done = sandbox.run_words(&run(&url, &[])).exits(2);
        done.warns(&format!("{status} {code}")).warns("the variables AWS_");
        assert_eq!(posts(&gateway), 0);
        assert!(!sandbox.path("renders").exists(), "nothing is changed");
    }
    // It cannot be listed.
    let s3 = S3::with(|request| {
        (request.method == "GET").then(|| Fault::Before(error(403, "AccessDenied")))
    });
    let gateway = sells();
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(2).warns("403 AccessDenied");
    assert!(s3.objects().is_empty() && posts(&gateway) == 0);
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let gateway = sells();
    let (sandbox, url) = (at("http://s3.invalid:9000", &["a"]), gateway.url());
    let done = sandbox.run_words(&run(&url, &[])).exits(2);
    done.warns("plain http to s3.invalid, another machine");
    assert_eq!(posts(&gateway), 0);
}

#[test]
fn what_is_no_buckets_address_is_refused() {
    for (out, why) in [("s3://", "no bucket can have the name"), ("s3://films/../x", "prefix")] {
        campaign(&["a"]).run(["run", "shots.yaml", "--out", out]).exits(2).warns(why);
    }
}

#[test]
fn a_plan_asks_no_bucket() {
    let sandbox = at("http://127.0.0.1:1", &["a"]);
    sandbox.run(["plan", "shots.yaml", "--out", OUT]).exits(0).says("1 shot");
}

#[test]
fn field_33_clips_in_a_bucket_whose_ledger_is_lost_are_refused_and_adopted() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a", "b"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    fs::remove_dir_all(sandbox.path("renders")).unwrap();
    let refused = sandbox.run_words(&run(&url, &[])).exits(2);
    let refused = refused.warns("2 clips lie in s3://films/summer/clips");
    refused.warns("delete s3://films/summer/ledger.id, then rushes run shots.yaml --adopt");
    assert!(!sandbox.path("renders").exists(), "nothing is changed");
    // Another ledger is not let in either.
    sandbox.run_words(&run(&url, &["--adopt"])).exits(2).warns("s3://films/summer");
    s3.objects().remove("summer/ledger.id");
    // One of them lost its metadata, another file is no clip.
    s3.objects().get_mut("summer/clips/a.mp4").unwrap().metadata.clear();
    s3.put("summer/clips/c.mp4", b"no clip");
    let adopted = sandbox.run_words(&run(&url, &["--adopt"])).exits(0);
    adopted.warns("2 clips taken as bought; $0.0318 booked as spent");
    all_delivered(&report(&sandbox), 2);
    assert_eq!(posts(&gateway), 2, "nothing is bought again");
    assert!(s3.objects().contains_key("summer/ledger.id"));
    sandbox.run_words(&run(&url, &[])).exits(0);
    assert_eq!(posts(&gateway), 2);
}

#[test]
fn field_33_a_new_ledger_beside_known_clips_is_refused() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    // Another folder's campaign, and so another ledger, at the same place.
    let (other, second) = (at(&s3.url(), &["a"]), sells());
    let there = second.url();
    // It has one already.
    other.run(["run", "shots.yaml", "--api-base", &there, "--deadline", "1ms"]).exits(3);
    let refused = other.run_words(&run(&there, &[])).exits(2);
    refused.warns("s3://films/summer").warns("ledger.sqlite");
    assert_eq!(posts(&second), 0);
}

#[test]
fn the_clips_of_a_campaign_stay_in_one_place() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox.run_words(&run(&url, &[])).exits(0);
    let elsewhere = ["run", "shots.yaml", "--api-base", &url, "--out", "s3://films/winter"];
    let refused = sandbox.run(elsewhere).exits(2);
    refused.warns("the clips of this campaign go to s3://films/summer").warns("to go on:");
    let (sandbox, gateway) = (campaign(&["a"]), sells());
    let url = gateway.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    let set = |sandbox: crate::sandbox::Sandbox, (name, value): (String, String)| {
        sandbox.var(&name, &value)
    };
    let sandbox = variables(&s3.url()).into_iter().fold(sandbox, set);
    sandbox.run(elsewhere).exits(2).warns("clips of this campaign lie in renders/night/clips");
}

#[test]
fn a_mark_that_names_no_ledger_is_refused() {
    let (s3, gateway) = (S3::with(|_| None), sells());
    s3.put("summer/ledger.id", b"something");
    let (sandbox, url) = (at(&s3.url(), &["a"]), gateway.url());
    sandbox
        .run_words(&run(&url, &[]))
        .exits(2)
        .warns("s3://films/summer/ledger.id no longer names");
    assert_eq!(posts(&gateway), 0);
}
