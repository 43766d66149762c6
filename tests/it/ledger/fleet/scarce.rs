//! Races for what there is too little of: the last place in flight, the last dollar, one shot.

use super::*;
use rushes::ledger::Change;

over_all_fleets![
    the_places_are_the_strictest_workers_and_counted_within_a_batch,
    stalled_and_late_tasks_give_their_places_away,
    of_a_race_for_the_last_place_one_wins,
    of_a_race_for_the_last_dollar_one_wins_and_the_cap_is_never_passed,
    a_claim_needs_the_shot_in_ones_hands_as_it_is_believed_to_be,
];

fn places(in_flight: u32) -> Work {
    work_within(1, Limits { in_flight, ..Limits::default() })
}

async fn the_places_are_the_strictest_workers_and_counted_within_a_batch<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[1; 5]);
    let one = begun(&shared, places(3), &texts).await;
    let other = begun(&shared, places(2), &texts).await;
    assert_eq!(assigned(&*one, Want::default()).await.news.places, 2);
    let entries = handed(&*one, all()).await;
    let committed = commit(&*one, entries[..3].iter().map(claim).collect()).await;
    assert!(matches!(
        committed.verdicts[..],
        [Verdict::Claimed(_), Verdict::Claimed(_), Verdict::Full]
    ));
    assert_eq!(committed.places, Some(0));
    assert_eq!(name_now(&*one, "s2"), "queued");
    // What lands before in the batch makes a place.
    let sent = now(&*one, "s0");
    let lands = moved(&sent, &sent.status, rejected());
    let committed = commit(&*one, vec![claim(&entries[3]), lands, claim(&entries[2])]).await;
    assert!(matches!(
        committed.verdicts[..],
        [Verdict::Full, Verdict::Written { .. }, Verdict::Claimed(_)]
    ));
    // A worker that has left restricts nobody.
    drop(other);
    assert_eq!(assigned(&*one, Want::default()).await.news.places, 1);
    let committed = commit(&*one, vec![claim(&entries[3]), claim(&entries[4])]).await;
    assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_), Verdict::Full]));
}

async fn stalled_and_late_tasks_give_their_places_away<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[1; 3]);
    let one = begun(&shared, places(1), &texts).await;
    let other = begun(&shared, places(1), &texts).await;
    let entries = handed(&*one, all()).await;
    let first = buy(&*one, &entries[0], "t-0").await;
    assert_eq!(verdict(&*one, claim(&entries[1])).await, Verdict::Full);
    let late = Commit { at: at(3), change: Change::Late { revision: entries[0].revision } };
    assert_eq!(verdict(&*other, late.clone()).await, Verdict::Gone, "it is not its own");
    assert!(matches!(verdict(&*one, late).await, Verdict::Written { .. }));
    assert_eq!(assigned(&*other, Want::default()).await.news.places, 1);
    let second = buy(&*one, &entries[1], "t-1").await;
    assert_eq!(verdict(&*one, claim(&entries[2])).await, Verdict::Full);
    let rules = Rules { render_timeout: Duration::ZERO, ..RULES };
    let revision = entries[1].revision;
    one.apply(revision, &second, odd(), &rules, at(1_000_000)).await;
    assert_eq!(assigned(&*other, Want::default()).await.news.places, 1);
    // What is written of the late one's state counts it again until it says so once more.
    let waits = ShotEvent::Polled(PollOutcome::Working { is_waiting: true, unknown: None });
    let step = first.after(waits, at(100_000), &RULES).unwrap();
    one.written(moving(entries[0].revision, step, Vec::new(), at(100_000))).await;
    assert_eq!(assigned(&*other, Want::default()).await.news.places, 0);
    assert_eq!(verdict(&*one, claim(&entries[2])).await, Verdict::Full);
}

async fn of_a_race_for_the_last_place_one_wins<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[1; 3]);
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = begun(&shared, places(1), &texts).await;
        let entry = only_one(&*worker, Want { queued: 1, ..Want::default() }).await;
        workers.push((worker, entry));
    }
    let races = workers.iter().map(|(worker, entry)| verdict(&**worker, claim(entry)));
    let verdicts = futures::future::join_all(races).await;
    let claimed = verdicts.iter().filter(|one| matches!(one, Verdict::Claimed(_))).count();
    let full = verdicts.iter().filter(|one| **one == Verdict::Full).count();
    assert_eq!((claimed, full), (1, 2), "{verdicts:?}");
}

async fn of_a_race_for_the_last_dollar_one_wins_and_the_cap_is_never_passed<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[30; 9]);
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = begun(&shared, work(), &texts).await;
        let entries = handed(&*worker, Want { queued: 3, ..Want::default() }).await;
        workers.push((worker, entries));
    }
    let cap = Budget { cap: Some(usd(100)), strict: false };
    workers[0].0.set_budget(cap).await.unwrap();
    let races = workers.iter().map(|(worker, entries)| async move {
        let mut granted = 0;
        for entry in entries {
            let (verdict, committed) = worker.one(claim(entry)).await.unwrap();
            assert!(committed.balance.reserved <= usd(100), "{committed:?}");
            assert!(matches!(verdict, Verdict::Claimed(_) | Verdict::OverCap), "{verdict:?}");
            granted += usize::from(matches!(verdict, Verdict::Claimed(_)));
        }
        granted
    });
    let granted: usize = futures::future::join_all(races).await.into_iter().sum();
    assert_eq!(granted, 3);
    let news = assigned(&*workers[2].0, Want::default()).await.news;
    assert_eq!((news.budget, news.balance.reserved), (cap, usd(90)));
}

async fn a_claim_needs_the_shot_in_ones_hands_as_it_is_believed_to_be<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20])).await;
    let entries = handed(&*one, all()).await;
    assert_eq!(verdict(&*other, claim(&entries[0])).await, Verdict::Gone);
    let of_none = Entry { revision: RevisionId(999), ..entries[0].clone() };
    assert_eq!(verdict(&*one, claim(&of_none)).await, Verdict::Gone);
    buy(&*one, &entries[0], "t").await;
    assert_eq!(verdict(&*one, claim(&entries[0])).await, Verdict::Gone);
    let before = one.snapshot().unwrap().summary().unwrap().balance;
    assert_eq!(before.reserved, usd(10), "nothing was written");
    // One of a batch that is not its own harms no other.
    let theirs = handed(&*other, all()).await;
    assert_eq!(theirs, []);
    let committed = commit(&*one, vec![claim(&of_none), claim(&entries[1])]).await;
    assert!(matches!(committed.verdicts[..], [Verdict::Gone, Verdict::Claimed(_)]));
}

use rushes::domain::state::Rules;
