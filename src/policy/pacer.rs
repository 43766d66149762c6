//! When one kind of traffic may leave: by a rate of its own, or at the moments that workers share.

use std::time::Duration;

use super::granted::GrantedSlots;
use super::limits::Rate;
use super::rate::RateLimiter;

/// Says when one kind of traffic may leave.
#[derive(Debug)]
pub enum Pacer {
    /// This process alone keeps the rate.
    Own(RateLimiter),
    /// Several workers share it: the ledger grants moments.
    Granted(GrantedSlots),
}

impl Pacer {
    /// A pacer for a rate that is this process's own, or that several share.
    #[must_use]
    pub fn new(rate: Rate, is_shared: bool) -> Self {
        if is_shared {
            Self::Granted(GrantedSlots::new())
        } else {
            Self::Own(RateLimiter::new(rate))
        }
    }

    /// Takes a place that costs `cells` of the even spread; whether there was one. Of shared ones the
    /// ledger spreads the moments.
    pub fn take(&mut self, now: Duration, cells: u32) -> bool {
        match self {
            Self::Own(own) => own.take(now, cells),
            Self::Granted(granted) => granted.take(now),
        }
    }

    /// Before this moment [`Self::take`] fails, as far as is known; `None`: until a taken place is used,
    /// or more are granted.
    #[must_use]
    pub fn not_before(&self) -> Option<Duration> {
        match self {
            Self::Own(own) => own.not_before(),
            Self::Granted(granted) => granted.not_before(),
        }
    }

    /// Uses a taken place, if one can be used now.
    pub fn leave(&mut self, now: Duration) -> bool {
        match self {
            Self::Own(own) => own.leave(now),
            Self::Granted(granted) => granted.leave(now),
        }
    }

    /// When the next taken place can be used; `None`: not before more are granted.
    #[must_use]
    pub fn leaves_at(&self) -> Option<Duration> {
        match self {
            Self::Own(own) => Some(own.leaves_at()),
            Self::Granted(granted) => granted.leaves_at(),
        }
    }

    /// Takes and uses a place; whether there was one.
    pub fn take_and_leave(&mut self, now: Duration) -> bool {
        match self {
            Self::Own(own) => own.take_and_leave(now),
            Self::Granted(granted) => granted.leave(now),
        }
    }

    /// Gives up a taken place: what was to leave does not.
    pub fn cancel(&mut self) {
        match self {
            Self::Own(own) => own.cancel(),
            Self::Granted(granted) => granted.cancel(),
        }
    }

    /// The granted moments, where several share them.
    pub const fn granted(&mut self) -> Option<&mut GrantedSlots> {
        match self {
            Self::Own(_) => None,
            Self::Granted(granted) => Some(granted),
        }
    }
}
