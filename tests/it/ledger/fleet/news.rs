//! What a worker hears of the others, and whether anything is left to do.

use super::*;
use rushes::policy::rejections::AlikeRejections;

over_all_fleets![
    nothing_is_over_while_another_has_something_to_do_or_to_hand_over,
    one_that_was_handed_something_is_not_idle_any_more,
    the_dead_are_waited_for_until_their_leases_end,
    what_waits_is_what_others_have_or_does_not_fit,
    it_is_not_over_while_another_has_what_fits_by_now,
    failures_are_of_the_run_and_late_ones_of_who_lives,
    rejections_are_of_the_run_and_count_until_something_is_accepted,
    the_cap_and_the_money_are_everybodys,
];

async fn nothing_is_over_while_another_has_something_to_do_or_to_hand_over<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    let told = assigned(&*other, idle()).await;
    assert!(!told.news.is_over, "the other is not idle");
    let sent = one.claimed(&entry, spec(entry.price), at(1)).await;
    let nothing = || Want { is_idle: true, ..Want::default() };
    assert!(assigned(&*one, nothing()).await.news.is_over, "what is in its own hands is its own");
    assert!(!assigned(&*other, nothing()).await.news.is_over, "submitting");
    let status = one.apply(entry.revision, &sent, bought("t"), &RULES, at(2)).await;
    assert!(!assigned(&*other, nothing()).await.news.is_over, "rendering");
    let status = one.apply(entry.revision, &status, completed(), &RULES, at(3)).await;
    assert!(!assigned(&*other, nothing()).await.news.is_over, "rendered");
    let back = Want { returned: vec![entry.revision], ..nothing() };
    assert!(!assigned(&*one, back).await.news.is_over, "it is still to be handed over");
    assert!(!assigned(&*other, nothing()).await.news.is_over, "it is still to be handed over");
    assert_eq!(names(&*other, all()).await, ["s0"]);
    assert!(!assigned(&*one, nothing()).await.news.is_over);
    other.deliver(entry.revision, &status, Vec::new(), at(4)).await;
    assert!(
        !assigned(&*one, nothing()).await.news.is_over,
        "the other has not said that it is idle"
    );
    assert!(assigned(&*other, nothing()).await.news.is_over);
    assert!(assigned(&*one, nothing()).await.news.is_over);
    assert!(!assigned(&*one, Want::default()).await.news.is_over, "who is not idle is not told");
}

async fn one_that_was_handed_something_is_not_idle_any_more<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    assert_eq!(names(&*one, idle()).await, ["s0"]);
    assert!(!assigned(&*other, idle()).await.news.is_over);
    assert!(assigned(&*one, idle()).await.news.is_over, "it cannot do anything with it");
    assert!(assigned(&*other, idle()).await.news.is_over);
}

async fn the_dead_are_waited_for_until_their_leases_end<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    let nothing = || Want { is_idle: true, ..Want::default() };
    shared.kill(one).await;
    assert!(!assigned(&*other, nothing()).await.news.is_over);
    shared.pass(past(S::LEASE)).await;
    assert_eq!(only_one(&*other, idle()).await.revision, entry.revision);
    give_back(&*other, &[entry.revision]).await;
    let told = assigned(&*other, nothing()).await.news;
    assert_eq!((told.is_over, told.workers, told.waiting), (true, 1, 1));
}

async fn what_waits_is_what_others_have_or_does_not_fit<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20, 30])).await;
    let poor = Want { left: Some(usd(5)), ..idle() };
    assigned(&*other, poor.clone()).await;
    let told = assigned(&*one, poor).await.news;
    assert_eq!((told.is_over, told.waiting), (true, 3), "counted once all is over");
    assert_eq!(names(&*one, Want { queued: 1, ..Want::default() }).await, ["s0"]);
    let told = assigned(&*other, Want { left: Some(usd(20)), ..idle() }).await;
    assert_eq!((told.entries.len(), told.news.waiting), (1, 2));
    let told = assigned(&*one, Want { left: Some(usd(5)), ..idle() }).await;
    assert_eq!((told.entries.len(), told.news.waiting), (0, 2));
    assert_eq!(assigned(&*one, Want::default()).await.news.waiting, 0, "who is not idle");
}

/// Money came free, and the one that may buy for it has not heard of that.
async fn it_is_not_over_while_another_has_what_fits_by_now<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let cap = |dollars| Budget { cap: Some(usd(dollars)), strict: false };
    one.set_budget(cap(5)).await.unwrap();
    assert_eq!(names(&*one, Want { queued: 1, ..Want::default() }).await, ["s0"]);
    let nothing = || Want { is_idle: true, left: Some(usd(5)), ..Want::default() };
    assigned(&*one, nothing()).await;
    assert!(assigned(&*other, nothing()).await.news.is_over, "it does not fit");
    other.set_budget(cap(10)).await.unwrap();
    assert!(!assigned(&*other, nothing()).await.news.is_over);
    assert!(assigned(&*one, nothing()).await.news.is_over, "its own are its own to judge");
}

async fn failures_are_of_the_run_and_late_ones_of_who_lives<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let told = |failures, late| Want { failures, late, ..Want::default() };
    let news = assigned(&*one, told(3, 2)).await.news;
    assert_eq!((news.failures, news.late), (0, 0), "its own are its own");
    let news = assigned(&*other, told(1, 1)).await.news;
    assert_eq!((news.failures, news.late), (3, 2));
    assert_eq!(assigned(&*one, told(4, 2)).await.news.failures, 1);
    drop(one);
    let news = assigned(&*other, told(1, 1)).await.news;
    assert_eq!((news.failures, news.late), (4, 0));
    // One that comes back under another number is told only of others.
    let third = begun(&shared, work(), &shots(&[10])).await;
    assigned(&*third, told(2, 0)).await;
    shared.cut_off(&*third).await;
    shared.pass(past(S::LEASE)).await;
    assert_eq!(assigned(&*other, told(1, 0)).await.news.failures, 6);
    shared.heal(&*third).await;
    assert_eq!(assigned(&*third, told(2, 0)).await.news.failures, 5);
    assert_eq!(assigned(&*other, told(1, 0)).await.news.failures, 6);
    drop((other, third));
    let next = begun(&shared, work(), &shots(&[10])).await;
    assert_eq!(assigned(&*next, told(0, 0)).await.news.failures, 0, "it is another run");
}

/// Rejections in a row that a worker met.
fn met(in_a_row: u32) -> AlikeRejections {
    let prompts = vec![u64::MAX, u64::from(in_a_row)];
    AlikeRejections { gist: "no such model '#'".to_owned(), in_a_row, are_first: true, prompts }
}

async fn rejections_are_of_the_run_and_count_until_something_is_accepted<S: Shared>() {
    let texts = shots(&[10]);
    let (shared, one, other) = two::<S>(&texts).await;
    let told = |accepted, in_a_row| Want {
        accepted,
        rejections: (in_a_row > 0).then(|| met(in_a_row)),
        ..Want::default()
    };
    let news = assigned(&*one, told(0, 3)).await;
    assert_eq!((news.rejections, news.news.accepted), (vec![], 0), "its own are its own");
    assert_eq!(assigned(&*other, told(0, 2)).await.rejections, [met(3)]);
    assert_eq!(assigned(&*one, told(0, 4)).await.rejections, [met(2)]);
    // Those of one that has ended count too.
    drop(one);
    let third = begun(&shared, work(), &texts).await;
    assert_eq!(assigned(&*third, told(0, 1)).await.rejections, [met(4), met(2)]);
    // Until something is accepted.
    let news = assigned(&*third, told(1, 0)).await;
    assert_eq!((news.rejections, news.news.accepted), (vec![], 0));
    let news = assigned(&*other, told(0, 1)).await;
    assert_eq!((news.rejections, news.news.accepted), (vec![], 1));
    assert_eq!(assigned(&*third, told(1, 0)).await.rejections, [met(1)], "it was met since");
    // One that comes back under another number is counted once.
    shared.cut_off(&*other).await;
    shared.pass(past(S::LEASE)).await;
    assert_eq!(assigned(&*third, told(1, 0)).await.rejections, [met(1)]);
    shared.heal(&*other).await;
    assert_eq!(assigned(&*other, told(0, 5)).await.rejections, []);
    assert_eq!(assigned(&*third, told(1, 0)).await.rejections, [met(5)]);
    drop((other, third));
    let next = begun(&shared, work(), &texts).await;
    let news = assigned(&*next, told(0, 1)).await;
    assert_eq!((news.rejections, news.news.accepted), (vec![], 0), "it is another run");
}

async fn the_cap_and_the_money_are_everybodys<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let cap = Budget { cap: Some(usd(50)), strict: true };
    one.set_budget(cap).await.unwrap();
    let entry = only_one(&*one, all()).await;
    one.claimed(&entry, spec(entry.price), at(1)).await;
    let news = assigned(&*other, Want::default()).await.news;
    assert_eq!((news.budget, news.balance.reserved, news.workers), (cap, usd(10), 2));
    assert_eq!((other.budget(), other.balance().reserved), (cap, usd(10)));
}
