//! Whole runs of the scheduler in virtual time, against a gateway that does what the test says.

mod balance;
mod callbacks;
mod charges;
mod clock;
mod handle;
mod late;
mod metrics;
mod order;
mod pauses;
pub mod stage;
mod stops;

use std::sync::Arc;
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::policy::limits::{Rate, Window};
use rushes::scheduler::{CancelToken, RunOutcome, StopReason};
use tokio::time::Instant;

use stage::{Puppet, Stage, bought, clip, completed, shot, shots};

fn why() -> String {
    "because".into()
}

fn usd(dollars: &str) -> Usd {
    dollars.parse().unwrap()
}

/// The most moments in any window, closed at both ends.
fn most_in_a_window(moments: &[Instant], window: Duration) -> usize {
    (0..moments.len())
        .map(|i| moments[i..].iter().take_while(|t| **t - moments[i] <= window).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_campaign_is_rendered_and_costs_nothing_to_run_again() {
    let stage = Stage::new();
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&shots(30), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 30));
    assert_eq!(progress.balance.spent, usd("3"));
    let (ended, progress) = stage.run(&shots(30), &gateway).await;
    assert_eq!(
        (ended, progress.delivered, progress.balance.spent),
        (RunOutcome::Done, 30, usd("3"))
    );
    assert_eq!(gateway.posted().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn no_window_holds_more_posts_than_the_rate_and_the_rate_is_used() {
    for rate in [
        Rate { count: 7, window: Window::Second },
        Rate { count: 200, window: Window::Second },
        Rate { count: 90, window: Window::Minute },
    ] {
        let mut stage = Stage::new();
        stage.options.limits.rate = rate;
        let gateway = Arc::new(Puppet::default());
        let count = rate.count as usize * 4;
        stage.run(&shots(count), &gateway).await;
        let moments: Vec<Instant> =
            gateway.seen.lock().unwrap().submits.iter().map(|(at, _)| *at).collect();
        assert_eq!(moments.len(), count);
        let most = most_in_a_window(&moments, rate.window.length());
        assert!(most <= rate.count as usize, "{most} posts in a window at {rate}");
        let took = *moments.last().unwrap() - moments[0];
        let ideal = rate.window.length() * 4;
        assert!(took <= ideal.mul_f64(1.011), "{took:?} instead of {ideal:?} at {rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_tasks_together_are_never_polled_faster_than_the_poll_rate() {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 1000, window: Window::Second };
    stage.options.limits.poll_rate = Rate { count: 20, window: Window::Second };
    let working = PollOutcome::Working { is_waiting: false, unknown: None };
    let gateway = Arc::new(
        Puppet::default()
            .on_poll(move |_, nth| if nth < 4 { working.clone() } else { completed() }),
    );
    stage.run(&shots(200), &gateway).await;
    let moments: Vec<Instant> =
        gateway.seen.lock().unwrap().polls.iter().map(|(at, _)| *at).collect();
    assert_eq!(moments.len(), 800);
    assert!(most_in_a_window(&moments, Duration::from_secs(1)) <= 20);
}

#[tokio::test(start_paused = true)]
async fn never_more_in_flight_than_allowed() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 5;
    stage.options.limits.rate = Rate { count: 100, window: Window::Second };
    let gateway = Arc::new(Puppet::default());
    let (ended, _) = stage.run(&shots(40), &gateway).await;
    assert_eq!(ended, RunOutcome::Done);
    assert_eq!(gateway.seen.lock().unwrap().max_in_flight, 5);
}

#[tokio::test(start_paused = true)]
async fn higher_priority_goes_first_then_manifest_order() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 1;
    let mut four = shots(4);
    four[2].priority = 9;
    let gateway = Arc::new(Puppet::default());
    stage.run(&four, &gateway).await;
    assert_eq!(gateway.posted(), ["s002", "s000", "s001", "s003"]);
}

#[tokio::test(start_paused = true)]
async fn a_5xx_is_retried_and_fails_after_as_many_posts_as_attempts_over_all_runs() {
    let stage = Stage::new();
    let gateway = Arc::new(Puppet::default().on_submit(|prompt, nth| match prompt {
        "s000" if nth > 2 => bought(prompt),
        _ => SubmitOutcome::ServerError {
            status: 500,
            from_proxy: false,
            retry_after: None,
            why: why(),
        },
    }));
    let (ended, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!((ended, progress.delivered, progress.failed), (RunOutcome::Done, 1, 1));
    let posts = gateway.posted();
    assert_eq!(posts.iter().filter(|prompt| *prompt == "s000").count(), 3);
    assert_eq!(posts.iter().filter(|prompt| *prompt == "s001").count(), 5);
    assert_eq!(progress.balance.unconfirmed, usd("0.7"));
    assert_eq!(progress.balance.reserved, Usd::ZERO);
    stage.run(&shots(2), &gateway).await;
    assert_eq!(gateway.posted().len(), 8, "a failed shot is not tried again by itself");
}

#[tokio::test(start_paused = true)]
async fn a_429_makes_everyone_wait_as_long_as_the_gateway_asks() {
    let stage = Stage::new();
    let asked = Duration::from_secs(100);
    let gateway = Arc::new(Puppet::default().on_submit(move |prompt, nth| match (prompt, nth) {
        ("s003", 1) => {
            SubmitOutcome::Throttled { is_money: false, retry_after: Some(asked), why: why() }
        }
        _ => bought(prompt),
    }));
    let (ended, progress) = stage.run(&shots(10), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 10));
    let seen = gateway.seen.lock().unwrap();
    let refused = seen.submits.iter().find(|(_, prompt)| prompt == "s003").unwrap().0;
    let next = seen.submits.iter().map(|(at, _)| *at).find(|at| *at > refused).unwrap();
    assert!(next - refused >= asked);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_only_answers_429_ends_the_run_instead_of_waiting_for_ever() {
    let stage = Stage::new();
    let gateway = Arc::new(Puppet::default().on_submit(|_, _| SubmitOutcome::Throttled {
        is_money: false,
        retry_after: None,
        why: why(),
    }));
    let (ended, progress) = stage.run(&shots(3), &gateway).await;
    assert!(matches!(ended, RunOutcome::Stopped(StopReason::Throttled(_))), "{ended:?}");
    assert_eq!(progress.queued, 3);
    assert_eq!(progress.balance.reserved, Usd::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cut_answer_leaves_the_shot_in_doubt_and_is_never_sent_again() {
    let stage = Stage::new();
    let gateway = Arc::new(Puppet::default().on_submit(|prompt, _| match prompt {
        "s001" => SubmitOutcome::Doubtful { why: "cut".into(), answer: None },
        _ => bought(prompt),
    }));
    for _ in 0..3 {
        let (ended, progress) = stage.run(&shots(3), &gateway).await;
        assert_eq!((ended, progress.in_doubt, progress.delivered), (RunOutcome::Done, 1, 2));
        assert_eq!(progress.balance.reserved, usd("0.1"));
    }
    assert_eq!(gateway.posted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_submitting_and_what_is_in_flight_is_finished() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 2;
    let gateway = Arc::new(Puppet::default().on_submit(|prompt, _| match prompt {
        "s002" => SubmitOutcome::BadKey { why: "revoked".into() },
        _ => bought(prompt),
    }));
    let (ended, progress) = stage.run(&shots(6), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Key("revoked".into())));
    assert_eq!((progress.delivered + progress.queued, progress.failed), (6, 0));
    assert!(progress.delivered >= 2);
    assert_eq!(stage.states()["s002"], "queued");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_was_never_reached_ends_the_run_and_one_that_was_is_waited_for() {
    let stage = Stage::new();
    let never =
        Puppet::default().on_submit(|_, _| SubmitOutcome::NotSent { why: "refused".into() });
    let never = Arc::new(never);
    let (ended, progress) = stage.run(&shots(3), &never).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Unreached("refused".into())));
    assert_eq!((progress.queued, progress.balance.reserved), (3, Usd::ZERO));

    let outage = Arc::new(Puppet::default().on_submit(|prompt, nth| match prompt {
        "s000" => bought(prompt),
        _ if nth > 12 => bought(prompt),
        _ => SubmitOutcome::NotSent { why: "refused".into() },
    }));
    let (ended, progress) = stage.run(&shots(3), &outage).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 3));
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_the_cap_and_what_still_fits_runs() {
    let mut stage = Stage::new().cap("0.35");
    stage.options.limits.in_flight = 10;
    let mut five = shots(5);
    five[1].price = Some(usd("0.2"));
    five[2].price = Some(usd("0.2"));
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&five, &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Cap { held: 3 }));
    assert_eq!(progress.balance.spent, usd("0.3"));
    assert_eq!(gateway.posted(), ["s000", "s001"]);
    let stage = stage.cap("0.4");
    let (ended, progress) = stage.run(&five, &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Cap { held: 2 }));
    assert_eq!(progress.balance.spent, usd("0.4"));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_comes_free_lets_a_held_shot_go() {
    let stage = Stage::new().cap("0.2");
    let gateway = Arc::new(Puppet::default().on_poll(|task, _| match task {
        "task-s000" => PollOutcome::failed("content policy"),
        _ => completed(),
    }));
    let (ended, progress) = stage.run(&shots(3), &gateway).await;
    assert_eq!(ended, RunOutcome::Done);
    assert_eq!((progress.delivered, progress.failed, progress.balance.spent), (2, 1, usd("0.2")));
}

#[tokio::test(start_paused = true)]
async fn a_hung_task_stalls_frees_its_place_and_is_polled_again_by_the_next_run() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 1;
    let gateway = Arc::new(Puppet::default().on_poll(|task, nth| match task {
        "task-s000" if nth < 1500 => PollOutcome::Working { is_waiting: false, unknown: None },
        _ => completed(),
    }));
    let (ended, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!((ended, progress.stalled, progress.delivered), (RunOutcome::Done, 1, 1));
    assert_eq!(progress.balance.reserved, usd("0.1"));
    let polled = gateway.seen.lock().unwrap().polls.len();
    let (ended, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!((ended, progress.stalled), (RunOutcome::Done, 1));
    assert_eq!(gateway.seen.lock().unwrap().polls.len(), polled + 1);
    assert_eq!(gateway.posted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_fails_never_buys_and_the_next_run_fetches() {
    let mut stage = Stage::new();
    stage.options.limits.fetch_patience = Duration::ZERO;
    let gateway = Arc::new(Puppet::default().on_fetch(|nth| match nth {
        1 => Err(DownloadError::Gone { why: "answered 403".into() }),
        _ => Ok(clip()),
    }));
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!(
        (ended, progress.rendered, progress.balance.spent),
        (RunOutcome::Done, 1, usd("0.1"))
    );
    assert_eq!(gateway.seen.lock().unwrap().fetches, 1);
    let (_, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!(progress.delivered, 1);
    assert_eq!(gateway.posted().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_the_post_on_the_wire_and_writes_its_answer_down() {
    let mut stage = Stage::new();
    let stop = stage.stop.clone();
    let gateway = Arc::new(Puppet::default().on_slow_submit(move |prompt, _| {
        stop.cancel();
        (Duration::from_secs(30), bought(prompt))
    }));
    let (ended, progress) = stage.run(&shots(5), &gateway).await;
    assert_eq!(ended, RunOutcome::Interrupted);
    assert_eq!((progress.rendering, progress.queued), (1, 4));
    assert_eq!(stage.states()["s000"], "rendering");
    stage.stop = CancelToken::default();
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&shots(5), &gateway).await;
    assert_eq!(
        (ended, progress.delivered, progress.balance.spent),
        (RunOutcome::Done, 5, usd("0.5"))
    );
    assert_eq!(gateway.posted().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_more_is_submitted() {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 1, window: Window::Second };
    stage.options.deadline = Some(stage.now().plus(Duration::from_millis(4500)));
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&shots(20), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Deadline));
    assert_eq!((progress.delivered, progress.queued), (5, 15));
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_run() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 1;
    stage.options.max_failures = Some(3);
    let gateway =
        Arc::new(Puppet::default().on_submit(|_, _| SubmitOutcome::Rejected { why: why() }));
    let (ended, progress) = stage.run(&shots(10), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Failures(3)));
    assert_eq!((progress.failed, progress.queued), (3, 7));
}

#[tokio::test(start_paused = true)]
async fn a_removed_shot_in_flight_is_finished_and_a_queued_one_is_never_submitted() {
    let mut stage = Stage::new();
    let stop = stage.stop.clone();
    let gateway = Arc::new(Puppet::default().on_submit(move |prompt, _| {
        stop.cancel();
        bought(prompt)
    }));
    stage.run(&shots(2), &gateway).await;
    stage.stop = CancelToken::default();
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&[shot("other")], &gateway).await;
    assert_eq!(ended, RunOutcome::Done);
    assert_eq!(gateway.posted(), ["other"]);
    assert_eq!(progress.balance.spent, usd("0.2"), "the removed shot is counted to its end");
    assert_eq!(progress.delivered, 1);
}
