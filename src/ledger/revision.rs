//! What a revision's state and its shot say, whatever keeps its row: rules that every ledger goes by.

use std::borrow::Cow;
use std::collections::HashSet;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::domain::shot::{Request, ShotId};
use crate::domain::state::{Failure, State};

/// The names of the states in which an attempt is open: the provider may call about it, and it is
/// known whether it is charged if its task fails.
pub const WITH_OPEN_ATTEMPT: [&str; 3] = ["submitting", "rendering", "in_doubt"];

/// The names of the states that are about a task of which more is expected.
pub const WITH_TASK: [&str; 2] = ["rendering", "rendered"];

/// The failures after which a clip lies, or may still come to lie, under the revision's name.
pub const FAILED_WITH_FILES: [Failure; 2] = [Failure::Abandoned, Failure::Expired];

/// Whether an attempt is open in this state.
#[must_use]
pub fn has_open_attempt(state: &State) -> bool {
    WITH_OPEN_ATTEMPT.contains(&state.name())
}

/// Whether a next purchase would be at the catalog's price.
#[must_use]
pub const fn is_unbought(state: &State) -> bool {
    match state {
        State::Queued { .. } => true,
        State::Failed { failure, .. } => !matches!(failure, Failure::Abandoned),
        _ => false,
    }
}

/// Whether no clip lies, or is to lie, under the revision's present name.
#[must_use]
pub fn is_without_files(state: &State) -> bool {
    match state {
        State::Queued { .. } => true,
        State::Failed { failure, .. } => !FAILED_WITH_FILES.contains(failure),
        _ => false,
    }
}

/// The request with the paths of its local files, as the manifest wrote them.
#[must_use]
pub fn as_written(request: &Request) -> Cow<'_, str> {
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
#[must_use]
pub fn is_name_for(stored: &str, wanted: &str) -> bool {
    stored.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('~'))
}

/// The names under which clips lie or are to lie, so that no two revisions ever write to one path.
#[derive(Debug, Default)]
pub struct TakenNames(HashSet<(String, u32)>);

impl TakenNames {
    /// Keeps the name of revision `number` of a shot for it.
    pub fn take(&mut self, clip_name: &str, number: u32) -> bool {
        self.0.insert((folded(clip_name), number))
    }

    /// The wanted name, or one made unique by the shot's id: ids and wanted names hold no `~`.
    pub fn free(&mut self, wanted: &str, shot: &ShotId, number: u32) -> Box<str> {
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

/// Unicode's form in which characters that only look different are one.
const FORM: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();

/// What two names share that are one file on some system: the same letters but for their case, fully
/// folded (`ß` and `SS`, `ſ` and `s`), and for their form in Unicode (`ﬁ` and `fi`, `é` in one
/// character or in two).
#[must_use]
pub fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let fold = |text: &str| -> String {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    };
    FORM.normalize(&fold(&FORM.normalize(name))).into_owned()
}

/// Whether `~` and this id would read as a revision (`~r2`) or a part (`~2`) of another's clip.
fn reads_as_part(id: &str) -> bool {
    let digits = id.strip_prefix(['r', 'R']).unwrap_or(id);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}
