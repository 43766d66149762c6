//! Whose the folder is, where its purchases are, and who bought the same shots: what `run` refuses,
//! `check` finds beforehand.

use std::fs;

use rusqlite::Connection;

use super::program::{check, finding, script};
use crate::disk::{campaign, posted, sells};
use crate::sandbox::Sandbox;
use crate::support::Server;

/// A campaign of two shots, one of them bought, and a gateway that answers a check.
fn begun() -> (Sandbox, Server) {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    assert_eq!(posted(&server), ["a"]);
    (sandbox, script().serve())
}

fn found(sandbox: &Sandbox, server: &Server, words: &[&str], name: &str) -> (i32, String, String) {
    let words = [words, &["--format", "json"]].concat();
    let done = check(sandbox, server, &words);
    let (verdict, text) = finding(&done, name);
    (done.code().unwrap(), verdict, text)
}

#[test]
fn field_32_a_mark_that_is_mangled_missing_or_another_ledgers_is_found() {
    let (sandbox, server) = begun();
    let mark = sandbox.path("renders/night/ledger.id");
    let kept = fs::read_to_string(&mark).unwrap();
    let owner = |words: &[&str]| found(&sandbox, &server, words, "owner");
    let (code, verdict, _) = owner(&["shots.yaml"]);
    assert_eq!((code, &*verdict), (0, "ok"));
    fs::write(&mark, &kept[..20]).unwrap();
    let (code, verdict, text) = owner(&["shots.yaml"]);
    assert_eq!((code, &*verdict), (2, "failed"));
    assert!(text.contains("ledger.id: it no longer names the ledger"), "{text}");
    fs::write(&mark, &kept).unwrap();
    let other = ["shots.yaml", "--ledger", "other.sqlite"];
    let (code, verdict, text) = owner(&other);
    assert_eq!((code, &*verdict), (2, "failed"));
    assert!(text.contains("is the folder of the ledger") && text.contains("to go on"), "{text}");
    fs::remove_file(&mark).unwrap();
    let (code, verdict, text) = owner(&["shots.yaml"]);
    assert_eq!((code, &*verdict), (0, "warning"));
    assert!(text.contains("is missing"), "{text}");
    assert!(!mark.exists(), "a check changes nothing");
    let done = check(&sandbox, &server, &["shots.yaml"]).exits(0);
    done.says("warn  owner     ledger.id, which names").says("address   this campaign's purchases");
}

#[test]
fn field_31_a_campaign_that_bought_the_same_shots_is_found() {
    let (sandbox, server) = begun();
    fs::rename(sandbox.path("shots.yaml"), sandbox.path("again.yaml")).unwrap();
    let text = fs::read_to_string(sandbox.path("again.yaml")).unwrap();
    fs::write(sandbox.path("again.yaml"), text.replace("campaign: night", "campaign: again"))
        .unwrap();
    let (code, verdict, text) = found(&sandbox, &server, &["again.yaml"], "siblings");
    assert_eq!((code, &*verdict), (2, "failed"));
    assert!(text.contains("would be bought again"), "{text}");
    assert!(text.contains("/renders/night --api-base"), "{text}");
    // Where it says to go on, all is well.
    let there = ["again.yaml", "--out", "renders/night", "--format", "json"];
    check(&sandbox, &server, &there).exits(0);
    check(&sandbox, &server, &["again.yaml"])
        .exits(2)
        .says("FAIL  siblings  half or more of these");
}

#[test]
fn field_13_an_address_that_is_not_the_campaigns_is_found() {
    let (sandbox, server) = begun();
    let (code, verdict, text) = found(&sandbox, &server, &["shots.yaml"], "address");
    assert_eq!((code, &*verdict), (0, "ok"));
    assert!(text.contains("http://127.0.0.1"), "{text}");
    let ledger = Connection::open(sandbox.path("renders/night/ledger.sqlite")).unwrap();
    let elsewhere = "https://one.example/api/v1/video/generations";
    ledger.execute("UPDATE origins SET address = ?1", [elsewhere]).unwrap();
    let (code, verdict, text) = found(&sandbox, &server, &["shots.yaml"], "address");
    assert_eq!((code, &*verdict), (2, "failed"));
    assert!(text.contains("this campaign was sent to https://one.example"), "{text}");
    check(&sandbox, &server, &["shots.yaml"])
        .exits(2)
        .says("FAIL  address   this campaign was sent");
}

#[test]
fn field_33_a_clip_that_the_ledger_knows_no_purchase_of_is_found() {
    let (sandbox, server) = begun();
    let clips = sandbox.path("renders/night/clips");
    fs::write(clips.join("b.mp4"), include_bytes!("../../../src/simulator/assets/landscape.mp4"))
        .unwrap();
    let (code, verdict, text) = found(&sandbox, &server, &["shots.yaml"], "clips");
    assert_eq!((code, &*verdict), (2, "failed"));
    assert!(text.contains("knows no purchase of it"), "{text}");
}
