//! What is handed over, in which order, and how often.

use super::*;
use rushes::domain::state::Rules;

over_all_fleets![
    the_best_queued_ones_come_first_as_the_queue_has_them,
    only_what_fits_what_is_left_is_handed_over_and_an_unknown_price_fits_no_cap,
    only_the_places_that_a_worker_may_buy_are_handed_to_it,
    nothing_is_in_two_hands,
    what_is_given_back_goes_to_others_but_for_what_is_on_the_wire,
    unfinished_purchases_go_to_others_when_their_worker_leaves,
    stalled_ones_are_handed_over_once_in_a_run,
    those_in_doubt_are_handed_over_once_in_a_run_to_those_that_want_them,
    failed_ones_are_handed_over_once_in_a_run_to_those_that_want_them,
    one_revision_can_be_taken_unless_another_is_at_it_or_will_be,
    what_the_provider_may_call_about_comes_with_what_is_handed_over,
];

async fn the_best_queued_ones_come_first_as_the_queue_has_them<S: Shared>() {
    let shared = S::make().await;
    let mut shots = shots(&[10, 20, 30, 40, 50]);
    shots[2].priority = 1;
    shots[3].priority = 1;
    let one = begun(&shared, work(), &shots).await;
    // The second of the important ones was refused when all requests were.
    let entries = handed(&*one, all()).await;
    let probed = &entries[0];
    assert_eq!(probed.shot.as_str(), "s2");
    let status = one.claimed(probed, spec(probed.price), at(1)).await;
    let status = one.apply(probed.revision, &status, rejected(), &RULES, at(2)).await;
    one.apply(probed.revision, &status, ShotEvent::RefusedAlike, &RULES, at(3)).await;
    drop(one);
    let next = begun(&shared, work(), &shots).await;
    assert_eq!(names(&*next, Want { queued: 2, ..Want::default() }).await, ["s3", "s0"]);
    let other = begun(&shared, work(), &shots).await;
    assert_eq!(names(&*other, Want { queued: 1, ..Want::default() }).await, ["s1"]);
    assert_eq!(names(&*next, all()).await, ["s4", "s2"]);
}

async fn only_what_fits_what_is_left_is_handed_over_and_an_unknown_price_fits_no_cap<S: Shared>() {
    let shared = S::make().await;
    let mut shots = shots(&[10, 20, 30]);
    shots.push(shot("s3", 1, None));
    let one = begun(&shared, work(), &shots).await;
    let want = |left: i64| Want { left: Some(usd(left)), queued: 10, ..Want::default() };
    assert_eq!(names(&*one, want(9)).await, Vec::<String>::new());
    assert_eq!(names(&*one, want(20)).await, ["s0", "s1"]);
    assert_eq!(names(&*one, want(1000)).await, ["s2"]);
    assert_eq!(names(&*one, all()).await, ["s3"]);
}

async fn only_the_places_that_a_worker_may_buy_are_handed_to_it<S: Shared>() {
    let shared = S::make().await;
    let shots = shots(&[10, 20, 30]);
    let one = shared.open(Some(work())).await.unwrap();
    fleet(&*one).begin(Some(shots.into()), Some(vec![1]), at(0)).await.unwrap();
    let told = assigned(&*one, idle()).await;
    assert_eq!((told.entries.len(), told.news.waiting), (1, 0));
    assert_eq!((told.entries[0].0.shot.as_str(), told.entries[0].1), ("s1", Some(1)));
    assert_eq!(names(&*one, all()).await, Vec::<String>::new());
}

async fn nothing_is_in_two_hands<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[1; 20])).await;
    let few = || Want { queued: 3, ..Want::default() };
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (mine, theirs) =
            futures::join!(fleet(&*one).assign(few()), fleet(&*other).assign(few()));
        for (entry, _) in mine.unwrap().entries.into_iter().chain(theirs.unwrap().entries) {
            seen.push(entry.revision);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 18);
}

async fn what_is_given_back_goes_to_others_but_for_what_is_on_the_wire<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20, 30])).await;
    let entries = handed(&*one, all()).await;
    let sent = one.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    buy(&*one, &entries[1], "t-1").await;
    let revisions: Vec<_> = entries.iter().map(|entry| entry.revision).collect();
    give_back(&*other, &revisions).await;
    assert_eq!(names(&*other, all()).await, Vec::<String>::new(), "they are not its to give");
    give_back(&*one, &revisions).await;
    assert_eq!(names(&*other, all()).await, ["s1", "s2"]);
    let answered = verdict(&*one, moved(&entries[0], &sent, bought("t-0"))).await;
    assert_eq!(answered, Verdict::Written { task_first_of: None });
    let theirs = verdict(&*one, claim(&entries[2])).await;
    assert_eq!(theirs, Verdict::Gone);
}

async fn unfinished_purchases_go_to_others_when_their_worker_leaves<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[10, 20, 30, 40]);
    let one = begun(&shared, work(), &texts).await;
    let entries = handed(&*one, all()).await;
    buy(&*one, &entries[0], "t-0").await;
    let status = buy(&*one, &entries[1], "t-1").await;
    one.apply(entries[1].revision, &status, completed(), &RULES, at(3)).await;
    one.claimed(&entries[2], spec(entries[2].price), at(1)).await;
    drop(one);
    // The first has left the manifest since.
    let next = begun(&shared, work_within(2, Limits::default()), &texts[1..]).await;
    let few = || Want { purchases: 2, ..Want::default() };
    let first = assigned(&*next, few()).await.entries;
    assert_eq!(first.len(), 2, "so many at most");
    let others = assigned(&*next, few()).await.entries;
    let mut told: Vec<_> = first
        .iter()
        .chain(&others)
        .map(|(one, place)| (one.shot.as_str(), one.status.state.name(), *place))
        .collect();
    told.sort_unstable();
    let expected = [
        ("s0", "rendering", None),
        ("s1", "rendered", Some(0)),
        // Who left had nothing on the wire any more.
        ("s2", "submitting", Some(1)),
    ];
    assert_eq!(told, expected);
    assert_eq!(assigned(&*next, few()).await.entries, []);
}

/// A task that stalled in a worker's hands.
async fn stalled(worker: &impl Ledger, entry: &Entry, task: &str) -> RevisionState {
    let status = buy(worker, entry, task).await;
    let rules = Rules { render_timeout: Duration::ZERO, ..RULES };
    let now = at(1_000_000);
    let status = worker.apply(entry.revision, &status, odd(), &rules, now).await;
    assert!(matches!(status.state, State::Rendering { stalled: Some(_), .. }), "{status:?}");
    status
}

async fn stalled_ones_are_handed_over_once_in_a_run<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    stalled(&*one, &entry, "t").await;
    give_back(&*one, &[entry.revision]).await;
    assert_eq!(names(&*other, all()).await, Vec::<String>::new(), "it was at work in this run");
    drop((one, other));
    let (one, other) =
        (begun(&shared, work(), &shots(&[10])).await, begun(&shared, work(), &shots(&[10])).await);
    let again = only_one(&*one, all()).await;
    assert_eq!(again.revision, entry.revision);
    give_back(&*one, &[entry.revision]).await;
    assert_eq!(names(&*other, all()).await, Vec::<String>::new());
    // It goes on as it likes.
    assert!(fleet(&*other).take(entry.revision).await.unwrap().is_some());
}

async fn those_in_doubt_are_handed_over_once_in_a_run_to_those_that_want_them<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[10]);
    let one = begun(&shared, work(), &texts).await;
    let entry = only_one(&*one, all()).await;
    let status = one.claimed(&entry, spec(entry.price), at(1)).await;
    one.apply(entry.revision, &status, doubtful(), &RULES, at(2)).await;
    drop(one);
    let (one, other) = (begun(&shared, work(), &texts).await, begun(&shared, work(), &texts).await);
    assert_eq!(names(&*one, all()).await, Vec::<String>::new());
    let want = || Want { doubts: true, ..all() };
    let again = only_one(&*one, want()).await;
    assert_eq!((again.revision, again.status.state.name()), (entry.revision, "in_doubt"));
    give_back(&*one, &[entry.revision]).await;
    assert_eq!(names(&*other, want()).await, Vec::<String>::new());
}

async fn failed_ones_are_handed_over_once_in_a_run_to_those_that_want_them<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[10, 20]);
    let one = begun(&shared, work(), &texts).await;
    for entry in handed(&*one, all()).await {
        let status = one.claimed(&entry, spec(entry.price), at(1)).await;
        one.apply(entry.revision, &status, rejected(), &RULES, at(2)).await;
    }
    let want = || Want { failed: true, ..all() };
    drop(one);
    let (one, other) =
        (begun(&shared, work(), &texts).await, shared.open(Some(work())).await.unwrap());
    fleet(&*other).begin(Some(texts.into()), Some(vec![1]), at(0)).await.unwrap();
    assert_eq!(names(&*one, all()).await, Vec::<String>::new());
    let again = only_one(&*other, want()).await;
    assert_eq!(again.shot.as_str(), "s1", "the only one that it may buy");
    assert_eq!(names(&*one, want()).await, ["s0"]);
    // It fails once more in this run, and that is that.
    let status =
        other.apply(again.revision, &again.status, ShotEvent::RetryFailed, &RULES, at(3)).await;
    let entry = Entry { status, ..again };
    let status = other.claimed(&entry, spec(entry.price), at(4)).await;
    other.apply(entry.revision, &status, rejected(), &RULES, at(5)).await;
    give_back(&*other, &[entry.revision]).await;
    assert_eq!(names(&*one, want()).await, Vec::<String>::new());
}

async fn one_revision_can_be_taken_unless_another_is_at_it_or_will_be<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[1; 8])).await;
    let entries = handed(&*one, all()).await;
    let of = |nth: usize| entries[nth].revision;
    let doubt = one.claimed(&entries[0], spec(None), at(1)).await;
    one.apply(of(0), &doubt, doubtful(), &RULES, at(2)).await;
    let failed = one.claimed(&entries[1], spec(None), at(1)).await;
    one.apply(of(1), &failed, rejected(), &RULES, at(2)).await;
    stalled(&*one, &entries[2], "t-2").await;
    let delivered = buy(&*one, &entries[3], "t-3").await;
    let delivered = one.apply(of(3), &delivered, completed(), &RULES, at(3)).await;
    one.deliver(of(3), &delivered, Vec::new(), at(4)).await;
    one.claimed(&entries[4], spec(None), at(1)).await;
    let rendering = buy(&*one, &entries[5], "t-5").await;
    let rendered = buy(&*one, &entries[6], "t-6").await;
    one.apply(of(6), &rendered, completed(), &RULES, at(3)).await;
    let visitor = shared.open(None).await.unwrap();
    for taker in [&other, &visitor, &one, &other] {
        for entry in &entries[..4] {
            let taken = fleet(&**taker).take(entry.revision).await.unwrap().unwrap();
            assert_eq!(taken.status, now(&**taker, entry.shot.as_str()).status);
        }
    }
    for nth in 4..8 {
        assert_eq!(fleet(&*other).take(of(nth)).await.unwrap(), None, "{nth}");
        assert!(fleet(&*one).take(of(nth)).await.unwrap().is_some(), "{nth}: its own");
    }
    // What was taken out of its hands is not its any more.
    let said = moved(&entries[2], &now(&*one, "s2").status, completed());
    assert_eq!(verdict(&*one, said).await, Verdict::Gone);
    let said = moved(&entries[5], &rendering, completed());
    assert!(matches!(verdict(&*one, said).await, Verdict::Written { .. }));
    // Of those that no worker has, the queued one can be taken; purchases are handed over.
    give_back(&*one, &[of(5), of(6), of(7)]).await;
    assert_eq!(fleet(&*visitor).take(of(5)).await.unwrap(), None);
    assert_eq!(fleet(&*visitor).take(of(6)).await.unwrap(), None);
    assert!(fleet(&*visitor).take(of(7)).await.unwrap().is_some());
    assert_eq!(names(&*other, all()).await, ["s5", "s6"]);
}

async fn what_the_provider_may_call_about_comes_with_what_is_handed_over<S: Shared>() {
    let shared = S::make().await;
    let texts = shots(&[10, 20]);
    let one = begun(&shared, work(), &texts).await;
    let entries = handed(&*one, all()).await;
    for (nth, key_on_wire) in [(0, true), (1, false)] {
        let spec = AttemptSpec { key_on_wire, ..spec(entries[nth].price) };
        let status = one.claimed(&entries[nth], spec, at(1)).await;
        one.apply(entries[nth].revision, &status, bought("t"), &RULES, at(2)).await;
    }
    drop(one);
    let next = begun(&shared, work(), &texts).await;
    let told = assigned(&*next, all()).await;
    let attempts: Vec<_> = told.subscriptions.iter().map(|one| one.attempt).collect();
    assert_eq!(attempts, [now(&*next, "s0").status.state.attempt().unwrap()]);
}
