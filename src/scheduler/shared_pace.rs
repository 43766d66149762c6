//! The moments at which requests may leave, where several workers share the rate: asks the ledger for
//! them, and hears of the others' 429s.

use std::time::Duration;

use crate::domain::time::Now;
use crate::ledger::{SlotRequest, Traffic};
use crate::policy::pacer::Pacer;

use super::core::Scheduler;
use super::effects::{Effect, GrantedMoments, not_sent};

impl Scheduler {
    /// Asks for more moments if there are too few for what waits.
    pub(super) fn ask_for_slots(&mut self, now: Now) {
        let (posts, polls) = (self.posts_needed(now), self.polls_needed());
        for (traffic, need) in [(Traffic::Posts, posts), (Traffic::Polls, polls)] {
            let has_news = traffic == Traffic::Posts && self.has_news_of_pace();
            let Some(granted) = self.pacer(traffic).granted() else { return };
            let news = (has_news && granted.asks_at().is_some()).then_some(0);
            let Some(wanted) = granted.wanted(now.elapsed, need).or(news) else { continue };
            granted.asked(now.elapsed);
            let mut request = SlotRequest { traffic, wanted, setback: None, recovered: false };
            if let (Traffic::Posts, Some(sharing)) = (traffic, &mut self.sharing) {
                let setback = sharing.setback.take();
                request.setback =
                    setback.map(|(until, level)| (until.saturating_sub(now.elapsed), level));
                request.recovered = std::mem::take(&mut sharing.recovered);
            }
            self.out.effects.push(Effect::AskSlots { request });
        }
    }

    /// Whether the others are to hear of a 429, or that the pace may double again.
    fn has_news_of_pace(&self) -> bool {
        self.sharing.as_ref().is_some_and(|sharing| sharing.setback.is_some() || sharing.recovered)
    }

    /// When it may be worth asking for moments again.
    pub(super) fn slots_wake(&self, now: Now) -> Option<Duration> {
        let asks_at = |pacer: &Pacer, need: u32| match pacer {
            Pacer::Granted(granted) if need > 0 => granted.asks_at(),
            _ => None,
        };
        let posts = asks_at(&self.posts, self.posts_needed(now));
        let polls = asks_at(&self.polls, self.polls_needed());
        let later = |at: &Duration| *at > now.elapsed;
        [posts.filter(later), polls.filter(later)].into_iter().flatten().min()
    }

    /// The ledger granted moments, or said when it will.
    pub(super) fn granted(&mut self, now: Now, granted: GrantedMoments) {
        let GrantedMoments { traffic, first, every, count, late, level, quiet_until } = granted;
        let Some(slots) = self.pacer(traffic).granted() else { return };
        slots.granted(first, every, count, late);
        if traffic == Traffic::Polls {
            return;
        }
        self.throttled.hear(level, quiet_until);
        // What was claimed is not kept waiting for long: it is bought later.
        while self.posts.granted().is_some_and(|it| it.is_out_of_reach(now.elapsed)) {
            let Some(slot) = self.leaving_soon.pop_back() else { return };
            self.posts.cancel();
            self.answered(now, slot, not_sent());
        }
    }

    /// The machine has slept: moments that were granted before are lost.
    pub fn slept(&mut self) {
        for pacer in [&mut self.posts, &mut self.polls] {
            if let Some(granted) = pacer.granted() {
                granted.forget();
            }
        }
    }

    fn pacer(&mut self, traffic: Traffic) -> &mut Pacer {
        match traffic {
            Traffic::Posts => &mut self.posts,
            Traffic::Polls => &mut self.polls,
        }
    }

    /// So many purchases could be begun now, were there moments for them.
    fn posts_needed(&self, now: Now) -> u32 {
        let waits = self.is_stopping()
            || self.progress.paused
            || self.quiet_until() > now.elapsed
            || self.is_full()
            || self.downloads_come_first();
        let Some(sharing) = self.sharing.as_ref().filter(|_| !waits) else { return 0 };
        let limits = &self.options.limits;
        let places = sharing.news.places.saturating_sub(sharing.unclaimed);
        let own = limits.in_flight.saturating_sub(self.in_flight);
        let wire = limits.posts().saturating_sub(self.posting);
        let ready = u32::try_from(self.queue.fitting(self.left())).unwrap_or(u32::MAX);
        ready.min(places).min(own).min(wire)
    }

    fn polls_needed(&self) -> u32 {
        u32::try_from(self.questions.len()).unwrap_or(u32::MAX)
    }
}
