//! What must not be sent any more, and what must not be sent at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome};
use rushes::domain::state::OnDoubt;
use rushes::policy::limits::{Rate, Window};
use rushes::scheduler::{CancelToken, RunOutcome, StopReason};
use tokio::time::Instant;

use super::stage::{Puppet, Stage, bought, shots};

const WORKING: PollOutcome = PollOutcome::Working { is_waiting: false, unknown: None };

/// So many POSTs at the full rate, after which one more setback would show.
const LONG: usize = 600;

fn at_full_rate() -> Stage {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 5, window: Window::Second };
    stage
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_nothing_leaves_that_was_only_about_to() {
    let stage = at_full_rate();
    let (stop, count) = (stage.stop.clone(), AtomicUsize::new(0));
    let gateway = Puppet::default().on_poll(|_, _| WORKING).on_submit(move |prompt, _| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == LONG {
            stop.cancel();
        }
        bought(prompt)
    });
    let gateway = Arc::new(gateway);
    let (ended, progress) = stage.run(&shots(LONG + 100), &gateway).await;
    assert_eq!(ended, RunOutcome::Interrupted);
    assert_eq!((gateway.posted().len(), progress.rendering, progress.queued), (LONG, LONG, 100));
    assert_eq!(progress.balance.reserved, Usd::from_micros(100_000 * 600));
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_after_what_stops_the_run() {
    let mut stage = Stage::new();
    stage.options.limits.rate = Rate { count: 1000, window: Window::Second };
    stage.options.limits.attempts = 1;
    let refused = || SubmitOutcome::NotSent { why: "refused".into() };
    let gateway =
        Arc::new(Puppet::default().on_slow_submit(move |_, _| (Duration::ZERO, refused())));
    let (ended, progress) = stage.run(&shots(20), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Unreached("refused".into())));
    assert_eq!((gateway.posted(), progress.queued), (vec!["s000".to_owned()], 20));
    assert_eq!(progress.balance.reserved, Usd::ZERO);
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_key_nothing_leaves_that_was_only_about_to() {
    let stage = at_full_rate();
    let count = AtomicUsize::new(0);
    let gateway = Puppet::default().on_submit(move |prompt, _| {
        match count.fetch_add(1, Ordering::Relaxed) + 1 {
            LONG => SubmitOutcome::BadKey { why: "revoked".into() },
            _ => bought(prompt),
        }
    });
    let gateway = Arc::new(gateway);
    let (ended, progress) = stage.run(&shots(LONG + 100), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Key("revoked".into())));
    assert_eq!((gateway.posted().len(), progress.queued), (LONG, 101));
}

#[tokio::test(start_paused = true)]
async fn a_claim_does_not_wait_for_its_post_to_leave() {
    let stage = at_full_rate();
    let began = (Instant::now(), stage.now());
    let gateway = Arc::new(Puppet::default().on_poll(|_, _| WORKING));
    let shots = shots(LONG);
    let run = stage.run(&shots, &gateway);
    assert!(tokio::time::timeout(Duration::from_secs(150), run).await.is_err(), "none is done");
    let seen = gateway.seen.lock().unwrap();
    let rows = stage.rows();
    assert_eq!(seen.submits.len(), LONG);
    for ((left, prompt), row) in seen.submits.iter().zip(&rows) {
        assert_eq!(prompt, row.entry.shot.as_str());
        let waited = (*left - began.0).saturating_sub(row.submitted_at.unwrap().since(began.1));
        assert!(waited < Duration::from_millis(210), "{prompt} was claimed {waited:?} too early");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shot_that_only_leaves_out_is_not_bought_again_by_its_doubt() {
    let mut stage = Stage::new();
    stage.options.rules.on_doubt = OnDoubt::Resubmit;
    let gateway = Arc::new(
        Puppet::default().on_slow_submit(|prompt, _| (Duration::from_secs(50), bought(prompt))),
    );
    let one = shots(1);
    let killed = tokio::time::timeout(Duration::from_secs(5), stage.run(&one, &gateway));
    assert!(killed.await.is_err());
    // What is aborted is gone only when its turn comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(gateway.posted(), ["s000"]);

    stage.options.only = Some(globset::Glob::new("s001").unwrap().compile_matcher());
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!((gateway.posted(), ended), (vec!["s001".to_owned()], RunOutcome::Done));
    // Of what --only leaves out nothing is counted that this run does nothing about.
    assert_eq!((progress.in_doubt, progress.delivered), (0, 1));

    stage.options.only = None;
    let (_, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!(gateway.posted(), ["s001", "s000"], "the whole campaign buys it again");
    assert_eq!(progress.delivered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_refused_after_too_many_failures_is_an_early_stop() {
    let mut stage = Stage::new();
    stage.options.max_failures = Some(1);
    let gateway = Arc::new(Puppet::default().on_slow_submit(|prompt, _| match prompt {
        "s000" => (Duration::from_secs(2), SubmitOutcome::Rejected { why: "no".into() }),
        _ => (Duration::from_secs(9), SubmitOutcome::BadKey { why: "revoked".into() }),
    }));
    let (ended, progress) = stage.run(&shots(2), &gateway).await;
    assert_eq!(ended, RunOutcome::Stopped(StopReason::Failures(1)));
    assert_eq!((progress.failed, progress.queued), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_doubt_of_a_stopped_run_is_judged_by_what_the_next_run_is_told() {
    let mut stage = Stage::new();
    stage.options.rules.on_doubt = OnDoubt::Resubmit;
    let stop = stage.stop.clone();
    let cut = || SubmitOutcome::Doubtful { why: "cut".into(), answer: None };
    let gateway = Arc::new(Puppet::default().on_submit(move |_, nth| match nth {
        1 => cut(),
        // The second purchase is stopped on its way.
        2 => {
            stop.cancel();
            SubmitOutcome::Throttled { is_money: false, retry_after: None, why: "slow down".into() }
        }
        _ => unreachable!("it was stopped"),
    }));
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.in_doubt, gateway.posted().len()), (RunOutcome::Interrupted, 1, 2));
    assert_eq!(progress.balance.reserved, Usd::from_micros(100_000));

    stage.stop = CancelToken::default();
    stage.options.rules.on_doubt = OnDoubt::Hold;
    let gateway = Arc::new(Puppet::default());
    let (ended, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((ended, progress.in_doubt, gateway.posted().len()), (RunOutcome::Done, 1, 0));
    stage.options.rules.on_doubt = OnDoubt::Resubmit;
    let (_, progress) = stage.run(&shots(1), &gateway).await;
    assert_eq!((progress.delivered, gateway.posted().len()), (1, 1));
}
