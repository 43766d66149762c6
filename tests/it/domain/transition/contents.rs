//! A task that the user or a callback named, and that renders something else than the shot asks for.

use super::*;

fn other() -> ShotEvent {
    let why = "was rendered for model a, and this shot asks for model b".to_owned();
    ShotEvent::Polled(PollOutcome::OtherContent { why })
}

fn stalled() -> RevisionState {
    let (attempt, task, since) = (FIRST, task(), at(0));
    let (silence, stalled) = (Unanswered::default(), Some("late".into()));
    job(State::Rendering { attempt, task, since, silence, stalled })
}

#[test]
fn field_41_a_given_task_of_something_else_is_in_doubt_again_with_both_texts() {
    for before in [rendering(), stalled()] {
        let step = before.after(other(), at(1), &RULES).unwrap();
        assert_eq!(step.then, Next::Rest);
        let State::InDoubt { attempt, why } = &step.to.state else { panic!("{step:?}") };
        assert_eq!(*attempt, FIRST);
        let told = "it was said to be bought as task task-1, but that was rendered for model a, and \
                    this shot asks for model b; its price stays reserved. Give the right task with \
                    --task-id; if task-1 is right all the same, give it once more";
        assert_eq!(&**why, told);
        let change = step.change.unwrap();
        assert_eq!((change.account, change.refuted), (Account::Reserved, Some(task())));
    }
}

#[test]
fn field_41_that_doubt_is_bought_again_only_where_doubts_are() {
    let resubmit = Rules { on_doubt: OnDoubt::Resubmit, ..RULES };
    let step = rendering().after(other(), at(1), &resubmit).unwrap();
    assert_eq!(step.then, Next::Requeue(Backoff::None));
}

#[test]
fn field_41_a_paid_clip_stays_paid_whatever_is_told_of_its_task() {
    let step = rendered(at(0)).after(other(), at(1), &RULES).unwrap();
    assert_eq!((step.to, step.change), (rendered(at(0)), None));
    assert!(in_doubt().after(other(), at(1), &RULES).is_err());
}

#[test]
fn field_41_a_callbacks_task_of_something_else_leaves_the_doubt_with_the_latest_word() {
    let refuted = |task: &str| ShotEvent::Refuted {
        task: TaskId::new(task).unwrap(),
        why: "was rendered for model a".into(),
    };
    let mut status = in_doubt();
    for task in ["t-1", "t-2"] {
        let step = status.after(refuted(task), at(1), &RULES).unwrap();
        assert!(step.is_durable(&status));
        let change = step.change.unwrap();
        assert_eq!((change.account, change.outcome), (Account::Reserved, None));
        assert_eq!(change.refuted, TaskId::new(task));
        status = step.to;
        let why =
            format!("cut; a callback named its task, but task {task} was rendered for model a");
        assert_eq!(status.state, State::InDoubt { attempt: FIRST, why: why.into() });
    }
    for job in [RevisionState::new(), submitting(), rendering(), rendered(at(0))] {
        assert!(job.after(refuted("t-1"), at(1), &RULES).is_err());
    }
}
