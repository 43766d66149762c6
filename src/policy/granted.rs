//! The moments at which requests may leave where several workers share a rate: the ledger grants them,
//! each to one worker. Pure: moments are spans since the run began, and come as arguments.

use std::collections::VecDeque;
use std::time::Duration;

/// How far ahead moments are granted at most.
pub const REACH: Duration = Duration::from_secs(2);

/// So great a part of the margin around a rate's window a request may be late.
pub const LATE_PART: u32 = 4;

/// Moments are asked for so seldom at least: each asking costs the database as much as a purchase.
const BETWEEN_ASKS: Duration = Duration::from_millis(20);

/// So many moments are asked for at once at most.
const MAX_AT_ONCE: u32 = 1_000;

/// How far before its moment a purchase is claimed at least and at most: so long a commit takes.
const AHEAD: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Granted moments, and how many of them are taken. A place is taken first, so that a purchase can be
/// claimed for it, and used when the request leaves.
#[derive(Clone, Debug)]
pub struct GrantedSlots {
    /// Still to come, in order; each with the time until which it can be used.
    slots: VecDeque<(Duration, Duration)>,
    /// Places that were taken and not yet used: the first moments are theirs, also those that are
    /// still to be granted.
    taken: usize,
    /// How far before its moment a place can be taken.
    ahead: Duration,
    /// Whether more were asked for.
    asking: bool,
    /// When it is worth asking again.
    ask_at: Duration,
    /// From one moment of the account's line to the next, and so many workers share it.
    every: Duration,
    workers: u32,
}

impl GrantedSlots {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            taken: 0,
            ahead: Duration::ZERO,
            asking: false,
            ask_at: Duration::ZERO,
            every: Duration::ZERO,
            workers: 1,
        }
    }

    /// Takes a place; whether there was one.
    pub fn take(&mut self, now: Duration) -> bool {
        self.drop_missed(now);
        let is_near = self.slots.get(self.taken).is_some_and(|(slot, _)| *slot <= now + self.ahead);
        self.taken += usize::from(is_near);
        is_near
    }

    /// When the next place can be taken; `None`: not before more are granted.
    #[must_use]
    pub fn not_before(&self) -> Option<Duration> {
        self.slots.get(self.taken).map(|(slot, _)| slot.saturating_sub(self.ahead))
    }

    /// When the next taken place can be used; `None`: not before more are granted.
    #[must_use]
    pub fn leaves_at(&self) -> Option<Duration> {
        self.slots.front().map(|(slot, _)| *slot)
    }

    /// Uses a taken place, if its moment has come and is not yet over.
    pub fn leave(&mut self, now: Duration) -> bool {
        self.drop_missed(now);
        if self.leaves_at().is_none_or(|slot| slot > now) {
            return false;
        }
        self.slots.pop_front();
        self.cancel();
        true
    }

    /// Gives up a taken place: what was to leave does not.
    pub fn cancel(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }

    /// Commits take so long now: purchases are claimed so far ahead.
    pub fn commits_take(&mut self, span: Duration) {
        self.ahead = span.clamp(AHEAD.0, AHEAD.1);
    }

    /// So many workers share the line.
    pub fn share_with(&mut self, workers: u32) {
        self.workers = workers.max(1);
    }

    /// How many more are to be asked for, where `need` could be taken in the next second; `None`: none
    /// now. Who asks tells so with [`Self::asked`].
    #[must_use]
    pub fn wanted(&self, now: Duration, need: u32) -> Option<u32> {
        if self.asking || now < self.ask_at {
            return None;
        }
        let have = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let taken = u32::try_from(self.taken).unwrap_or(u32::MAX);
        let want = need.min(self.share()).saturating_add(taken);
        (have < want.div_ceil(2) || have < taken).then(|| want - have)
    }

    /// When more can be asked for; `None`: they were asked for.
    #[must_use]
    pub const fn asks_at(&self) -> Option<Duration> {
        if self.asking { None } else { Some(self.ask_at) }
    }

    /// More were asked for.
    pub fn asked(&mut self, now: Duration) {
        self.asking = true;
        self.ask_at = self.ask_at.max(now + BETWEEN_ASKS);
    }

    /// So many were granted, from `first` on, each `every` after the one before and lost once it is `late`;
    /// if none, it is worth asking again once `first` is within reach.
    pub fn granted(&mut self, first: Duration, every: Duration, count: u32, late: Duration) {
        self.asking = false;
        self.every = every;
        if count == 0 {
            self.ask_at = self.ask_at.max(first.saturating_sub(REACH));
        }
        let after_last = self.slots.back().map_or(Duration::ZERO, |(slot, _)| *slot);
        let moments = (0..count).map(|nth| first + every * nth).filter(|slot| *slot >= after_last);
        self.slots.extend(moments.map(|slot| (slot, slot + late)));
    }

    /// Whether some of the taken places have no moment, and none will be granted within reach.
    #[must_use]
    pub fn is_out_of_reach(&self, now: Duration) -> bool {
        self.taken > self.slots.len() && self.ask_at > now
    }

    /// The machine has slept, so that moments are no longer where they seemed: they are lost.
    pub fn forget(&mut self) {
        self.slots.clear();
    }

    /// What this worker uses in a second at most, at least one.
    fn share(&self) -> u32 {
        let each = self.every * self.workers;
        let in_a_second = Duration::from_secs(1).as_nanos() / each.as_nanos().max(1);
        u32::try_from(in_a_second).unwrap_or(u32::MAX).clamp(1, MAX_AT_ONCE)
    }

    fn drop_missed(&mut self, now: Duration) {
        while self.slots.front().is_some_and(|(_, until)| *until < now) {
            self.slots.pop_front();
        }
    }
}

impl Default for GrantedSlots {
    fn default() -> Self {
        Self::new()
    }
}
