//! What becomes of what a worker had in its hands when it dies, falls silent, or comes back.

use super::*;

over_all_fleets![
    a_dead_workers_shots_go_to_others_and_what_is_on_the_wire_only_when_it_cannot_be_any_more,
    one_that_was_silent_and_given_up_by_no_other_goes_on_as_if_nothing_were,
    one_that_comes_back_joins_anew_and_has_what_is_on_the_wire_still_in_its_hands;
    an_attempt_may_leave_only_from_who_claimed_it_while_its_lease_lasts,
];

async fn a_dead_workers_shots_go_to_others_and_what_is_on_the_wire_only_when_it_cannot_be_any_more<
    S: Shared,
>() {
    let (shared, one, other) = two::<S>(&shots(&[10, 20, 30])).await;
    let entries = handed(&*one, all()).await;
    one.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    buy(&*one, &entries[1], "t-1").await;
    shared.kill(one).await;
    assert_eq!(names(&*other, all()).await, Vec::<String>::new());
    let news = assigned(&*other, idle()).await.news;
    assert_eq!((news.workers, news.is_over), (2, false));
    shared.pass(past(S::LEASE)).await;
    let told = assigned(&*other, all()).await;
    let told_names: Vec<_> = told.entries.iter().map(|(one, _)| one.shot.as_str()).collect();
    assert_eq!((told_names, told.news.workers), (vec!["s1", "s2"], 1));
    let news = assigned(&*other, idle()).await.news;
    assert!(!news.is_over, "a POST may be on the wire");
    shared.pass(past(S::ON_WIRE)).await;
    let left = only_one(&*other, all()).await;
    assert_eq!((left.shot.as_str(), left.status.state.name()), ("s0", "submitting"));
    let said = moved(&left, &left.status, ShotEvent::FoundSubmitting);
    assert!(matches!(verdict(&*other, said).await, Verdict::Written { .. }));
    assert_eq!(name_now(&*other, "s0"), "in_doubt");
    assert_eq!(other.balance().reserved, usd(30));
}

async fn one_that_was_silent_and_given_up_by_no_other_goes_on_as_if_nothing_were<S: Shared>() {
    let shared = S::make().await;
    let one = begun(&shared, work(), &shots(&[10, 20])).await;
    let entries = handed(&*one, all()).await;
    let status = one.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    shared.cut_off(&*one).await;
    shared.pass(past(S::LEASE)).await;
    shared.heal(&*one).await;
    let said = moved(&entries[0], &status, bought("t"));
    assert!(matches!(verdict(&*one, said).await, Verdict::Written { .. }));
    assert!(matches!(verdict(&*one, claim(&entries[1])).await, Verdict::Claimed(_)));
}

async fn one_that_comes_back_joins_anew_and_has_what_is_on_the_wire_still_in_its_hands<
    S: Shared,
>() {
    let (shared, one, other) = two::<S>(&shots(&[10, 20, 30])).await;
    let entries = handed(&*one, all()).await;
    let sent = one.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let rendering = buy(&*one, &entries[1], "t-1").await;
    let attempt = sent.state.attempt().unwrap();
    assert!(fleet(&*one).may_leave(attempt));
    shared.cut_off(&*one).await;
    shared.pass(past(S::LEASE)).await;
    assert_eq!(names(&*other, all()).await, ["s1", "s2"]);
    shared.heal(&*one).await;
    // What it says of what others have is not taken.
    let said = moved(&entries[1], &rendering, completed());
    assert_eq!(verdict(&*one, said).await, Verdict::Gone);
    assert_eq!(verdict(&*one, claim(&entries[2])).await, Verdict::Gone);
    assert!(!fleet(&*one).may_leave(attempt), "it was claimed in a lease that has ended");
    // Nobody else has what was on the wire, however much time passes.
    shared.pass(past(S::ON_WIRE)).await;
    let told = assigned(&*other, all()).await;
    assert_eq!((told.entries.len(), told.news.workers), (0, 2));
    let said = moved(&entries[0], &sent, not_sent());
    assert!(matches!(verdict(&*one, said).await, Verdict::Written { .. }));
    let again = now(&*one, "s0");
    let Verdict::Claimed(second) = verdict(&*one, claim(&again)).await else { panic!() };
    assert!(fleet(&*one).may_leave(second));
    assert!(!fleet(&*one).may_leave(attempt));
}

async fn an_attempt_may_leave_only_from_who_claimed_it_while_its_lease_lasts<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    let status = one.claimed(&entry, spec(entry.price), at(1)).await;
    let attempt = status.state.attempt().unwrap();
    assert!(fleet(&*one).may_leave(attempt));
    assert!(!fleet(&*other).may_leave(attempt));
    assert!(!fleet(&*one).may_leave(AttemptId(999)));
    // It does not hear of the end of its lease, and knows it all the same, before any other does.
    shared.cut_off(&*one).await;
    shared.pass(S::LEASE / 2).await;
    assert!(fleet(&*one).may_leave(attempt));
    shared.pass(S::LEASE * 9 / 20).await;
    assert!(!fleet(&*one).may_leave(attempt));
    assert_eq!(names(&*other, all()).await, Vec::<String>::new(), "its lease lasts");
}

use rushes::domain::state::AttemptId;
