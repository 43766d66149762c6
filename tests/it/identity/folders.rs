//! One folder, one ledger: another one would buy again what the folder's own bought.

use std::fs;
use std::path::Path;

use super::*;
use crate::disk::{Run, all_delivered, holds, manifest};
use crate::sandbox::Sandbox;

/// Everything below a folder, with its length.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
            all.push((entry.path().display().to_string(), entry.metadata().unwrap().len()));
        }
    }
    // SQLite's own, of readers too.
    all.retain(|(name, _)| !name.ends_with("-shm") && !name.ends_with("-wal"));
    all.sort();
    all
}

fn report(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json()
}

#[test]
fn field_32_another_ledger_in_a_folder_that_has_its_own_is_refused() {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    let owner = fs::read_to_string(sandbox.path("renders/night/ledger.id")).unwrap();
    assert_eq!(owner.lines().nth(1), Some("ledger.sqlite"), "{owner}");
    let before = files(&sandbox.path("."));
    let other = ["run", "shots.yaml", "--api-base", &url, "--ledger", "other.sqlite"];
    let refused = sandbox.run(other).exits(2).stderr();
    insta::assert_snapshot!("another_ledger", refused.replace(&url, "GATEWAY"));
    let plan = ["plan", "shots.yaml", "--ledger", "other.sqlite"];
    sandbox.run(plan).exits(2).warns("is the folder of the ledger");
    assert_eq!(files(&sandbox.path(".")), before, "nothing is changed");
    // The ledger gone with all that was beside it: the folder still knows it.
    for name in ["ledger.sqlite", "ledger.sqlite.mark", "ledger.sqlite.lock", "clips/a.mp4"] {
        fs::remove_file(sandbox.path("renders/night").join(name)).unwrap();
    }
    let refused = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2).stderr();
    insta::assert_snapshot!("a_ledger_that_is_gone", refused.replace(&url, "GATEWAY"));
    assert_eq!(posted(&server), ["a"]);
}

#[test]
fn field_32_a_folder_whose_mark_was_mangled_is_not_taken_for_one_without() {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    fs::remove_file(sandbox.path("renders/night/clips/a.mp4")).unwrap();
    let mark = sandbox.path("renders/night/ledger.id");
    let owner = fs::read_to_string(&mark).unwrap();
    let other = ["run", "shots.yaml", "--api-base", &url, "--ledger", "other.sqlite", "--separate"];
    fs::write(&mark, format!("\u{feff}{}", owner.replace('\n', "\r\n"))).unwrap();
    sandbox.run(other).exits(2).warns("is the folder of the ledger");
    for mangled in ["", "\n", &owner[..20], &owner[..33], "merge conflict\nledger.sqlite\n"] {
        fs::write(&mark, mangled).unwrap();
        sandbox.run(other).exits(2).warns("ledger.id: it no longer names the ledger");
        assert_eq!(fs::read_to_string(&mark).unwrap(), mangled, "nothing is changed");
    }
    // The folder's own ledger still does once the mark is gone.
    fs::remove_file(&mark).unwrap();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    assert_eq!(fs::read_to_string(&mark).unwrap(), owner);
    assert_eq!(posted(&server), ["a", "b"]);
}

#[test]
fn field_32_a_ledger_that_is_moved_stays_its_folders_own() {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--only", "a", "--api-base", &url]).exits(0);
    fs::rename(sandbox.path("renders/night/ledger.sqlite"), sandbox.path("mine.sqlite")).unwrap();
    fs::remove_file(sandbox.path("renders/night/ledger.sqlite.mark")).unwrap();
    let moved = ["run", "shots.yaml", "--api-base", &url, "--ledger", "mine.sqlite"];
    sandbox.run(moved).exits(0);
    assert_eq!(posted(&server), ["a", "b"]);
    let owner = fs::read_to_string(sandbox.path("renders/night/ledger.id")).unwrap();
    assert!(owner.lines().nth(1).unwrap().ends_with("/mine.sqlite"), "{owner}");
}

#[test]
fn field_32_two_runs_with_two_ledgers_do_not_work_in_one_folder() {
    let sandbox = campaign(&["a"]);
    let (server, comes, gate) = holds(1);
    let url = server.url();
    let first = Run::start(sandbox.command(&["run", "shots.yaml", "--api-base", &url]));
    comes.recv_timeout(crate::disk::PATIENCE).unwrap();
    // Even where the folder's own mark was taken away.
    fs::remove_file(sandbox.path("renders/night/ledger.id")).unwrap();
    let other = ["fetch", "shots.yaml", "--api-base", &url, "--ledger", "other.sqlite"];
    sandbox.run(other).exits(2);
    let other = "other.sqlite";
    let other = ["run", "shots.yaml", "--api-base", &url, "--separate", "--ledger", other];
    sandbox.run(other).exits(2).warns("renders/night is in use by a run with another ledger");
    let same = ["run", "shots.yaml", "--api-base", &url];
    sandbox.run(same).exits(2).warns("is in use by rushes run, process ");
    gate.open();
    assert_eq!(first.end().0, Some(0));
    assert_eq!(posted(&server), ["a"]);
}

/// A folder with clips of a campaign whose ledger knows no purchase.
fn clips_of_another_ledger() -> Sandbox {
    let sandbox = campaign(&["a", "b", "c"]);
    let server = sells();
    sandbox.run(["run", "shots.yaml", "--only", "{a,b}", "--api-base", &server.url()]).exits(0);
    let folder = sandbox.path("renders/night");
    for name in files(&folder).into_iter().map(|(name, _)| name) {
        if name.contains("/ledger.") {
            fs::remove_file(name).unwrap();
        }
    }
    // A ledger that knows no purchase: its only shot is of no interest here.
    fs::write(sandbox.path("shots.yaml"), manifest(&["x"])).unwrap();
    let refuses = crate::support::Script::new().always_post(crate::support::Reply::text(402, ""));
    let clips = sandbox.path("clips");
    fs::rename(folder.join("clips"), &clips).unwrap();
    sandbox.run(["run", "shots.yaml", "--api-base", &refuses.serve().url()]).exits(3);
    fs::remove_dir_all(folder.join("clips")).unwrap();
    fs::rename(clips, folder.join("clips")).unwrap();
    fs::write(sandbox.path("shots.yaml"), manifest(&["a", "b", "c"])).unwrap();
    sandbox
}

#[test]
fn field_33_clips_that_the_ledger_knows_no_purchase_of_are_not_bought_again() {
    let sandbox = clips_of_another_ledger();
    let server = sells();
    let url = server.url();
    let before = files(&sandbox.path("renders"));
    let refused = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2).stderr();
    insta::assert_snapshot!("clips_without_a_purchase", refused.replace(&url, "GATEWAY"));
    sandbox.run(["plan", "shots.yaml"]).exits(2).warns("knows no purchase of them");
    assert_eq!(files(&sandbox.path("renders")), before, "nothing is changed");
    let adopts = ["run", "shots.yaml", "--api-base", &url, "--adopt"];
    sandbox.run(adopts).exits(0).warns("2 clips taken as bought; $0.0318 booked as spent");
    assert_eq!(posted(&server), ["c"]);
    all_delivered(&report(&sandbox), 3);
    let report = report(&sandbox);
    assert_eq!(report["shots"][0]["files"], serde_json::json!(["clips/a.mp4"]));
    assert_eq!(report["shots"][0]["revision"], 1);
    // Once is enough.
    sandbox.run(adopts).exits(0);
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    assert_eq!(posted(&server), ["c"]);
}

#[cfg(unix)]
#[test]
fn field_33_a_ledger_copied_without_its_log_and_mark_is_refused_beside_its_clips() {
    let sandbox = campaign(&["a", "b", "c"]);
    let server = sells();
    let url = server.url();
    let mut run = sandbox.command(&["run", "shots.yaml", "--api-base", &url, "--in-flight", "1"]);
    let died = run.env("RUSHES_DIE_AT", "clips stored:3").output().unwrap();
    assert_eq!(died.status.code(), None, "{died:?}");
    // Another machine gets the two that look as if they were all.
    let copy = campaign(&["a", "b", "c"]);
    fs::create_dir_all(copy.path("renders/night/clips")).unwrap();
    for name in ["ledger.sqlite", "clips/a.mp4", "clips/b.mp4", "clips/c.mp4"] {
        let place = format!("renders/night/{name}");
        fs::copy(sandbox.path(&place), copy.path(&place)).unwrap();
    }
    let before = files(&copy.path("renders"));
    let words = ["run", "shots.yaml", "--api-base", &url];
    copy.run(words).exits(2).warns("knows no purchase of them").warns("--adopt");
    assert_eq!(files(&copy.path("renders")), before, "nothing is changed");
    // With the log it is the campaign, and costs nothing.
    for name in ["ledger.sqlite-wal", "ledger.id"] {
        let place = format!("renders/night/{name}");
        fs::copy(sandbox.path(&place), copy.path(&place)).unwrap();
    }
    copy.run(words).exits(0);
    assert_eq!(posted(&server).len(), 3);
}

#[test]
fn field_33_what_has_no_price_is_not_adopted_under_a_cap() {
    let sandbox = clips_of_another_ledger();
    let unpriced = include_str!("../../../src/catalog/kling-2026-11-22.yaml");
    let row = unpriced.find("  - name: kling-v2-6").unwrap();
    let prices = unpriced[row..].find("    prices:").unwrap() + row;
    let end = unpriced[prices..].find("\n\n").unwrap() + prices;
    let catalog = [&unpriced[..prices], &unpriced[end..]].concat();
    fs::write(sandbox.path("unpriced.yaml"), catalog).unwrap();
    let server = sells();
    let url = server.url();
    let words = ["run", "shots.yaml", "--api-base", &url, "--adopt", "--catalog", "unpriced.yaml"];
    sandbox.run(words).exits(2);
    assert_eq!(posted(&server), [""; 0]);
}

#[test]
fn field_43_all_commands_tell_of_an_emptied_ledger_what_a_run_tells() {
    let sandbox = campaign(&["a", "b"]);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    let ledger = sandbox.path("renders/night/ledger.sqlite");
    let run = ["run", "shots.yaml", "--api-base", &url];
    for emptied in [true, false] {
        if emptied {
            fs::write(&ledger, "").unwrap();
        } else {
            fs::remove_file(&ledger).unwrap();
        }
        let told = sandbox.run(run).exits(2).stderr();
        assert!(told.contains("it knows 0 of the 2 requests"), "{told}");
        let told = told.lines().next().unwrap().to_owned();
        for verb in ["plan", "status", "report", "fetch"] {
            assert!(sandbox.run([verb, "shots.yaml"]).exits(2).stderr().contains(&told), "{verb}");
        }
        let check = sandbox.run(["check", "shots.yaml", "--api-base", &url]).exits(2);
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told_by_check = words(&check.stdout());
        assert!(told_by_check.contains("it knows 0 of the 2 requests"), "{told_by_check}");
        let resolve = ["resolve", "shots.yaml", "a", "--not-bought"];
        assert!(sandbox.run(resolve).exits(2).stderr().contains(&told));
    }
    assert_eq!(posted(&server).len(), 2);
}
