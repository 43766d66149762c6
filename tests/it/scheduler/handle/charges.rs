//! What finished tasks really cost: asked a few at a time, given up when nothing can be learned.

use std::time::Duration;

use super::given::{given, rendering, secs, usd};
use super::rig::Rig;
use super::{completed, failed, stored};
use rushes::domain::charge::{Charge, ChargeOutcome};
use rushes::domain::money::Usd;
use rushes::domain::outcome::{FailedTask, PollOutcome};
use rushes::scheduler::RunOutcome;
use rushes::scheduler::{Effect, Event};

/// So many tasks that ended, their charges to be asked for.
fn ended(count: usize) -> Rig {
    let given = given(u32::try_from(count).unwrap()).options(|it| it.check_charges = true);
    let stored_as = |row: usize| rendering(&format!("task-{row}"));
    let given = (0..count).fold(given, |given, row| given.stored(row, stored_as(row)));
    let mut rig = given.start();
    rig.play(secs(1));
    for row in 0..count {
        rig.polled(row, completed(1));
    }
    rig.play(secs(1));
    rig
}

fn answer(rig: &mut Rig, outcome: ChargeOutcome) {
    let Effect::Charge { question } = rig.take_other() else { panic!("no charge is asked for") };
    rig.tell(Event::Charged { question, outcome });
}

fn settled() -> ChargeOutcome {
    ChargeOutcome::Settled(Charge::new("1", "USD").unwrap())
}

fn unknown() -> ChargeOutcome {
    ChargeOutcome::Unknown { why: "no such page".into() }
}

#[test]
fn at_most_four_charges_are_asked_for_at_once() {
    let mut rig = ended(6);
    assert_eq!(rig.asked_charges(), ["task-0", "task-1", "task-2", "task-3"]);
    answer(&mut rig, settled());
    rig.play(Duration::from_millis(10));
    assert_eq!(rig.asked_charges(), ["task-1", "task-2", "task-3", "task-4"]);
    for _ in 0..5 {
        answer(&mut rig, settled());
        rig.play(Duration::from_millis(10));
    }
    assert_eq!((rig.asked_charges().len(), rig.charges.len()), (0, 6));
}

#[test]
fn a_charge_is_written_beside_the_price_and_moves_no_money() {
    let mut rig = ended(1);
    let before = rig.scheduler.progress().balance;
    answer(&mut rig, ChargeOutcome::Settled(Charge::new("7", "USD").unwrap()));
    assert_eq!((rig.charges.len(), rig.scheduler.progress().balance), (1, before));
    assert_eq!(rig.charges[0].1.amount(), "7");
}

#[test]
fn a_charge_that_is_not_settled_is_asked_for_once_more() {
    let mut rig = ended(1);
    answer(&mut rig, ChargeOutcome::Unsettled);
    let end = rig.now.elapsed + secs(60);
    let again = rig.play_until(end, |rig| !rig.asked_charges().is_empty());
    assert_eq!(again, Some(secs(5)));
    answer(&mut rig, ChargeOutcome::Unsettled);
    rig.play(secs(600));
    assert_eq!((rig.asked_charges().len(), rig.charges.len()), (0, 0));
}

#[test]
fn a_charge_that_waits_to_be_asked_again_keeps_its_place_among_the_four() {
    let mut rig = ended(6);
    answer(&mut rig, ChargeOutcome::Unsettled);
    rig.play(secs(1));
    assert_eq!(rig.asked_charges(), ["task-1", "task-2", "task-3"]);
    rig.play(secs(5));
    assert_eq!(rig.asked_charges(), ["task-1", "task-2", "task-3", "task-0"]);
}

#[test]
fn three_answers_in_a_row_that_say_nothing_end_the_questions() {
    let mut rig = ended(8);
    for _ in 0..2 {
        answer(&mut rig, unknown());
    }
    answer(&mut rig, settled());
    for _ in 0..2 {
        answer(&mut rig, unknown());
    }
    rig.play(secs(1));
    assert_eq!(rig.asked_charges().len(), 3, "an answer in between begins the count anew");
    answer(&mut rig, unknown());
    answer(&mut rig, unknown());
    answer(&mut rig, unknown());
    rig.play(secs(600));
    assert_eq!(rig.asked_charges().len(), 0);
    assert_eq!(rig.charges.len(), 1);
}

#[test]
fn once_nothing_can_be_learned_later_tasks_are_not_asked_about() {
    let mut given = given(6).options(|it| it.check_charges = true);
    for row in 0..6 {
        given = given.stored(row, rendering(&format!("task-{row}")));
    }
    let mut rig = given.start();
    rig.play(secs(1));
    for row in 0..3 {
        rig.polled(row, completed(1));
        rig.play(secs(1));
        answer(&mut rig, unknown());
    }
    for row in 3..6 {
        rig.polled(row, completed(1));
    }
    rig.play(secs(600));
    assert_eq!(rig.asked_charges().len(), 0);
}

#[test]
fn a_failed_tasks_charge_is_asked_for_too() {
    let mut rig = given(1).options(|it| it.check_charges = true).stored(0, rendering("a")).start();
    rig.polled(0, failed());
    rig.play(secs(1));
    assert_eq!(rig.asked_charges(), ["a"]);
}

#[test]
fn the_run_ends_when_the_last_charge_is_known_and_no_clip_waits_for_it() {
    let mut rig = ended(1);
    rig.downloaded(0, stored());
    assert_eq!((rig.is(0), rig.ended()), ("delivered", None));
    answer(&mut rig, settled());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn an_interrupt_does_not_wait_for_charges() {
    let mut rig = ended(1);
    rig.tell(Event::Cancelled);
    assert_eq!((rig.asked_charges().len(), rig.ended()), (0, Some(RunOutcome::Interrupted)));
}

#[test]
fn charges_are_not_asked_for_unless_the_user_wants_it() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    rig.polled(0, completed(1));
    rig.play(secs(60));
    assert_eq!(rig.asked_charges().len(), 0);
}

#[test]
fn what_a_canceled_task_is_to_cost_goes_by_what_canceled_tasks_cost() {
    let kind = FailedTask { is_luck: false, is_canceled: true };
    let canceled = PollOutcome::Failed { why: "canceled".into(), kind };
    let expected = |failed: bool, canceled_cost, outcome: PollOutcome| {
        let given = given(1).options(|it| {
            it.check_charges = true;
            it.rules.canceled_tasks_charged = canceled_cost;
        });
        let mut given = given.stored(0, rendering("a"));
        given.entries[0].0.charged_if_failed = failed;
        let mut rig = given.start();
        rig.polled(0, outcome);
        rig.play(secs(1));
        let Effect::Charge { question } = rig.take_other() else { panic!("it is not asked for") };
        question.expected
    };
    let (price, free) = (Some(usd("1")), Some(Usd::ZERO));
    assert_eq!(expected(false, Some(true), canceled.clone()), price);
    assert_eq!(expected(true, Some(false), canceled.clone()), free);
    assert_eq!(expected(true, None, canceled), price);
    assert_eq!(expected(false, Some(true), failed()), free);
    assert_eq!(expected(true, Some(false), failed()), price);
}
