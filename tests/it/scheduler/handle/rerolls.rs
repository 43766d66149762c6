//! Failed tasks that are bought again, shares of failures that stop a run, and late tasks.

use super::given::{Given, given, rendering, secs, usd};
use super::rig::Rig;
use super::{bought, completed, cut, failed, rejected, stored, working};
use rushes::domain::money::Usd;
use rushes::domain::outcome::{FailedTask, PollOutcome};
use rushes::domain::state::{Account, Failure, State};
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

fn unlucky() -> PollOutcome {
    let kind = FailedTask { is_luck: true, is_canceled: false };
    PollOutcome::Failed { why: "UPSTREAM_FAILED".into(), kind }
}

fn rerolling(given: Given, rerolls: u32) -> Given {
    let mut given = given.limits(|limits| limits.rerolls = rerolls);
    given.options.rules.rerolls = rerolls;
    given
}

/// The POST of a shot is answered with a task, and its poll with `end`.
fn live(rig: &mut Rig, row: usize, name: &str, end: PollOutcome) {
    let until = rig.now.elapsed + secs(60);
    rig.play_until(until, |rig| rig.posts().contains(&row)).unwrap();
    rig.answer(row, bought(name));
    rig.play_until(until, |rig| rig.polls().contains(&row)).unwrap();
    rig.polled(row, end);
}

/// The ledger says whether another attempt's price is reserved.
fn ledger_says(rig: &mut Rig, is_reserved: bool) {
    let Effect::Reserved { slot, .. } = rig.take_other() else { panic!("it is not asked") };
    rig.tell(Event::Reserved { slot, is_reserved });
}

#[test]
fn field_11_a_failure_by_luck_is_bought_again_as_often_as_rerolls_allow() {
    let mut rig = rerolling(given(1), 2).start();
    for name in ["a", "b"] {
        live(&mut rig, 0, name, unlucky());
        assert_eq!(rig.is(0), "failed", "it is durable before the ledger is asked");
        ledger_says(&mut rig, false);
        assert_ne!(rig.is(0), "failed", "it is bought again");
    }
    live(&mut rig, 0, "c", unlucky());
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::Unlucky, .. }));
    assert_eq!(rig.accounts(0), [Account::Released; 3]);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn field_11_nothing_is_bought_again_by_default_or_for_other_failures() {
    let mut rig = given(1).start();
    live(&mut rig, 0, "a", unlucky());
    assert_eq!((rig.is(0), rig.ended()), ("failed", Some(RunOutcome::Done)));
    let mut rig = rerolling(given(1), 2).start();
    live(&mut rig, 0, "a", failed());
    assert_eq!((rig.is(0), rig.ended()), ("failed", Some(RunOutcome::Done)));
}

#[test]
fn field_11_a_shot_with_another_reserved_attempt_is_not_bought_again() {
    let mut rig = rerolling(given(1), 2).start();
    live(&mut rig, 0, "a", unlucky());
    ledger_says(&mut rig, true);
    assert_eq!((rig.is(0), rig.posts(), rig.ended()), ("failed", vec![], Some(RunOutcome::Done)));
}

/// A shot whose task failed by luck in an earlier run.
fn unlucky_before(rerolls: u32, count: u32) -> Given {
    let mut given = rerolling(given(count), 2).stored(0, |attempt| State::Failed {
        attempt: Some(attempt),
        failure: Failure::Unlucky,
        why: "UPSTREAM_FAILED".into(),
    });
    given.entries[0].0.status.rerolls = rerolls;
    given
}

#[test]
fn field_11_the_next_run_takes_up_what_an_earlier_one_left_and_fetch_does_not() {
    let mut rig = unlucky_before(0, 1).start();
    ledger_says(&mut rig, false);
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0]);
    let mut rig = unlucky_before(0, 1).options(|options| options.submit = false).start();
    assert_eq!((rig.begun.len(), rig.ended()), (0, Some(RunOutcome::Done)));
    let mut rig = unlucky_before(2, 1).start();
    assert_eq!((rig.is(0), rig.ended()), ("failed", Some(RunOutcome::Done)), "they are used up");
}

#[test]
fn field_11_retry_failed_gives_as_many_more() {
    let given = unlucky_before(2, 1).options(|options| options.retry_failed = true);
    let mut rig = given.start();
    live(&mut rig, 0, "b", unlucky());
    ledger_says(&mut rig, false);
    assert_ne!(rig.is(0), "failed");
}

#[test]
fn field_11_a_reroll_is_an_attempt_under_the_cap() {
    let mut given = rerolling(given(1), 5).cap("2");
    given.entries[0].0.charged_if_failed = true;
    given.options.rules.failed_tasks_charged = true;
    let mut rig = given.start();
    for name in ["a", "b"] {
        live(&mut rig, 0, name, unlucky());
        ledger_says(&mut rig, false);
    }
    rig.play(secs(600));
    assert_eq!((rig.posts(), rig.accounts(0)), (vec![], vec![Account::Spent; 2]));
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Cap { held: 1 })));
}

#[test]
fn a_share_of_failures_of_the_last_fifty_stops_the_run_from_twenty_on() {
    let share = |percent, fails: fn(usize) -> bool| {
        let given = given(100).options(|options| options.max_failure_percent = Some(percent));
        let mut rig = given.limits(|limits| limits.posts = Some(1)).start();
        for row in 0..100 {
            if rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.posts().is_empty()).is_none() {
                return (row, rig.stopped().cloned());
            }
            rig.answer(row, bought(&format!("task-{row}")));
            rig.play_until(rig.now.elapsed + secs(60), |rig| rig.polls().contains(&row)).unwrap();
            rig.polled(row, if fails(row) { failed() } else { completed(1) });
            if !fails(row) {
                rig.downloaded(row, stored());
            }
        }
        (100, rig.stopped().cloned())
    };
    assert_eq!(share(50, |_| true), (21, Some(StopReason::FailureShare { failed: 20, of: 20 })));
    assert_eq!(share(30, |row| row % 4 == 0), (100, None));
    let (ended, why) = share(30, |row| row >= 60);
    assert_eq!((ended, why), (76, Some(StopReason::FailureShare { failed: 15, of: 50 })));
}

#[test]
fn what_failed_in_an_earlier_run_does_not_count_among_the_failures_of_this_one() {
    // Every run would stop over it before anything is bought.
    let mut rig = unlucky_before(0, 2).options(|options| options.max_failures = Some(1)).start();
    ledger_says(&mut rig, true);
    rig.play(secs(1));
    assert_eq!((rig.is(0), rig.posts(), rig.stopped()), ("failed", vec![1], None));
    // What fails in this run and cannot be bought again does count.
    let given = rerolling(given(1), 1).options(|options| options.max_failures = Some(1));
    let mut rig = given.start();
    live(&mut rig, 0, "a", unlucky());
    ledger_says(&mut rig, true);
    assert_eq!(rig.stopped(), Some(&StopReason::Failures(1)));
}

#[test]
fn a_failure_that_is_bought_again_is_no_end_and_counts_in_no_share() {
    let given = rerolling(given(26), 1);
    let mut rig = given.options(|options| options.max_failure_percent = Some(30)).start();
    let mut tries = [0; 26];
    while (0..25).any(|row| rig.is(row) != "delivered") {
        assert!(rig.now.elapsed < secs(600));
        rig.play(secs(5));
        for row in rig.posts() {
            tries[row] += 1;
            rig.answer(row, bought(&format!("task-{row}-{}", tries[row])));
        }
        for row in rig.polls() {
            let end = match (row, tries[row]) {
                (25, _) => working(),
                (_, 1) => unlucky(),
                _ => completed(1),
            };
            let is_unlucky = row != 25 && tries[row] == 1;
            rig.polled(row, end);
            if is_unlucky {
                ledger_says(&mut rig, false);
            }
        }
        for row in rig.downloads() {
            rig.downloaded(row, stored());
        }
    }
    rig.play_until(rig.now.elapsed + secs(60), |rig| rig.polls().contains(&25)).unwrap();
    rig.polled(25, failed());
    assert_eq!(rig.stopped(), None, "one of 26 failed");
}

#[test]
fn a_number_or_a_share_of_failures_is_read_and_anything_else_is_refused() {
    use rushes::policy::limits::MaxFailures::{Count, Percent};
    let read = |text: &str| text.parse::<rushes::policy::limits::MaxFailures>().ok();
    assert_eq!(["5", "30%", " 100 %"].map(read), [Count(5), Percent(30), Percent(100)].map(Some));
    assert_eq!(["0", "0%", "101%", "x", "", "-1", "5.5%"].map(read), [None; 7]);
}

/// Twenty shots like the first one were rendered in a minute each; the first renders since the run
/// began and is `late` seconds old.
fn one_hangs(in_flight: u32, late: u64) -> Rig {
    let mut rig = given(30).limits(|limits| limits.in_flight = in_flight).start();
    rig.play(secs(1));
    for row in 0..in_flight as usize {
        rig.answer(row, bought(&format!("task-{row}")));
    }
    let mut done = 0;
    while rig.now.elapsed < secs(late) {
        rig.play(secs(5));
        for row in rig.posts() {
            rig.answer(row, bought(&format!("task-{row}")));
        }
        for row in rig.polls() {
            let ends = row != 0 && done < 22;
            done += u32::from(ends);
            rig.polled(row, if ends { completed(1) } else { working() });
        }
        for row in rig.downloads() {
            rig.downloaded(row, stored());
        }
    }
    rig
}

#[test]
fn field_12_a_task_that_takes_far_longer_than_its_like_gives_its_place_away_and_is_polled_on() {
    let mut rig = one_hangs(3, 1790);
    assert_eq!(rig.scheduler.progress().late, 0, "not before half an hour");
    let in_flight = rig.scheduler.in_flight;
    while rig.scheduler.progress().late == 0 {
        assert!(rig.now.elapsed < secs(1900));
        rig.play(secs(5));
        for row in rig.polls() {
            rig.polled(row, working());
        }
        for row in rig.posts() {
            rig.answer(row, bought(&format!("more-{row}")));
        }
    }
    assert_eq!((in_flight, rig.is(0)), (3, "rendering"));
    rig.play(secs(10));
    assert!(rig.polls().contains(&0), "it is polled on");
    assert_eq!(rig.accounts(0), [Account::Reserved]);
    rig.polled(0, completed(1));
    assert_eq!((rig.scheduler.progress().late, rig.downloads()), (0, vec![0]));
}

#[test]
fn field_12_no_more_than_half_of_the_places_are_given_away() {
    let mut rig = one_hangs(3, 60);
    while rig.now.elapsed < secs(3 * 3600 / 2) {
        rig.play(secs(30));
        for row in rig.polls() {
            rig.polled(row, working());
        }
        for row in rig.posts() {
            rig.answer(row, bought(&format!("hangs-{row}")));
        }
    }
    assert!(rig.scheduler.progress().late <= 1);
}

#[test]
fn an_attempt_in_doubt_is_never_rerolled() {
    let mut rig = rerolling(given(1), 3).start();
    rig.answer(0, cut());
    rig.play(secs(3600));
    assert_eq!((rig.is(0), rig.posts()), ("in_doubt", vec![]));
    let total: Usd = rig.attempts.iter().filter_map(|attempt| attempt.price).sum();
    assert_eq!(total, usd("1"));
    let mut rig = rerolling(given(1), 3).stored(0, rendering("a")).start();
    rig.polled(0, PollOutcome::failed("policy"));
    assert_eq!((rig.is(0), rig.begun.len()), ("failed", 0));
    let mut rig = rerolling(given(1), 3).start();
    rig.answer(0, rejected());
    assert_eq!((rig.is(0), rig.begun.len()), ("failed", 0));
}
