//! A ledger where more than this machine keeps it: a share, a stick, a folder that a service copies.

use std::ffi::OsStr;
use std::path::Path;

use rushes::cli::ledger_place::{is_copy, words};
use rushes::disk::file_system::Trouble;

use super::{CLIP, all_delivered, campaign, each_once, sells};
use crate::sandbox::{Sandbox, TWO_SHOTS};

#[test]
fn field_24_a_damaged_ledger_in_a_synced_folder_says_so_and_names_the_way_out() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim", "--out", "Dropbox/night"]).exits(0);
    let ledger = sandbox.path("Dropbox/night/ledger.sqlite");
    std::fs::write(&ledger, vec![7; 8192]).unwrap();
    for verb in ["run", "status", "report"] {
        let refused = sandbox.run([verb, "shots.yaml", "--sim", "--out", "Dropbox/night"]).exits(2);
        refused.warns("is copied away by Dropbox").warns("--ledger FILE");
    }
    // Elsewhere nothing of the kind is said.
    let plain = Sandbox::new().manifest(TWO_SHOTS).file("night/ledger.sqlite", "no ledger");
    let said = plain.run(["run", "shots.yaml", "--sim", "--out", "night"]).exits(2).stderr();
    assert!(!said.contains("copied away"), "{said}");
}

#[test]
fn field_24_each_kind_of_place_is_named() {
    let folder = Path::new("/mnt/night");
    let told = |kind, trouble| words(folder, kind, trouble).unwrap_or_default();
    let share = told(Some("cifs"), Trouble::Network);
    assert!(share.starts_with("/mnt/night lies on another machine (cifs)"), "{share}");
    let stick = told(Some("exfat"), Trouble::Fat);
    assert!(stick.starts_with("/mnt/night lies on FAT or exFAT (exfat)"), "{stick}");
    let synced = told(None, Trouble::Synced("OneDrive"));
    assert!(synced.starts_with("/mnt/night is copied away by OneDrive"), "{synced}");
    assert!([share, stick, synced].iter().all(|told| told.contains("--ledger FILE")));
    assert_eq!(told(Some("tmpfs"), Trouble::Memory), "");
}

#[test]
fn field_24_a_conflicted_copy_of_the_ledger_is_warned_of_by_its_name() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let words = ["run", "shots.yaml", "--sim"];
    sandbox.run(words).exits(0);
    let copy = "renders/summer.sim/ledger (Ann's conflicted copy 2026-11-28).sqlite";
    let sandbox = sandbox.file(copy, "another");
    sandbox
        .run(words)
        .exits(0)
        .warns("ledger (Ann's conflicted copy 2026-11-28).sqlite looks like");
}

#[test]
fn field_24_only_copies_are_taken_for_copies() {
    let is_copy = |name: &str| is_copy(OsStr::new("ledger.sqlite"), OsStr::new(name));
    for name in [
        "ledger (conflicted copy 2026-11-28).sqlite",
        "ledger-DESKTOP-7Q2.sqlite",
        "ledger 2.sqlite",
        "ledger.sqlite.sb-1a2b3c4d-XyZ",
        "ledger.sync-conflict-20261128-010203-ABCDEFG.sqlite",
    ] {
        assert!(is_copy(name), "{name}");
    }
    for name in [
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
        "ledger.sqlite.lock",
        "ledger.id",
        "ledgers.sqlite",
        "other.sqlite",
    ] {
        assert!(!is_copy(name), "{name}");
    }
}

#[test]
fn field_24_an_older_log_that_was_put_back_is_noticed_and_nothing_is_sent() {
    let ids = ["a", "b", "c"];
    let sandbox = campaign(&ids);
    let server = sells();
    let words = ["run", "shots.yaml", "--api-base", &server.url()];
    // No POST is on the wire by then.
    let die = |only: &str, at: &str| {
        let words = [words.as_slice(), &["--only", only, "--in-flight", "1"]].concat();
        let died = sandbox.command(&words).env("RUSHES_DIE_AT", at).output().unwrap();
        assert_eq!(died.status.code(), None, "{died:?}");
    };
    let log = sandbox.path("renders/night/ledger.sqlite-wal");
    die("a", "clips stored:1");
    let older = std::fs::read(&log).unwrap();
    die("{a,b}", "clips stored:2");
    let newest = std::fs::read(&log).unwrap();
    let before = server.requests().len();
    std::fs::write(&log, &older).unwrap();
    sandbox.run(words).exits(2).warns("knows 1 of the 2 requests").warns("is an older copy");
    assert_eq!(server.requests().len(), before, "nothing was sent");
    assert!(std::fs::read(&log).unwrap() == older, "it is left as it is");
    // The newest one put back, it goes on, and each is bought once.
    std::fs::write(&log, newest).unwrap();
    sandbox.run(words).exits(0);
    each_once(&[&server], &ids);
    // Once more, beside a ledger that is whole without one.
    std::fs::write(&log, older).unwrap();
    let refused = sandbox.run(words);
    assert!(matches!(refused.code(), Some(0 | 2)), "{}", refused.stderr());
    each_once(&[&server], &ids);
}

#[test]
fn field_24_what_macos_leaves_beside_a_clip_is_no_clip() {
    let ids = ["a", "b"];
    let sandbox = campaign(&ids);
    let clips = sandbox.path("renders/night/clips");
    std::fs::create_dir_all(&clips).unwrap();
    for id in ids {
        std::fs::write(clips.join(format!("._{id}.mp4")), CLIP).unwrap();
    }
    let server = sells();
    sandbox.run(["plan", "shots.yaml"]).exits(0).says("2 to render");
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    each_once(&[&server], &ids);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    all_delivered(&report, ids.len());
    assert_eq!(report["shots"][0]["files"], serde_json::json!(["clips/a.mp4"]));
    assert_eq!(std::fs::read(clips.join("._a.mp4")).unwrap(), CLIP, "it is left alone");
}
