//! A wall clock that is set while a run works, or between runs: hours forward, hours back, years.
//! What a run waits for goes by the time that passes.

use std::sync::Arc;
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome};
use rushes::policy::limits::{Rate, Window};
use rushes::scheduler::{CancelToken, RunOutcome, StopReason};
use tokio::time::Instant;

use super::stage::{Puppet, Stage, bought, clip, completed, shots};

const WORKING: PollOutcome = PollOutcome::Working { is_waiting: false, unknown: None };
const DAY: i64 = 24;
const YEAR: i64 = 365 * DAY;

fn usd(dollars: &str) -> Usd {
    dollars.parse().unwrap()
}

/// Renders for so many polls, the clock being set at the fifth.
fn jumps(stage: &Stage, hours: i64, polls: usize) -> Arc<Puppet> {
    let clock = Arc::clone(&stage.clock);
    Arc::new(Puppet::default().on_poll(move |task, nth| {
        if task == "task-s000" && nth == 5 {
            clock.jump(hours);
        }
        if nth < polls { WORKING } else { completed() }
    }))
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_in_the_middle_of_a_run_stalls_no_task_and_buys_nothing_twice() {
    for hours in [1, 3, 12, 8 * DAY, 10 * YEAR, -1, -12, -8 * DAY, -10 * YEAR] {
        let stage = Stage::new().cap("1");
        let gateway = jumps(&stage, hours, 20);
        let (ended, progress) = stage.run(&shots(10), &gateway).await;
        assert_eq!((ended, progress.delivered), (RunOutcome::Done, 10), "{hours} hours");
        assert_eq!(
            (gateway.posted().len(), progress.balance.spent),
            (10, usd("1")),
            "{hours} hours"
        );
        let (ended, _) = stage.run(&shots(10), &gateway).await;
        assert_eq!((ended, gateway.posted().len()), (RunOutcome::Done, 10), "{hours} hours");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_hangs_stalls_when_its_time_has_passed_whatever_the_clock_says() {
    for hours in [3, 10 * YEAR, -3, -10 * YEAR] {
        let stage = Stage::new();
        let gateway = jumps(&stage, hours, usize::MAX);
        let began = Instant::now();
        let (ended, progress) = stage.run(&shots(1), &gateway).await;
        assert_eq!((ended, progress.stalled), (RunOutcome::Done, 1), "{hours} hours");
        let took = began.elapsed();
        let usual = Duration::from_secs(7200)..Duration::from_secs(7400);
        assert!(usual.contains(&took), "{hours} hours: {took:?}");
    }
}

/// Ends a run with one task in flight.
async fn leaves_one_in_flight(stage: &mut Stage) {
    let stop = stage.stop.clone();
    let gateway = Arc::new(Puppet::default().on_submit(move |prompt, _| {
        stop.cancel();
        bought(prompt)
    }));
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.rendering), (RunOutcome::Interrupted, 1));
    stage.stop = CancelToken::default();
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_between_runs_keeps_no_task_from_its_clip_and_no_run_from_its_end() {
    for hours in [3, 30 * DAY, 10 * YEAR, -3, -30 * DAY, -10 * YEAR] {
        let mut stage = Stage::new();
        leaves_one_in_flight(&mut stage).await;
        stage.clock.jump(hours);
        let hung = Arc::new(Puppet::default().on_poll(|_, _| WORKING));
        let began = Instant::now();
        let (ended, progress) = stage.run(&shots(1), &hung).await;
        assert_eq!((ended, progress.stalled), (RunOutcome::Done, 1), "{hours} hours");
        assert!(began.elapsed() < Duration::from_secs(7400), "{hours} hours: it must end");
        assert_eq!(progress.balance.reserved, usd("0.1"), "{hours} hours");

        let done = Arc::new(Puppet::default());
        let (ended, progress) = stage.run(&shots(1), &done).await;
        assert_eq!((ended, progress.delivered), (RunOutcome::Done, 1), "{hours} hours");
        assert_eq!(hung.posted().len() + done.posted().len(), 0, "{hours} hours");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_lets_no_paid_clip_expire() {
    let mut stage = Stage::new();
    stage.options.limits.fetch_patience = std::time::Duration::ZERO;
    let clock = Arc::clone(&stage.clock);
    let gateway = Arc::new(Puppet::default().on_fetch(move |nth| match nth {
        1 => {
            clock.jump(8 * DAY);
            Err(DownloadError::Gone { why: "answered 403".into() })
        }
        _ => Ok(clip()),
    }));
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.rendered, progress.failed), (RunOutcome::Done, 1, 0));
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 1));
    assert_eq!(gateway.posted().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_the_gateway_does_not_know_is_given_its_minute_whatever_the_clock_says() {
    for hours in [1, -1] {
        let stage = Stage::new();
        let clock = Arc::clone(&stage.clock);
        let gateway = Arc::new(Puppet::default().on_poll(move |_, nth| match nth {
            1..=4 => {
                if nth == 2 {
                    clock.jump(hours);
                }
                PollOutcome::Missing { why: "404".into() }
            }
            _ => completed(),
        }));
        let (ended, progress) = stage.run(&shots(1), &gateway).await;
        assert_eq!((ended, progress.delivered), (RunOutcome::Done, 1), "{hours} hours");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_by_the_clock_and_by_the_time_that_passes() {
    for hours in [-5, 0, 5] {
        let mut stage = Stage::new();
        stage.options.limits.rate = Rate { count: 1, window: Window::Second };
        stage.options.deadline = Some(stage.now().plus(Duration::from_millis(9500)));
        let clock = Arc::clone(&stage.clock);
        let gateway = Arc::new(Puppet::default().on_submit(move |prompt, _| {
            if prompt == "s003" {
                clock.jump(hours);
            }
            bought(prompt)
        }));
        let began = Instant::now();
        let (ended, progress) = stage.run(&shots(30), &gateway).await;
        assert_eq!(ended, RunOutcome::Stopped(StopReason::Deadline), "{hours} hours");
        let in_time = if hours > 0 { 4..=5 } else { 9..=11 };
        assert!(in_time.contains(&progress.delivered), "{hours} hours: {}", progress.delivered);
        assert!(began.elapsed() < Duration::from_secs(60), "{hours} hours");
    }
}

#[tokio::test(start_paused = true)]
async fn setting_the_clock_does_not_change_the_pace_or_a_pause() {
    for hours in [-10, 10] {
        let mut stage = Stage::new();
        stage.options.limits.rate = Rate { count: 5, window: Window::Second };
        let clock = Arc::clone(&stage.clock);
        let asked = Duration::from_secs(100);
        let gateway =
            Arc::new(Puppet::default().on_submit(move |prompt, nth| match (prompt, nth) {
                ("s005", 1) => {
                    clock.jump(hours);
                    SubmitOutcome::Throttled {
                        is_money: false,
                        retry_after: Some(asked),
                        why: "slow down".into(),
                    }
                }
                _ => bought(prompt),
            }));
        let (ended, progress) = stage.run(&shots(20), &gateway).await;
        assert_eq!((ended, progress.delivered), (RunOutcome::Done, 20), "{hours} hours");
        let seen = gateway.seen.lock().unwrap();
        let moments: Vec<Instant> = seen.submits.iter().map(|(at, _)| *at).collect();
        assert!(super::most_in_a_window(&moments, Duration::from_secs(1)) <= 5, "{hours} hours");
        let refused = seen.submits.iter().find(|(_, prompt)| prompt == "s005").unwrap().0;
        let next = moments.iter().find(|at| **at > refused + Duration::from_secs(1)).unwrap();
        assert!(*next - refused >= asked, "{hours} hours");
    }
}
