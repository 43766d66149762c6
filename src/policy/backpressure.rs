//! The slow-down after setbacks that concern all shots. Pure: moments are spans since the run began,
//! chance is an argument.

use std::time::Duration;

use super::retry;

/// The pace of all submissions after setbacks of one kind that concern them all: 429s, or failures
/// to reach the gateway.
#[derive(Clone, Debug)]
pub struct Backpressure {
    /// Whether a setback also halves the pace.
    slowing: bool,
    /// Each level halves the pace.
    level: u32,
    /// Passed since the level last changed.
    accepted: u32,
    /// Nothing leaves before this.
    quiet_until: Duration,
    /// Setbacks in a row with nothing passed in between; those within one pause count once.
    in_a_row: u32,
    /// When the row began, and its last setback.
    row: (Duration, Duration),
}

/// The slowest pace is a 32nd.
const LOWEST_LEVEL: u32 = 5;
/// So many passed in a row double the pace again.
const RECOVERY: u32 = 8;

impl Backpressure {
    /// None so far. `slowing` ones halve the pace besides making all submissions pause.
    #[must_use]
    pub const fn new(slowing: bool) -> Self {
        Self {
            slowing,
            level: 0,
            accepted: 0,
            quiet_until: Duration::ZERO,
            in_a_row: 0,
            row: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// Notes a setback: all submissions pause. Answers whether this began a new pause (as opposed to
    /// being one more victim of the same trouble).
    pub fn hit(&mut self, now: Duration, asked: Option<Duration>, chance: f64) -> bool {
        let fresh = now >= self.quiet_until;
        if fresh {
            if self.in_a_row == 0 {
                self.row.0 = now;
            }
            self.row.1 = now;
            self.in_a_row += 1;
            if self.slowing {
                self.level = (self.level + 1).min(LOWEST_LEVEL);
                self.accepted = 0;
            }
        }
        if fresh || asked.is_some() {
            let until = now + retry::wait(asked, self.in_a_row, chance);
            self.quiet_until = self.quiet_until.max(until);
        }
        fresh
    }

    /// Notes that one got through: the row is broken, and the pace recovers step by step.
    pub fn passed(&mut self) {
        self.in_a_row = 0;
        self.accepted += 1;
        if self.accepted >= RECOVERY {
            self.accepted = 0;
            self.level = self.level.saturating_sub(1);
        }
    }

    /// Takes over what other workers know: how often the pace is halved, and until when all are quiet.
    pub fn hear(&mut self, level: u32, quiet_until: Duration) {
        self.level = level.min(LOWEST_LEVEL);
        self.quiet_until = self.quiet_until.max(quiet_until);
    }

    /// How often the pace is halved.
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.level
    }

    /// When the next one may leave.
    #[must_use]
    pub const fn quiet_until(&self) -> Duration {
        self.quiet_until
    }

    /// How many places in the normal pace one submission takes now: 1, 2, 4, …
    #[must_use]
    pub const fn places(&self) -> u32 {
        1 << self.level
    }

    /// Pauses in a row with nothing passed in between.
    #[must_use]
    pub const fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// How long it has been tried in vain: from the first setback of the row to its last, so that
    /// a pause in which nothing was tried does not count.
    #[must_use]
    pub const fn lasting(&self) -> Duration {
        let (began, last) = self.row;
        if self.in_a_row == 0 { Duration::ZERO } else { last.saturating_sub(began) }
    }
}
