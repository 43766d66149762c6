//! Task ids that were replaced: tried if the gateway does not know the one that replaced them.

use super::given::{given, rendering, secs};
use super::rig::Rig;
use super::{completed, failed, missing, unclear, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::state::{Account, State};
use rushes::scheduler::{Effect, RunOutcome};

/// The gateway says for over a minute that it does not know a task.
fn unknown(rig: &mut Rig) {
    let begin = rig.now.elapsed;
    while !rig.begun.iter().any(|effect| matches!(effect, Effect::Former { .. })) {
        assert!(rig.now.elapsed < begin + secs(300));
        rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.polls().is_empty()).unwrap();
        rig.polled(0, missing());
    }
    assert!(rig.now.elapsed > begin + secs(60));
}

fn stalled() -> Rig {
    let given = given(1).limits(|limits| limits.attempts = 2);
    let mut rig = given.stored(0, rendering("mistyped")).start();
    unknown(&mut rig);
    rig
}

#[test]
fn field_41_a_former_task_that_the_gateway_knows_is_the_shots_again_and_is_durable() {
    let mut rig = stalled();
    rig.former(&["second", "first"]);
    assert_eq!(rig.finds(), ["second"], "the newest first");
    rig.found(Some(missing()));
    assert_eq!(rig.finds(), ["first"]);
    rig.found(Some(working()));
    let State::Rendering { task: now, stalled: None, .. } = rig.state(0) else {
        panic!("{:?}", rig.state(0))
    };
    assert_eq!((now.as_str(), rig.scheduler.progress().former), ("first", 1));
    assert_eq!((rig.accounts(0), rig.scheduler.in_flight), (vec![Account::Reserved], 1));
    rig.play(secs(6));
    rig.polled(0, completed(1));
    assert_eq!((rig.is(0), rig.accounts(0)), ("rendered", vec![Account::Spent]));
}

#[test]
fn field_41_without_one_that_the_gateway_knows_it_stays_stalled() {
    let mut rig = stalled();
    rig.former(&["anothers", "wrong", "unclear", "failed", "mistyped"]);
    rig.found(None);
    // It was replaced because it is another shot's.
    assert_eq!(rig.finds(), ["wrong"]);
    rig.found(Some(PollOutcome::OtherContent { why: "was rendered for something else".into() }));
    for _ in 0..2 {
        rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.finds().is_empty()).unwrap();
        assert_eq!(rig.finds(), ["unclear"]);
        rig.found(Some(unclear()));
    }
    // That one failed says nothing about the one that replaced it.
    assert_eq!(rig.finds(), ["failed"]);
    rig.found(Some(failed()));
    assert!(matches!(rig.state(0), State::Rendering { stalled: Some(_), .. }));
    assert_eq!(rig.state(0).task().unwrap().as_str(), "mistyped");
    assert_eq!((rig.accounts(0), rig.ended()), (vec![Account::Reserved], Some(RunOutcome::Done)));
}

#[test]
fn field_41_a_task_that_was_never_replaced_stalls_as_before() {
    let mut rig = stalled();
    rig.former(&[]);
    assert!(matches!(rig.state(0), State::Rendering { stalled: Some(_), .. }));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn field_41_of_ids_that_were_given_over_and_over_each_is_asked_for_once() {
    let mut rig = stalled();
    rig.former(&["a", "mistyped", "a", "b", "a"]);
    for task in ["a", "b"] {
        assert_eq!(rig.finds(), [task]);
        rig.found(Some(missing()));
    }
    assert_eq!((rig.finds().len(), rig.ended()), (0, Some(RunOutcome::Done)));
}
