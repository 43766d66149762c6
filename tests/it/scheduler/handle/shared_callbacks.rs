//! A run as one of several workers: calls of the gateway that reached another worker.

use std::time::Duration;

use super::given::{Given, given, in_doubt, rendering, secs};
use super::rig::Rig;
use super::shared::ROOM;
use super::{cut, missing, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::state::State;
use rushes::ledger::{News, Traffic};
use rushes::scheduler::{Effect, Event};

/// As many polls as are wanted may leave as soon as they are asked for.
fn may_poll(rig: &mut Rig) {
    rig.play(Duration::from_millis(1));
    let now = rig.now.elapsed;
    if rig.slot_request(Traffic::Polls).is_some() {
        rig.grant(Traffic::Polls, now, Duration::from_millis(1), 20);
    }
    rig.play(Duration::from_millis(20));
}

/// A run as one of several workers, to which the gateway can call; work is being asked for.
fn calling(given: Given) -> Rig {
    let mut rig = given.shared().callbacks(secs(60)).start();
    assert!(rig.want().is_some_and(|want| want.hears && want.doubts));
    rig
}

/// Hears of a call about the first shot that named these tasks.
fn hear_of(rig: &mut Rig, tasks: &[&str], news: News) {
    rig.play(secs(2));
    assert!(rig.want().is_some());
    rig.assign_called(&[], &[(0, tasks)], news);
}

/// The provider answers about the task that is being asked for.
fn found(rig: &mut Rig, outcome: PollOutcome) {
    let is_find = |effect: &Effect| matches!(effect, Effect::Find { .. });
    let at = rig.begun.iter().position(is_find).expect("no task is asked for");
    let Effect::Find { slot, task, .. } = rig.begun.remove(at) else { return };
    rig.tell(Event::Found { slot, task, outcome: Some(outcome) });
}

#[test]
fn a_worker_without_a_listener_does_not_hear_of_calls() {
    let mut rig = given(1).shared().start();
    assert_eq!(rig.want().map(|want| want.hears), Some(false));
}

#[test]
fn a_call_that_reached_another_worker_has_a_rendering_task_polled_at_once() {
    let mut rig = calling(given(1).stored(0, rendering("a")).limits(|limits| {
        limits.poll_every = secs(60);
    }));
    rig.assign(&[0], ROOM);
    may_poll(&mut rig);
    rig.polled(0, working());
    hear_of(&mut rig, &["a"], ROOM);
    assert_eq!(rig.finds(), Vec::<&str>::new());
    may_poll(&mut rig);
    assert_eq!(rig.polls(), [0]);
}

#[test]
fn a_call_that_reached_another_worker_finds_the_task_of_a_shot_in_doubt() {
    let mut rig = calling(given(1));
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, Duration::from_millis(10), secs(1), 1);
    rig.play(Duration::from_millis(20));
    rig.answer(0, cut());
    assert_eq!(rig.is(0), "in_doubt");
    hear_of(&mut rig, &["a"], ROOM);
    assert_eq!(rig.is(0), "in_doubt", "a hint, so far");
    may_poll(&mut rig);
    assert_eq!(rig.finds(), ["a"]);
    found(&mut rig, working());
    assert_eq!(rig.state(0).task().unwrap().as_str(), "a");
    assert_eq!(rig.posts(), Vec::<usize>::new());
}

#[test]
fn a_shot_in_doubt_is_handed_over_with_its_call_and_its_task_is_asked_for() {
    for resubmits in [false, true] {
        let given = given(1).stored(0, in_doubt);
        let mut rig = calling(if resubmits { given.resubmitting() } else { given });
        rig.assign_called(&[0], &[(0, &["z", "a"])], ROOM);
        may_poll(&mut rig);
        assert_eq!(rig.finds(), ["z"]);
        found(&mut rig, missing());
        rig.play(secs(1));
        may_poll(&mut rig);
        assert_eq!(rig.finds(), ["a"]);
        found(&mut rig, working());
        assert_eq!((rig.is(0), rig.posts()), ("rendering", vec![]));
    }
}

#[test]
fn a_call_that_comes_with_the_word_that_all_is_done_is_heard_first() {
    let mut rig = calling(given(1).stored(0, in_doubt));
    rig.assign(&[0], ROOM);
    // Longer than a call is waited for.
    for _ in 0..70 {
        rig.play(secs(1));
        assert!(rig.want().is_some());
        rig.assign(&[], ROOM);
    }
    rig.play(secs(1));
    assert_eq!(rig.want().map(|want| want.is_idle), Some(true));
    rig.assign_called(&[], &[(0, &["a"])], News { is_over: true, ..ROOM });
    assert_eq!(rig.ended(), None);
    may_poll(&mut rig);
    found(&mut rig, working());
    assert!(matches!(rig.state(0), State::Rendering { .. }));
}
