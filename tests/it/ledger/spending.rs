//! Where the money lies: by model and tags, over time, and beside what its shot is about now.

use rushes::domain::state::{Resolution, ShotEvent};
use rushes::ledger::{Entry, Ledger, LedgerAddress, Spending};
use rushes::policy::budget::Balance;

use super::{Commits, Desk, RULES, at, completed, cut, shot, spec, usd};

fn spending(desk: &Desk) -> Spending {
    LedgerAddress::file(desk.path()).snapshot().unwrap().spending().unwrap()
}

fn sum(spending: &Spending) -> Balance {
    spending.groups.iter().fold(Balance::default(), |sum, pile| Balance {
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
    let groups: Vec<_> = told
        .groups
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
    assert_eq!(groups.len(), 3);
    for pile in expected {
        assert!(groups.contains(&pile), "{pile:?} in {groups:?}");
    }
    assert_eq!(sum(&told), desk.ledger().balance());
    assert_eq!(told.history.last(), Some(&(at(2000), desk.ledger().balance())));
    assert!(told.orphans.is_empty());
}

#[tokio::test]
async fn a_long_history_is_told_in_few_moments_that_end_with_the_balance() {
    let shots: Vec<_> = (0..400).map(|i| shot(&format!("s{i}"), 1, Some(10))).collect();
    let (desk, entries) = Desk::with(&shots).await;
    for (entry, millis) in entries.iter().zip((0..).step_by(977)) {
        let job = desk.ledger().claimed(entry, spec(entry.price), at(millis)).await;
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
    assert!(spending(&desk).orphans.is_empty(), "the shot itself is about it");
    let again = ShotEvent::Resolved(Resolution::Resubmit);
    let queued = desk.tell(entry.revision, &doubt, again).await;
    let stray = |desk: &Desk| {
        let orphans = spending(desk).orphans;
        let [stray] = orphans.as_slice() else { panic!("{orphans:?}") };
        assert_eq!((stray.shot.as_str(), stray.number, stray.price), ("beach", 1, Some(usd(7))));
        assert_eq!((stray.revision, stray.sent_at), (entries[0].revision, at(1000)));
    };
    stray(&desk);
    let now = Entry { status: queued, ..entry.clone() };
    let job = desk.ledger().claimed(&now, spec(entry.price), at(3000)).await;
    let doubt = desk.tell(entry.revision, &job, cut()).await;
    stray(&desk);
    let reserved = desk.ledger().reserved_attempts(entry.revision).await.unwrap();
    let others = reserved.iter().map(|one| one.attempt);
    let also = others.filter(|one| Some(*one) != doubt.state.attempt()).collect();
    let not_bought = ShotEvent::Resolved(Resolution::NotBought { also });
    desk.ledger().apply(entry.revision, &doubt, not_bought, &RULES, at(4000)).await;
    assert!(spending(&desk).orphans.is_empty());
    assert_eq!(desk.ledger().balance(), Balance::default());
}
