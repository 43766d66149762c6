//! Refusals that say something about all shots: a firewall, requests that are rejected alike, 429s
//! that mean money; and how many POSTs may be on the wire at once.

use std::time::Duration;

use super::given::{Given, given, rendering, secs};
use super::rig::Rig;
use super::said::said;
use super::{bought, rejected, throttled};
use rushes::domain::outcome::SubmitOutcome;
use rushes::domain::state::{Account, Failure, State};
use rushes::scheduler::{RunOutcome, StopReason};

const NONE: [usize; 0] = [];

fn firewall() -> SubmitOutcome {
    SubmitOutcome::Firewall { why: "Attention Required! | Cloudflare".into() }
}

fn rejected_with(why: &str) -> SubmitOutcome {
    SubmitOutcome::Rejected { why: why.into() }
}

fn penniless() -> SubmitOutcome {
    SubmitOutcome::Throttled { is_money: true, retry_after: None, why: "no balance".into() }
}

/// One POST after the other.
fn one_by_one(given: Given) -> Rig {
    given.limits(|limits| limits.posts = Some(1)).start()
}

/// Waits for the next POST and answers it; whose it was.
fn answer_next(rig: &mut Rig, outcome: SubmitOutcome) -> Option<usize> {
    let end = rig.now.elapsed + secs(3600);
    rig.play_until(end, |rig| !rig.posts().is_empty())?;
    let row = rig.posts()[0];
    rig.answer(row, outcome);
    Some(row)
}

/// Answers POSTs until the run submits nothing more; how many those were.
fn answer_all(rig: &mut Rig, outcome: impl Fn(usize) -> SubmitOutcome) -> usize {
    (0..1000).take_while(|nth| answer_next(rig, outcome(*nth)).is_some()).count()
}

/// A shot that an earlier run queued again because it was rejected so.
fn probed(mut given: Given, row: usize, why: &str) -> Given {
    let status = &mut given.entries[row].0.status;
    (status.probed, status.state) = (true, State::Queued { why: Some(why.into()) });
    given
}

#[test]
fn field_01_a_firewall_fails_one_shot_and_the_others_go_on() {
    let mut rig = one_by_one(given(3));
    answer_next(&mut rig, firewall());
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::Rejected, .. }));
    let why = rig.state(0).why().unwrap();
    assert!(why.starts_with("a firewall before the gateway refused this request; its text may"));
    assert!(why.contains("Attention Required!"), "{why}");
    assert_eq!(rig.accounts(0), [Account::Released]);
    assert_eq!(answer_next(&mut rig, bought("b")), Some(1));
    assert_eq!(answer_next(&mut rig, firewall()), Some(2));
    assert_eq!((rig.is(2), rig.stopped()), ("failed", None));
}

#[test]
fn field_01_a_firewall_that_refuses_three_shots_in_a_row_stops_the_run_and_they_are_queued_again() {
    let mut rig = one_by_one(given(5));
    let sent = answer_all(&mut rig, |_| firewall());
    assert_eq!(sent, 3);
    let said = rig.stopped().unwrap().to_string();
    assert!(said.contains("blocks this machine") && said.contains("texts"), "both causes: {said}");
    for row in 0..5 {
        assert_eq!(rig.is(row), "queued");
    }
    let ended = rig.ended();
    assert!(matches!(ended, Some(RunOutcome::Stopped(StopReason::Firewall(_)))), "{ended:?}");
}

#[test]
fn field_01_answers_on_the_wire_at_that_stop_are_queued_again_too() {
    let mut rig = given(6).start();
    rig.play(secs(1));
    for row in 0..6 {
        rig.answer(row, firewall());
    }
    for row in 0..6 {
        assert_eq!(rig.is(row), "queued");
    }
}

#[test]
fn field_01_shots_that_a_firewall_refuses_are_tried_behind_all_others_in_the_next_run() {
    let why = "a firewall before the gateway refused this request; its text may have triggered it";
    let given = (0..3).fold(given(5), |given, row| probed(given, row, why));
    let mut rig = one_by_one(given);
    assert_eq!(answer_next(&mut rig, bought("d")), Some(3));
    assert_eq!(answer_next(&mut rig, bought("e")), Some(4));
    for row in 0..3 {
        assert_eq!(answer_next(&mut rig, firewall()), Some(row));
        assert_eq!(rig.is(row), "failed", "others were accepted: it is its text");
    }
    assert_eq!(rig.stopped(), None);
}

#[test]
fn field_01_what_a_firewall_has_against_the_takes_of_one_text_stops_nothing() {
    let mut given = given(40);
    for shot in given.shots.iter_mut().skip(1) {
        shot.request.json = r#"{"prompt":"DROP TABLE"}"#.into();
    }
    let mut rig = one_by_one(given);
    assert_eq!(answer_next(&mut rig, bought("a")), Some(0));
    assert_eq!(answer_all(&mut rig, |_| firewall()), 39);
    assert_eq!((rig.stopped(), rig.is(39)), (None, "failed"));
}

#[test]
fn field_07_eight_first_shots_rejected_alike_stop_the_run_and_are_queued_again_behind_all_others() {
    let mut rig = one_by_one(given(30));
    let why = |nth: usize| format!("Invalid model kling-v9 (request 8f3a{nth}, {nth} ms)");
    let sent = answer_all(&mut rig, |nth| rejected_with(&why(nth)));
    assert_eq!(sent, 8);
    let Some(RunOutcome::Stopped(StopReason::Alike { count: 8, why: last })) = rig.ended() else {
        panic!("{:?}", rig.ended());
    };
    assert_eq!(last, why(7));
    for row in 0..30 {
        assert_eq!(rig.is(row), "queued");
        assert_eq!(rig.probed(row), row < 8);
    }
    assert!(rig.attempts.iter().all(|attempt| attempt.account == Account::Released));
}

#[test]
fn field_07_one_prompt_that_is_rejected_in_all_its_takes_does_not_stop_the_first_eight() {
    let mut given = given(12);
    for shot in &mut given.shots {
        shot.request.json = r#"{"prompt":"the same"}"#.into();
    }
    let mut rig = one_by_one(given);
    assert_eq!(answer_all(&mut rig, |_| rejected()), 12);
    assert_eq!((rig.stopped(), rig.is(11)), (None, "failed"));
}

#[test]
fn field_07_different_rejections_and_accepted_shots_in_between_stop_nothing() {
    let mut rig = one_by_one(given(60));
    let words = ["too long", "bad picture"];
    assert_eq!(answer_all(&mut rig, |nth| rejected_with(words[nth % 2])), 60);
    assert_eq!(rig.stopped(), None);
    let mut rig = one_by_one(given(60));
    let sent = answer_all(&mut rig, |nth| {
        if nth % 5 == 0 { bought(&format!("task-{nth}")) } else { rejected() }
    });
    assert_eq!((sent, rig.stopped()), (60, None));
}

#[test]
fn field_07_twenty_alike_in_a_row_stop_the_run_at_any_time_and_all_rejected_so_are_queued() {
    let mut rig = one_by_one(given(60));
    answer_next(&mut rig, rejected_with("no such model"));
    answer_next(&mut rig, bought("b"));
    answer_next(&mut rig, rejected_with("too long"));
    let sent = answer_all(&mut rig, |_| rejected_with("No such model!"));
    assert_eq!(sent, 20);
    assert_eq!((rig.is(0), rig.is(1), rig.is(2)), ("queued", "rendering", "failed"));
    assert!((3..60).all(|row| rig.is(row) == "queued"));
}

#[test]
fn field_07_a_probed_shot_that_is_rejected_with_the_same_words_fails_and_counts_no_more() {
    let mut given = given(30);
    for row in 0..25 {
        given = probed(given, row, "no such model 7");
    }
    let mut rig = one_by_one(given);
    for row in 25..30 {
        assert_eq!(answer_next(&mut rig, bought(&format!("task-{row}"))), Some(row));
    }
    assert_eq!(answer_all(&mut rig, |_| rejected_with("no such model 9")), 25);
    assert_eq!(rig.stopped(), None);
    assert!((0..25).all(|row| rig.is(row) == "failed"));
}

#[test]
fn field_07_a_probed_shot_that_is_rejected_with_other_words_counts_like_any_other() {
    let given = (0..8).fold(given(8), |given, row| probed(given, row, "no such model"));
    let mut rig = one_by_one(given);
    assert_eq!(answer_all(&mut rig, |_| rejected_with("the account is closed")), 8);
    assert!(matches!(rig.stopped(), Some(StopReason::Alike { count: 8, .. })));
}

#[test]
fn field_10_a_429_that_may_mean_money_does_once_three_different_shots_got_it() {
    let mut rig = one_by_one(given(3));
    assert_eq!(answer_next(&mut rig, penniless()), Some(0));
    assert_eq!(answer_next(&mut rig, penniless()), Some(1), "another one is tried");
    assert_eq!(rig.stopped(), None);
    assert_eq!(answer_next(&mut rig, penniless()), Some(2));
    assert_eq!(rig.stopped(), Some(&StopReason::Credit("no balance".into())));
    for row in 0..3 {
        assert_eq!(rig.is(row), "queued");
    }
}

#[test]
fn field_10_a_429_that_may_mean_money_does_not_once_a_shot_was_accepted() {
    let mut rig = one_by_one(given(10));
    for nth in 0..6 {
        answer_next(&mut rig, penniless());
        answer_next(&mut rig, bought(&format!("task-{nth}")));
    }
    assert_eq!(rig.stopped(), None);
}

#[test]
fn field_10_ten_rounds_of_429_over_ten_minutes_with_nothing_in_flight_stop_the_run() {
    let mut rig = given(1).start();
    answer_all(&mut rig, |_| throttled(Some(secs(70))));
    let ended = rig.ended();
    assert!(matches!(ended, Some(RunOutcome::Stopped(StopReason::Throttled(_)))), "{ended:?}");
    assert!(rig.now.elapsed >= secs(600) && rig.now.elapsed < secs(800));
    assert_eq!(rig.is(0), "queued");
}

#[test]
fn field_42_a_429_that_asks_for_hours_says_at_once_how_long_nothing_is_submitted() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).stored(1, rendering("b")).start();
    rig.scheduler.options.limits.in_flight = 2;
    rig.play(secs(1));
    let said = said(|| rig.answer(0, throttled(Some(secs(3 * 3600)))));
    assert!(said.contains("nothing is submitted for 1h"), "{said}");
    assert!(said.contains("still polled and fetched"), "{said}");
    let short = super::said::said(|| {
        let mut rig = given(2).start();
        rig.answer(0, throttled(Some(secs(30))));
    });
    assert!(!short.contains("nothing is submitted"), "{short}");
}

#[test]
fn field_08_so_many_posts_are_on_the_wire_at_once_and_the_claim_waits_for_a_place() {
    let mut rig = given(40).limits(|limits| limits.posts = Some(3)).start();
    rig.play(secs(10));
    assert_eq!((rig.posts(), rig.attempts.len()), (vec![0, 1, 2], 3), "no fourth is claimed");
    rig.answer(1, bought("b"));
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0, 2, 3]);
    rig.answer(0, rejected());
    rig.play(secs(1));
    assert_eq!(rig.posts(), [2, 3, 4]);
}

#[test]
fn field_08_usually_four_seconds_of_the_rate_are_on_the_wire_and_at_least_eight() {
    let posts = |rate: &str| {
        let rate = rate.parse().unwrap();
        rushes::policy::limits::Limits { rate, ..Default::default() }.posts()
    };
    assert_eq!(["1/s", "2/s", "10/s", "90/min", "300/min"].map(posts), [8, 8, 40, 8, 20]);
}

#[test]
fn field_08_a_place_for_posts_is_free_again_when_nothing_was_sent() {
    let mut rig = given(3).with_file(0).limits(|limits| limits.posts = Some(1)).start();
    rig.play(secs(1));
    let rushes::scheduler::Effect::Load { slot, .. } = rig.take_other() else { panic!() };
    assert_eq!(rig.posts(), NONE, "a shot whose file is read holds the place");
    let files = Err("gone".into());
    rig.tell(rushes::scheduler::Event::Loaded { slot, files });
    rig.play(Duration::from_millis(50));
    assert_eq!(rig.posts(), [1]);
}
