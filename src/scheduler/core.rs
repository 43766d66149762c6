//! The scheduler: all that a run knows, owned by one value. [`Scheduler::handle`] takes one event and
//! answers nothing at once: what is to be written and what is to be done then is collected until the
//! driver takes it with [`Scheduler::take_output`]. It reads no clock, touches no file and no
//! network, and never waits; the time comes with every call.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::origin::Origin;
use crate::domain::outcome::TaskId;
use crate::domain::secret::KeyMint;
use crate::domain::shot::Shot;
use crate::domain::time::{Now, Timestamp};
use crate::ledger::{Change, Commit, Entry, LedgerError};
use crate::policy::backpressure::Backpressure;
use crate::policy::pacer::Pacer;
use crate::policy::queue::Queue;

use super::effects::{Effect, Event};
use super::event_log::EventRecord;
use super::in_flight::InFlight;
use super::latest::Latest;
use super::metrics::Metrics;
use super::options::{RunOptions, Setup};
use super::outcome::{RunOutcome, StopReason};
use super::progress::Progress;
use super::questions::{BalanceCheck, Charges, Question};
use super::refusal_counts::Refusals;
use super::renders::Renders;
use super::sharing::Sharing;
use super::shot_state::{Slot, Slots};
use super::subscriptions::Doubts;

/// What the driver has to do: begin what waits for no commit, write `commits` in one transaction,
/// then tell the log, then begin the effects.
#[derive(Debug, Default)]
pub struct Output {
    /// What is to be begun whatever becomes of the commits. A POST is among it: its claim is durable,
    /// and a slow commit of others must not delay it beyond the moment that the rate gave it.
    pub at_once: Vec<Effect>,
    /// What is to be written.
    pub commits: Vec<Commit>,
    /// Whose each commit is, in the same order; `None` for a charge.
    pub owners: Vec<Option<Slot>>,
    /// What the log is told once the commits are durable.
    pub records: Vec<EventRecord>,
    /// What is to be begun once the commits are durable.
    pub effects: Vec<Effect>,
}

impl Output {
    /// Puts a change among what is to be written; `owner` is the shot that it is about.
    pub(super) fn write(&mut self, now: Now, owner: Option<Slot>, change: Change) {
        self.commits.push(Commit { at: now.clock, change });
        self.owners.push(owner);
    }
}

/// A run's whole state.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Scheduler {
    pub(super) shots: Arc<[Shot]>,
    /// What the run is to do.
    pub options: RunOptions,
    /// Where attempts go, and from which account.
    pub(super) origin: Origin,
    pub(super) metrics: Arc<Metrics>,
    pub(super) slots: Slots,
    /// Shots with work going on; the run lasts while there are some.
    pub(super) active: usize,
    /// Who waits to be submitted, and in which slot each is, by place in the manifest.
    pub(super) queue: Queue,
    pub(super) queued: Vec<Option<Slot>>,
    /// Submitting or rendering; stalled ones are not counted.
    pub in_flight: u32,
    /// POSTs that were begun and not answered.
    pub(super) on_wire: u32,
    /// What is in flight and since when, to be shown.
    pub(super) in_flight_since: InFlight,
    /// Shots that are to be claimed, are claimed, or whose POST is on the wire.
    pub(super) posting: u32,
    /// Claimed, and waiting for the moment to leave.
    pub(super) leaving_soon: VecDeque<Slot>,
    /// Prices of shots whose claim is not yet in the balance.
    pub picked: Usd,
    pub(super) posts: Pacer,
    pub(super) polls: Pacer,
    /// What is known of other workers; `None` where this process works alone.
    pub(super) sharing: Option<Box<Sharing>>,
    pub(super) balance_check: BalanceCheck,
    /// 429s.
    pub throttled: Backpressure,
    /// Failures to reach the provider.
    pub outage: Backpressure,
    /// Until when the user was told that nothing is submitted, by the run's time.
    pub(super) said_quiet: Duration,
    /// Polls and other questions that wait for their place in the poll rate.
    pub(super) questions: VecDeque<Question>,
    pub(super) poll_batch: usize,
    /// When shots that wait go on.
    pub(super) timers: BinaryHeap<Reverse<(Duration, Slot)>>,
    /// Downloads under way, and the shots that wait for a place among them.
    pub(super) downloads: usize,
    pub(super) to_fetch: VecDeque<Slot>,
    /// Those whose last try failed and that wait for a place, and how many of them have one.
    pub(super) to_fetch_again: VecDeque<Slot>,
    pub(super) retries: usize,
    /// All whose last try failed.
    pub(super) retrying: BTreeSet<Slot>,
    pub(super) doubts: Option<Doubts>,
    pub(super) charges: Option<Charges>,
    pub(super) keys: KeyMint,
    pub(super) rng: fastrand::Rng,
    /// When the run began, by the wall clock.
    pub(super) began: Timestamp,
    /// Whether the provider ever answered in this run.
    pub(super) reached: bool,
    /// Whether a POST left in this run.
    pub(super) sent: bool,
    /// The ledger's failure, if it failed before anything was sent.
    pub(super) unsent_failure: Option<LedgerError>,
    /// Odd answers to polls that were warned of.
    pub(super) strange: HashSet<String>,
    /// The latest shots that ended, and how long tasks took.
    pub(super) latest: Latest,
    pub(super) renders: Renders,
    /// Late tasks, whose places are given away.
    pub(super) late: u32,
    /// When a task was last answered clearly, by the run's time.
    pub(super) last_clear: Option<Duration>,
    /// Failed in this run.
    pub(super) failures: u32,
    /// What was refused in this run, as far as it may say something about all shots.
    pub(super) refusals: Refusals,
    /// Why nothing more is submitted; the first reason stays.
    pub stopped: Option<StopReason>,
    pub(super) interrupted: bool,
    /// Whether polls and downloads have ended too.
    pub(super) leaving: bool,
    pub(super) said_awaited: bool,
    pub(super) progress: Progress,
    pub(super) out: Output,
}

impl Scheduler {
    /// A scheduler that knows no shot yet.
    #[must_use]
    pub fn new(
        shots: Arc<[Shot]>,
        mut options: RunOptions,
        setup: Setup,
        began: Timestamp,
    ) -> Self {
        let Setup { provider, is_shared, budget, balance, .. } = setup;
        let Setup { metrics, callbacks, keys, rng, .. } = setup;
        options.rules.result_lifetime = provider.result_lifetime;
        Self {
            queued: vec![None; shots.len()],
            shots,
            origin: provider.origin,
            poll_batch: provider.poll_batch.max(1),
            metrics,
            slots: Slots::default(),
            active: 0,
            queue: Queue::default(),
            in_flight: 0,
            on_wire: 0,
            in_flight_since: InFlight::default(),
            posting: 0,
            leaving_soon: VecDeque::new(),
            picked: Usd::ZERO,
            posts: Pacer::new(options.limits.rate, is_shared),
            polls: Pacer::new(options.limits.poll_rate, is_shared),
            sharing: is_shared.then(Box::default),
            balance_check: BalanceCheck::new(options.check_balance),
            throttled: Backpressure::new(true),
            outage: Backpressure::new(false),
            questions: VecDeque::new(),
            timers: BinaryHeap::new(),
            downloads: 0,
            to_fetch: VecDeque::new(),
            to_fetch_again: VecDeque::new(),
            retries: 0,
            retrying: BTreeSet::new(),
            latest: Latest::default(),
            renders: Renders::default(),
            late: 0,
            last_clear: None,
            doubts: callbacks.map(Doubts::new),
            charges: options.check_charges.then(Charges::default),
            keys,
            rng,
            began,
            reached: false,
            sent: false,
            unsent_failure: None,
            strange: HashSet::new(),
            failures: 0,
            refusals: Refusals::default(),
            said_quiet: Duration::ZERO,
            stopped: None,
            interrupted: false,
            leaving: false,
            said_awaited: false,
            progress: Progress { balance, budget, ..Progress::default() },
            out: Output::default(),
            options,
        }
    }

    /// Takes one event. What follows from it is in [`Scheduler::take_output`].
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Tick => {}
            Event::Loaded { slot, files } => self.loaded(now, slot, files),
            Event::Submitted { slot, outcome, took } => self.submitted(now, slot, outcome, took),
            Event::Polled { slots, outcomes } => {
                for (slot, outcome) in slots.into_iter().zip(outcomes) {
                    self.polled(now, slot, outcome);
                }
            }
            Event::Found { slot, task, outcome } => self.found(now, slot, &task, outcome.as_ref()),
            Event::Downloaded { slot, outcome } => self.downloaded(now, slot, outcome),
            Event::Adopted { slot, stored } => self.adopted(now, slot, stored),
            Event::Former { slot, tasks } => self.former_told(now, slot, tasks),
            Event::Reserved { slot, is_reserved } => self.reserved(now, slot, is_reserved),
            Event::Paid { slot, is_paid } => self.paid_told(now, slot, is_paid),
            Event::Charged { question, outcome } => self.charged(now, question, outcome),
            Event::Balance { outcome } => self.balance_told(&outcome),
            Event::Callback { key, tasks } => self.called(now, key, tasks),
            Event::Cancelled => self.interrupt(),
            Event::Assigned(assigned) => self.assigned(now, *assigned),
            Event::Granted(granted) => self.granted(now, granted),
            Event::Counted(counts) => self.counted(now, &counts),
            Event::PauseTold => self.pause_told(),
            Event::LedgerUnreadable(error) => self.ledger_failed(error),
            Event::Panicked { was_post, why } => {
                self.on_wire -= u32::from(was_post && self.on_wire > 0);
                self.stop_and_leave(StopReason::Defect(why));
            }
        }
        self.go_on(now);
    }

    /// Does what the time allows: wakes what waited, asks, fetches, submits.
    pub(super) fn go_on(&mut self, now: Now) {
        self.wake(now);
        self.release_doubts(now);
        self.check_deadline(now);
        self.check_throttling();
        self.begin_leaving(now);
        self.end_patience(now);
        self.begin_questions(now);
        self.begin_downloads();
        self.submit_next(now);
        self.share(now);
        self.show_longest();
    }

    /// What the driver has to do now.
    pub fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.out)
    }

    /// When something is to be done even if no event comes; `None`: never.
    #[must_use]
    pub fn next_wake(&self, now: Now) -> Option<Duration> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let polls = (!self.questions.is_empty()).then(|| self.polls.not_before()).flatten();
        let leave = (!self.leaving_soon.is_empty()).then(|| self.posts.leaves_at()).flatten();
        let all = [
            timer.filter(|_| !self.leaving),
            polls.filter(|_| !self.leaving),
            leave,
            self.next_submission(now),
            self.next_release(now),
            self.charges_wake(),
            self.sharing_wake(now),
        ];
        all.into_iter().flatten().min()
    }

    /// How the run ended, once it has.
    #[must_use]
    pub fn outcome(&mut self, now: Now) -> Option<Result<RunOutcome, LedgerError>> {
        if !self.is_over(now) {
            return None;
        }
        let outcome = self.run_outcome();
        Some(match &self.unsent_failure {
            Some(failure) if outcome != RunOutcome::Interrupted => Err(failure.clone()),
            _ => Ok(outcome),
        })
    }

    /// What a run shows while it goes on.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether no POST may leave any more, not even one that was claimed.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.leaving || self.stopped.is_some()
    }

    /// Whether polls and downloads have ended.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// What the ledger knows of a shot.
    #[must_use]
    pub fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.slots.get(slot).map(|shot| &shot.entry)
    }

    /// The task a shot renders as, if it does.
    pub(super) fn task_of(&self, slot: Slot) -> Option<TaskId> {
        self.entry(slot)?.status.state.task().cloned()
    }
}
