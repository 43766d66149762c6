//! Task ids in an answer to a POST: one that is surely there, one that can only be that, and what may
//! be one and is to be shown.

use crate::domain::outcome::TaskId;

use super::super::apimodels::spec;
use super::scan::{Scalar, Scan, scan};

/// The most ids that a reason shows.
const MAX_SHOWN: usize = 3;

/// The ids that an answer names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    /// Under its name in `data` or beside it.
    pub sure: Option<TaskId>,
    /// In a list of one, one level deeper, or as `data.id`; the only one of its kind.
    pub likely: Option<TaskId>,
    /// What may be a task's id, [`Self::likely`] included.
    pub shown: Vec<TaskId>,
}

impl Ids {
    /// Reads them from a body, which may have been cut.
    pub fn read(text: &str) -> Self {
        let mut found = Found::default();
        let scanned = scan(text, |name| may_name_task(name) || is_plain_id(name) || is_data(name));
        found.look(&scanned, &[]);
        for data in scanned.scalars.iter().filter(|scalar| is_packed(scalar)) {
            let inner = scan(data.text.trim(), |name| may_name_task(name) || is_plain_id(name));
            found.look(&inner, &data.path);
        }
        let Found { in_data, beside, anywhere, named, plain, shown } = found;
        // A name that says so is surer than `id`, and two of them are none.
        let likely = match anywhere.len() {
            0 => only(plain),
            1 => only(named),
            _ => None,
        };
        Self { sure: in_data.or(beside), likely, shown }
    }

    /// `why` with every id that is not already whole in it.
    pub fn shown_in(&self, mut why: String) -> String {
        for id in self.shown.iter().take(MAX_SHOWN) {
            if !why.contains(id.as_str()) {
                why.push_str("; what may be the task's id: ");
                why.push_str(id.as_str());
            }
        }
        why
    }
}

/// Ids, sorted by how sure they are.
#[derive(Default)]
struct Found {
    /// The first in `data` itself: that is about the task.
    in_data: Option<TaskId>,
    /// The first beside it.
    beside: Option<TaskId>,
    /// Under a task id's name, wherever.
    anywhere: Vec<TaskId>,
    /// Those of them near `data`, where no other can stand beside them.
    named: Vec<TaskId>,
    /// The same as `id`.
    plain: Vec<TaskId>,
    shown: Vec<TaskId>,
}

impl Found {
    fn look(&mut self, scanned: &Scan, below: &[String]) {
        for scalar in &scanned.scalars {
            let Some(id) = id_of(scalar) else { continue };
            let path: Vec<&str> = below.iter().chain(&scalar.path).map(String::as_str).collect();
            match path.as_slice() {
                ["data", name] if is_sure(scalar, name, below) => {
                    self.in_data.get_or_insert_with(|| id.clone());
                }
                [name] if is_sure(scalar, name, below) => {
                    self.beside.get_or_insert_with(|| id.clone());
                }
                _ => {}
            }
            let inside = path.strip_prefix(&["data"]).unwrap_or(&path);
            let is_named = inside.last().is_some_and(|name| may_name_task(name));
            let is_near_id = match inside {
                ["id"] => path.len() == 2,
                [parent, "id"] => parent.eq_ignore_ascii_case("task"),
                _ => false,
            };
            if is_named {
                add(&mut self.anywhere, &id);
            }
            if is_named || is_near_id {
                add(&mut self.shown, &id);
            }
            if !scanned.is_in_lists_of_one(scalar) {
                // Of several tasks none can be told to be this one.
                continue;
            }
            if is_named && inside.len() <= 2 {
                add(&mut self.named, &id);
            } else if is_near_id {
                add(&mut self.plain, &id);
            }
        }
    }
}

/// Whether a scalar under `name` is the task's id without any guess.
fn is_sure(scalar: &Scalar, name: &str, below: &[String]) -> bool {
    below.is_empty() && !scalar.is_in_list() && names_task(name)
}

fn add(ids: &mut Vec<TaskId>, id: &TaskId) {
    if !ids.contains(id) {
        ids.push(id.clone());
    }
}

fn only(mut ids: Vec<TaskId>) -> Option<TaskId> {
    let id = ids.pop()?;
    ids.is_empty().then_some(id)
}

/// A string, or a whole number as it was written.
fn id_of(scalar: &Scalar) -> Option<TaskId> {
    let text = scalar.text.as_str();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_readable =
        if scalar.is_string { !text.contains(char::REPLACEMENT_CHARACTER) } else { is_number };
    is_readable.then(|| TaskId::new(text)).flatten()
}

/// Whether a field's name is that of a task's id.
pub fn names_task(name: &str) -> bool {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = plain(name);
    spec().answer.task_id.iter().any(|known| plain(known) == name)
}

/// The same, also for a list's name: `taskIds` may hold one.
fn may_name_task(name: &str) -> bool {
    names_task(name) || name.strip_suffix('s').is_some_and(names_task)
}

fn is_plain_id(name: &str) -> bool {
    name == "id"
}

fn is_data(name: &str) -> bool {
    name == "data"
}

/// Whether it is `data` as JSON in a string.
fn is_packed(scalar: &Scalar) -> bool {
    matches!(scalar.path.as_slice(), [name] if is_data(name)) && scalar.is_string
}
