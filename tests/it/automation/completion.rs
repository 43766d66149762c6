//! What shells offer while a command is typed.

use crate::sandbox::{Sandbox, TWO_SHOTS};

/// What bash would offer for the last of these words.
fn offered(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut command = sandbox.command(&[&["--", "rushes"], words].concat());
    command.env("COMPLETE", "bash").env("_CLAP_IFS", "\n");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let done = command.output().unwrap();
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
    String::from_utf8(done.stdout).unwrap().lines().map(|line| line.trim().to_owned()).collect()
}

/// Trial 24: completion of shot ids.
#[test]
fn shots_are_completed_from_the_manifest_and_the_ledger() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    assert_eq!(offered(&sandbox, &["resolve", "shots.yaml", "be"]), ["beach"]);
    assert_eq!(offered(&sandbox, &["run", "shots.yaml", "--only", "a"]), ["alley"]);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    std::fs::rename(sandbox.path("shots.yaml"), sandbox.path("away")).unwrap();
    let folder = "renders/summer.sim";
    assert_eq!(offered(&sandbox, &["report", folder, "--only", ""]), ["beach", "alley"]);
    assert_eq!(offered(&sandbox, &["report", "absent.yaml", "--only", "a"]), [""; 0]);
    let flags = offered(&sandbox, &["run", "shots.yaml", "--bud"]);
    assert_eq!(flags, ["--budget"]);
    let script = sandbox.command(&[]).env("COMPLETE", "bash").output().unwrap();
    assert!(String::from_utf8(script.stdout).unwrap().contains("complete"), "bash can source it");
}
