//! Trial 1: commands to type repeat what the user had typed.

use std::process::Command;

use serde_json::json;

use crate::sandbox::{Sandbox, TWO_SHOTS};
use crate::support::server::{Reply, Script};

/// The command after `then: ` or `to go on: ` on standard error.
fn advised(stderr: &str) -> String {
    let line = stderr.lines().find_map(|line| line.split_once(": rushes ")).unwrap();
    format!("rushes {}", line.1)
}

/// Trial 1: nothing that would buy other shots, or spend more, is left out; and the shell reads it.
#[test]
fn trial_1_a_command_to_go_on_repeats_every_flag_that_matters() {
    let catalog = rushes::catalog::BUILTIN;
    // More than the simulator's account has.
    let manifest = TWO_SHOTS.replace("    prompt: A girl", "    takes: 5\n    prompt: A girl");
    let sandbox = Sandbox::new().manifest(&manifest).file("it's a catalog.yaml", catalog);
    let words = [
        "run",
        "shots.yaml",
        "--only",
        "{alley,b*}",
        "--retry-failed",
        "--budget",
        "none",
        "--rate",
        "50/s",
        "--in-flight",
        "7",
        "--catalog",
        "it's a catalog.yaml",
        "--max-failures",
        "30%",
        "--deadline",
        "8h",
        "--no-download",
        "--out",
        "some where",
        "--sim=broke:3",
        "--log-format",
        "text",
        "-v",
    ];
    let done = sandbox.run(words).exits(3);
    let command = advised(&done.stderr());
    assert_eq!(
        command,
        "rushes run shots.yaml --only '{alley,b*}' --retry-failed --budget none --rate 50/s \
         --in-flight 7 --catalog 'it'\\''s a catalog.yaml' --max-failures '30%' --deadline 8h \
         --no-download --out 'some where' --sim=broke:3"
    );
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_rushes"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).current_dir(sandbox.path("")).env("PATH", path);
    let again = shell.output().unwrap();
    assert_eq!(again.status.code(), Some(3));
    assert_eq!(advised(&String::from_utf8(again.stderr).unwrap()), command);
}

/// Trial 1: what the command itself says is not said twice, and other commands take only their own flags.
#[test]
fn trial_1_flags_stand_once_and_only_where_they_are_taken() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox
        .run(["run", "shots.yaml", "--budget", "0.1", "--only", "*", "--no-download", "--sim"])
        .exits(3);
    done.warns(
        "to allow more: rushes run shots.yaml --budget USD --only '*' --no-download --sim\n",
    )
    .says("$ rushes fetch shots.yaml --sim\n");
    let words =
        ["run", "shots.yaml", "--whole", "--only", "beach", "--budget", "0.1", "--sim", "--out=x"];
    let done = sandbox.run(words).exits(2);
    done.warns("rushes run shots.yaml --whole --budget 0.3165 --only beach --out x --sim\n");
}

/// Trial 1: the progress counts what the run may do, as the summary does.
#[test]
fn trial_1_the_progress_of_a_part_counts_that_part() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox.run(["run", "shots.yaml", "--only", "alley", "--sim"]).exits(0);
    let told = done.stderr();
    assert!(told.contains("1 of 1 shot delivered") && !told.contains("queued"), "{told}");
    done.says("summer: 1 shot: 1 delivered\n");
    // What was bought before is finished by any run, and counted by it.
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    sandbox.run(["run", "shots.yaml", "--only", "beach", "--no-download", "--sim"]).exits(1);
    let done = sandbox.run(["run", "shots.yaml", "--only", "alley", "--sim"]).exits(0);
    assert!(done.stderr().contains("2 of 2 shots delivered"), "{}", done.stderr());
}

/// Trial 1: what follows a `fetch` that stopped is a `fetch`, which buys nothing.
#[test]
fn trial_1_a_fetch_that_stopped_is_followed_by_a_fetch() {
    let bad_key = json!({"code": 401, "msg": "the key is not valid"});
    let sold = json!({"data": {"taskId": "t-1"}});
    let script = Script::new().always_post(Reply::json(200, &sold));
    let server = script.always_get(Reply::json(401, &bad_key)).serve();
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("KLING_API_KEY", "secret-key");
    let url = server.url();
    let place = format!("--api-base '{url}'");
    let done = sandbox.run(["run", "shots.yaml", "--only", "alley", "--api-base", &url]).exits(3);
    done.warns(&format!("then: rushes run shots.yaml --only alley {place}\n"));
    let done = sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(3);
    done.warns(&format!("then: rushes fetch shots.yaml {place}\n"));
    let words = ["fetch", "shots.yaml", "--only", "all*", "--api-base", &url];
    let command = format!("then: rushes fetch shots.yaml --only 'all*' {place}\n");
    sandbox.run(words).exits(3).warns(&command);
}

/// Trial 1: what is typed after `resolve` and `report` buys what the last run was to buy, and no more.
#[test]
fn trial_1_commands_that_are_printed_later_keep_to_the_last_run() {
    let lost = Script::new().always_post(Reply::cut()).serve();
    let sandbox = Sandbox::new().manifest(TWO_SHOTS).var("KLING_API_KEY", "secret-key");
    let url = lost.url();
    let run = |more: &[&str]| {
        let words = [&["run", "shots.yaml", "--api-base", &url], more].concat();
        sandbox.run_words(&words).exits(1);
    };
    let resolved = |shot: &str, advised: &str| {
        let done = sandbox.run(["resolve", "shots.yaml", shot, "--not-bought"]).exits(0);
        done.says(&format!("to go on: rushes run shots.yaml{advised} --api-base '{url}'\n"));
    };
    run(&["--only", "alley", "--rate", "1/s"]);
    resolved("alley", " --only alley --rate 1/s");
    // From a broken `last-run.json`, or one that another program wrote, a printed command takes no flags.
    let kept = sandbox.path("renders/summer/last-run.json");
    run(&["--only", "alley"]);
    std::fs::write(&kept, "{\"rushes_last_run\":[\"--only\"").unwrap();
    resolved("alley", "");
    std::fs::write(&kept, "dear diary").unwrap();
    run(&["--only", "beach"]);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "dear diary");
    std::fs::remove_file(&kept).unwrap();
    run(&["--only", "alley", "--in-flight", "1"]);
    assert!(kept.exists());
    // A run of all shots has nothing to keep.
    run(&[]);
    assert!(!kept.exists());
    resolved("beach", "");
}
