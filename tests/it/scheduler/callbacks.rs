//! What calls of the gateway do to a run, in virtual time; and what calls of anybody else do not.

use futures::future::BoxFuture;
use rushes::domain::state::OnDoubt;
use rushes::provider::{Submission, TaskHandle};
use rushes::scheduler::Progress;
use tokio::time::sleep;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(1800);

fn working() -> PollOutcome {
    PollOutcome::Working { is_waiting: false, unknown: None }
}

fn missing() -> PollOutcome {
    PollOutcome::Missing { why: "404".into() }
}

/// A gateway that loses its answer about `s001`, whose task it knows all the same.
fn losing() -> Puppet {
    Puppet::default().on_submit(|prompt, _| match prompt {
        "s001" => SubmitOutcome::Doubtful { why: "cut".into(), answer: None },
        _ => bought(prompt),
    })
}

/// A run, and what happens in the meantime.
async fn meanwhile(
    stage: &Stage,
    count: usize,
    gateway: &Arc<Puppet>,
    what: impl Future<Output = ()>,
) -> (RunOutcome, Progress, Duration) {
    let began = Instant::now();
    let (shots, mut took) = (shots(count), Duration::ZERO);
    let run = async {
        let ended = stage.run(&shots, gateway).await;
        took = began.elapsed();
        ended
    };
    let ((ended, progress), ()) = tokio::join!(run, what);
    (ended, progress, took)
}

fn polls_of(gateway: &Puppet, task: &str) -> usize {
    gateway.seen.lock().unwrap().polls.iter().filter(|(_, polled)| polled == task).count()
}

#[tokio::test(start_paused = true)]
async fn a_call_about_a_shot_in_doubt_finds_its_task_and_nothing_is_bought_twice() {
    let stage = Stage::new().calling().cap("0.3");
    let gateway = Arc::new(losing().on_poll(|task, _| match task {
        "hook-7" => missing(),
        _ => completed(),
    }));
    let (ended, progress, took) = meanwhile(&stage, 3, &gateway, async {
        sleep(2 * MINUTE).await;
        assert_eq!(stage.states()["s001"], "in_doubt");
        stage.call(gateway.token("s001"), &["hook-7", "task-s001"]);
    })
    .await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 3));
    assert_eq!((progress.balance.spent, progress.balance.reserved), (usd("0.3"), Usd::ZERO));
    assert_eq!(gateway.posted().len(), 3);
    assert!(took < 3 * MINUTE, "{took:?}: the run ends when there is nothing to wait for");
    let row = stage.rows().remove(1);
    assert_eq!((row.task.unwrap().as_str(), row.attempts), ("task-s001", 1));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_an_address_of_its_own() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(Puppet::default().on_submit(|prompt, nth| match nth {
        1 => SubmitOutcome::ServerError {
            status: 500,
            from_proxy: false,
            retry_after: None,
            why: why(),
        },
        _ => bought(prompt),
    }));
    stage.run(&shots(5), &gateway).await;
    let seen = gateway.seen.lock().unwrap();
    let mut tokens: Vec<String> = seen.callbacks.iter().map(|(_, token)| token.reveal()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!((tokens.len(), seen.callbacks.len()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_a_call_and_not_for_ever() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(losing());
    let (ended, progress, took) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!((ended, progress.in_doubt, progress.delivered), (RunOutcome::Done, 1, 2));
    assert!((WAIT..WAIT + MINUTE).contains(&took), "{took:?}");
    let (ended, _, took) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!(ended, RunOutcome::Done);
    assert!(took < MINUTE, "{took:?}: what was waited for once is not waited for again");
    assert_eq!(gateway.posted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_callbacks_no_address_is_given_and_no_shot_waits() {
    let stage = Stage::new();
    let gateway = Arc::new(losing());
    let (_, progress, took) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!(progress.in_doubt, 1);
    assert!(took < MINUTE && gateway.seen.lock().unwrap().callbacks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_forged_replayed_or_mistaken_call_changes_nothing() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(losing().on_poll(|task, _| match task {
        "other" => PollOutcome::OtherTask { theirs: TaskId::new("task-s001").unwrap() },
        "unclear" => PollOutcome::Unclear { retry_after: None, why: why() },
        "silent" => PollOutcome::Unanswered { why: why() },
        task if task.starts_with("task-") => completed(),
        _ => missing(),
    }));
    let (ended, progress, _) = meanwhile(&stage, 3, &gateway, async {
        sleep(MINUTE).await;
        let (mine, theirs) = (gateway.token("s001"), gateway.token("s000"));
        let before = stage.rows();
        let stranger = rushes::domain::secret::Secret::from_bytes([9; 16]);
        for (token, tasks) in [
            (mine, &[][..]),
            (mine, &["nobody's", "other"]),
            (mine, &["unclear", "silent"]),
            // A task that the ledger knows is not even asked about.
            (mine, &["task-s000", "task-s002"]),
            (theirs, &["task-s001"]),
            (stranger, &["task-s001"]),
        ] {
            for _ in 0..3 {
                stage.call(token, tasks);
                sleep(3 * MINUTE / 2).await;
            }
        }
        assert_eq!(stage.rows(), before);
        assert_eq!((polls_of(&gateway, "task-s000"), polls_of(&gateway, "task-s001")), (1, 0));
        assert!(polls_of(&gateway, "nobody's") > 0 && polls_of(&gateway, "unclear") > 0);
    })
    .await;
    assert_eq!((ended, progress.in_doubt, progress.delivered), (RunOutcome::Done, 1, 2));
    assert_eq!(progress.balance.reserved, usd("0.1"));
}

#[tokio::test(start_paused = true)]
async fn one_task_is_evidence_for_one_attempt_only() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(
        Puppet::default()
            .on_submit(|_, _| SubmitOutcome::Doubtful { why: "cut".into(), answer: None }),
    );
    let (_, progress, _) = meanwhile(&stage, 20, &gateway, async {
        sleep(MINUTE).await;
        for n in 0..20 {
            stage.call(gateway.token(&format!("s{n:03}")), &["task-x"]);
        }
    })
    .await;
    assert_eq!((progress.delivered, progress.in_doubt), (1, 19));
    assert_eq!(progress.balance.spent, usd("0.1"));
}

#[tokio::test(start_paused = true)]
async fn a_call_about_a_rendering_shot_has_it_polled_at_once_and_many_calls_once() {
    let mut stage = Stage::new().calling();
    stage.options.limits.poll_every = 10 * MINUTE;
    let gateway = Arc::new(Puppet::default());
    let (ended, progress, took) = meanwhile(&stage, 2, &gateway, async {
        sleep(MINUTE).await;
        for _ in 0..500 {
            stage.call(gateway.token("s000"), &[]);
        }
        sleep(MINUTE).await;
        assert_eq!(stage.states()["s000"], "delivered");
        assert_eq!(stage.states()["s001"], "rendering");
        assert_eq!(polls_of(&gateway, "task-s000"), 1);
    })
    .await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 2));
    assert!(took > 10 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_calls_does_not_become_a_flood_of_polls() {
    let mut stage = Stage::new().calling();
    stage.options.limits.poll_every = 10 * MINUTE;
    let gateway = Arc::new(losing().on_poll(|task, nth| match task {
        "task-s000" if nth < 1000 => working(),
        task if task.starts_with("task-") => completed(),
        _ => missing(),
    }));
    meanwhile(&stage, 2, &gateway, async {
        sleep(MINUTE).await;
        let before = gateway.seen.lock().unwrap().polls.len();
        for n in 0..2000 {
            stage.call(gateway.token("s000"), &["task-s001"]);
            stage.call(gateway.token("s001"), &[&format!("forged-{n}")]);
            sleep(Duration::from_millis(10)).await;
        }
        let polls = gateway.seen.lock().unwrap().polls.len() - before;
        assert!((20..=46).contains(&polls), "{polls} polls in 20 s for two shots");
        sleep(Duration::from_secs(10)).await;
        stage.call(gateway.token("s001"), &["task-s001"]);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(stage.states()["s001"], "delivered", "the true call is still heard");
        stage.stop.cancel();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_shortens_no_pause_that_the_gateway_asked_for() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(Puppet::default().on_poll(|_, nth| match nth {
        1 => PollOutcome::Unclear { retry_after: Some(5 * MINUTE), why: "429".into() },
        _ => completed(),
    }));
    let (_, progress, took) = meanwhile(&stage, 1, &gateway, async {
        sleep(MINUTE).await;
        stage.call(gateway.token("s000"), &[]);
    })
    .await;
    assert_eq!(progress.delivered, 1);
    assert!(took > 5 * MINUTE, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_before_the_answer_is_lost_is_remembered() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(Puppet::default().on_slow_submit(|_, _| {
        (MINUTE, SubmitOutcome::Doubtful { why: "timed out".into(), answer: None })
    }));
    let (ended, progress, took) = meanwhile(&stage, 1, &gateway, async {
        sleep(MINUTE / 2).await;
        assert_eq!(stage.states()["s000"], "submitting");
        stage.call(gateway.token("s000"), &["task-s000"]);
    })
    .await;
    assert_eq!((ended, progress.delivered, gateway.posted().len()), (RunOutcome::Done, 1, 1));
    assert!(took < 2 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_call_finds_what_an_earlier_run_left_in_doubt() {
    for leaves in ["nothing", "the manifest", "a text", "submitting"] {
        let mut stage = Stage::new().calling();
        let gateway = Arc::new(losing());
        let (ended, progress, _) = meanwhile(&stage, 3, &gateway, async {
            sleep(MINUTE).await;
            stage.stop.cancel();
        })
        .await;
        assert_eq!((ended, progress.in_doubt), (RunOutcome::Interrupted, 1));
        stage.stop = CancelToken::default();
        let mut shots = shots(3);
        match leaves {
            "the manifest" => drop(shots.remove(1)),
            "a text" => {
                shots[1].fingerprint = rushes::domain::shot::Fingerprint::from_bytes([9; 16]);
                shots[1].request.json = r#"{"prompt":"another"}"#.into();
            }
            "submitting" => stage.options.submit = false,
            _ => {}
        }
        let token = gateway.token("s001");
        let call = async {
            sleep(MINUTE).await;
            stage.call(token, &["task-s001"]);
        };
        let ((ended, _), ()) = tokio::join!(stage.run(&shots, &gateway), call);
        assert_eq!(ended, RunOutcome::Done, "{leaves}");
        let posts = gateway.posted();
        assert_eq!(posts.iter().filter(|prompt| *prompt == "s001").count(), 1, "{leaves}");
        let task = rushes::domain::outcome::TaskId::new("task-s001");
        let delivered = stage.money();
        assert_eq!(delivered.1, Usd::ZERO, "{leaves}: nothing is reserved any more");
        let known = stage.tasks();
        assert!(known.contains(&task.unwrap().to_string()), "{leaves}: {known:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_accepts_paying_twice_pays_twice_only_after_the_wait() {
    for called in [true, false] {
        let mut stage = Stage::new().calling();
        stage.options.rules.on_doubt = OnDoubt::Resubmit;
        let gateway = Arc::new(Puppet::default().on_submit(|prompt, nth| match (prompt, nth) {
            ("s001", 1) => SubmitOutcome::Doubtful { why: "cut".into(), answer: None },
            _ => SubmitOutcome::Bought { task: TaskId::new(&format!("{prompt}-{nth}")).unwrap() },
        }));
        let (ended, progress, took) = meanwhile(&stage, 3, &gateway, async {
            sleep(5 * MINUTE).await;
            assert_eq!(gateway.posted().len(), 3);
            if called {
                stage.call(gateway.token("s001"), &["s001-1"]);
            }
        })
        .await;
        assert_eq!((ended, progress.delivered), (RunOutcome::Done, 3));
        let (posts, reserved) = if called { (3, Usd::ZERO) } else { (4, usd("0.1")) };
        assert_eq!((gateway.posted().len(), progress.balance.reserved), (posts, reserved));
        assert_eq!(took > WAIT, !called, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_about_a_shot_that_is_queued_to_be_bought_again_saves_that_purchase() {
    let mut stage = Stage::new().calling().cap("0.4");
    stage.options.rules.on_doubt = OnDoubt::Resubmit;
    // What it would cost again does not fit while the others render.
    let gateway = Arc::new(
        Puppet::default()
            .on_submit(|prompt, _| match prompt {
                "s001" => SubmitOutcome::Doubtful { why: "cut".into(), answer: None },
                _ => bought(prompt),
            })
            .on_poll(|task, nth| match task {
                "task-s001" => completed(),
                "task-s000" if nth > 500 => PollOutcome::failed("policy"),
                _ if nth < 800 => working(),
                _ => completed(),
            }),
    );
    let mut four = shots(3);
    four[2].price = Some(usd("0.2"));
    let call = async {
        sleep(WAIT + 2 * MINUTE).await;
        assert_eq!((gateway.posted().len(), stage.states()["s001"]), (3, "in_doubt"));
        stage.call(gateway.token("s001"), &["task-s001"]);
    };
    let ((ended, progress), ()) = tokio::join!(stage.run(&four, &gateway), call);
    assert_eq!((ended, progress.delivered, progress.failed), (RunOutcome::Done, 2, 1));
    assert_eq!(gateway.posted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_run_ends_the_wait() {
    let gateway = Arc::new(losing());
    let mut stage = Stage::new().calling();
    stage.options.deadline = Some(stage.now().plus(3 * MINUTE));
    let (ended, progress, took) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!((ended, progress.in_doubt), (RunOutcome::Done, 1));
    assert!((3 * MINUTE..4 * MINUTE).contains(&took), "{took:?}");

    let gateway = Arc::new(losing().on_poll(|_, _| PollOutcome::failed(why())));
    let mut stage = Stage::new().calling();
    stage.options.max_failures = Some(1);
    let (ended, _, took) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!(ended, RunOutcome::Done, "there was nobody left to be stopped");
    assert!(took < MINUTE, "{took:?}");

    let gateway = Arc::new(losing());
    let stage = Stage::new().calling();
    let (ended, _, took) = meanwhile(&stage, 3, &gateway, async {
        sleep(2 * MINUTE).await;
        stage.stop.cancel();
    })
    .await;
    assert_eq!(ended, RunOutcome::Interrupted);
    assert!(took < 3 * MINUTE, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_wait_leaves_a_purchase_for_the_next_run_and_says_so() {
    let gateway = Arc::new(losing());
    let mut stage = Stage::new().calling();
    stage.options.rules.on_doubt = OnDoubt::Resubmit;
    stage.options.deadline = Some(stage.now().plus(3 * MINUTE));
    let (ended, progress, _) = meanwhile(&stage, 3, &gateway, async {}).await;
    assert_eq!((ended, progress.in_doubt), (RunOutcome::Stopped(StopReason::Deadline), 1));
    assert_eq!(gateway.posted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_wakes_a_shot_that_stalled() {
    let mut stage = Stage::new().calling();
    stage.options.limits.render_timeout = 5 * MINUTE;
    stage.options.rules.render_timeout = 5 * MINUTE;
    let gateway = Arc::new(losing().on_poll(|task, nth| match task {
        "task-s000" if nth < 100 => working(),
        _ => completed(),
    }));
    let (_, progress, _) = meanwhile(&stage, 2, &gateway, async {
        sleep(10 * MINUTE).await;
        assert_eq!(gateway.posted().len(), 2);
        let polls = polls_of(&gateway, "task-s000");
        assert_eq!(stage.states()["s000"], "rendering");
        stage.call(gateway.token("s000"), &["task-s001"]);
        sleep(MINUTE).await;
        assert_eq!(polls_of(&gateway, "task-s000"), polls + 1);
        for _ in polls..100 {
            stage.call(gateway.token("s000"), &[]);
            sleep(Duration::from_secs(2)).await;
        }
    })
    .await;
    assert_eq!((progress.delivered, progress.in_doubt, progress.stalled), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_shot_that_a_call_wakes_takes_no_other_place_with_it_when_it_is_done() {
    let mut stage = Stage::new().calling();
    stage.options.limits.in_flight = 1;
    stage.options.limits.render_timeout = 5 * MINUTE;
    stage.options.rules.render_timeout = 5 * MINUTE;
    let called = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_done = Arc::clone(&called);
    let gateway = Arc::new(Puppet::default().on_poll(move |task, nth| match task {
        "task-s000" if !is_done.load(std::sync::atomic::Ordering::Relaxed) => working(),
        "task-s001" if nth < 48 => working(),
        _ => completed(),
    }));
    let (_, progress, _) = meanwhile(&stage, 3, &gateway, async {
        sleep(7 * MINUTE).await;
        assert_eq!(gateway.posted(), ["s000", "s001"]);
        called.store(true, std::sync::atomic::Ordering::Relaxed);
        stage.call(gateway.token("s000"), &[]);
        sleep(MINUTE).await;
        assert_eq!(stage.states()["s000"], "delivered");
        assert_eq!(gateway.posted(), ["s000", "s001"], "the one place is taken");
    })
    .await;
    assert_eq!((progress.delivered, gateway.posted().len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_while_evidence_is_looked_for_ends_the_run() {
    let stage = Stage::new().calling();
    let gateway = Arc::new(losing().on_poll(|task, _| match task {
        "task-s001" => PollOutcome::BadKey { why: "revoked".into() },
        _ => completed(),
    }));
    let (ended, progress, took) = meanwhile(&stage, 3, &gateway, async {
        sleep(MINUTE).await;
        stage.call(gateway.token("s001"), &["task-s001"]);
    })
    .await;
    assert!(matches!(ended, RunOutcome::Stopped(StopReason::Key(_))), "{ended:?}");
    assert!(progress.in_doubt == 1 && took < 2 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_echoes_of_the_address_is_written_nowhere() {
    let stage = Stage::new().calling();
    let seen: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let gateway = Arc::new(Puppet::default());
    // The puppet knows the token only after the POST, so it echoes by its own books.
    let echo = Arc::new(EchoOf(Arc::clone(&gateway), Arc::clone(&seen)));
    stage.run_with(&shots(1), echo).await;
    let token = seen.lock().unwrap().remove(0);
    let row = stage.rows().remove(0);
    let why = row.entry.status.state.why().unwrap().to_owned();
    assert!(why.contains("[token]") && !why.contains(&token), "{why}");
}

/// A gateway that rejects a request and says where it should have called.
struct EchoOf(Arc<Puppet>, Arc<std::sync::Mutex<Vec<String>>>);

impl rushes::provider::Provider for EchoOf {
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        let url = submission.callback.unwrap();
        self.1.lock().unwrap().push(url.rsplit('/').next().unwrap().to_owned());
        let why = format!("400: {url} cannot be called");
        Box::pin(async { SubmitOutcome::Rejected { why } })
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        self.0.poll(tasks)
    }

    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a rushes::provider::ResumePoint>,
    ) -> BoxFuture<'a, Result<rushes::provider::Download, DownloadError>> {
        self.0.fetch(url, resume)
    }
}
