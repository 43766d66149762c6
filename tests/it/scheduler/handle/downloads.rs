//! From result URLs to clips: places, retries, several clips, clips that are gone, a full disk.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, ready};

use super::given::{given, rendered, rendering, secs};
use super::rig::Rig;
use super::{clip, completed, stored};
use rushes::clips::{ClipError, ClipWriter, Stored, Writing};
use rushes::domain::outcome::{DownloadError, PollOutcome};
use rushes::domain::state::{Account, Failure, State};
use rushes::scheduler::PartialClip;
use rushes::scheduler::{DownloadOutcome, Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

const NONE: [usize; 0] = [];

fn broken() -> DownloadOutcome {
    let error = DownloadError::Broken { why: "cut".into() };
    DownloadOutcome::Failed { error, partial: None }
}

fn gone() -> DownloadOutcome {
    let error = DownloadError::Gone { why: "404".into() };
    DownloadOutcome::Failed { error, partial: None }
}

fn disk_full() -> DownloadOutcome {
    DownloadOutcome::DiskFailed(DownloadError::Broken { why: "no space".into() })
}

/// Lets time pass until the shot's download is tried again.
fn until_again(rig: &mut Rig, row: usize) -> Option<Duration> {
    let end = rig.now.elapsed + secs(3600);
    rig.play_until(end, |rig| rig.downloads().contains(&row))
}

#[test]
fn at_most_eight_clips_are_downloaded_at_once() {
    let rig = (0..10).fold(given(10), |given, row| given.stored(row, rendered(1)));
    let mut rig = rig.start();
    rig.play(secs(600));
    assert_eq!(rig.downloads(), [0, 1, 2, 3, 4, 5, 6, 7]);
    rig.downloaded(3, stored());
    assert_eq!(rig.downloads(), [0, 1, 2, 4, 5, 6, 7, 8]);
    rig.downloaded(0, broken());
    assert_eq!(rig.downloads(), [1, 2, 4, 5, 6, 7, 8, 9], "a retry that waits holds no place");
}

#[test]
fn field_02_a_download_that_broke_is_tried_again_in_growing_steps_for_as_long_as_patience_lasts() {
    let mut rig = given(1).limits(|limits| limits.attempts = 1).stored(0, rendered(1)).start();
    let (mut waits, mut tries) = (Vec::new(), 0);
    rig.downloaded(0, gone());
    while rig.is(0) == "rendered" && rig.ended().is_none() {
        assert_eq!(rig.downloads(), NONE, "not at once");
        let end = rig.now.elapsed + secs(400);
        let wait = rig.play_until(end, |rig| !rig.begun.is_empty()).unwrap();
        if rig.now.elapsed > secs(61) {
            rig.polled(0, completed(1));
        }
        waits.push(wait);
        rig.downloaded(0, gone());
        tries += 1;
        assert!(tries < 50);
    }
    assert!(waits[0] <= secs(1) && waits[3] > secs(1), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= secs(300)));
    assert_eq!(rig.now.elapsed.as_secs(), 600, "ten minutes: {waits:?}");
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendered", Some("404")));
    assert_eq!((rig.accounts(0), rig.posts()), (vec![Account::Spent], vec![]));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn field_02_a_cdn_that_lags_for_minutes_loses_no_clip() {
    let mut rig = given(1).stored(0, rendered(1)).start();
    while rig.now.elapsed < secs(150) {
        rig.downloaded(0, gone());
        let end = rig.now.elapsed + secs(400);
        rig.play_until(end, |rig| !rig.begun.is_empty()).unwrap();
        if !rig.polls().is_empty() {
            rig.polled(0, completed(1));
        }
    }
    rig.downloaded(0, stored());
    assert_eq!((rig.is(0), rig.ended()), ("delivered", Some(RunOutcome::Done)));
}

#[test]
fn field_02_as_long_as_the_run_has_other_work_a_download_is_tried_again() {
    let mut rig = given(2)
        .limits(|limits| limits.fetch_patience = secs(1))
        .stored(0, rendered(1))
        .stored(1, rendering("b"))
        .start();
    while rig.now.elapsed < secs(3600) {
        for row in rig.downloads() {
            rig.downloaded(row, broken());
        }
        for row in rig.polls() {
            rig.polled(row, if row == 0 { completed(1) } else { super::working() });
        }
        rig.play(secs(5));
    }
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendered", None));
    assert_eq!(rig.ended(), None);
    // Once there is none, one last try is made, and soon.
    while !rig.polls().contains(&1) {
        rig.play(secs(1));
    }
    rig.polled(1, super::failed());
    let end = rig.now.elapsed + secs(1);
    rig.play_until(end, |rig| !rig.begun.is_empty());
    if rig.polls().contains(&0) {
        rig.polled(0, completed(1));
    }
    rig.downloaded(0, broken());
    assert_eq!(rig.state(0).why(), Some("cut"));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn field_02_a_run_that_stopped_waits_no_longer_for_a_download_over_a_doubt_it_will_not_buy_again() {
    let mut rig = given(3)
        .resubmitting()
        .callbacks(secs(3600))
        .stored(0, rendered(1))
        .stored(1, super::given::in_doubt)
        .start();
    rig.answer(2, rushes::domain::outcome::SubmitOutcome::NoCredit { why: "402".into() });
    assert!(matches!(rig.stopped(), Some(StopReason::Credit(_))));
    while rig.ended().is_none() && rig.now.elapsed < secs(3000) {
        for row in rig.downloads() {
            rig.downloaded(row, broken());
        }
        for row in rig.polls() {
            rig.polled(row, completed(1));
        }
        rig.play(secs(5));
    }
    assert!(rig.now.elapsed <= secs(610), "{:?}", rig.now.elapsed);
    assert_eq!((rig.is(0), rig.is(1)), ("rendered", "in_doubt"));
}

#[test]
fn field_02_before_each_retry_after_a_minute_the_newest_urls_are_asked_for() {
    let mut rig = given(1).stored(0, rendered(1)).start();
    rig.downloaded(0, gone());
    while rig.polls().is_empty() {
        let end = rig.now.elapsed + secs(400);
        rig.play_until(end, |rig| !rig.begun.is_empty()).unwrap();
        if !rig.downloads().is_empty() {
            rig.downloaded(0, gone());
        }
    }
    assert!(rig.now.elapsed > secs(30), "{:?}", rig.now.elapsed);
    let urls = vec!["https://elsewhere/clip".to_owned()];
    rig.polled(0, PollOutcome::Completed { urls, completed_at: None });
    assert_eq!(rig.download(0).0, "https://elsewhere/clip");
    assert_eq!(rig.accounts(0), [Account::Spent], "it is paid once");
    rig.downloaded(0, stored());
    assert_eq!(rig.is(0), "delivered");
}

#[test]
fn field_39_retries_hold_no_more_than_half_of_the_places() {
    let rig = (0..16).fold(given(16), |given, row| given.stored(row, rendered(1)));
    let mut rig = rig.start();
    for row in 0..8 {
        rig.downloaded(row, broken());
    }
    assert_eq!(rig.downloads(), [8, 9, 10, 11, 12, 13, 14, 15]);
    rig.play(secs(5));
    for row in 8..16 {
        rig.downloaded(row, broken());
    }
    rig.play(secs(10));
    assert_eq!(rig.downloads().len(), 4, "slow hosts leave places for others");
}

#[test]
fn field_44_of_two_clips_the_one_that_was_stored_is_kept_and_listed() {
    let given = given(1).limits(|limits| limits.fetch_patience = Duration::ZERO);
    let mut rig = given.stored(0, rendered(2)).start();
    rig.downloaded(0, stored());
    rig.downloaded(0, gone());
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendered", Some("404")));
    assert_eq!(rig.files(0), 1);
}

#[test]
fn with_a_lifetime_under_a_day_downloads_come_before_purchases() {
    let rig = (0..10).fold(given(12), |given, row| given.stored(row, rendered(1)));
    let mut rig = rig.recovered();
    rig.scheduler.options.rules.result_lifetime = secs(3600);
    rig.carry_out();
    rig.play(secs(10));
    assert_eq!((rig.downloads().len(), rig.posts()), (8, vec![10]), "one had gone before");
    rig.downloaded(0, stored());
    rig.downloaded(1, stored());
    rig.play(secs(1));
    assert_eq!(rig.posts(), [10, 11], "none waits for a place any more");
}

#[test]
fn a_failed_download_never_buys_the_shot_again() {
    let mut rig = given(1).resubmitting().options(|options| options.retry_failed = true);
    rig = rig.limits(|limits| limits.attempts = 1).stored(0, rendered(1));
    let mut rig = rig.start();
    rig.downloaded(0, broken());
    rig.play(secs(3600));
    assert_eq!((rig.posts(), rig.attempts.len(), rig.is(0)), (vec![], 1, "rendered"));
}

struct Received(u64);

impl ClipWriter for Received {
    fn len(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: Bytes) -> Writing<'_> {
        Writing::Left(ready(Ok(())))
    }

    fn restart(&mut self) -> BoxFuture<'_, Result<(), ClipError>> {
        Box::pin(ready(Ok(())))
    }

    fn publish(self: Box<Self>, _: Option<u64>) -> BoxFuture<'static, Result<Stored, ClipError>> {
        Box::pin(ready(Ok(clip("clips/shot.mp4"))))
    }
}

#[test]
fn a_retry_goes_on_from_what_was_received() {
    let mut rig = given(1).stored(0, rendered(1)).start();
    assert_eq!(rig.download(0), ("https://host/0", None));
    let partial = PartialClip { writer: Box::new(Received(4096)), validator: None, total: None };
    let error = DownloadError::Broken { why: "cut".into() };
    rig.downloaded(0, DownloadOutcome::Failed { error, partial: Some(partial) });
    until_again(&mut rig, 0).unwrap();
    assert_eq!(rig.download(0), ("https://host/0", Some(4096)));
}

#[test]
fn several_clips_are_fetched_one_after_the_other_and_delivered_together() {
    let mut rig = given(1).stored(0, rendered(3)).start();
    for part in 0..3 {
        assert_eq!((rig.download(0).0, rig.is(0)), (&*format!("https://host/{part}"), "rendered"));
        assert_eq!(rig.downloads(), [0]);
        rig.downloaded(0, stored());
    }
    assert_eq!((rig.is(0), rig.ended()), ("delivered", Some(RunOutcome::Done)));
}

#[test]
fn each_clip_of_a_shot_has_tries_of_its_own() {
    let mut rig = given(1).limits(|limits| limits.attempts = 2).stored(0, rendered(2)).start();
    for part in 0..2 {
        rig.downloaded(0, broken());
        until_again(&mut rig, 0).unwrap();
        assert_eq!(rig.download(0).0, format!("https://host/{part}"));
        rig.downloaded(0, stored());
    }
    assert_eq!(rig.is(0), "delivered");
}

#[test]
fn a_clip_that_is_gone_before_its_lifetime_is_over_is_tried_again() {
    let mut rig =
        given(1).limits(|limits| limits.fetch_patience = secs(1)).stored(0, rendered(1)).start();
    rig.downloaded(0, gone());
    while rig.state(0).why().is_none() {
        until_again(&mut rig, 0).unwrap();
        rig.downloaded(0, gone());
    }
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendered", Some("404")));
}

/// A clip that was rendered eight days ago and is gone.
fn long_gone() -> Rig {
    let mut rig = given(1).limits(|limits| limits.attempts = 1).stored(0, rendered(1)).recovered();
    rig.set_elapsed(secs(8 * 24 * 3600));
    rig.carry_out();
    rig.downloaded(0, gone());
    rig
}

#[test]
fn a_clip_that_is_gone_after_its_lifetime_is_looked_for_on_the_disk() {
    let mut rig = long_gone();
    let Effect::Adopt { slot, path, .. } = rig.take_other() else { panic!("not looked for") };
    assert_eq!(path, "clips/shot-0.mp4");
    rig.tell(Event::Adopted { slot, stored: Ok(Some(clip(&path))) });
    assert_eq!(rig.is(0), "delivered");
}

#[test]
fn a_clip_that_is_gone_after_its_lifetime_and_not_on_the_disk_is_expired() {
    let mut rig = long_gone();
    let Effect::Adopt { slot, .. } = rig.take_other() else { panic!("not looked for") };
    rig.tell(Event::Adopted { slot, stored: Ok(None) });
    assert!(matches!(rig.state(0), State::Failed { failure: Failure::Expired, .. }));
    assert_eq!((rig.accounts(0), rig.posts()), (vec![Account::Spent], vec![]));
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn a_download_that_only_breaks_after_its_lifetime_is_not_expired() {
    let given = given(1).limits(|limits| limits.fetch_patience = Duration::ZERO);
    let mut rig = given.stored(0, rendered(1)).recovered();
    rig.set_elapsed(secs(8 * 24 * 3600));
    rig.carry_out();
    rig.downloaded(0, broken());
    assert_eq!((rig.is(0), rig.ended()), ("rendered", Some(RunOutcome::Done)));
}

#[test]
fn a_full_disk_stops_submitting_and_begins_no_downloads_of_what_ends_later() {
    let mut rig = given(4)
        .limits(|limits| limits.in_flight = 2)
        .stored(0, rendered(1))
        .stored(1, rendering("b"))
        .start();
    rig.play(secs(1));
    assert_eq!((rig.posts(), rig.polls()), (vec![2], vec![1]));
    rig.downloaded(0, disk_full());
    assert!(matches!(rig.stopped(), Some(StopReason::Disk(_))));
    assert_eq!((rig.is(0), rig.state(0).why()), ("rendered", Some("no space")));
    rig.polled(1, completed(1));
    assert_eq!((rig.is(1), rig.downloads()), ("rendered", vec![]), "written down, not fetched");
    rig.answer(2, super::bought("c"));
    rig.play(secs(600));
    assert_eq!((rig.posts(), rig.polls(), rig.is(3)), (vec![], vec![2], "queued"));
    rig.polled(2, completed(1));
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Disk(_)))));
}
