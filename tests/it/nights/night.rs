//! One night from one seed: lives of the process, one after another, on one folder and one
//! gateway, in virtual time; then a quiet morning in which everything must come to its end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use rushes::blocking::Threads;
use rushes::clips::FolderStore;
use rushes::domain::state::{OnDoubt, Rules};
use rushes::domain::time::{Clock, Timestamp};
use rushes::ledger::{Kind, Ledger, LedgerError, LedgerOptions, SqliteLedger};
use rushes::policy::budget::Budget;
use rushes::provider::Provider;
use rushes::scheduler::{self, CancelToken, Deps, Progress, RunOptions, RunOutcome, StopReason};
use rushes::simulator::{Fate, SimOptions, SimState, Simulator};
use tokio::sync::watch;
use tokio::time::Instant;

use super::disk::{Death, Disk};
use super::oracle::Oracle;
use super::plan::{self, Doom, Night};
use super::stderr::Stderr;
use super::user;
use super::wire::Wire;

/// The world's time. It stands still between lives, but for what the user lets pass.
pub struct WorldClock {
    passed: AtomicI64,
    life: Mutex<Option<Instant>>,
}

impl WorldClock {
    fn pass(&self, span: Duration) {
        self.passed.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn begin(&self) {
        *self.life.lock().unwrap() = Some(Instant::now());
    }

    fn end(&self) {
        if let Some(life) = self.life.lock().unwrap().take() {
            self.pass(life.elapsed());
        }
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let life = self.life.lock().unwrap().map_or(Duration::ZERO, |life| life.elapsed());
        Timestamp::from_millis(1_700_000_000_000 + self.passed.load(Ordering::Relaxed)).plus(life)
    }
}

/// This machine's clock, which somebody may set wrong.
pub struct MachineClock {
    world: Arc<WorldClock>,
    pub wrong_by: AtomicI64,
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let wrong_by = self.wrong_by.load(Ordering::Relaxed);
        Timestamp::from_millis(self.world.now().as_millis() + wrong_by)
    }
}

/// How a life ended.
#[derive(Debug)]
pub enum End {
    Died,
    /// It sent nothing.
    NotStarted(#[expect(dead_code, reason = "for the trace")] LedgerError),
    Ran(RunOutcome, #[expect(dead_code, reason = "for the trace")] Progress),
}

/// A night while it lasts.
pub struct Stage {
    pub night: Night,
    pub dice: Rng,
    pub folder: tempfile::TempDir,
    pub disk: Arc<Disk>,
    pub sim: Arc<Simulator>,
    pub oracle: Arc<Mutex<Oracle>>,
    pub world: Arc<WorldClock>,
    pub machine: Arc<MachineClock>,
    pub stderr: Stderr,
    pub retry_failed: bool,
    lives: u64,
}

impl Stage {
    pub fn set(night: Night, seed: u64, dice: Rng) -> Self {
        let folder = folder();
        let disk = Disk::under(folder.path());
        let (passed, life) = (AtomicI64::new(0), Mutex::default());
        let world = Arc::new(WorldClock { passed, life });
        let wrong_by = AtomicI64::new(0);
        let machine = Arc::new(MachineClock { world: Arc::clone(&world), wrong_by });
        let options = SimOptions { seed, purse: night.purse, ..SimOptions::new(night.profile) };
        let gateway = SimState::open(options, night.catalog()).unwrap();
        let clock = Arc::clone(&world) as Arc<dyn Clock>;
        let sim = Simulator::new(gateway, clock, night.limits.submit_timeout);
        let ledger = folder.path().canonicalize().unwrap().join("ledger.sqlite");
        let oracle = Oracle::new(ledger, &disk, &night.limits);
        Self {
            night,
            dice,
            folder,
            disk,
            sim: Arc::new(sim),
            oracle: Arc::new(Mutex::new(oracle)),
            world,
            machine,
            stderr: Stderr::default(),
            retry_failed: false,
            lives: 0,
        }
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    pub fn open(&self, holder: &str) -> Result<SqliteLedger, LedgerError> {
        SqliteLedger::open(
            &self.ledger(),
            &LedgerOptions {
                campaign: "night",
                kind: Kind::Gateway,
                holder,
                at: self.machine.now(),
                threads: Threads::InPlace,
                identity: rushes::ledger::Identity::default(),
                post_lasts: std::time::Duration::ZERO,
                work: None,
            },
        )
    }

    pub fn note(&self, what: impl Into<String>) {
        self.oracle.lock().unwrap().note(what);
    }

    /// Does something in a runtime of its own in which time passes for everybody.
    pub fn in_time<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let _listening = self.stderr.listen();
        runtime.block_on(async {
            self.world.begin();
            let done = work.await;
            self.world.end();
            done
        })
    }

    /// The process is started, works, and ends or dies.
    pub fn live(&mut self, doom: &Doom) -> End {
        self.lives += 1;
        self.note(format!("life {}: {doom:?} at {}", self.lives, self.machine.now()));
        fastrand::seed(self.dice.u64(..));
        let death = Arc::new(Death::default());
        self.disk.begin(&death, doom.disk);
        {
            let mut oracle = self.oracle.lock().unwrap();
            oracle.cap = self.night.cap;
            oracle.strict = self.night.strict;
            oracle.resubmits = self.night.on_doubt == OnDoubt::Resubmit;
        }
        let clips = self.folder.path().join("clips");
        let away = self.folder.path().join("clips.away");
        if doom.no_clips && clips.exists() {
            std::fs::rename(&clips, &away).unwrap();
            std::fs::write(&clips, "no folder").unwrap();
        }
        let end = self.in_time(async {
            tokio::select! {
                biased;
                () = death.struck() => End::Died,
                end = self.work(doom, &death) => end,
            }
        });
        let end = if death.has_struck() { End::Died } else { end };
        self.oracle.lock().unwrap().life_is_over();
        let crash = plan::crash(&mut self.dice);
        self.disk.crash(crash, &mut self.dice);
        self.disk.begin(&Arc::default(), None);
        if away.exists() {
            std::fs::remove_file(&clips).unwrap();
            std::fs::rename(&away, &clips).unwrap();
        }
        self.note(format!("{end:?}, {crash:?}"));
        let told = self.stderr.take();
        let books = self.sim.books();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.judge(&books, &told, matches!(end, End::Died));
        if let End::Ran(RunOutcome::Stopped(StopReason::Defect(what)), _) = &end {
            oracle.violations.push(format!("a defect: {what}"));
        }
        drop(oracle);
        end
    }

    async fn work(&self, doom: &Doom, death: &Arc<Death>) -> End {
        let ledger = match self.open("rushes run") {
            Ok(ledger) => ledger,
            Err(error) => return End::NotStarted(error),
        };
        let budget = Budget { cap: self.night.cap, strict: self.night.strict };
        if ledger.budget() != budget
            && let Err(error) = ledger.set_budget(budget).await
        {
            return End::NotStarted(error);
        }
        // As a run does when the folder for clips cannot be made: nothing was sent.
        let Ok(clips) = FolderStore::open(self.folder.path(), Threads::InPlace) else {
            return End::Ran(
                RunOutcome::Stopped(StopReason::Disk("no clips".into())),
                Progress::default(),
            );
        };
        let stop = CancelToken::default();
        let wire = Wire::new(&self.sim, &self.oracle, death, &stop, doom.cut);
        let clock = Arc::clone(&self.machine) as Arc<dyn Clock>;
        let gateway = Arc::new(wire) as Arc<dyn Provider>;
        let (kept, clips) = (Arc::new(ledger.clone()), Arc::new(clips));
        let deps = Deps { threads: Threads::InPlace, ..Deps::new(gateway, kept, clips, clock) };
        let (progress, seen) = watch::channel(Progress::default());
        let shots = self.night.shots(&self.night.catalog());
        let ended = scheduler::run(shots.into(), self.options(doom), deps, stop, progress).await;
        // The ledger is closed by whoever is last, and tidied up if that is the run.
        self.oracle.lock().unwrap().life_is_over();
        drop(ledger);
        match ended {
            Ok(ended) => End::Ran(ended, seen.borrow().clone()),
            Err(error) => End::NotStarted(error),
        }
    }

    fn options(&self, doom: &Doom) -> RunOptions {
        let options = RunOptions::new(self.night.limits.clone());
        RunOptions {
            rules: self.rules(),
            retry_failed: self.retry_failed,
            deadline: doom.deadline.map(|span| self.machine.now().plus(span)),
            max_failures: doom.max_failures,
            ..options
        }
    }

    pub fn rules(&self) -> Rules {
        Rules {
            strict: self.night.strict,
            on_doubt: self.night.on_doubt,
            failed_tasks_charged: self.night.charged_if_failed,
            ..RunOptions::new(self.night.limits.clone()).rules
        }
    }

    /// Lives through the drawn lives, then the morning. Answers what was broken, and the trace.
    pub fn play(mut self) -> (Vec<String>, Vec<String>) {
        for _ in 0..self.night.lives {
            let count = u32::try_from(self.night.texts.len()).unwrap();
            let doom = Doom::draw(&mut self.dice, count);
            self.live(&doom);
            if self.is_broken() {
                break;
            }
            user::between_lives(&mut self);
        }
        if !self.is_broken() {
            self.morning();
        }
        let mut oracle = self.oracle.lock().unwrap();
        (std::mem::take(&mut oracle.violations), std::mem::take(&mut oracle.trace))
    }

    pub fn is_broken(&self) -> bool {
        !self.oracle.lock().unwrap().violations.is_empty()
    }

    /// Nothing goes wrong any more but what the gateway does. The user lifts the cap, resolves what
    /// is in doubt by the gateway's books, and runs the same command until nothing is left to do.
    fn morning(&mut self) {
        self.night.cap = None;
        self.retry_failed = false;
        self.machine.wrong_by.store(0, Ordering::Relaxed);
        self.note("morning");
        for _ in 0..MAX_MORNINGS {
            let before = self.sim.books().purchases.len();
            let end = self.live(&Doom::default());
            if self.is_broken() {
                return;
            }
            let resolved = user::resolve_truthfully(self);
            // What counts as late because a clock was wrong is done in a moment.
            self.in_time(async { tokio::time::sleep(Duration::from_secs(30)).await });
            let idle = self.sim.books().purchases.len() == before && resolved == 0;
            if idle && self.is_over(&end) {
                return self.balance_books();
            }
        }
        self.oracle.lock().unwrap().violations.push("another run would still not finish".into());
    }

    /// Whether nothing is left but what no run can change.
    fn is_over(&self, end: &End) -> bool {
        // Where the gateway says with a 429 that money is missing, too few shots may be left to tell.
        let broke = matches!(
            end,
            End::Ran(RunOutcome::Stopped(StopReason::Credit(_) | StopReason::Throttled(_)), _)
        );
        let done = matches!(end, End::Ran(RunOutcome::Done, _));
        let mut oracle = self.oracle.lock().unwrap();
        let open = oracle.count("submitting") + oracle.count("in_doubt") + oracle.count("rendered");
        let queued = oracle.count("queued");
        let rendering = oracle.rendering();
        oracle.life_is_over();
        let books = self.sim.books();
        let mut others = books.purchases().filter(|purchase| !purchase.fate.is_never_told());
        let late = others.any(|purchase| rendering.contains(&purchase.task_id));
        open == 0 && !late && (done && queued == 0 || broke)
    }

    /// At the very end both sides agree on every task and, but for a dearer catalog, on every dollar.
    fn balance_books(&self) {
        let books = self.sim.books();
        let mut oracle = self.oracle.lock().unwrap();
        let attempts = oracle.attempts();
        for purchase in books.purchases() {
            let attempt =
                attempts.iter().find(|a| a.task.as_deref() == Some(purchase.task_id.as_str()));
            let account = attempt.map_or("none", |attempt| attempt.account.as_str());
            let is_reserved = attempt.is_none_or(|attempt| attempt.account == "reserved");
            let let_go = is_reserved && oracle.let_go.contains(&purchase.prompt);
            let right = match purchase.fate {
                _ if let_go => true,
                _ if attempt.is_none() => self.is_covered(&purchase.prompt),
                Fate::Completes { .. } => account == "spent",
                Fate::Fails { charged, .. } if !purchase.fate.leaves_price_open() => {
                    account == if charged { "spent" } else { "released" }
                }
                Fate::Fails { .. } | Fate::Stuck => account == "reserved",
            };
            if !right {
                oracle.violations.push(format!("in the end {purchase:?} lies in {account}"));
            }
        }
        oracle.life_is_over();
    }

    /// Whether an attempt of it without a task is still in the books: one of several in doubt, of
    /// which only the last can be given a task, or one that was refused with a 5xx.
    fn is_covered(&self, prompt: &str) -> bool {
        let sql = "SELECT count(*) FROM attempts AS a JOIN revisions AS r ON r.id = a.revision
                   WHERE json_extract(r.request, '$.prompt') = ?1 AND a.task_id IS NULL
                     AND a.account IN ('reserved', 'unconfirmed')";
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let conn = super::vfs::past_the_layer(&self.ledger(), flags);
        let doubts: i64 = conn.query_row(sql, [prompt], |row| row.get(0)).unwrap();
        doubts > 0
    }
}

/// So many runs are enough to finish what is to be finished.
const MAX_MORNINGS: u32 = 30;

/// In memory where the system has such a place, because a night syncs a lot.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}
