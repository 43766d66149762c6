//! What every ledger promises, whatever keeps it: one suite, run over the one in a file and the one
//! in memory.

use std::sync::Arc;

use rushes::domain::charge::Charge;
use rushes::domain::outcome::{FailedTask, Unresolved};
use rushes::domain::secret::Secret;
use rushes::domain::state::{Account, AttemptId, Rules};
use rushes::ledger::{
    Assign, CallbackSubscription, Change, Commit, Committed, Note, ReservedAttempt,
};
use tempfile::TempDir;

use super::*;
use crate::support::commits::RESUBMIT;
use rushes::ledger::MemoryLedger;

/// A kind of ledger, and how one is made and comes back.
trait Maker {
    /// An empty ledger.
    fn make() -> Self;
    fn ledger(&self) -> Arc<dyn Ledger>;
    /// The next process's ledger; nothing where none outlives its process.
    fn reopen(&mut self);
}

struct InFile {
    folder: TempDir,
    ledger: Option<Arc<dyn Ledger>>,
}

impl Maker for InFile {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(open_in(folder.path()).unwrap());
        Self { folder, ledger: Some(ledger) }
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(self.ledger.as_ref().unwrap())
    }

    fn reopen(&mut self) {
        self.ledger = None;
        self.ledger = Some(Arc::new(open_in(self.folder.path()).unwrap()));
    }
}

struct InMemory(Arc<dyn Ledger>);

impl Maker for InMemory {
    fn make() -> Self {
        Self(Arc::new(MemoryLedger::new()))
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.0)
    }

    fn reopen(&mut self) {}
}

/// Runs each test over each kind.
macro_rules! over_all_ledgers {
    ($($test:ident),+ $(,)?) => {
        mod in_file {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<super::InFile>().await;
            })+
        }
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<super::InMemory>().await;
            })+
        }
    };
}

over_all_ledgers![
    field_30_of_texts_that_mean_the_same_one_that_may_be_paid_goes_on,
    the_cap_is_passed_at_no_instant,
    a_refused_commit_writes_nothing_and_harms_no_other_in_its_batch,
    a_batch_is_made_in_its_order,
    what_odd_nights_add_to_a_revision_comes_back,
    field_10_the_whole_answer_of_a_doubt_is_kept,
    only_what_is_queued_or_in_doubt_and_current_can_be_claimed,
    an_edited_shot_is_a_further_revision_and_the_older_one_is_left_over_while_it_is_unfinished,
    a_second_purchase_of_one_task_is_told_and_both_are_counted,
    reserved_attempts_are_told_with_their_prices_and_times_until_their_money_moves,
    the_users_word_frees_every_attempt_it_is_about,
    a_charge_moves_no_money,
    the_provider_may_call_only_about_open_attempts_whose_key_it_was_told,
    whether_a_failed_task_is_charged_is_kept_with_the_attempt,
    the_cap_is_kept,
    an_empty_batch_says_the_balance,
    field_30_what_was_sent_before_is_gone_on_with_and_of_several_the_furthest,
    where_a_campaign_belongs_is_told_and_kept,
    field_41_replaced_tasks_are_kept_and_the_price_is_reserved_anew,
];

fn batch(commits: Vec<Commit>) -> Arc<Vec<Commit>> {
    Arc::new(commits)
}

async fn record(ledger: &dyn Ledger, shots: &[Shot]) -> Vec<Entry> {
    ledger.record(shots.into(), at(0)).await.unwrap()
}

async fn queued(ledger: &dyn Ledger, prices: &[i64]) -> Vec<Entry> {
    let shots: Vec<Shot> = (0..)
        .zip(prices)
        .map(|(nth, price): (u32, _)| shot(&format!("s{nth}"), 1, Some(*price)))
        .collect();
    record(ledger, &shots).await
}

async fn capped(ledger: &dyn Ledger, cap: i64) {
    let budget = Budget { cap: Some(usd(cap)), strict: true };
    ledger.set_budget(budget).await.unwrap();
}

async fn commit(ledger: &dyn Ledger, commits: Vec<Commit>) -> Committed {
    ledger.commit(batch(commits)).await.unwrap()
}

fn claim(entry: &Entry) -> Commit {
    claiming(entry, spec(entry.price), &RULES, at(1))
}

fn moved(entry: &Entry, status: &RevisionState, event: ShotEvent) -> Commit {
    moving(entry.revision, status.after(event, at(2), &RULES).unwrap(), Vec::new(), at(2))
}

fn refused() -> ShotEvent {
    let why = "oh".into();
    ShotEvent::Answered(SubmitOutcome::ServerError {
        status: 500,
        from_proxy: false,
        retry_after: None,
        why,
    })
}

/// Everything a ledger says.
async fn all(ledger: &dyn Ledger) -> impl PartialEq + std::fmt::Debug + use<> {
    let entries = ledger.assign(Assign::All).await.unwrap();
    let mut reserved = Vec::new();
    for entry in &entries {
        reserved.push(ledger.reserved_attempts(entry.revision).await.unwrap());
    }
    let told = ledger.subscriptions().await.unwrap();
    (ledger.budget(), ledger.balance(), entries, reserved, told)
}

async fn the_cap_is_passed_at_no_instant<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[40, 30, 50, 30, 20]).await;
    capped(&*ledger, 100).await;
    // In one batch: the third does not fit, the fourth does.
    let committed = commit(&*ledger, entries[..4].iter().map(claim).collect()).await;
    let granted: Vec<bool> =
        committed.verdicts.iter().map(|verdict| *verdict != Verdict::OverCap).collect();
    assert_eq!(granted, [true, true, false, true]);
    assert_eq!(committed.balance, Balance { reserved: usd(100), ..Balance::default() });
    // What a purchase costs stays committed when it is spent; what may have been bought, too.
    let status = |nth: usize| {
        let Verdict::Claimed(attempt) = committed.verdicts[nth] else { panic!() };
        entries[nth].status.after(ShotEvent::Claim, at(1), &RULES).unwrap().to.with_attempt(attempt)
    };
    let (first, second, fourth) = (status(0), status(1), status(3));
    let mut rendering = ledger.apply(entries[0].revision, &first, bought("t"), &RULES, at(2)).await;
    rendering = ledger.apply(entries[0].revision, &rendering, completed(), &RULES, at(2)).await;
    assert_eq!(rendering.state.name(), "rendered");
    ledger.apply(entries[1].revision, &second, doubtful(), &RULES, at(2)).await;
    ledger.apply(entries[3].revision, &fourth, refused(), &RULES, at(2)).await;
    let balance = Balance { spent: usd(40), reserved: usd(30), unconfirmed: usd(30) };
    assert_eq!(ledger.balance(), balance);
    assert_eq!(commit(&*ledger, vec![claim(&entries[4])]).await.verdicts, [Verdict::OverCap]);
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    assert_eq!(commit(&*ledger, vec![claim(&entries[4])]).await.verdicts, [Verdict::OverCap]);
    // Not strict, a refusal does not count.
    ledger.set_budget(Budget { cap: Some(usd(100)), strict: false }).await.unwrap();
    let committed = commit(&*ledger, vec![claim(&entries[4])]).await;
    assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    // What has no known price fits no cap.
    let unpriced = claiming(&entries[2], spec(None), &RULES, at(3));
    assert_eq!(commit(&*ledger, vec![unpriced]).await.verdicts, [Verdict::OverCap]);
}

async fn a_refused_commit_writes_nothing_and_harms_no_other_in_its_batch<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30]).await;
    let status = ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    ledger.claimed(&entries[1], spec(entries[1].price), at(1)).await;
    let of_another = moved(&entries[1], &status, bought("t"));
    let of_none = Entry { revision: RevisionId(99), ..entries[2].clone() };
    let negative = claiming(&entries[2], spec(Some(usd(-1))), &RULES, at(1));
    let wrong = [of_another, claim(&entries[0]), claim(&of_none), negative];
    let before = all(&*ledger).await;
    for verdict in commit(&*ledger, wrong.to_vec()).await.verdicts {
        assert!(is_defect(&verdict), "{verdict:?}");
    }
    assert_eq!(all(&*ledger).await, before);
    // Between two that can be.
    let mut mixed = vec![moved(&entries[0], &status, bought("t"))];
    mixed.extend(wrong);
    mixed.push(claim(&entries[2]));
    let verdicts = commit(&*ledger, mixed).await.verdicts;
    assert_eq!(verdicts[0], Verdict::Written { task_first_of: None });
    assert!(verdicts[1..5].iter().all(is_defect), "{verdicts:?}");
    assert!(matches!(verdicts[5], Verdict::Claimed(_)), "{verdicts:?}");
    assert_eq!(ledger.balance().reserved, usd(60));
}

async fn a_batch_is_made_in_its_order<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[60, 60]).await;
    capped(&*ledger, 100).await;
    let status = ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let freed = moved(
        &entries[0],
        &status,
        ShotEvent::Answered(SubmitOutcome::NotSent { why: "dns".into() }),
    );
    // Before the money is free again the cap is full, and after it there is room.
    let commits = vec![claim(&entries[1]), freed, claim(&entries[1]), claim(&entries[0])];
    let verdicts = commit(&*ledger, commits).await.verdicts;
    let [Verdict::OverCap, Verdict::Written { .. }, Verdict::Claimed(_), Verdict::OverCap] =
        verdicts[..]
    else {
        panic!("{verdicts:?}")
    };
    let names: Vec<_> =
        ledger.entries().await.unwrap().iter().map(|entry| entry.status.state.name()).collect();
    assert_eq!(names, ["queued", "submitting"]);
}

async fn only_what_is_queued_or_in_doubt_and_current_can_be_claimed<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30]).await;
    let (doubt, revision) = (&entries[0], entries[0].revision);
    let status = ledger.claimed(doubt, spec(doubt.price), at(1)).await;
    let status = ledger.apply(revision, &status, doubtful(), &RULES, at(2)).await;
    // As if it were queued, or the queued one in doubt.
    let verdicts = commit(&*ledger, vec![claim(doubt)]).await.verdicts;
    assert!(is_defect(&verdicts[0]), "{verdicts:?}");
    let now = Entry { status, ..doubt.clone() };
    let as_doubt = claiming(&now, spec(Some(usd(5))), &RESUBMIT, at(3));
    let Change::Transition { transition, attempt, .. } = as_doubt.change.clone() else { panic!() };
    let (revision, files) = (entries[1].revision, Vec::new());
    let change = Change::Transition { revision, transition, attempt, files };
    let verdicts = commit(&*ledger, vec![Commit { at: at(3), change }]).await.verdicts;
    assert!(is_defect(&verdicts[0]), "{verdicts:?}");
    // What has left the manifest is not bought, in doubt or not.
    record(&*ledger, &[shot("s1", 1, Some(20))]).await;
    let verdicts = commit(&*ledger, vec![as_doubt.clone(), claim(&entries[2])]).await.verdicts;
    assert!(verdicts.iter().all(is_defect), "{verdicts:?}");
    queued(&*ledger, &[10, 20, 30]).await;
    let verdicts = commit(&*ledger, vec![as_doubt, claim(&entries[2])]).await.verdicts;
    assert!(verdicts.iter().all(|one| matches!(one, Verdict::Claimed(_))), "{verdicts:?}");
    assert_eq!(ledger.balance().reserved, usd(10 + 5 + 30));
    let entry = ledger.entries().await.unwrap().remove(0);
    assert_eq!((entry.price, entry.status.resubmits), (Some(usd(5)), 1));
}

async fn what_odd_nights_add_to_a_revision_comes_back<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30, 40]).await;
    let rules = Rules { rerolls: 2, ..RULES };
    let (rejected, unlucky, unsettled, waiting) =
        (&entries[0], &entries[1], &entries[2], &entries[3]);
    let said = ShotEvent::Answered(SubmitOutcome::Rejected { why: "no".into() });
    let status = ledger.claimed(rejected, spec(rejected.price), at(1)).await;
    let status = ledger.apply(rejected.revision, &status, said, &rules, at(2)).await;
    ledger.apply(rejected.revision, &status, ShotEvent::RefusedAlike, &rules, at(3)).await;
    let kind = FailedTask { is_luck: true, is_canceled: false };
    for nth in 0..2 {
        let entry = ledger.entries().await.unwrap().remove(1);
        let status = ledger.claimed(&entry, spec(entry.price), at(4 + nth)).await;
        let task = bought(&format!("luck-{nth}"));
        let status = ledger.apply(unlucky.revision, &status, task, &rules, at(5)).await;
        let failed = PollOutcome::Failed { why: "busy".into(), kind };
        let failed = ShotEvent::Polled(failed);
        let status = ledger.apply(unlucky.revision, &status, failed, &rules, at(6)).await;
        if nth == 0 {
            ledger.apply(unlucky.revision, &status, ShotEvent::Reroll, &rules, at(7)).await;
        }
    }
    let status = ledger.claimed(unsettled, spec(unsettled.price), at(8)).await;
    let mut status = ledger.apply(unsettled.revision, &status, bought("odd"), &rules, at(9)).await;
    for second in [10_000, 30_000, 60_000] {
        let kind = Unresolved::CompletedWithReason;
        let said = PollOutcome::Unresolved { kind, why: "moderation".into() };
        let said = ShotEvent::Polled(said);
        status = ledger.apply(unsettled.revision, &status, said, &rules, at(second)).await;
    }
    let status = ledger.claimed(waiting, spec(waiting.price), at(11)).await;
    let status = ledger.apply(waiting.revision, &status, bought("slow"), &rules, at(12)).await;
    let waits = ShotEvent::Polled(PollOutcome::Working { is_waiting: true, unknown: None });
    ledger.apply(waiting.revision, &status, waits, &rules, at(90_000)).await;
    drop(ledger);
    maker.reopen();
    let entries = maker.ledger().entries().await.unwrap();
    assert!(entries[0].status.probed && entries[0].status.state.name() == "queued");
    assert_eq!(entries[1].status.rerolls, 1);
    let failure = |entry: &Entry| match entry.status.state {
        State::Failed { failure, .. } => Some(failure),
        _ => None,
    };
    assert_eq!(failure(&entries[1]), Some(Failure::Unlucky));
    assert_eq!(failure(&entries[2]), Some(Failure::Unsettled));
    assert!(entries[3].status.is_waiting);
    let balance = maker.ledger().balance();
    assert_eq!(balance.reserved, usd(30 + 40), "what is unsettled stays reserved");
}

async fn field_30_of_texts_that_mean_the_same_one_that_may_be_paid_goes_on<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let first = record(&*ledger, &[shot("s", 1, Some(10))]).await.remove(0);
    let status = ledger.claimed(&first, spec(first.price), at(1)).await;
    let mut status = ledger.apply(first.revision, &status, bought("odd"), &RULES, at(2)).await;
    for second in [10_000, 30_000, 60_000] {
        let kind = Unresolved::CompletedWithReason;
        let said = PollOutcome::Unresolved { kind, why: "moderation".into() };
        let said = ShotEvent::Polled(said);
        status = ledger.apply(first.revision, &status, said, &RULES, at(second)).await;
    }
    // Its price is reserved, because the gateway may have charged it.
    let second = record(&*ledger, &[shot("s", 2, Some(10))]).await.remove(0);
    assert_ne!(second.revision, first.revision);
    // A later rule finds that both texts are one.
    let mut same = shot("s", 3, Some(10));
    same.former = [1, 2].map(|text| shot("s", text, None).fingerprint).into();
    for _ in 0..2 {
        let entry = record(&*ledger, &[same.clone()]).await.remove(0);
        assert_eq!((entry.revision, entry.status.state.name()), (first.revision, "failed"));
    }
    drop(ledger);
    maker.reopen();
    assert_eq!(maker.ledger().balance().reserved, usd(10));
}

async fn field_10_the_whole_answer_of_a_doubt_is_kept<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entry = queued(&*ledger, &[10]).await.remove(0);
    let status = ledger.claimed(&entry, spec(entry.price), at(1)).await;
    let answer: String = "{\"data\": [\"task-in-here\"]}".repeat(300);
    let doubt = SubmitOutcome::Doubtful { why: "odd".into(), answer: Some(answer.clone().into()) };
    ledger.apply(entry.revision, &status, ShotEvent::Answered(doubt), &RULES, at(2)).await;
    drop(ledger);
    maker.reopen();
    let mut rows = Vec::new();
    maker.ledger().snapshot().unwrap().rows(&mut |row| rows.push(row)).unwrap();
    assert_eq!(rows[0].answer.as_deref(), Some(&*answer));
}

async fn an_edited_shot_is_a_further_revision_and_the_older_one_is_left_over_while_it_is_unfinished<
    M: Maker,
>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let first = record(&*ledger, &[shot("a", 1, Some(10)), shot("b", 1, Some(10))]).await;
    let status = ledger.claimed(&first[0], spec(first[0].price), at(1)).await;
    let status = ledger.apply(first[0].revision, &status, bought("t"), &RULES, at(2)).await;
    let second = record(&*ledger, &[shot("b", 1, Some(11)), shot("a", 2, Some(20))]).await;
    assert_eq!((second[1].number, second[1].price), (2, Some(usd(20))));
    assert_eq!((second[0].revision, second[0].price), (first[1].revision, Some(usd(11))));
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let left = ledger.assign(Assign::Leftovers).await.unwrap();
    let older = Entry { current: false, status: status.clone(), ..first[0].clone() };
    assert_eq!(left, std::slice::from_ref(&older));
    let entries = ledger.entries().await.unwrap();
    assert_eq!(entries, [second[0].clone(), second[1].clone(), older]);
    let status = ledger.apply(first[0].revision, &status, completed(), &RULES, at(3)).await;
    assert_eq!(ledger.assign(Assign::Leftovers).await.unwrap().len(), 1);
    ledger.deliver(first[0].revision, &status, Vec::new(), at(4)).await;
    assert_eq!(ledger.assign(Assign::Leftovers).await.unwrap(), []);
    // Going back to the first text finds what was bought of it.
    let back = record(&*ledger, &[shot("a", 1, Some(99))]).await;
    assert_eq!((back[0].revision, back[0].number), (first[0].revision, 1));
    assert_eq!((back[0].price, back[0].status.state.name()), (Some(usd(10)), "delivered"));
}

async fn a_second_purchase_of_one_task_is_told_and_both_are_counted<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30]).await;
    let task = TaskId::new("t").unwrap();
    assert!(!ledger.knows_task(&task).await.unwrap());
    let mut claimed = Vec::new();
    for entry in &entries {
        claimed.push(ledger.claimed(entry, spec(entry.price), at(1)).await);
    }
    let commits =
        entries.iter().zip(&claimed).map(|(entry, status)| moved(entry, status, bought("t")));
    let committed = commit(&*ledger, commits.collect()).await;
    let first = [None, Some("s0"), Some("s0")];
    let first = first.map(|shot| shot.map(|id| ShotId::new(id).unwrap()));
    assert_eq!(committed.verdicts, first.map(|task_first_of| Verdict::Written { task_first_of }));
    assert_eq!(committed.balance.reserved, usd(60));
    assert!(ledger.knows_task(&task).await.unwrap());
}

async fn reserved_attempts_are_told_with_their_prices_and_times_until_their_money_moves<
    M: Maker,
>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (mut entry, revision) = (entries[0].clone(), entries[0].revision);
    let mut attempts = Vec::new();
    for (price, millis) in [(Some(usd(10)), 1), (None, 500), (Some(usd(7)), 900)] {
        let (verdict, status) = ledger.claim(&entry, spec(price), &RESUBMIT, at(millis)).await;
        let status = status.unwrap_or_else(|| panic!("{verdict:?}"));
        attempts.push(status.state.attempt().unwrap());
        entry.status = ledger.apply(revision, &status, doubtful(), &RULES, at(millis)).await;
    }
    let of = |nth: usize, price, millis, task| {
        let (attempt, sent_at) = (attempts[nth], at(millis));
        ReservedAttempt { attempt, price, sent_at, task }
    };
    let expected =
        [of(0, Some(usd(10)), 1, None), of(1, None, 500, None), of(2, Some(usd(7)), 900, None)];
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), expected);
    let given = ShotEvent::Resolved(Resolution::Task(found("t")));
    let status = ledger.apply(revision, &entry.status, given, &RULES, at(1000)).await;
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let told = ledger.reserved_attempts(revision).await.unwrap();
    assert_eq!(told[2], of(2, Some(usd(7)), 900, TaskId::new("t")));
    ledger.apply(revision, &status, completed(), &RULES, at(2000)).await;
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), expected[..2]);
    assert_eq!(ledger.reserved_attempts(RevisionId(99)).await.unwrap(), []);
}

async fn the_users_word_frees_every_attempt_it_is_about<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let first = ledger.claimed(entry, spec(entry.price), at(1)).await;
    let first = ledger.apply(revision, &first, doubtful(), &RULES, at(2)).await;
    let now = Entry { status: first.clone(), ..entry.clone() };
    let (_, second) = ledger.claim(&now, spec(Some(usd(7))), &RESUBMIT, at(3)).await;
    let second = ledger.apply(revision, &second.unwrap(), doubtful(), &RULES, at(4)).await;
    assert_eq!(ledger.balance().reserved, usd(17));
    let word = |also| ShotEvent::Resolved(Resolution::NotBought { also });
    // Of another revision's attempts the word cannot be.
    let before = all(&*ledger).await;
    let committed = commit(&*ledger, vec![moved(entry, &second, word(vec![AttemptId(9)]))]).await;
    assert!(committed.verdicts.iter().all(is_defect), "{committed:?}");
    assert_eq!(all(&*ledger).await, before);
    let also = first.state.attempt().into_iter().collect();
    let queued = ledger.apply(revision, &second, word(also), &RULES, at(5)).await;
    assert_eq!(ledger.balance(), Balance::default());
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), []);
    assert_eq!(ledger.entries().await.unwrap()[0].status, queued);
}

async fn a_charge_moves_no_money<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let status = ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let before = all(&*ledger).await;
    let (attempt, charge) = (status.state.attempt().unwrap(), Charge::new("0.32", "USD").unwrap());
    ledger.written(Commit { at: at(2), change: Change::Charge { attempt, charge } }).await;
    assert_eq!(all(&*ledger).await, before);
}

async fn the_provider_may_call_only_about_open_attempts_whose_key_it_was_told<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 10, 10, 10, 10]).await;
    let mut told = Vec::new();
    for (nth, entry) in (0_u8..).zip(&entries) {
        let (key, key_on_wire) = (Secret::from_bytes([nth; 16]), nth != 1);
        let spec = AttemptSpec { key, key_on_wire, ..spec(entry.price) };
        let sent_at = at(i64::from(nth));
        let mut status = ledger.claimed(entry, spec, sent_at).await;
        let attempt = status.state.attempt().unwrap();
        // Submitting, submitting without, rendering, in doubt, rendered.
        let events = match nth {
            0 | 1 => vec![],
            2 => vec![bought("t-2")],
            3 => vec![doubtful()],
            _ => vec![bought("t-4"), completed()],
        };
        for event in events {
            status = ledger.apply(entry.revision, &status, event, &RULES, at(9)).await;
        }
        if nth != 1 && nth != 4 {
            told.push(CallbackSubscription { attempt, key, sent_at });
        }
    }
    assert_eq!(ledger.subscriptions().await.unwrap(), told);
    // They outlive the process, and that their shots leave the manifest.
    record(&*ledger, &[]).await;
    drop(ledger);
    maker.reopen();
    assert_eq!(maker.ledger().subscriptions().await.unwrap(), told);
}

async fn whether_a_failed_task_is_charged_is_kept_with_the_attempt<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20]).await;
    for (entry, charged_if_failed) in entries.iter().zip([true, false]) {
        let spec = AttemptSpec { charged_if_failed, ..spec(entry.price) };
        let status = ledger.claimed(entry, spec, at(1)).await;
        let task = bought(entry.shot.as_str());
        ledger.apply(entry.revision, &status, task, &RULES, at(2)).await;
    }
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let entries = ledger.entries().await.unwrap();
    let kept: Vec<bool> = entries.iter().map(|entry| entry.charged_if_failed).collect();
    assert_eq!(kept, [true, false]);
    for entry in entries {
        let rules = Rules { failed_tasks_charged: entry.charged_if_failed, ..RULES };
        let failed = ShotEvent::Polled(PollOutcome::failed("policy"));
        let step = entry.status.after(failed.clone(), at(3), &rules).unwrap();
        let account = if entry.charged_if_failed { Account::Spent } else { Account::Released };
        assert_eq!(step.change.map(|change| change.account), Some(account));
        ledger.apply(entry.revision, &entry.status, failed, &rules, at(3)).await;
    }
    assert_eq!(ledger.balance(), Balance { spent: usd(10), ..Balance::default() });
    let entries = ledger.entries().await.unwrap();
    assert!(entries.iter().all(|entry| !entry.charged_if_failed), "of open attempts alone");
}

async fn the_cap_is_kept<M: Maker>() {
    let mut maker = M::make();
    assert_eq!(maker.ledger().budget(), Budget::default());
    capped(&*maker.ledger(), 100).await;
    maker.reopen();
    assert_eq!(maker.ledger().budget(), Budget { cap: Some(usd(100)), strict: true });
    maker.ledger().set_budget(Budget::default()).await.unwrap();
    maker.reopen();
    assert_eq!(maker.ledger().budget(), Budget::default());
}

async fn an_empty_batch_says_the_balance<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let committed = commit(&*ledger, Vec::new()).await;
    let balance = Balance { reserved: usd(10), ..Balance::default() };
    let (verdicts, displaced) = (Vec::new(), None);
    assert_eq!(committed, Committed { verdicts, balance, reserve_used: false, displaced });
    assert!(!ledger.has_failed());
}

/// The shot `a` with this request, by a rule that gives it this fingerprint.
fn asking(json: &str, fingerprint: u8) -> Shot {
    let request = Request { json: json.into(), files: [].into() };
    let fingerprint = Fingerprint::from_bytes([fingerprint; 16]);
    Shot { request, fingerprint, ..shot("a", 1, Some(10)) }
}

async fn field_30_what_was_sent_before_is_gone_on_with_and_of_several_the_furthest<M: Maker>() {
    const ONE: &str = r#"{"model":"kling-v3","prompt":"a","duration":"5"}"#;
    // Another order is the same on the wire; duration 5 is the default.
    const SAME: &str = r#"{"prompt":"a","model":"kling-v3","duration":"5"}"#;
    const MEANT: &str = r#"{"model":"kling-v3","prompt":"a"}"#;
    const OTHER: &str = r#"{"model":"kling-v3","prompt":"other","duration":"5"}"#;
    let mut maker = M::make();
    let sends = |shot: &Shot| AttemptSpec {
        wire: rushes::provider::canonical_wire(&shot.request),
        ..spec(shot.price)
    };
    // Bought by one rule, and in doubt by another with another text.
    let first = asking(ONE, 1);
    let bought_one = record(&*maker.ledger(), std::slice::from_ref(&first)).await.remove(0);
    let job = maker.ledger().claimed(&bought_one, sends(&first), at(1)).await;
    let job = maker.ledger().apply(bought_one.revision, &job, bought("t"), &RULES, at(2)).await;
    for (text, rule) in [(ONE, 1), (SAME, 2), (SAME, 3), (ONE, 1)] {
        let entry = record(&*maker.ledger(), &[asking(text, rule)]).await.remove(0);
        assert_eq!((entry.revision, entry.number, &entry.status), (bought_one.revision, 1, &job));
        assert!(entry.current);
        maker.reopen();
    }
    let meant = rushes::catalog::Catalog::builtin();
    let params = serde_json::from_str(MEANT).unwrap();
    let meant = Shot { fingerprint: meant.fingerprint(&params, &[]), ..asking(MEANT, 0) };
    let entry = record(&*maker.ledger(), std::slice::from_ref(&meant)).await.remove(0);
    assert_eq!(entry.revision, bought_one.revision, "its stored request means the same today");
    // Another text is another revision.
    let other = record(&*maker.ledger(), &[asking(OTHER, 4)]).await.remove(0);
    assert_eq!((other.number, other.status.state.name()), (2, "queued"));
    // A revision of its very fingerprint, that was never bought, does not hide the one that was.
    let unbought = record(&*maker.ledger(), &[asking(OTHER, 5)]).await.remove(0);
    assert_eq!(unbought.number, 2);
    let entry = record(&*maker.ledger(), &[asking(ONE, 5)]).await.remove(0);
    assert_eq!((entry.number, &entry.status), (1, &job), "the furthest of both");
    maker.reopen();
    let all = maker.ledger().assign(Assign::All).await.unwrap();
    let current: Vec<_> = all.iter().filter(|one| one.current).map(|one| one.number).collect();
    assert_eq!(current, [1]);
}

async fn where_a_campaign_belongs_is_told_and_kept<M: Maker>() {
    let mut maker = M::make();
    let home = |maker: &M| maker.ledger().snapshot().unwrap().summary().unwrap().home;
    let before = home(&maker);
    assert_eq!((before.has_attempts, before.gateway, before.separate), (false, None, false));
    let entry = queued(&*maker.ledger(), &[10]).await.remove(0);
    commit(&*maker.ledger(), vec![claim(&entry)]).await;
    maker.reopen();
    let sent = home(&maker);
    assert!(sent.has_attempts);
    assert_eq!(sent.gateway.as_deref(), Some("https://gateway.test"));
    assert_eq!(sent.id, before.id, "it is the same ledger");
    maker.ledger().note(Note::MovedTo("https://moved.test".into())).await.unwrap();
    maker.ledger().note(Note::Separate).await.unwrap();
    maker.reopen();
    let noted = home(&maker);
    assert_eq!((noted.gateway.as_deref(), noted.separate), (Some("https://moved.test"), true));
}

async fn field_41_replaced_tasks_are_kept_and_the_price_is_reserved_anew<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let status = ledger.claimed(entry, spec(entry.price), at(1)).await;
    let mut status = ledger.apply(revision, &status, doubtful(), &RULES, at(2)).await;
    let given = ShotEvent::Resolved(Resolution::Task(found("t-1")));
    status = ledger.apply(revision, &status, given, &RULES, at(3)).await;
    for (nth, task) in (4..).zip(["t-2", "t-3"]) {
        status = ledger.apply(revision, &status, completed(), &RULES, at(nth)).await;
        assert_eq!(ledger.balance(), Balance { spent: usd(10), ..Balance::default() });
        let other = ShotEvent::Resolved(Resolution::OtherTask(TaskId::new(task).unwrap()));
        status = ledger.apply(revision, &status, other, &RULES, at(nth)).await;
        assert_eq!(ledger.balance(), Balance { reserved: usd(10), ..Balance::default() });
    }
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let attempts = ledger.attempts(revision).await.unwrap();
    let [attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert!(attempt.is_given);
    assert_eq!(attempt.task, TaskId::new("t-3"));
    assert_eq!(attempt.former_tasks, ["t-1", "t-2"].map(|task| TaskId::new(task).unwrap()));
    // A task that was replaced may be another shot's.
    let former = TaskId::new("t-1").unwrap();
    assert!(!ledger.knows_task(&former).await.unwrap());
}
