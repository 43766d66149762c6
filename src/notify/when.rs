//! When there is something to tell: a pure function of what is seen of a run.

use crate::domain::webhook::Occasion;

/// So many of the latest shots are looked at, and so many of them failed are many.
const LATEST: u32 = 20;
const MANY_OF_THEM: u32 = 7;

/// What is seen of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Shots that wait while nothing of them fits under the cap.
    pub held_by_cap: usize,
    /// Whether the gateway wants more credit.
    pub out_of_credit: bool,
    /// Shots that failed in this run.
    pub failed: u32,
    /// Shots that were delivered or failed in this run.
    pub settled: u32,
    /// Whether the latest of them failed: a bit each, the last one's the lowest.
    pub latest: u32,
}

/// Knows what is to be told, and of what was told.
#[derive(Clone, Debug)]
pub struct Watch {
    wanted: Vec<Occasion>,
    failures: u32,
}

impl Watch {
    /// Tells of each of these once; `failures` failed shots are many.
    #[must_use]
    pub fn new(wanted: Vec<Occasion>, failures: u32) -> Self {
        Self { wanted, failures }
    }

    /// What is to be told now and was not told before.
    pub fn news(&mut self, seen: &Seen) -> Vec<Occasion> {
        let latest = seen.latest & ((1 << LATEST) - 1);
        let many = seen.settled >= LATEST && latest.count_ones() >= MANY_OF_THEM;
        [
            (Occasion::Cap, seen.held_by_cap > 0),
            (Occasion::Credit, seen.out_of_credit),
            (Occasion::Failures, many || seen.failed >= self.failures),
        ]
        .into_iter()
        .filter(|(occasion, happened)| *happened && self.takes(*occasion))
        .map(|(occasion, _)| occasion)
        .collect()
    }

    /// Whether an occasion is to be told of; once asked it was.
    pub fn takes(&mut self, occasion: Occasion) -> bool {
        let wanted = self.wanted.iter().position(|wanted| *wanted == occasion);
        wanted.map(|at| self.wanted.swap_remove(at)).is_some()
    }
}
