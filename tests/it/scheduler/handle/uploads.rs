//! What becomes of a shot whose file the gateway did not take: nothing is claimed, and it is tried
//! again for as long as that may help.

use rushes::domain::outcome::UploadOutcome;
use rushes::scheduler::{Effect, Event, LoadError, StopReason};

use super::given::{given, secs};
use super::rig::Rig;

fn one_file(attempts: u32) -> Rig {
    given(1).limits(|limits| limits.attempts = attempts).with_file(0).start()
}

/// Answers the next upload so; how long it took until it was begun, `None`: it never was.
fn answer(rig: &mut Rig, outcome: UploadOutcome) -> Option<std::time::Duration> {
    let end = rig.now.elapsed + secs(600);
    let began = rig.play_until(end, |rig| rig.loads() == [0])?;
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    let files = Err(LoadError::NotUploaded { file: "a.mp4".into(), outcome });
    rig.tell(Event::Loaded { slot, files });
    assert_eq!(rig.attempts.len(), 0, "nothing is claimed");
    Some(began)
}

#[test]
fn field_16_a_gateway_that_takes_no_file_for_now_is_asked_so_often_and_the_shot_stays_queued() {
    let mut rig = one_file(3);
    for _ in 0..3 {
        let failed = UploadOutcome::Failed { retry_after: None, why: "500: no room".into() };
        assert!(answer(&mut rig, failed).is_some());
    }
    rig.play(secs(600));
    assert_eq!(rig.loads(), [0_usize; 0]);
    let why = rig.state(0).why().unwrap();
    assert_eq!(rig.is(0), "queued");
    assert!(why.contains("a.mp4") && why.contains("3 tries (500: no room)"), "{why}");
    assert!(rig.ended().is_some(), "the run does not wait for ever");
}

#[test]
fn field_16_an_outage_at_an_upload_is_waited_for_once_the_gateway_was_reached() {
    let mut rig = one_file(3);
    let out = || UploadOutcome::NotSent { why: "connection refused".into() };
    let busy = UploadOutcome::Throttled { retry_after: None, why: "too many".into() };
    answer(&mut rig, busy).unwrap();
    for _ in 0..20 {
        assert!(answer(&mut rig, out()).is_some());
    }
    assert_eq!(rig.stopped(), None);
    // One that was never reached is given up, as when a POST cannot be sent.
    let mut rig = one_file(3);
    for _ in 0..3 {
        answer(&mut rig, out()).unwrap();
    }
    assert!(matches!(rig.stopped(), Some(StopReason::Unreached(_))), "{:?}", rig.stopped());
    assert_eq!(rig.is(0), "queued");
}

#[test]
fn field_16_an_upload_that_ends_after_the_stop_leaves_its_shot_queued() {
    let mut rig = one_file(3);
    let key = UploadOutcome::BadKey { why: "401: invalid key".into() };
    answer(&mut rig, key).unwrap();
    assert!(matches!(rig.stopped(), Some(StopReason::Key(_))));
    assert_eq!((rig.is(0), rig.state(0).why()), ("queued", None));
    let mut rig = one_file(3);
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    rig.scheduler.stopped = Some(StopReason::Deadline);
    rig.tell(Event::Loaded { slot, files: Err(LoadError::Stopped) });
    assert_eq!((rig.is(0), rig.state(0).why(), rig.attempts.len()), ("queued", None, 0));
    assert!(rig.ended().is_some());
}
