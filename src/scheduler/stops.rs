//! When submitting stops, when polls and downloads end too, and when the run is over.

use std::time::Duration;

use crate::domain::time::Now;
use crate::ledger::LedgerError;

use super::core::Scheduler;
use super::effects::Effect;
use super::event_log;
use super::outcome::{RunOutcome, StopReason};

/// So many pauses in a row with nothing accepted, for so long, mean an exhausted account.
const THROTTLED_ROUNDS: u32 = 10;
const THROTTLED_FOR: Duration = Duration::from_secs(600);

impl Scheduler {
    /// Submits nothing more; what is in flight goes on. The first reason stays.
    pub(super) fn stop(&mut self, why: StopReason) {
        if self.stopped.is_some() {
            return;
        }
        tracing::warn!("nothing more is submitted: {why}");
        self.out.records.push(event_log::stopping(&why));
        self.progress.stopping.get_or_insert(RunOutcome::Stopped(why.clone()));
        self.stopped = Some(why);
    }

    /// Submits nothing more, and ends polls and downloads too.
    pub(super) fn stop_and_leave(&mut self, why: StopReason) {
        self.stop(why);
        self.leave();
    }

    /// Ends polls and downloads; answers to what is on the wire are still waited for.
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.leaving, true) {
            self.out.effects.clear();
            self.out.at_once.push(Effect::Leave);
        }
    }

    /// The user stops the run.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = true;
        self.progress.stopping.get_or_insert(RunOutcome::Interrupted);
        self.leave();
    }

    /// The user pauses the run, or lets it go on.
    pub fn set_paused(&mut self, paused: bool) {
        self.tell_pause(paused);
        self.progress.paused = paused;
    }

    /// Nothing more is sent, polled or fetched.
    pub(super) fn ledger_failed(&mut self, error: LedgerError) {
        self.stop_and_leave(StopReason::Ledger(error.to_string()));
        if !self.sent {
            self.unsent_failure.get_or_insert(error);
        }
    }

    /// How long it is to the deadline, by the wall clock or by the time that has passed since the
    /// run began, whichever is less: a clock set back must not have more bought than was asked for.
    pub(super) fn to_deadline(&self, now: Now) -> Option<Duration> {
        let latest = self.began.plus(now.elapsed).max(now.clock);
        self.options.deadline.map(|deadline| deadline.since(latest))
    }

    pub(super) fn check_deadline(&mut self, now: Now) {
        let passed = self.to_deadline(now).is_some_and(|left| left.is_zero());
        if passed && (!self.queue.is_empty() || self.holds_back()) {
            self.stop(StopReason::Deadline);
        }
    }

    pub(super) fn check_throttling(&mut self) {
        let rounds = self.throttled.in_a_row();
        let hopeless = self.in_flight + self.late == 0
            && rounds >= THROTTLED_ROUNDS
            && self.throttled.lasting() >= THROTTLED_FOR;
        if hopeless {
            self.stop(StopReason::Throttled(format!(
                "the gateway answered 429 {rounds} times in a row and accepted nothing"
            )));
        }
    }

    /// Whether the run is over: nothing is on the wire, and nothing is left to be waited for.
    pub(super) fn is_over(&mut self, now: Now) -> bool {
        if self.on_wire > 0 || !self.leaving_soon.is_empty() {
            return false;
        }
        if self.leaving {
            return true;
        }
        if self.active > 0 || self.can_submit_later() {
            return false;
        }
        if self.next_release(now).is_some() {
            self.say_awaited();
            return false;
        }
        let is_charged = self.charges.as_ref().is_none_or(|charges| charges.asking == 0);
        is_charged && !self.waits_for_others()
    }

    /// How a run that is over has ended.
    pub(super) fn run_outcome(&self) -> RunOutcome {
        let held = self.held();
        match &self.stopped {
            _ if self.interrupted => RunOutcome::Interrupted,
            _ if self.none_is_left() && self.stops_nothing() => RunOutcome::Done,
            Some(stopped) => RunOutcome::Stopped(stopped.clone()),
            None if self.month_is_tighter() => RunOutcome::Stopped(StopReason::MonthCap { held }),
            None => RunOutcome::Stopped(StopReason::Cap { held }),
        }
    }

    /// Whether nothing stops this run, or only what would stop purchases, of which none is left to be made.
    pub(super) fn stops_nothing(&self) -> bool {
        self.stopped
            .as_ref()
            .is_none_or(|stopped| stops_purchases_alone(stopped) && self.none_is_left())
    }

    /// The queued shots that this run does not buy.
    fn held(&self) -> usize {
        let waiting = self.queue.len() + self.waiting_elsewhere();
        // What this worker was given up with waits in its queue, and elsewhere.
        match &self.sharing {
            Some(sharing) if sharing.has_ended() => waiting.min(self.progress.queued),
            _ => waiting,
        }
    }

    /// Whether no shot is left to be bought.
    fn none_is_left(&self) -> bool {
        self.held() == 0 && !self.holds_back()
    }
}

/// Whether a reason says nothing about a run that has nothing to buy.
fn stops_purchases_alone(stopped: &StopReason) -> bool {
    matches!(
        stopped,
        StopReason::Failures(_) | StopReason::FailureShare { .. } | StopReason::Deadline
    )
}
