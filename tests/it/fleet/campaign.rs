//! A campaign that several programs work on at once, each behind proxies of its own.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rushes::domain::money::Usd;
use rushes::simulator::{Fate, Profile};
use rustix::process::{Pid, Signal, kill_process};

use crate::books::{Agreement, assert_agreement, assert_clips, assert_no_temporary_file, doubts};
use crate::kills::Simulator;
use crate::sandbox::Sandbox;
use crate::support::database_proxy::DatabaseProxy;
use crate::support::postgres::PostgresServer;

/// The lease, and how long a POST may be on the wire, of the programs of these tests.
pub const LEASE: Duration = Duration::from_secs(3);
const TIMINGS: &str = "lease:3s,on_wire:4s";
/// A run that does not end by itself within this time hangs.
const PATIENCE: Duration = Duration::from_secs(180);
/// So much later than it left a POST may be noted.
const NOTED_LATE: Duration = Duration::from_millis(200);

/// What a campaign is like.
pub struct Script {
    pub profile: Profile,
    pub seed: u64,
    pub shots: usize,
    pub workers: usize,
    /// POSTs a second.
    pub rate: u32,
    pub in_flight: u32,
    pub render: &'static str,
    pub cap: Option<&'static str>,
    /// Whether doubts are bought again.
    pub resubmits: bool,
}

impl Script {
    /// Quick, and like real nights.
    pub const fn new(profile: Profile, seed: u64, shots: usize, workers: usize) -> Self {
        let (rate, in_flight, render, cap) = (40, 12, "1ms..200ms", None);
        let resubmits = false;
        Self { profile, seed, shots, workers, rate, in_flight, render, cap, resubmits }
    }
}

/// A running program.
struct Worker {
    child: Option<Child>,
    database: DatabaseProxy,
    gateway: DatabaseProxy,
    starts: usize,
}

/// A campaign and its workers.
pub struct Fleet {
    workers: Vec<Worker>,
    pub server: PostgresServer,
    sandbox: Sandbox,
    pub simulator: Simulator,
    script: Script,
    /// Whether a worker may end because the database is away.
    pub is_robust: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Fleet {
    /// Everything but the workers runs.
    pub fn new(script: Script) -> Self {
        let numbers: Vec<String> = (1..=script.shots).map(|n| n.to_string()).collect();
        let manifest = format!(
            "campaign: night\n{}{}limits: {{rate: {}/s, poll_every: 50ms, poll_rate: 200/s, in_flight: {}, \
             attempts: 8, submit_timeout: 2s, render_timeout: 20s}}\n\
             defaults: {{model: kling-v2-6, duration: 10}}\n\
             shots:\n  - id: scene\n    matrix: {{n: [{}]}}\n    prompt: \"scene {{{{ n }}}}\"\n",
            script.cap.map(|cap| format!("budget: {cap}\n")).unwrap_or_default(),
            if script.resubmits { "on_doubt: resubmit\n" } else { "" },
            script.rate,
            script.in_flight,
            numbers.join(", ")
        );
        let server = PostgresServer::start();
        let mut sandbox = Sandbox::new().manifest(&manifest).var("KLING_API_KEY", "secret-key");
        if let Ok(program) = std::env::var("RUSHES_PROGRAM") {
            sandbox = sandbox.program(program.into());
        }
        let sandbox =
            sandbox.var("RUSHES_TIMINGS", TIMINGS).var("RUSHES_LEDGER", &server.address("rushes"));
        let simulator = Simulator::start(&sandbox, script.profile, script.seed, script.render);
        let worker = |_| Worker {
            child: None,
            database: DatabaseProxy::before(server.socket()),
            gateway: DatabaseProxy::before_port(simulator.address()),
            starts: 0,
        };
        let workers = (0..script.workers).map(worker).collect();
        Self { workers, server, sandbox, simulator, script, is_robust: false }
    }

    /// Writes another manifest in the place of the first.
    pub fn change_manifest(&self, from: &str, to: &str) {
        let path = self.sandbox.path("shots.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    pub fn folder(&self) -> PathBuf {
        self.sandbox.path("renders/night")
    }

    /// Starts a worker that does not run.
    pub fn start(&mut self, nth: usize) {
        self.start_with(nth, &[]);
    }

    /// The same; it stops by itself when it comes to a named point for so many times.
    pub fn start_until(&mut self, nth: usize, point: &str, time: u32) {
        self.start_with(nth, &[("RUSHES_STOP_AT", format!("{point}:{time}"))]);
        let began = Instant::now();
        let child = self.workers[nth].child.as_ref().unwrap().id();
        let is_stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
        };
        while !is_stopped() {
            assert!(began.elapsed() < PATIENCE, "{point} was not reached: {}", self.log(nth));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn start_with(&mut self, nth: usize, variables: &[(&str, String)]) {
        let worker = &mut self.workers[nth];
        assert!(worker.child.is_none());
        worker.starts += 1;
        let gateway = format!("http://127.0.0.1:{}", worker.gateway.port());
        let ledger = format!("{}?schema=rushes", worker.database.address());
        let words = ["run", "shots.yaml", "--api-base", &gateway, "--same-gateway", "--ledger"];
        let mut command = self.sandbox.command(&words);
        command.arg(ledger).envs(variables.iter().map(|(name, value)| (name, value)));
        let log = self.sandbox.path(&format!("worker-{nth}.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        worker.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub fn start_all(&mut self) {
        for nth in 0..self.workers.len() {
            if self.workers[nth].child.is_none() {
                self.start(nth);
            }
        }
    }

    /// Waits until so many requests were written down.
    pub fn wait_for_attempts(&self, count: usize) {
        let began = Instant::now();
        let sql = format!("SELECT count(*) >= {count} FROM attempts");
        while self.server.try_psql("rushes", &sql).as_deref() != Ok("t") {
            assert!(began.elapsed() < PATIENCE, "{}", self.log(0));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn log(&self, nth: usize) -> String {
        let log = self.sandbox.path(&format!("worker-{nth}.log"));
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// The workers that run.
    pub fn running(&mut self) -> Vec<usize> {
        let is_running = |worker: &mut Worker| {
            let child = worker.child.as_mut();
            child.is_some_and(|child| child.try_wait().unwrap().is_none())
        };
        let running = self.workers.iter_mut().map(is_running);
        (0..).zip(running).filter(|(_, runs)| *runs).map(|(nth, _)| nth).collect()
    }

    /// Ends a worker as a power cut would; whether it still ran.
    pub fn kill(&mut self, nth: usize) -> bool {
        let Some(mut child) = self.workers[nth].child.take() else { return false };
        let _ = child.kill();
        let status = child.wait().unwrap();
        let killed = status.signal() == Some(9);
        if !killed {
            self.assert_ended_well(nth, status);
        }
        killed
    }

    fn signal(&self, nth: usize, signal: Signal) {
        if let Some(child) = &self.workers[nth].child {
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// It takes no further step until it is let go.
    pub fn freeze(&self, nth: usize) {
        self.signal(nth, Signal::STOP);
    }

    /// Ctrl-C.
    pub fn interrupt(&self, nth: usize) {
        self.signal(nth, Signal::INT);
    }

    pub fn thaw(&self, nth: usize) {
        self.signal(nth, Signal::CONT);
    }

    /// What a worker goes through to the database, and to the gateway.
    pub fn lines(&self, nth: usize) -> (&DatabaseProxy, &DatabaseProxy) {
        (&self.workers[nth].database, &self.workers[nth].gateway)
    }

    /// How the worker ended that does not run any more.
    pub fn ended(&mut self, nth: usize) -> Option<ExitStatus> {
        let status = self.workers[nth].child.as_mut()?.try_wait().unwrap()?;
        self.workers[nth].child = None;
        Some(status)
    }

    /// Waits until all that run have ended by themselves.
    pub fn wait(&mut self) -> BTreeMap<usize, ExitStatus> {
        let (began, mut ended) = (Instant::now(), BTreeMap::new());
        while self.workers.iter().any(|worker| worker.child.is_some()) {
            for nth in 0..self.workers.len() {
                if let Some(status) = self.ended(nth) {
                    ended.insert(nth, status);
                }
            }
            let logs = || (0..self.workers.len()).map(|nth| self.log(nth)).collect::<Vec<_>>();
            assert!(began.elapsed() < PATIENCE, "a worker hangs: {:#?}", logs());
            std::thread::sleep(Duration::from_millis(5));
        }
        ended
    }

    pub fn assert_ended_well(&self, nth: usize, status: ExitStatus) {
        match status.code() {
            Some(0 | 1) => {}
            // It found no database at its start, or none for its summary.
            Some(2 | 3) if self.is_robust && self.log(nth).contains("postgres://") => {}
            Some(3) if self.script.cap.is_some() => assert!(self.log(nth).contains("the cap")),
            _ => panic!("{status}\n{}", self.log(nth)),
        }
    }

    /// Runs all workers until they end, as often as shots in doubt and late tasks make it necessary;
    /// answers how many were in doubt.
    pub fn settle(&mut self) -> usize {
        let mut in_doubt = 0;
        loop {
            self.start_all();
            let ended = self.wait();
            for (nth, status) in &ended {
                self.assert_ended_well(*nth, *status);
            }
            // All of them found no database.
            if ended.values().all(|status| status.code() == Some(2)) {
                continue;
            }
            let going_on = "SELECT count(*) FROM revisions WHERE stage = 'bought'";
            assert_eq!(
                self.server.psql("rushes", going_on),
                "0",
                "all that goes on was waited for"
            );
            // A doubt may be settled so late that its task is old by then; the next run asks for it.
            let late = self.late();
            if late == 0 {
                self.assert_books();
            }
            let found = self.resolve();
            in_doubt += found;
            if found == 0 && late == 0 {
                break;
            }
        }
        let agreement = self.assert_books();
        assert_eq!(agreement.unknown, agreement.hidden, "nothing is in doubt any more");
        assert_eq!(agreement.in_doubt_for_nothing, 0);
        in_doubt
    }

    /// Holds what must hold whenever no worker runs.
    pub fn assert_books(&self) -> Agreement {
        let books = self.simulator.books();
        if let Some(cap) = self.script.cap {
            let cap: Usd = cap.parse().unwrap();
            assert!(books.charged + books.held <= cap);
        }
        assert_clips(&self.folder(), &self.server);
        assert_no_temporary_file(&self.folder());
        assert_agreement(&self.server, &books)
    }

    /// Says of every doubt what the books say; answers how many there were.
    fn resolve(&self) -> usize {
        let doubts = doubts(&self.server, &self.simulator.books());
        for doubt in &doubts {
            let words = ["resolve", "shots.yaml", &doubt.shot];
            let word: &[&str] = match &doubt.task {
                Some(task) => &["--task-id", task],
                None => &["--not-bought"],
            };
            let resolved = self.sandbox.command(&[&words[..], word].concat()).output().unwrap();
            assert!(resolved.status.success(), "{}", String::from_utf8_lossy(&resolved.stderr));
        }
        doubts.len()
    }

    fn report(&self) -> serde_json::Value {
        self.sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json()
    }

    /// Shots that render though their tasks are done or will be.
    fn late(&self) -> u64 {
        let books = self.simulator.books();
        let stuck = books.purchases().filter(|bought| bought.fate.is_never_told()).count() as u64;
        self.count("rendering").saturating_sub(stuck)
    }

    /// How many shots are in a state.
    pub fn count(&self, state: &str) -> u64 {
        self.report()["counts"][state].as_u64().unwrap()
    }

    /// Holds that in no second more POSTs left all workers together than the rate, but for what a busy
    /// machine notes late, and answers how much of it was used between the first and the last, from 0 to 1.
    /// They are noted where they leave: a line that is held lets them arrive together.
    pub fn assert_rate(&self) -> f64 {
        let mut left: Vec<Instant> =
            self.workers.iter().flat_map(|worker| worker.gateway.posts()).collect();
        left.sort_unstable();
        let rate = self.script.rate as usize;
        for window in left.windows(rate + 1) {
            let span = window[rate] - window[0];
            assert!(
                span + NOTED_LATE >= Duration::from_secs(1),
                "{} POSTs within {span:?}",
                rate + 1
            );
        }
        let span =
            left.last().zip(left.first()).map_or(Duration::ZERO, |(last, first)| *last - *first);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let used = (left.len() as f64 - 1.0) / (f64::from(self.script.rate) * span.as_secs_f64());
        used
    }

    /// The largest number of tasks that the gateway rendered at the same time.
    pub fn peak_in_flight(&self) -> usize {
        let books = self.simulator.books();
        let mut moments: Vec<(i64, i64)> = Vec::new();
        for bought in books.purchases() {
            moments.push((bought.at, 1));
            if let Fate::Completes { at } | Fate::Fails { at, .. } = bought.fate {
                moments.push((at, -1));
            }
        }
        moments.sort_unstable();
        let (mut now, mut peak) = (0, 0);
        for (_, change) in moments {
            now += change;
            peak = peak.max(now);
        }
        usize::try_from(peak).unwrap()
    }
}
