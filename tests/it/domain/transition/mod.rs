//! Every turn of a shot's life, as tables, and random lives held against what money allows.

mod contents;
mod doubt;
mod earlier;

use std::time::Duration;

use proptest::prelude::*;

use crate::support::commits::RULES;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::state::{
    Account, AttemptId, AttemptOutcome, Failure, OnDoubt, RecoveredTask, Resolution, RevisionState,
    Rules, ShotEvent, State, Unanswered,
};
use rushes::domain::time::Timestamp;
use rushes::domain::transition::{AttemptChange, Backoff, Next, Transition};
use rushes::provider::apimodels::is_from_proxy;

const FIRST: AttemptId = AttemptId(1);
const SECOND: AttemptId = AttemptId(2);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

fn found() -> RecoveredTask {
    RecoveredTask { task: task(), sent_at: at(4) }
}

fn not_bought() -> Resolution {
    Resolution::NotBought { also: Vec::new() }
}

fn task() -> TaskId {
    TaskId::new("task-1").unwrap()
}

fn why() -> String {
    "because".into()
}

fn job(state: State) -> RevisionState {
    RevisionState { state, ..RevisionState::new() }
}

fn submitting() -> RevisionState {
    job(State::Submitting { attempt: FIRST, doubt: None })
}

fn rendering() -> RevisionState {
    let (attempt, task, since) = (FIRST, task(), at(0));
    job(State::Rendering { attempt, task, since, silence: Unanswered::default(), stalled: None })
}

fn rendered(completed_at: Timestamp) -> RevisionState {
    let urls = vec!["https://host/clip.mp4".to_owned()];
    job(State::Rendered { attempt: FIRST, task: task(), urls, completed_at, why: None })
}

fn in_doubt() -> RevisionState {
    job(State::InDoubt { attempt: FIRST, why: "cut".into() })
}

fn server_error(status: u16) -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::ServerError {
        status,
        from_proxy: is_from_proxy(status),
        retry_after: None,
        why: why(),
    })
}

/// The state's name, the account of the price, and what comes next.
fn told(
    job: &RevisionState,
    event: ShotEvent,
    rules: &Rules,
) -> (&'static str, Option<Account>, Next) {
    let step = job.after(event, at(1), rules).unwrap();
    (step.to.state.name(), step.change.map(|change| change.account), step.then)
}

#[test]
fn every_outcome_of_a_post_has_its_consequence() {
    use SubmitOutcome as S;
    let retry_after = Some(Duration::from_secs(9));
    let table = [
        (S::NotSent { why: why() }, "queued", Account::Released, Next::Requeue(Backoff::None)),
        (
            S::Throttled { is_money: false, retry_after, why: why() },
            "queued",
            Account::Released,
            Next::Requeue(Backoff::None),
        ),
        (
            S::ServerError { status: 500, from_proxy: false, retry_after, why: why() },
            "queued",
            Account::Unconfirmed,
            Next::Requeue(Backoff::Refused(retry_after)),
        ),
        (S::Rejected { why: why() }, "failed", Account::Released, Next::Rest),
        (S::Firewall { why: why() }, "failed", Account::Released, Next::Rest),
        (
            S::Throttled { is_money: true, retry_after, why: why() },
            "queued",
            Account::Released,
            Next::Requeue(Backoff::Behind),
        ),
        (S::BadKey { why: why() }, "queued", Account::Released, Next::Stop),
        (S::NoCredit { why: why() }, "queued", Account::Released, Next::Stop),
        (S::WrongAddress { why: why() }, "queued", Account::Released, Next::Stop),
        (S::Bought { task: task() }, "rendering", Account::Reserved, Next::Poll(None)),
        (S::Doubtful { why: why(), answer: None }, "in_doubt", Account::Reserved, Next::Rest),
    ];
    for (answer, state, account, then) in table {
        let shown = format!("{answer:?}");
        let told = told(&submitting(), ShotEvent::Answered(answer), &RULES);
        assert_eq!(told, (state, Some(account), then), "{shown}");
    }
}

#[test]
fn as_many_5xx_as_attempts_allows_fail_the_shot_with_the_last_answer() {
    let mut job = submitting();
    for (nth, state) in [(1, "queued"), (2, "queued"), (3, "failed")] {
        let step = job.after(server_error(503), at(nth), &RULES).unwrap();
        assert_eq!(step.to.state.name(), state);
        job = RevisionState {
            state: State::Submitting { attempt: FIRST, doubt: None },
            ..step.to.clone()
        };
        assert_eq!(step.to.refusals, u32::try_from(nth).unwrap());
        if state == "failed" {
            assert_eq!(step.to.state.why(), Some("refused 3 times, the last time with: because"));
            let again = step.to.after(ShotEvent::RetryFailed, at(9), &RULES).unwrap();
            assert_eq!((again.to.state.name(), again.to.refusals), ("queued", 0));
        }
    }
}

#[test]
fn a_completed_task_is_paid_and_its_time_is_believed_only_within_reason() {
    for (claimed, believed) in
        [(Some(at(3)), at(3)), (Some(at(-99)), at(0)), (None, at(5)), (Some(at(99)), at(5))]
    {
        let urls = vec!["https://host/clip.mp4".to_owned()];
        let polled = PollOutcome::Completed { urls: urls.clone(), completed_at: claimed };
        let step = rendering().after(ShotEvent::Polled(polled), at(5), &RULES).unwrap();
        assert_eq!(step.change.as_ref().unwrap().account, Account::Spent);
        let State::Rendered { completed_at, .. } = step.to.state else { panic!() };
        assert_eq!(completed_at, believed);
    }
}

#[test]
fn a_failed_task_is_charged_only_if_the_catalog_says_so() {
    let failed = || ShotEvent::Polled(PollOutcome::failed(why()));
    assert_eq!(told(&rendering(), failed(), &RULES).1, Some(Account::Released));
    let charged = Rules { failed_tasks_charged: true, ..RULES };
    assert_eq!(told(&rendering(), failed(), &charged).1, Some(Account::Spent));
}

fn polled(job: &RevisionState, polled: PollOutcome, now: i64) -> Transition {
    job.after(ShotEvent::Polled(polled), at(now), &RULES).unwrap()
}

fn working() -> PollOutcome {
    PollOutcome::Working { is_waiting: false, unknown: None }
}

fn missing() -> PollOutcome {
    PollOutcome::Missing { why: why() }
}

fn unclear() -> PollOutcome {
    PollOutcome::Unclear { retry_after: None, why: why() }
}

fn unanswered() -> PollOutcome {
    PollOutcome::Unanswered { why: why() }
}

#[test]
fn a_task_stalls_when_the_gateway_still_works_on_it_after_its_time() {
    for (said, now, then) in [
        (working(), 7200, Next::Poll(None)),
        (working(), 7201, Next::Rest),
        (unanswered(), 99999, Next::Poll(None)),
    ] {
        let step = polled(&rendering(), said, now);
        assert_eq!(step.then, then);
        assert_eq!(step.to.state.why().is_some(), then == Next::Rest);
        assert_eq!(step.change, None, "its price stays where it is");
    }
}

#[test]
fn a_task_unknown_for_over_a_minute_stalls_and_one_seen_in_between_does_not() {
    let once = polled(&rendering(), missing(), 30).to;
    assert_eq!(polled(&once, missing(), 90).then, Next::Poll(None));
    let gone = polled(&once, missing(), 91);
    assert_eq!((gone.then, gone.to.state.name()), (Next::Rest, "rendering"));
    let seen = polled(&once, working(), 80).to;
    assert_eq!(polled(&seen, missing(), 91).then, Next::Poll(None));
    let garbage = polled(&rendering(), unclear(), 0).to;
    assert_eq!(polled(&garbage, missing(), 100).then, Next::Poll(None), "its first 404");
}

#[test]
fn an_overdue_task_that_only_gets_unclear_answers_stalls_after_a_minute_of_them() {
    let first = polled(&rendering(), unclear(), 9000);
    assert_eq!(first.then, Next::Poll(None), "one bad answer is no news of the task");
    assert_eq!(polled(&first.to, unclear(), 9060).then, Next::Poll(None));
    assert_eq!(polled(&first.to, unclear(), 9061).then, Next::Rest);
    let other = || PollOutcome::OtherTask { theirs: TaskId::new("task-2").unwrap() };
    assert_eq!(polled(&first.to, other(), 9060).then, Next::Poll(None));
    let stalled = polled(&first.to, other(), 9061);
    assert_eq!((stalled.then, stalled.change), (Next::Rest, None));
    assert!(stalled.to.state.why().is_some_and(|why| why.contains("task-2")));
    let early = polled(&rendering(), unclear(), 10).to;
    assert_eq!(polled(&early, unclear(), 7200).then, Next::Poll(None));
    assert_eq!(polled(&early, unclear(), 7201).then, Next::Rest);
}

#[test]
fn a_stalled_task_stays_so_until_something_is_heard_of_it() {
    let stalled = polled(&rendering(), working(), 7201).to;
    for said in [unclear(), unanswered(), missing()] {
        let step = polled(&stalled, said, 9000);
        assert_eq!(step.then, Next::Poll(None));
        assert_eq!(step.to.state.why(), stalled.state.why());
        assert!(!step.is_durable(&stalled));
    }
}

#[test]
fn an_overdue_task_that_only_gets_answers_about_another_one_stalls_too() {
    let other = || PollOutcome::OtherTask { theirs: TaskId::new("another").unwrap() };
    let first = polled(&rendering(), other(), 9000);
    assert_eq!(polled(&first.to, other(), 9060).then, Next::Poll(None));
    assert_eq!(polled(&first.to, other(), 9061).then, Next::Rest);
}

#[test]
fn a_late_task_says_after_how_long_in_the_largest_whole_unit() {
    let late = |millis| {
        let rules = Rules { render_timeout: Duration::from_millis(millis), ..RULES };
        let working = ShotEvent::Polled(PollOutcome::Working { is_waiting: false, unknown: None });
        let job = rendering().after(working, at(99_999), &rules).unwrap().to;
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
        (RevisionState::new().state, false, None),
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
    let defect = RevisionState::new().after(ShotEvent::Delivered, at(0), &RULES).unwrap_err();
    let told = "internal error: a delivery cannot happen to a shot that is queued";
    assert_eq!(defect.to_string(), told);
}

#[test]
fn polls_that_change_nothing_are_not_written_down() {
    let before = rendering();
    for (polled, durable) in [
        (PollOutcome::Working { is_waiting: false, unknown: None }, false),
        (PollOutcome::Missing { why: why() }, false),
        (PollOutcome::failed(why()), true),
    ] {
        let step = before.after(ShotEvent::Polled(polled), at(1), &RULES).unwrap();
        assert_eq!(step.is_durable(&before), durable);
    }
    // No attempt changes when a download fails, but its reason must outlive the run.
    let before = rendered(at(0));
    let failed = ShotEvent::NotFetched(DownloadError::Broken { why: why() });
    assert!(before.after(failed, at(1), &RULES).unwrap().is_durable(&before));
}

#[test]
fn a_refused_key_at_a_poll_halts_and_changes_nothing() {
    let step =
        rendering().after(ShotEvent::Polled(PollOutcome::BadKey { why: why() }), at(1), &RULES);
    let step = step.unwrap();
    assert_eq!(step.then, Next::Stop);
    assert!(!step.is_durable(&rendering()));
}

#[test]
fn a_clip_is_expired_only_when_it_is_gone_after_its_lifetime() {
    let week = 7 * 24 * 3600;
    let gone = || DownloadError::Gone { why: why() };
    let broken = || DownloadError::Broken { why: why() };
    for (unfetched, now, state) in
        [(gone(), week, "rendered"), (gone(), week + 1, "failed"), (broken(), week + 1, "rendered")]
    {
        let step =
            rendered(at(0)).after(ShotEvent::NotFetched(unfetched), at(now), &RULES).unwrap();
        assert_eq!((step.to.state.name(), step.then), (state, Next::Rest));
        assert!(step.to.state.why().is_some_and(|said| said.contains("because")));
    }
}

#[test]
fn how_long_a_clip_is_kept_is_the_providers_rule() {
    let gone = || ShotEvent::NotFetched(DownloadError::Gone { why: why() });
    for (hours, said) in [(24, "its 24 hours were over"), (30 * 24, "its 30 days were over")] {
        let span = Duration::from_secs(hours * 3600);
        let rules = Rules { result_lifetime: span, ..RULES };
        let over = at(0).plus(span);
        let step = rendered(at(0)).after(gone(), over, &rules).unwrap();
        assert_eq!(step.to.state.name(), "rendered");
        let step = rendered(at(0)).after(gone(), over.plus(Duration::from_millis(1)), &rules);
        let state = step.unwrap().to.state;
        assert!(matches!(state, State::Failed { failure: Failure::Expired, .. }), "{state:?}");
        assert!(state.why().is_some_and(|why| why.contains(said)), "{state:?}");
    }
}

#[test]
fn the_user_resolves_doubts_stalls_and_what_was_abandoned_and_nothing_else() {
    let stalled = job(State::Rendering {
        attempt: FIRST,
        task: task(),
        since: at(0),
        silence: Unanswered::default(),
        stalled: Some("late".into()),
    });
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    // The task of what was given up may have ended since.
    let reserved = Some(Account::Reserved);
    for (job, stays) in [(in_doubt(), reserved), (stalled, reserved), (abandoned, None)] {
        for (resolution, state, account) in [
            (Resolution::Task(found()), "rendering", reserved),
            (not_bought(), "queued", Some(Account::Released)),
            (Resolution::Resubmit, "queued", stays),
            (Resolution::Abandon, "failed", stays),
        ] {
            let told = told(&job, ShotEvent::Resolved(resolution), &RULES);
            assert_eq!((told.0, told.1), (state, account));
        }
    }
    for job in [RevisionState::new(), submitting(), rendering(), rendered(at(0))] {
        assert!(job.after(ShotEvent::Resolved(not_bought()), at(1), &RULES).is_err());
    }
}

#[test]
fn what_the_user_says_was_not_bought_is_said_of_the_other_attempts_in_doubt_as_well() {
    let also = vec![SECOND, AttemptId(3)];
    let word = ShotEvent::Resolved(Resolution::NotBought { also });
    let step = in_doubt().after(word, at(1), &RULES).unwrap();
    let changed: Vec<_> = step.changes().collect();
    let expected = [FIRST, SECOND, AttemptId(3)].map(|attempt| AttemptChange {
        attempt,
        outcome: None,
        why: Some("resolved: it was not bought".into()),
        answer: None,
        account: Account::Released,
        refuted: None,
    });
    assert_eq!(changed, expected);
    let abandoned = in_doubt().after(ShotEvent::Resolved(Resolution::Abandon), at(1), &RULES);
    assert_eq!(abandoned.unwrap().changes().count(), 1);
}

#[test]
fn a_claim_is_of_an_attempt_that_the_ledger_numbers() {
    let step = RevisionState::new().after(ShotEvent::Claim, at(1), &RULES).unwrap();
    assert_eq!((&step.change, &step.then), (&None, &Next::Post));
    assert_eq!(step.to.state.attempt(), Some(AttemptId::UNASSIGNED));
    assert_eq!(step.to.with_attempt(FIRST), submitting());
    assert_eq!(rendering().with_attempt(SECOND), rendering(), "only a claim is numbered");
}

#[test]
fn evidence_says_that_a_doubt_was_a_purchase_and_says_nothing_about_anything_else() {
    let step = in_doubt().after(ShotEvent::Evidence(found()), at(9), &RULES).unwrap();
    let State::Rendering { attempt, task: given, since, stalled, .. } = &step.to.state else {
        panic!("{step:?}")
    };
    assert_eq!((*attempt, given, *since, stalled), (FIRST, &task(), at(4), &None));
    let change = step.change.unwrap();
    assert_eq!((change.attempt, change.outcome), (FIRST, Some(AttemptOutcome::Bought)));
    assert_eq!(change.account, Account::Reserved, "the price stays where it is");
    assert_eq!(step.then, Next::Poll(Some(Duration::ZERO)));
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    let delivered = job(State::Delivered { attempt: FIRST });
    for job in
        [RevisionState::new(), submitting(), rendering(), rendered(at(0)), abandoned, delivered]
    {
        assert!(job.after(ShotEvent::Evidence(found()), at(1), &RULES).is_err());
    }
}

#[test]
fn an_abandoned_shot_does_not_come_back_with_retry_failed() {
    let (attempt, failure) = (Some(FIRST), Failure::Abandoned);
    let abandoned = job(State::Failed { attempt, failure, why: "given up".into() });
    assert!(abandoned.after(ShotEvent::RetryFailed, at(1), &RULES).is_err());
}

fn any_event() -> impl Strategy<Value = ShotEvent> {
    let retry_after = None;
    prop_oneof![
        Just(ShotEvent::Claim),
        Just(ShotEvent::NotSendable(why())),
        Just(ShotEvent::Answered(SubmitOutcome::NotSent { why: why() })),
        Just(ShotEvent::Answered(SubmitOutcome::Throttled {
            is_money: false,
            retry_after,
            why: why()
        })),
        Just(server_error(500)),
        Just(server_error(502)),
        Just(ShotEvent::Answered(SubmitOutcome::Rejected { why: why() })),
        Just(ShotEvent::Answered(SubmitOutcome::NoCredit { why: why() })),
        Just(ShotEvent::Answered(SubmitOutcome::Bought { task: task() })),
        Just(ShotEvent::Answered(SubmitOutcome::Doubtful { why: why(), answer: None })),
        Just(ShotEvent::Polled(PollOutcome::Working { is_waiting: false, unknown: None })),
        Just(ShotEvent::Polled(PollOutcome::Missing { why: why() })),
        Just(ShotEvent::Polled(PollOutcome::Completed { urls: vec![], completed_at: None })),
        Just(ShotEvent::Polled(PollOutcome::failed(why()))),
        Just(ShotEvent::Delivered),
        Just(ShotEvent::NotFetched(DownloadError::Gone { why: why() })),
        Just(ShotEvent::FoundSubmitting),
        Just(ShotEvent::Evidence(found())),
        Just(ShotEvent::Refuted { task: task(), why: why() }),
        Just(ShotEvent::Polled(PollOutcome::OtherContent { why: why() })),
        Just(ShotEvent::RetryFailed),
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
        let rules = Rules { strict, ..RULES };
        let mut job = RevisionState::new();
        let mut may_be_bought = false;
        for (second, event) in (0..).zip(events) {
            let asked_by_user = event == ShotEvent::RetryFailed;
            let Ok(step) = job.after(event, at(second), &rules) else { continue };
            if step.then == Next::Post {
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
            job = step.to.with_attempt(FIRST);
        }
    }
}
