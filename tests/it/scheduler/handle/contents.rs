//! Tasks that the user or a callback named: which are held against what their shots ask for.

use super::given::{given, in_doubt, rendered, rendering, secs};
use super::rig::Rig;
use super::{bought, completed, missing, unclear, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::state::Account;
use rushes::scheduler::{Effect, RunOutcome};

fn other() -> PollOutcome {
    PollOutcome::OtherContent { why: "was rendered for model a".into() }
}

/// Whether the polls that were begun hold their tasks against their shots.
fn checks(rig: &Rig) -> Vec<bool> {
    let polls = rig.begun.iter().filter_map(|effect| match effect {
        Effect::Poll { unchecked, .. } => Some(unchecked.iter().map(Option::is_some)),
        _ => None,
    });
    polls.flatten().collect()
}

/// Lets time pass until a task is polled; whether it is held against its shot.
fn next_check(rig: &mut Rig) -> Vec<bool> {
    rig.play_until(rig.now.elapsed + secs(600), |rig| !rig.polls().is_empty()).unwrap();
    checks(rig)
}

#[test]
fn field_41_a_task_from_the_ledger_is_checked_until_its_first_clear_answer() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    assert_eq!(checks(&rig), [true]);
    for answer in [unclear(), PollOutcome::Unanswered { why: "cut".into() }] {
        rig.polled(0, answer);
        assert_eq!(next_check(&mut rig), [true]);
    }
    for _ in 0..2 {
        rig.polled(0, working());
        assert_eq!(next_check(&mut rig), [false]);
    }
}

#[test]
fn field_41_what_this_run_bought_and_what_is_paid_is_not_checked() {
    let mut rig = given(2).stored(1, rendered(1)).start();
    rig.play(secs(1));
    rig.answer(0, bought("a"));
    assert_eq!(next_check(&mut rig), [false]);
}

#[test]
fn field_41_a_task_of_something_else_leaves_the_shot_in_doubt_and_its_place_free() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    rig.polled(0, other());
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved]));
    rig.play(secs(3600));
    assert_eq!((rig.polls(), rig.posts(), rig.ended()), (vec![], vec![], Some(RunOutcome::Done)));
    let progress = rig.scheduler.progress();
    assert_eq!((progress.in_doubt, progress.rendering), (1, 0));
}

#[test]
fn field_41_a_callbacks_task_of_something_else_is_passed_over_for_the_next_one() {
    let mut rig = given(1).stored(0, in_doubt).callbacks(secs(60)).start();
    rig.call(0, &["a", "b"]);
    rig.play(secs(1));
    assert_eq!(rig.finds(), ["a"]);
    rig.found(Some(other()));
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved]));
    rig.play(secs(2));
    assert_eq!(rig.finds(), ["b"]);
    rig.found(Some(working()));
    assert_eq!(rig.state(0).task().unwrap().as_str(), "b");
    assert_eq!(next_check(&mut rig), [false], "it was looked at when it was asked for");
    rig.polled(0, completed(1));
    assert_eq!(rig.is(0), "rendered");
}

#[test]
fn field_41_after_a_wrong_task_a_callback_still_ends_the_doubt() {
    let mut rig = given(1).stored(0, rendering("a")).callbacks(secs(60)).start();
    rig.polled(0, other());
    assert_eq!((rig.is(0), rig.ended()), ("in_doubt", None));
    rig.call(0, &["b"]);
    rig.play(secs(2));
    assert_eq!(rig.finds(), ["b"]);
    rig.found(Some(working()));
    assert_eq!(rig.is(0), "rendering");
}

#[test]
fn field_41_before_a_shot_is_bought_again_over_a_wrong_task_the_one_that_it_replaced_is_asked_for()
{
    // The right one was replaced by another's.
    let mut rig = given(1).stored(0, rendering("wrong")).resubmitting().start();
    rig.tells_former = true;
    rig.polled(0, other());
    assert_eq!(rig.is(0), "in_doubt");
    rig.play(secs(60));
    assert_eq!((rig.posts().len(), rig.ended()), (0, None));
    rig.former(&["wrong", "right", "anothers"]);
    assert_eq!(rig.finds(), ["right"]);
    rig.found(Some(working()));
    assert_eq!(rig.state(0).task().unwrap().as_str(), "right");
    rig.play(secs(60));
    assert_eq!((rig.posts().len(), rig.accounts(0)), (0, vec![Account::Reserved]));
    rig.polled(0, completed(1));
    assert_eq!((rig.is(0), rig.accounts(0)), ("rendered", vec![Account::Spent]));
}

#[test]
fn field_41_if_no_task_that_was_given_is_right_the_shot_goes_by_what_is_done_about_doubts() {
    for (given, posts) in [(given(1), 0), (given(1).resubmitting(), 1)] {
        let mut rig = given.stored(0, rendering("wrong")).start();
        rig.tells_former = true;
        rig.polled(0, other());
        rig.former(&["wrong", "gone", "anothers"]);
        rig.play(secs(1));
        rig.found(Some(missing()));
        assert_eq!(rig.finds(), ["anothers"]);
        rig.found(Some(other()));
        rig.play(secs(1));
        assert_eq!(rig.posts().len(), posts);
        assert_eq!(rig.is(0), if posts == 0 { "in_doubt" } else { "submitting" });
    }
}

#[test]
fn field_41_a_run_that_ended_before_it_asked_for_them_is_made_up_for_before_anything_is_bought() {
    let mut rig = given(1).stored(0, in_doubt).resubmitting().recovered();
    rig.tells_former = true;
    rig.carry_out();
    rig.play(secs(60));
    assert_eq!((rig.posts().len(), rig.ended()), (0, None));
    rig.former(&["wrong", "right"]);
    rig.play(secs(1));
    assert_eq!(rig.finds(), ["right"]);
    rig.found(Some(working()));
    rig.play(secs(60));
    assert_eq!((rig.posts().len(), rig.is(0)), (0, "rendering"));
}
