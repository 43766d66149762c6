//! What each answer to a POST means: the shot's state, its money, when it is sent again, and what
//! becomes of the others.

use std::time::Duration;

use super::given::{Given, given, secs};
use super::rig::Rig;
use super::{bought, cut, not_sent, refused, throttled};
use rushes::domain::outcome::SubmitOutcome;
use rushes::domain::state::{Account, AttemptOutcome, Failure, State};
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

/// Two shots of which the first is on the wire, and the second waits for its place.
fn one_on_the_wire() -> Rig {
    one_of(given(2))
}

fn one_of(given: Given) -> Rig {
    let mut rig = given.limits(|limits| limits.in_flight = 1).start();
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0]);
    rig
}

/// How long it takes until a POST of this shot is on the wire.
fn until_sent(rig: &mut Rig, row: usize) -> Option<Duration> {
    let end = rig.now.elapsed + secs(600);
    rig.play_until(end, |rig| rig.posts().contains(&row))
}

#[test]
fn a_bought_shot_renders_and_is_polled_and_its_price_stays_reserved() {
    let mut rig = one_on_the_wire();
    rig.answer(0, bought("a"));
    assert_eq!((rig.is(0), rig.accounts(0)), ("rendering", vec![Account::Reserved]));
    assert_eq!(rig.attempts[0].outcome, Some(AttemptOutcome::Bought));
    let end = rig.now.elapsed + secs(60);
    assert_eq!(rig.play_until(end, |rig| !rig.polls().is_empty()), Some(secs(5)));
    assert_eq!(rig.posts(), [0_usize; 0], "the place is still taken");
}

#[test]
fn a_request_that_was_not_sent_is_queued_again_and_all_wait_a_moment() {
    let mut rig = one_of(given(2).limits(|limits| limits.attempts = 2));
    rig.answer(0, not_sent());
    assert_eq!((rig.is(0), rig.accounts(0)), ("queued", vec![Account::Released]));
    assert_eq!(rig.state(0).why(), Some("no route"));
    assert_eq!(rig.posts(), [0_usize; 0], "nothing is sent at once");
    assert!(until_sent(&mut rig, 0).unwrap() <= secs(1));
    assert_eq!(rig.stopped(), None);
}

#[test]
fn a_gateway_that_was_never_reached_ends_the_run_after_the_attempts() {
    let mut rig = one_of(given(2).limits(|limits| limits.attempts = 2));
    rig.answer(0, not_sent());
    until_sent(&mut rig, 0).unwrap();
    rig.answer(0, not_sent());
    let why = StopReason::Unreached("no route".into());
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(why)));
    assert_eq!((rig.is(0), rig.is(1)), ("queued", "queued"));
}

#[test]
fn a_gateway_that_was_reached_once_is_waited_for() {
    let mut rig = one_of(given(2).limits(|limits| limits.attempts = 2));
    rig.answer(0, throttled(None));
    for _ in 0..10 {
        until_sent(&mut rig, 0).unwrap();
        rig.answer(0, not_sent());
    }
    assert_eq!(rig.stopped(), None);
}

#[test]
fn a_429_queues_the_shot_again_and_slows_all_down() {
    let mut rig = one_on_the_wire();
    rig.answer(0, throttled(None));
    assert_eq!((rig.is(0), rig.accounts(0)), ("queued", vec![Account::Released]));
    assert_eq!(rig.refusals(0), 0, "a 429 is no refusal of this shot");
    assert_eq!(rig.posts(), [0_usize; 0]);
    let pause = until_sent(&mut rig, 0).unwrap();
    assert!(!pause.is_zero() && pause <= secs(1) + Duration::from_millis(10), "{pause:?}");
    assert_eq!(rig.scheduler.throttled.places(), 2, "half the pace");
    assert_eq!(rig.stopped(), None);
}

#[test]
fn a_429_with_retry_after_holds_all_back_for_that_long() {
    let mut rig = given(3).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(1));
    rig.answer(1, throttled(Some(secs(30))));
    rig.answer(0, SubmitOutcome::Rejected { why: "no".into() });
    rig.play(Duration::from_millis(29_999));
    assert_eq!(rig.posts(), [0_usize; 0], "neither it nor the third");
    rig.play(Duration::from_millis(20));
    assert_eq!(rig.posts(), [1, 2]);
}

#[test]
fn a_5xx_is_retried_while_others_go_on_and_is_kept_as_unconfirmed() {
    let mut rig = one_on_the_wire();
    let retry_after = Some(secs(20));
    rig.answer(
        0,
        SubmitOutcome::ServerError {
            status: 500,
            from_proxy: false,
            retry_after,
            why: "oh".into(),
        },
    );
    assert_eq!((rig.is(0), rig.accounts(0)), ("queued", vec![Account::Unconfirmed]));
    assert_eq!((rig.refusals(0), rig.posts()), (1, vec![1]), "the other is sent at once");
    rig.answer(1, SubmitOutcome::Rejected { why: "no".into() });
    assert_eq!(until_sent(&mut rig, 0), Some(secs(20)));
}

#[test]
fn a_shot_that_is_refused_as_often_as_allowed_fails() {
    let mut rig = one_of(given(1).limits(|limits| limits.attempts = 3));
    for refusals in 1..=3 {
        rig.answer(0, refused(503));
        assert_eq!(rig.refusals(0), refusals);
        let waits = (1_u64 << refusals).saturating_sub(1);
        let sent = until_sent(&mut rig, 0);
        assert_eq!(sent.is_some(), refusals < 3);
        assert!(sent.unwrap_or_default() <= secs(waits));
    }
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::RefusedTooOften, .. }));
    assert_eq!(rig.accounts(0), [Account::Unconfirmed; 3]);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn strict_takes_a_proxys_5xx_for_a_doubt_and_the_gateways_own_for_a_refusal() {
    for (status, state, account) in [
        (500, "queued", Account::Unconfirmed),
        (503, "queued", Account::Unconfirmed),
        (502, "in_doubt", Account::Reserved),
        (504, "in_doubt", Account::Reserved),
        (520, "in_doubt", Account::Reserved),
        (524, "in_doubt", Account::Reserved),
    ] {
        let mut rig = one_of(given(2).options(|options| options.rules.strict = true));
        rig.answer(0, refused(status));
        assert_eq!((rig.is(0), rig.accounts(0)), (state, vec![account]), "{status}");
        assert_eq!(rig.posts(), [1], "{status}");
    }
}

#[test]
fn a_rejected_shot_fails_alone() {
    let mut rig = one_on_the_wire();
    rig.answer(0, SubmitOutcome::Rejected { why: "too long".into() });
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::Rejected, .. }));
    assert_eq!(rig.state(0).why(), Some("too long"));
    assert_eq!(rig.accounts(0), [Account::Released]);
    assert_eq!((rig.posts(), rig.stopped()), (vec![1], None));
}

#[test]
fn a_bad_key_no_credit_and_a_wrong_address_stop_submitting_and_leave_all_queued() {
    let why = || "no".to_owned();
    for (outcome, reason) in [
        (SubmitOutcome::BadKey { why: why() }, StopReason::Key(why())),
        (SubmitOutcome::NoCredit { why: why() }, StopReason::Credit(why())),
        (SubmitOutcome::WrongAddress { why: why() }, StopReason::Address(why())),
    ] {
        let mut rig = given(3).limits(|limits| limits.in_flight = 2).start();
        rig.play(secs(1));
        rig.answer(1, bought("b"));
        rig.answer(0, outcome);
        assert_eq!((rig.is(0), rig.accounts(0)), ("queued", vec![Account::Released]));
        assert_eq!(rig.stopped(), Some(&reason));
        rig.play(secs(60));
        assert_eq!((rig.posts(), rig.is(2)), (vec![], "queued"), "{reason}");
        assert_eq!((rig.polls(), rig.ended()), (vec![1], None), "what is bought is still polled");
    }
}

#[test]
fn a_cut_answer_leaves_the_shot_in_doubt_with_its_price_reserved() {
    let mut rig = one_on_the_wire();
    rig.answer(0, cut());
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved]));
    assert_eq!(rig.posts(), [1], "its place is free");
    rig.answer(1, bought("b"));
    assert_eq!(until_sent(&mut rig, 0), None, "it is not bought again");
}

#[test]
fn with_resubmit_a_doubt_is_bought_again_and_both_prices_count() {
    let mut rig = one_of(given(1).resubmitting());
    rig.answer(0, cut());
    assert!(until_sent(&mut rig, 0).unwrap() < secs(1));
    assert_eq!(rig.accounts(0), [Account::Reserved; 2]);
    rig.answer(0, bought("a"));
    assert_eq!((rig.is(0), rig.accounts(0)), ("rendering", vec![Account::Reserved; 2]));
}

#[test]
fn a_resubmit_that_was_not_bought_leaves_the_first_doubt_reserved() {
    let mut rig = one_of(given(1).resubmitting());
    rig.answer(0, cut());
    until_sent(&mut rig, 0).unwrap();
    rig.answer(0, SubmitOutcome::Rejected { why: "no".into() });
    assert_eq!(rig.is(0), "in_doubt");
    assert_eq!(rig.accounts(0), [Account::Reserved, Account::Released]);
}

#[test]
fn a_doubt_is_resubmitted_as_often_as_attempts_allow() {
    let mut rig = one_of(given(1).limits(|limits| limits.attempts = 2).resubmitting());
    for _ in 0..2 {
        rig.answer(0, cut());
        until_sent(&mut rig, 0).unwrap();
    }
    rig.answer(0, cut());
    assert_eq!(until_sent(&mut rig, 0), None);
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved; 3]));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn a_local_file_that_cannot_be_read_keeps_the_shot_queued_and_sends_nothing() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).with_file(0).start();
    assert_eq!(rig.loads(), [0]);
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    rig.tell(Event::Loaded { slot, files: Err("a.png is gone".into()) });
    rig.play(secs(60));
    assert_eq!((rig.is(0), rig.state(0).why()), ("queued", Some("a.png is gone")));
    assert_eq!((rig.posts(), rig.attempts.len()), (vec![1], 1), "the other goes on");
}
