//! A ledger where more than this machine keeps it: a share, a stick, a folder that a service copies.

use std::ffi::OsStr;
use std::path::Path;

use rushes::cli::ledger_place::{is_copy, words};
use rushes::disk::file_system::Trouble;

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
