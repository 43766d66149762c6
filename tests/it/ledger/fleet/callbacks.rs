//! Calls of the gateway that reach a worker which does not have the shot in its hands.

use super::*;
use rushes::domain::callback::{Callback, MAX_NAMED};
use rushes::domain::secret::Secret;
use rushes::domain::state::Rules;

over_all_fleets![
    a_call_is_heard_once_by_the_worker_that_has_the_shot,
    calls_with_keys_of_no_open_attempt_are_forgotten,
    calls_about_one_attempt_are_one_and_name_few_tasks,
    a_call_says_nothing_about_a_later_attempt,
    a_worker_that_does_not_hear_of_calls_is_told_nothing_and_handed_nothing,
    a_shot_in_doubt_that_no_worker_has_goes_with_its_call_to_one_that_hears,
    a_stalled_shot_that_no_worker_has_goes_with_its_call_to_one_that_hears,
    a_call_waits_for_the_next_run,
    what_a_worker_heard_before_it_died_is_told_to_the_next,
];

/// A call about the attempt with this key.
fn call(byte: u8, tasks: &[&str]) -> Callback {
    let tasks = tasks.iter().map(|task| TaskId::new(task).unwrap()).collect();
    Callback { key: key(byte), tasks }
}

fn key(byte: u8) -> Secret {
    Secret::from_bytes([byte; 16])
}

/// Hears of calls, and wants nothing else.
fn hears() -> Want {
    Want { hears: true, ..Want::default() }
}

async fn tells(worker: &impl Ledger, callbacks: Vec<Callback>) {
    let told = assigned(worker, Want { callbacks, ..hears() }).await;
    assert_eq!((told.entries, told.callbacks), (vec![], vec![]), "they are others'");
}

async fn heard(worker: &impl Ledger) -> Vec<Callback> {
    let told = assigned(worker, hears()).await;
    assert_eq!(told.entries, []);
    told.callbacks
}

/// Claims; the gateway can call about it with the `byte`th key.
async fn sent(worker: &impl Ledger, entry: &Entry, byte: u8) -> RevisionState {
    let spec = AttemptSpec { key: key(byte), key_on_wire: true, ..spec(entry.price) };
    worker.claimed(entry, spec, at(1)).await
}

async fn in_doubt(worker: &impl Ledger, entry: &Entry, byte: u8) -> RevisionState {
    let status = sent(worker, entry, byte).await;
    worker.apply(entry.revision, &status, doubtful(), &RULES, at(2)).await
}

async fn stalled(worker: &impl Ledger, entry: &Entry, byte: u8) -> RevisionState {
    let status = sent(worker, entry, byte).await;
    let status = worker.apply(entry.revision, &status, bought("t"), &RULES, at(2)).await;
    let rules = Rules { render_timeout: Duration::ZERO, ..RULES };
    worker.apply(entry.revision, &status, odd(), &rules, at(1_000_000)).await
}

async fn a_call_is_heard_once_by_the_worker_that_has_the_shot<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20, 30, 40])).await;
    let entries = handed(&*one, all()).await;
    sent(&*one, &entries[0], 10).await;
    let status = sent(&*one, &entries[1], 11).await;
    one.apply(entries[1].revision, &status, bought("t-1"), &RULES, at(2)).await;
    in_doubt(&*one, &entries[2], 12).await;
    stalled(&*one, &entries[3], 13).await;
    let calls = [call(10, &["a", "b"]), call(11, &[]), call(12, &["\"ü' \\"]), call(13, &["d"])];
    tells(&*other, calls.to_vec()).await;
    assert_eq!(heard(&*other).await, []);
    assert_eq!(heard(&*one).await, calls);
    assert_eq!(heard(&*one).await, [], "once");
    // One that comes again is heard again, also if it comes to the one whose it is.
    tells(&*other, vec![call(12, &["c"])]).await;
    let mine = Want { callbacks: vec![call(10, &["z"])], ..hears() };
    assert_eq!(assigned(&*one, mine).await.callbacks, [call(10, &["z"]), call(12, &["c"])]);
    assert_eq!(heard(&*one).await, []);
}

async fn calls_with_keys_of_no_open_attempt_are_forgotten<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20, 30])).await;
    let entries = handed(&*one, all()).await;
    let status = sent(&*one, &entries[0], 10).await;
    one.apply(entries[0].revision, &status, rejected(), &RULES, at(2)).await;
    let status = sent(&*one, &entries[1], 11).await;
    let status = one.apply(entries[1].revision, &status, bought("t-1"), &RULES, at(2)).await;
    // The gateway was not told this key, so that no call of its can have it.
    let untold = AttemptSpec { key: key(12), ..spec(None) };
    one.claimed(&entries[2], untold, at(1)).await;
    let calls = [10, 11, 12, 99].map(|byte| call(byte, &["x"]));
    tells(&*other, calls.to_vec()).await;
    // This one was open when the call came, and is no more when it is to be heard.
    one.apply(entries[1].revision, &status, completed(), &RULES, at(3)).await;
    assert_eq!(heard(&*one).await, []);
    tells(&*other, calls.to_vec()).await;
    assert_eq!(heard(&*one).await, []);
}

async fn calls_about_one_attempt_are_one_and_name_few_tasks<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    in_doubt(&*one, &entry, 10).await;
    tells(&*other, vec![call(10, &["b", "a"])]).await;
    tells(&*other, vec![call(10, &["a", "c", "d"])]).await;
    tells(&*other, vec![call(10, &["e", "f"])]).await;
    let named = ["b", "a", "c", "d"];
    assert_eq!(named.len(), MAX_NAMED);
    assert_eq!(heard(&*one).await, [call(10, &named)]);
}

async fn a_call_says_nothing_about_a_later_attempt<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    let status = in_doubt(&*one, &entry, 10).await;
    tells(&*other, vec![call(10, &["a"])]).await;
    let not_bought = ShotEvent::Resolved(Resolution::NotBought { also: Vec::new() });
    let status = one.apply(entry.revision, &status, not_bought, &RULES, at(3)).await;
    in_doubt(&*one, &Entry { status, ..entry }, 11).await;
    assert_eq!(heard(&*one).await, []);
    tells(&*other, vec![call(10, &["a"]), call(11, &["b"])]).await;
    assert_eq!(heard(&*one).await, [call(11, &["b"])]);
}

async fn a_worker_that_does_not_hear_of_calls_is_told_nothing_and_handed_nothing<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10, 20])).await;
    let entries = handed(&*one, all()).await;
    in_doubt(&*one, &entries[0], 10).await;
    in_doubt(&*one, &entries[1], 11).await;
    give_back(&*one, &[entries[1].revision]).await;
    let callbacks = vec![call(10, &["a"]), call(11, &["b"])];
    for worker in [&other, &one] {
        let deaf = Want { callbacks: callbacks.clone(), doubts: true, ..all() };
        let told = assigned(&**worker, deaf).await;
        assert_eq!((told.entries, told.callbacks), (vec![], vec![]));
    }
    let told = assigned(&*one, hears()).await;
    assert_eq!((told.entries.len(), told.callbacks), (1, callbacks), "it changed its mind");
}

async fn a_shot_in_doubt_that_no_worker_has_goes_with_its_call_to_one_that_hears<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    in_doubt(&*one, &entry, 10).await;
    give_back(&*one, &[entry.revision]).await;
    assert_eq!(names(&*other, Want { doubts: true, ..all() }).await, Vec::<String>::new());
    let told =
        assigned(&*other, Want { callbacks: vec![call(10, &["a"])], is_idle: true, ..hears() });
    let told = told.await;
    assert_eq!(told.entries.len(), 1);
    assert_eq!((told.subscriptions[0].key, told.news.is_over), (key(10), false));
    assert_eq!(told.callbacks, [call(10, &["a"])]);
    // It is in its hands now.
    assert_eq!(heard(&*other).await, []);
    tells(&*one, vec![call(10, &["b"])]).await;
    let told = assigned(&*other, Want { is_idle: true, ..hears() }).await;
    assert_eq!((told.callbacks, told.news.is_over), (vec![call(10, &["b"])], false));
    // Given back, it goes to no one by itself.
    give_back(&*other, &[entry.revision]).await;
    assert_eq!((heard(&*one).await, heard(&*other).await), (vec![], vec![]));
}

async fn a_stalled_shot_that_no_worker_has_goes_with_its_call_to_one_that_hears<S: Shared>() {
    let (_shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    stalled(&*one, &entry, 10).await;
    give_back(&*one, &[entry.revision]).await;
    assert_eq!(names(&*other, all()).await, Vec::<String>::new());
    let told = assigned(&*other, Want { callbacks: vec![call(10, &[])], ..hears() }).await;
    assert_eq!((told.entries.len(), told.callbacks), (1, vec![call(10, &[])]));
}

async fn a_call_waits_for_the_next_run<S: Shared>() {
    let texts = shots(&[10]);
    let (shared, one, other) = two::<S>(&texts).await;
    let entry = only_one(&*one, all()).await;
    in_doubt(&*one, &entry, 10).await;
    tells(&*other, vec![call(10, &["a"])]).await;
    drop((one, other));
    let next = begun(&shared, work(), &texts).await;
    let told = assigned(&*next, Want { doubts: true, ..hears() }).await;
    assert_eq!((told.entries.len(), told.callbacks), (1, vec![call(10, &["a"])]));
    assert_eq!(heard(&*next).await, []);
}

async fn what_a_worker_heard_before_it_died_is_told_to_the_next<S: Shared>() {
    let (shared, one, other) = two::<S>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    in_doubt(&*one, &entry, 10).await;
    tells(&*other, vec![call(10, &["a"])]).await;
    assert_eq!(heard(&*one).await, [call(10, &["a"])]);
    shared.kill(one).await;
    assert_eq!(heard(&*other).await, []);
    shared.pass(past(S::LEASE)).await;
    let told = assigned(&*other, hears()).await;
    assert_eq!((told.entries.len(), told.callbacks), (1, vec![call(10, &["a"])]));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_was_lost_is_heard_all_the_same() {
    let (_shared, one, other) = two::<InMemory>(&shots(&[10])).await;
    let entry = only_one(&*one, all()).await;
    in_doubt(&*one, &entry, 10).await;
    other.lose_next_answer(false);
    tells(&*other, vec![call(10, &["a"])]).await;
    one.lose_next_answer(false);
    assert_eq!(heard(&*one).await, [call(10, &["a"])]);
    assert_eq!(heard(&*one).await, []);
}
