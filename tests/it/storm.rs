//! The main job in the worst night the simulator knows, with the real binary: stopped with Ctrl-C
//! three times and killed once, it ends with every shot accounted for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rushes::ledger::Reader;
use rushes::sim;
use rushes::time::{Clock, SystemClock};

use crate::books::assert_agreement;

const SHOTS: usize = 300;

struct Campaign {
    dir: tempfile::TempDir,
}

impl Campaign {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenes: Vec<String> = (1..=SHOTS).map(|n| n.to_string()).collect();
        let manifest = format!(
            "campaign: night\nbudget: 100\n\
             limits: {{rate: 60/s, poll_every: 200ms, poll_rate: 300/s, in_flight: 60,\n\
             \x20        attempts: 6, submit_timeout: 2s, render_timeout: 12s}}\n\
             defaults: {{model: kling-v2-6}}\n\
             shots:\n  - id: scene\n    matrix: {{n: [{}]}}\n    prompt: \"scene {{{{ n }}}}\"\n",
            scenes.join(", ")
        );
        std::fs::write(dir.path().join("night.yaml"), manifest).unwrap();
        Self { dir }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("renders/night.sim")
    }

    fn ledger(&self) -> PathBuf {
        self.folder().join("ledger.sqlite")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
        command.current_dir(self.dir.path()).args(words).stdin(Stdio::null());
        command
    }

    fn start(&self) -> Run {
        let mut command = self.command(&["run", "night.yaml", "--sim=storm:7"]);
        Run(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Shots by state; empty before there is a ledger.
    fn counts(&self) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        if let Ok(reader) = Reader::open(&self.ledger()) {
            let _ = reader.rows(&mut |row| {
                *counts.entry(row.entry.job.state.name()).or_default() += 1;
            });
        }
        counts
    }

    /// Waits until so many shots are delivered.
    fn wait_for_delivered(&self, run: &mut Run, count: usize) {
        while self.counts().get("delivered").copied().unwrap_or(0) < count {
            assert_eq!(run.0.try_wait().unwrap(), None, "the run ended before {count} delivered");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A running `rushes run`; killed if the test fails.
struct Run(Child);

impl Run {
    fn signal(&mut self, signal: &str) -> ExitStatus {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.0.wait().unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_storm_with_three_ctrl_c_and_a_kill_ends_with_every_shot_and_cent_accounted_for() {
    let campaign = Campaign::new();
    for (delivered, signal) in [(30, "-INT"), (60, "-KILL"), (90, "-INT"), (120, "-INT")] {
        let mut run = campaign.start();
        campaign.wait_for_delivered(&mut run, delivered);
        let status = run.signal(signal);
        let expected = if signal == "-INT" { Some(130) } else { None };
        assert_eq!(status.code(), expected, "{signal}");
    }
    let mut last = campaign.start();
    let code = last.0.wait().unwrap().code();

    let books = sim::books(&campaign.folder(), SystemClock.now()).unwrap();
    let counts = campaign.counts();
    let agreement = assert_agreement(&campaign.ledger(), &books);
    let stuck = books.purchases().filter(|p| p.fate == sim::Fate::Stuck).count();
    assert_eq!(counts.values().sum::<usize>(), SHOTS, "{counts:?}");
    for state in counts.keys() {
        assert!(["delivered", "failed", "in_doubt", "rendering"].contains(state), "{counts:?}");
    }
    assert!(counts.get("rendering").copied().unwrap_or(0) <= stuck, "{counts:?}, {stuck} stuck");
    assert_eq!(code, Some(1), "a storm leaves some shots failed or in doubt: {counts:?}");
    assert!(counts["delivered"] > SHOTS / 2, "{counts:?}");
    assert!(agreement.known >= counts["delivered"]);
    assert!(agreement.unknown + agreement.in_doubt_for_nothing >= counts["in_doubt"]);
    every_delivered_clip_is_there(&campaign.folder(), &campaign.ledger());

    // The same command again costs nothing.
    let again = campaign.start().0.wait().unwrap();
    assert_eq!(again.code(), Some(1));
    let after = sim::books(&campaign.folder(), SystemClock.now()).unwrap();
    assert_eq!(after.purchases.len(), books.purchases.len());
    no_temporary_file_is_left(&campaign.folder());
}

fn every_delivered_clip_is_there(folder: &Path, ledger: &Path) {
    let reader = Reader::open(ledger).unwrap();
    let check = &mut |row: rushes::ledger::Row| {
        if row.entry.job.state.name() == "delivered" {
            assert!(!row.files.is_empty());
        }
        for file in &row.files {
            let length = std::fs::metadata(folder.join(&file.path)).unwrap().len();
            assert_eq!(length, file.bytes, "{}", file.path);
        }
    };
    reader.rows(check).unwrap();
}

fn no_temporary_file_is_left(folder: &Path) {
    for entry in std::fs::read_dir(folder.join("clips")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.ends_with(".mp4"), "{name}");
    }
}
