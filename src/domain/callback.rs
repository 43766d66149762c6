//! A call that the provider makes when a task has ended. It is a hint: it may be lost, come twice or be
//! forged, and decides nothing before the provider itself was asked.

use super::outcome::TaskId;
use super::secret::Secret;

/// The most tasks of calls about one attempt that are looked at.
pub const MAX_NAMED: usize = 4;

/// One call, or several with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The secret part of the address that was called, which names one attempt.
    pub key: Secret,
    /// The tasks that were named, [`MAX_NAMED`] at most.
    pub tasks: Vec<TaskId>,
}

/// Adds tasks that were named to those named before: each once, and no more than [`MAX_NAMED`].
pub fn add_named(named: &mut Vec<TaskId>, more: impl IntoIterator<Item = TaskId>) {
    for task in more {
        if named.len() < MAX_NAMED && !named.contains(&task) {
            named.push(task);
        }
    }
}
