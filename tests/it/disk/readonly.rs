//! Folders that cannot be written or entered, names that belong to something else, and a disk that
//! refuses writes in the middle of a run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::room::{Room, bound_by_bits};
use super::{PATIENCE, Run, all_delivered, campaign, each_once, holds, posted, sells};
use crate::sandbox::Sandbox;
use crate::support::server::Server;

const IDS: [&str; 3] = ["a", "b", "c"];

#[test]
fn a_read_only_disk_is_named_before_anything_is_sent_and_can_still_be_read() {
    let sandbox = campaign(&IDS);
    let server = sells();
    let url = server.url();
    // First where nothing is yet, then where a campaign is done.
    for reads in [Some(2), Some(0)] {
        let Some(room) = Room::read_only(&sandbox) else { return };
        let done = |words: &[&str]| Run::start(room.command(&sandbox, words)).end();
        let sent = server.requests().len();
        let (code, said) = done(&["run", "shots.yaml", "--api-base", &url]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("Read-only file system") && said.contains("disk/night"), "{said}");
        assert!(said.contains("--out"), "the way out: {said}");
        assert_eq!(server.requests().len(), sent, "{said}");
        for words in [&["status", "shots.yaml"], &["report", "shots.yaml"], &["plan", "shots.yaml"]]
        {
            let (code, said) = done(words);
            let expected = if words[0] == "plan" { Some(0) } else { reads };
            assert_eq!(code, expected, "{words:?}: {said}");
        }
        drop(room);
        let out = ["run", "shots.yaml", "--api-base", &url, "--out", "disk/night"];
        sandbox.run(out).exits(0);
    }
    each_once(&[&server], &IDS);
}

/// The program where permission bits bind it, whoever runs the test.
fn bound(sandbox: &Sandbox, words: &[&str]) -> (Option<i32>, String) {
    let ours = sandbox.command(words);
    let prefix = bound_by_bits();
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).arg(ours.get_program()).args(ours.get_args());
    command.current_dir(ours.get_current_dir().unwrap());
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Run::start(command).end()
}

/// A folder's bits, set back when dropped so that it can be removed.
struct Bits(std::path::PathBuf);

impl Bits {
    fn set(path: std::path::PathBuf, bits: u32) -> Self {
        fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
        Self(path)
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        let _ = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700));
    }
}

#[test]
fn a_folder_that_may_not_be_written_or_entered_is_named_and_nothing_is_sent() {
    let sandbox = campaign(&IDS);
    let server = sells();
    let url = server.url();
    let run = ["run", "shots.yaml", "--api-base", &url];
    fs::create_dir_all(sandbox.path("renders/night")).unwrap();
    for (folder, bits) in
        [("renders/night", 0o500), ("renders/night", 0o000), ("renders", 0o000), ("renders", 0o600)]
    {
        let bits = Bits::set(sandbox.path(folder), bits);
        let (code, said) = bound(&sandbox, &run);
        assert_eq!(code, Some(2), "{folder}: {said}");
        assert!(said.contains("ermission denied") && said.contains("renders"), "{folder}: {said}");
        assert_eq!(server.requests().len(), 0, "{folder}: {said}");
        drop(bits);
    }
    let (code, said) = bound(&sandbox, &run);
    assert_eq!(code, Some(0), "{said}");
    // A clips folder that cannot be written is found out before anything is bought as well.
    let sandbox = campaign(&IDS);
    fs::create_dir_all(sandbox.path("renders/night/clips")).unwrap();
    let bits = Bits::set(sandbox.path("renders/night/clips"), 0o500);
    let server = sells();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    let (code, said) = bound(&sandbox, &run);
    assert_eq!((code, posted(&server).len()), (Some(2), 0), "{said}");
    assert!(said.contains("clips") && said.contains("ermission denied"), "{said}");
    drop(bits);
    assert_eq!(bound(&sandbox, &run).0, Some(0));
    each_once(&[&server], &IDS);
}

#[test]
fn names_that_belong_to_something_else_are_refused_and_nothing_is_sent() {
    let sandbox = campaign(&IDS).file("taken", "a file").file("folder/x", "");
    let server = sells();
    let url = server.url();
    for (flag, path, words) in [
        ("--out", "taken", "taken"),
        ("--out", "taken/below", "taken"),
        ("--ledger", "folder", "folder"),
        ("--ledger", "taken", "not a ledger of rushes"),
        ("--ledger", "taken/below.sqlite", "taken"),
    ] {
        let run = ["run", "shots.yaml", "--api-base", &url, flag, path];
        sandbox.run(run).exits(2).warns(words).warns("--");
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(fs::read_to_string(sandbox.path("taken")).unwrap(), "a file");
}

/// From now on no file of the process can grow beyond its first byte.
fn forbid_writing(run: &Run) {
    let words = ["--pid", &run.id().to_string(), "--fsize=1:"];
    assert!(Command::new("prlimit").args(words).status().unwrap().success());
}

fn fails_midway(sandbox: &Sandbox) -> (Server, String) {
    let (server, comes, gate) = holds(2);
    let url = server.url();
    let ours = sandbox.command(&["run", "shots.yaml", "--in-flight", "2", "--api-base", &url]);
    // Whoever writes too much is killed unless the signal is ignored; the error is what counts.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(ours.get_program());
    command.args(ours.get_args()).current_dir(ours.get_current_dir().unwrap());
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let begun = Run::start(command);
    (0..2).for_each(|_| comes.recv_timeout(PATIENCE).unwrap());
    forbid_writing(&begun);
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    (server, said)
}

#[test]
fn a_disk_that_refuses_writes_in_the_middle_of_a_run_stops_it_and_every_task_id_is_told() {
    let sandbox = campaign(&IDS);
    let (server, said) = fails_midway(&sandbox);
    let sent = posted(&server);
    assert_eq!(sent.len(), 2, "nothing more is sent: {said}");
    assert!(said.contains("could not be written") && said.contains("run again"), "{said}");
    for shot in &sent {
        let told = format!("rushes resolve MANIFEST {shot} --task-id task-{shot}");
        assert!(said.contains(&told), "{told} is missing: {said}");
    }
    let rest = sells();
    let run = ["run", "shots.yaml", "--api-base", &rest.url()];
    sandbox.run(run).exits(1).says("2 in doubt");
    for shot in &sent {
        let task = format!("task-{shot}");
        sandbox.run(["resolve", "shots.yaml", shot, "--task-id", &task]).exits(0);
    }
    sandbox.run(run).exits(0);
    each_once(&[&server, &rest], &IDS);
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    all_delivered(&report, IDS.len());
}
