//! Random histories of a campaign: the ledger in a file, reopened between any two steps, says the
//! same as the plain one in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use rushes::domain::charge::Charge;
use rushes::domain::outcome::{FailedTask, Unresolved};
use rushes::domain::secret::Secret;
use rushes::domain::state::{Account, AttemptId, Doubt, EarlierEnd, Rules};
use rushes::domain::transition::Transition;
use rushes::ledger::{Assign, Change, Commit, EarlierTask, Snapshot};

use super::conformance::{InFile, Maker};
use super::*;
use crate::support::commits::RESUBMIT;
use rushes::ledger::MemoryLedger;
use rushes::ledger::revision::is_without_files;

#[derive(Clone, Debug)]
enum Op {
    /// For each shot: its text and price, if the manifest has it; who wants the clip `hero`; and
    /// whether all texts of a shot meant the same by an earlier rule.
    Record([Option<(u8, Option<i64>)>; 4], usize, bool),
    Batch(Vec<Step>),
    Budget(Option<i64>, bool),
    Reopen,
}

#[derive(Clone, Debug)]
enum Step {
    /// Also of what cannot be claimed; `true`: what is in doubt as if it were queued, all else as if
    /// it were in doubt.
    Claim(usize, AttemptSpec, bool),
    Happen(usize, ShotEvent),
    /// What the gateway says an attempt cost.
    Charge(i64, u32),
    /// The end of one of the earlier tasks that there are.
    Earlier(usize, EarlierEnd),
    /// A clip that lay in the folder is taken as bought; also where that cannot be.
    Adopt(usize, AttemptSpec),
}

fn price() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![5 => (0..40_i64).prop_map(Some), 1 => Just(None)]
}

fn any_spec() -> impl Strategy<Value = AttemptSpec> {
    (price(), any::<bool>(), any::<bool>(), any::<[u8; 16]>()).prop_map(
        |(price, charged_if_failed, key_on_wire, key)| {
            let (price, key) = (price.map(usd), Secret::from_bytes(key));
            AttemptSpec { charged_if_failed, key_on_wire, key, ..spec(price) }
        },
    )
}

fn event() -> impl Strategy<Value = ShotEvent> {
    let refused = SubmitOutcome::ServerError {
        status: 500,
        from_proxy: false,
        retry_after: None,
        why: "oh".into(),
    };
    let gone = DownloadError::Gone { why: "404".to_owned() };
    let luck = FailedTask { is_luck: true, is_canceled: false };
    let not_bought = Resolution::NotBought { also: Vec::new() };
    prop_oneof![
        3 => (0..9_u8).prop_map(|task| bought(&format!("t{task}"))),
        2 => Just(ShotEvent::Answered(refused)),
        4 => Just(doubtful()),
        1 => Just(ShotEvent::Answered(SubmitOutcome::NotSent { why: "dns".to_owned() })),
        1 => Just(ShotEvent::Answered(SubmitOutcome::Rejected { why: "no".to_owned() })),
        3 => Just(completed()),
        1 => Just(ShotEvent::Polled(PollOutcome::failed("policy"))),
        1 => Just(ShotEvent::Polled(PollOutcome::Failed { why: "busy".to_owned(), kind: luck })),
        2 => (0..4_i64).prop_map(unresolved),
        1 => Just(ShotEvent::Reroll),
        1 => Just(ShotEvent::RefusedAlike),
        2 => Just(ShotEvent::Delivered),
        1 => Just(ShotEvent::NotFetched(gone)),
        1 => Just(ShotEvent::FoundSubmitting),
        3 => (0..3_u8).prop_map(|task| ShotEvent::Evidence(found(&format!("t{task}")))),
        2 => (0..3_u8).prop_map(refuted),
        1 => Just(ShotEvent::Polled(PollOutcome::OtherContent { why: "another's".to_owned() })),
        1 => Just(ShotEvent::RetryFailed),
        2 => Just(ShotEvent::Resolved(not_bought)),
        1 => Just(ShotEvent::Resolved(Resolution::Resubmit)),
        1 => Just(ShotEvent::Resolved(Resolution::Abandon)),
        1 => Just(ShotEvent::Resolved(Resolution::Task(found("found")))),
        2 => (0..3_u8).prop_map(|task| ShotEvent::Resolved(other_task(task))),
        1 => Just(ShotEvent::Resolved(Resolution::FreeOthers(Vec::new()))),
    ]
}

fn refuted(number: u8) -> ShotEvent {
    let task = TaskId::new(&format!("t{number}")).unwrap();
    ShotEvent::Refuted { task, why: "another's".to_owned() }
}

fn other_task(number: u8) -> Resolution {
    Resolution::OtherTask(TaskId::new(&format!("t{number}")).unwrap())
}

/// What may be the gateway's last word.
fn unresolved(kind: i64) -> ShotEvent {
    let luck = FailedTask { is_luck: true, is_canceled: true };
    let kind = match kind {
        0 => Unresolved::CompletedWithReason,
        1 => Unresolved::Ended(luck),
        2 => Unresolved::OtherWithReason,
        _ => Unresolved::CompletedEmpty,
    };
    ShotEvent::Polled(PollOutcome::Unresolved { kind, why: "moderation".to_owned() })
}

fn earlier_end() -> impl Strategy<Value = EarlierEnd> {
    prop_oneof![
        Just(EarlierEnd::Delivered),
        Just(EarlierEnd::Partly),
        Just(EarlierEnd::Failed { why: "no".into(), kind: FailedTask::default() }),
        Just(EarlierEnd::Expired { why: "gone".into() }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let weird = proptest::bool::weighted(0.2);
    prop_oneof![
        6 => (0..12_usize, any_spec(), weird).prop_map(|(of, spec, w)| Step::Claim(of, spec, w)),
        14 => (0..12_usize, event()).prop_map(|(which, event)| Step::Happen(which, event)),
        2 => (1..40_i64, 0..1_000_000_u32).prop_map(|(of, micros)| Step::Charge(of, micros)),
        1 => (0..12_usize, any_spec()).prop_map(|(of, spec)| Step::Adopt(of, spec)),
        2 => (0..9_usize, earlier_end()).prop_map(|(which, end)| Step::Earlier(which, end)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let manifest = proptest::array::uniform4(proptest::option::weighted(0.7, (0..3_u8, price())));
    let former = proptest::bool::weighted(0.3);
    prop_oneof![
        2 => (manifest, 0..6_usize, former)
            .prop_map(|(shots, hero, former)| Op::Record(shots, hero, former)),
        18 => vec(step(), 1..6).prop_map(Op::Batch),
        1 => (proptest::option::of(0..150_i64), any::<bool>())
            .prop_map(|(cap, strict)| Op::Budget(cap, strict)),
        2 => Just(Op::Reopen),
    ]
}

fn manifest(texts: &[Option<(u8, Option<i64>)>; 4], hero: usize, former: bool) -> Vec<Shot> {
    let mut shots = Vec::new();
    for ((index, text), id) in texts.iter().enumerate().zip(["a", "b", "2", "B"]) {
        if let Some((text, price)) = text {
            let mut shot = self::shot(id, *text, *price);
            if former {
                // By an earlier rule it was what the others are.
                shot.former = (0..3).map(|other| self::shot(id, other, None).fingerprint).collect();
            }
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

/// Both ledgers, and what only a process knows.
struct Pair<M> {
    desk: M,
    oracle: MemoryLedger,
    /// Every revision ever made.
    known: BTreeMap<RevisionId, RevisionState>,
}

impl<M: Maker> Pair<M> {
    async fn record(&mut self, shots: &[Shot]) -> Result<(), TestCaseError> {
        let entries = self.desk.ledger().record(shots.into(), at(0)).await.unwrap();
        let expected = self.oracle.record(shots.into(), at(0)).await.unwrap();
        prop_assert_eq!(&entries, &expected);
        for entry in entries {
            self.known.entry(entry.revision).or_insert(entry.status);
        }
        Ok(())
    }

    fn nth(&self, which: usize) -> Option<(RevisionId, &RevisionState)> {
        let (revision, status) = self.known.iter().nth(which % self.known.len().max(1))?;
        Some((*revision, status))
    }

    async fn commit(&self, step: Step) -> Option<Commit> {
        match step {
            Step::Claim(which, spec, weird) => {
                let (revision, status) = self.nth(which)?;
                let doubt = Doubt { attempt: AttemptId(1), why: "cut".into() };
                let claim = RevisionState::new().after(ShotEvent::Claim, at(1), &RULES).unwrap();
                let in_doubt = matches!(status.state, State::InDoubt { .. });
                let transition = match status.after(ShotEvent::Claim, at(1), &RESUBMIT) {
                    Ok(transition) if !weird => transition,
                    _ if !weird || in_doubt => claim,
                    _ => {
                        let (attempt, doubt) = (AttemptId::UNASSIGNED, Some(doubt));
                        let to = State::Submitting { attempt, doubt };
                        Transition { to: RevisionState { state: to, ..claim.to }, ..claim }
                    }
                };
                let (attempt, files) = (Some(Box::new(spec)), Vec::new());
                let change = Change::Transition { revision, transition, attempt, files };
                Some(Commit { at: at(1), change })
            }
            Step::Happen(which, mut event) => {
                let (revision, status) = self.nth(which)?;
                if let ShotEvent::Resolved(Resolution::NotBought { also }) = &mut event {
                    let reserved = self.oracle.reserved_attempts(revision).await.unwrap();
                    let others = reserved.iter().filter(|one| one.task.is_none());
                    let others = others.map(|one| Some(one.attempt));
                    *also = others.filter(|one| *one != status.state.attempt()).flatten().collect();
                }
                if let ShotEvent::Resolved(Resolution::FreeOthers(others)) = &mut event {
                    let reserved = self.oracle.reserved_attempts(revision).await.unwrap();
                    let all = reserved.iter().map(|one| one.attempt);
                    *others = all.filter(|one| Some(*one) != status.state.attempt()).collect();
                }
                let is_correction = matches!(event, ShotEvent::Resolved(Resolution::OtherTask(_)));
                if is_correction && self.has_lost_its_name(revision, status) {
                    return None;
                }
                let failed_tasks_charged = revision.0 % 2 == 0;
                let rules = Rules { failed_tasks_charged, rerolls: 2, ..RULES };
                let is_last_word =
                    matches!(event, ShotEvent::Polled(PollOutcome::Unresolved { .. }));
                let transition = if is_last_word {
                    // Said three times, and that is long enough.
                    let rules = Rules { render_timeout: Duration::ZERO, ..rules };
                    let once = status.after(event.clone(), at(2), &rules).ok()?;
                    let twice = once.to.after(event.clone(), at(2), &rules).ok()?;
                    twice.to.after(event, at(2), &rules).ok()?
                } else {
                    status.after(event, at(2), &rules).ok()?
                };
                let files = match transition.to.state {
                    State::Delivered { .. } => clips(revision),
                    _ => Vec::new(),
                };
                Some(moving(revision, transition, files, at(2)))
            }
            Step::Charge(attempt, micros) => {
                let charge = Charge::new(&format!("0.{micros:06}"), "USD").unwrap();
                let change = Change::Charge { attempt: AttemptId(attempt), charge };
                Some(Commit { at: at(3), change })
            }
            Step::Earlier(which, end) => {
                let all = self.oracle.earlier_tasks().await.unwrap();
                let EarlierTask { entry, attempt, .. } = all.get(which % all.len().max(1))?;
                let revision = entry.revision;
                let rules = Rules { failed_tasks_charged: entry.charged_if_failed, ..RULES };
                let files = match end {
                    EarlierEnd::Delivered | EarlierEnd::Partly => clips(revision),
                    _ => Vec::new(),
                };
                let event = ShotEvent::Earlier { attempt: *attempt, end };
                let change = entry.status.after(event, at(5), &rules).unwrap().change?;
                Some(Commit { at: at(5), change: Change::Earlier { revision, change, files } })
            }
            Step::Adopt(which, spec) => {
                let (revision, _) = self.nth(which)?;
                let adopted = RevisionState::new().after(ShotEvent::Adopted, at(4), &RULES);
                let (transition, attempt) = (adopted.unwrap(), Some(Box::new(spec)));
                let files = clips(revision);
                let change = Change::Transition { revision, transition, attempt, files };
                Some(Commit { at: at(4), change })
            }
        }
    }

    /// Whether another revision's clip may have its name.
    fn has_lost_its_name(&self, revision: RevisionId, status: &RevisionState) -> bool {
        let entries = self.oracle.snapshot().unwrap().entries().unwrap();
        let is_current = entries.iter().any(|one| one.revision == revision && one.current);
        !is_current && is_without_files(&status.state)
    }

    /// A batch of steps, at most one of each revision.
    async fn batch(&mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        let (mut batch, mut touched) = (Vec::new(), HashSet::new());
        for step in steps {
            let Some(commit) = self.commit(step).await else { continue };
            match &commit.change {
                Change::Transition { revision, .. } | Change::Earlier { revision, .. }
                    if !touched.insert(*revision) => {}
                _ => batch.push(commit),
            }
        }
        let (budget, before) = (self.oracle.budget(), self.oracle.balance());
        let told = self.told_bought(&batch).await;
        let batch = Arc::new(batch);
        let committed = self.desk.ledger().commit(Arc::clone(&batch)).await.unwrap();
        let expected = self.oracle.commit(Arc::clone(&batch)).await.unwrap();
        prop_assert_eq!(&committed, &expected);
        // No batch takes more than the cap leaves, even if it was lowered below what is committed.
        if let Some(cap) = budget.cap {
            let adopted = batch.iter().zip(&committed.verdicts).filter_map(adopted);
            let most = cap.max(budget.committed(&before)) + adopted.sum::<Usd>() + told;
            prop_assert!(budget.committed(&committed.balance) <= most);
        }
        for (commit, verdict) in batch.iter().zip(committed.verdicts) {
            let Change::Transition { revision, transition, .. } = &commit.change else { continue };
            let to = transition.to.clone();
            let status = match verdict {
                Verdict::Claimed(attempt) => to.with_attempt(attempt),
                Verdict::Written { .. } => to,
                Verdict::OverCap | Verdict::Full | Verdict::Gone | Verdict::Refused(_) => continue,
            };
            self.known.insert(*revision, status);
        }
        Ok(())
    }

    /// The prices that were free and that the user says were paid after all, which no cap forbids.
    async fn told_bought(&self, batch: &[Commit]) -> Usd {
        let mut told = Usd::ZERO;
        for Commit { change, .. } in batch {
            let Change::Transition { revision, transition, .. } = change else { continue };
            let Some(change) = &transition.change else { continue };
            let attempts = self.oracle.attempts(*revision).await.unwrap();
            let is_free = |account| matches!(account, Account::Released | Account::Unconfirmed);
            let own = attempts.iter().find(|one| one.attempt == change.attempt);
            let freed = own.filter(|one| is_free(one.account) && !is_free(change.account));
            told += freed.and_then(|one| one.price).unwrap_or(Usd::ZERO);
        }
        told
    }

    /// Both say the same.
    async fn check(&self) -> Result<(), TestCaseError> {
        let (ledger, oracle) = (self.desk.ledger(), &self.oracle);
        prop_assert_eq!(ledger.balance(), oracle.balance());
        prop_assert_eq!(ledger.budget(), oracle.budget());
        for which in [Assign::All, Assign::Leftovers] {
            let entries = ledger.assign(which).await.unwrap();
            prop_assert_eq!(entries, oracle.assign(which).await.unwrap());
        }
        let earlier = ledger.earlier_tasks().await.unwrap();
        prop_assert_eq!(earlier, oracle.earlier_tasks().await.unwrap());
        let told = ledger.subscriptions().await.unwrap();
        prop_assert_eq!(told, oracle.subscriptions().await.unwrap());
        for task in (0..9).map(|number| TaskId::new(&format!("t{number}")).unwrap()) {
            let known = ledger.knows_task(&task).await.unwrap();
            prop_assert_eq!(known, oracle.knows_task(&task).await.unwrap());
        }
        for revision in self.known.keys() {
            let reserved = ledger.reserved_attempts(*revision).await.unwrap();
            prop_assert_eq!(reserved, oracle.reserved_attempts(*revision).await.unwrap());
            let may_have = ledger.may_have_clip(*revision).await.unwrap();
            prop_assert_eq!(may_have, oracle.may_have_clip(*revision).await.unwrap());
            let attempts = ledger.attempts(*revision).await.unwrap();
            prop_assert_eq!(attempts, oracle.attempts(*revision).await.unwrap());
            let request = ledger.request(*revision).await.unwrap();
            prop_assert_eq!(request, oracle.request(*revision).await.unwrap());
        }
        let (snapshot, plain) = (ledger.snapshot().unwrap(), oracle.snapshot().unwrap());
        prop_assert_eq!(rows(&*snapshot), rows(&*plain));
        prop_assert_eq!(earlier_clips(&*snapshot), earlier_clips(&*plain));
        prop_assert_eq!(snapshot.spending().unwrap(), plain.spending().unwrap());
        prop_assert_eq!(snapshot.kept_prices().unwrap(), plain.kept_prices().unwrap());
        let entries = snapshot.entries().unwrap();
        prop_assert_eq!(&entries, &plain.entries().unwrap());
        for clip in ["clips/1-0.mp4", "clips/2-1.mp4", "clips/none.mp4"] {
            prop_assert_eq!(snapshot.lists(clip).unwrap(), plain.lists(clip).unwrap());
        }
        let mut clips = HashSet::new();
        for entry in entries {
            let bought = !matches!(entry.status.state, State::Queued { .. } | State::Failed { .. });
            if bought {
                let name = (entry.clip_name.to_lowercase(), entry.number);
                prop_assert!(clips.insert(name), "two clips of one name: {}", entry.clip_name);
            }
        }
        Ok(())
    }
}

fn earlier_clips(snapshot: &dyn rushes::ledger::Snapshot) -> Vec<rushes::ledger::Row> {
    let mut rows = Vec::new();
    snapshot.earlier_clips(&mut |row| rows.push(row)).unwrap();
    rows
}

/// What an adopted clip was booked for, which no cap forbids.
fn adopted((commit, verdict): (&Commit, &Verdict)) -> Option<Usd> {
    match (&commit.change, verdict) {
        (Change::Transition { transition, attempt: Some(spec), .. }, Verdict::Claimed(_))
            if matches!(transition.to.state, State::Delivered { .. }) =>
        {
            spec.price
        }
        _ => None,
    }
}

fn rows(snapshot: &dyn Snapshot) -> Vec<Row> {
    let mut rows = Vec::new();
    snapshot.rows(&mut |row| rows.push(row)).unwrap();
    rows
}

fn clips(revision: RevisionId) -> Vec<ClipFile> {
    let clip = |part| {
        let (path, sha256) = (format!("clips/{}-{part}.mp4", revision.0), [7; 32]);
        let clip_info = ClipInfo { millis: u64::MAX >> 1, width: 9, height: 16, sound: true };
        let (clip_info, unread) = match part {
            0 => (Some(clip_info), None),
            _ => (None, Some("it has no picture".into())),
        };
        ClipFile { path, bytes: u64::try_from(part).unwrap(), sha256, clip_info, unread }
    };
    (0..revision.0 % 3).map(clip).collect()
}

async fn live<M: Maker>(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let (desk, oracle) = (M::make(), MemoryLedger::new());
    let mut pair = Pair { desk, oracle, known: BTreeMap::new() };
    for op in ops {
        match op {
            Op::Record(texts, hero, former) => {
                pair.record(&manifest(&texts, hero, former)).await?;
            }
            Op::Batch(steps) => pair.batch(steps).await?,
            Op::Budget(cap, strict) => {
                let budget = Budget { cap: cap.map(usd), strict };
                pair.desk.ledger().set_budget(budget).await.unwrap();
                pair.oracle.set_budget(budget).await.unwrap();
            }
            Op::Reopen => pair.desk.reopen(),
        }
        pair.check().await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_history_adds_up_and_survives_reopening(ops in vec(op(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live::<InFile>(ops))?;
    }
}

#[cfg(all(unix, feature = "postgres"))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_history_adds_up_in_a_database_too(ops in vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live::<super::conformance::InPostgres>(ops))?;
    }
}
