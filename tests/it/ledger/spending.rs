//! Where the money lies: by model and tags, over time, and beside what its shot is about now.

use rushes::domain::state::{Resolution, ShotEvent};
use rushes::ledger::{AttemptSpec, Claim, Snapshot, Spending};
use rushes::policy::budget::Balance;

use super::{Desk, RULES, at, completed, cut, shot, usd};

fn spending(desk: &Desk) -> Spending {
    Snapshot::open(&desk.path()).unwrap().spending().unwrap()
}

fn sum(spending: &Spending) -> Balance {
    spending.piles.iter().fold(Balance::default(), |sum, pile| Balance {
        spent: sum.spent + pile.balance.spent,
        reserved: sum.reserved + pile.balance.reserved,
        unconfirmed: sum.unconfirmed + pile.balance.unconfirmed,
    })
}

#[tokio::test]
async fn before_anything_is_bought_there_is_nothing_to_tell() {
    let (desk, _) = Desk::with(&[shot("beach", 1, Some(1))]).await;
    assert_eq!(spending(&desk), Spending::default());
}

#[tokio::test]
async fn every_price_is_in_the_pile_of_its_model_and_tags() {
    let mut shots: Vec<_> = (0..4).map(|i| shot(&format!("s{i}"), 1, Some(1000 << i))).collect();
    shots[0].tags = ["hero".into(), "night".into()].into();
    shots[1].tags = ["hero".into(), "night".into()].into();
    shots[2].model = "kling-v2-6".into();
    shots[3].price = None;
    let (desk, entries) = Desk::with(&shots).await;
    for (entry, ends) in entries.iter().zip([true, false, true, false]) {
        let job = desk.buy(entry, &format!("t-{}", entry.shot)).await;
        if ends {
            desk.tell(entry.revision, &job, completed()).await;
        }
    }
    let told = spending(&desk);
    let piles: Vec<_> = told
        .piles
        .iter()
        .map(|pile| (pile.model.as_str(), pile.tags.len(), pile.bought, pile.balance))
        .collect();
    let of = |spent, reserved| Balance {
        spent: usd(spent),
        reserved: usd(reserved),
        ..Balance::default()
    };
    let expected = [
        ("kling-v2-6", 0, 1, of(4000, 0)),
        ("kling-v3", 2, 2, of(1000, 2000)),
        ("kling-v3", 0, 1, of(0, 0)),
    ];
    assert_eq!(piles.len(), 3);
    for pile in expected {
        assert!(piles.contains(&pile), "{pile:?} in {piles:?}");
    }
    assert_eq!(sum(&told), desk.ledger().balance());
    assert_eq!(told.history.last(), Some(&(at(2000), desk.ledger().balance())));
    assert!(told.strays.is_empty());
}

#[tokio::test]
async fn a_long_history_is_told_in_few_moments_that_end_with_the_balance() {
    let shots: Vec<_> = (0..400).map(|i| shot(&format!("s{i}"), 1, Some(10))).collect();
    let (desk, entries) = Desk::with(&shots).await;
    for (entry, millis) in entries.iter().zip((0..).step_by(977)) {
        let terms = AttemptSpec::new(entry.price);
        let claim = desk.ledger().claim(entry.revision, terms, at(millis)).await.unwrap();
        let Claim::Granted { attempt, .. } = claim else { panic!("{claim:?}") };
        let job = entry.status.after(ShotEvent::Claimed(attempt), at(millis), &RULES).unwrap().to;
        let not_sent = rushes::domain::outcome::SubmitOutcome::NotSent { why: "no".into() };
        if millis % 2 == 0 {
            desk.tell(entry.revision, &job, ShotEvent::Answered(not_sent)).await;
        }
    }
    let told = spending(&desk);
    assert!((60..=125).contains(&told.history.len()), "{}", told.history.len());
    assert!(told.history.is_sorted_by_key(|(at, _)| *at));
    assert_eq!(told.history.last().unwrap().1, desk.ledger().balance());
}

#[tokio::test]
async fn a_doubt_that_was_bought_again_is_a_stray_until_it_is_resolved() {
    let (desk, entries) = Desk::with(&[shot("beach", 1, Some(7)), shot("cliff", 1, Some(9))]).await;
    let entry = &entries[0];
    let doubt = desk.tell(entry.revision, &desk.claim(entry).await, cut()).await;
    assert!(spending(&desk).strays.is_empty(), "the shot itself is about it");
    let again = ShotEvent::Resolved(Resolution::Resubmit);
    let queued = desk.tell(entry.revision, &doubt, again).await;
    let stray = |desk: &Desk| {
        let strays = spending(desk).strays;
        let [stray] = strays.as_slice() else { panic!("{strays:?}") };
        assert_eq!((stray.shot.as_str(), stray.number, stray.price), ("beach", 1, Some(usd(7))));
        assert_eq!((stray.revision, stray.sent_at), (entries[0].revision, at(1000)));
    };
    stray(&desk);
    let claim = desk.ledger().claim(entry.revision, AttemptSpec::new(entry.price), at(3000)).await;
    let Claim::Granted { attempt, .. } = claim.unwrap() else { panic!() };
    let job = queued.after(ShotEvent::Claimed(attempt), at(3000), &RULES).unwrap().to;
    let doubt = desk.tell(entry.revision, &job, cut()).await;
    stray(&desk);
    let not_bought = ShotEvent::Resolved(Resolution::NotBought);
    let step = doubt.after(not_bought, at(4000), &RULES).unwrap();
    desk.ledger().not_bought(entry.revision, step, at(4000)).await.unwrap();
    assert!(spending(&desk).strays.is_empty());
    assert_eq!(desk.ledger().balance(), Balance::default());
}
