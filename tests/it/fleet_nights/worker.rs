//! One worker of a night: its process, its connection to the database, and what happens to both.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes::ledger::{Ledger, MemoryDatabase, MemoryLedger, RevisionId};
use rushes::scheduler::{CancelToken, PauseSwitch};

use super::gate::Gate;
use super::oracle::Oracle;
use super::plan::{What, When};

/// The user lets a campaign go on that was paused.
pub async fn resume(database: &MemoryDatabase) {
    if let Ok(visitor) = database.join(None, Duration::ZERO)
        && let Some(fleet) = visitor.fleet()
    {
        fleet.set_paused(false).await.unwrap();
    }
}

/// A worker while it is there.
pub struct Worker {
    /// Its number over the night, from 1.
    pub number: usize,
    pub gate: Gate,
    pub stop: CancelToken,
    pub pause: PauseSwitch,
    pub oracle: Arc<Mutex<Oracle>>,
    ledger: Mutex<Option<Arc<MemoryLedger>>>,
    database: MemoryDatabase,
    /// How many things keep it from reaching the database.
    cuts: AtomicU32,
    /// What happens at which of its calls.
    waits: Mutex<Vec<(When, What)>>,
    /// Whether anything went wrong with it.
    pub is_hit: std::sync::atomic::AtomicBool,
}

impl Worker {
    pub fn new(
        number: usize,
        ledger: Arc<MemoryLedger>,
        database: MemoryDatabase,
        waits: Vec<(When, What)>,
        oracle: &Arc<Mutex<Oracle>>,
    ) -> Self {
        Self {
            number,
            gate: Gate::default(),
            stop: CancelToken::default(),
            pause: PauseSwitch::default(),
            oracle: Arc::clone(oracle),
            ledger: Mutex::new(Some(ledger)),
            database,
            cuts: AtomicU32::new(0),
            waits: Mutex::new(waits),
            is_hit: false.into(),
        }
    }

    /// Its process has ended, and with it its connection.
    pub fn end(&self) {
        *self.ledger.lock().unwrap() = None;
    }

    /// Whether its calls do not get through to the database, though it lives.
    pub fn is_cut_off(&self) -> bool {
        let ledger = self.ledger.lock().unwrap();
        !self.gate.is_dead() && ledger.as_ref().is_some_and(|ledger| ledger.is_cut_off())
    }

    /// Whether a revision is in its hands, as the database has it.
    pub fn has_in_hands(&self, revision: RevisionId) -> bool {
        let ledger = self.ledger.lock().unwrap();
        ledger.as_ref().is_some_and(|ledger| ledger.has_in_hands(revision))
    }

    fn on_ledger(&self, work: impl FnOnce(&MemoryLedger)) {
        let ledger = self.ledger.lock().unwrap().clone();
        if let Some(ledger) = ledger {
            work(&ledger);
        }
    }

    /// One of its calls is made: what waits for it happens.
    pub fn reaches(self: &Arc<Self>, when: When) {
        let mut due = Vec::new();
        self.waits.lock().unwrap().retain(|(at, what)| {
            if *at == when {
                due.push(*what);
            }
            *at != when
        });
        for what in due {
            self.suffer(what);
        }
    }

    /// Something happens to it now.
    pub fn suffer(self: &Arc<Self>, what: What) {
        if self.gate.is_dead() || self.ledger.lock().unwrap().is_none() {
            return;
        }
        self.oracle.lock().unwrap().note(format!("worker {}: {what:?}", self.number));
        self.is_hit.store(true, Ordering::Relaxed);
        match what {
            What::Die => {
                self.on_ledger(MemoryLedger::cut_off);
                self.gate.kill();
            }
            What::Stop => self.stop.cancel(),
            What::Freeze(span) => {
                self.gate.freeze();
                self.cut_off();
                self.later(span, |worker| {
                    worker.heal();
                    worker.gate.thaw();
                });
            }
            What::CutFromLedger(span) => self.lose_ledger(span),
            What::CutFromGateway(span) => self.lose_gateway(span),
            What::CutFromBoth(span) => {
                self.lose_ledger(span);
                self.lose_gateway(span);
            }
            What::LoseAnswer => self.on_ledger(|ledger| ledger.lose_next_answer(false)),
            What::LoseAnswerAndCut(span) => {
                self.on_ledger(|ledger| ledger.lose_next_answer(true));
                self.heal_again_and_again(span);
            }
            What::Pause(span) => {
                self.pause.pause();
                let worker = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(span).await;
                    worker.pause.resume();
                    // Also if it has ended meanwhile.
                    resume(&worker.database).await;
                });
            }
        }
    }

    fn lose_ledger(self: &Arc<Self>, span: Duration) {
        self.cut_off();
        self.later(span, Self::heal);
    }

    fn lose_gateway(self: &Arc<Self>, span: Duration) {
        self.gate.cut_from_gateway();
        self.later(span, |worker| worker.gate.reach_gateway());
    }

    fn later(self: &Arc<Self>, span: Duration, then: impl FnOnce(&Self) + Send + 'static) {
        let worker = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            worker.oracle.lock().unwrap().news(format!("worker {} recovers", worker.number));
            then(&worker);
        });
    }

    fn cut_off(&self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
        self.on_ledger(MemoryLedger::cut_off);
    }

    fn heal(&self) {
        if self.cuts.fetch_sub(1, Ordering::Relaxed) == 1 && !self.gate.is_dead() {
            self.on_ledger(MemoryLedger::heal);
        }
    }

    /// When the answer is lost, and the connection with it, is the database's to say.
    fn heal_again_and_again(self: &Arc<Self>, span: Duration) {
        let worker = Arc::clone(self);
        tokio::spawn(async move {
            while !worker.gate.is_dead() && worker.ledger.lock().unwrap().is_some() {
                tokio::time::sleep(span + Duration::from_secs(1)).await;
                if worker.cuts.load(Ordering::Relaxed) == 0 && !worker.gate.is_dead() {
                    worker.on_ledger(MemoryLedger::heal);
                }
            }
        });
    }
}
