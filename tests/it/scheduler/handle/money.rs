//! The cap: what is picked counts before it is claimed, and what does not fit waits.

use super::given::{given, rendering, secs, usd};
use super::{bought, failed, rejected};
use rushes::domain::state::Account;
use rushes::ledger::Verdict;
use rushes::scheduler::Event;
use rushes::scheduler::{RunOutcome, StopReason};

#[test]
fn the_price_of_what_is_picked_counts_before_its_claim_is_durable() {
    let mut rig = given(4).cap("2").recovered();
    rig.set_elapsed(secs(1));
    for _ in 0..3 {
        rig.hear(Event::Tick);
    }
    let out = rig.scheduler.take_output();
    assert_eq!(out.commits.len(), 2, "a third claim would only be refused");
    rig.commit(out);
    rig.carry_out();
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.scheduler.picked), (vec![0, 1], usd("0")));
}

#[test]
fn the_price_of_a_shot_whose_files_are_read_counts_too() {
    let mut rig = given(3).with_file(0).cap("2").start();
    rig.play(secs(60));
    assert_eq!((rig.loads(), rig.posts()), (vec![0], vec![1]));
}

#[test]
fn a_shot_whose_files_cannot_be_read_gives_its_money_back() {
    use rushes::scheduler::Effect;
    let mut rig = given(2).with_file(0).cap("1").start();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0_usize; 0]);
    let Effect::Load { slot, .. } = rig.take_other() else { panic!("nothing is read") };
    rig.tell(Event::Loaded { slot, files: Err("gone".into()) });
    assert_eq!((rig.posts(), rig.scheduler.picked), (vec![1], usd("0")));
}

#[test]
fn what_does_not_fit_waits_while_cheaper_ones_go_by_priority_then_manifest_order() {
    let shots = [("2", 0), ("2", 0), ("0.5", 0), ("0.5", 0), ("0.5", 5)];
    let mut rig = given(5).priced(&shots).cap("3.5").start();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [4, 0, 2, 3]);
    assert_eq!(rig.scheduler.progress().held_by_cap, 1);
    rig.answer(2, rejected());
    rig.answer(3, rejected());
    rig.play(secs(60));
    assert_eq!(rig.posts(), [4, 0], "one dollar is not enough");
    rig.answer(0, rejected());
    assert_eq!(rig.posts(), [4, 1]);
    assert_eq!(rig.scheduler.progress().held_by_cap, 0);
}

#[test]
fn a_bought_shots_price_stays_reserved_until_its_task_ends() {
    let mut rig = given(2).cap("1").start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    assert_eq!((rig.posts(), rig.polls()), (vec![], vec![0]));
    rig.polled(0, failed());
    assert_eq!((rig.accounts(0), rig.posts()), (vec![Account::Released], vec![1]));
}

#[test]
fn a_failed_task_that_is_charged_frees_no_money() {
    let mut rig =
        given(2).options(|options| options.rules.failed_tasks_charged = true).cap("1").start();
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    rig.polled(0, failed());
    rig.play(secs(60));
    assert_eq!((rig.accounts(0), rig.posts()), (vec![Account::Spent], vec![]));
}

#[test]
fn what_a_failed_task_costs_was_settled_when_it_was_bought() {
    let mut rig = given(1)
        .options(|options| options.rules.failed_tasks_charged = true)
        .stored(0, rendering("a"))
        .start();
    rig.polled(0, failed());
    assert_eq!(rig.accounts(0), [Account::Released]);
}

#[test]
fn a_claim_that_is_over_the_cap_after_all_is_tried_again_after_a_second() {
    let mut rig = given(2).cap("10").recovered();
    rig.verdicts.push_back(Verdict::OverCap);
    rig.carry_out();
    let end = secs(60);
    rig.play_until(end, |rig| rig.posts() == [1]).unwrap();
    assert_eq!((rig.is(0), rig.accounts(0)), ("queued", vec![]));
    rig.play_until(end, |rig| rig.posts() == [1, 0]).unwrap();
    assert_eq!(rig.now.elapsed, secs(1));
    assert_eq!(rig.scheduler.picked, usd("0"));
}

#[test]
fn a_price_that_is_not_known_fits_no_cap() {
    let mut given = given(2).cap("10");
    given.shots[0].price = None;
    let mut rig = given.start();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [1]);
    rig.answer(1, rejected());
    let held = StopReason::Cap { held: 1 };
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(held)));
}

#[test]
fn a_price_that_is_not_known_does_not_matter_without_a_cap() {
    let mut given = given(1);
    given.shots[0].price = None;
    assert_eq!(given.start().posts(), [0]);
}

#[test]
fn the_run_waits_with_what_does_not_fit_as_long_as_money_may_come_free() {
    let mut rig = given(2).cap("1").start();
    rig.answer(0, bought("a"));
    assert_eq!(rig.ended(), None);
    rig.play(secs(5));
    rig.polled(0, super::completed(1));
    assert_eq!(rig.ended(), None, "its clip is still to be fetched");
    rig.downloaded(0, super::stored());
    let held = StopReason::Cap { held: 1 };
    assert_eq!(rig.ended(), Some(RunOutcome::Stopped(held)));
}
