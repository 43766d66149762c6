//! Trial 3: what a run asks on a terminal before it buys. The terminal is the `script` program's.

use std::io::{BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rushes::cli::answer;
use rushes::simulator::Profile;

use crate::kills::Simulator;
use crate::sandbox::{Sandbox, TWO_SHOTS};

struct Stage {
    sandbox: Sandbox,
    simulator: Simulator,
}

/// What a program showed on its terminal, and its exit code.
struct Shown {
    text: String,
    code: Option<i32>,
}

impl Stage {
    fn new(manifest: &str) -> Self {
        Self::rendering(manifest, "20ms..60ms")
    }

    fn rendering(manifest: &str, render: &str) -> Self {
        let sandbox = Sandbox::new().manifest(manifest).var("KLING_API_KEY", "secret-key");
        let simulator = Simulator::start(&sandbox, Profile::Calm, 1, render);
        Self { sandbox, simulator }
    }

    /// `rushes run shots.yaml` with further words.
    fn words(&self, more: &str) -> String {
        let program = env!("CARGO_BIN_EXE_rushes");
        format!("{program} run shots.yaml --api-base {} {more}", self.simulator.url())
    }

    /// Runs it in a terminal in which `typed` is typed.
    fn run(&self, more: &str, typed: &str) -> Shown {
        self.shell(&self.words(more), typed)
    }

    fn shell(&self, line: &str, typed: &str) -> Shown {
        let mut command = Command::new("script");
        command.args(["-qec", line, "/dev/null"]).current_dir(self.sandbox.path(""));
        command.env_clear().env("HOME", self.sandbox.path("")).env("SHELL", "/bin/sh");
        command.env("KLING_API_KEY", "secret-key").env("TZ", "UTC").env("TERM", "xterm");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this test needs `script` of util-linux");
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        Shown { text, code: output.status.code() }
    }

    fn bought(&self) -> usize {
        self.simulator.books().purchases.len()
    }
}

impl Shown {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.text.contains(text), "{text:?} is missing\n{}", self.text);
        self
    }

    #[track_caller]
    fn asks(self, whether: bool) -> Self {
        assert_eq!(self.text.contains("[y/N]"), whether, "{}", self.text);
        self
    }
}

/// Trial 3: without a cap a run asks, and anything but a yes buys and changes nothing.
#[test]
fn trial_3_without_a_cap_a_run_asks_and_only_a_yes_buys() {
    let stage = Stage::new(TWO_SHOTS);
    for typed in ["n\n", "\n", "yess\n", ""] {
        let shown = stage.run("", typed).exits(2).asks(true);
        shown
            .says("summer: this run would buy 2 shots for $0.3324\n")
            .says("there is no cap; --budget USD sets one")
            .says("not agreed: nothing was bought, nothing was changed");
    }
    assert_eq!(stage.bought(), 0);
    assert!(!stage.sandbox.path("renders").exists(), "nothing was made");
    stage.run("--budget 1 --only alley", "").exits(0).asks(false);
    stage.run("--budget none", "YES\n").exits(0).asks(true).says("2 delivered");
    assert_eq!(stage.bought(), 2);
    stage.run("", "").exits(0).asks(false);
}

/// Trial 3: a yes is kept for the same and for less, not for more.
#[test]
fn trial_3_a_yes_is_kept_for_what_it_was_said_of() {
    let manifest = TWO_SHOTS.replace("prompt: Rain in a neon alley", "prompt: Rain\n    takes: 4");
    let stage = Stage::rendering(&manifest, "500ms..510ms");
    stage.run("--only 'alley*' --in-flight 1 --deadline 900ms", "y\n").exits(3).asks(true);
    assert!(stage.bought() < 4);
    stage.run("--only 'alley*'", "").exits(0).asks(false);
    assert_eq!(stage.bought(), 4);
    stage.run("", "").exits(2).asks(true).says("1 shot for $0.3165");
    assert_eq!(stage.bought(), 4);
    // A ledger of its own was never agreed to.
    stage.run("--out elsewhere --separate --only alley", "").exits(2).asks(true);
}

/// Trial 3: delivered shots that changed are asked for also under a cap, each change anew.
#[test]
fn trial_3_buying_changed_shots_again_is_asked_for() {
    let stage = Stage::new(TWO_SHOTS);
    stage.run("--budget 5", "").exits(0).asks(false);
    let edit = |to: &str| {
        let text = TWO_SHOTS.replace("Rain in a neon alley", to);
        std::fs::write(stage.sandbox.path("shots.yaml"), text).unwrap();
    };
    edit("Snow in a neon alley");
    let no = stage.run("", "n\n").exits(2).asks(true);
    let no = no.says("1 shot changed, delivered before: buying again costs $0.0159");
    assert!(!no.text.contains("rushes fetch"), "nothing waits: {}", no.text);
    stage.run("", "y\n").exits(0).asks(true);
    stage.run("", "").exits(0).asks(false);
    edit("Fog in a neon alley");
    stage.run("", "").exits(2).asks(true);
    stage.run("-y", "").exits(0).asks(false);
    assert_eq!(stage.bought(), 4);
    let renamed = TWO_SHOTS.replace("id: beach", "id: shore");
    std::fs::write(stage.sandbox.path("shots.yaml"), renamed).unwrap();
    stage.run("", "").exits(2).says("1 shot under another id, delivered before");
}

/// Trial 3: much at once is asked for under a cap, too.
#[test]
fn trial_3_more_than_fifty_dollars_are_asked_for() {
    let manifest = TWO_SHOTS.replace("    prompt: A girl", "    takes: 200\n    prompt: A girl");
    let stage = Stage::new(&manifest);
    stage.run("--budget 100", "").exits(2).asks(true).says("201 shots for $63.3159");
    stage.run("--budget 100", "").says("the cap is $100.00");
    // What the cap allows counts.
    stage.run("--budget 0.01", "").exits(3).asks(false);
}

/// Trial 3: nothing is asked where no user can answer.
#[test]
fn trial_3_pipes_and_background_jobs_and_rehearsals_are_not_asked() {
    let stage = Stage::new(TWO_SHOTS);
    let url = stage.simulator.url();
    let words = ["run", "shots.yaml", "--only", "alley", "--api-base", &url];
    assert!(!stage.sandbox.run(words).exits(0).stderr().contains("[y/N]"));
    let background = format!("set -m; {} & wait $!", stage.words(""));
    stage.shell(&background, "").exits(0).asks(false);
    assert_eq!(stage.bought(), 2);
    let rehearsal = format!("{} run shots.yaml --sim", env!("CARGO_BIN_EXE_rushes"));
    stage.shell(&rehearsal, "").exits(0).asks(false);
}

/// Trial 3: no answer in time is a no.
#[test]
fn trial_3_an_answer_is_waited_for_only_so_long() {
    let (reader, writer) = std::io::pipe().unwrap();
    assert_eq!(answer(move || BufReader::new(reader), Duration::from_millis(10)), None);
    drop(writer);
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"y\n").unwrap();
    let said = answer(move || BufReader::new(reader), Duration::from_secs(60));
    assert_eq!(said.as_deref(), Some("y\n"));
}
