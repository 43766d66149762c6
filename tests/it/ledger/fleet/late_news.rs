//! What a worker that was given up still says of its POSTs: the facts are kept, whatever became of the
//! shot meanwhile.

use super::*;
use crate::support::commits::RESUBMIT;
use rushes::domain::outcome::{FailedTask, PollOutcome};
use rushes::domain::state::{Account, AttemptId};

over_all_fleets![
    bought_and_still_in_doubt_it_renders_and_is_handed_over,
    bought_and_still_submitting_with_another_it_renders_and_is_handed_over,
    bought_after_the_user_said_that_it_was_not_it_renders_even_past_the_cap,
    bought_while_it_waits_in_anothers_queue_that_one_does_not_buy_it,
    bought_after_it_was_sent_again_both_are_counted,
    refused_and_still_in_doubt_it_is_queued_again_and_its_price_free,
    refused_after_it_was_sent_again_only_its_price_is_free,
    refused_after_its_task_was_found_nothing_is_free,
    bought_after_that_task_failed_nothing_is_reserved_again,
    bought_after_that_task_failed_and_it_waits_to_be_bought_again_it_waits,
    not_sent_after_the_user_said_so_nothing_changes,
    a_poll_and_a_delivery_are_dropped,
    bought_while_the_user_says_that_it_was_not_the_news_count,
];

/// A shot that a worker which was given up has on the wire, and another worker found in doubt.
struct Found<S: Shared> {
    shared: S,
    one: Arc<S::Worker>,
    other: Arc<S::Worker>,
    entry: Entry,
    /// As the one that was given up knows it.
    sent: RevisionState,
    attempt: AttemptId,
    /// As the other has it in its hands.
    doubt: RevisionState,
}

/// A shot that a worker had on the wire when it was given up, which is still cut off.
struct GivenUp<S: Shared> {
    shared: S,
    one: Arc<S::Worker>,
    other: Arc<S::Worker>,
    entry: Entry,
    /// As the one that was given up knows it.
    sent: RevisionState,
    /// As another worker was handed it.
    left: Entry,
}

async fn given_up_while_sending<S: Shared>() -> GivenUp<S> {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    let sent = one.claimed(&entry, spec(entry.price), at(1)).await;
    shared.cut_off(&*one).await;
    shared.pass(past(S::LEASE + S::ON_WIRE)).await;
    // The first call gives it up; where the time of that counts, its POST is waited for from then on.
    if handed(&*other, Want::default()).await.is_empty() {
        shared.pass(past(S::ON_WIRE)).await;
    }
    let left = only_one(&*other, all()).await;
    GivenUp { shared, one, other, entry, sent, left }
}

async fn found_in_doubt<S: Shared>() -> Found<S> {
    let GivenUp { shared, one, other, entry, sent, left } = given_up_while_sending::<S>().await;
    let said = ShotEvent::FoundSubmitting;
    let doubt = other.apply(left.revision, &left.status, said, &RULES, at(3)).await;
    shared.heal(&*one).await;
    let attempt = sent.state.attempt().unwrap();
    Found { shared, one, other, entry, sent, attempt, doubt }
}

impl<S: Shared> Found<S> {
    /// What the one that was given up has to say.
    async fn says(&self, event: ShotEvent) {
        let said = moved(&self.entry, &self.sent, event);
        assert_eq!(verdict(&*self.one, said).await, Verdict::Gone);
    }

    async fn account(&self) -> (Account, Option<String>) {
        let all = self.other.attempts(self.entry.revision).await.unwrap();
        let of = all.into_iter().find(|one| one.attempt == self.attempt).unwrap();
        (of.account, of.task.map(|task| task.to_string()))
    }

    async fn user_says(&self, resolution: Resolution) -> RevisionState {
        let event = ShotEvent::Resolved(resolution);
        self.other.apply(self.entry.revision, &self.doubt, event, &RULES, at(4)).await
    }
}

async fn bought_and_still_in_doubt_it_renders_and_is_handed_over<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    found.says(bought("t")).await;
    assert_eq!(found.account().await, (Account::Reserved, Some("t".to_owned())));
    assert_eq!(found.other.snapshot().unwrap().summary().unwrap().balance.reserved, usd(10));
    // Whatever the one that had it in its hands wanted with it.
    let again = Entry { status: found.doubt.clone(), ..found.entry.clone() };
    let claim = claiming(&again, spec(again.price), &RESUBMIT, at(5));
    assert_eq!(verdict(&*found.other, claim).await, Verdict::Gone);
    let adopted = only_one(&*found.one, all()).await;
    assert_eq!(adopted.status.state.task().map(TaskId::as_str), Some("t"));
}

async fn bought_and_still_submitting_with_another_it_renders_and_is_handed_over<S: Shared>() {
    let GivenUp { shared, one, other, entry, sent, left } = given_up_while_sending::<S>().await;
    shared.heal(&*one).await;
    let said = moved(&entry, &sent, bought("t"));
    assert_eq!(verdict(&*one, said).await, Verdict::Gone);
    assert_eq!(name_now(&*one, "s0"), "rendering");
    let late = moved(&left, &left.status, ShotEvent::FoundSubmitting);
    assert_eq!(verdict(&*other, late).await, Verdict::Gone);
    assert_eq!(name_now(&*one, "s0"), "rendering", "a decision comes too late");
    assert_eq!(only_one(&*other, all()).await.status.state.name(), "rendering");
}

/// It waits to be bought, and is bought already: once is enough.
async fn bought_after_the_user_said_that_it_was_not_it_renders_even_past_the_cap<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    found.user_says(Resolution::NotBought { also: Vec::new() }).await;
    assert_eq!(found.account().await, (Account::Released, None));
    let cap = Budget { cap: Some(usd(3)), strict: false };
    found.other.set_budget(cap).await.unwrap();
    found.says(bought("t")).await;
    assert_eq!(found.account().await, (Account::Reserved, Some("t".to_owned())));
    let summary = found.other.snapshot().unwrap().summary().unwrap();
    assert_eq!(summary.balance.reserved, usd(10));
    assert!(found.other.knows_task(&TaskId::new("t").unwrap()).await.unwrap());
    assert!(found.other.earlier_tasks().await.unwrap().is_empty());
    let adopted = only_one(&*found.other, all()).await;
    assert_eq!(adopted.status.state.task().map(TaskId::as_str), Some("t"));
}

async fn bought_while_it_waits_in_anothers_queue_that_one_does_not_buy_it<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let queued = found.user_says(Resolution::NotBought { also: Vec::new() }).await;
    let waiting = Entry { status: queued, ..found.entry.clone() };
    assert_eq!(now(&*found.other, "s0").status, waiting.status);
    found.says(bought("t")).await;
    assert_eq!(verdict(&*found.other, claim(&waiting)).await, Verdict::Gone);
    assert_eq!(name_now(&*found.other, "s0"), "rendering");
    assert_eq!(found.other.snapshot().unwrap().summary().unwrap().balance.reserved, usd(10));
}

/// The other buys it again in spite of its doubt.
async fn sent_again<S: Shared>(found: &Found<S>) -> RevisionState {
    let again = Entry { status: found.doubt.clone(), ..found.entry.clone() };
    let claim = claiming(&again, spec(again.price), &RESUBMIT, at(5));
    let Verdict::Claimed(_) = verdict(&*found.other, claim).await else { panic!() };
    now(&*found.other, "s0").status
}

async fn bought_after_it_was_sent_again_both_are_counted<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let again = sent_again(&found).await;
    found.says(bought("t")).await;
    assert_eq!(found.account().await, (Account::Reserved, Some("t".to_owned())));
    assert_eq!(now(&*found.other, "s0").status, again);
    let said = moved(&found.entry, &again, bought("u"));
    let (verdict, committed) = found.other.one(said).await.unwrap();
    assert!(matches!(verdict, Verdict::Written { .. }), "{verdict:?}");
    assert_eq!(committed.balance.reserved, usd(20));
}

async fn refused_and_still_in_doubt_it_is_queued_again_and_its_price_free<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    found.says(not_sent()).await;
    assert_eq!(found.account().await, (Account::Released, None));
    let again = only_one(&*found.one, all()).await;
    assert_eq!(again.status.state.name(), "queued");
    let Verdict::Claimed(_) = verdict(&*found.one, claim(&again)).await else { panic!() };
    assert_eq!(found.one.balance().reserved, usd(10));
}

async fn refused_after_it_was_sent_again_only_its_price_is_free<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let again = sent_again(&found).await;
    let before = found.other.snapshot().unwrap().summary().unwrap().balance;
    assert_eq!(before.reserved, usd(20));
    found.says(rejected()).await;
    assert_eq!(found.account().await, (Account::Released, None));
    assert_eq!(now(&*found.other, "s0").status, again);
    assert_eq!(found.other.snapshot().unwrap().summary().unwrap().balance.reserved, usd(10));
}

async fn refused_after_its_task_was_found_nothing_is_free<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let rendering = found.user_says(Resolution::Task(super::super::found("t"))).await;
    found.says(not_sent()).await;
    assert_eq!(found.account().await, (Account::Reserved, Some("t".to_owned())));
    assert_eq!(now(&*found.other, "s0").status, rendering);
}

/// Another worker found the task, and it failed without a charge.
async fn failed_meanwhile<S: Shared>() -> (Found<S>, RevisionState) {
    let found = found_in_doubt::<S>().await;
    let rendering = found.user_says(Resolution::Task(super::super::found("t"))).await;
    let event = ShotEvent::Polled(PollOutcome::Failed {
        why: "TIMEOUT".into(),
        kind: FailedTask { is_luck: false, is_canceled: false },
    });
    let failed = found.other.apply(found.entry.revision, &rendering, event, &RULES, at(5)).await;
    assert_eq!(found.account().await, (Account::Released, Some("t".to_owned())));
    (found, failed)
}

async fn bought_after_that_task_failed_nothing_is_reserved_again<S: Shared>() {
    let (found, failed) = failed_meanwhile::<S>().await;
    found.says(bought("t")).await;
    assert_eq!(found.account().await, (Account::Released, Some("t".to_owned())));
    assert_eq!(now(&*found.other, "s0").status, failed);
    assert_eq!(found.other.snapshot().unwrap().summary().unwrap().balance.reserved, usd(0));
    assert!(found.other.earlier_tasks().await.unwrap().is_empty());
}

async fn bought_after_that_task_failed_and_it_waits_to_be_bought_again_it_waits<S: Shared>() {
    let (found, failed) = failed_meanwhile::<S>().await;
    let again = ShotEvent::RetryFailed;
    let queued = found.other.apply(found.entry.revision, &failed, again, &RULES, at(6)).await;
    found.says(bought("t")).await;
    assert_eq!(found.account().await, (Account::Released, Some("t".to_owned())));
    assert_eq!(now(&*found.other, "s0").status, queued);
}

async fn not_sent_after_the_user_said_so_nothing_changes<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let queued = found.user_says(Resolution::NotBought { also: Vec::new() }).await;
    found.says(not_sent()).await;
    assert_eq!(found.account().await, (Account::Released, None));
    assert_eq!(now(&*found.other, "s0").status, queued);
    found.shared.pass(Duration::ZERO).await;
}

async fn a_poll_and_a_delivery_are_dropped<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10, 20])).await;
    let entries = handed(&*one, all()).await;
    let rendering = buy(&*one, &entries[0], "t-0").await;
    let rendered = buy(&*one, &entries[1], "t-1").await;
    let rendered = one.apply(entries[1].revision, &rendered, completed(), &RULES, at(3)).await;
    shared.cut_off(&*one).await;
    shared.pass(past(S::LEASE)).await;
    assert_eq!(names(&*other, all()).await, ["s0", "s1"]);
    shared.heal(&*one).await;
    let before = one.snapshot().unwrap().entries().unwrap();
    let delivered = rendered.after(ShotEvent::Delivered, at(4), &RULES).unwrap();
    let commits = vec![
        moved(&entries[0], &rendering, completed()),
        moving(entries[1].revision, delivered, Vec::new(), at(4)),
    ];
    assert_eq!(commit(&*one, commits).await.verdicts, [Verdict::Gone, Verdict::Gone]);
    assert_eq!(one.snapshot().unwrap().entries().unwrap(), before);
    assert_eq!(other.snapshot().unwrap().summary().unwrap().balance.spent, usd(20));
}

/// The user looked at the shot before, and says it after.
async fn bought_while_the_user_says_that_it_was_not_the_news_count<S: Shared>() {
    let found = found_in_doubt::<S>().await;
    let visitor = found.shared.open(None).await.unwrap();
    let taken = fleet(&*visitor).take(found.entry.revision).await.unwrap().unwrap();
    assert_eq!(taken.status, found.doubt);
    found.says(bought("t")).await;
    let said = ShotEvent::Resolved(Resolution::NotBought { also: Vec::new() });
    let not_bought = moved(&taken, &taken.status, said);
    assert_eq!(verdict(&*visitor, not_bought).await, Verdict::Gone);
    assert_eq!(name_now(&*found.other, "s0"), "rendering");
    assert_eq!(found.account().await, (Account::Reserved, Some("t".to_owned())));
}
