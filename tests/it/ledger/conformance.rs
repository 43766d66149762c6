//! What every ledger promises, whatever keeps it: one suite, run over the one in a file and the one
//! in memory.

mod attempts;
mod earlier;
mod identity;

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
use attempts::*;
use earlier::*;
use identity::*;
use rushes::ledger::MemoryLedger;

/// A kind of ledger, and how one is made and comes back.
pub trait Maker {
    /// An empty ledger.
    fn make() -> Self;
    fn ledger(&self) -> Arc<dyn Ledger>;
    /// The next process's ledger; nothing where none outlives its process.
    fn reopen(&mut self);
}

pub struct InFile {
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

/// In a database of the test's own server.
#[cfg(all(unix, feature = "postgres"))]
pub struct InPostgres {
    ledger: Option<Arc<dyn Ledger>>,
    folder: TempDir,
    server: crate::support::postgres::PostgresServer,
}

#[cfg(all(unix, feature = "postgres"))]
impl InPostgres {
    fn open(&self) -> Arc<dyn Ledger> {
        let address = self.server.address("rushes").parse().unwrap();
        let options = LedgerOptions {
            campaign: "summer",
            kind: Kind::Gateway,
            holder: "rushes run",
            at: at(0),
            threads: Threads::Pool,
            identity: rushes::ledger::Identity::default(),
            post_lasts: std::time::Duration::ZERO,
            work: None,
        };
        let beside = self.folder.path().join("postgres");
        Arc::new(rushes::ledger::PostgresLedger::open(&address, &beside, &options).unwrap())
    }
}

#[cfg(all(unix, feature = "postgres"))]
impl Maker for InPostgres {
    fn make() -> Self {
        let server = crate::support::postgres::PostgresServer::start();
        let made = Self { server, folder: tempfile::tempdir().unwrap(), ledger: None };
        Self { ledger: Some(made.open()), ..made }
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(self.ledger.as_ref().unwrap())
    }

    fn reopen(&mut self) {
        self.ledger = None;
        self.ledger = Some(self.open());
    }
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
        #[cfg(all(unix, feature = "postgres"))]
        mod in_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<super::InPostgres>().await;
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
    field_41_a_task_that_is_anothers_stays_as_a_former_one_and_its_price_reserved,
    field_41_only_what_is_given_right_after_it_was_refuted_is_insisted_on,
    a_ledger_says_what_a_revision_asked_for,
    earlier_tasks_are_told_until_they_end_and_their_ends_change_no_state,
    what_was_given_up_or_is_unsettled_is_an_earlier_task_too,
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
    let expected = Committed {
        verdicts,
        balance,
        places: None,
        month_left: None,
        reserve_used: false,
        displaced,
    };
    assert_eq!(committed, expected);
    assert!(!ledger.has_failed());
}
