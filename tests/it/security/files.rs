//! What is made is for its owner alone, also in a folder that others can enter.
#![cfg(unix)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sandbox::{Sandbox, TWO_SHOTS};

fn modes(folder: &Path, seen: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = path.symlink_metadata().unwrap();
        if found.is_dir() {
            modes(&path, seen);
        } else {
            seen.push((path.display().to_string(), found.permissions().mode() & 0o777));
        }
    }
}

#[test]
fn every_file_of_a_campaign_is_private_also_in_a_folder_that_is_not() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let open = sandbox.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    sandbox.run(["run", "shots.yaml", "--sim", "--out", "open"]).exits(0);
    let mut seen = Vec::new();
    modes(&open, &mut seen);
    assert!(seen.len() >= 5, "ledger, lock, reserve, journal, clips: {seen:?}");
    assert!(seen.iter().all(|(_, mode)| *mode == 0o600), "{seen:?}");
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let folder = sandbox.path("renders/summer.sim").metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_link_at_a_clips_name_is_moved_aside_and_what_it_leads_to_is_untouched() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).file("diary.txt", "dear diary");
    // Clips without a ledger would be refused: a run that buys nothing makes it first.
    sandbox.run(["run", "shots.yaml", "--sim", "--out", "open", "--deadline", "1ms"]).exits(3);
    let clip = sandbox.path("open/clips/beach.mp4");
    std::os::unix::fs::symlink(sandbox.path("diary.txt"), &clip).unwrap();
    sandbox.run(["run", "shots.yaml", "--sim", "--out", "open"]).exits(0);
    assert_eq!(std::fs::read_to_string(sandbox.path("diary.txt")).unwrap(), "dear diary");
    assert!(clip.symlink_metadata().unwrap().is_file(), "a clip of its own");
}
