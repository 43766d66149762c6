//! What a pause holds back, and what it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rushes::domain::outcome::{PollOutcome, SubmitOutcome};
use rushes::policy::limits::{Rate, Window};
use rushes::scheduler::{RunOutcome, StopReason};
use tokio::time::{Instant, sleep};

use super::stage::{Puppet, Stage, bought, completed, shots};
use super::usd;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn one_a_second() -> Stage {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 1, window: Window::Second };
    stage
}

/// A gateway where the user pauses while the `nth` POST is on the wire.
fn paused_at(stage: &Stage, nth: usize) -> Arc<Puppet> {
    let (pause, count) = (stage.pause.clone(), AtomicUsize::new(0));
    Arc::new(Puppet::default().on_submit(move |prompt, _| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == nth {
            pause.pause();
        }
        bought(prompt)
    }))
}

#[tokio::test(start_paused = true)]
async fn paused_before_anything_a_run_sends_nothing_until_it_goes_on() {
    let stage = Stage::new();
    stage.pause.pause();
    let gateway = Arc::new(Puppet::default());
    let five = shots(5);
    let resumed = async {
        sleep(HOUR).await;
        assert_eq!(gateway.posted(), Vec::<String>::new());
        assert!(stage.rows().iter().all(|row| row.attempts == 0), "nothing is claimed either");
        stage.pause.resume();
    };
    let ((ended, progress), ()) = tokio::join!(stage.run(&five, &gateway), resumed);
    assert_eq!((ended, progress.delivered, progress.paused), (RunOutcome::Done, 5, false));
    assert_eq!(gateway.posted().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_what_was_bought_come_home_and_loses_nothing() {
    let stage = one_a_second();
    let gateway = paused_at(&stage, 4);
    let ten = shots(10);
    let looks_on = async {
        sleep(HOUR).await;
        assert_eq!(gateway.posted().len(), 4);
        let delivered = stage.states().values().filter(|state| **state == "delivered").count();
        assert_eq!(delivered, 4, "polled and fetched while paused");
        assert_eq!(stage.money(), (usd("0.4"), usd("0")), "no price is kept aside");
        stage.pause.resume();
    };
    let ((ended, progress), ()) = tokio::join!(stage.run(&ten, &gateway), looks_on);
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 10));
    let mut posted = gateway.posted();
    posted.dedup();
    assert_eq!(posted.len(), 10, "each once");
}

/// So many POSTs at the full rate, after which one more would show.
const LONG: usize = 150;

#[tokio::test(start_paused = true)]
async fn after_a_pause_nothing_leaves_that_was_only_about_to() {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 5, window: Window::Second };
    let gateway = paused_at(&stage, LONG);
    let many = shots(LONG + 100);
    let looks_on = async {
        sleep(HOUR).await;
        assert_eq!(gateway.posted().len(), LONG);
        assert!(stage.rows().iter().all(|row| row.entry.status.state.name() != "submitting"));
        stage.pause.resume();
    };
    let ((ended, progress), ()) = tokio::join!(stage.run(&many, &gateway), looks_on);
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, LONG + 100));
    let moments: Vec<Instant> =
        gateway.seen.lock().unwrap().submits.iter().map(|(at, _)| *at).collect();
    assert_eq!(moments.len(), LONG + 100);
    assert!(super::most_in_a_window(&moments, SECOND) <= 5, "no burst makes up for the pause");
}

#[tokio::test(start_paused = true)]
async fn a_purchase_claimed_before_the_pause_and_not_on_the_wire_is_taken_back() {
    // At this rate two may be on their way at once: one leaves, and the user pauses.
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 500, window: Window::Second };
    let (pause, count) = (stage.pause.clone(), AtomicUsize::new(0));
    let late = Arc::new(AtomicUsize::new(0));
    let left_late = Arc::clone(&late);
    let gateway = Arc::new(Puppet::default().on_submit(move |prompt, _| {
        left_late.fetch_add(usize::from(pause.is_paused()), Ordering::Relaxed);
        if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(7) {
            pause.pause();
        }
        bought(prompt)
    }));
    let many = shots(200);
    let run = stage.run(&many, &gateway);
    let releases = async {
        loop {
            sleep(Duration::from_millis(50)).await;
            stage.pause.resume();
        }
    };
    let (ended, progress) =
        tokio::select! { ended = run => ended, () = releases => unreachable!() };
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 200));
    assert_eq!((gateway.posted().len(), late.load(Ordering::Relaxed)), (200, 0));
    assert_eq!(stage.money(), (usd("20"), usd("0")));
    let taken_back: u32 = stage.rows().iter().map(|row| row.attempts - 1).sum();
    assert!(taken_back > 0, "no pause came between a claim and its POST");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_paused_run() {
    let stage = one_a_second();
    let gateway = paused_at(&stage, 2);
    let five = shots(5);
    let stops = async {
        sleep(60 * SECOND).await;
        stage.stop.cancel();
    };
    let began = Instant::now();
    let ((ended, progress), ()) = tokio::join!(stage.run(&five, &gateway), stops);
    assert_eq!((ended, progress.delivered, progress.queued), (RunOutcome::Interrupted, 2, 3));
    assert_eq!((progress.stopping, progress.paused), (Some(RunOutcome::Interrupted), true));
    assert!(began.elapsed() < 61 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_paused_run_on_time() {
    let mut stage = Stage::new();
    stage.options.deadline = Some(stage.now().plus(HOUR));
    stage.pause.pause();
    let gateway = Arc::new(Puppet::default());
    let began = Instant::now();
    let (ended, progress) = stage.run(&shots(3), &gateway).await;
    assert_eq!((ended, progress.queued), (RunOutcome::Stopped(StopReason::Deadline), 3));
    assert!((HOUR..HOUR + SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(gateway.posted(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_ends_where_nothing_fits_under_the_cap() {
    let stage = one_a_second().cap("0.2");
    let gateway = paused_at(&stage, 2);
    let (ended, progress) = stage.run(&shots(5), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Cap { held: 3 }));
    assert_eq!((progress.delivered, progress.queued), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_with_nothing_left_to_submit_ends_by_itself() {
    let stage = Stage::new();
    let gateway = paused_at(&stage, 1);
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn pausing_again_and_again_counts_no_attempt_and_retries_go_on_after_it() {
    let mut stage = Stage::new();
    stage.options.limits.attempts = 2;
    let gateway = Arc::new(Puppet::default().on_submit(|prompt, nth| match nth {
        1 => SubmitOutcome::ServerError {
            status: 500,
            from_proxy: false,
            retry_after: None,
            why: "busy".into(),
        },
        _ => bought(prompt),
    }));
    let one = shots(1);
    let presses = async {
        for _ in 0..50 {
            stage.pause.pause();
            sleep(Duration::from_millis(90)).await;
            stage.pause.resume();
            sleep(Duration::from_millis(10)).await;
        }
    };
    let ((ended, progress), ()) = tokio::join!(stage.run(&one, &gateway), presses);
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 1));
    assert_eq!(gateway.posted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_heard_while_paused() {
    let stage = Arc::new(Stage::new().calling());
    let gateway = Arc::new(
        Puppet::default()
            .on_submit(|prompt, _| match prompt {
                "s000" => SubmitOutcome::Doubtful { why: "cut".into(), answer: None },
                _ => bought(prompt),
            })
            .on_poll(|task, _| match task {
                "task-found" | "task-s001" => completed(),
                _ => PollOutcome::Missing { why: "404".into() },
            }),
    );
    let two = shots(2);
    let calls = async {
        sleep(5 * SECOND).await;
        stage.pause.pause();
        stage.call(gateway.token("s000"), &["task-found"]);
        sleep(60 * SECOND).await;
        assert_eq!(stage.states()["s000"], "delivered");
    };
    let ((ended, _), ()) = tokio::join!(stage.run(&two, &gateway), calls);
    assert_eq!(ended, RunOutcome::Done);
}
