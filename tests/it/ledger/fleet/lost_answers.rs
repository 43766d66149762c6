//! What goes wrong between a worker and a database in memory: answers that are lost, calls that never
//! get through, and a database that forgets.

use super::*;
use rushes::ledger::MemoryError;

async fn two_in_memory() -> (MemoryDatabase, Arc<MemoryLedger>, Arc<MemoryLedger>) {
    let (shared, one, other) = two::<InMemory>(&shots(&[10, 20, 30])).await;
    (shared.0, one, other)
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_answer_was_lost_is_made_once() {
    let (_database, one, other) = two_in_memory().await;
    let entries = handed(&*one, all()).await;
    one.lose_next_answer(false);
    let committed = commit(&*one, entries.iter().map(claim).collect()).await;
    assert!(committed.verdicts.iter().all(|one| matches!(one, Verdict::Claimed(_))));
    assert_eq!(committed.balance.reserved, usd(60));
    let attempts = other.attempts(entries[0].revision).await.unwrap();
    assert_eq!(attempts.len(), 1);
    let Verdict::Claimed(attempt) = committed.verdicts[0] else { panic!() };
    assert!(fleet(&*one).may_leave(attempt));
}

#[tokio::test(start_paused = true)]
async fn what_was_claimed_and_not_heard_of_for_a_whole_lease_may_not_leave() {
    let (_database, one, other) = two_in_memory().await;
    let entry = handed(&*one, all()).await.remove(0);
    one.lose_next_answer(true);
    let claims = verdict(&*one, claim(&entry));
    let meanwhile = async {
        tokio::time::sleep(past(InMemory::LEASE)).await;
        assert_eq!(names(&*other, all()).await, ["s1", "s2"]);
        one.heal();
    };
    let (claimed, ()) = futures::join!(claims, meanwhile);
    let Verdict::Claimed(attempt) = claimed else { panic!("{claimed:?}") };
    assert!(!fleet(&*one).may_leave(attempt));
    assert_eq!(other.attempts(entry.revision).await.unwrap().len(), 1);
    // The same, until another has found it on the wire.
    let entry = handed(&*other, Want::default()).await;
    assert_eq!(entry, []);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_another_found_on_the_wire_meanwhile_is_gone() {
    let (_database, one, other) = two_in_memory().await;
    let entry = handed(&*one, all()).await.remove(0);
    one.lose_next_answer(true);
    let meanwhile = async {
        tokio::time::sleep(past(InMemory::LEASE + InMemory::ON_WIRE)).await;
        assert_eq!(names(&*other, all()).await, ["s0", "s1", "s2"]);
        one.heal();
    };
    let (claimed, ()) = futures::join!(verdict(&*one, claim(&entry)), meanwhile);
    assert_eq!(claimed, Verdict::Gone);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_in_an_answer_that_was_lost_is_handed_over_again() {
    let (database, one, other) = two_in_memory().await;
    one.lose_next_answer(false);
    assert_eq!(names(&*one, Want { queued: 2, ..all() }).await, ["s0", "s1"]);
    assert_eq!(names(&*other, all()).await, ["s2"]);
    one.lose_next_answer(true);
    give_back(&*other, &[now(&*one, "s2").revision]).await;
    let meanwhile = async {
        tokio::time::sleep(past(InMemory::LEASE)).await;
        assert_eq!(names(&*other, all()).await, ["s0", "s1", "s2"]);
        one.heal();
    };
    let (told, ()) = futures::join!(names(&*one, all()), meanwhile);
    assert_eq!(told, Vec::<String>::new(), "another has it by now");
    let holders = ["s0", "s1", "s2"].map(|id| database.holder(now(&*one, id).revision));
    assert!(holders.iter().all(|holder| *holder == holders[0]), "{holders:?}");
}

#[tokio::test(start_paused = true)]
async fn a_database_that_has_forgotten_something_is_refused_by_all_that_know_better() {
    let (database, one, other) = two_in_memory().await;
    database.keep(4);
    let entry = handed(&*one, all()).await.remove(0);
    let status = one.claimed(&entry, spec(entry.price), at(1)).await;
    one.apply(entry.revision, &status, bought("t"), &RULES, at(2)).await;
    assert!(database.forget(2));
    assert_eq!(name_now(&*other, "s0"), "queued");
    for worker in [&one, &other] {
        let refused = fleet(&**worker).assign(all()).await;
        assert_eq!(refused, Err(LedgerError::Memory(MemoryError::Forgetful)));
        let refused = worker.commit(Arc::new(vec![claim(&entry)])).await;
        assert_eq!(refused, Err(LedgerError::Memory(MemoryError::Forgetful)));
        assert!(worker.has_failed());
        assert!(!fleet(&**worker).may_leave(status.state.attempt().unwrap()));
    }
    assert!(database.join(Some(work()), Duration::ZERO).is_err(), "nor does any other begin");
    assert_eq!(database.snapshot().summary().unwrap().balance.reserved, usd(0));
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_leave_does_not_wait_for_a_database_that_does_not_answer() {
    let (_database, one, other) = two_in_memory().await;
    one.cut_off();
    let leaves = async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        one.hurry();
    };
    let (refused, ()) = futures::join!(fleet(&*one).counts(), leaves);
    assert_eq!(refused, Err(LedgerError::Memory(MemoryError::Unreachable)));
    assert!(one.has_failed());
    other.hurry();
    assert!(fleet(&*other).counts().await.is_ok());
}
