//! Answers to polls that may be a task's last word: reasons without a clip, completed without
//! anything, error codes; and what becomes of stalled tasks while the run goes on.

use super::given::{given, rendering, secs};
use super::rig::Rig;
use super::{bought, completed, unclear, working};
use rushes::domain::outcome::{FailedTask, PollOutcome, Unresolved};
use rushes::domain::state::{Account, Failure, State};

fn says(kind: Unresolved, why: &str) -> PollOutcome {
    PollOutcome::Unresolved { kind, why: why.into() }
}

/// Polls of a shot are answered so until something is decided or `most` seconds have passed; how
/// many seconds that took.
fn until_decided(rig: &mut Rig, row: usize, most: u64, say: impl Fn(u32) -> PollOutcome) -> u64 {
    let (began, mut nth) = (rig.now.elapsed, 0);
    let is_open = |state: &State| matches!(state, State::Rendering { stalled: None, .. });
    while is_open(rig.state(row)) && rig.now.elapsed.saturating_sub(began) < secs(most) {
        let end = rig.now.elapsed + secs(120);
        rig.play_until(end, |rig| rig.polls().contains(&row)).unwrap();
        rig.polled(row, say(nth));
        nth += 1;
    }
    rig.now.elapsed.saturating_sub(began).as_secs()
}

fn rendering_one() -> Rig {
    given(1).stored(0, rendering("a")).start()
}

#[test]
fn field_03_completed_with_a_reason_and_no_clip_fails_with_it_and_its_price_stays_reserved() {
    let mut rig = rendering_one();
    let said = |_| says(Unresolved::CompletedWithReason, "CONTENT_MODERATION: no");
    let took = until_decided(&mut rig, 0, 3600, said);
    assert!((30..60).contains(&took), "{took}");
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::Unsettled, .. }));
    let why = rig.state(0).why().unwrap();
    assert!(
        why.starts_with("CONTENT_MODERATION: no (") && why.contains("perhaps charged"),
        "{why}"
    );
    assert_eq!(rig.accounts(0), [Account::Reserved]);
}

#[test]
fn field_04_an_end_state_fails_with_its_reason_and_its_price_goes_by_failed_tasks() {
    for (is_charged, account) in [(false, Account::Released), (true, Account::Spent)] {
        let mut given = given(1).stored(0, rendering("a"));
        given.entries[0].0.charged_if_failed = is_charged;
        let mut rig = given.start();
        let kind = Unresolved::Ended(FailedTask { is_luck: false, is_canceled: true });
        until_decided(&mut rig, 0, 3600, |_| says(kind, "canceled by the operator"));
        let state = rig.state(0);
        assert!(matches!(state, State::Failed { failure: Failure::NotRendered, .. }), "{state:?}");
        assert_eq!(state.why(), Some("canceled by the operator"));
        assert_eq!(rig.accounts(0), [account]);
    }
}

#[test]
fn field_04_a_canceled_tasks_price_goes_by_canceled_tasks_where_the_catalog_says_so() {
    for (canceled, is_canceled, account) in [
        (Some(true), true, Account::Spent),
        (Some(true), false, Account::Released),
        (Some(false), true, Account::Released),
        (Some(false), false, Account::Spent),
    ] {
        let mut given = given(1).stored(0, rendering("a"));
        given.entries[0].0.charged_if_failed = canceled == Some(false);
        given.options.rules.canceled_tasks_charged = canceled;
        let mut rig = given.start();
        let kind = Unresolved::Ended(FailedTask { is_luck: false, is_canceled });
        until_decided(&mut rig, 0, 3600, |_| says(kind, "canceled by the operator"));
        assert_eq!(rig.accounts(0), [account], "{canceled:?} {is_canceled}");
    }
}

#[test]
fn field_04_a_reason_under_any_other_state_stalls_and_is_not_bought_again() {
    let given = given(1).stored(0, rendering("a")).resubmitting();
    let mut rig = given.limits(|limits| limits.rerolls = 3).start();
    let took = until_decided(&mut rig, 0, 3600, |_| says(Unresolved::OtherWithReason, "odd"));
    assert!((30..60).contains(&took), "{took}");
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendering", Some("odd")));
    assert_eq!((rig.accounts(0), rig.posts()), (vec![Account::Reserved], vec![]));
}

#[test]
fn field_03_a_reason_that_changes_or_is_taken_back_decides_nothing() {
    let mut rig = rendering_one();
    let words = ["one", "two"];
    let kind = Unresolved::CompletedWithReason;
    until_decided(&mut rig, 0, 600, |nth| says(kind, words[nth as usize % 2]));
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendering", None));
    until_decided(&mut rig, 0, 600, |nth| if nth % 2 == 0 { working() } else { says(kind, "one") });
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendering", None));
}

#[test]
fn field_03_a_reason_is_counted_through_answers_that_say_nothing() {
    let mut rig = rendering_one();
    let kind = Unresolved::CompletedWithReason;
    let took =
        until_decided(
            &mut rig,
            0,
            600,
            |nth| if nth % 2 == 0 { says(kind, "no") } else { unclear() },
        );
    assert!(took < 120, "{took}");
    assert_eq!(rig.is(0), "failed");
}

#[test]
fn field_03_completed_without_anything_for_five_minutes_is_stalled_with_one_sentence() {
    let mut rig = rendering_one();
    let took = until_decided(&mut rig, 0, 3600, |_| says(Unresolved::CompletedEmpty, "nothing"));
    assert!((300..400).contains(&took), "{took}");
    let why = "the gateway calls it completed and names neither a clip nor a reason";
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendering", Some(why)));
    assert_eq!(rig.accounts(0), [Account::Reserved]);
}

#[test]
fn field_09_the_same_code_for_five_minutes_is_stalled_while_other_tasks_are_answered_clearly() {
    let mut rig = given(2).stored(0, rendering("a")).stored(1, rendering("b")).start();
    let code = |_: u32| says(Unresolved::Coded(422), "422: generation failed: moderation");
    while matches!(rig.state(0), State::Rendering { stalled: None, .. }) {
        assert!(rig.now.elapsed < secs(500));
        rig.play(secs(5));
        if rig.polls().contains(&1) {
            rig.polled(1, working());
        }
        if rig.polls().contains(&0) {
            rig.polled(0, code(0));
        }
    }
    assert!(rig.now.elapsed >= secs(300));
    assert!(rig.state(0).why().unwrap().contains("422: generation failed: moderation"));
}

#[test]
fn field_09_the_same_code_about_all_tasks_stalls_none_of_them_early() {
    let mut rig = given(2).stored(0, rendering("a")).stored(1, rendering("b")).start();
    while rig.now.elapsed < secs(1200) {
        rig.play(secs(5));
        for row in rig.polls() {
            rig.polled(row, says(Unresolved::Coded(422), "no"));
        }
    }
    assert_eq!((rig.state(0).why(), rig.state(1).why()), (None, None));
}

#[test]
fn a_stalled_task_is_polled_every_ten_minutes_while_the_run_has_other_work() {
    let mut given =
        given(2).limits(|limits| (limits.in_flight, limits.render_timeout) = (1, secs(60)));
    given.options.limits.poll_every = secs(5);
    let mut rig = given.stored(0, rendering("a")).start();
    until_decided(&mut rig, 0, 600, |_| working());
    let stalled = rig.now.elapsed;
    rig.play(secs(1));
    assert_eq!(rig.posts(), [1], "its place is free");
    rig.play(secs(590));
    assert!(!rig.polls().contains(&0));
    rig.play_until(stalled + secs(601), |rig| rig.polls().contains(&0)).unwrap();
    assert!(rig.now.elapsed >= stalled + secs(600));
    rig.polled(0, unclear());
    rig.play(secs(300));
    assert!(!rig.polls().contains(&0), "an answer that says nothing leaves it as it is");
    rig.play_until(rig.now.elapsed + secs(301), |rig| rig.polls().contains(&0)).unwrap();
    rig.polled(0, completed(1));
    assert_eq!((rig.is(0), rig.downloads()), ("rendered", vec![0]));
}

#[test]
fn a_stalled_task_keeps_no_run_from_its_end() {
    let mut rig = given(1).limits(|limits| limits.render_timeout = secs(60));
    rig = rig.stored(0, rendering("a"));
    let mut rig = rig.start();
    until_decided(&mut rig, 0, 600, |_| working());
    assert!(rig.ended().is_some());
}

#[test]
fn field_12_a_task_that_has_not_begun_after_a_minute_is_noted_and_forgotten_when_it_begins() {
    let waits = || PollOutcome::Working { is_waiting: true, unknown: None };
    let mut rig = given(1).start();
    rig.answer(0, bought("a"));
    for _ in 0..10 {
        rig.play(secs(5));
        rig.polled(0, waits());
    }
    assert!(!rig.is_waiting(0), "an ordinary queue is not written down");
    for _ in 0..5 {
        rig.play(secs(5));
        rig.polled(0, waits());
    }
    assert!(rig.is_waiting(0));
    rig.play(secs(5));
    rig.polled(0, working());
    assert!(!rig.is_waiting(0));
}
