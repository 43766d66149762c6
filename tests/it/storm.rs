//! The main job in the worst nights the simulator knows, with the real binary: every shot and every
//! cent is accounted for, whatever is killed, and what needs the user fits a screen.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rushes::domain::time::{Clock, SystemClock};
use rushes::ledger::LedgerAddress;
use rushes::simulator;

use crate::books::{assert_agreement, assert_clips, assert_no_temporary_file};

const SHOTS: usize = 300;

struct Campaign {
    dir: tempfile::TempDir,
    sim: &'static str,
}

impl Campaign {
    fn new(sim: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenes: Vec<String> = (1..=SHOTS).map(|n| n.to_string()).collect();
        let manifest = format!(
            "campaign: night\nbudget: 100\n\
             limits: {{rate: 60/s, poll_every: 200ms, poll_rate: 300/s, in_flight: 60,\n\
             \x20        attempts: 6, submit_timeout: 2s, render_timeout: 12s, fetch_patience: 20s}}\n\
             defaults: {{model: kling-v2-6}}\n\
             shots:\n  - id: scene\n    matrix: {{n: [{}]}}\n    prompt: \"scene {{{{ n }}}}\"\n",
            scenes.join(", ")
        );
        std::fs::write(dir.path().join("night.yaml"), manifest).unwrap();
        Self { dir, sim }
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

    /// Runs without an audience.
    fn start(&self) -> Run {
        let mut command = self.command(&["run", "night.yaml", self.sim]);
        Run(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Shots by state; empty before there is a ledger.
    fn counts(&self) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        if let Ok(reader) = LedgerAddress::file(self.ledger()).snapshot() {
            let _ = reader.rows(&mut |row| {
                *counts.entry(row.entry.status.state.name()).or_default() += 1;
            });
        }
        counts
    }

    fn run_to_its_end(&self) -> Option<i32> {
        self.start().0.wait().unwrap().code()
    }

    fn books(&self) -> simulator::Accounts {
        simulator::books(&self.folder(), SystemClock.now()).unwrap()
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
    let campaign = Campaign::new("--sim=storm:7");
    for (delivered, signal) in [(30, "-INT"), (60, "-KILL"), (90, "-INT"), (120, "-INT")] {
        let mut run = campaign.start();
        campaign.wait_for_delivered(&mut run, delivered);
        let status = run.signal(signal);
        let expected = if signal == "-INT" { Some(130) } else { None };
        assert_eq!(status.code(), expected, "{signal}");
    }
    assert_eq!(campaign.run_to_its_end(), Some(1), "a storm leaves some shots failed or in doubt");
    let bought = campaign.books().purchases.len();
    // The same command again buys nothing, and picks up what was late.
    assert_eq!(campaign.run_to_its_end(), Some(1));

    let books = campaign.books();
    assert_eq!(books.purchases.len(), bought);
    let agreement = assert_agreement(&campaign.ledger(), &books);
    let counts = campaign.counts();
    let count = |state| counts.get(state).copied().unwrap_or(0);
    let stuck = books.purchases().filter(|p| p.fate == simulator::Fate::Stuck).count();
    assert_eq!(
        count("delivered") + count("failed") + count("in_doubt") + count("rendering"),
        SHOTS,
        "{counts:?}"
    );
    assert!(count("rendering") <= stuck, "{counts:?}, {stuck} stuck");
    assert!(count("delivered") > SHOTS / 2, "{counts:?}");
    assert!(agreement.known >= count("delivered"));
    assert_eq!(agreement.unknown + agreement.in_doubt_for_nothing, count("in_doubt"));
    assert_clips(&campaign.folder(), &campaign.ledger());
    assert_no_temporary_file(&campaign.folder());
}

/// So many further runs are enough for tasks that were late to end.
const MAX_LATE_RUNS: u32 = 10;

/// The lines that a summary may have, so that it fits a screen.
const MAX_LINES: usize = 60;

#[test]
fn a_night_in_the_field_ends_with_every_shot_delivered_or_explained_on_one_screen() {
    let campaign = Campaign::new("--sim=field:7");
    let out = campaign.command(&["run", "night.yaml", "--sim=field:7"]).output().unwrap();
    let summary = String::from_utf8(out.stdout).unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{summary}\n{said}");

    let mut states: HashMap<&'static str, usize> = HashMap::new();
    let reader = LedgerAddress::file(campaign.ledger()).snapshot().unwrap();
    let mut unexplained = Vec::new();
    reader
        .rows(&mut |row| {
            let state = &row.entry.status.state;
            *states.entry(state.name()).or_default() += 1;
            if state.name() != "delivered" && state.why().is_none_or(str::is_empty) {
                unexplained.push(row.entry.shot.to_string());
            }
        })
        .unwrap();
    assert_eq!(unexplained, Vec::<String>::new(), "{summary}");
    let count = |state| states.get(state).copied().unwrap_or(0);
    assert_eq!(
        count("delivered") + count("failed") + count("in_doubt") + count("rendering"),
        SHOTS,
        "{summary}"
    );
    assert!(count("delivered") > SHOTS * 3 / 4, "{states:?}");
    for (state, command) in [("in_doubt", "--task-id ID"), ("rendering", "--abandon")] {
        assert!(count(state) == 0 || summary.contains(command), "{state}: {summary}");
    }
    assert!(summary.lines().count() <= MAX_LINES, "{summary}");

    // The same command again buys nothing, and picks up what was late. A task that takes far longer
    // than its time may still render then.
    let bought = campaign.books().purchases.len();
    let endless = campaign.books().purchases().filter(|p| p.fate.is_never_told()).count();
    for _ in 0..MAX_LATE_RUNS {
        assert_eq!(campaign.run_to_its_end(), Some(1));
        if campaign.counts().get("rendering").copied().unwrap_or(0) <= endless {
            break;
        }
    }
    assert_eq!(campaign.books().purchases.len(), bought);
    assert_agreement(&campaign.ledger(), &campaign.books());
    assert_clips(&campaign.folder(), &campaign.ledger());
    assert_no_temporary_file(&campaign.folder());
}
