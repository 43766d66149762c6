//! Random histories of a campaign, held against a naive model, with reopening between any two steps.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use rushes::domain::charge::Charge;
use rushes::domain::outcome::PollOutcome;
use rushes::domain::secret::Secret;
use rushes::domain::state::{Account, AttemptOutcome};
use rushes::ledger::CallbackSubscription;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    /// For each shot: its text and price, if the manifest has it; and who wants the clip `hero`.
    Record([Option<(u8, Option<i64>)>; 4], usize),
    Claim(usize, AttemptSpec),
    Happen(usize, ShotEvent),
    /// Evidence that a revision was bought as this task.
    Recover(usize, u8),
    /// What the gateway says an attempt cost.
    Charge(usize, u32),
    Budget(Option<i64>, bool),
    Reopen,
}

fn price() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![5 => (0..40_i64).prop_map(Some), 1 => Just(None)]
}

fn terms() -> impl Strategy<Value = AttemptSpec> {
    (price(), any::<bool>(), proptest::bool::weighted(0.2), any::<bool>()).prop_map(
        |(price, charged_if_failed, despite_doubt, calls)| {
            let (price, token) = (price.map(usd), calls.then(|| Secret::from_bytes([0; 16])));
            AttemptSpec { price, charged_if_failed, despite_doubt, token }
        },
    )
}

fn event() -> impl Strategy<Value = ShotEvent> {
    let refused = SubmitOutcome::ServerError { status: 500, retry_after: None, why: "oh".into() };
    let gone = DownloadError::Gone { why: "404".to_owned() };
    prop_oneof![
        3 => (0..9_u8).prop_map(|task| bought(&format!("t{task}"))),
        2 => Just(ShotEvent::Answered(refused)),
        4 => Just(doubtful()),
        1 => Just(ShotEvent::Answered(SubmitOutcome::NotSent { why: "dns".to_owned() })),
        1 => Just(ShotEvent::Answered(SubmitOutcome::Rejected { why: "no".to_owned() })),
        3 => Just(completed()),
        1 => Just(ShotEvent::Polled(PollOutcome::Failed { why: "policy".to_owned() })),
        2 => Just(ShotEvent::Delivered),
        1 => Just(ShotEvent::NotFetched(gone)),
        1 => Just(ShotEvent::FoundSubmitting),
        1 => Just(ShotEvent::RetryFailed),
        1 => Just(ShotEvent::Resolved(Resolution::NotBought)),
        1 => Just(ShotEvent::Resolved(Resolution::Resubmit)),
        1 => Just(ShotEvent::Resolved(Resolution::Abandon)),
        1 => Just(ShotEvent::Resolved(Resolution::Task(found("found")))),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let manifest = proptest::array::uniform4(proptest::option::weighted(0.7, (0..3_u8, price())));
    prop_oneof![
        2 => (manifest, 0..6_usize).prop_map(|(shots, hero)| Op::Record(shots, hero)),
        6 => (0..12_usize, terms()).prop_map(|(which, terms)| Op::Claim(which, terms)),
        12 => (0..12_usize, event()).prop_map(|(which, event)| Op::Happen(which, event)),
        8 => (0..12_usize, 0..3_u8).prop_map(|(which, task)| Op::Recover(which, task)),
        2 => (0..40_usize, 0..1_000_000_u32).prop_map(|(which, micros)| Op::Charge(which, micros)),
        1 => (proptest::option::of(0..150_i64), any::<bool>())
            .prop_map(|(cap, strict)| Op::Budget(cap, strict)),
        2 => Just(Op::Reopen),
    ]
}

/// What the ledger should know, kept in the most obvious way.
#[derive(Default)]
struct Model {
    revisions: Vec<Known>,
    attempts: BTreeMap<AttemptId, Attempt>,
    budget: Budget,
    order: Vec<RevisionId>,
}

struct Known {
    entry: Entry,
    claims: u32,
    files: Vec<ClipFile>,
    origin: Origin,
}

/// An entry's id, and what tells a shot from the entry's others.
type Origin = (String, Vec<(String, String)>);

fn origin(shot: &Shot) -> Origin {
    let told = |(name, value): &(Box<str>, Box<str>)| (name.to_string(), value.to_string());
    (shot.entry.to_string(), shot.variant.iter().map(told).collect())
}

struct Attempt {
    terms: AttemptSpec,
    account: Account,
    shot: ShotId,
    task: Option<TaskId>,
    charge: Option<Charge>,
}

/// The attempt that a state is about.
fn attempt_of(state: &State) -> Option<AttemptId> {
    match state {
        State::Queued { .. } => None,
        State::Submitting { attempt, .. }
        | State::Rendering { attempt, .. }
        | State::Rendered { attempt, .. }
        | State::Delivered { attempt }
        | State::InDoubt { attempt, .. } => Some(*attempt),
        State::Failed { attempt, .. } => *attempt,
    }
}

/// Whether the open attempt of a job is charged if its task fails.
fn is_charged(job: &RevisionState, attempts: &BTreeMap<AttemptId, Attempt>) -> bool {
    match &job.state {
        State::Submitting { attempt, .. }
        | State::Rendering { attempt, .. }
        | State::InDoubt { attempt, .. } => attempts[attempt].terms.charged_if_failed,
        _ => false,
    }
}

impl Model {
    fn balance(&self) -> Balance {
        let sum = |account| {
            let lie = self.attempts.values().filter(|attempt| attempt.account == account);
            lie.filter_map(|attempt| attempt.terms.price).sum()
        };
        Balance {
            spent: sum(Account::Spent),
            reserved: sum(Account::Reserved),
            unconfirmed: sum(Account::Unconfirmed),
        }
    }

    fn record(&mut self, shots: &[Shot], entries: &[Entry]) {
        for known in &mut self.revisions {
            known.entry.current = false;
        }
        self.order = entries.iter().map(|entry| entry.revision).collect();
        for (shot, entry) in shots.iter().zip(entries) {
            let of_shot = self.revisions.iter().filter(|known| known.entry.shot == shot.id);
            let number = u32::try_from(of_shot.count()).unwrap() + 1;
            let same = |known: &&mut Known| {
                known.entry.shot == shot.id && known.entry.fingerprint == shot.fingerprint
            };
            if let Some(known) = self.revisions.iter_mut().find(same) {
                known.entry.current = true;
                let rearmed = match &known.entry.status.state {
                    State::Queued { .. } => true,
                    State::Failed { failure, .. } => *failure != Failure::Abandoned,
                    _ => false,
                };
                if rearmed {
                    known.entry.price = shot.price;
                }
                known.entry.clip_name = entry.clip_name.clone();
                known.origin = origin(shot);
            } else {
                let entry = Entry {
                    revision: entry.revision,
                    shot: shot.id.clone(),
                    number,
                    fingerprint: shot.fingerprint,
                    current: true,
                    clip_name: entry.clip_name.clone(),
                    status: RevisionState::new(),
                    price: shot.price,
                    charged_if_failed: false,
                };
                let origin = origin(shot);
                self.revisions.push(Known { entry, claims: 0, files: Vec::new(), origin });
            }
        }
    }

    /// What `SqliteLedger::entries` should say.
    fn open(&self) -> Vec<Entry> {
        let mut open: Vec<Entry> = self
            .revisions
            .iter()
            .map(|known| known.entry.clone())
            .filter(|entry| entry.current || entry.status.state.is_unfinished_purchase())
            .collect();
        for entry in &mut open {
            if let State::Submitting { doubt, .. } = &mut entry.status.state {
                *doubt = None;
            }
        }
        let place = |entry: &Entry| self.order.iter().position(|id| *id == entry.revision);
        open.sort_by_key(|entry| {
            let place = if entry.current { place(entry) } else { None };
            (!entry.current, place, entry.shot.clone(), entry.number)
        });
        open
    }
}

impl Model {
    fn knows(&self, task: &TaskId) -> bool {
        self.attempts.values().any(|attempt| attempt.task.as_ref() == Some(task))
    }

    /// Whose earlier attempt has the task of this one.
    fn first_of(&self, mine: AttemptId) -> Option<ShotId> {
        let task = self.attempts.get(&mine)?.task.as_ref()?;
        let mut earlier = self.attempts.range(..mine);
        let first = earlier.find(|(_, attempt)| attempt.task.as_ref() == Some(task));
        first.map(|(_, attempt)| attempt.shot.clone())
    }

    /// What `SqliteLedger::calls` should say, in the order of attempts.
    fn calls(&self) -> Vec<CallbackSubscription> {
        let is_open = |state: &State| {
            matches!(
                state,
                State::Submitting { .. } | State::Rendering { .. } | State::InDoubt { .. }
            )
        };
        let states = self.revisions.iter().map(|known| &known.entry.status.state);
        let open = states.filter(|state| is_open(state)).filter_map(attempt_of);
        let mut calls: Vec<CallbackSubscription> = open
            .filter_map(|attempt| {
                let token = self.attempts[&attempt].terms.token?;
                Some(CallbackSubscription { attempt, token, sent_at: at(1) })
            })
            .collect();
        calls.sort_by_key(|call| call.attempt);
        calls
    }

    /// A transition, as far as the attempts know of it.
    fn take(&mut self, step: &Transition) {
        let Some(change) = &step.change else { return };
        let attempt = self.attempts.get_mut(&change.attempt).unwrap();
        attempt.account = change.account;
        if let State::Rendering { task, attempt: of, .. } = &step.to.state
            && *of == change.attempt
        {
            attempt.task = Some(task.clone());
        }
    }

    /// What a report should say of each row.
    fn check_rows(&self, rows: &[Row]) -> Result<(), TestCaseError> {
        let open = self.open();
        prop_assert_eq!(rows.len(), open.len());
        for (row, entry) in rows.iter().zip(open) {
            let same = |known: &&Known| known.entry.revision == entry.revision;
            let known = self.revisions.iter().find(same).unwrap();
            let mine = attempt_of(&entry.status.state);
            let attempt = mine.map(|mine| &self.attempts[&mine]);
            prop_assert_eq!(row.attempts, known.claims);
            prop_assert_eq!(&row.files, &known.files);
            prop_assert_eq!(row.entry_id.as_ref(), Some(&known.origin.0));
            prop_assert_eq!(&row.variant, &known.origin.1);
            prop_assert_eq!(&row.task, &attempt.and_then(|attempt| attempt.task.clone()));
            prop_assert_eq!(&row.charge, &attempt.and_then(|attempt| attempt.charge.clone()));
            prop_assert_eq!(row.price, attempt.map_or(entry.price, |a| a.terms.price));
            prop_assert_eq!(&row.task_first_of, &mine.and_then(|mine| self.first_of(mine)));
            prop_assert_eq!(&row.entry, &entry);
        }
        Ok(())
    }
}

fn task(number: u8) -> TaskId {
    TaskId::new(&format!("t{number}")).unwrap()
}

fn manifest(texts: &[Option<(u8, Option<i64>)>; 4], hero: usize) -> Vec<Shot> {
    let mut shots = Vec::new();
    for ((index, text), id) in texts.iter().enumerate().zip(["a", "b", "2", "B"]) {
        if let Some((text, price)) = text {
            let mut shot = shot(id, *text, *price);
            // Neither is of the fingerprint's meaning, so both change while a revision lives.
            if hero >= 3 {
                shot.entry = "all".into();
            }
            if !hero.is_multiple_of(3) {
                let (take, time) = (hero.to_string(), "\"dämmerung\"".into());
                shot.variant = [("time".into(), time), ("take".into(), take.into())].into();
            }
            // `b` and `B` are never in one manifest; as clip names they are one.
            if index == hero {
                shot.clip_name = "hero".into();
            }
            shots.push(shot);
        }
    }
    if shots.iter().any(|shot| shot.id.as_str() == "b") {
        shots.retain(|shot| shot.id.as_str() != "B");
    }
    shots
}

async fn live(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let mut desk = Desk::new();
    let mut model = Model::default();
    for op in ops {
        match op {
            Op::Record(texts, hero) => {
                let shots = manifest(&texts, hero);
                let entries = desk.record(&shots).await;
                model.record(&shots, &entries);
            }
            Op::Claim(which, terms) => claim(&desk, &mut model, which, terms).await?,
            Op::Happen(which, event) => happen(&desk, &mut model, which, event).await?,
            Op::Recover(which, number) => recover(&desk, &mut model, which, task(number)).await?,
            Op::Charge(which, micros) => {
                let count = model.attempts.len().max(1);
                if let Some((id, attempt)) = model.attempts.iter_mut().nth(which % count) {
                    let charge = Charge::new(&format!("0.{micros:06}"), "USD").unwrap();
                    desk.ledger().charge(*id, charge.clone()).await.unwrap();
                    attempt.charge = Some(charge);
                }
            }
            Op::Budget(cap, strict) => {
                model.budget = Budget { cap: cap.map(usd), strict };
                desk.ledger().set_budget(model.budget).await.unwrap();
            }
            Op::Reopen => desk.reopen(),
        }
        prop_assert_eq!(desk.ledger().balance(), model.balance());
        prop_assert_eq!(desk.ledger().budget(), model.budget);
        prop_assert_eq!(desk.ledger().entries().await.unwrap(), model.open());
        let left: Vec<Entry> = model.open().into_iter().filter(|entry| !entry.current).collect();
        prop_assert_eq!(desk.ledger().leftovers().await.unwrap(), left);
        let mut calls = desk.ledger().calls().await.unwrap();
        calls.sort_by_key(|call| call.attempt);
        prop_assert_eq!(calls, model.calls());
        for number in 0..9 {
            let known = desk.ledger().knows_task(&task(number)).await.unwrap();
            prop_assert_eq!(known, model.knows(&task(number)));
        }
        model.check_rows(&desk.rows())?;
        let mut clips = HashSet::new();
        for Known { entry, .. } in &model.revisions {
            let bought = !matches!(entry.status.state, State::Queued { .. } | State::Failed { .. });
            if bought {
                let name = (entry.clip_name.to_lowercase(), entry.number);
                prop_assert!(clips.insert(name), "two clips of one name: {}", entry.clip_name);
            }
        }
    }
    Ok(())
}

async fn claim(
    desk: &Desk,
    model: &mut Model,
    which: usize,
    terms: AttemptSpec,
) -> Result<(), TestCaseError> {
    let (balance, budget) = (model.balance(), model.budget);
    // A token of its own for each attempt.
    let number = u128::try_from(model.attempts.len()).unwrap() + 1;
    let token = terms.token.map(|_| Secret::from_bytes(number.to_be_bytes()));
    let terms = AttemptSpec { token, ..terms };
    let count = model.revisions.len().max(1);
    let Some(known) = model.revisions.get_mut(which % count) else { return Ok(()) };
    let entry = &mut known.entry;
    let price = terms.price;
    let answer = desk.ledger().claim(entry.revision, terms, at(1)).await;
    let claimable = match entry.status.state {
        State::Queued { .. } => entry.current && !terms.despite_doubt,
        State::InDoubt { .. } => entry.current && terms.despite_doubt,
        _ => false,
    };
    let rules = Rules { attempts: u32::MAX, on_doubt: OnDoubt::Resubmit, ..RULES };
    match answer {
        Err(LedgerError::Defect { .. }) => prop_assert!(!claimable),
        Ok(Claim::OverCap { balance: told }) => {
            prop_assert!(claimable);
            prop_assert_eq!(told, balance);
            let cap = budget.cap.unwrap();
            let fits = price.is_some_and(|price| budget.committed(&balance) + price <= cap);
            prop_assert!(!fits);
        }
        Ok(Claim::Granted { attempt, balance: told }) => {
            prop_assert!(claimable);
            prop_assert!(!model.attempts.contains_key(&attempt));
            let (shot, account) = (entry.shot.clone(), Account::Reserved);
            let fresh = Attempt { terms, account, shot, task: None, charge: None };
            model.attempts.insert(attempt, fresh);
            entry.price = price;
            entry.status =
                entry.status.after(ShotEvent::Claimed(attempt), at(1), &rules).unwrap().to;
            known.claims += 1;
            entry.charged_if_failed = is_charged(&entry.status, &model.attempts);
            prop_assert_eq!(told, model.balance());
            // Under a cap that was lowered below what is committed, what costs nothing still goes.
            if let Some(cap) = budget.cap.filter(|_| price != Some(Usd::ZERO)) {
                prop_assert!(budget.committed(&told) <= cap);
            }
        }
        Err(error) => prop_assert!(false, "{}", error),
    }
    Ok(())
}

async fn happen(
    desk: &Desk,
    model: &mut Model,
    which: usize,
    event: ShotEvent,
) -> Result<(), TestCaseError> {
    let count = model.revisions.len().max(1);
    let Some(known) = model.revisions.get(which % count) else { return Ok(()) };
    let rules = Rules { failed_tasks_charged: known.entry.charged_if_failed, ..RULES };
    let Ok(step) = known.entry.status.after(event, at(2), &rules) else { return Ok(()) };
    let revision = known.entry.revision;
    let delivered = matches!(step.to.state, State::Delivered { .. });
    let files: Vec<ClipFile> = (0..if delivered { revision.0 % 3 } else { 0 })
        .map(|part| {
            let (path, sha256) = (format!("clips/{}-{part}.mp4", revision.0), [7; 32]);
            let clip_info = ClipInfo { millis: u64::MAX >> 1, width: 9, height: 16, sound: true };
            let (clip_info, unread) = match part {
                0 => (Some(clip_info), None),
                _ => (None, Some("it has no picture".into())),
            };
            ClipFile { path, bytes: u64::try_from(part).unwrap(), sha256, clip_info, unread }
        })
        .collect();
    let ledger = desk.ledger();
    let committed = ledger.deliver(revision, step.clone(), files.clone(), at(2)).await.unwrap();
    moved(model, which % count, &step);
    if delivered {
        model.revisions[which % count].files = files;
    }
    let bought = step.change.filter(|change| change.outcome == Some(AttemptOutcome::Bought));
    let first = bought.and_then(|change| model.first_of(change.attempt));
    prop_assert_eq!(committed.task_first_of, first);
    prop_assert_eq!(committed.balance, model.balance());
    prop_assert!(!committed.reserve_used);
    Ok(())
}

fn moved(model: &mut Model, which: usize, step: &Transition) {
    model.take(step);
    let entry = &mut model.revisions[which].entry;
    entry.status = step.to.clone();
    entry.charged_if_failed = is_charged(&entry.status, &model.attempts);
}

/// Evidence counts for what is in doubt, and only if it names a task that nobody has.
async fn recover(
    desk: &Desk,
    model: &mut Model,
    which: usize,
    task: TaskId,
) -> Result<(), TestCaseError> {
    let count = model.revisions.len().max(1);
    let Some(known) = model.revisions.get(which % count) else { return Ok(()) };
    let revision = known.entry.revision;
    let Ok(step) =
        known.entry.status.after(ShotEvent::Evidence(found(task.as_str())), at(3), &RULES)
    else {
        return Ok(());
    };
    let is_known = model.knows(&task);
    let recovered = desk.ledger().recover(revision, step.clone(), task, at(3)).await.unwrap();
    prop_assert_eq!(recovered.is_none(), is_known);
    if let Some(committed) = recovered {
        moved(model, which % count, &step);
        prop_assert_eq!(committed.task_first_of, None);
        prop_assert_eq!(committed.balance, model.balance());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_history_adds_up_and_survives_reopening(ops in vec(op(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(ops))?;
    }
}
