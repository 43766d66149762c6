//! Shots in doubt about which callbacks name tasks: believed only if the provider itself knows the
//! task and no other shot has it, and waited for before the shot is bought again.

use std::time::Duration;

use super::given::{BEGAN, Given, given, in_doubt, rendering, secs};
use super::rig::Rig;
use super::said::said;
use super::{bought, cut, missing, rejected, unclear, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::state::{Account, State};
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

const NONE: [usize; 0] = [];

/// A shot whose POST was cut at the run's beginning; callbacks about it are waited for a minute.
fn doubtful(given: Given) -> Rig {
    let mut rig = given.callbacks(secs(60)).start();
    rig.answer(0, cut());
    assert_eq!((rig.is(0), rig.posts()), ("in_doubt", vec![]));
    rig
}

/// The next task that is asked for, as soon as it is.
fn next_find(rig: &mut Rig) -> Option<String> {
    rig.play_until(rig.now.elapsed + secs(600), |rig| !rig.finds().is_empty())?;
    rig.finds().first().map(|&task| task.to_owned())
}

#[test]
fn a_task_that_a_callback_named_is_believed_if_the_provider_knows_it() {
    for answer in [working(), super::completed(1), super::failed()] {
        let mut rig = doubtful(given(1));
        rig.play(secs(10));
        rig.call(0, &["a"]);
        assert_eq!((rig.finds(), rig.is(0)), (vec!["a"], "in_doubt"), "a hint, so far");
        rig.found(Some(answer));
        let State::Rendering { task, since, .. } = rig.state(0) else { panic!("not believed") };
        assert_eq!((task.as_str(), *since), ("a", BEGAN), "since its POST left");
        assert_eq!(rig.accounts(0), [Account::Reserved]);
        rig.play(Duration::from_millis(2));
        assert_eq!(rig.polls(), [0]);
    }
}

#[test]
fn a_task_that_the_ledger_knows_is_not_believed() {
    let mut rig = doubtful(given(1));
    rig.call(0, &["a"]);
    rig.found(None);
    rig.play(secs(30));
    assert_eq!((rig.is(0), rig.begun.len()), ("in_doubt", 0));
}

#[test]
fn a_task_that_the_provider_does_not_know_or_swaps_is_not_believed() {
    let theirs = super::given::task("b");
    for answer in [missing(), PollOutcome::OtherTask { theirs }] {
        let mut rig = doubtful(given(1));
        rig.call(0, &["a"]);
        rig.found(Some(answer));
        rig.play(secs(30));
        assert_eq!((rig.is(0), rig.begun.len()), ("in_doubt", 0));
    }
}

#[test]
fn a_task_that_another_shot_bought_while_it_was_asked_for_is_not_believed() {
    let mut rig = given(2).callbacks(secs(60)).start();
    rig.play(secs(1));
    rig.answer(0, cut());
    rig.call(0, &["b"]);
    assert_eq!(rig.finds(), ["b"]);
    rig.answer(1, bought("b"));
    rig.found(Some(working()));
    assert_eq!((rig.is(0), rig.is(1)), ("in_doubt", "rendering"));
}

#[test]
fn two_shots_that_name_the_same_task_do_not_both_get_it() {
    let mut rig = given(2).stored(0, in_doubt).stored(1, in_doubt).callbacks(secs(60)).start();
    rig.call(0, &["a"]);
    rig.call(1, &["a"]);
    rig.play(Duration::from_millis(10));
    assert_eq!(rig.finds(), ["a", "a"]);
    rig.found(Some(working()));
    rig.found(Some(working()));
    assert_eq!((rig.is(0), rig.is(1)), ("rendering", "in_doubt"));
}

#[test]
fn several_named_tasks_are_asked_for_one_after_the_other_a_second_apart() {
    let mut rig = doubtful(given(1));
    rig.call(0, &["a", "b", "c"]);
    for name in ["a", "b"] {
        assert_eq!(next_find(&mut rig).as_deref(), Some(name));
        let began = rig.now.elapsed;
        rig.found(Some(missing()));
        assert!(rig.finds().is_empty());
        next_find(&mut rig).unwrap();
        assert_eq!(rig.now.elapsed, began + secs(1));
    }
    assert_eq!(rig.finds(), ["c"]);
    rig.found(Some(working()));
    assert_eq!(rig.state(0).task().unwrap().as_str(), "c");
}

#[test]
fn a_task_that_is_named_while_another_is_asked_for_is_asked_for_next() {
    let mut rig = doubtful(given(1));
    rig.call(0, &["a"]);
    rig.call(0, &["b"]);
    assert_eq!(rig.finds(), ["a"]);
    rig.found(Some(missing()));
    assert_eq!(next_find(&mut rig).as_deref(), Some("b"));
}

#[test]
fn unclear_answers_about_a_named_task_are_given_up_after_the_attempts_and_said() {
    let given = given(1).limits(|limits| limits.attempts = 3);
    let mut rig = doubtful(given);
    rig.call(0, &["a", "b"]);
    for wait in [5, 10] {
        assert_eq!(rig.finds(), ["a"]);
        rig.found(Some(unclear()));
        let end = rig.now.elapsed + secs(60);
        let again = rig.play_until(end, |rig| !rig.finds().is_empty());
        assert_eq!(again, Some(secs(wait)));
    }
    let words = said(|| rig.found(Some(unclear())));
    assert!(words.contains("resolve MANIFEST shot-0 --task-id a"), "{words}");
    assert_eq!(next_find(&mut rig).as_deref(), Some("b"), "the other has tries of its own");
    rig.found(Some(unclear()));
    assert_eq!((rig.is(0), next_find(&mut rig).as_deref()), ("in_doubt", Some("b")));
}

#[test]
fn a_key_that_is_refused_when_a_named_task_is_asked_for_stops_the_run() {
    let mut rig = doubtful(given(1));
    rig.call(0, &["a"]);
    rig.found(Some(PollOutcome::BadKey { why: "no".into() }));
    assert_eq!(rig.is(0), "in_doubt");
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Key(_)))));
}

#[test]
fn a_doubt_is_held_and_the_run_waits_for_a_callback_as_long_as_was_asked_for() {
    let mut rig = doubtful(given(1));
    assert_eq!(rig.ended(), None);
    rig.play(Duration::from_millis(59_999));
    assert_eq!(rig.ended(), None);
    rig.play(Duration::from_millis(1));
    assert_eq!((rig.ended(), rig.is(0)), (Some(RunOutcome::Done), "in_doubt"));
}

#[test]
fn without_callbacks_the_run_does_not_wait_for_any() {
    let mut rig = given(1).start();
    rig.answer(0, cut());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn with_resubmit_a_doubt_is_bought_again_only_after_callbacks_were_waited_for() {
    let mut rig = doubtful(given(1).resubmitting());
    let end = secs(600);
    assert_eq!(rig.play_until(end, |rig| rig.posts() == [0]), Some(secs(60)));
    assert_eq!(rig.accounts(0), [Account::Reserved; 2]);
}

#[test]
fn a_doubt_of_an_earlier_run_waits_from_its_post_on() {
    let mut rig = given(1).resubmitting().stored(0, in_doubt).callbacks(secs(60)).recovered();
    rig.carry_out();
    rig.set_elapsed(secs(20));
    assert_eq!(rig.play_until(secs(600), |rig| rig.posts() == [0]), Some(secs(40)));
}

#[test]
fn a_callback_during_the_wait_saves_the_second_purchase() {
    let mut rig = doubtful(given(1).resubmitting());
    rig.play(secs(59));
    rig.call(0, &["a"]);
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.finds()), (vec![], vec!["a"]), "the answer is waited for");
    rig.found(Some(working()));
    rig.play(secs(60));
    assert_eq!((rig.is(0), rig.attempts.len()), ("rendering", 1));
}

#[test]
fn after_a_callback_that_helped_nothing_the_doubt_is_bought_again_when_the_wait_is_over() {
    let mut rig = doubtful(given(1).resubmitting());
    rig.play(secs(10));
    rig.call(0, &["a"]);
    rig.found(Some(missing()));
    assert_eq!(rig.play_until(secs(600), |rig| rig.posts() == [0]), Some(secs(50)));
}

#[test]
fn a_callback_about_a_doubt_that_is_queued_takes_it_out_of_the_queue() {
    let mut rig = given(2)
        .resubmitting()
        .limits(|limits| limits.in_flight = 1)
        .stored(0, in_doubt)
        .stored(1, rendering("b"))
        .callbacks(Duration::ZERO)
        .start();
    rig.call(0, &["a"]);
    rig.play(Duration::from_millis(2));
    assert_eq!(rig.finds(), ["a"]);
    rig.polled(1, super::failed());
    rig.play(secs(60));
    assert_eq!(rig.posts(), NONE, "not while the task is asked for");
    rig.found(Some(missing()));
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0]);
}

#[test]
fn a_callback_while_the_files_are_read_comes_before_the_second_purchase() {
    let mut rig =
        given(1).with_file(0).resubmitting().stored(0, in_doubt).callbacks(Duration::ZERO).start();
    rig.call(0, &["a"]);
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    rig.tell(Event::Loaded { slot, files: Ok(rushes::provider::LoadedFiles::default()) });
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.finds(), rig.attempts.len()), (vec![], vec!["a"], 1));
    assert_eq!(rig.scheduler.in_flight, 0);
}

#[test]
fn a_callback_about_the_first_attempt_is_looked_at_when_the_second_bought_nothing() {
    let mut rig = doubtful(given(1).resubmitting());
    rig.play(secs(61));
    assert_eq!(rig.posts(), [0]);
    let key = rig.attempts[0].key;
    rig.tell(Event::Callback { key, tasks: vec![super::given::task("a")] });
    rig.answer(0, rejected());
    rig.play(Duration::from_millis(2));
    assert_eq!(rig.finds(), ["a"]);
    rig.found(Some(working()));
    assert_eq!(
        (rig.is(0), rig.accounts(0)),
        ("rendering", vec![Account::Reserved, Account::Released])
    );
}

#[test]
fn the_deadline_ends_the_wait_and_the_doubt_is_not_bought_again() {
    let mut rig = doubtful(
        given(1).resubmitting().options(|options| options.deadline = Some(BEGAN.plus(secs(30)))),
    );
    let ended = rig.play_until(secs(600), |rig| rig.stopped().is_some());
    assert_eq!(ended, Some(secs(30)));
    rig.play(secs(600));
    assert_eq!(rig.posts(), NONE);
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Deadline)));
}
