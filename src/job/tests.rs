//! Every turn of a shot's life, as tables, and random lives held against what money allows.

mod doubt;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::answer::{Polled, Submitted, TaskId, Unfetched};
use crate::time::Timestamp;

const FIRST: AttemptId = AttemptId(1);
const SECOND: AttemptId = AttemptId(2);

fn rules() -> Rules {
    Rules {
        attempts: 3,
        strict: false,
        on_doubt: OnDoubt::Hold,
        render_timeout: Duration::from_secs(7200),
        failed_tasks_charged: false,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

fn found() -> Found {
    Found { task: task(), sent_at: at(4) }
}

fn task() -> TaskId {
    TaskId::new("task-1").unwrap()
}

fn why() -> String {
    "because".into()
}

fn job(state: State) -> Job {
    Job { state, ..Job::new() }
}

fn submitting() -> Job {
    job(State::Submitting { attempt: FIRST, doubt: None })
}

fn rendering() -> Job {
    let (attempt, task, since) = (FIRST, task(), at(0));
    job(State::Rendering { attempt, task, since, silence: Silence::default(), stalled: None })
}

fn rendered(completed_at: Timestamp) -> Job {
    let urls = vec!["https://host/clip.mp4".to_owned()];
    job(State::Rendered { attempt: FIRST, task: task(), urls, completed_at, why: None })
}

fn in_doubt() -> Job {
    job(State::InDoubt { attempt: FIRST, why: "cut".into() })
}

fn server_error(status: u16) -> Event {
    Event::Answered(Submitted::ServerError { status, retry_after: None, why: why() })
}

/// The state's name, the account of the price, and what comes next.
fn told(job: &Job, event: Event, rules: &Rules) -> (&'static str, Option<Account>, Action) {
    let step = job.after(event, at(1), rules).unwrap();
    (step.job.state.name(), step.change.map(|change| change.account), step.then)
}

#[test]
fn every_outcome_of_a_post_has_its_consequence() {
    use Submitted as S;
    let retry_after = Some(Duration::from_secs(9));
    let table = [
        (S::NotSent { why: why() }, "queued", Account::Released, Action::Requeue(Pause::Unreached)),
        (
            S::Throttled { retry_after, why: why() },
            "queued",
            Account::Released,
            Action::Requeue(Pause::Throttled(retry_after)),
        ),
        (
            S::ServerError { status: 500, retry_after, why: why() },
            "queued",
            Account::Unconfirmed,
            Action::Requeue(Pause::Refused(retry_after)),
        ),
        (S::Rejected { why: why() }, "failed", Account::Released, Action::Rest),
        (S::BadKey { why: why() }, "queued", Account::Released, Action::Halt(Halt::Key)),
        (S::NoCredit { why: why() }, "queued", Account::Released, Action::Halt(Halt::Credit)),
        (S::WrongAddress { why: why() }, "queued", Account::Released, Action::Halt(Halt::Address)),
        (S::Bought { task: task() }, "rendering", Account::Reserved, Action::Poll(None)),
        (S::Doubtful { why: why() }, "in_doubt", Account::Reserved, Action::Rest),
    ];
    for (answer, state, account, then) in table {
        let shown = format!("{answer:?}");
        let told = told(&submitting(), Event::Answered(answer), &rules());
        assert_eq!(told, (state, Some(account), then), "{shown}");
    }
}

#[test]
fn as_many_5xx_as_attempts_allows_fail_the_shot_with_the_last_answer() {
    let mut job = submitting();
    for (nth, state) in [(1, "queued"), (2, "queued"), (3, "failed")] {
        let step = job.after(server_error(503), at(nth), &rules()).unwrap();
        assert_eq!(step.job.state.name(), state);
        job = Job { state: State::Submitting { attempt: FIRST, doubt: None }, ..step.job.clone() };
        assert_eq!(step.job.refusals, u32::try_from(nth).unwrap());
        if state == "failed" {
            assert_eq!(step.job.state.why(), Some("refused 3 times, the last time with: because"));
            let again = step.job.after(Event::RetryFailed, at(9), &rules()).unwrap();
            assert_eq!((again.job.state.name(), again.job.refusals), ("queued", 0));
        }
    }
}

#[test]
fn a_completed_task_is_paid_and_its_time_is_believed_only_within_reason() {
    for (claimed, believed) in
        [(Some(at(3)), at(3)), (Some(at(-99)), at(0)), (None, at(5)), (Some(at(99)), at(5))]
    {
        let urls = vec!["https://host/clip.mp4".to_owned()];
        let polled = Polled::Completed { urls: urls.clone(), completed_at: claimed };
        let step = rendering().after(Event::Polled(polled), at(5), &rules()).unwrap();
        assert_eq!(step.change.as_ref().unwrap().account, Account::Spent);
        let State::Rendered { completed_at, .. } = step.job.state else { panic!() };
        assert_eq!(completed_at, believed);
    }
}

#[test]
fn a_failed_task_is_charged_only_if_the_catalog_says_so() {
    let failed = || Event::Polled(Polled::Failed { why: why() });
    assert_eq!(told(&rendering(), failed(), &rules()).1, Some(Account::Released));
    let charged = Rules { failed_tasks_charged: true, ..rules() };
    assert_eq!(told(&rendering(), failed(), &charged).1, Some(Account::Spent));
}

fn polled(job: &Job, polled: Polled, now: i64) -> Step {
    job.after(Event::Polled(polled), at(now), &rules()).unwrap()
}

fn working() -> Polled {
    Polled::Working { unknown: None }
}

fn missing() -> Polled {
    Polled::Missing { why: why() }
}

fn unclear() -> Polled {
    Polled::Unclear { retry_after: None, why: why() }
}

fn unanswered() -> Polled {
    Polled::Unanswered { why: why() }
}

#[test]
fn a_task_stalls_when_the_gateway_still_works_on_it_after_its_time() {
    for (said, now, then) in [
        (working(), 7200, Action::Poll(None)),
        (working(), 7201, Action::Rest),
        (unanswered(), 99999, Action::Poll(None)),
    ] {
        let step = polled(&rendering(), said, now);
        assert_eq!(step.then, then);
        assert_eq!(step.job.state.why().is_some(), then == Action::Rest);
        assert_eq!(step.change, None, "its price stays where it is");
    }
}

#[test]
fn a_task_unknown_for_over_a_minute_stalls_and_one_seen_in_between_does_not() {
    let once = polled(&rendering(), missing(), 30).job;
    assert_eq!(polled(&once, missing(), 90).then, Action::Poll(None));
    let gone = polled(&once, missing(), 91);
    assert_eq!((gone.then, gone.job.state.name()), (Action::Rest, "rendering"));
    let seen = polled(&once, working(), 80).job;
    assert_eq!(polled(&seen, missing(), 91).then, Action::Poll(None));
    let garbage = polled(&rendering(), unclear(), 0).job;
    assert_eq!(polled(&garbage, missing(), 100).then, Action::Poll(None), "its first 404");
}

#[test]
fn an_overdue_task_that_only_gets_unclear_answers_stalls_after_a_minute_of_them() {
    let first = polled(&rendering(), unclear(), 9000);
    assert_eq!(first.then, Action::Poll(None), "one bad answer is no news of the task");
    assert_eq!(polled(&first.job, unclear(), 9060).then, Action::Poll(None));
    assert_eq!(polled(&first.job, unclear(), 9061).then, Action::Rest);
    let other = || Polled::OtherTask { theirs: TaskId::new("task-2").unwrap() };
    assert_eq!(polled(&first.job, other(), 9060).then, Action::Poll(None));
    let stalled = polled(&first.job, other(), 9061);
    assert_eq!((stalled.then, stalled.change), (Action::Rest, None));
    assert!(stalled.job.state.why().is_some_and(|why| why.contains("task-2")));
    let early = polled(&rendering(), unclear(), 10).job;
    assert_eq!(polled(&early, unclear(), 7200).then, Action::Poll(None));
    assert_eq!(polled(&early, unclear(), 7201).then, Action::Rest);
}

#[test]
fn a_stalled_task_stays_so_until_something_is_heard_of_it() {
    let stalled = polled(&rendering(), working(), 7201).job;
    for said in [unclear(), unanswered(), missing()] {
        let step = polled(&stalled, said, 9000);
        assert_eq!(step.then, Action::Poll(None));
        assert_eq!(step.job.state.why(), stalled.state.why());
        assert!(!step.is_durable(&stalled));
    }
}

#[test]
fn an_overdue_task_that_only_gets_answers_about_another_one_stalls_too() {
    let other = || Polled::OtherTask { theirs: TaskId::new("another").unwrap() };
    let first = polled(&rendering(), other(), 9000);
    assert_eq!(polled(&first.job, other(), 9060).then, Action::Poll(None));
    assert_eq!(polled(&first.job, other(), 9061).then, Action::Rest);
}

#[test]
fn a_late_task_says_after_how_long_in_the_largest_whole_unit() {
    let late = |millis| {
        let rules = Rules { render_timeout: Duration::from_millis(millis), ..rules() };
        let working = Event::Polled(Polled::Working { unknown: None });
        let job = rendering().after(working, at(99_999), &rules).unwrap().job;
        let why = job.state.why().unwrap().to_owned();
        why.strip_prefix("not done ").unwrap().split(' ').next().unwrap().to_owned()
    };
    let told = [7_200_000, 5_400_000, 90_000, 60_000, 3_000, 1_500, 250].map(late);
    assert_eq!(told, ["2h", "90m", "90s", "1m", "3s", "1.500s", "250ms"]);
}

#[test]
fn a_state_says_whether_its_purchase_is_unfinished_and_which_attempt_it_is_about() {
    let failed = |attempt| State::Failed { attempt, failure: Failure::Rejected, why: "no".into() };
    for (state, unfinished, attempt) in [
        (Job::new().state, false, None),
        (submitting().state, true, Some(FIRST)),
        (rendering().state, true, Some(FIRST)),
        (rendered(at(0)).state, true, Some(FIRST)),
        (in_doubt().state, true, Some(FIRST)),
        (State::Delivered { attempt: FIRST }, false, Some(FIRST)),
        (failed(Some(FIRST)), false, Some(FIRST)),
        (failed(None), false, None),
    ] {
        assert_eq!(state.is_unfinished_purchase(), unfinished, "{state:?}");
        assert_eq!(state.attempt(), attempt, "{state:?}");
    }
}

#[test]
fn what_cannot_happen_is_told_by_event_and_state() {
    let defect = Job::new().after(Event::Delivered, at(0), &rules()).unwrap_err();
    let told = "internal error: a delivery cannot happen to a shot that is queued";
    assert_eq!(defect.to_string(), told);
}

#[test]
fn polls_that_change_nothing_are_not_written_down() {
    let before = rendering();
    for (polled, durable) in [
        (Polled::Working { unknown: None }, false),
        (Polled::Missing { why: why() }, false),
        (Polled::Failed { why: why() }, true),
    ] {
        let step = before.after(Event::Polled(polled), at(1), &rules()).unwrap();
        assert_eq!(step.is_durable(&before), durable);
    }
    // No attempt changes when a download fails, but its reason must outlive the run.
    let before = rendered(at(0));
    let failed = Event::NotFetched(Unfetched::Broken { why: why() });
    assert!(before.after(failed, at(1), &rules()).unwrap().is_durable(&before));
}

#[test]
fn a_refused_key_at_a_poll_halts_and_changes_nothing() {
    let step = rendering().after(Event::Polled(Polled::BadKey { why: why() }), at(1), &rules());
    let step = step.unwrap();
    assert_eq!(step.then, Action::Halt(Halt::Key));
    assert!(!step.is_durable(&rendering()));
}

#[test]
fn a_clip_is_expired_only_when_it_is_gone_after_its_seven_days() {
    let week = 7 * 24 * 3600;
    let gone = || Unfetched::Gone { why: why() };
    let broken = || Unfetched::Broken { why: why() };
    for (unfetched, now, state) in
        [(gone(), week, "rendered"), (gone(), week + 1, "failed"), (broken(), week + 1, "rendered")]
    {
        let step = rendered(at(0)).after(Event::NotFetched(unfetched), at(now), &rules()).unwrap();
        assert_eq!((step.job.state.name(), step.then), (state, Action::Rest));
        assert!(step.job.state.why().is_some_and(|said| said.contains("because")));
    }
}

#[test]
fn the_user_resolves_doubts_stalls_and_what_was_abandoned_and_nothing_else() {
    let stalled = job(State::Rendering {
        attempt: FIRST,
        task: task(),
        since: at(0),
        silence: Silence::default(),
        stalled: Some("late".into()),
    });
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    for job in [in_doubt(), stalled, abandoned] {
        for (resolution, state, account) in [
            (Resolution::Task(found()), "rendering", Account::Reserved),
            (Resolution::NotBought, "queued", Account::Released),
            (Resolution::Resubmit, "queued", Account::Reserved),
            (Resolution::Abandon, "failed", Account::Reserved),
        ] {
            let told = told(&job, Event::Resolved(resolution), &rules());
            assert_eq!((told.0, told.1), (state, Some(account)));
        }
    }
    for job in [Job::new(), submitting(), rendering(), rendered(at(0))] {
        assert!(job.after(Event::Resolved(Resolution::NotBought), at(1), &rules()).is_err());
    }
}

#[test]
fn evidence_says_that_a_doubt_was_a_purchase_and_says_nothing_about_anything_else() {
    let step = in_doubt().after(Event::Evidence(found()), at(9), &rules()).unwrap();
    let State::Rendering { attempt, task: given, since, stalled, .. } = &step.job.state else {
        panic!("{step:?}")
    };
    assert_eq!((*attempt, given, *since, stalled), (FIRST, &task(), at(4), &None));
    let change = step.change.unwrap();
    assert_eq!((change.attempt, change.outcome), (FIRST, Some(Outcome::Bought)));
    assert_eq!(change.account, Account::Reserved, "the price stays where it is");
    assert_eq!(step.then, Action::Poll(Some(Duration::ZERO)));
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    let delivered = job(State::Delivered { attempt: FIRST });
    for job in [Job::new(), submitting(), rendering(), rendered(at(0)), abandoned, delivered] {
        assert!(job.after(Event::Evidence(found()), at(1), &rules()).is_err());
    }
}

#[test]
fn an_abandoned_shot_does_not_come_back_with_retry_failed() {
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    assert!(abandoned.after(Event::RetryFailed, at(1), &rules()).is_err());
}

fn any_event() -> impl Strategy<Value = Event> {
    let retry_after = None;
    prop_oneof![
        Just(Event::Claimed(FIRST)),
        Just(Event::NotSendable(why())),
        Just(Event::Answered(Submitted::NotSent { why: why() })),
        Just(Event::Answered(Submitted::Throttled { retry_after, why: why() })),
        Just(server_error(500)),
        Just(server_error(502)),
        Just(Event::Answered(Submitted::Rejected { why: why() })),
        Just(Event::Answered(Submitted::NoCredit { why: why() })),
        Just(Event::Answered(Submitted::Bought { task: task() })),
        Just(Event::Answered(Submitted::Doubtful { why: why() })),
        Just(Event::Polled(Polled::Working { unknown: None })),
        Just(Event::Polled(Polled::Missing { why: why() })),
        Just(Event::Polled(Polled::Completed { urls: vec![], completed_at: None })),
        Just(Event::Polled(Polled::Failed { why: why() })),
        Just(Event::Delivered),
        Just(Event::NotFetched(Unfetched::Gone { why: why() })),
        Just(Event::FoundSubmitting),
        Just(Event::Evidence(found())),
        Just(Event::RetryFailed),
    ]
}

proptest! {
    /// However events come, without the user's word a shot is never posted again once one of its
    /// attempts was bought or may have been, unless the gateway itself refused or failed that one.
    #[test]
    fn no_life_posts_again_after_a_purchase_that_may_have_happened(
        events in proptest::collection::vec(any_event(), 1..60),
        strict: bool,
    ) {
        let rules = Rules { strict, ..rules() };
        let mut job = Job::new();
        let mut may_be_bought = false;
        for (second, event) in (0..).zip(events) {
            let asked_by_user = event == Event::RetryFailed;
            let Ok(step) = job.after(event, at(second), &rules) else { continue };
            if step.then == Action::Post {
                prop_assert!(!may_be_bought);
            }
            match step.change.as_ref().map(|change| change.account) {
                Some(Account::Reserved | Account::Spent) => may_be_bought = true,
                Some(Account::Released | Account::Unconfirmed) => may_be_bought = false,
                None => {}
            }
            if asked_by_user {
                may_be_bought = false;
            }
            job = step.job;
        }
    }
}
