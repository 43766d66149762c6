//! Who works on what: runs of a campaign, and its text.

use super::*;

over_all_fleets![
    a_run_lasts_until_the_last_worker_has_left,
    a_run_lasts_until_the_last_worker_is_given_up,
    another_text_is_refused_while_one_is_worked_on,
    an_account_is_of_one_key,
    the_first_that_begins_records_and_the_others_find_it_done,
    a_worker_that_buys_nothing_records_nothing_and_is_handed_purchases,
    a_pause_is_everybodys_and_ends_with_the_run,
    a_visitor_counts_as_no_worker,
    one_that_comes_back_goes_on_with_its_run,
];

async fn a_run_lasts_until_the_last_worker_has_left<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[1])).await;
    assert!(fleet(&*one).begins_run());
    assert!(!fleet(&*other).begins_run());
    drop(one);
    let third = shared.open(Some(work())).await.unwrap();
    assert!(!fleet(&*third).begins_run(), "another still works");
    drop((other, third));
    let next = shared.open(Some(work())).await.unwrap();
    assert!(fleet(&*next).begins_run());
}

async fn a_run_lasts_until_the_last_worker_is_given_up<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[1])).await;
    shared.kill(one).await;
    shared.kill(other).await;
    let third = shared.open(Some(work())).await.unwrap();
    assert!(!fleet(&*third).begins_run(), "their leases last");
    shared.kill(third).await;
    shared.pass(past(S::LEASE)).await;
    let next = shared.open(Some(work())).await.unwrap();
    assert!(fleet(&*next).begins_run());
}

async fn another_text_is_refused_while_one_is_worked_on<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, work(), &shots(&[1])).await;
    let other = work_within(2, Limits::default());
    assert!(shared.open(Some(other.clone())).await.is_err());
    let fetching = Work { digest: None, ..work() };
    let fetcher = shared.open(Some(fetching)).await.unwrap();
    assert!(shared.open(Some(other.clone())).await.is_err());
    drop(one);
    // The one that is left goes with every text.
    let next = begun(&shared, other, &[shot("s0", 2, Some(5))]).await;
    assert_eq!(now(&*next, "s0").price, Some(usd(5)));
    assert!(shared.open(Some(work())).await.is_err());
    drop(fetcher);
}

async fn an_account_is_of_one_key<S: Shared>() {
    let shared = S::make().await;
    let with = |key: &str| Some(Work { key: key.into(), ..work() });
    drop(shared.open(with("one")).await.unwrap());
    assert!(shared.open(with("two")).await.is_err(), "also when none works any more");
    let again = shared.open(with("one")).await.unwrap();
    assert!(fleet(&*again).begins_run(), "the one that was refused began nothing");
    // Who has no key buys nothing from the gateway.
    drop(shared.open(with("")).await.unwrap());
    drop(shared.open(None).await.unwrap());
}

async fn the_first_that_begins_records_and_the_others_find_it_done<S: Shared>() {
    let shared = S::make().await;
    let one = shared.open(Some(work())).await.unwrap();
    let shots = shots(&[10, 20, 40]);
    let begun = fleet(&*one).begin(Some(shots.clone().into()), None, at(0)).await.unwrap();
    assert_eq!((begun.counts.queued, begun.to_buy), (3, usd(70)));
    let entry = handed(&*one, Want { queued: 1, ..Want::default() }).await.remove(0);
    one.claimed(&entry, spec(entry.price), at(1)).await;
    // The same text is not recorded again, whatever it is said to be.
    let other = shared.open(Some(work())).await.unwrap();
    let begun = fleet(&*other).begin(Some([].into()), Some(vec![0, 2]), at(0)).await.unwrap();
    assert_eq!((begun.counts.queued, begun.counts.submitting, begun.to_buy), (2, 1, usd(40)));
    assert_eq!(fleet(&*other).counts().await.unwrap(), begun.counts);
    drop((one, other));
    // Another one is, and what it no longer says is no longer current.
    let next = shared.open(Some(work_within(2, Limits::default()))).await.unwrap();
    let begun = fleet(&*next).begin(Some(shots[1..].into()), None, at(0)).await.unwrap();
    assert_eq!((begun.counts.queued, begun.counts.submitting), (2, 0));
    let places = assigned(&*next, all()).await.entries;
    let places: Vec<_> = places.iter().map(|(one, place)| (one.shot.as_str(), *place)).collect();
    assert_eq!(places, [("s0", None), ("s1", Some(0)), ("s2", Some(1))]);
}

async fn a_worker_that_buys_nothing_records_nothing_and_is_handed_purchases<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, work(), &shots(&[10, 20])).await;
    let entries = handed(&*one, all()).await;
    buy(&*one, &entries[0], "t-0").await;
    drop(one);
    let fetcher = shared.open(Some(Work { digest: None, ..work() })).await.unwrap();
    let begun = fleet(&*fetcher).begin(None, None, at(0)).await.unwrap();
    assert_eq!((begun.counts.queued, begun.counts.rendering, begun.to_buy), (1, 1, usd(0)));
    assert_eq!(names(&*fetcher, all()).await, ["s0"]);
}

async fn a_pause_is_everybodys_and_ends_with_the_run<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[1])).await;
    assert!(!assigned(&*one, Want::default()).await.news.paused);
    fleet(&*one).set_paused(true).await.unwrap();
    assert!(assigned(&*other, Want::default()).await.news.paused);
    fleet(&*other).set_paused(false).await.unwrap();
    assert!(!assigned(&*one, Want::default()).await.news.paused);
    fleet(&*one).set_paused(true).await.unwrap();
    drop(one);
    assert!(assigned(&*other, Want::default()).await.news.paused, "the run goes on");
    drop(other);
    let next = begun(&shared, work(), &shots(&[1])).await;
    assert!(!assigned(&*next, Want::default()).await.news.paused);
}

async fn a_visitor_counts_as_no_worker<S: Shared>() {
    let shared = S::make().await;
    let visitor = shared.open(None).await.unwrap();
    let one = begun(&shared, work(), &shots(&[1])).await;
    assert!(fleet(&*one).begins_run());
    assert_eq!(assigned(&*one, Want::default()).await.news.workers, 1);
    drop(one);
    let next = begun(&shared, work_within(2, Limits::default()), &shots(&[1])).await;
    assert!(fleet(&*next).begins_run());
    let is_over = assigned(&*next, Want { is_idle: true, ..Want::default() }).await.news.is_over;
    assert!(is_over, "nothing is waited for on account of a visitor");
    drop(visitor);
}

/// The only worker was given up, and nobody took its place: what it paused stays paused, and what failed
/// in the run is not bought again in it.
async fn one_that_comes_back_goes_on_with_its_run<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, work(), &shots(&[1])).await;
    let entry = only_one(&*one, all()).await;
    let status = one.claimed(&entry, spec(entry.price), at(1)).await;
    one.apply(entry.revision, &status, rejected(), &RULES, at(2)).await;
    give_back(&*one, &[entry.revision]).await;
    fleet(&*one).set_paused(true).await.unwrap();
    shared.cut_off(&*one).await;
    shared.pass(past(S::LEASE)).await;
    let visitor = shared.open(None).await.unwrap();
    shared.heal(&*one).await;
    let again = assigned(&*one, Want { failed: true, ..all() }).await;
    assert_eq!(again.entries, []);
    assert!(again.news.paused, "only the user ends a pause");
    drop(visitor);
}
