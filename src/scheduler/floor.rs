//! What all shots of a run share, and the one door through which every transition goes: decide,
//! commit, then act.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};

use crate::domain::money::Usd;
use crate::domain::outcome::PollOutcome;
use crate::domain::shot::Shot;
use crate::domain::state::{OnDoubt, RecoveredTask, RevisionState, Rules, ShotEvent, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{Next, Transition};
use crate::failpoint;
use crate::ledger::{ClipFile, Committed, Entry, LedgerError};
use crate::policy::backpressure::Backpressure;
use crate::policy::queue::{Queue, Rank};

use super::charges::Charges;
use super::event_log::{self, EventRecord};
use super::evidence::Evidence;
use super::orders::{CancelToken, Deps, Progress, RunOptions, RunOutcome, StopReason};
use super::pacer::{Epoch, Pacer};

/// So many clips are downloaded at once.
const DOWNLOADS: usize = 8;

/// A shot's revision on its way through a run.
#[derive(Debug)]
pub(super) struct Card {
    /// What the ledger knows of it.
    pub(super) entry: Entry,
    /// Its place in the manifest; `None` when this run does not submit it.
    pub(super) shot: Option<u32>,
    /// What the clock said when this run first saw it in its state, and how long the run had lasted.
    seen: (Timestamp, Duration),
}

impl Card {
    /// A card as the ledger has it when a run begins, by a clock that says `now`.
    pub(super) fn new(entry: Entry, shot: Option<u32>, now: Timestamp, epoch: Epoch) -> Self {
        // A task from the future is of now: the clock was set back between the runs.
        let now = match &entry.status.state {
            State::Rendering { since, .. } => now.max(*since),
            _ => now,
        };
        Self { entry, shot, seen: (now, epoch.now()) }
    }

    pub(super) const fn job(&self) -> &RevisionState {
        &self.entry.status
    }
}

/// A run's shared state.
pub(super) struct Floor {
    pub(super) shots: Arc<[Shot]>,
    pub(super) orders: RunOptions,
    pub(super) tools: Deps,
    pub(super) epoch: Epoch,
    /// What the clock said when the run began.
    began: Timestamp,
    pub(super) posts: Pacer,
    pub(super) polls: Pacer,
    pub(super) downloads: Semaphore,
    /// What callbacks may tell, if the gateway can call.
    pub(super) evidence: Option<Evidence>,
    /// What finished tasks really cost, if somebody wants to know.
    pub(super) charges: Option<Charges>,
    /// Rings when somebody may be submitted who could not before.
    pub(super) bell: Notify,
    /// Pressed when polls and downloads end as well: by the user, by a bad key, by the ledger.
    leave: CancelToken,
    tally: watch::Sender<Progress>,
    board: Mutex<Board>,
}

/// What changes hands between shots.
pub(super) struct Board {
    /// Who waits to be submitted.
    pub(super) queue: Queue,
    /// Their cards, by place in the manifest.
    pub(super) waiting: Vec<Option<Box<Card>>>,
    /// Submitting or rendering, stalled ones not counted.
    pub(super) in_flight: u32,
    /// Prices of shots that were picked and whose claim is not yet in the ledger's balance.
    pub(super) picked: Usd,
    /// 429s.
    pub(super) throttled: Backpressure,
    /// Failures to reach the gateway.
    pub(super) outage: Backpressure,
    /// Whether the gateway ever answered in this run.
    pub(super) reached: bool,
    /// Whether a POST left in this run.
    pub(super) sent: bool,
    /// The ledger's failure, if it failed before anything was sent.
    pub(super) unsent_failure: Option<LedgerError>,
    /// Odd answers to polls that were warned of.
    pub(super) strange: HashSet<String>,
    /// Failed in this run.
    pub(super) failures: u32,
    /// Why nothing more is submitted; the first reason stays.
    pub(super) stopped: Option<StopReason>,
}

/// This shot's part in the run is over, because the run is: the ledger or the program failed.
#[derive(Debug)]
pub(super) struct Over;

impl Floor {
    pub(super) fn new(
        shots: Arc<[Shot]>,
        orders: RunOptions,
        tools: Deps,
        tally: watch::Sender<Progress>,
    ) -> Self {
        let epoch = Epoch::start();
        let board = Board {
            queue: Queue::default(),
            waiting: std::iter::repeat_with(|| None).take(shots.len()).collect(),
            in_flight: 0,
            picked: Usd::ZERO,
            throttled: Backpressure::new(true),
            outage: Backpressure::new(false),
            reached: false,
            sent: false,
            unsent_failure: None,
            strange: HashSet::new(),
            failures: 0,
            stopped: None,
        };
        Self {
            posts: Pacer::new(orders.limits.rate, epoch),
            polls: Pacer::new(orders.limits.poll_rate, epoch),
            downloads: Semaphore::new(DOWNLOADS),
            evidence: tools.callbacks.clone().map(Evidence::new),
            charges: orders.check_charges.then(Charges::default),
            bell: Notify::new(),
            leave: CancelToken::default(),
            board: Mutex::new(board),
            began: tools.clock.now(),
            shots,
            orders,
            tools,
            epoch,
            tally,
        }
    }

    /// The board; nobody holds it across an await.
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left under the cap once the picked ones are paid; `None` without a cap.
    pub(super) fn left(&self, board: &Board) -> Option<Usd> {
        let left = self.tools.ledger.budget().left(&self.tools.ledger.balance());
        left.map(|left| left.less(board.picked))
    }

    /// Puts a card into the queue, to be submitted at once or after a pause.
    pub(super) fn enqueue(&self, card: Box<Card>, pause: Duration) {
        let Some(place) = card.shot else { return };
        let Some(shot) = self.shots.get(place as usize) else { return };
        let rank = Rank::new(shot.priority, place);
        let mut board = self.board();
        if pause.is_zero() {
            board.queue.push(rank, shot.price);
        } else {
            board.queue.push_paused(rank, shot.price, self.epoch.now() + pause);
        }
        if let Some(slot) = board.waiting.get_mut(place as usize) {
            *slot = Some(card);
        }
        drop(board);
        self.bell.notify_one();
    }

    /// Takes a card out of the queue; `None` if it has left it already.
    pub(super) fn unqueue(&self, place: u32) -> Option<Box<Card>> {
        let shot = self.shots.get(place as usize)?;
        let mut board = self.board();
        let card = board.waiting.get_mut(place as usize)?.take()?;
        board.queue.remove(Rank::new(shot.priority, place), shot.price);
        Some(card)
    }

    /// A place in flight is free again.
    pub(super) fn land(&self) {
        let mut board = self.board();
        board.in_flight = board.in_flight.saturating_sub(1);
        drop(board);
        self.bell.notify_one();
    }

    /// Submits nothing more; what is in flight goes on. The first reason stays.
    pub(super) fn halt(&self, why: StopReason) {
        let mut board = self.board();
        if board.stopped.is_some() {
            return;
        }
        tracing::warn!("nothing more is submitted: {why}");
        event_log::stopping(&why);
        board.stopped = Some(why.clone());
        drop(board);
        self.show_stopping(RunOutcome::Stopped(why));
        self.bell.notify_one();
    }

    /// Shows how many wait while none of them fits under the cap.
    pub(super) fn show_held(&self, held: usize) {
        self.tally
            .send_if_modified(|tally| std::mem::replace(&mut tally.held_by_cap, held) != held);
    }

    /// Whether nothing more may be sent, not even what has its place in flight already.
    pub(super) fn is_stopping(&self) -> bool {
        self.leave.is_cancelled() || self.board().stopped.is_some()
    }

    /// Whether nothing may be sent now: the run stops, or the user paused it.
    pub(super) fn holds_back(&self) -> bool {
        self.is_stopping() || self.tools.pause.is_paused()
    }

    /// Whether polls and downloads end as well.
    pub(super) fn is_leaving(&self) -> bool {
        self.leave.is_cancelled()
    }

    /// Whether the run stopped because the disk is full or cannot be written.
    pub(super) fn disk_is_full(&self) -> bool {
        matches!(self.board().stopped, Some(StopReason::Disk(_)))
    }

    /// Submits nothing more, and ends polls and downloads too.
    pub(super) fn halt_and_leave(&self, why: StopReason) {
        self.halt(why);
        self.leave();
    }

    /// Ends polls and downloads; answers on the wire are still waited for.
    pub(super) fn leave(&self) {
        self.leave.cancel();
        if let Some(evidence) = &self.evidence {
            evidence.close();
        }
        self.bell.notify_one();
    }

    /// Runs a poll, a download or a pause, unless or until everybody leaves.
    pub(super) async fn unless_leaving<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.leave.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// Whether this run may buy it.
    pub(super) fn submits(&self, card: &Card) -> bool {
        card.shot.is_some() && self.orders.submit && self.orders.selects(card.entry.shot.as_str())
    }

    /// Whether this run means to buy a shot that waits.
    pub(super) fn takes_up(&self, entry: &Entry) -> bool {
        let waits = matches!(entry.status.state, State::Queued { .. });
        waits && self.orders.selects(entry.shot.as_str())
    }

    /// The rules for a card: what this run may not submit (an older or removed revision, a shot
    /// that `--only` leaves out) is not bought again either, so its doubts are held. What a failed
    /// task costs was settled when it was bought.
    pub(super) fn rules(&self, card: &Card) -> Rules {
        let on_doubt = if self.submits(card) { self.orders.rules.on_doubt } else { OnDoubt::Hold };
        let failed_tasks_charged = card.entry.charged_if_failed;
        Rules { on_doubt, failed_tasks_charged, ..self.orders.rules }
    }

    /// Decides what follows from an event and makes it durable; only then answers what to do.
    pub(super) async fn step(&self, card: &mut Card, event: ShotEvent) -> Result<Next, Over> {
        self.step_with(card, event, Vec::new()).await
    }

    /// [`Floor::step`] for a delivery, with its files.
    pub(super) async fn step_with(
        &self,
        card: &mut Card,
        event: ShotEvent,
        files: Vec<ClipFile>,
    ) -> Result<Next, Over> {
        let now = self.tools.clock.now();
        // The gateway's word that it is done is held against the clock, as what is written down.
        let judged = match &event {
            ShotEvent::Polled(PollOutcome::Completed { .. }) => now,
            _ => self.judged_at(card),
        };
        let told = EventRecord::of(&event, &files);
        let step = self.decide(card, event, judged)?;
        if step.is_durable(card.job()) {
            let (ledger, revision) = (&self.tools.ledger, card.entry.revision);
            // Boxed, so that the many that only wait to be polled do not carry it.
            let committed = Box::pin(ledger.deliver(revision, step.clone(), files, now)).await;
            self.committed(card, &step, committed)?;
            failpoint::point("transition committed");
        }
        Ok(self.moved(card, &told, step))
    }

    /// The moment by which a card's waiting is judged. What it waits for on the gateway goes by the
    /// time that passed while this run looked on, not by a clock that may be set meanwhile.
    pub(super) fn judged_at(&self, card: &Card) -> Timestamp {
        match card.job().state {
            State::Rendering { .. } | State::Rendered { .. } => {
                let (clock, lasted) = card.seen;
                clock.plus(self.epoch.now().saturating_sub(lasted))
            }
            _ => self.tools.clock.now(),
        }
    }

    /// How long it is to the deadline, by the clock or by the time that has passed since the run
    /// began, whichever is less: a clock set back must not have more bought than was asked for.
    pub(super) fn to_deadline(&self) -> Option<Duration> {
        let passed = self.began.plus(self.epoch.now());
        let now = passed.max(self.tools.clock.now());
        self.orders.deadline.map(|deadline| deadline.since(now))
    }

    /// [`Floor::step`] for evidence that a shot in doubt was bought; `None` when the ledger
    /// knows that task already.
    pub(super) async fn found(
        &self,
        card: &mut Card,
        found: RecoveredTask,
    ) -> Result<Option<Next>, Over> {
        let now = self.tools.clock.now();
        let task = found.task.clone();
        let event = ShotEvent::Evidence(found);
        let told = EventRecord::of(&event, &[]);
        let step = self.decide(card, event, now)?;
        let (ledger, revision) = (&self.tools.ledger, card.entry.revision);
        let committed = ledger.recover(revision, step.clone(), task.clone(), now).await;
        let Some(committed) = committed.transpose() else { return Ok(None) };
        self.committed(card, &step, committed)?;
        tracing::info!("{} was bought after all, as task {task}", card.entry.shot);
        Ok(Some(self.moved(card, &told, step)))
    }

    /// Decides what follows from an event.
    pub(super) fn decide(
        &self,
        card: &Card,
        event: ShotEvent,
        now: Timestamp,
    ) -> Result<Transition, Over> {
        card.job().after(event, now, &self.rules(card)).map_err(|defect| {
            self.halt_and_leave(StopReason::Defect(format!("{}: {defect}", card.entry.shot)));
            Over
        })
    }

    /// A task id that could not be written down goes to the log, that is to standard error: it is
    /// the only trace of a purchase.
    fn committed(
        &self,
        card: &Card,
        step: &Transition,
        committed: Result<Committed, LedgerError>,
    ) -> Result<(), Over> {
        match committed {
            Ok(Committed { reserve_used, displaced, task_first_of, .. }) => {
                if let (Some(first), State::Rendering { task, .. }) =
                    (task_first_of, &step.to.state)
                {
                    tracing::warn!(
                        shot = %card.entry.shot,
                        "the gateway answered with task {task}, which is already the task of \
                         {first}; both purchases are counted, look at both clips"
                    );
                }
                if let Some(displaced) = displaced {
                    self.halt_and_leave(StopReason::Ledger(displaced.to_string()));
                }
                if reserve_used {
                    let why = "the disk is full; the last reserve was used to write the ledger";
                    self.halt(StopReason::Disk(why.into()));
                }
                Ok(())
            }
            Err(error) => {
                if let State::Rendering { attempt, task, .. } = &step.to.state {
                    event_log::unwritten(&card.entry, *attempt, task);
                    tracing::error!(
                        "shot {} was bought as task {task}, and this could not be written to the \
                         ledger; once it can be written again: rushes resolve MANIFEST {} \
                         --task-id {task}",
                        card.entry.shot,
                        card.entry.shot,
                    );
                }
                Err(self.ledger_failed(error))
            }
        }
    }

    /// Nothing more is sent, polled or fetched.
    pub(super) fn ledger_failed(&self, error: LedgerError) -> Over {
        self.halt_and_leave(StopReason::Ledger(error.to_string()));
        let mut board = self.board();
        if !board.sent {
            board.unsent_failure.get_or_insert(error);
        }
        Over
    }

    /// Takes over a job whose state is durable, tells the log, and answers what to do.
    pub(super) fn moved(&self, card: &mut Card, told: &EventRecord, step: Transition) -> Next {
        told.tell(&card.entry, &step);
        let Transition { to: job, then, .. } = step;
        let balance = self.tools.ledger.balance();
        let counted = card.entry.current;
        self.tally.send_modify(|tally| {
            if counted {
                let before = tally.of(&card.entry.status.state);
                *before = before.saturating_sub(1);
                *tally.of(&job.state) += 1;
            }
            tally.balance = balance;
            tally.ends.note(&job.state);
        });
        if matches!(job.state, State::Failed { .. }) {
            self.failed(card, job.state.why().unwrap_or_default());
        }
        if job.state.name() != card.job().state.name() {
            let lasted = self.epoch.now().saturating_sub(card.seen.1);
            match (&card.job().state, &job.state) {
                (State::Rendering { since, .. }, State::Rendered { .. }) => {
                    self.tools.gauges.rendering.record(self.judged_at(card).since(*since));
                }
                (State::Rendered { .. }, State::Delivered { .. }) => {
                    self.tools.gauges.fetching.record(lasted);
                }
                _ => {}
            }
            let clock = match &job.state {
                State::Rendering { since, .. } => *since,
                _ => self.tools.clock.now(),
            };
            card.seen = (clock, self.epoch.now());
        }
        card.entry.status = job;
        then
    }

    fn failed(&self, card: &Card, why: &str) {
        tracing::warn!(shot = %card.entry.shot, "failed: {why}");
        let mut board = self.board();
        board.failures += 1;
        let failures = board.failures;
        drop(board);
        if self.orders.max_failures.is_some_and(|most| failures >= most) {
            self.halt(StopReason::Failures(failures));
        }
    }

    /// Counts a card in before anything happened to it.
    pub(super) fn count_in(&self, card: &Card) {
        if card.entry.current {
            self.tally.send_modify(|tally| *tally.of(&card.entry.status.state) += 1);
        }
    }

    /// Shows that and why nothing more is submitted; the first reason stays.
    pub(super) fn show_stopping(&self, ended: RunOutcome) {
        self.tally.send_modify(|tally| {
            tally.stopping.get_or_insert(ended);
        });
    }

    /// Shows whether the user paused it.
    pub(super) fn show_paused(&self, paused: bool) {
        self.tally.send_if_modified(|tally| std::mem::replace(&mut tally.paused, paused) != paused);
    }

    /// Shows the money as it is.
    pub(super) fn show_money(&self) {
        let (balance, budget) = (self.tools.ledger.balance(), self.tools.ledger.budget());
        self.tally.send_modify(|tally| {
            tally.balance = balance;
            tally.budget = budget;
        });
    }
}
