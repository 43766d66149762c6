//! Random histories of several workers over a database in memory that die, fall silent and come back,
//! held against what the gateway really sold.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rushes::domain::callback::Callback;
use rushes::domain::secret::Secret;
use rushes::domain::state::AttemptId;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    /// A worker asks for so many, wants those in doubt, gives one back, and was called about the nth
    /// attempt.
    Assign(usize, u32, bool, Option<usize>, Option<u8>),
    /// Claims something that it believes to have.
    Claim(usize, usize),
    /// Something happens to what it believes to have.
    Happen(usize, usize, Kind),
    /// It dies, and another joins in its place.
    Die(usize),
    /// It leaves, and another joins.
    Leave(usize),
    CutOff(usize),
    Heal(usize),
    LoseAnswer(usize),
    Pass(u64),
    Budget(Option<i64>),
    /// The user says of a shot in doubt that it was not bought, which may be wrong.
    NotBought(usize),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The gateway's answer comes: its nth kind.
    Answer(u8),
    Poll,
    Deliver,
    Late,
}

fn op() -> impl Strategy<Value = Op> {
    let kind = prop_oneof![
        6 => (0..6_u8).prop_map(Kind::Answer),
        2 => Just(Kind::Poll),
        2 => Just(Kind::Deliver),
        1 => Just(Kind::Late),
    ];
    let who = || 0..4_usize;
    prop_oneof![
        6 => (who(), 0..4_u32, any::<bool>(), option::of(0..9_usize), option::of(1..12_u8))
            .prop_map(|(who, queued, doubts, back, called)| {
                Op::Assign(who, queued, doubts, back, called)
            }),
        8 => (who(), 0..9_usize).prop_map(|(who, which)| Op::Claim(who, which)),
        12 => (who(), 0..9_usize, kind).prop_map(|(who, which, kind)| Op::Happen(who, which, kind)),
        1 => who().prop_map(Op::Die),
        1 => who().prop_map(Op::Leave),
        2 => who().prop_map(Op::CutOff),
        3 => who().prop_map(Op::Heal),
        1 => who().prop_map(Op::LoseAnswer),
        3 => prop_oneof![0..40_u64, 600..800_u64].prop_map(Op::Pass),
        1 => option::of(0..120_i64).prop_map(Op::Budget),
        1 => (0..9_usize).prop_map(Op::NotBought),
    ]
}

/// A worker, and what it believes.
struct One {
    ledger: MemoryLedger,
    is_cut: bool,
    has: BTreeMap<RevisionId, Entry>,
    /// What it claimed itself: of other attempts it cannot tell what became of them.
    claimed: BTreeSet<AttemptId>,
}

/// What the gateway was sent.
#[derive(Default)]
struct Gateway {
    /// What it sold for which attempt of which revision.
    sold: BTreeMap<AttemptId, (RevisionId, String)>,
    /// Attempts that reached it.
    reached: BTreeSet<AttemptId>,
    /// Task ids that a worker has told the database.
    told: BTreeSet<String>,
    /// Revisions that the user wrongly said were not bought.
    misjudged: BTreeSet<RevisionId>,
}

struct History {
    database: MemoryDatabase,
    workers: Vec<One>,
    gateway: Gateway,
    cap: Option<Usd>,
    /// By how much what was heard late may pass the cap.
    late: Usd,
    /// So many attempts were asked for.
    asked: u8,
}

const IN_FLIGHT: u32 = 3;

fn join(database: &MemoryDatabase) -> One {
    let limits = Limits { in_flight: IN_FLIGHT, ..Limits::default() };
    let ledger = database.join(Some(work_within(1, limits)), InMemory::ON_WIRE).unwrap();
    One { ledger, is_cut: false, has: BTreeMap::new(), claimed: BTreeSet::new() }
}

impl History {
    async fn begin(workers: usize) -> Self {
        let database = MemoryDatabase::new();
        let workers: Vec<_> = (0..workers).map(|_| join(&database)).collect();
        let shots = shots(&[10; 9]);
        fleet(&workers[0].ledger).begin(Some(shots.into()), None, at(0)).await.unwrap();
        let (gateway, late) = (Gateway::default(), Usd::ZERO);
        Self { database, workers, gateway, cap: None, late, asked: 0 }
    }

    /// The worker, if its calls get through.
    fn heard(&mut self, who: usize) -> Option<&mut One> {
        let who = who % self.workers.len();
        self.workers.get_mut(who).filter(|one| !one.is_cut)
    }

    async fn make(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Assign(who, queued, doubts, back, called) => {
                let Some(one) = self.heard(who) else { return Ok(()) };
                let back = back.and_then(|nth| one.has.keys().nth(nth).copied());
                let returned: Vec<_> = back.into_iter().collect();
                let call = |nth| Callback { key: Secret::from_bytes([nth; 16]), tasks: Vec::new() };
                let callbacks = called.map(call).into_iter().collect();
                let want = Want { queued, purchases: 2, doubts, returned, ..Want::default() };
                let want = Want { hears: doubts, callbacks, ..want };
                for id in &want.returned {
                    let is_sent = matches!(one.has[id].status.state, State::Submitting { .. });
                    if !is_sent {
                        one.has.remove(id);
                    }
                }
                let told = handed(&one.ledger, want).await;
                one.has.extend(told.into_iter().map(|entry| (entry.revision, entry)));
            }
            Op::Claim(who, which) => self.claim(who, which).await?,
            Op::Happen(who, which, kind) => self.happen(who, which, kind).await?,
            Op::Die(who) => {
                let who = who % self.workers.len();
                self.workers[who].ledger.cut_off();
                self.workers[who] = join(&self.database);
            }
            Op::Leave(who) => {
                let who = who % self.workers.len();
                self.workers[who] = join(&self.database);
            }
            Op::CutOff(who) => {
                let who = who % self.workers.len();
                self.workers[who].ledger.cut_off();
                self.workers[who].is_cut = true;
            }
            Op::Heal(who) => {
                let who = who % self.workers.len();
                self.workers[who].ledger.heal();
                self.workers[who].is_cut = false;
            }
            Op::LoseAnswer(who) => {
                if let Some(one) = self.heard(who) {
                    one.ledger.lose_next_answer(false);
                }
            }
            Op::Pass(seconds) => tokio::time::advance(Duration::from_secs(seconds)).await,
            Op::Budget(cap) => {
                let Some(one) = self.heard(0) else { return Ok(()) };
                let budget = Budget { cap: cap.map(usd), strict: false };
                one.ledger.set_budget(budget).await.unwrap();
                let committed = one.ledger.balance();
                self.cap = budget.cap.map(|cap| cap.max(budget.committed(&committed)));
                self.late = Usd::ZERO;
            }
            Op::NotBought(which) => self.user_says_not_bought(which).await,
        }
        Ok(())
    }

    async fn claim(&mut self, who: usize, which: usize) -> Result<(), TestCaseError> {
        let places = self.database.places();
        self.asked = self.asked.wrapping_add(1);
        let key = Secret::from_bytes([self.asked; 16]);
        let Some(one) = self.heard(who) else { return Ok(()) };
        let mut queued =
            one.has.values().filter(|one| matches!(one.status.state, State::Queued { .. }));
        let Some(entry) = queued.nth(which).cloned() else { return Ok(()) };
        let spec = AttemptSpec { key, key_on_wire: true, ..spec(entry.price) };
        let (verdict, status) = one.ledger.claim(&entry, spec, &RULES, at(1)).await;
        if verdict == Verdict::Gone {
            one.has.remove(&entry.revision);
        }
        if let Some(status) = status {
            prop_assert!(places > 0, "there was no place");
            one.claimed.extend(status.state.attempt());
            one.has.insert(entry.revision, Entry { status, ..entry });
        }
        Ok(())
    }

    async fn happen(&mut self, who: usize, which: usize, kind: Kind) -> Result<(), TestCaseError> {
        let who = who % self.workers.len();
        let Some(entry) = self.workers[who].has.values().nth(which).cloned() else { return Ok(()) };
        let event = match (&entry.status.state, kind) {
            (State::Submitting { attempt, .. }, Kind::Answer(kind)) => {
                self.answer(who, &entry, *attempt, kind)
            }
            (State::Rendering { .. }, Kind::Poll) => completed(),
            (State::Rendered { .. }, Kind::Deliver) => ShotEvent::Delivered,
            (State::Rendering { .. }, Kind::Late) => {
                let revision = entry.revision;
                let change = rushes::ledger::Change::Late { revision };
                if let Some(one) = self.heard(who) {
                    verdict(&one.ledger, Commit { at: at(3), change }).await;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.say(who, entry, event).await
    }

    /// What becomes of an attempt that a worker has on the wire, or is about to send: what the gateway
    /// does is done, whether or not its answer is heard.
    fn answer(&mut self, who: usize, entry: &Entry, attempt: AttemptId, kind: u8) -> ShotEvent {
        if !self.workers[who].claimed.contains(&attempt) {
            return ShotEvent::FoundSubmitting;
        }
        let is_new = !self.gateway.reached.contains(&attempt);
        if is_new && !fleet(&self.workers[who].ledger).may_leave(attempt) {
            return not_sent();
        }
        if is_new && kind >= 2 {
            let task = format!("task-{}", attempt.0);
            self.gateway.sold.insert(attempt, (entry.revision, task));
        }
        self.gateway.reached.insert(attempt);
        match self.gateway.sold.get(&attempt) {
            _ if kind == 5 => doubtful(),
            Some((_, task)) => bought(task),
            None if kind == 0 => rejected(),
            None => ShotEvent::Answered(SubmitOutcome::ServerError {
                status: 500,
                from_proxy: false,
                retry_after: None,
                why: "oh".into(),
            }),
        }
    }

    async fn say(
        &mut self,
        who: usize,
        entry: Entry,
        event: ShotEvent,
    ) -> Result<(), TestCaseError> {
        let now = self.database.snapshot().entries().unwrap();
        let Some(one) = self.heard(who) else { return Ok(()) };
        let step = entry.status.after(event.clone(), at(2), &RULES).unwrap();
        let (answer, _) =
            one.ledger.one(moving(entry.revision, step.clone(), Vec::new(), at(2))).await.unwrap();
        match answer {
            Verdict::Gone => {
                one.has.remove(&entry.revision);
                let mut now = now.iter();
                let stood = now.find(|stood| stood.revision == entry.revision).unwrap();
                let is_told = step.change.as_ref().is_some_and(|change| change.outcome.is_some());
                let after = self.database.snapshot().entries().unwrap();
                let mut after = after.iter();
                let stands = after.find(|stands| stands.revision == entry.revision).unwrap();
                let is_about_it = step.change.as_ref().map(|change| change.attempt)
                    == stood.status.state.attempt();
                prop_assert!(is_told && is_about_it || stands.status == stood.status);
            }
            Verdict::Written { .. } => {
                one.has.insert(entry.revision, Entry { status: step.to, ..entry.clone() });
                if matches!(event, ShotEvent::Delivered) {
                    one.has.remove(&entry.revision);
                    prop_assert_eq!(self.database.holder(entry.revision), None);
                }
            }
            other => prop_assert!(false, "{:?}", other),
        }
        if let ShotEvent::Answered(SubmitOutcome::Bought { task }) = event {
            self.gateway.told.insert(task.to_string());
            if self.gateway.misjudged.contains(&entry.revision) {
                self.late += usd(10);
            }
        }
        Ok(())
    }

    async fn user_says_not_bought(&mut self, which: usize) {
        let visitor = self.database.join(None, Duration::ZERO).unwrap();
        let entries = self.database.snapshot().entries().unwrap();
        let Some(entry) = entries.get(which) else { return };
        if !matches!(entry.status.state, State::InDoubt { .. }) {
            return;
        }
        let Some(entry) = fleet(&visitor).take(entry.revision).await.unwrap() else { return };
        let event = ShotEvent::Resolved(Resolution::NotBought { also: Vec::new() });
        visitor.apply(entry.revision, &entry.status, event, &RULES, at(4)).await;
        self.gateway.misjudged.insert(entry.revision);
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        let snapshot = self.database.snapshot();
        let balance = snapshot.summary().unwrap().balance;
        let history = snapshot.spending().unwrap().history;
        let moved = history.last().map_or_else(Balance::default, |(_, balance)| *balance);
        prop_assert_eq!(balance, moved, "the movements add up to the attempts");
        if let Some(cap) = self.cap {
            prop_assert!(balance.spent + balance.reserved <= cap + self.late, "over the cap");
        }
        let mut bought: BTreeMap<RevisionId, usize> = BTreeMap::new();
        for (revision, _) in self.gateway.sold.values() {
            *bought.entry(*revision).or_default() += 1;
        }
        let reader = &self.workers[0].ledger;
        for (revision, times) in &bought {
            let is_misjudged = self.gateway.misjudged.contains(revision);
            prop_assert!(*times == 1 || is_misjudged, "{:?} was bought {} times", revision, times);
        }
        let sure: usize =
            bought.iter().filter(|(id, _)| !self.gateway.misjudged.contains(id)).count();
        let least = usd(10 * i64::try_from(sure).unwrap());
        prop_assert!(balance.spent + balance.reserved >= least, "something bought is not counted");
        if !self.workers[0].is_cut {
            for task in &self.gateway.told {
                let task = TaskId::new(task).unwrap();
                prop_assert!(reader.knows_task(&task).await.unwrap(), "{} was dropped", task);
            }
        }
        Ok(())
    }
}

async fn live(workers: usize, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let mut history = History::begin(workers).await;
    for op in ops {
        history.make(op).await?;
        history.check().await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_becomes_of_the_workers_nothing_is_bought_twice_lost_or_over_the_cap(
        workers in 2..5_usize, ops in vec(op(), 1..150),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(live(workers, ops))?;
    }
}
