//! What stops submitting, what ends polls and downloads too, and how a run ends.

use std::time::Duration;

use super::given::{BEGAN, given, rendered, rendering, secs};
use super::rig::Rig;
use super::{bad_key, bought, completed, cut, failed, rejected, stored, throttled, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::state::{Account, AttemptOutcome};
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

const NONE: [usize; 0] = [];

/// Two shots on the wire and two that are claimed, but not yet durably.
fn claiming() -> Rig {
    let mut rig = given(6).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0, 1]);
    rig.scheduler.options.limits.in_flight = 4;
    rig.hear(Event::Tick);
    rig
}

/// What was claimed was written down as not sent, and stays queued.
fn assert_not_sent(rig: &Rig) {
    for row in [2, 3] {
        assert_eq!((rig.is(row), rig.accounts(row)), ("queued", vec![Account::Released]));
    }
    let outcomes = rig.attempts.iter().map(|attempt| attempt.outcome);
    assert_eq!(outcomes.filter(|it| *it == Some(AttemptOutcome::NotSent)).count(), 2);
}

#[test]
fn what_is_claimed_when_the_run_stops_does_not_leave_and_is_written_down_as_not_sent() {
    let mut rig = claiming();
    rig.hear_answer(0, bad_key());
    rig.carry_out();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [1]);
    assert_not_sent(&rig);
}

#[test]
fn what_is_claimed_when_the_user_interrupts_does_not_leave_and_is_written_down_as_not_sent() {
    let mut rig = claiming();
    rig.hear(Event::Cancelled);
    rig.carry_out();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0, 1]);
    assert_not_sent(&rig);
}

#[test]
fn what_is_claimed_when_the_user_pauses_does_not_leave_and_goes_when_the_run_goes_on() {
    let mut rig = claiming();
    rig.pause(true);
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0, 1]);
    assert_not_sent(&rig);
    rig.pause(false);
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0, 1, 2, 3]);
}

#[test]
fn what_was_not_sent_makes_no_others_wait() {
    let mut rig = claiming();
    rig.pause(true);
    rig.pause(false);
    assert_eq!(rig.scheduler.outage.quiet_until(), Duration::ZERO);
    rig.play(Duration::from_millis(50));
    assert_eq!(rig.posts(), [0, 1, 2, 3]);
}

#[test]
fn files_that_are_read_after_a_stop_send_nothing() {
    let mut rig = given(3).with_file(1).start();
    rig.play(Duration::from_millis(1));
    rig.play(Duration::from_millis(1));
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    rig.answer(0, bad_key());
    rig.tell(Event::Loaded { slot, files: Ok(rushes::provider::LoadedFiles::default()) });
    rig.play(secs(60));
    assert!(!rig.posts().contains(&1));
    assert_eq!((rig.is(1), rig.accounts(1)), ("queued", vec![]));
}

#[test]
fn while_the_run_is_paused_nothing_is_sent_and_the_rest_goes_on() {
    let mut given = given(4).stored(0, rendering("a")).stored(1, rendered(1));
    given.paused = true;
    let mut rig = given.start();
    rig.play(secs(600));
    assert_eq!((rig.posts(), rig.polls(), rig.downloads()), (vec![], vec![0], vec![1]));
    assert!(rig.scheduler.progress().paused);
    rig.polled(0, completed(1));
    rig.downloaded(0, stored());
    rig.downloaded(1, stored());
    assert_eq!(rig.ended(), None, "it waits for the user");
    rig.pause(false);
    rig.play(secs(1));
    assert_eq!(rig.posts(), [2, 3]);
}

#[test]
fn the_deadline_stops_submitting_and_what_is_bought_is_finished() {
    let mut rig = given(3)
        .limits(|limits| limits.in_flight = 1)
        .options(|options| options.deadline = Some(BEGAN.plus(secs(60))))
        .start();
    rig.answer(0, bought("a"));
    rig.play(Duration::from_millis(59_999));
    assert_eq!(rig.stopped(), None);
    rig.play(Duration::from_millis(1));
    assert_eq!(rig.stopped(), Some(&StopReason::Deadline));
    rig.polled(0, completed(1));
    rig.downloaded(0, stored());
    assert_eq!((rig.is(0), rig.posts()), ("delivered", vec![]));
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Deadline)));
}

#[test]
fn the_run_wakes_by_itself_at_its_deadline() {
    let mut rig = given(2)
        .limits(|limits| limits.in_flight = 1)
        .options(|options| options.deadline = Some(BEGAN.plus(secs(60))))
        .start();
    let slept = rig.play_until(secs(600), |rig| rig.stopped().is_some());
    assert_eq!(slept, Some(secs(60)));
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_move_the_deadline() {
    let mut rig = given(3)
        .limits(|limits| limits.in_flight = 1)
        .options(|options| options.deadline = Some(BEGAN.plus(secs(60))))
        .start();
    rig.play(secs(30));
    rig.set_clock_back(secs(3600));
    rig.play(secs(30));
    rig.answer(0, rejected());
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.stopped()), (vec![], Some(&StopReason::Deadline)));
}

#[test]
fn a_deadline_with_nothing_left_to_submit_stops_nothing() {
    let mut rig = given(1).options(|options| options.deadline = Some(BEGAN.plus(secs(60)))).start();
    rig.answer(0, bought("a"));
    rig.play(secs(600));
    rig.polled(0, completed(1));
    rig.downloaded(0, stored());
    assert_eq!(rig.stopped(), None);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn so_many_failures_as_are_allowed_stop_submitting() {
    let mut rig = given(6)
        .limits(|limits| limits.in_flight = 3)
        .options(|options| options.max_failures = Some(2))
        .start();
    rig.play(secs(1));
    rig.answer(0, rejected());
    assert_eq!(rig.stopped(), None);
    rig.answer(1, rejected());
    rig.play(secs(60));
    assert_eq!(rig.stopped(), Some(&StopReason::Failures(2)));
    assert!(!rig.posts().contains(&4), "{:?}", rig.posts());
    for row in rig.posts() {
        rig.answer(row, cut());
    }
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Failures(2))));
}

#[test]
fn failures_with_nothing_left_to_submit_are_no_early_stop() {
    let mut rig = given(1).options(|options| options.max_failures = Some(1)).start();
    rig.answer(0, rejected());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

/// Answers the one shot's POST with 429s so long apart, and says after how many the run stopped.
fn rounds_of_429(rig: &mut Rig, row: usize, apart: Duration) -> Option<u32> {
    (1..=30).find(|_| {
        let end = rig.now.elapsed + secs(7200);
        rig.play_until(end, |rig| rig.posts() == [row]).unwrap();
        rig.answer(row, throttled(Some(apart)));
        rig.stopped().is_some()
    })
}

#[test]
fn ten_rounds_of_429_over_ten_minutes_with_nothing_accepted_stop_the_run() {
    let mut rig = given(1).start();
    assert_eq!(rounds_of_429(&mut rig, 0, secs(70)), Some(10));
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Throttled(_)))));
    assert_eq!(rig.is(0), "queued");
}

#[test]
fn ten_rounds_of_429_in_less_than_ten_minutes_go_on() {
    let mut rig = given(1).start();
    assert_eq!(rounds_of_429(&mut rig, 0, secs(30)), Some(21), "ten minutes are twenty pauses");
}

#[test]
fn rounds_of_429_are_waited_out_while_something_is_in_flight() {
    let mut rig = given(2).start();
    rig.play(secs(1));
    rig.answer(0, bought("a"));
    assert_eq!(rounds_of_429(&mut rig, 1, secs(70)), None);
    rig.polled(0, super::failed());
    assert!(matches!(rig.stopped(), Some(StopReason::Throttled(_))));
}

#[test]
fn something_that_is_accepted_breaks_the_row_of_429s() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).start();
    for _ in 0..9 {
        rig.play_until(rig.now.elapsed + secs(7200), |rig| rig.posts() == [0]).unwrap();
        rig.answer(0, throttled(Some(secs(100))));
    }
    rig.play_until(rig.now.elapsed + secs(7200), |rig| rig.posts() == [0]).unwrap();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    rig.polled(0, super::failed());
    assert_eq!(rounds_of_429(&mut rig, 1, secs(70)), Some(10));
}

#[test]
fn a_key_that_is_refused_by_a_poll_ends_polls_and_downloads_too() {
    let mut rig =
        given(4).stored(0, rendering("a")).stored(1, rendering("b")).stored(2, rendered(1)).start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.downloads()), (vec![3], vec![2]));
    rig.polled(0, PollOutcome::BadKey { why: "no".into() });
    assert_eq!((rig.polls(), rig.downloads(), rig.posts()), (vec![], vec![], vec![3]));
    assert!(matches!(rig.stopped(), Some(StopReason::Key(_))));
    assert_eq!((rig.is(0), rig.ended()), ("rendering", None), "a POST is on the wire");
    rig.answer(3, bought("d"));
    assert_eq!(rig.is(3), "rendering");
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Key(_)))));
    rig.play(secs(600));
    assert_eq!(rig.polls(), NONE);
}

#[test]
fn after_the_users_interrupt_answers_on_the_wire_are_still_taken_and_written() {
    let mut rig = given(5).stored(0, rendering("a")).stored(1, rendered(1)).start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.polls(), rig.downloads()), (vec![2, 3, 4], vec![0], vec![1]));
    rig.tell(Event::Cancelled);
    assert_eq!((rig.polls(), rig.downloads()), (vec![], vec![]));
    rig.play(secs(60));
    assert_eq!(rig.ended(), None);
    rig.answer(2, bought("c"));
    rig.answer(3, throttled(None));
    assert_eq!(rig.ended(), None);
    rig.answer(4, cut());
    rig.play(secs(600));
    assert_eq!([2, 3, 4].map(|row| rig.is(row)), ["rendering", "queued", "in_doubt"]);
    assert_eq!((rig.posts(), rig.polls()), (vec![], vec![]));
    assert_eq!(rig.ended(), Some(RunOutcome::Interrupted));
}

#[test]
fn an_interrupt_wins_over_an_earlier_stop() {
    let mut rig = given(2).start();
    rig.play(secs(1));
    rig.answer(0, bad_key());
    rig.tell(Event::Cancelled);
    rig.answer(1, bad_key());
    assert_eq!(rig.ended(), Some(RunOutcome::Interrupted));
}

#[test]
fn the_first_reason_to_stop_stays() {
    let mut rig = given(2).start();
    rig.play(secs(1));
    rig.answer(0, bad_key());
    rig.answer(1, rushes::domain::outcome::SubmitOutcome::NoCredit { why: "none".into() });
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Key(_)))));
}

#[test]
fn a_panic_in_a_post_ends_the_run_once_the_others_are_answered() {
    let mut rig = given(3).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(1));
    let _slot = rig.take_post(0);
    rig.tell(Event::Panicked { was_post: true, why: "oh".into() });
    assert_eq!((rig.is(0), rig.accounts(0)), ("submitting", vec![Account::Reserved]));
    assert_eq!(rig.ended(), None);
    rig.answer(1, bought("b"));
    rig.play(secs(60));
    assert_eq!((rig.is(1), rig.posts()), ("rendering", vec![]));
    let why = StopReason::Defect("oh".into());
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(why)));
}

#[test]
fn a_panic_in_a_poll_forgets_no_post() {
    let mut rig = given(2).stored(0, rendering("a")).start();
    rig.play(secs(1));
    let _slots = rig.take_poll(0);
    rig.tell(Event::Panicked { was_post: false, why: "oh".into() });
    assert_eq!((rig.ended(), rig.posts()), (None, vec![1]));
    rig.answer(1, bought("b"));
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Defect(_)))));
}

#[test]
fn an_event_that_cannot_happen_ends_the_run_and_changes_nothing() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    let slots = rig.take_poll(0);
    let slots = [slots.clone(), slots].concat();
    rig.tell(Event::Polled { slots, outcomes: vec![failed(), working()] });
    assert_eq!(rig.is(0), "failed");
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Defect(_)))));
}
