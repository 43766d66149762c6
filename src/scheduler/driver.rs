//! The loop around the scheduler: takes the events that are there, hands them over, commits what
//! they came to in one transaction, and only then begins the effects. It decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::callback::WebhookQueue;
use crate::domain::time::{Clock, Now};
use crate::failpoint;
use crate::ledger::{Commit, Committed, Ledger, LedgerError};

use super::core::{Output, Scheduler};
use super::effects::{Effect, Event, World};
use super::options::Deps;
use super::outcome::RunOutcome;
use super::progress::Progress;
use super::shot_state::Slot;
use super::switches::{CancelToken, PauseSwitch};
use super::uploads::Files;

/// A ledger that does not answer for so long may not answer before this process ends: task ids that
/// wait for it are told.
const OVERDUE: Duration = Duration::from_secs(2);
/// So much difference between two clocks is a sleep, and no inaccuracy.
const A_SLEEP: Duration = Duration::from_millis(3);

/// A driver for one run.
pub(super) struct Driver {
    started: Instant,
    clock: Arc<dyn Clock>,
    /// How long the machine had slept when that was last looked at.
    slept: Duration,
    ledger: Arc<dyn Ledger>,
    /// Without a place where the gateway can call back, no callback comes.
    callbacks: Arc<WebhookQueue>,
    cancel: CancelToken,
    pause: PauseSwitch,
    world: Arc<World>,
    /// POSTs, which are never broken off.
    posts: JoinSet<Event>,
    /// Everything else, which ends when the run leaves.
    others: JoinSet<Event>,
    progress: watch::Sender<Progress>,
    /// Whether the user stopped the run.
    is_cancelled: bool,
    /// What happened while the ledger was waited for.
    waiting: Vec<Event>,
}

impl Driver {
    pub(super) fn new(deps: Deps, cancel: CancelToken, progress: watch::Sender<Progress>) -> Self {
        let Deps { provider, ledger, clips, clock, callbacks, pause, threads, .. } = deps;
        let stopped = Arc::new(AtomicBool::new(false));
        let files = Files::new(&provider, threads, &clock, &stopped);
        let started = Instant::now();
        let world = World {
            started,
            provider,
            ledger: Arc::clone(&ledger),
            clips,
            cancel: cancel.clone(),
            pause: pause.clone(),
            files,
            stopped,
        };
        Self {
            started,
            slept: clock.slept(),
            clock,
            ledger,
            callbacks: callbacks.map(|callbacks| callbacks.queue).unwrap_or_default(),
            cancel,
            pause,
            world: Arc::new(world),
            posts: JoinSet::new(),
            others: JoinSet::new(),
            progress,
            is_cancelled: false,
            waiting: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Now {
        Now { clock: self.clock.now(), elapsed: self.started.elapsed() }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause.is_paused()
    }

    /// Drives the run to its end.
    pub(super) async fn run(mut self, mut scheduler: Scheduler) -> Result<RunOutcome, LedgerError> {
        let mut is_paused = self.pause.is_paused();
        self.carry_out(&mut scheduler).await;
        if self.ledger.fleet().is_some() {
            self.callbacks.keep_others();
        }
        // Every key that a callback may come with is known by now, or may be another worker's.
        self.callbacks.open();
        let outcome = loop {
            self.carry_out(&mut scheduler).await;
            if !self.waiting.is_empty() {
                scheduler.set_paused(self.pause.is_paused());
                for event in std::mem::take(&mut self.waiting) {
                    scheduler.handle(self.now(), event);
                }
                continue;
            }
            if let Some(outcome) = scheduler.outcome(self.now()) {
                break outcome;
            }
            let wake = scheduler.next_wake(self.now());
            let event = tokio::select! {
                biased;
                () = self.cancel.cancelled(), if !self.is_cancelled => self.cancelled(),
                () = self.pause.turns(is_paused) => {
                    is_paused = !is_paused;
                    Event::Tick
                }
                Some(ended) = self.posts.join_next(), if !self.posts.is_empty() => {
                    event_of(ended, true)
                }
                Some(ended) = self.others.join_next(), if !self.others.is_empty() => {
                    event_of(ended, false)
                }
                (key, tasks) = self.callbacks.next(), if !scheduler.is_leaving() => {
                    Event::Callback { key, tasks }
                }
                () = until(self.started, wake) => Event::Tick,
            };
            // Looked at before anything is claimed.
            scheduler.set_paused(self.pause.is_paused());
            scheduler.handle(self.now(), event);
            while let Some(ended) = self.posts.try_join_next() {
                scheduler.handle(self.now(), event_of(ended, true));
            }
            while let Some(ended) = self.others.try_join_next() {
                scheduler.handle(self.now(), event_of(ended, false));
            }
        };
        self.callbacks.close();
        self.show(&scheduler);
        outcome
    }

    /// Begins what waits for no commit, commits what the scheduler wants written, then begins what is
    /// to follow. What comes of the commits themselves is carried out likewise.
    async fn carry_out(&mut self, scheduler: &mut Scheduler) {
        loop {
            self.look_for_sleep(scheduler);
            let Output { at_once, commits, owners, records, effects } = scheduler.take_output();
            self.begin_at_once(scheduler, at_once);
            let has_commits = !commits.is_empty();
            if has_commits {
                let batch = Arc::new(commits);
                let asked = Instant::now();
                match self.commit(scheduler, &batch, &owners).await {
                    Ok(committed) => {
                        scheduler.commit_took(asked.elapsed());
                        scheduler.committed(self.now(), &batch, &owners, committed);
                    }
                    Err(error) => {
                        scheduler.commit_failed(&batch, &owners, error);
                        self.show(scheduler);
                        continue;
                    }
                }
                failpoint::point("transition committed");
            }
            for record in records {
                record.tell();
            }
            for effect in effects {
                self.begin(effect);
            }
            self.show(scheduler);
            if !has_commits {
                return;
            }
        }
    }

    fn begin_at_once(&mut self, scheduler: &Scheduler, effects: Vec<Effect>) {
        self.world.stopped.store(scheduler.is_stopping(), Ordering::Release);
        for effect in effects {
            self.begin(effect);
        }
    }

    /// A machine that slept is somewhere else in time than its other clocks say.
    fn look_for_sleep(&mut self, scheduler: &mut Scheduler) {
        let slept = self.clock.slept();
        if slept > self.slept + A_SLEEP {
            scheduler.slept();
        }
        self.slept = slept;
    }

    /// Has the ledger write a batch. Meanwhile POSTs whose claim is durable leave at their moments, and
    /// the answers to others are put aside. If the ledger does not answer for long, what was bought is
    /// told, since this process may end before it is written.
    async fn commit(
        &mut self,
        scheduler: &mut Scheduler,
        batch: &Arc<Vec<Commit>>,
        owners: &[Option<Slot>],
    ) -> Result<Committed, LedgerError> {
        let ledger = Arc::clone(&self.ledger);
        let mut commit = ledger.commit(Arc::clone(batch));
        let overdue = tokio::time::sleep(OVERDUE);
        tokio::pin!(overdue);
        let mut is_overdue = false;
        loop {
            let leaves = scheduler.next_leaving();
            tokio::select! {
                biased;
                committed = &mut commit => return committed,
                () = until(self.started, leaves) => {
                    self.look_for_sleep(scheduler);
                    let at_once = scheduler.let_leave(self.now());
                    self.begin_at_once(scheduler, at_once);
                }
                () = &mut overdue, if !is_overdue => {
                    is_overdue = true;
                    scheduler.tell_overdue(batch, owners);
                }
                () = self.cancel.cancelled(), if is_overdue && !self.is_cancelled => {
                    let event = self.cancelled();
                    self.waiting.push(event);
                }
                Some(ended) = self.posts.join_next(), if is_overdue && !self.posts.is_empty() => {
                    let event = event_of(ended, true);
                    scheduler.tell_overdue_answer(&event);
                    self.waiting.push(event);
                }
            }
        }
    }

    /// The user stops the run: the ledger is not waited for much longer.
    fn cancelled(&mut self) -> Event {
        self.is_cancelled = true;
        self.ledger.hurry();
        Event::Cancelled
    }

    fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Submit { slot, attempt, submission } => {
                self.posts.spawn(Arc::clone(&self.world).submit(slot, attempt, *submission));
            }
            Effect::Switch { paused: true } => self.pause.pause(),
            Effect::Switch { paused: false } => self.pause.resume(),
            Effect::Expect(key) => self.callbacks.expect(key),
            Effect::Forget(key) => self.callbacks.forget(&key),
            Effect::Leave => {
                self.others.abort_all();
                self.callbacks.close();
            }
            Effect::Assign { mut want } => {
                want.callbacks = self.callbacks.take_others();
                self.others.spawn(Arc::clone(&self.world).perform(Effect::Assign { want }));
            }
            effect => {
                self.others.spawn(Arc::clone(&self.world).perform(effect));
            }
        }
    }

    /// Shows how the run stands, and stops POSTs that are about to leave when it stops.
    fn show(&self, scheduler: &Scheduler) {
        self.world.stopped.store(scheduler.is_stopping(), Ordering::Release);
        self.progress.send_if_modified(|shown| {
            let is_news = shown != scheduler.progress();
            if is_news {
                shown.clone_from(scheduler.progress());
            }
            is_news
        });
    }
}

/// The event an effect came back as. One that was aborted says nothing.
fn event_of(ended: Result<Event, JoinError>, was_post: bool) -> Event {
    match ended {
        Ok(event) => event,
        Err(error) if error.is_cancelled() => Event::Tick,
        Err(error) => Event::Panicked { was_post, why: error.to_string() },
    }
}

async fn until(started: Instant, moment: Option<Duration>) {
    match moment {
        Some(moment) => sleep_until(started + moment).await,
        None => std::future::pending().await,
    }
}
