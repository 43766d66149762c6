//! What a shell allows a process: the size of files, the number of open ones, and the umask. None of
//! it is a full disk, and none of it may kill a run or open its folders to other users.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rushes::clips::ClipError;
use rushes::disk::{cause_told, is_too_many_open, told};
use rushes::scheduler::DownloadOutcome;

use super::{CLIP, Run, campaign, each_once, manifest, posted, sells, sold};
use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::server::{Script, Server};

/// `rushes run` under limits that a shell sets first.
fn run(sandbox: &Sandbox, limits: &str, server: &Server) -> (Option<i32>, String) {
    let url = server.url();
    Run::start(under(sandbox, limits, &["run", "shots.yaml", "--out", "night", "--api-base", &url]))
        .end()
}

fn under(sandbox: &Sandbox, limits: &str, words: &[&str]) -> Command {
    let ours = sandbox.command(words);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]).arg(ours.get_program());
    command.args(ours.get_args()).current_dir(sandbox.path(""));
    command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(std::process::Stdio::null());
    command
}

#[test]
fn field_38_a_limit_on_the_size_of_files_is_an_error_before_anything_is_sent() {
    let sandbox = campaign(&["a"]);
    let server = sells();
    let (code, said) = run(&sandbox, "ulimit -f 4", &server);
    assert_eq!((code, posted(&server).len()), (Some(2), 0), "{said}");
    assert!(said.contains("ulimit -f") && said.contains("the disk is not full"), "{said}");
}

#[test]
fn field_38_a_clip_beyond_the_limit_on_the_size_of_files_stops_the_run_and_is_not_lost() {
    let ids = ["a", "b"];
    let sandbox = campaign(&ids);
    // Behind the film lies free space, as the format calls it: 8 MiB.
    let mut clip = CLIP.to_vec();
    clip.extend((8_u32 << 20).to_be_bytes());
    clip.extend(b"free");
    clip.resize(CLIP.len() + (8 << 20), 0);
    let server = Script::new().on(move |request| Some(sold(request, &clip))).serve();
    // At most 4 MiB, whether the shell counts in 512 bytes or in 1,024: the ledger has room.
    let (code, said) = run(&sandbox, "ulimit -f 4096", &server);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("ulimit -f") && said.contains(".mp4"), "{said}");
    let (code, said) = run(&sandbox, "true", &server);
    assert_eq!(code, Some(0), "{said}");
    each_once(&[&server], &ids);
}

#[test]
fn field_38_a_low_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let ids: Vec<String> = (0..24).map(|number| format!("s{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let sandbox = campaign(&ids);
    let server = sells();
    let (code, said) = run(&sandbox, "ulimit -Sn 10", &server);
    assert_eq!(code, Some(0), "{said}");
    each_once(&[&server], &ids);
}

#[test]
fn field_38_a_hard_limit_of_open_files_is_named_at_every_step_and_loses_nothing() {
    // So many are open before, at and after each file of the ledger, and before the sockets.
    for files in (8..34).step_by(2).chain([13, 15]) {
        let ids = ["a", "b", "c"];
        let brief = "limits: {fetch_patience: 200ms, attempts: 2, ";
        let sandbox = campaign(&[]).manifest(&manifest(&ids).replace("limits: {", brief));
        let server = sells();
        let (code, said) = run(&sandbox, &format!("ulimit -n {files}"), &server);
        if code != Some(0) {
            assert!(matches!(code, Some(1..=3)), "{files}: {code:?} {said}");
            assert!(said.contains("ulimit -n"), "{files}: {said}");
            assert!(!said.contains("free some space"), "{files}: {said}");
            assert!(code != Some(2) || posted(&server).is_empty(), "{files}: {said}");
            let (code, said) = run(&sandbox, "true", &server);
            assert_eq!(code, Some(0), "{files}: {said}");
        }
        each_once(&[&server], &ids);
    }
}

#[test]
fn field_38_too_many_open_files_are_named_and_tried_again_and_no_full_disk() {
    for number in [23, 24] {
        let error = || io::Error::from_raw_os_error(number);
        assert!(is_too_many_open(&error()));
        let text = told(&error());
        assert!(text.contains("the disk is not full") && text.contains("ulimit -n"), "{text}");
        // Also where it is the cause of an error of a socket.
        assert_eq!(cause_told(&error()), text);
        let clip = ClipError::Disk { path: "clips/a.mp4".into(), source: error() };
        assert!(clip.to_string().contains("ulimit -n"), "{clip}");
        let outcome = DownloadOutcome::from(clip);
        assert!(matches!(outcome, DownloadOutcome::Failed { .. }), "{outcome:?}");
    }
    let full = ClipError::Disk {
        path: "clips/a.mp4".into(),
        source: io::Error::from(io::ErrorKind::StorageFull),
    };
    assert!(matches!(DownloadOutcome::from(full), DownloadOutcome::DiskFailed(_)));
}

fn folders(folder: &Path, seen: &mut Vec<(String, u32)>) {
    let mode = folder.metadata().unwrap().permissions().mode() & 0o777;
    seen.push((folder.display().to_string(), mode));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders(&path, seen);
        }
    }
}

#[test]
fn field_45_under_a_umask_of_000_other_users_can_write_into_no_folder_of_a_campaign() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let words = ["run", "shots.yaml", "--sim", "--out", "new/night", "--ledger", "books/l.sqlite"];
    let (code, said) = Run::start(under(&sandbox, "umask 000", &words)).end();
    assert_eq!(code, Some(0), "{said}");
    let mut seen = Vec::new();
    for folder in ["new", "books"] {
        folders(&sandbox.path(folder), &mut seen);
    }
    assert!(seen.iter().any(|(path, _)| path.ends_with("new/night/clips")), "{seen:?}");
    assert!(seen.iter().all(|(_, mode)| mode & 0o022 == 0), "{seen:?}");
}
