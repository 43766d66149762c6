//! A run as one of several workers: what it asks of the ledger, and what it makes of the answers.

use std::time::Duration;

use super::given::{BEGAN, given, rendering, secs, task, usd};
use super::rig::Rig;
use super::{bought, completed, not_sent, throttled};
use rushes::domain::callback::Callback;
use rushes::domain::state::{AttemptId, State};
use rushes::ledger::{
    Assigned, CallbackSubscription, Counts, News, SlotRequest, Traffic, Verdict, Want,
};
use rushes::policy::limits::{Rate, Window};
use rushes::policy::rejections::AlikeRejections;
use rushes::scheduler::{Effect, Event, GrantedMoments, RunOutcome, StopReason};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How the campaign stands where there is room for all.
pub const ROOM: News = News { places: 100, workers: 2, ..nothing() };

const fn nothing() -> News {
    use rushes::Usd;
    use rushes::policy::budget::{Balance, Budget};
    News {
        budget: Budget { cap: None, strict: false },
        balance: Balance { spent: Usd::ZERO, reserved: Usd::ZERO, unconfirmed: Usd::ZERO },
        places: 0,
        month_left: None,
        workers: 1,
        paused: false,
        failures: 0,
        late: 0,
        accepted: 0,
        is_over: false,
        waiting: 0,
    }
}

impl Rig {
    /// What is asked of the ledger now, which is answered by [`Rig::assign`].
    pub fn want(&mut self) -> Option<Want> {
        let at = self.begun.iter().position(|effect| matches!(effect, Effect::Assign { .. }))?;
        match self.begun.remove(at) {
            Effect::Assign { want } => Some(want),
            _ => None,
        }
    }

    /// The ledger hands over these rows.
    pub fn assign(&mut self, rows: &[usize], news: News) {
        self.assign_called(rows, &[], news);
    }

    /// The same, and tells of calls about these rows, which named these tasks, that reached others.
    pub fn assign_called(&mut self, rows: &[usize], calls: &[(usize, &[&str])], news: News) {
        let entries = rows.iter().map(|row| self.entries[*row].clone()).collect();
        let all = (1..).map(AttemptId).zip(&self.attempts);
        let handed = all.filter(|(_, attempt)| rows.contains(&attempt.row));
        let subscriptions = handed
            .map(|(attempt, one)| CallbackSubscription { attempt, key: one.key, sent_at: BEGAN })
            .collect();
        let key_of = |row| self.attempts.iter().rfind(|one| one.row == row).unwrap().key;
        let callback = |(row, tasks): &(usize, &[&str])| Callback {
            key: key_of(*row),
            tasks: tasks.iter().map(|name| task(name)).collect(),
        };
        let callbacks = calls.iter().map(callback).collect();
        let rejections = Vec::new();
        let assigned = Assigned { entries, subscriptions, callbacks, rejections, news };
        self.tell(Event::Assigned(Box::new(assigned)));
    }

    /// What is asked of the ledger next, and is answered by [`Rig::hear_of_refusals`].
    pub fn want_soon(&mut self) -> Want {
        self.begun.retain(|effect| !matches!(effect, Effect::Assign { .. }));
        self.assign(&[], ROOM);
        self.play(secs(1));
        self.want().unwrap()
    }

    /// Hears of what was accepted from others, and of the rejections that they met since.
    pub fn hear_of_refusals(&mut self, accepted: u32, rejections: Vec<AlikeRejections>) {
        let (entries, subscriptions, callbacks) = (Vec::new(), Vec::new(), Vec::new());
        let news = News { accepted, ..ROOM };
        let assigned = Assigned { entries, subscriptions, callbacks, rejections, news };
        self.tell(Event::Assigned(Box::new(assigned)));
    }

    /// The ledger says how many shots are queued: once no worker has anything to do, this is asked.
    pub fn count_queued(&mut self, queued: usize) {
        assert_eq!(self.ended(), None, "the shots are counted first");
        let is_count = |effect: &Effect| matches!(effect, Effect::Count);
        while let Some(at) = self.begun.iter().position(is_count) {
            self.begun.remove(at);
            self.tell(Event::Counted(Counts { queued, ..Counts::default() }));
        }
    }

    pub fn slot_request(&mut self, traffic: Traffic) -> Option<SlotRequest> {
        let is_it = |effect: &Effect| match effect {
            Effect::AskSlots { request } => request.traffic == traffic,
            _ => false,
        };
        let at = self.begun.iter().position(is_it)?;
        match self.begun.remove(at) {
            Effect::AskSlots { request } => Some(request),
            _ => None,
        }
    }

    pub fn grant(&mut self, traffic: Traffic, first: Duration, every: Duration, count: u32) {
        let (level, quiet_until) = (0, Duration::ZERO);
        let late = Duration::from_millis(10);
        let granted = GrantedMoments { traffic, first, every, count, late, level, quiet_until };
        self.tell(Event::Granted(granted));
    }
}

#[test]
fn work_is_asked_for_at_once_and_bought_at_granted_moments_alone() {
    let mut rig = given(3).shared().start();
    assert_eq!(rig.want().map(|want| want.queued > 0), Some(true));
    rig.assign(&[0, 1], ROOM);
    rig.play(ms(10));
    assert_eq!(rig.posts(), Vec::<usize>::new());
    let request = rig.slot_request(Traffic::Posts).unwrap();
    assert_eq!((request.wanted, request.setback), (2, None));
    rig.grant(Traffic::Posts, ms(100), ms(50), 2);
    rig.play(ms(500));
    assert_eq!(rig.left, [ms(100), ms(150)]);
}

#[test]
fn it_asks_again_within_a_second_to_hear_of_the_others() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[], ROOM);
    assert_eq!(rig.want().map(|want| want.is_idle), None);
    rig.play(secs(2));
    assert_eq!(rig.want().map(|want| want.is_idle), Some(true));
}

#[test]
fn a_worker_with_nothing_to_do_stays_until_no_other_has_anything_either() {
    let mut rig = given(1).shared().start();
    assert_eq!(rig.want().map(|want| want.is_idle), Some(true));
    rig.assign(&[], ROOM);
    rig.play(secs(1));
    assert_eq!(rig.ended(), None);
    assert!(rig.want().is_some());
    rig.assign(&[], News { is_over: true, ..ROOM });
    rig.count_queued(0);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn what_a_dead_worker_left_is_taken_over_and_brought_to_its_end() {
    let mut rig = given(1).stored(0, rendering("a")).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], News { is_over: true, ..ROOM });
    assert_eq!(rig.ended(), None, "it was idle when it asked, and has work now");
    assert_eq!(rig.slot_request(Traffic::Polls).map(|request| request.wanted), Some(1));
    rig.grant(Traffic::Polls, ms(10), ms(100), 1);
    rig.play(ms(20));
    rig.polled(0, completed(1));
    assert_eq!(rig.downloads(), [0]);
}

#[test]
fn a_claim_for_which_no_place_was_free_is_made_again_once_one_is() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.verdicts.push_back(Verdict::Full);
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(secs(2));
    assert_eq!((rig.posts(), rig.is(0)), (vec![], "queued"));
    assert!(rig.want().is_some());
    rig.assign(&[], ROOM);
    let request = rig.slot_request(Traffic::Posts).unwrap();
    rig.grant(Traffic::Posts, secs(3), ms(100), request.wanted);
    rig.play(secs(2));
    assert_eq!(rig.posts(), [0]);
}

#[test]
fn no_more_are_claimed_than_places_are_free_over_all_workers() {
    let mut rig = given(4).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0, 1, 2, 3], News { places: 2, ..ROOM });
    assert_eq!(rig.slot_request(Traffic::Posts).map(|request| request.wanted), Some(2));
    rig.grant(Traffic::Posts, ms(10), ms(10), 8);
    rig.play(ms(12));
    assert_eq!(rig.posts().len(), 1);
}

#[test]
fn a_shot_that_another_worker_has_is_left_to_it() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.verdicts.push_back(Verdict::Gone);
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    assert_eq!(rig.want().map(|want| want.is_idle), Some(false));
    rig.assign(&[], ROOM);
    rig.play(secs(2));
    let want = rig.want().unwrap();
    assert_eq!((rig.posts(), want.is_idle, want.returned), (vec![], true, vec![]));
    rig.assign(&[], News { is_over: true, ..ROOM });
    rig.count_queued(0);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
    assert_eq!((rig.scheduler.in_flight, rig.scheduler.picked), (0, usd("0")));
}

#[test]
fn shots_that_no_longer_fit_are_counted_wherever_they_wait() {
    let mut rig = given(2).shared().start();
    assert!(rig.want().is_some());
    let capped = News { waiting: 3, ..ROOM };
    let budget = rushes::policy::budget::Budget { cap: Some(usd("0.5")), strict: false };
    rig.assign(&[0], News { budget, ..capped });
    rig.play(secs(1));
    assert_eq!(rig.want().map(|want| (want.is_idle, want.left)), Some((true, Some(usd("0.5")))));
    rig.assign(&[], News { budget, is_over: true, ..capped });
    rig.count_queued(4);
    let held = RunOutcome::Stopped(StopReason::Cap { held: 4 });
    assert_eq!(rig.ended(), Some(held));
}

#[test]
fn failures_are_counted_over_all_workers() {
    let mut rig = given(1).options(|options| options.max_failures = Some(3)).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], News { failures: 2, ..ROOM });
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(ms(20));
    rig.answer(0, super::rejected());
    assert_eq!(rig.stopped(), Some(&StopReason::Failures(3)));
    assert_eq!(rig.want().map(|want| want.is_idle), Some(false));
    rig.assign(&[], ROOM);
    rig.play(secs(2));
    assert_eq!(rig.want().map(|want| want.failures), Some(1));
    // Nothing is left that it could have stopped: it ends with the others.
    rig.assign(&[], ROOM);
    assert_eq!(rig.ended(), None);
    rig.play(secs(2));
    assert!(rig.want().is_some());
    rig.assign(&[], News { is_over: true, ..ROOM });
    rig.count_queued(0);
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn a_shot_with_which_nothing_goes_on_is_given_back() {
    let mut rig = given(1).stored(0, rendering("a")).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Polls).is_some());
    rig.grant(Traffic::Polls, ms(10), ms(100), 1);
    rig.play(ms(20));
    rig.polled(0, super::failed());
    assert!(rig.want().is_some());
    rig.assign(&[], ROOM);
    assert_eq!(rig.want().map(|want| want.returned.len()), Some(1));
}

#[test]
fn the_others_hear_of_a_429() {
    let rate = Rate { count: 10, window: Window::Second };
    let mut rig = given(2).limits(|limits| limits.rate = rate).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0, 1], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(ms(20));
    rig.answer(0, throttled(Some(secs(7))));
    assert_eq!(rig.slot_request(Traffic::Posts).map(|request| request.wanted), Some(1));
    rig.grant(Traffic::Posts, ms(10), ms(100), 0);
    let request = rig.slot_request(Traffic::Posts).unwrap();
    let (quiet, level) = request.setback.unwrap();
    assert_eq!((request.wanted, level), (0, 1));
    assert!((secs(7)..secs(9)).contains(&quiet), "{quiet:?}");
}

#[test]
fn what_was_claimed_and_has_no_moment_soon_is_written_down_as_not_sent() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.commit_takes.push_back(ms(50));
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(ms(30));
    assert_eq!((rig.posts(), rig.is(0)), (vec![], "submitting"), "its moment was lost");
    assert_eq!(rig.slot_request(Traffic::Posts).map(|request| request.wanted), Some(1));
    rig.grant(Traffic::Posts, secs(9), ms(100), 0);
    assert_eq!((rig.posts(), rig.is(0)), (vec![], "queued"));
}

#[test]
fn moments_that_were_granted_before_the_machine_slept_are_not_used() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(500), ms(100), 1);
    rig.scheduler.slept();
    rig.play(secs(1));
    assert_eq!(rig.posts(), Vec::<usize>::new());
}

#[test]
fn a_pause_is_told_and_heard_and_old_news_do_not_end_it() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.pause(true);
    let told = |rig: &Rig| {
        rig.begun.iter().any(|effect| matches!(effect, Effect::TellPause { paused: true }))
    };
    assert!(told(&rig));
    let switched = |rig: &Rig| {
        rig.begun.iter().filter(|effect| matches!(effect, Effect::Switch { .. })).count()
    };
    rig.assign(&[0], ROOM);
    assert_eq!(switched(&rig), 0, "the ledger did not know of the pause when it was asked");
    rig.play(secs(1));
    rig.tell(Event::PauseTold);
    assert!(rig.want().is_some());
    rig.assign(&[], ROOM);
    assert_eq!(switched(&rig), 0, "it may not have known of it then");
    rig.play(secs(1));
    assert!(rig.want().is_some());
    rig.assign(&[], ROOM);
    assert_eq!(switched(&rig), 1, "another worker let it go on");
}

#[test]
fn a_bought_shot_goes_on_as_ever() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(ms(20));
    rig.answer(0, bought("a"));
    assert!(matches!(rig.state(0), State::Rendering { .. }));
}

/// It waits in the queue again by the time that another turns out to have it.
#[test]
fn a_shot_whose_refusal_comes_too_late_is_not_bought_again_from_here() {
    let mut rig = given(1).shared().start();
    assert!(rig.want().is_some());
    rig.assign(&[0], ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, ms(10), ms(100), 1);
    rig.play(ms(20));
    assert_eq!(rig.posts(), [0]);
    rig.verdicts.push_back(Verdict::Gone);
    rig.answer(0, not_sent());
    rig.play(secs(5));
    // It was asked for while the shot seemed to be queued.
    assert!(rig.slot_request(Traffic::Posts).is_some());
    let moment = rig.now.elapsed + ms(10);
    rig.grant(Traffic::Posts, moment, ms(100), 1);
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.scheduler.in_flight), (vec![], 0));
}
