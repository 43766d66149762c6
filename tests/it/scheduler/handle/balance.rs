//! The balance: asked once before the first purchase, and only then.

use super::given::{given, rendering, secs, usd};
use super::{bought, completed};
use rushes::domain::account::BalanceOutcome;
use rushes::domain::charge::Charge;
use rushes::scheduler::{Effect, Event, StopReason};

fn told(amount: &str, currency: &str) -> Event {
    let outcome = BalanceOutcome::Known(Charge::new(amount, currency).unwrap());
    Event::Balance { outcome }
}

fn unknown() -> Event {
    Event::Balance { outcome: BalanceOutcome::Unknown { why: "answered 404".into() } }
}

/// Plays a run that is told its balance, to the end of which nothing may be held back.
fn all_are_bought(whole: bool, answer: Event) {
    let mut rig =
        given(3).options(|options| (options.check_balance, options.whole) = (true, whole)).start();
    rig.play(secs(1));
    rig.take_other();
    rig.tell(answer);
    rig.play(secs(60));
    assert_eq!((rig.posts(), rig.stopped()), (vec![0, 1, 2], None));
}

#[test]
fn no_purchase_leaves_before_the_balance_is_known_and_it_is_asked_for_once() {
    let mut rig = given(3).options(|options| options.check_balance = true).start();
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0_usize; 0]);
    assert!(matches!(rig.take_other(), Effect::Balance));
    assert!(rig.ended().is_none(), "it waits for the answer");
    rig.tell(told("100", "USD"));
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0, 1, 2]);
    assert!(!rig.begun.iter().any(|effect| matches!(effect, Effect::Balance)));
}

#[test]
fn what_is_in_flight_is_polled_without_waiting_for_the_balance() {
    let stored = given(2).stored(0, rendering("a"));
    let mut rig = stored.options(|options| options.check_balance = true).start();
    rig.play(secs(6));
    assert!(rig.begun.iter().any(|effect| matches!(effect, Effect::Poll { .. })));
    assert_eq!(rig.posts(), [0_usize; 0]);
}

#[test]
fn a_run_that_buys_nothing_does_not_ask() {
    let stored = given(1).stored(0, rendering("a"));
    let mut rig = stored.options(|options| options.check_balance = true).start();
    rig.play(secs(60));
    assert!(!rig.begun.iter().any(|effect| matches!(effect, Effect::Balance)));
}

#[test]
fn too_little_is_a_warning_and_the_unknown_a_note() {
    for answer in [told("1.5", "USD"), told("3", "credits"), unknown()] {
        all_are_bought(false, answer);
    }
}

#[test]
fn with_whole_too_little_stops_purchases_and_what_is_in_flight_goes_on() {
    let stored = given(3).stored(0, rendering("a"));
    let whole = stored.options(|options| {
        (options.check_balance, options.whole) = (true, true);
    });
    let mut rig = whole.start();
    rig.play(secs(1));
    rig.begun.retain(|effect| !matches!(effect, Effect::Balance));
    rig.tell(told("1.999999", "USD"));
    rig.play(secs(60));
    assert_eq!(rig.posts(), [0_usize; 0]);
    let Some(StopReason::Balance(why)) = rig.stopped() else { panic!("{:?}", rig.stopped()) };
    assert!(
        why.contains("1.999999 USD") && why.contains("$2.00") && why.contains("$1.00"),
        "{why}"
    );
    rig.polled(0, completed(1));
    assert_eq!(rig.is(0), "rendered", "what was bought is finished");
}

#[test]
fn with_whole_enough_or_an_unknown_balance_stops_nothing() {
    for answer in [told("3", "usd"), told("1", "credits"), unknown()] {
        all_are_bought(true, answer);
    }
}

#[test]
fn no_more_is_needed_than_the_cap_lets_be_bought() {
    let mut rig = given(3)
        .cap("2")
        .options(|options| (options.check_balance, options.whole) = (true, true))
        .start();
    rig.play(secs(1));
    rig.take_other();
    rig.tell(told("2", "USD"));
    rig.play(secs(1));
    assert_eq!(rig.posts(), [0, 1]);
    rig.answer(0, bought("a"));
    assert_eq!(rig.scheduler.picked, usd("0"));
}
