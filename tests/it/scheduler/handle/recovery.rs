//! What each stored state does first in a run.

use super::given::{given, in_doubt, rendered, rendering, secs};
use super::{completed, failed, missing, stored};
use rushes::domain::state::{Account, AttemptId, Failure, State, Unanswered};
use rushes::scheduler::RunOutcome;

fn ended(failure: Failure) -> impl FnOnce(AttemptId) -> State {
    move |attempt| State::Failed { attempt: Some(attempt), failure, why: "no".into() }
}

const fn submitting(attempt: AttemptId) -> State {
    State::Submitting { attempt, doubt: None }
}

const fn delivered(attempt: AttemptId) -> State {
    State::Delivered { attempt }
}

fn stalled(attempt: AttemptId) -> State {
    let State::Rendering { task, since, .. } = rendering("old")(attempt) else { unreachable!() };
    let (silence, stalled) = (Unanswered::default(), Some("late".into()));
    State::Rendering { attempt, task, since, silence, stalled }
}

#[test]
fn a_shot_found_on_the_wire_is_in_doubt_before_anything_else() {
    let mut rig = given(1).stored(0, submitting).recovered();
    let out = rig.scheduler.take_output();
    assert_eq!((out.commits.len(), out.effects.len() + out.at_once.len()), (1, 0));
    rig.commit(out);
    rig.play(secs(600));
    assert_eq!((rig.is(0), rig.accounts(0)), ("in_doubt", vec![Account::Reserved]));
    assert_eq!((rig.posts(), rig.ended()), (vec![], Some(RunOutcome::Done)));
}

#[test]
fn a_shot_found_on_the_wire_is_bought_again_only_with_resubmit() {
    let mut rig = given(1).resubmitting().stored(0, submitting).start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.accounts(0)), (vec![0], vec![Account::Reserved; 2]));
}

#[test]
fn a_task_that_renders_is_polled_at_once() {
    let rig = given(1).stored(0, rendering("a")).start();
    assert_eq!((rig.polls(), rig.posts()), (vec![0], vec![]));
}

#[test]
fn a_stalled_task_is_polled_again_by_the_next_run() {
    let mut rig = given(1).stored(0, stalled).start();
    assert_eq!(rig.polls(), [0]);
    rig.polled(0, completed(1));
    assert_eq!((rig.is(0), rig.downloads()), ("rendered", vec![0]));
}

#[test]
fn a_rendered_shot_is_fetched_and_not_polled() {
    let rig = given(1).stored(0, rendered(1)).start();
    assert_eq!((rig.downloads(), rig.polls(), rig.posts()), (vec![0], vec![], vec![]));
}

#[test]
fn a_rendered_shot_waits_when_nothing_is_to_be_downloaded() {
    let mut rig =
        given(1).options(|options| options.download = false).stored(0, rendered(1)).start();
    assert_eq!((rig.downloads(), rig.is(0)), (vec![], "rendered"));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn delivered_failed_and_doubtful_shots_are_left_alone() {
    let mut rig = given(4)
        .stored(0, delivered)
        .stored(1, ended(Failure::Rejected))
        .stored(2, in_doubt)
        .stored(3, ended(Failure::Expired))
        .start();
    rig.play(secs(600));
    assert!(rig.begun.is_empty());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
    let progress = rig.scheduler.progress();
    assert_eq!((progress.delivered, progress.failed, progress.in_doubt), (1, 2, 1));
}

#[test]
fn with_retry_failed_all_that_failed_goes_again_but_what_the_user_gave_up() {
    let mut rig = given(5)
        .options(|options| options.retry_failed = true)
        .stored(0, ended(Failure::Rejected))
        .stored(1, ended(Failure::RefusedTooOften))
        .stored(2, ended(Failure::NotRendered))
        .stored(3, ended(Failure::Expired))
        .stored(4, ended(Failure::Abandoned))
        .start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.is(4)), (vec![0, 1, 2, 3], "failed"));
}

#[test]
fn a_doubt_is_bought_again_by_the_next_run_with_resubmit() {
    let mut rig = given(1).resubmitting().stored(0, in_doubt).start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.accounts(0)), (vec![0], vec![Account::Reserved; 2]));
}

#[test]
fn a_doubt_that_was_met_with_as_many_requests_as_allowed_is_held() {
    let mut given = given(2).resubmitting().stored(0, in_doubt).stored(1, in_doubt);
    given.entries[0].0.status.resubmits = 5;
    given.entries[1].0.status.refusals = 5;
    let mut rig = given.start();
    rig.play(secs(600));
    assert_eq!((rig.posts(), rig.ended()), (vec![], Some(RunOutcome::Done)));
}

#[test]
fn older_or_removed_revisions_are_never_submitted() {
    let mut given = given(0);
    given.shots = super::given::given(1).shots;
    let mut rig = given
        .resubmitting()
        .options(|options| options.retry_failed = true)
        .leftover(|_| State::Queued { why: None })
        .leftover(in_doubt)
        .leftover(submitting)
        .leftover(ended(Failure::Rejected))
        .start();
    rig.play(secs(3600));
    assert!(rig.posts().is_empty() && rig.left.is_empty());
    assert_eq!([0, 1, 2, 3].map(|row| rig.is(row)), ["queued", "in_doubt", "in_doubt", "failed"]);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn an_older_revision_that_is_in_flight_is_polled_fetched_and_counted_to_its_end() {
    let mut rig = given(1).leftover(rendering("old")).leftover(rendered(1)).start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.polls(), rig.downloads()), (vec![0], vec![1], vec![2]));
    rig.polled(1, completed(1));
    rig.downloaded(1, stored());
    rig.downloaded(2, stored());
    assert_eq!((rig.is(1), rig.is(2)), ("delivered", "delivered"));
    assert_eq!(rig.accounts(1), [Account::Spent]);
    let progress = rig.scheduler.progress();
    assert_eq!((progress.total(), progress.delivered), (1, 0), "only current ones are shown");
}

#[test]
fn an_older_revision_that_fails_is_not_bought_again() {
    let mut rig = given(1).leftover(rendering("old")).limits(|limits| limits.in_flight = 1).start();
    assert_eq!(rig.polls(), [1]);
    rig.polled(1, failed());
    rig.play(secs(60));
    assert_eq!((rig.is(1), rig.posts()), ("failed", vec![0]));
}

#[test]
fn fetch_submits_nothing_and_finishes_what_is_bought() {
    let mut rig = given(4)
        .options(|options| (options.submit, options.retry_failed) = (false, true))
        .resubmitting()
        .stored(1, in_doubt)
        .stored(2, rendering("a"))
        .stored(3, ended(Failure::Rejected))
        .start();
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.polls()), (vec![], vec![2]));
    rig.polled(2, completed(1));
    rig.downloaded(2, stored());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
    assert_eq!([0, 1, 2, 3].map(|row| rig.is(row)), ["queued", "in_doubt", "delivered", "failed"]);
}

#[test]
fn only_holds_back_purchases_and_nothing_else() {
    let glob = globset::Glob::new("shot-1").unwrap().compile_matcher();
    let mut rig = given(5)
        .options(|options| (options.only, options.retry_failed) = (Some(glob), true))
        .resubmitting()
        .stored(2, in_doubt)
        .stored(3, rendering("a"))
        .stored(4, ended(Failure::Rejected))
        .start();
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.polls(), rig.is(4)), (vec![1], vec![3], "failed"));
}

#[test]
fn a_task_that_an_earlier_run_did_not_find_has_its_minute_in_this_run() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    rig.polled(0, missing());
    rig.play(secs(50));
    rig.polled(0, missing());
    assert!(matches!(rig.state(0), State::Rendering { stalled: None, .. }));
    rig.play(secs(20));
    rig.polled(0, missing());
    assert!(matches!(rig.state(0), State::Rendering { stalled: Some(_), .. }));
}
