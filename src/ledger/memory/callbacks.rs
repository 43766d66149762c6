//! Calls of the provider that reached a worker which does not know their keys: kept for the one that has
//! the revision in its hands.

use super::books::{Revision, WorkerId};
use super::tables::Tables;
use crate::domain::callback::{Callback, add_named};
use crate::domain::state::{AttemptId, State};

impl Tables {
    /// Notes the calls about open attempts; others are of no interest.
    pub(super) fn note_callbacks(&mut self, came: &[Callback]) {
        let open = self.books.subscriptions();
        for call in came {
            let Some(about) = open.iter().find(|one| one.key == call.key) else { continue };
            let noted = self.callbacks.entry(about.attempt).or_default();
            add_named(&mut noted.tasks, call.tasks.iter().cloned());
            noted.told = None;
        }
    }

    /// Forgets what a worker heard of before its `nth` assignment, and what says nothing any more.
    pub(super) fn forget_callbacks(&mut self, me: WorkerId, nth: u64) {
        let open: Vec<AttemptId> =
            self.books.subscriptions().iter().map(|one| one.attempt).collect();
        self.callbacks.retain(|attempt, noted| {
            let was_heard = noted.told.is_some_and(|(who, when)| who == me && when < nth);
            open.contains(attempt) && !was_heard
        });
    }

    /// Whether a call came about a revision with which nothing goes on by itself.
    pub(super) fn waits_for_callback(&self, one: &Revision) -> bool {
        let (State::InDoubt { attempt, .. } | State::Rendering { attempt, stalled: Some(_), .. }) =
            &one.entry.status.state
        else {
            return false;
        };
        self.callbacks.contains_key(attempt)
    }

    /// Tells a worker, with its `nth` assignment, of calls about what is in its hands.
    pub(super) fn tell_callbacks(&mut self, me: WorkerId, nth: u64) -> Vec<Callback> {
        let mut told = Vec::new();
        for (attempt, noted) in &mut self.callbacks {
            let about = self.books.attempt(*attempt);
            let revision = about.and_then(|about| self.books.revision(about.revision));
            let is_mine = revision.is_some_and(|one| one.holder == Some(me));
            let is_new = noted.told.is_none_or(|(who, when)| who != me || when == nth);
            if let Some(about) = about.filter(|_| is_mine && is_new) {
                noted.told = Some((me, nth));
                told.push(Callback { key: about.spec.key, tasks: noted.tasks.clone() });
            }
        }
        told
    }
}
