//! Other ways to name a campaign: no name, its folder, standard input.

use std::io::Write;
use std::process::Stdio;

use crate::sandbox::{Sandbox, TWO_SHOTS};

/// Trial 24: a lone manifest in the folder needs no name.
#[test]
fn the_only_manifest_in_a_folder_needs_no_name() {
    let sandbox = Sandbox::new()
        .manifest(TWO_SHOTS)
        .file("looks.yaml", "vars: {look: warm}\n")
        .file("rows.csv", "prompt\nA beach\n")
        .file(".hidden.yaml", TWO_SHOTS);
    sandbox.run(["plan"]).exits(0).says("summer: 2 shots");
    sandbox.run(["plan", "."]).exits(0).says("summer: 2 shots");
    sandbox.run(["check", ".", "--sim"]).exits(0).says("2 shots: 2 to render");
    let run = sandbox.run(["run", "--sim", "--no-download"]).exits(1);
    run.says("$ rushes fetch shots.yaml --sim");
    sandbox.run(["status", "--sim"]).exits(0).says("2 to be fetched");
    let sandbox = sandbox.file("two.yaml", TWO_SHOTS);
    let done = sandbox.run(["run", "--sim"]).exits(2);
    done.warns("there are 2 in this folder: shots.yaml, two.yaml");
    sandbox.run(["plan", "two.yaml"]).exits(0);
}

#[test]
fn a_lone_table_is_a_manifest_and_an_empty_folder_has_none() {
    let table = "prompt;model\nA beach;kling-v3\n";
    let sandbox =
        Sandbox::new().file("spots/spots.csv", table).file("spots/other.csv", "a,b\n1,2\n");
    sandbox.run(["plan", "spots"]).exits(0).says("1 shot");
    for verb in ["plan", "run", "status", "report", "fetch"] {
        let done = sandbox.run([verb]).exits(2).warns("there is none in this folder");
        done.warns("rushes init");
    }
    assert!(!sandbox.path("renders").exists());
}

/// Trial 24: what needs no manifest takes the campaign's folder.
#[test]
fn a_campaigns_folder_stands_for_its_manifest_where_that_is_not_needed() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    std::fs::remove_file(sandbox.path("shots.yaml")).unwrap();
    let folder = "renders/summer.sim";
    sandbox.run(["status", folder]).exits(0).says("summer: 2 shots: 2 to be fetched");
    let report = sandbox.run(["report", folder, "--format", "json"]).exits(0).stdout_json();
    assert_eq!(report["campaign"], "summer");
    sandbox.run(["fetch", folder]).exits(0).says("2 delivered");
    sandbox.run(["export", folder, "--format", "csv"]).exits(0).says("clips/beach.mp4");
    let done = sandbox.run(["resolve", folder, "beach", "--abandon"]).exits(2);
    done.warns("beach: it is delivered");
    // It is found wherever it was moved to, and from within.
    std::fs::rename(sandbox.path("renders"), sandbox.path("moved")).unwrap();
    sandbox.run(["status", "moved/summer.sim"]).exits(0).says("2 delivered");
    let mut within = sandbox.command(&["status"]);
    let within = within.current_dir(sandbox.path("moved/summer.sim")).output().unwrap();
    assert!(String::from_utf8(within.stdout).unwrap().contains("2 delivered"));
    for verb in ["run", "plan", "check"] {
        let done = sandbox.run([verb, "moved/summer.sim"]).exits(2);
        done.warns("this command needs the manifest").warns("rushes status moved/summer.sim");
    }
}

#[test]
fn commands_to_type_name_the_folder_again() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).file("empty/ledger.id", "odd\n");
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    let folder = "renders/summer.sim";
    sandbox.run(["fetch", folder, "--only", "beach"]).exits(0).says("1 delivered");
    let text = sandbox.run(["status", folder]).exits(0).stdout();
    assert!(!text.contains("--out"), "{text}");
    sandbox.run(["status", "empty"]).exits(2).warns("nothing was run yet");
}

/// Trial 24: a manifest from standard input.
#[test]
fn a_manifest_may_come_from_standard_input() {
    let sandbox = Sandbox::new();
    let pipe = |words: &[&str], text: &str| {
        let mut command = sandbox.command(words);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, out, _) = pipe(&["plan", "-"], TWO_SHOTS);
    assert!(code == Some(0) && out.contains("summer: 2 shots"), "{out}");
    let (code, out, err) = pipe(&["run", "-", "--sim", "--out", "film"], TWO_SHOTS);
    assert!(code == Some(0) && out.contains("2 delivered"), "{out}{err}");
    assert!(sandbox.path("film/clips/beach.mp4").is_file());
    let (code, out, _) = pipe(&["status", "-", "--sim", "--out", "film"], TWO_SHOTS);
    assert!(code == Some(0) && out.contains("2 delivered"), "{out}");
    // What is said of going on does not name what is read only once.
    let (_, out, err) = pipe(&["run", "-", "--sim", "--out", "film2", "--no-download"], TWO_SHOTS);
    assert!(out.contains("rushes fetch film2\n") && !out.contains("rushes fetch -"), "{out}{err}");
    std::fs::remove_dir_all(sandbox.path("film2")).unwrap();
    let (code, _, err) =
        pipe(&["plan", "-"], "campaign: x\nshots:\n  - id: a\n    modell: kling-v3\n");
    assert!(code == Some(2) && err.contains(":4:5: ") && err.contains("modell: kling-v3"), "{err}");
    let (code, _, err) = pipe(&["plan", "-"], "shots:\n  - {id: a, prompt: x, model: kling-v3}\n");
    assert!(code == Some(2) && err.contains("write a line `campaign: NAME`"), "{err}");
    let (code, _, err) = pipe(&["export", "-", "--format", "csv", "--picks", "-"], TWO_SHOTS);
    assert!(code == Some(2) && err.contains("there is one standard input"), "{err}");
    // Nothing is left behind but the campaign.
    let left = std::fs::read_dir(sandbox.path(".")).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.retain(|name| name != "film");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn picks_may_come_from_standard_input() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    let mut command =
        sandbox.command(&["export", "shots.yaml", "--sim", "--format", "csv", "--picks", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"alley\n").unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(out.contains("\n1,alley,1,true,") && !out.contains("beach"), "{out}");
}
