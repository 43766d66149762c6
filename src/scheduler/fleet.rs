//! What other workers of the campaign make necessary: they are heard of, and told of pauses.

use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::time::Now;
use crate::ledger::{Counts, News};
use crate::policy::granted::REACH;

use super::core::Scheduler;
use super::effects::Effect;
use super::sharing::LastCount;

/// How often other workers are heard of at least, and the campaign's shots counted at most.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// Counting may take so small a part of the time, over all workers: one in so many.
const COUNTING: u32 = 50;
/// Commits that take longer in future are not foreseen beyond twice the longest of late.
const COMMITS: u32 = 2;

impl Scheduler {
    /// Does what other workers make necessary: asks for work, for moments to send, for the counts.
    pub(super) fn share(&mut self, now: Now) {
        if self.sharing.is_none() || self.leaving {
            return;
        }
        self.ask_for_slots(now);
        self.ask_for_work(now);
        let Some(sharing) = &mut self.sharing else { return };
        if sharing.counting.is_none() && sharing.count_at <= now.elapsed {
            sharing.counting = Some(now.elapsed);
            if sharing.is_over {
                sharing.last_count = LastCount::Asked;
            }
            self.out.effects.push(Effect::Count);
        }
    }

    /// When something of it is due.
    pub(super) fn sharing_wake(&self, now: Now) -> Option<Duration> {
        let sharing = self.sharing.as_ref().filter(|_| !self.leaving)?;
        let ask = (!sharing.asking).then_some(sharing.ask_at);
        let count = sharing.counting.is_none().then_some(sharing.count_at);
        [ask, count, self.slots_wake(now)].into_iter().flatten().min()
    }

    /// How the campaign stands when a run begins.
    pub fn begun(&mut self, counts: &Counts, to_buy: Usd) {
        if let Some(sharing) = &mut self.sharing {
            sharing.to_buy = to_buy;
            sharing.count_at = EVERY.1;
        }
        self.progress.take_counts(counts);
    }

    /// The campaign's shots were counted.
    pub(super) fn counted(&mut self, now: Now, counts: &Counts) {
        self.progress.take_counts(counts);
        if let Some(sharing) = &mut self.sharing {
            let began = sharing.counting.take().unwrap_or(now.elapsed);
            let took = now.elapsed.saturating_sub(began);
            let part = COUNTING.saturating_mul(sharing.news.workers.max(1));
            sharing.count_at = now.elapsed + EVERY.1.max(took.saturating_mul(part));
            match sharing.last_count {
                LastCount::Asked => sharing.last_count = LastCount::Done,
                LastCount::Due if sharing.is_over => sharing.count_at = now.elapsed,
                LastCount::Due | LastCount::Done => {}
            }
        }
    }

    /// Takes over what the ledger says of all workers.
    pub(super) fn heard(&mut self, now: Now, news: News) {
        let Some(sharing) = &mut self.sharing else { return };
        let is_old = sharing.telling_pause.is_some() || std::mem::take(&mut sharing.told_pause);
        let turns = !is_old && news.paused != sharing.is_paused;
        sharing.news = news;
        sharing.ask_at = now.elapsed + EVERY.0;
        if turns {
            sharing.is_paused = news.paused;
            self.out.at_once.push(Effect::Switch { paused: news.paused });
        }
        self.progress.balance = news.balance;
        self.progress.budget = news.budget;
        for pacer in [&mut self.posts, &mut self.polls] {
            if let Some(granted) = pacer.granted() {
                granted.share_with(news.workers);
            }
        }
        self.check_failures();
    }

    /// The user pauses the run or lets it go on: so do all workers.
    pub(super) fn tell_pause(&mut self, paused: bool) {
        if let Some(sharing) = self.sharing.as_mut().filter(|sharing| sharing.is_paused != paused) {
            sharing.is_paused = paused;
            sharing.told_pause = true;
            // One call at a time, so that the ledger hears of pauses in the order in which they were asked.
            if sharing.telling_pause.is_none() {
                sharing.telling_pause = Some(paused);
                self.out.effects.push(Effect::TellPause { paused });
            }
        }
    }

    /// The ledger knows of a pause, or of its end.
    pub(super) fn pause_told(&mut self) {
        let Some(sharing) = &mut self.sharing else { return };
        let paused = sharing.is_paused;
        if sharing.telling_pause.take().is_some_and(|told| told != paused) {
            sharing.telling_pause = Some(paused);
            self.out.effects.push(Effect::TellPause { paused });
        } else {
            sharing.told_pause = sharing.asking;
        }
    }

    /// A commit took so long: purchases are claimed so far before they may leave.
    pub(super) fn commit_took(&mut self, took: Duration) {
        let Some(sharing) = &mut self.sharing else { return };
        sharing.commit = took.max(sharing.commit * 7 / 8);
        let ahead = sharing.commit * COMMITS;
        if let Some(granted) = self.posts.granted() {
            granted.commits_take(ahead.min(REACH));
        }
    }

    /// Whether every place in flight that is free over all workers is picked already.
    pub(super) fn places_are_picked(&self) -> bool {
        self.sharing.as_ref().is_some_and(|sharing| sharing.unclaimed >= sharing.news.places)
    }

    /// Whether this worker stays while others have something to do: one of them may die.
    pub(super) fn waits_for_others(&self) -> bool {
        let waits = self.options.submit && self.stops_nothing();
        waits && self.sharing.as_ref().is_some_and(|sharing| !sharing.has_ended())
    }

    /// What is left under the account's cap of this month.
    pub(super) fn month_left(&self) -> Option<Usd> {
        self.sharing.as_ref()?.news.month_left
    }

    /// Whether the month's cap leaves less than the campaign's own.
    pub(super) fn month_is_tighter(&self) -> bool {
        let own = self.progress.budget.left(&self.progress.balance);
        self.month_left().is_some_and(|month| own.is_none_or(|own| month < own))
    }

    /// Queued shots that wait in no hand, or in others'.
    pub(super) fn waiting_elsewhere(&self) -> usize {
        self.sharing.as_ref().map_or(0, |sharing| sharing.news.waiting)
    }
}
