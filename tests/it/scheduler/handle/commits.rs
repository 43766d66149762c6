//! Commit, then act: what is begun follows from what the ledger has, and nothing follows from a
//! batch that it could not write.

use std::time::Duration;

use super::given::{given, in_doubt, rendered, rendering, secs};
use super::rig::Rig;
use super::said::said;
use super::{bought, completed, working};
use rushes::domain::state::Account;
use rushes::ledger::{Change, LedgerError, Verdict};
use rushes::scheduler::Output;
use rushes::scheduler::{Effect, Event};
use rushes::scheduler::{RunOutcome, StopReason};

const NONE: [usize; 0] = [];

fn claims(out: &Output) -> usize {
    let is_claim = |change: &Change| matches!(change, Change::Transition { attempt: Some(_), .. });
    out.commits.iter().filter(|commit| is_claim(&commit.change)).count()
}

fn on_the_wire() -> Rig {
    let rig = given(1).start();
    assert_eq!(rig.posts(), [0]);
    rig
}

#[test]
fn a_post_leaves_only_after_its_claim_is_granted() {
    let mut rig = given(1).recovered();
    let out = rig.scheduler.take_output();
    assert_eq!((claims(&out), out.effects.len() + out.at_once.len()), (1, 0));
    rig.play(secs(60));
    assert_eq!(rig.posts(), NONE, "it waits for the ledger's word as long as that takes");
    rig.commit(out);
    rig.carry_out();
    assert_eq!((rig.posts(), rig.is(0)), (vec![0], "submitting"));
}

#[test]
fn a_claim_that_the_ledger_refuses_sends_nothing_and_ends_the_run() {
    let mut rig = given(1).recovered();
    rig.verdicts.push_back(Verdict::Refused(LedgerError::Defect { what: "no such row".into() }));
    rig.carry_out();
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.is(0)), (vec![], "queued"));
    assert!(matches!(rig.stopped(), Some(StopReason::Ledger(_))));
    assert!(rig.scheduler.outcome(rig.now).unwrap().is_err(), "nothing was sent");
}

#[test]
fn a_batch_of_claims_that_cannot_be_written_sends_nothing() {
    let mut rig = given(2).recovered();
    rig.fail_commit();
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.attempts.len()), (vec![], 0));
    assert!(rig.scheduler.outcome(rig.now).unwrap().is_err());
}

#[test]
fn a_task_is_polled_only_after_its_id_is_written() {
    let mut rig = on_the_wire();
    rig.hear_answer(0, bought("a"));
    let out = rig.scheduler.take_output();
    assert_eq!((out.commits.len(), out.effects.len() + out.at_once.len()), (1, 0));
    rig.commit(out);
    rig.play(secs(5));
    assert_eq!(rig.polls(), [0]);
}

#[test]
fn a_task_whose_id_could_not_be_written_is_said_and_not_polled() {
    let mut rig = on_the_wire();
    rig.hear_answer(0, bought("task-4711"));
    let words = said(|| rig.fail_commit());
    assert!(words.contains("resolve MANIFEST shot-0 --task-id task-4711"), "{words}");
    rig.play(secs(60));
    assert_eq!((rig.polls(), rig.is(0)), (vec![], "submitting"), "in doubt for the next run");
    assert_eq!(rig.accounts(0), [Account::Reserved]);
    assert!(matches!(rig.ended(), Some(RunOutcome::Stopped(StopReason::Ledger(_)))));
}

#[test]
fn answers_that_come_after_a_failed_batch_are_said_too() {
    let mut rig = given(3).limits(|limits| limits.in_flight = 2).start();
    rig.play(secs(1));
    rig.hear_answer(0, bought("first"));
    rig.fail_commit();
    assert_eq!(rig.ended(), None, "the other is still on the wire");
    rig.hear_answer(1, bought("second"));
    let words = said(|| rig.fail_commit());
    assert!(words.contains("task second"), "{words}");
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.is(2)), (vec![], "queued"));
    assert!(rig.ended().is_some());
}

#[test]
fn nothing_is_said_of_a_batch_in_which_no_task_is_lost() {
    let mut rig = given(2).stored(0, rendering("a")).limits(|limits| limits.in_flight = 1).start();
    rig.play(secs(1));
    let poll = rig.take_poll(0);
    rig.hear(Event::Polled { slots: poll, outcomes: vec![completed(1)] });
    let words = said(|| rig.fail_commit());
    assert!(!words.contains("--task-id"), "the ledger has it already: {words}");
}

#[test]
fn a_clip_is_downloaded_only_after_its_completion_is_written() {
    let done = || {
        let mut rig = given(1).stored(0, rendering("a")).start();
        let slots = rig.take_poll(0);
        rig.hear(Event::Polled { slots, outcomes: vec![completed(1)] });
        rig
    };
    let mut rig = done();
    rig.fail_commit();
    rig.play(secs(60));
    assert_eq!((rig.downloads(), rig.is(0)), (vec![], "rendering"));
    let mut rig = done();
    rig.carry_out();
    assert_eq!((rig.downloads(), rig.is(0)), (vec![0], "rendered"));
}

#[test]
fn a_task_that_a_callback_named_is_polled_only_after_it_is_written() {
    let named = || {
        let mut rig = given(1).stored(0, in_doubt).callbacks(secs(60)).start();
        rig.call(0, &["a"]);
        let Effect::Find { slot, task, .. } = rig.take_other() else {
            panic!("it is not asked for")
        };
        rig.hear(Event::Found { slot, task, outcome: Some(working()) });
        rig
    };
    let mut rig = named();
    let words = said(|| rig.fail_commit());
    assert!(words.contains("--task-id a"), "{words}");
    rig.play(secs(60));
    assert_eq!((rig.polls(), rig.is(0)), (vec![], "in_doubt"));
    let mut rig = named();
    rig.carry_out();
    rig.play(Duration::from_millis(2));
    assert_eq!((rig.polls(), rig.is(0)), (vec![0], "rendering"));
}

#[test]
fn a_shot_is_delivered_only_once_its_files_are_written_down() {
    let mut rig = given(1).stored(0, rendered(1)).start();
    let slot = rig.take_download(0);
    let outcome = super::stored();
    rig.hear(Event::Downloaded { slot, outcome });
    let out = rig.scheduler.take_output();
    let [commit] = &out.commits[..] else { panic!("one commit") };
    assert!(matches!(&commit.change, Change::Transition { files, .. } if files.len() == 1));
    assert_eq!(rig.is(0), "rendered");
    rig.commit(out);
    assert_eq!((rig.is(0), rig.ended()), ("delivered", Some(RunOutcome::Done)));
}

#[test]
fn a_poll_that_changes_nothing_is_not_written() {
    let mut rig = given(1).stored(0, rendering("a")).start();
    let slots = rig.take_poll(0);
    rig.hear(Event::Polled { slots, outcomes: vec![working()] });
    assert!(rig.scheduler.take_output().commits.is_empty());
}

#[test]
fn once_the_reserve_is_used_up_nothing_more_is_sent_and_what_is_bought_is_still_polled() {
    let mut rig = given(3).limits(|limits| limits.in_flight = 2).start();
    rig.play(Duration::from_millis(100));
    rig.reserve_used = true;
    rig.answer(0, super::rejected());
    rig.answer(1, bought("b"));
    rig.play(secs(60));
    assert!(matches!(rig.stopped(), Some(StopReason::Disk(_))));
    assert_eq!((rig.posts(), rig.is(2), rig.polls()), (vec![], "queued", vec![1]));
    assert_eq!(rig.accounts(2), [Account::Released], "it was claimed in that very batch");
}

#[test]
fn a_post_whose_claim_is_durable_leaves_whatever_becomes_of_the_next_batch() {
    let mut rig = given(2).recovered();
    let out = rig.scheduler.take_output();
    rig.set_elapsed(secs(1));
    rig.commit(out);
    rig.fail_commit();
    assert_eq!((rig.posts(), rig.ended()), (vec![0], None));
    rig.answer(0, bought("a"));
    rig.play(secs(60));
    assert_eq!((rig.is(0), rig.posts()), ("rendering", vec![]));
    assert!(rig.ended().is_some(), "nothing is waited for any more");
}

#[test]
fn polls_and_downloads_end_even_if_the_batch_cannot_be_written_in_which_that_was_decided() {
    let mut rig = given(3).stored(0, rendered(1)).stored(1, rendering("b")).start();
    rig.play(secs(1));
    let slots = rig.take_poll(1);
    let outcome = rushes::domain::outcome::PollOutcome::BadKey { why: "no".into() };
    rig.hear(Event::Polled { slots, outcomes: vec![outcome] });
    rig.hear_answer(2, bought("c"));
    rig.fail_commit();
    assert!(rig.begun.is_empty(), "{:?}", rig.begun);
}
