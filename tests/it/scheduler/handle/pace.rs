//! Places in flight and the rate.

use std::time::Duration;

use super::given::{given, in_doubt, rendering, secs};
use super::{bought, completed, cut, failed, missing, not_sent, refused, rejected, throttled};
use rushes::domain::outcome::SubmitOutcome;
use rushes::domain::state::State;
use rushes::policy::limits::{Rate, Window};
use rushes::scheduler::Event;

#[test]
fn there_are_never_more_in_flight_than_the_limit() {
    let mut rig = given(6).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0, 1]);
    rig.answer(0, bought("a"));
    rig.play(secs(1));
    assert_eq!(rig.posts(), [1], "a task that renders holds its place");
    rig.answer(1, bought("b"));
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.polls()), (vec![], vec![0, 1]));
}

#[test]
fn claims_that_are_not_yet_written_hold_places() {
    let mut rig = given(6).limits(|limits| limits.in_flight = 2).recovered();
    rig.set_elapsed(secs(1));
    rig.hear(Event::Tick);
    assert_eq!(rig.scheduler.take_output().commits.len(), 2);
}

#[test]
fn shots_whose_files_are_being_read_hold_places() {
    let mut rig = given(3).with_file(0).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(60));
    assert_eq!((rig.loads(), rig.posts()), (vec![0], vec![1]));
}

#[test]
fn a_place_is_free_again_when_the_clip_is_fetched() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    rig.polled(0, completed(1));
    assert_eq!((rig.downloads(), rig.posts()), (vec![0], vec![1]));
}

#[test]
fn a_place_is_free_again_when_the_task_failed() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    rig.polled(0, failed());
    assert_eq!(rig.posts(), [1]);
}

#[test]
fn a_place_is_free_again_after_every_answer_that_bought_nothing() {
    for answer in [rejected(), refused(500), cut(), throttled(None), not_sent()] {
        let mut rig = given(2).limits(|limits| limits.in_flight = 1).start();
        rig.answer(0, answer.clone());
        assert_eq!(rig.scheduler.in_flight, u32::from(!rig.posts().is_empty()), "{answer:?}");
        let end = rig.now.elapsed + secs(60);
        let next = rig.play_until(end, |rig| !rig.posts().is_empty());
        assert!(next.is_some(), "{answer:?}");
    }
}

#[test]
fn a_stalled_task_holds_no_place() {
    let mut rig =
        given(2).limits(|limits| (limits.in_flight, limits.render_timeout) = (1, secs(30))).start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    while rig.posts().is_empty() {
        rig.polled(0, super::working());
        assert!(rig.now.elapsed < secs(60));
        rig.play(secs(5));
    }
    assert!(matches!(rig.state(0), State::Rendering { stalled: Some(_), .. }));
    assert!(rig.now.elapsed > secs(30));
    rig.play(secs(590));
    assert_eq!((rig.polls(), rig.posts()), (vec![], vec![1]));
    rig.play(secs(10));
    assert_eq!(rig.polls(), [0], "now and then, while the run goes on");
}

#[test]
fn a_task_that_the_gateway_does_not_know_for_a_minute_is_stalled() {
    let mut rig = given(2).limits(|limits| limits.in_flight = 1).start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    while rig.posts().is_empty() {
        rig.polled(0, missing());
        assert!(rig.now.elapsed < secs(100));
        rig.play(secs(5));
    }
    assert!(rig.now.elapsed > secs(60));
    assert_eq!(rig.is(0), "rendering");
}

#[test]
fn tasks_of_an_earlier_run_hold_places_and_doubts_hold_none() {
    let mut rig = given(4)
        .limits(|limits| limits.in_flight = 2)
        .stored(0, rendering("a"))
        .stored(1, in_doubt)
        .start();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [2]);
}

#[test]
fn more_tasks_of_an_earlier_run_than_there_are_places_are_all_polled() {
    let mut rig = given(4)
        .limits(|limits| limits.in_flight = 1)
        .stored(0, rendering("a"))
        .stored(1, rendering("b"))
        .stored(2, rendering("c"))
        .start();
    rig.play(secs(1));
    assert_eq!((rig.polls(), rig.posts()), (vec![0, 1, 2], vec![]));
    for row in 0..3 {
        assert_eq!(rig.posts(), [0_usize; 0]);
        rig.polled(row, failed());
    }
    assert_eq!(rig.posts(), [3]);
}

fn most_in_a_window(left: &[Duration], window: Duration) -> usize {
    let within = |from: &Duration| {
        let of = |at: &&Duration| *at >= from && at.saturating_sub(*from) <= window;
        left.iter().filter(of).count()
    };
    left.iter().map(within).max().unwrap_or(0)
}

#[test]
fn no_window_holds_more_posts_than_the_rate_however_long_the_ledger_takes() {
    let rates =
        [(1, Window::Second), (3, Window::Second), (20, Window::Second), (90, Window::Minute)];
    for (seed, (count, window)) in (1..).zip(rates) {
        let rate = Rate { count, window };
        let mut rig =
            given(100).limits(|limits| (limits.rate, limits.posts) = (rate, Some(100))).recovered();
        let mut chance = fastrand::Rng::with_seed(seed);
        let span = || Duration::from_millis(chance.u64(0..900));
        rig.commit_takes = std::iter::repeat_with(span).take(100).collect();
        rig.carry_out();
        rig.play_until(secs(3600), |rig| rig.left.len() == 100).unwrap();
        assert!(most_in_a_window(&rig.left, window.length()) <= count as usize, "{rate}");
    }
}

#[test]
fn posts_that_bought_nothing_count_in_the_rate() {
    let rate = Rate { count: 2, window: Window::Second };
    let mut rig = given(40).limits(|limits| limits.rate = rate).start();
    while rig.left.len() < 40 {
        for row in rig.posts() {
            // Rejected alike, they would stop the run.
            let why = if row % 2 == 0 { "even" } else { "odd" };
            rig.answer(row, SubmitOutcome::Rejected { why: why.into() });
        }
        let sent = rig.left.len();
        rig.play_until(secs(3600), |rig| rig.left.len() > sent).unwrap();
    }
    assert!(most_in_a_window(&rig.left, secs(1)) <= 2);
    assert!(rig.now.elapsed < secs(21), "{:?}", rig.now.elapsed);
}

#[test]
fn all_questions_together_keep_to_the_poll_rate() {
    let rate = Rate { count: 2, window: Window::Second };
    let mut given = given(6).limits(|limits| limits.poll_rate = rate);
    for row in 0..6 {
        given = given.stored(row, rendering(&format!("task-{row}")));
    }
    let mut rig = given.start();
    for second in 1..=3_u64 {
        rig.play(secs(1));
        assert!(rig.polls().len() <= 2 * usize::try_from(second).unwrap() + 1);
    }
    rig.play(secs(1));
    assert_eq!(rig.polls(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn tasks_are_polled_in_batches_where_the_provider_can() {
    let mut given = given(5);
    given.poll_batch = 3;
    for row in 0..5 {
        given = given.stored(row, rendering(&format!("task-{row}")));
    }
    let mut rig = given.start();
    rig.play(Duration::from_millis(100));
    assert_eq!((rig.begun.len(), rig.polls().len()), (2, 5));
    rig.polled(1, completed(1));
    assert_eq!((rig.is(0), rig.is(1), rig.is(2)), ("rendering", "rendered", "rendering"));
    rig.play(secs(5));
    assert_eq!(rig.polls(), [3, 4, 0, 2]);
}

#[test]
fn what_was_held_back_in_the_last_moment_says_nothing_about_the_gateway() {
    let mut rig = given(1).limits(|limits| limits.attempts = 1).start();
    let why = "submitting stopped before it was sent".to_owned();
    rig.answer_after(0, SubmitOutcome::NotSent { why }, None);
    rig.play(secs(1));
    assert_eq!((rig.stopped(), rig.posts()), (None, vec![0]));
}
