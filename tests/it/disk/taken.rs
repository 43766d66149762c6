//! A ledger, its log, its lock or its whole folder taken away or replaced while a run works on it.

use std::fs;
use std::path::Path;

use super::room::{Room, names};
use super::{PATIENCE, Run, all_delivered, campaign, each_once, holds, posted, sells};
use crate::sandbox::Sandbox;
use crate::support::server::Server;

/// What is done to a campaign folder behind a run's back.
type Meddling<'a> = &'a dyn Fn(&Path);

const IDS: [&str; 4] = ["a", "b", "c", "d"];

fn folder(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.path("renders/night")
}

/// Runs `meddle` on the campaign folder while the POST of the first shot is on the wire, and lets
/// the run end: it must stop and say why.
fn meddled(sandbox: &Sandbox, meddle: Meddling<'_>) -> (Server, String) {
    let (server, comes, gate) = holds(1);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "1", "--api-base", &url];
    let begun = Run::start(sandbox.command(&words));
    comes.recv_timeout(PATIENCE).unwrap();
    meddle(&folder(sandbox));
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(posted(&server), ["a"], "nothing more is sent: {said}");
    assert!(said.contains("while this run worked on it; nothing more is sent"), "{said}");
    assert!(said.contains("ledger.sqlite.rescued"), "{said}");
    (server, said)
}

/// The same command again finishes the campaign and buys nothing twice.
fn goes_on(sandbox: &Sandbox, before: &Server) {
    let server = sells();
    let run = sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    each_once(&[before, &server], &IDS);
    drop(run);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    all_delivered(&report, IDS.len());
    assert!(!names(&folder(sandbox)).contains(&"ledger.sqlite.rescued".to_owned()));
}

#[test]
fn a_ledger_that_is_deleted_or_moved_away_is_saved_and_put_back() {
    let delete = |folder: &Path, name: &str| fs::remove_file(folder.join(name)).unwrap();
    let meddlings: [(&str, Meddling<'_>); 5] = [
        ("the file deleted", &|folder| delete(folder, "ledger.sqlite")),
        ("the file moved away", &|folder| {
            fs::rename(folder.join("ledger.sqlite"), folder.join("mine.sqlite")).unwrap();
        }),
        ("file, log and index deleted", &|folder| {
            for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
                delete(folder, name);
            }
        }),
        ("the log deleted", &|folder| delete(folder, "ledger.sqlite-wal")),
        ("everything deleted", &|folder| {
            for name in names(folder) {
                let path = folder.join(name);
                fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)).unwrap();
            }
        }),
    ];
    for (what, meddle) in meddlings {
        let sandbox = campaign(&IDS);
        let (server, said) = meddled(&sandbox, meddle);
        assert!(said.contains("it is put back"), "{what}: {said}");
        for name in names(&folder(&sandbox)) {
            use std::os::unix::fs::PermissionsExt;
            let file = fs::metadata(folder(&sandbox).join(&name)).unwrap();
            let open = file.is_file() && file.permissions().mode() & 0o077 != 0;
            assert!(!open, "{what}: others can read {name}");
        }
        // Whoever only looks sees what is true.
        let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
        let first = &report["shots"][0];
        assert_eq!(first["task_id"], "task-a", "{what}: {report}");
        goes_on(&sandbox, &server);
    }
}

#[test]
fn a_campaign_folder_that_is_deleted_or_renamed_is_made_again_with_what_was_bought() {
    let meddlings: [&dyn Fn(&Path); 2] =
        [&|folder| fs::remove_dir_all(folder).unwrap(), &|folder| {
            fs::rename(folder, folder.with_file_name("moved")).unwrap();
        }];
    for meddle in meddlings {
        let sandbox = campaign(&IDS);
        let (server, _) = meddled(&sandbox, meddle);
        goes_on(&sandbox, &server);
    }
}

#[test]
fn a_ledger_that_is_replaced_is_left_alone_and_not_believed() {
    let other = campaign(&["x"]);
    let server = sells();
    other.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    let others = fs::read(folder(&other).join("ledger.sqlite")).unwrap();
    let replacements: [(&str, &dyn Fn() -> Vec<u8>); 3] = [
        ("an empty file", &Vec::new),
        ("another ledger", &|| others.clone()),
        ("something else", &|| b"not a ledger".to_vec()),
    ];
    for (what, replacement) in replacements {
        let sandbox = campaign(&IDS);
        let bytes = replacement();
        let (before, said) = meddled(&sandbox, &|folder| {
            fs::write(folder.join("new"), &bytes).unwrap();
            fs::rename(folder.join("new"), folder.join("ledger.sqlite")).unwrap();
        });
        assert!(said.contains("was replaced by another file"), "{what}: {said}");
        let ledger = folder(&sandbox).join("ledger.sqlite");
        assert_eq!(fs::read(&ledger).unwrap(), bytes, "{what} is left alone");
        // Which of the two is right only the user knows.
        let untouched = sells();
        let url = untouched.url();
        for words in
            [["run", "shots.yaml", "--api-base", &url], ["fetch", "shots.yaml", "--api-base", &url]]
        {
            sandbox.run(words).exits(2).warns("another file has that name now");
        }
        sandbox.run(["status", "shots.yaml"]).exits(2).warns("ledger.sqlite.rescued");
        assert_eq!(untouched.requests().len(), 0, "{what}");
        fs::rename(&ledger, folder(&sandbox).join("other.sqlite")).unwrap();
        goes_on(&sandbox, &before);
    }
}

#[test]
fn an_older_copy_that_replaces_the_ledger_is_not_believed() {
    let sandbox = campaign(&IDS);
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url, "--only", "d"]).exits(0);
    let ledger = folder(&sandbox).join("ledger.sqlite");
    let old = fs::read(&ledger).unwrap();
    let (before, _) = meddled(&sandbox, &|folder| {
        fs::write(folder.join("copy"), &old).unwrap();
        fs::rename(folder.join("copy"), folder.join("ledger.sqlite")).unwrap();
    });
    // Even if somebody throws away what the run saved.
    let rescued = folder(&sandbox).join("ledger.sqlite.rescued");
    fs::rename(&rescued, sandbox.path("kept")).unwrap();
    for log in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = fs::remove_file(folder(&sandbox).join(log));
    }
    let again = sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2);
    again.warns("knows 1 of the 2 requests").warns("ledger.sqlite.mark");
    fs::rename(&ledger, sandbox.path("older")).unwrap();
    fs::rename(sandbox.path("kept"), &rescued).unwrap();
    assert_eq!(posted(&server), ["d"]);
    let rest = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &rest.url()]).exits(0);
    each_once(&[&server, &before, &rest], &IDS);
}

#[test]
fn a_lock_file_that_is_deleted_lets_no_second_run_in() {
    let sandbox = campaign(&IDS);
    let (server, comes, gate) = holds(1);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "1", "--api-base", &url];
    let begun = Run::start(sandbox.command(&words));
    comes.recv_timeout(PATIENCE).unwrap();
    fs::remove_file(folder(&sandbox).join("ledger.sqlite.lock")).unwrap();
    for verb in ["run", "fetch"] {
        sandbox.run([verb, "shots.yaml", "--api-base", &url]).exits(2).warns("in use by");
    }
    sandbox.run(["resolve", "shots.yaml", "a", "--not-bought"]).exits(2).warns("in use by");
    assert_eq!(posted(&server), ["a"]);
    gate.open();
    assert_eq!(begun.end().0, Some(0));
    each_once(&[&server], &IDS);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    all_delivered(&report, IDS.len());
}

/// The ledger is deleted on a disk that then has no room for a copy; temporary files go to `temp`.
fn without_room(temp: &str) -> Option<(Sandbox, Room, Server, String)> {
    let sandbox = campaign(&IDS).file("temp/x", "");
    let room = Room::of(&sandbox, 4000)?;
    let (server, comes, gate) = holds(2);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "2", "--api-base", &url];
    let mut command = room.command(&sandbox, &words);
    command.env("TMPDIR", sandbox.path(temp));
    let begun = Run::start(command);
    (0..2).for_each(|_| comes.recv_timeout(PATIENCE).unwrap());
    fs::remove_file(room.seen("night/ledger.sqlite")).unwrap();
    room.fill(0);
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(posted(&server).len(), 2, "nothing more is sent: {said}");
    room.empty();
    Some((sandbox, room, server, said))
}

#[test]
fn without_room_beside_it_a_lost_ledger_is_saved_where_temporary_files_go() {
    let Some((sandbox, room, before, said)) = without_room("temp") else { return };
    let saved = names(&sandbox.path("temp"));
    let saved = saved.iter().find(|name| name.starts_with("rushes-rescued-")).unwrap();
    assert!(
        said.contains(&format!("temp/{saved}")) && said.contains("ledger.sqlite.rescued and run"),
        "{said}"
    );
    // Nobody goes on without it.
    let rest = sells();
    let url = rest.url();
    let words = ["run", "shots.yaml", "--api-base", &url];
    let (code, said) = Run::start(room.command(&sandbox, &words)).end();
    assert_eq!((code, rest.requests().len()), (Some(2), 0), "{said}");
    fs::copy(sandbox.path("temp").join(saved), room.seen("night/ledger.sqlite.rescued")).unwrap();
    let (code, said) = Run::start(room.command(&sandbox, &words)).end();
    assert_eq!(code, Some(0), "{said}");
    each_once(&[&before, &rest], &IDS);
}

#[test]
fn a_lost_ledger_that_cannot_be_saved_has_every_task_id_told_and_nothing_is_bought_after_it() {
    let Some((sandbox, room, before, said)) = without_room("temp/x") else { return };
    assert!(said.contains("what it knew could not be saved"), "{said}");
    for shot in posted(&before) {
        assert!(said.contains(&format!("{shot} --task-id task-{shot}")), "{shot}: {said}");
    }
    let rest = sells();
    let words = ["run", "shots.yaml", "--api-base", &rest.url()];
    let (code, said) = Run::start(room.command(&sandbox, &words)).end();
    assert_eq!((code, rest.requests().len()), (Some(2), 0), "{said}");
    assert!(said.contains("0 of the 2 requests"), "{said}");
}

#[test]
fn field_24_a_ledger_that_fails_in_a_run_says_what_its_folder_lies_on() {
    let sandbox = campaign(&["a", "b"]);
    let (server, comes, gate) = holds(1);
    let url = server.url();
    let out = "Dropbox/night";
    let words = ["run", "shots.yaml", "--in-flight", "1", "--out", out, "--api-base", &url];
    let begun = Run::start(sandbox.command(&words));
    comes.recv_timeout(PATIENCE).unwrap();
    fs::remove_file(sandbox.path(out).join("ledger.sqlite")).unwrap();
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("while this run worked on it; nothing more is sent"), "{said}");
    assert!(said.contains("Dropbox/night is copied away by Dropbox"), "{said}");
    assert!(said.contains("name it there with --ledger FILE"), "{said}");
    assert!(said.contains("when that is done, to go on: rushes run"), "{said}");
}
