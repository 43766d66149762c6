//! A campaign on a simulator of its own that is killed and started again, and what is held against
//! the simulator's books: after every kill the files, at its end the money as well.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rushes::domain::money::Usd;
use rushes::simulator::Profile;

use super::simulator::Simulator;
use crate::books::{
    Agreement, Truth, assert_agreement, assert_clips, assert_no_temporary_file, doubts,
};
use crate::sandbox::Sandbox;
use crate::support::postgres::PostgresServer;

const SIGKILL: i32 = 9;
/// No run that is left alone takes so long, unless a call hangs.
const HANGS: Duration = Duration::from_secs(6);

/// What a campaign is like.
pub struct Script {
    /// How the simulator behaves.
    pub profile: Profile,
    /// Fixes its faults.
    pub seed: u64,
    /// How many shots.
    pub shots: usize,
    /// `limits` of the manifest.
    pub limits: &'static str,
    /// How long tasks take.
    pub render: &'static str,
    /// The cap, in dollars.
    pub cap: Option<&'static str>,
    /// At so many clips' places another file lies already.
    pub strangers: usize,
    /// Whether the ledger is in a database.
    pub in_database: bool,
    /// Another build of the program.
    pub program: Option<PathBuf>,
}

/// What a killed campaign counts.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// SIGKILLs that hit.
    pub kills: usize,
    /// Doubts that a kill left, with its POST on the wire.
    pub doubts_of_kills: usize,
    /// All doubts: the gateway leaves some, too.
    pub doubts: usize,
    /// Of these those that had bought.
    pub bought: usize,
    /// Delivered in the end.
    pub delivered: usize,
    /// What the gateway charged in the end, which is what the ledger has as spent.
    pub charged: Usd,
}

/// A campaign that is killed.
pub struct Campaign {
    sandbox: Sandbox,
    simulator: Simulator,
    server: Option<PostgresServer>,
    /// The ledger's file, where it is in no database.
    file: PathBuf,
    shots: usize,
    cap: Option<Usd>,
    clips: HashMap<u64, Clip>,
    /// What happened so far.
    pub counts: Counts,
}

/// A file among the clips: once it has its name, it stays as it is.
#[derive(Debug, PartialEq, Eq)]
struct Clip {
    bytes: u64,
    written: (i64, i64),
}

impl Campaign {
    /// Starts the simulator; nothing has run yet.
    pub fn new(script: &Script) -> Self {
        let numbers: Vec<String> = (1..=script.shots).map(|n| n.to_string()).collect();
        let manifest = format!(
            "campaign: night\n{}limits: {{{}}}\ndefaults: {{model: kling-v2-6, duration: 10}}\n\
             shots:\n  - id: scene\n    matrix: {{n: [{}]}}\n    prompt: \"scene {{{{ n }}}}\"\n",
            script.cap.map(|cap| format!("budget: {cap}\n")).unwrap_or_default(),
            script.limits,
            numbers.join(", ")
        );
        let mut sandbox = Sandbox::new().manifest(&manifest).var("KLING_API_KEY", "secret-key");
        if let Some(program) = &script.program {
            sandbox = sandbox.program(program.clone());
        }
        let server = script.in_database.then(PostgresServer::start);
        if let Some(server) = &server {
            sandbox = sandbox.var("RUSHES_LEDGER", &server.address("rushes"));
        }
        let simulator = Simulator::start(&sandbox, script.profile, script.seed, script.render);
        let cap = script.cap.map(|cap| cap.parse().unwrap());
        let (shots, counts) = (script.shots, Counts::default());
        if script.strangers > 0 {
            // Clips without a ledger would be refused: a run that buys nothing makes it first.
            let run = ["run", "shots.yaml", "--api-base", &simulator.url(), "--deadline", "1ms"];
            sandbox.run(run).exits(3);
        }
        for number in 1..=script.strangers {
            let path = format!("renders/night/clips/scene-{number}.mp4");
            sandbox = sandbox.file(&path, "not a clip of this campaign");
        }
        let (file, clips) = (sandbox.path("renders/night/ledger.sqlite"), HashMap::new());
        let mut new = Self { sandbox, simulator, server, file, shots, cap, clips, counts };
        new.note_clips();
        new
    }

    /// What its ledger says, read past the program's own reading.
    fn ledger(&self) -> &dyn Truth {
        match &self.server {
            Some(server) => server,
            None => &self.file,
        }
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path("renders/night")
    }

    fn start(&self, die_at: Option<&str>) -> Run {
        let url = self.simulator.url();
        let mut command = self.sandbox.command(&["run", "shots.yaml", "--api-base", &url]);
        if let Some(point) = die_at {
            command.env("RUSHES_DIE_AT", point);
        }
        let log = std::fs::File::create(self.sandbox.path("last.log")).unwrap();
        Run(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    fn last_log(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("last.log")).unwrap_or_default()
    }

    /// A run that is to die at a named point, the `time`-th time it comes there.
    pub fn die_at(&mut self, point: &str, time: u32) {
        let status = self.start(Some(&format!("{point}:{time}"))).0.wait().unwrap();
        let died = status.signal() == Some(SIGKILL);
        assert!(died, "{point:?} was not passed {time} times: {status}\n{}", self.last_log());
        self.note_kill();
    }

    /// A run that is killed after a while; `false` when it came to its end before.
    pub fn kill_after(&mut self, pause: Duration) -> bool {
        let mut run = self.start(None);
        let deadline = Instant::now() + pause;
        // The moment is what the test is about: there is nothing else to wait for.
        while Instant::now() < deadline && run.0.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = run.0.kill();
        let status = run.0.wait().unwrap();
        if status.signal() == Some(SIGKILL) {
            self.note_kill();
            return true;
        }
        self.assert_went_to_its_end(status);
        false
    }

    /// Runs until a run comes to its end. One more kill is quicker than to wait for a poll that the
    /// gateway lets hang for half a minute.
    fn run(&mut self) {
        while self.kill_after(HANGS) {}
    }

    fn assert_went_to_its_end(&mut self, status: ExitStatus) {
        let log = self.last_log();
        match status.code() {
            Some(0 | 1) => {}
            Some(3) if self.cap.is_some() => assert!(log.contains("the cap"), "{log}"),
            _ => panic!("{status}\n{log}"),
        }
        self.note_clips();
        self.assert_cap();
    }

    fn note_kill(&mut self) {
        self.counts.kills += 1;
        self.note_clips();
        self.assert_cap();
    }

    /// Holds that what the gateway charged and may still charge is within the cap.
    fn assert_cap(&self) {
        if let Some(cap) = self.cap {
            let books = self.simulator.books();
            assert!(books.charged + books.held <= cap, "{} of {cap}", books.charged + books.held);
        }
    }

    /// Holds that no file among the clips was changed or deleted since the last time; temporary
    /// ones do not count.
    fn note_clips(&mut self) {
        let Ok(found) = std::fs::read_dir(self.folder().join("clips")) else { return };
        let now: HashMap<u64, Clip> = found
            .map(Result::unwrap)
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "mp4"))
            .map(|entry| entry.metadata().unwrap())
            .map(|data| {
                let written = (data.mtime(), data.mtime_nsec());
                (data.ino(), Clip { bytes: data.len(), written })
            })
            .collect();
        for (file, clip) in &self.clips {
            assert_eq!(now.get(file), Some(clip), "a file among the clips was changed or deleted");
        }
        self.clips = now;
    }

    /// Holds the ledger against the books, says with `rushes resolve` what the books say of every
    /// doubt; `false` when there was none.
    pub fn resolve(&mut self) -> bool {
        let books = self.simulator.books();
        let doubts = doubts(self.ledger(), &books);
        self.counts.doubts += doubts.len();
        self.counts.doubts_of_kills += doubts.iter().filter(|doubt| doubt.killed).count();
        self.counts.bought += doubts.iter().filter(|doubt| doubt.task.is_some()).count();
        let (bought, not): (Vec<_>, Vec<_>) = doubts.iter().partition(|doubt| doubt.task.is_some());
        for doubt in bought {
            let task = doubt.task.as_deref().unwrap();
            self.sandbox.run(["resolve", "shots.yaml", &doubt.shot, "--task-id", task]).exits(0);
        }
        if !not.is_empty() {
            let shots = not.iter().map(|doubt| doubt.shot.as_str());
            let words: Vec<_> = ["resolve", "shots.yaml"]
                .into_iter()
                .chain(shots)
                .chain(["--not-bought"])
                .collect();
            let resolved = self.sandbox.command(&words).output().unwrap();
            assert!(resolved.status.success(), "{}", String::from_utf8_lossy(&resolved.stderr));
        }
        !doubts.is_empty()
    }

    /// What must hold whenever no run is under way and all tasks have ended.
    pub fn assert_books(&self) -> Agreement {
        self.ledger().assert_sound();
        assert_clips(&self.folder(), self.ledger());
        assert_no_temporary_file(&self.folder());
        assert_agreement(self.ledger(), &self.simulator.books())
    }

    fn report(&self) -> serde_json::Value {
        self.sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json()
    }

    /// How many shots are rendering whose tasks are not stuck.
    fn late(&self) -> u64 {
        let stuck = |p: &&rushes::simulator::Purchase| p.fate.is_never_told();
        let stuck = self.simulator.books().purchases().filter(stuck).count();
        let rendering = self.report()["counts"]["rendering"].as_u64().unwrap();
        rendering.saturating_sub(stuck as u64)
    }

    /// Runs and resolves until nothing is in doubt; then every purchase is known but those that a
    /// 5xx hid, and every shot delivered, failed, stuck at the gateway or held back by the cap.
    pub fn settle(&mut self) -> Counts {
        loop {
            self.run();
            // On a busy machine a task may look late to a run and be done for the next one.
            for _ in 0..MAX_LATE {
                if self.late() == 0 {
                    break;
                }
                self.run();
            }
            self.assert_books();
            if !self.resolve() {
                break;
            }
        }
        let agreement = self.assert_books();
        assert_eq!(agreement.unknown, agreement.hidden, "nothing is in doubt any more");
        assert_eq!(agreement.in_doubt_for_nothing, 0);
        assert_eq!(self.late(), 0, "a task that is done was not seen by {MAX_LATE} runs");
        let report = self.report();
        let count = |state: &str| report["counts"][state].as_u64().unwrap();
        let held_back = if self.cap.is_some() { count("queued") } else { 0 };
        let ended = count("delivered") + count("failed") + count("rendering") + held_back;
        assert_eq!(ended, self.shots as u64, "{}", report["counts"]);
        let books = self.simulator.books();
        if agreement.hidden == 0 {
            let spent: Usd = report["money"]["spent"].as_str().unwrap().parse().unwrap();
            assert_eq!(spent, books.charged);
        }
        self.counts.delivered = usize::try_from(count("delivered")).unwrap();
        self.counts.charged = books.charged;
        self.counts
    }
}

/// So many runs see every task that is done.
const MAX_LATE: u32 = 20;

/// A running `rushes run`; killed if the test fails.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
