//! Which states an attempt is open in, and which have a task or files.

use rushes::domain::outcome::TaskId;
use rushes::domain::shot::ShotId;
use rushes::domain::state::{AttemptId, Failure, State, Unanswered};
use rushes::domain::time::Timestamp;
use rushes::ledger::revision::{
    TakenNames, WITH_TASK, folded, has_open_attempt, is_unbought, is_without_files,
};

#[test]
fn the_names_of_states_are_those_of_the_states_they_stand_for() {
    let (attempt, since) = (AttemptId(1), Timestamp::from_millis(1));
    let task = || TaskId::new("t").unwrap();
    let silence = Unanswered::default();
    let failed = |failure| State::Failed { attempt: None, failure, why: "no".into() };
    let rendering = State::Rendering { attempt, task: task(), since, silence, stalled: None };
    let rendered =
        State::Rendered { attempt, task: task(), urls: vec![], completed_at: since, why: None };
    for (state, open, with_task, without_files, unbought) in [
        (State::Queued { why: None }, false, false, true, true),
        (State::Submitting { attempt, doubt: None }, true, false, false, false),
        (rendering, true, true, false, false),
        (rendered, false, true, false, false),
        (State::Delivered { attempt }, false, false, false, false),
        (State::InDoubt { attempt, why: "cut".into() }, true, false, false, false),
        (failed(Failure::Rejected), false, false, true, true),
        (failed(Failure::RefusedTooOften), false, false, true, true),
        (failed(Failure::NotRendered), false, false, true, true),
        (failed(Failure::Expired), false, false, false, true),
        (failed(Failure::Abandoned), false, false, false, false),
    ] {
        assert_eq!(has_open_attempt(&state), open, "{state:?}");
        assert_eq!(WITH_TASK.contains(&state.name()), with_task, "{state:?}");
        assert_eq!(state.task().is_some(), with_task, "{state:?}");
        assert_eq!(is_without_files(&state), without_files, "{state:?}");
        assert_eq!(is_unbought(&state), unbought, "{state:?}");
    }
}

#[test]
fn field_45_names_that_some_file_systems_fold_together_are_told_apart() {
    for (one, other) in [
        ("ſun", "Sun"),
        ("straße", "STRASSE"),
        ("ﬁlm", "FILM"),
        ("caf\u{e9}", "Cafe\u{301}"),
        ("Σας", "σασ"),
    ] {
        assert_eq!(folded(one), folded(other), "{one} {other}");
        let mut taken = TakenNames::default();
        assert_eq!(&*taken.free(one, &ShotId::new("a").unwrap(), 1), one);
        assert_eq!(*taken.free(other, &ShotId::new("b").unwrap(), 1), format!("{other}~b"));
        assert_eq!(&*taken.free(other, &ShotId::new("b").unwrap(), 2), other);
    }
    assert_ne!(folded("a.b"), folded("ab"));
}
