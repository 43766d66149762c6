//! A run as one of several workers: rejections that are counted over all of them.

use std::time::Duration;

use super::given::given;
use super::rejected;
use super::rig::Rig;
use super::shared::ROOM;
use rushes::ledger::Traffic;
use rushes::policy::rejections::{AlikeRejections, gist};
use rushes::scheduler::StopReason;

/// So many other workers met one rejection each, each with another prompt.
fn others(count: u64) -> Vec<AlikeRejections> {
    let gist = gist("too long");
    let met = |nth| AlikeRejections {
        gist: gist.clone(),
        in_a_row: 1,
        are_first: true,
        prompts: vec![nth],
    };
    (0..count).map(met).collect()
}

/// A worker whose first shots wait to be answered.
fn sending(count: u32) -> Rig {
    let mut rig = given(count).shared().start();
    assert!(rig.want().is_some());
    let rows: Vec<usize> = (0..count as usize).collect();
    rig.assign(&rows, ROOM);
    assert!(rig.slot_request(Traffic::Posts).is_some());
    rig.grant(Traffic::Posts, Duration::from_millis(10), Duration::from_millis(1), count);
    rig.play(Duration::from_millis(50));
    assert_eq!(rig.posts().len(), count as usize);
    rig
}

#[test]
fn eight_workers_do_not_each_get_as_many_rejections_as_one_would() {
    let mut rig = sending(2);
    rig.answer(0, rejected());
    let told = rig.want_soon();
    assert_eq!(told.rejections.map(|met| (met.in_a_row, met.prompts.len())), Some((1, 1)));
    rig.hear_of_refusals(0, others(6));
    assert_eq!((rig.is(0), rig.stopped()), ("failed", None));
    rig.want_soon();
    rig.hear_of_refusals(0, others(7));
    assert!(
        matches!(rig.stopped(), Some(StopReason::Alike { count: 8, .. })),
        "{:?}",
        rig.stopped()
    );
    assert_eq!((rig.is(0), rig.probed(0)), ("queued", true), "it is tried again by the next run");
    rig.answer(1, rejected());
    assert_eq!(rig.is(1), "queued", "so is what was on the wire");
}

#[test]
fn others_rejections_stop_a_worker_with_its_own_first_one() {
    let mut rig = sending(2);
    rig.want_soon();
    rig.hear_of_refusals(0, others(7));
    assert_eq!(rig.stopped(), None, "it met none itself");
    rig.answer(0, rejected());
    assert!(
        matches!(rig.stopped(), Some(StopReason::Alike { count: 8, .. })),
        "{:?}",
        rig.stopped()
    );
}

#[test]
fn what_another_worker_bought_lies_in_between() {
    let mut rig = sending(3);
    rig.answer(0, rejected());
    rig.want_soon();
    rig.hear_of_refusals(1, others(7));
    assert_eq!(rig.stopped(), None);
    assert_eq!(rig.want_soon().rejections, None);
    rig.hear_of_refusals(1, others(7));
    rig.answer(1, rejected());
    assert_eq!(rig.stopped(), None, "they are not the first ones any more");
    rig.answer(2, super::bought("a"));
    assert_eq!(rig.want_soon().accepted, 1);
}
