//! One night from one seed: rounds in which workers are at a campaign, one after another, on one
//! database and one gateway; then a quiet morning in which everything must come to its end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, future};
use rushes::blocking::Threads;
use rushes::domain::shot::Shot;
use rushes::domain::state::{OnDoubt, Rules};
use rushes::domain::time::{Clock, Timestamp};
use rushes::ledger::{Digest, Ledger, LedgerError, MemoryDatabase, MemoryLedger, Work};
use rushes::policy::budget::Budget;
use rushes::scheduler::{self, Deps, Progress, RunOptions, RunOutcome, StopReason};
use rushes::simulator::{SimOptions, SimState, Simulator};
use tokio::sync::watch;
use tokio::time::Instant;

use super::clips::Shelf;
use super::exchange::Exchange;
use super::oracle::Oracle;
use super::plan::{FleetNight, Round, What, When};
use super::user;
use super::wire::Wire;
use super::worker::{Worker, resume};
use crate::nights::stderr::Stderr;

/// The world's time: no worker's clock is wrong.
pub struct WorldClock(Instant);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(self.0.elapsed())
    }
}

/// How a worker ended.
#[derive(Debug)]
enum End {
    Died,
    /// It sent nothing.
    NotStarted(#[expect(dead_code, reason = "for the trace")] LedgerError),
    Ran(RunOutcome, Box<Progress>),
}

/// A worker's end, and when it came.
struct Ended {
    worker: Arc<Worker>,
    end: End,
    at: Instant,
}

/// A night while it lasts.
pub struct Stage {
    pub plan: FleetNight,
    pub database: MemoryDatabase,
    pub sim: Arc<Simulator>,
    pub oracle: Arc<Mutex<Oracle>>,
    pub clock: Arc<WorldClock>,
    dice: Rng,
    exchange: Arc<Exchange>,
    clips: Shelf,
    stderr: Stderr,
    workers: usize,
    shots: Arc<[Shot]>,
}

/// So long a round may take.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// So many rounds are enough to finish what is to be finished.
const MAX_MORNINGS: u32 = 30;

impl Stage {
    pub fn set(plan: FleetNight, seed: u64, mut dice: Rng) -> Self {
        let night = &plan.night;
        let clock = Arc::new(WorldClock(Instant::now()));
        let options = SimOptions { seed, purse: night.purse, ..SimOptions::new(night.profile) };
        let catalog = night.catalog();
        let shots = night.shots(&catalog).into();
        let gateway = SimState::open(options, catalog).unwrap();
        let sim = Simulator::new(gateway, Arc::clone(&clock) as _, night.limits.submit_timeout);
        let (database, clips) = (MemoryDatabase::new(), Shelf::default());
        let oracle = Arc::new(Mutex::new(Oracle::new(&database, &clips, &night.limits)));
        let exchange = Arc::new(Exchange::new(plan.calls, &mut dice, &oracle));
        Self {
            database,
            sim: Arc::new(sim),
            oracle,
            exchange,
            clock,
            dice,
            clips,
            stderr: Stderr::default(),
            workers: 0,
            shots,
            plan,
        }
    }

    pub fn note(&self, what: impl AsRef<str>) {
        self.oracle.lock().unwrap().note(what);
    }

    fn is_broken(&self) -> bool {
        !self.oracle.lock().unwrap().violations.is_empty()
    }

    pub fn rules(&self) -> Rules {
        let night = &self.plan.night;
        Rules {
            strict: night.strict,
            on_doubt: night.on_doubt,
            failed_tasks_charged: night.charged_if_failed,
            ..RunOptions::new(night.limits.clone()).rules
        }
    }

    /// Lives through the drawn rounds, then the morning. Answers what was broken, and the trace.
    pub async fn play(mut self) -> (Vec<String>, Vec<String>) {
        let listening = self.stderr.listen();
        for round in self.plan.rounds.clone() {
            self.round(&round).await;
            if self.is_broken() || self.oracle.lock().unwrap().has_forgotten() {
                break;
            }
            if self.dice.u8(0..3) == 0 {
                user::resolve_truthfully(&self).await;
            }
            let hours = self.dice.u64(0..2);
            tokio::time::sleep(Duration::from_secs(hours * 3600)).await;
        }
        if !self.is_broken() && !self.oracle.lock().unwrap().has_forgotten() {
            self.morning().await;
        }
        drop(listening);
        let mut oracle = self.oracle.lock().unwrap();
        (std::mem::take(&mut oracle.violations), std::mem::take(&mut oracle.trace))
    }

    /// Workers join, suffer what was drawn, and end.
    async fn round(&mut self, round: &Round) -> Vec<Ended> {
        self.note(format!("{round:?}"));
        self.tell_oracle();
        if round.forgets.is_some() {
            self.database.keep(8);
        }
        resume(&self.database).await;
        let began = Instant::now();
        let mut due = timeline(round);
        let mut present: Vec<Arc<Worker>> = Vec::new();
        let mut running: FuturesUnordered<LocalBoxFuture<'static, Ended>> = FuturesUnordered::new();
        let mut ends = Vec::new();
        while !running.is_empty() || present.is_empty() && !due.is_empty() {
            let next = due.first_key_value().map(|((after, _), _)| began + *after);
            tokio::select! {
                biased;
                Some(ended) = running.next(), if !running.is_empty() => {
                    self.note(format!("worker {}: {:?}", ended.worker.number, ended.end));
                    ended.worker.end();
                    // What it had begun ends with its process, before anything else happens.
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                    ends.push(ended);
                }
                () = until(next) => match due.pop_first().unwrap().1 {
                    Due::Join => {
                        let waits = waiting(round, present.len());
                        if let Some((worker, run)) = self.join(round, waits) {
                            running.push(run);
                            present.push(worker);
                        }
                    }
                    Due::Suffer(nth, what) => {
                        if let Some(worker) = present.get(nth) {
                            worker.suffer(what);
                        }
                    }
                    Due::Forget(_) if present.iter().any(|worker| worker.is_cut_off()) => {
                        // A worker that hears nothing of what is forgotten cannot know better.
                        let later = (began.elapsed() + Duration::from_secs(1), usize::MAX);
                        due.insert(later, Due::Forget(1));
                    }
                    Due::Forget(batches) => {
                        if self.database.forget(batches) {
                            self.oracle.lock().unwrap().forgot();
                        }
                    }
                },
                () = until(Some(began + LONGEST)) => {
                    self.oracle.lock().unwrap().holds(false, || "a round never ends".to_owned());
                    break;
                }
            }
        }
        self.judge(&ends);
        ends
    }

    fn tell_oracle(&self) {
        let (night, mut oracle) = (&self.plan.night, self.oracle.lock().unwrap());
        oracle.cap = night.cap;
        oracle.strict = night.strict;
        oracle.resubmits = night.on_doubt == OnDoubt::Resubmit;
    }

    fn judge(&self, ends: &[Ended]) {
        let (books, told) = (self.sim.books(), self.stderr.take());
        let dead = ends.iter().filter(|ended| matches!(ended.end, End::Died));
        let dead: Vec<usize> = dead.map(|ended| ended.worker.number).collect();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.audit(&self.sim);
        oracle.judge(&books, &told, &dead);
        for ended in ends {
            let is_refusal = match &ended.end {
                End::Ran(RunOutcome::Stopped(StopReason::Defect(what)), _) => {
                    oracle.violations.push(format!("a defect: {what}"));
                    false
                }
                End::Ran(RunOutcome::Stopped(StopReason::Ledger(_)), _) | End::NotStarted(_) => {
                    true
                }
                End::Ran(..) | End::Died => false,
            };
            let may_refuse = oracle.has_forgotten() || ended.worker.stop.is_cancelled();
            oracle.holds(!is_refusal || may_refuse, || {
                format!("worker {} was refused: {:?}", ended.worker.number, ended.end)
            });
        }
        if !oracle.has_forgotten() {
            judge_ends(&mut oracle, ends);
        }
    }

    /// One more worker joins; answers it and what it does.
    fn join(
        &mut self,
        round: &Round,
        waits: Vec<(When, What)>,
    ) -> Option<(Arc<Worker>, LocalBoxFuture<'static, Ended>)> {
        self.workers += 1;
        let night = &self.plan.night;
        let shots = Arc::clone(&self.shots);
        let digest = Some(Digest::of(&shots, &self.rules()));
        let work = Work { digest, limits: night.limits.clone(), key: "".into() };
        let post_lasts = night.limits.submit_timeout * 2;
        let ledger = match self.database.join(Some(work), post_lasts) {
            Ok(ledger) => Arc::new(ledger),
            Err(error) => {
                self.note(format!("worker {} may not join: {error}", self.workers));
                return None;
            }
        };
        let (database, oracle) = (self.database.clone(), &self.oracle);
        let worker = Worker::new(self.workers, Arc::clone(&ledger), database, waits, oracle);
        let worker = Arc::new(worker);
        self.note(format!("worker {} joins", self.workers));
        let wire = Wire::new(&self.sim, &worker, &self.exchange, night.limits.submit_timeout);
        let (kept, clips) = (Arc::clone(&ledger) as _, Arc::new(self.clips.clone()) as _);
        let clock = Arc::clone(&self.clock) as _;
        let deps = Deps {
            threads: Threads::InPlace,
            pause: worker.pause.clone(),
            callbacks: self.exchange.listen(),
            ..Deps::new(Arc::new(wire), kept, clips, clock)
        };
        let options = RunOptions {
            rules: self.rules(),
            retry_failed: round.retry_failed,
            max_failures: round.max_failures,
            ..RunOptions::new(night.limits.clone())
        };
        let budget = Budget { cap: night.cap, strict: night.strict };
        fastrand::seed(self.dice.u64(..));
        let (stop, process) = (worker.stop.clone(), Arc::clone(&worker));
        let work = async move {
            if let Err(error) = set_budget(&ledger, budget).await {
                return End::NotStarted(error);
            }
            let (progress, seen) = watch::channel(Progress::default());
            match scheduler::run(shots, options, deps, stop, progress).await {
                Ok(outcome) => End::Ran(outcome, Box::new(seen.borrow().clone())),
                Err(error) => End::NotStarted(error),
            }
        };
        let live = async move {
            let end = tokio::select! {
                biased;
                () = process.gate.death() => End::Died,
                end = process.gate.run(work) => end,
            };
            Ended { worker: process, end, at: Instant::now() }
        };
        Some((worker, live.boxed_local()))
    }

    /// Nothing goes wrong any more but what the gateway does. The user lifts the cap, resolves what is
    /// in doubt by the gateway's books, and lets workers work until nothing is left to do.
    async fn morning(&mut self) {
        self.plan.night.cap = None;
        self.note("morning");
        for nth in 0..MAX_MORNINGS {
            let before = self.sim.books().purchases.len();
            let workers = if nth % 2 == 0 { self.dice.usize(1..4) } else { 1 };
            let ends = self.round(&Round::quiet(workers)).await;
            if self.is_broken() {
                return;
            }
            let resolved = user::resolve_truthfully(self).await;
            tokio::time::sleep(Duration::from_secs(30)).await;
            let idle = self.sim.books().purchases.len() == before && resolved == 0;
            if idle && self.is_over(&ends) {
                let books = self.sim.books();
                return self.oracle.lock().unwrap().balance_books(&books);
            }
        }
        let mut oracle = self.oracle.lock().unwrap();
        oracle.holds(false, || "another run would still not finish".to_owned());
    }

    /// Whether nothing is left but what no run can change.
    fn is_over(&self, ends: &[Ended]) -> bool {
        let is_broke = |ended: &Ended| {
            let end = &ended.end;
            matches!(
                end,
                End::Ran(RunOutcome::Stopped(StopReason::Credit(_) | StopReason::Throttled(_)), _)
            )
        };
        let is_done = |ended: &Ended| matches!(ended.end, End::Ran(RunOutcome::Done, _));
        let mut oracle = self.oracle.lock().unwrap();
        let open = oracle.count("submitting") + oracle.count("in_doubt") + oracle.count("rendered");
        let (queued, rendering) = (oracle.count("queued"), oracle.rendering());
        let books = self.sim.books();
        let unsettled = oracle.has_unsettled(&books);
        drop(oracle);
        let mut others = books.purchases().filter(|purchase| !purchase.fate.is_never_told());
        let late = others.any(|purchase| rendering.contains(&purchase.task_id));
        let done = ends.iter().all(is_done) && queued == 0;
        open == 0 && !late && !unsettled && (done || ends.iter().any(is_broke))
    }
}

/// Workers to which nothing happened, and that were there to the end, end alike, unless something came in
/// about then that the ledger did not have.
fn judge_ends(oracle: &mut Oracle, ends: &[Ended]) {
    let Some(last) = ends.iter().map(|ended| ended.at).max() else { return };
    let told: Vec<_> = ends
        .iter()
        .filter(|ended| !ended.worker.is_hit.load(Ordering::Relaxed))
        .filter(|ended| last - ended.at < Duration::from_secs(3))
        .filter_map(|ended| match &ended.end {
            // What another saw of the gateway is its own.
            End::Ran(
                outcome @ (RunOutcome::Done | RunOutcome::Stopped(StopReason::Cap { .. })),
                progress,
            ) => Some((ended.at, (outcome.clone(), counts(progress)))),
            _ => None,
        })
        .collect();
    let first = told.iter().map(|(at, _)| *at).min();
    // What came in takes a moment to reach the worker that has the shot, and the ledger.
    let news = oracle.news_at.map(|news| news + Duration::from_secs(3));
    if first.zip(news).is_some_and(|(first, news)| news >= first) {
        return;
    }
    let told: Vec<_> = told.into_iter().map(|(_, end)| end).collect();
    for pair in told.windows(2) {
        let alike = pair[0] == pair[1];
        oracle.holds(alike, || format!("two workers end in two ways: {pair:?}"));
    }
}

fn counts(progress: &Progress) -> [usize; 8] {
    [
        progress.queued,
        progress.submitting,
        progress.rendering,
        progress.rendered,
        progress.delivered,
        progress.failed,
        progress.in_doubt,
        progress.stalled,
    ]
}

async fn set_budget(ledger: &MemoryLedger, budget: Budget) -> Result<(), LedgerError> {
    if ledger.budget() == budget {
        return Ok(());
    }
    ledger.set_budget(budget).await
}

/// What happens in a round at a moment.
#[derive(Clone, Copy, Debug)]
enum Due {
    Join,
    Suffer(usize, What),
    Forget(usize),
}

/// By moment; what is of one moment, in the order in which it was drawn.
fn timeline(round: &Round) -> BTreeMap<(Duration, usize), Due> {
    let joins = round.joins.iter().map(|at| (*at, Due::Join));
    let mishaps = round.mishaps.iter().filter_map(|mishap| match mishap.when {
        When::After(at) => Some((at, Due::Suffer(mishap.worker, mishap.what))),
        _ => None,
    });
    let forgets = round.forgets.iter().map(|(at, batches)| (*at, Due::Forget(*batches)));
    let all = joins.chain(mishaps).chain(forgets).enumerate();
    all.map(|(nth, (at, due))| ((at, nth), due)).collect()
}

/// What waits for calls of the `nth` worker of a round.
fn waiting(round: &Round, nth: usize) -> Vec<(When, What)> {
    let of = round.mishaps.iter().filter(|mishap| mishap.worker == nth);
    let calls = of.filter(|mishap| !matches!(mishap.when, When::After(_)));
    calls.map(|mishap| (mishap.when, mishap.what)).collect()
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => future::pending().await,
    }
}
