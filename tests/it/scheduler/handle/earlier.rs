//! Tasks that their shots are no longer about: polled and fetched to their end beside the others.

use super::given::{Given, given, in_doubt, rendering, secs};
use super::rig::Rig;
use super::{bought, clip, completed, failed, missing, unclear, working};
use rushes::domain::outcome::{DownloadError, FailedTask, PollOutcome, Unresolved};
use rushes::domain::state::{Account, AttemptId, Failure, State};
use rushes::scheduler::{DownloadOutcome, Effect, Event, RunOutcome};

const NONE: [usize; 0] = [];

/// A shot in doubt whose earlier request has a task.
fn doubt_and_task() -> Given {
    given(1).stored(0, in_doubt).earlier(0, "old")
}

fn ended(failure: Failure) -> impl FnOnce(AttemptId) -> State {
    move |attempt| State::Failed { attempt: Some(attempt), failure, why: "no".into() }
}

/// The clip that is being downloaded is there, under the name that it was to have.
fn fetched(rig: &mut Rig) -> String {
    let paths = rig.begun.iter().find_map(|effect| match effect {
        Effect::Download { path, .. } => Some(path.clone()),
        _ => None,
    });
    let path = paths.expect("no clip is downloaded");
    rig.downloaded(0, DownloadOutcome::Stored(clip(&path)));
    path
}

fn gone() -> DownloadOutcome {
    let error = DownloadError::Gone { why: "404".into() };
    DownloadOutcome::Failed { error, partial: None }
}

#[test]
fn one_that_is_done_is_fetched_and_then_spent_in_one_commit_and_the_shot_stays_as_it_is() {
    let mut rig = doubt_and_task().start();
    assert_eq!((rig.polls(), rig.scheduler.in_flight), (vec![0], 0));
    rig.polled(0, completed(2));
    assert_eq!(rig.accounts(0), [Account::Reserved; 2], "nothing is written before it is fetched");
    assert_eq!(fetched(&mut rig), "clips/shot-0~2001.mp4");
    assert_eq!((rig.accounts(0), rig.earlier.len()), (vec![Account::Reserved; 2], 0));
    assert_eq!(fetched(&mut rig), "clips/shot-0~2002.mp4");
    assert_eq!(rig.accounts(0), [Account::Reserved, Account::Spent]);
    assert_eq!(rig.earlier, [["clips/shot-0~2001.mp4", "clips/shot-0~2002.mp4"]]);
    assert_eq!((rig.is(0), rig.ended()), ("in_doubt", Some(RunOutcome::Done)));
    assert_eq!(rig.scheduler.progress().ends.settled, 0, "no shot came to its end");
}

#[test]
fn the_run_waits_for_one_clear_answer_and_nothing_is_written_without_an_end() {
    for answer in [
        working(),
        missing(),
        PollOutcome::Unresolved { kind: Unresolved::CompletedWithReason, why: "policy".into() },
        PollOutcome::Unresolved { kind: Unresolved::CompletedEmpty, why: "no URL".into() },
        PollOutcome::OtherContent { why: "was rendered for another prompt".into() },
    ] {
        let mut rig = doubt_and_task().start();
        assert_eq!(rig.ended(), None);
        rig.polled(0, answer.clone());
        assert_eq!(rig.ended(), Some(RunOutcome::Done), "{answer:?}");
        assert_eq!((rig.accounts(0), rig.earlier.len()), (vec![Account::Reserved; 2], 0));
    }
    // One that is not clear is asked again as often as a request is.
    let mut rig = doubt_and_task().limits(|limits| limits.attempts = 3).start();
    for _ in 0..3 {
        rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.polls().is_empty()).unwrap();
        rig.polled(0, unclear());
    }
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn while_the_run_has_other_work_it_is_asked_for_again_every_ten_minutes() {
    let given = given(2).stored(0, in_doubt).earlier(0, "old").stored(1, rendering("b"));
    let mut rig = given.start();
    rig.play(secs(1));
    rig.polled(0, working());
    let end = rig.now.elapsed + secs(3600);
    while !rig.polls().contains(&0) {
        assert!(rig.now.elapsed < end);
        rig.play_until(end, |rig| !rig.polls().is_empty()).unwrap();
        if rig.polls() == [1] {
            rig.polled(1, working());
        }
    }
    assert!(rig.now.elapsed >= secs(600) && rig.now.elapsed < secs(610), "{:?}", rig.now.elapsed);
}

#[test]
fn one_that_failed_costs_what_failed_tasks_cost_and_counts_as_no_failure_of_the_run() {
    for (is_charged, account) in [(false, Account::Released), (true, Account::Spent)] {
        let given = doubt_and_task().options(|options| options.max_failures = Some(1));
        let mut given = given;
        given.entries[0].0.charged_if_failed = is_charged;
        let mut rig = given.start();
        rig.polled(0, failed());
        assert_eq!(rig.accounts(0), [Account::Reserved, account]);
        assert_eq!((rig.is(0), rig.stopped()), ("in_doubt", None));
        assert_eq!(rig.ended(), Some(RunOutcome::Done));
    }
}

#[test]
fn a_canceled_one_is_believed_after_three_polls() {
    let kind = FailedTask { is_luck: false, is_canceled: true };
    let canceled = PollOutcome::Unresolved { kind: Unresolved::Ended(kind), why: "ended".into() };
    let mut rig = doubt_and_task().start();
    let mut polls = 0;
    while rig.ended().is_none() {
        rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.polls().is_empty()).unwrap();
        rig.polled(0, canceled.clone());
        polls += 1;
    }
    assert!(polls >= 3 && rig.now.elapsed >= secs(30), "{polls} {:?}", rig.now.elapsed);
    assert_eq!(rig.accounts(0), [Account::Reserved, Account::Released]);
}

#[test]
fn a_canceled_one_costs_what_canceled_tasks_cost() {
    let kind = FailedTask { is_luck: false, is_canceled: true };
    let canceled = PollOutcome::Failed { why: "canceled".into(), kind };
    for (failed, canceled_cost, account) in [
        (false, Some(true), Account::Spent),
        (true, Some(false), Account::Released),
        (true, None, Account::Spent),
    ] {
        let mut given = doubt_and_task()
            .options(|options| options.rules.canceled_tasks_charged = canceled_cost);
        given.entries[0].0.charged_if_failed = failed;
        let mut rig = given.start();
        rig.polled(0, canceled.clone());
        assert_eq!(rig.accounts(0), [Account::Reserved, account]);
    }
}

#[test]
fn what_was_given_up_or_is_unsettled_is_settled_and_stays_failed() {
    for failure in [Failure::Abandoned, Failure::Unsettled] {
        let one = || given(1).stored(0, ended(failure)).earlier(0, "own").start();
        let mut rig = one();
        rig.polled(0, completed(1));
        assert_eq!(fetched(&mut rig), "clips/shot-0~1001.mp4");
        assert_eq!((rig.is(0), rig.accounts(0)), ("failed", vec![Account::Spent]));
        let mut rig = one();
        rig.polled(0, failed());
        assert_eq!((rig.is(0), rig.accounts(0)), ("failed", vec![Account::Released]));
        assert_eq!(rig.ended(), Some(RunOutcome::Done));
    }
}

#[test]
fn one_whose_clip_is_gone_after_its_lifetime_is_spent_with_the_reason() {
    let week = secs(7 * 24 * 3600);
    let given = doubt_and_task().limits(|limits| limits.fetch_patience = secs(1));
    let mut rig = given.recovered();
    rig.scheduler.options.rules.result_lifetime = week;
    rig.carry_out();
    rig.set_elapsed(week + secs(10));
    // Where the gateway does not say when it was done, it counts from when it was sent.
    rig.polled(0, completed(1));
    rig.downloaded(0, gone());
    let Effect::Adopt { slot, path, .. } = rig.take_other() else { panic!("it is not looked for") };
    assert_eq!(path, "clips/shot-0~2001.mp4");
    rig.tell(Event::Adopted { slot, stored: Ok(None) });
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved, Account::Spent]));
    assert_eq!((rig.earlier.len(), rig.ended()), (1, Some(RunOutcome::Done)));
}

#[test]
fn one_that_cannot_be_fetched_keeps_its_price_reserved_and_what_was_stored_is_listed() {
    let given = doubt_and_task().limits(|limits| limits.fetch_patience = secs(1));
    let mut rig = given.start();
    rig.polled(0, completed(2));
    let first = fetched(&mut rig);
    while rig.ended().is_none() {
        rig.play_until(rig.now.elapsed + secs(60), |rig| !rig.downloads().is_empty()).unwrap();
        rig.downloaded(0, gone());
    }
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved; 2]));
    assert_eq!(rig.earlier, [[first]]);
}

#[test]
fn it_takes_no_place_in_flight_and_blocks_no_purchase() {
    let given = given(1).limits(|limits| limits.in_flight = 1).earlier(0, "old");
    let mut rig = given.start();
    rig.play(secs(1));
    assert_eq!((rig.polls(), rig.posts()), (vec![0], vec![0]));
    rig.polled(0, completed(1));
    rig.answer(0, bought("new"));
    fetched(&mut rig);
    assert_eq!((rig.is(0), rig.scheduler.in_flight), ("rendering", 1));
    let mut accounts = rig.accounts(0);
    accounts.sort_by_key(|account| account.name());
    assert_eq!(accounts, [Account::Reserved, Account::Spent]);
}

#[test]
fn with_downloads_off_it_is_polled_and_left_to_the_next_run() {
    let mut rig = doubt_and_task().options(|options| options.download = false).start();
    rig.polled(0, completed(1));
    assert_eq!((rig.downloads(), rig.accounts(0)), (NONE.to_vec(), vec![Account::Reserved; 2]));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn an_end_that_cannot_be_written_stops_the_run_and_loses_nothing() {
    let mut rig = doubt_and_task().start();
    let slots = rig.take_poll(0);
    rig.hear(Event::Polled { slots, outcomes: vec![failed()] });
    rig.fail_commit();
    assert_eq!((rig.accounts(0), rig.is(0)), (vec![Account::Reserved; 2], "in_doubt"));
}
