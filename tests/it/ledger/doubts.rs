//! Requests that may have bought, did not, or were given a task by the user.

use super::*;

#[tokio::test]
async fn a_task_given_by_the_user_replaces_the_one_that_stalled() {
    let (desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let job = desk.claim(&entries[0]).await;
    let job = desk.tell(entries[0].revision, &job, doubtful()).await;
    let given = ShotEvent::Resolved(Resolution::Task(found("t-wrong")));
    let mut job = desk.tell(entries[0].revision, &job, given).await;
    if let State::Rendering { stalled, .. } = &mut job.state {
        *stalled = Some("not done".into());
    }
    let task = TaskId::new("t-new").unwrap();
    let given = ShotEvent::Resolved(Resolution::Task(found("t-new")));
    let job = desk.tell(entries[0].revision, &job, given).await;
    assert!(desk.ledger().knows_task(&task).await.unwrap());
    assert_eq!(desk.rows()[0].task, Some(task));
    assert_eq!(desk.ledger().entries().await.unwrap()[0].status, job);
    let story = desk.text("SELECT outcome, why, account FROM attempts");
    let story: Vec<&str> = story.iter().map(|text| text.as_deref().unwrap()).collect();
    assert_eq!(story, ["doubtful", "timed out", "reserved"], "how its POST ended is history");
}

#[tokio::test]
async fn which_of_several_doubts_a_task_belongs_to_is_left_open_from_the_first_on() {
    let (desk, entries) = Desk::with(&[shot("beach", 1, Some(1))]).await;
    let (entry, ledger) = (&entries[0], desk.ledger());
    let first = desk.tell(entry.revision, &desk.claim(entry).await, cut()).await;
    let again = ShotEvent::Resolved(Resolution::Resubmit);
    let queued = desk.tell(entry.revision, &first, again).await;
    let now = Entry { status: queued, ..entry.clone() };
    let claimed = ledger.claimed(&now, spec(entry.price), at(9000)).await;
    let second = desk.tell(entry.revision, &claimed, cut()).await;
    let reserved = ledger.reserved_attempts(entry.revision).await.unwrap();
    let sent: Vec<_> = reserved.iter().map(|one| (Some(one.attempt), one.sent_at)).collect();
    assert_eq!(sent, [(first.state.attempt(), at(1000)), (second.state.attempt(), at(9000))]);
}

#[tokio::test]
async fn a_refusal_is_kept_as_unconfirmed_and_each_attempt_has_its_own_price() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let refused = || SubmitOutcome::ServerError {
        status: 500,
        from_proxy: false,
        retry_after: None,
        why: "oh".into(),
    };
    let mut entry = entries[0].clone();
    for price in [10, 25] {
        entry.price = Some(usd(price));
        let job = desk.claim(&entry).await;
        entry.status = desk.tell(entry.revision, &job, ShotEvent::Answered(refused())).await;
    }
    desk.reopen();
    let balance = Balance { unconfirmed: usd(35), ..Balance::default() };
    assert_eq!(desk.ledger().balance(), balance);
    assert_eq!((desk.rows()[0].attempts, entry.status.refusals), (2, 2));
    entry.price = None;
    desk.buy(&entry, "t-1").await;
    assert_eq!(desk.ledger().balance(), balance, "without a price nothing moves");
    assert_eq!(desk.rows()[0].price, None);
}
