//! How long tasks took in this run, by what they are like.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::time::Timestamp;
use crate::policy::late::late_after;

/// So many of the latest tasks of a kind are remembered.
const MAX_KEPT: usize = 200;

/// What tasks are like: a model, and a price, which goes by mode and duration.
pub(super) type Kind = (Arc<str>, Option<Usd>);

/// How long tasks took.
#[derive(Default)]
pub(super) struct Renders(HashMap<Kind, Took>);

#[derive(Default)]
struct Took {
    spans: VecDeque<Duration>,
    /// When the youngest that completed was bought.
    youngest: Option<Timestamp>,
}

impl Renders {
    /// One that was bought at `since` completed and took so long.
    pub(super) fn note(&mut self, kind: Kind, since: Timestamp, span: Duration) {
        let took = self.0.entry(kind).or_default();
        if took.spans.len() >= MAX_KEPT {
            took.spans.pop_front();
        }
        took.spans.push_back(span);
        took.youngest = took.youngest.max(Some(since));
    }

    /// Whether a task that was bought at `since`, `age` ago, is late: its like took far less, and
    /// younger ones completed.
    pub(super) fn is_late(&mut self, kind: &Kind, since: Timestamp, age: Duration) -> bool {
        let Some(took) = self.0.get_mut(kind) else { return false };
        took.youngest > Some(since)
            && late_after(took.spans.make_contiguous()).is_some_and(|limit| age > limit)
    }
}
