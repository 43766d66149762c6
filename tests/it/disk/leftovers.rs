//! What killed runs and strangers leave in a campaign folder: temporary files, half a reserve, the
//! log of another life, files that stand where a clip goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::room::names;
use super::{CLIP, all_delivered, campaign, each_once, sells};

const IDS: [&str; 2] = ["a", "b"];

#[test]
fn temporary_files_of_killed_runs_go_and_what_only_looks_like_one_stays() {
    let part = |name: &str| format!("renders/night/clips/{name}");
    let sandbox = campaign(&IDS)
        .file("elsewhere/kept", "mine")
        .file(&part(".rushes-Ab12.part"), "half a clip")
        .file(&part("deep/er/.rushes-Cd34.part"), "half a clip")
        .file(&part(".rushes-folder.part/kept"), "mine")
        .file(&part("rushes-x.part"), "mine")
        .file(&part(".rushes-y.mp4.part.txt"), "mine");
    symlink(sandbox.path("elsewhere/kept"), sandbox.path(&part(".rushes-link.part"))).unwrap();
    symlink(sandbox.path("elsewhere"), sandbox.path(&part("linked"))).unwrap();
    fs::write(sandbox.path("elsewhere/.rushes-theirs.part"), "not ours").unwrap();
    let server = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    for gone in [".rushes-Ab12.part", "deep/er/.rushes-Cd34.part"] {
        assert!(!sandbox.path(&part(gone)).exists(), "{gone}");
    }
    for kept in [".rushes-folder.part/kept", "rushes-x.part", ".rushes-y.mp4.part.txt"] {
        assert_eq!(fs::read_to_string(sandbox.path(&part(kept))).unwrap(), "mine", "{kept}");
    }
    assert_eq!(fs::read_to_string(sandbox.path("elsewhere/kept")).unwrap(), "mine");
    assert!(sandbox.path("elsewhere/.rushes-theirs.part").exists(), "no link is followed");
    let clips = names(&sandbox.path("renders/night/clips"));
    let mut films: Vec<_> =
        clips.iter().filter(|name| Path::new(name).extension() == Some("mp4".as_ref())).collect();
    films.sort();
    assert_eq!(films, ["a.mp4", "b.mp4"]);
}

#[test]
fn half_a_reserve_and_the_index_of_a_killed_run_are_no_obstacle() {
    let sandbox = campaign(&IDS)
        .file("renders/night/ledger.sqlite.reserve", "half")
        .file("renders/night/ledger.sqlite-shm", "of another life")
        .file("renders/night/ledger.sqlite.mark", "")
        .file("renders/night/ledger.sqlite.lock", "rushes run, process 1 on another machine\n");
    let server = sells();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox.run(run).exits(0);
    let reserve = sandbox.path("renders/night/ledger.sqlite.reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 1 << 20);
    // And between two runs.
    fs::write(&reserve, "half").unwrap();
    fs::write(sandbox.path("renders/night/ledger.sqlite-shm"), vec![0xff; 32768]).unwrap();
    fs::write(sandbox.path("renders/night/ledger.sqlite-wal"), "torn before its first page")
        .unwrap();
    sandbox.run(run).exits(0);
    each_once(&[&server], &IDS);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    all_delivered(&report, IDS.len());
}

#[test]
fn a_reserve_that_is_a_folder_or_a_link_is_named_or_replaced_and_nothing_of_others_is_written() {
    let sandbox = campaign(&IDS).file("renders/night/ledger.sqlite.reserve/x", "");
    let server = sells();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox.run(run).exits(2).warns("ledger.sqlite.reserve").warns("nothing was sent");
    assert_eq!(server.requests().len(), 0);

    let reserve = sandbox.path("renders/night/ledger.sqlite.reserve");
    fs::remove_dir_all(&reserve).unwrap();
    fs::write(sandbox.path("precious"), "mine").unwrap();
    symlink(sandbox.path("precious"), &reserve).unwrap();
    sandbox.run(run).exits(0);
    assert_eq!(fs::read_to_string(sandbox.path("precious")).unwrap(), "mine");
    each_once(&[&server], &IDS);
}

#[test]
fn a_strangers_file_at_a_clips_name_is_never_overwritten() {
    let sandbox = campaign(&IDS);
    let server = sells();
    let url = server.url();
    // A first run makes the ledger and buys only b.
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--only", "b"]).exits(0);
    let clips = sandbox.path("renders/night/clips");
    fs::write(clips.join("a.mp4"), "a stranger's film").unwrap();
    let run = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(0);
    run.warns("moved to clips/a~aside-1.mp4");
    assert_eq!(fs::read(clips.join("a.mp4")).unwrap(), CLIP);
    assert_eq!(fs::read_to_string(clips.join("a~aside-1.mp4")).unwrap(), "a stranger's film");
    each_once(&[&server], &IDS);
}

#[test]
fn a_folder_or_a_dead_link_at_a_clips_name_is_moved_aside_as_it_is() {
    for dead_link in [false, true] {
        let sandbox = campaign(&["a"]);
        let clips = sandbox.path("renders/night/clips");
        fs::create_dir_all(&clips).unwrap();
        if dead_link {
            symlink("nowhere", clips.join("a.mp4.tmp")).unwrap();
            fs::rename(clips.join("a.mp4.tmp"), clips.join("a.mp4")).unwrap();
        } else {
            fs::create_dir_all(clips.join("a.mp4/inside")).unwrap();
        }
        // There is no ledger yet: whatever is called so is taken for a clip, unless it is a folder.
        let server = sells();
        let run = ["run", "shots.yaml", "--api-base", &server.url()];
        if dead_link {
            sandbox.run(run).exits(2).warns("a clip lies in");
            fs::write(sandbox.path("renders/night/ledger.sqlite.mark"), "").unwrap();
        }
        sandbox.run(run).exits(0).warns("moved to clips/a~aside-1.mp4");
        assert_eq!(fs::read(clips.join("a.mp4")).unwrap(), CLIP);
        assert!(fs::symlink_metadata(clips.join("a~aside-1.mp4")).is_ok());
    }
}

#[test]
fn a_write_that_lost_its_power_is_undone_and_the_same_command_goes_on() {
    let sandbox = campaign(&IDS);
    let server = sells();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox.run(run).exits(0);
    let ledger = sandbox.path("renders/night/ledger.sqlite");
    let journal = sandbox.path("renders/night/ledger.sqlite-journal");
    let conn = rusqlite::Connection::open(&ledger).unwrap();
    conn.pragma_update(None, "journal_mode", "delete").unwrap();
    // Written to the file before it is committed, as when the power fails in between.
    conn.execute_batch(
        "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN EXCLUSIVE; \
         CREATE TABLE half (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
         WHERE i < 2000) INSERT INTO half SELECT randomblob(100) FROM n",
    )
    .unwrap();
    let torn = [&ledger, &journal].map(|path| (path, fs::read(path).unwrap()));
    drop(conn);
    for (path, bytes) in torn {
        fs::write(path, bytes).unwrap();
    }
    sandbox.run(run).exits(0);
    sandbox.run(["status", "shots.yaml"]).exits(0);
    each_once(&[&server], &IDS);
}
