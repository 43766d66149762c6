//! What a revision's state and its shot say, wherever its row is kept: rules that every ledger goes by.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::domain::shot::{Request, ShotId};
use crate::domain::state::{Failure, State};

/// The names of the states in which an attempt is open: the provider may call about it, and it is
/// known whether it is charged if its task fails.
pub(super) const WITH_OPEN_ATTEMPT: [&str; 3] = ["submitting", "rendering", "in_doubt"];

/// The names of the states that are about a task of which more is expected.
pub(super) const WITH_TASK: [&str; 2] = ["rendering", "rendered"];

/// The failures after which a clip lies, or may still come to lie, under the revision's name.
pub(super) const FAILED_WITH_FILES: [Failure; 2] = [Failure::Abandoned, Failure::Expired];

/// Whether an attempt is open in this state.
pub(super) fn has_open_attempt(state: &State) -> bool {
    WITH_OPEN_ATTEMPT.contains(&state.name())
}

/// Whether a next purchase would be at the catalog's price.
pub(super) const fn is_unbought(state: &State) -> bool {
    match state {
        State::Queued { .. } => true,
        State::Failed { failure, .. } => !matches!(failure, Failure::Abandoned),
        _ => false,
    }
}

/// Whether no clip lies, or is to lie, under the revision's present name.
pub(super) fn is_without_files(state: &State) -> bool {
    match state {
        State::Queued { .. } => true,
        State::Failed { failure, .. } => !FAILED_WITH_FILES.contains(failure),
        _ => false,
    }
}

/// The request with the paths of its local files, as the manifest wrote them.
pub(super) fn as_written(request: &Request) -> Cow<'_, str> {
    if request.files.is_empty() {
        return Cow::Borrowed(&request.json);
    }
    let Ok(mut json) = serde_json::from_str::<serde_json::Map<_, _>>(&request.json) else {
        return Cow::Borrowed(&request.json);
    };
    for file in &request.files {
        json.insert(file.param.to_string(), (*file.written).into());
    }
    Cow::Owned(serde_json::Value::Object(json).to_string())
}

/// Whether a stored name is the wanted one, or what was made of it because that was taken.
pub(super) fn is_name_for(stored: &str, wanted: &str) -> bool {
    stored.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('~'))
}

/// The names under which clips lie or are to lie, so that no two revisions ever write to one path.
#[derive(Debug, Default)]
pub(super) struct TakenNames(HashSet<(String, u32)>);

impl TakenNames {
    /// Keeps the name of revision `number` of a shot for it.
    pub(super) fn take(&mut self, clip_name: &str, number: u32) -> bool {
        self.0.insert((clip_name.to_lowercase(), number))
    }

    /// The wanted name, or one made unique by the shot's id: ids and wanted names hold no `~`.
    pub(super) fn free(&mut self, wanted: &str, shot: &ShotId, number: u32) -> Box<str> {
        let mut name = wanted.to_owned();
        while !self.take(&name, number) {
            name.push('~');
            if reads_as_part(shot.as_str()) {
                name.push_str("shot-");
            }
            name.push_str(shot.as_str());
        }
        name.into()
    }
}

/// Whether `~` and this id would read as a revision (`~r2`) or a part (`~2`) of another's clip.
fn reads_as_part(id: &str) -> bool {
    let digits = id.strip_prefix(['r', 'R']).unwrap_or(id);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::TaskId;
    use crate::domain::state::{AttemptId, Unanswered};
    use crate::domain::time::Timestamp;

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
}
