//! A run without a runtime, a clock or I/O: the scheduler, a ledger in memory that the test can
//! refuse with, and the effects that were begun, which a test answers one by one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::given::BEGAN;
use rushes::domain::charge::Charge;
use rushes::domain::money::Usd;
use rushes::domain::secret::Secret;
use rushes::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State};
use rushes::domain::time::{Now, Timestamp};
use rushes::ledger::{Change, Commit, Committed, Entry, LedgerError, RevisionId, Verdict};
use rushes::policy::budget::{Balance, Budget};
use rushes::scheduler::Slot;
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{Output, Scheduler};
use rushes::scheduler::{RunOutcome, StopReason};

/// An attempt's row.
pub struct Attempt {
    pub row: usize,
    pub price: Option<Usd>,
    pub account: Account,
    pub outcome: Option<AttemptOutcome>,
    pub key: Secret,
}

pub struct Rig {
    pub scheduler: Scheduler,
    pub now: Now,
    /// What the wall clock said, or would have said, when the run began.
    began: Timestamp,
    states: Vec<RevisionState>,
    pub attempts: Vec<Attempt>,
    /// How many clips are recorded for each shot.
    files: HashMap<usize, usize>,
    pub charges: Vec<(AttemptId, Charge)>,
    /// The clips of each end of an earlier task that was written.
    pub earlier: Vec<Vec<String>>,
    budget: Budget,
    /// Verdicts for the next claims, in place of what the cap says.
    pub verdicts: VecDeque<Verdict>,
    /// Whether the next commit uses up the reserve.
    pub reserve_used: bool,
    /// How long the ledger takes for its next batches.
    pub commit_takes: VecDeque<Duration>,
    /// When each POST left.
    pub left: Vec<Duration>,
    /// Effects that were begun and did not come back.
    pub begun: Vec<Effect>,
    /// The keys with which callbacks are heard.
    pub heard: HashSet<Secret>,
    /// Whether a test tells which tasks a shot in doubt was said to have before; else there are none.
    pub tells_former: bool,
    /// What can be handed over where several workers are at the campaign.
    pub entries: Vec<(Entry, Option<u32>)>,
}

pub fn balance(attempts: &[Attempt]) -> Balance {
    let sum = |account| {
        let those = attempts.iter().filter(|one| one.account == account);
        those.filter_map(|one| one.price).sum()
    };
    Balance {
        spent: sum(Account::Spent),
        reserved: sum(Account::Reserved),
        unconfirmed: sum(Account::Unconfirmed),
    }
}

impl Rig {
    pub fn new(
        scheduler: Scheduler,
        states: Vec<RevisionState>,
        attempts: Vec<Attempt>,
        budget: Budget,
    ) -> Self {
        Self {
            scheduler,
            now: Now { clock: BEGAN, elapsed: Duration::ZERO },
            began: BEGAN,
            states,
            attempts,
            files: HashMap::new(),
            charges: Vec::new(),
            earlier: Vec::new(),
            budget,
            verdicts: VecDeque::new(),
            reserve_used: false,
            commit_takes: VecDeque::new(),
            left: Vec::new(),
            begun: Vec::new(),
            heard: HashSet::new(),
            tells_former: false,
            entries: Vec::new(),
        }
    }

    /// Hands over an event; what follows stays in the output.
    pub fn hear(&mut self, event: Event) {
        self.scheduler.handle(self.now, event);
    }

    /// Hands over an event, and does what the driver does then.
    pub fn tell(&mut self, event: Event) {
        self.scheduler.handle(self.now, event);
        self.carry_out();
    }

    /// Writes and begins all that is in the output.
    pub fn carry_out(&mut self) {
        loop {
            let out = self.scheduler.take_output();
            let asks_former =
                out.effects.iter().any(|effect| matches!(effect, Effect::Former { .. }));
            if !self.commit(out) && !asks_former {
                return;
            }
        }
    }

    /// Writes an output and begins its effects; whether there was something to write.
    pub fn commit(&mut self, out: Output) -> bool {
        let Output { at_once, commits, owners, effects, .. } = out;
        for effect in at_once {
            self.begin(effect);
        }
        if !commits.is_empty() {
            let took = self.commit_takes.pop_front().unwrap_or_default();
            self.set_elapsed(self.now.elapsed + took);
            let verdicts = commits.iter().map(|commit| self.write(commit)).collect();
            let balance = balance(&self.attempts);
            assert!(self.budget.cap.is_none_or(|cap| self.budget.committed(&balance) <= cap));
            let reserve_used = std::mem::take(&mut self.reserve_used);
            let committed = Committed {
                verdicts,
                balance,
                places: None,
                month_left: None,
                reserve_used,
                displaced: None,
            };
            self.scheduler.committed(self.now, &commits, &owners, committed);
        }
        for effect in effects {
            self.begin(effect);
        }
        !commits.is_empty()
    }

    /// The ledger cannot write what is in the output.
    pub fn fail_commit(&mut self) {
        let Output { at_once, commits, owners, .. } = self.scheduler.take_output();
        assert!(!commits.is_empty());
        for effect in at_once {
            self.begin(effect);
        }
        let error = LedgerError::Defect { what: "no room".into() };
        self.scheduler.commit_failed(&commits, &owners, error);
        self.carry_out();
    }

    fn write(&mut self, commit: &Commit) -> Verdict {
        let (revision, transition, attempt) = match &commit.change {
            Change::Charge { attempt, charge } => {
                self.charges.push((*attempt, charge.clone()));
                return Verdict::Written { task_first_of: None };
            }
            Change::Late { .. } => return Verdict::Written { task_first_of: None },
            Change::Earlier { revision, change, files } => {
                self.attempts[place(change.attempt)].account = change.account;
                self.files.insert(row(*revision), files.len());
                self.earlier.push(files.iter().map(|file| file.path.clone()).collect());
                return Verdict::Written { task_first_of: None };
            }
            Change::Transition { revision, transition, attempt, files } => {
                self.files.insert(row(*revision), files.len());
                (row(*revision), transition, attempt)
            }
        };
        let Some(spec) = attempt else {
            for change in transition.changes() {
                let attempt = &mut self.attempts[place(change.attempt)];
                attempt.account = change.account;
                attempt.outcome = change.outcome.or(attempt.outcome);
            }
            self.states[revision] = transition.to.clone();
            return Verdict::Written { task_first_of: None };
        };
        if let Some(verdict) = self.verdicts.pop_front() {
            return verdict;
        }
        if !self.budget.allows(&balance(&self.attempts), spec.price) {
            return Verdict::OverCap;
        }
        let (price, key) = (spec.price, spec.key);
        let account = Account::Reserved;
        self.attempts.push(Attempt { row: revision, price, account, outcome: None, key });
        let attempt = AttemptId(i64::try_from(self.attempts.len()).unwrap());
        self.states[revision] = transition.to.clone().with_attempt(attempt);
        Verdict::Claimed(attempt)
    }

    /// Begins an effect, which must follow from what the ledger has.
    fn begin(&mut self, effect: Effect) {
        let state = |slot: &Slot| &self.states[self.row_of(*slot)].state;
        match &effect {
            Effect::Submit { slot, .. } => {
                assert!(matches!(state(slot), State::Submitting { .. }), "{:?}", state(slot));
                let attempt = &self.attempts[place(state(slot).attempt().unwrap())];
                assert_eq!(attempt.account, Account::Reserved);
                self.left.push(self.now.elapsed);
            }
            Effect::Poll { slots, tasks, .. } => {
                for (slot, task) in slots.iter().zip(tasks) {
                    if self.is_earlier(*slot) {
                        continue;
                    }
                    assert_eq!(state(slot).task(), Some(&task.task));
                }
            }
            Effect::Download { slot, .. } | Effect::Adopt { slot, .. }
                if !self.is_earlier(*slot) =>
            {
                assert!(matches!(state(slot), State::Rendered { .. }), "{:?}", state(slot));
            }
            Effect::Expect(key) => {
                assert!(self.heard.insert(*key));
                return;
            }
            Effect::Forget(key) => {
                assert!(self.heard.remove(key));
                return;
            }
            Effect::Former { slot, .. }
                if !self.tells_former && matches!(state(slot), State::InDoubt { .. }) =>
            {
                let event = Event::Former { slot: *slot, tasks: Vec::new() };
                self.scheduler.handle(self.now, event);
                return;
            }
            Effect::Leave => {
                self.begun.retain(|effect| matches!(effect, Effect::Submit { .. }));
                self.heard.clear();
                return;
            }
            Effect::Load { .. }
            | Effect::Assign { .. }
            | Effect::AskSlots { .. }
            | Effect::Count
            | Effect::TellPause { .. }
            | Effect::Switch { .. }
            | Effect::Download { .. }
            | Effect::Adopt { .. }
            | Effect::Former { .. }
            | Effect::Find { .. }
            | Effect::Charge { .. }
            | Effect::Balance
            | Effect::Paid { .. }
            | Effect::Reserved { .. } => {}
        }
        self.begun.push(effect);
    }

    /// Whether it is an earlier task, whose price must be reserved while anything is done for it.
    fn is_earlier(&self, slot: Slot) -> bool {
        let state = &self.scheduler.entry(slot).unwrap().status.state;
        let is_earlier = self.scheduler.is_earlier(slot);
        let account = self.attempts[place(state.attempt().unwrap())].account;
        assert!(!is_earlier || account == Account::Reserved);
        is_earlier
    }

    pub fn row_of(&self, slot: Slot) -> usize {
        row(self.scheduler.entry(slot).unwrap().revision)
    }

    /// Lets time pass, and wakes the scheduler whenever it asks for it.
    pub fn play(&mut self, span: Duration) {
        let end = self.now.elapsed + span;
        self.play_until(end, |_| false);
        self.set_elapsed(end);
        self.tell(Event::Tick);
    }

    /// Lets time pass until `done`, and answers how long that took; `None` if `end` comes first.
    pub fn play_until(&mut self, end: Duration, done: impl Fn(&Self) -> bool) -> Option<Duration> {
        let (began, mut in_vain) = (self.now.elapsed, 0);
        while !done(self) {
            let wake = self.scheduler.next_wake(self.now).filter(|wake| *wake <= end)?;
            in_vain = if wake <= self.now.elapsed { in_vain + 1 } else { 0 };
            assert!(in_vain < 3, "the scheduler is woken again and again and does nothing");
            self.set_elapsed(wake.max(self.now.elapsed));
            self.tell(Event::Tick);
        }
        Some(self.now.elapsed.saturating_sub(began))
    }

    pub fn set_elapsed(&mut self, elapsed: Duration) {
        self.now = Now { clock: self.began.plus(elapsed), elapsed };
    }

    /// The wall clock is set back.
    pub fn set_clock_back(&mut self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.began = Timestamp::from_millis(self.began.as_millis() - millis);
        self.set_elapsed(self.now.elapsed);
    }

    pub fn pause(&mut self, paused: bool) {
        self.scheduler.set_paused(paused);
        self.tell(Event::Tick);
    }

    /// A shot's state as the ledger has it.
    pub fn state(&self, row: usize) -> &State {
        &self.states[row].state
    }

    /// A shot's state in one word, as the ledger has it.
    pub fn is(&self, row: usize) -> &'static str {
        self.states[row].state.name()
    }

    pub fn refusals(&self, row: usize) -> u32 {
        self.states[row].refusals
    }

    /// How many clips its last transition recorded.
    pub fn files(&self, row: usize) -> usize {
        self.files.get(&row).copied().unwrap_or_default()
    }

    pub fn is_waiting(&self, row: usize) -> bool {
        self.states[row].is_waiting
    }

    pub fn probed(&self, row: usize) -> bool {
        self.states[row].probed
    }

    /// The accounts of a shot's attempts, the oldest first.
    pub fn accounts(&self, row: usize) -> Vec<Account> {
        let its = self.attempts.iter().filter(|attempt| attempt.row == row);
        its.map(|attempt| attempt.account).collect()
    }

    /// Why nothing more is submitted.
    pub fn stopped(&self) -> Option<&StopReason> {
        self.scheduler.stopped.as_ref()
    }

    /// How the run ended, once it has.
    pub fn ended(&mut self) -> Option<RunOutcome> {
        self.scheduler.outcome(self.now).map(Result::unwrap)
    }
}

fn row(revision: RevisionId) -> usize {
    usize::try_from(revision.0).unwrap()
}

fn place(attempt: AttemptId) -> usize {
    usize::try_from(attempt.0 - 1).unwrap()
}
