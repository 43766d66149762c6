//! The ends of tasks that a revision's state is no longer about.

use super::*;
use rushes::domain::outcome::FailedTask;
use rushes::domain::state::EarlierEnd;

fn ended(failure: Failure) -> RevisionState {
    job(State::Failed { attempt: Some(FIRST), failure, why: "no".into() })
}

fn end(attempt: AttemptId, end: EarlierEnd) -> ShotEvent {
    ShotEvent::Earlier { attempt, end }
}

#[test]
fn an_earlier_tasks_end_moves_its_price_and_changes_no_state() {
    let states = [
        RevisionState::new(),
        submitting(),
        rendering(),
        rendered(at(0)),
        in_doubt(),
        job(State::Delivered { attempt: FIRST }),
        ended(Failure::NotRendered),
        ended(Failure::Rejected),
    ];
    let charged = Rules { failed_tasks_charged: true, ..RULES };
    let canceled = || {
        let kind = FailedTask { is_luck: false, is_canceled: true };
        EarlierEnd::Failed { why: "canceled".into(), kind }
    };
    let only_canceled = Rules { canceled_tasks_charged: Some(true), ..RULES };
    let not_canceled = Rules { canceled_tasks_charged: Some(false), ..charged };
    let failed = || EarlierEnd::Failed { why: "no".into(), kind: FailedTask::default() };
    for state in states {
        for (what, rules, account) in [
            (EarlierEnd::Delivered, &RULES, Account::Spent),
            (EarlierEnd::Partly, &RULES, Account::Reserved),
            (
                EarlierEnd::Failed { why: "no".into(), kind: FailedTask::default() },
                &RULES,
                Account::Released,
            ),
            (
                EarlierEnd::Failed { why: "no".into(), kind: FailedTask::default() },
                &charged,
                Account::Spent,
            ),
            (canceled(), &RULES, Account::Released),
            (canceled(), &charged, Account::Spent),
            (canceled(), &only_canceled, Account::Spent),
            (canceled(), &not_canceled, Account::Released),
            (failed(), &only_canceled, Account::Released),
            (failed(), &not_canceled, Account::Spent),
            (EarlierEnd::Expired { why: "gone".into() }, &RULES, Account::Spent),
        ] {
            let step = state.after(end(SECOND, what), at(9), rules).unwrap();
            assert_eq!((&step.to, &step.then), (&state, &Next::Rest));
            let change = step.change.unwrap();
            assert_eq!((change.attempt, change.account), (SECOND, account));
        }
    }
}

#[test]
fn of_its_own_task_only_what_was_given_up_or_is_unsettled_ends_so() {
    for state in [rendering(), rendered(at(0)), in_doubt(), ended(Failure::NotRendered)] {
        assert!(state.after(end(FIRST, EarlierEnd::Delivered), at(9), &RULES).is_err());
    }
    for failure in [Failure::Abandoned, Failure::Unsettled] {
        let step = ended(failure).after(end(FIRST, EarlierEnd::Delivered), at(9), &RULES).unwrap();
        assert_eq!(step.to, ended(failure));
    }
}

#[test]
fn a_word_about_what_failed_leaves_the_price_where_its_tasks_end_put_it() {
    for failure in [Failure::Abandoned, Failure::Unsettled] {
        for word in [Resolution::Resubmit, Resolution::Abandon] {
            let word = ShotEvent::Resolved(word);
            assert_eq!(ended(failure).after(word, at(9), &RULES).unwrap().change, None);
        }
    }
}

#[test]
fn field_41_a_former_task_comes_back_only_where_the_present_one_is_stalled() {
    let former = || ShotEvent::FormerTask(TaskId::new("former").unwrap());
    let (attempt, since, silence) = (FIRST, at(0), Unanswered::default());
    let state =
        State::Rendering { attempt, task: task(), since, silence, stalled: Some("?".into()) };
    let step = job(state).after(former(), at(9), &RULES).unwrap();
    let State::Rendering { task, stalled: None, .. } = &step.to.state else { panic!("{step:?}") };
    assert_eq!(task.as_str(), "former");
    let change = step.change.unwrap();
    assert_eq!((change.attempt, change.account), (FIRST, Account::Reserved));
    for state in [rendering(), rendered(at(0)), in_doubt(), submitting()] {
        assert!(state.after(former(), at(9), &RULES).is_err());
    }
}
