//! Which revision the names given to `rushes resolve` mean.

use rushes::cli::choose;
use rushes::domain::state::{Failure, State};
use rushes::ledger::Entry;

use rushes::domain::shot::{Fingerprint, ShotId};
use rushes::domain::state::{AttemptId, RevisionState};
use rushes::ledger::RevisionId;

fn entry(id: &str, number: u32, current: bool, state: State) -> Entry {
    Entry {
        revision: RevisionId(i64::from(number)),
        shot: ShotId::new(id).unwrap(),
        number,
        fingerprint: Fingerprint::from_bytes([0; 16]),
        current,
        clip_name: id.into(),
        status: RevisionState { state, ..RevisionState::new() },
        price: None,
        charged_if_failed: false,
    }
}

fn doubt() -> State {
    State::InDoubt { attempt: AttemptId(1), why: "cut".into() }
}

fn abandoned() -> State {
    let (attempt, failure) = (Some(AttemptId(1)), Failure::Abandoned);
    State::Failed { attempt, failure, why: "given up".into() }
}

fn delivered() -> State {
    State::Delivered { attempt: AttemptId(1) }
}

fn found(entries: &[Entry], name: &str) -> Result<u32, String> {
    let one = |chosen: Vec<&Entry>| chosen.iter().map(|entry| entry.number).sum();
    choose(entries, &[name.to_owned()]).map(one).map_err(|wrong| wrong.concat())
}

#[test]
fn a_name_finds_the_text_that_is_in_doubt() {
    let old = [entry("a", 1, false, doubt()), entry("a", 2, true, delivered())];
    assert_eq!(found(&old, "a"), Ok(1));
    assert_eq!(found(&old, "a~r1"), Ok(1));
    let both = [entry("a", 1, false, doubt()), entry("a", 2, true, doubt())];
    assert_eq!(found(&both, "a"), Ok(2));
    assert_eq!(found(&both, "a~r1"), Ok(1));
    let removed = [entry("a", 1, false, abandoned()), entry("a", 2, false, doubt())];
    assert_eq!((found(&removed, "a"), found(&removed, "a~r1")), (Ok(2), Ok(1)));
    assert_eq!(found(&removed[..1], "a"), Ok(1));
}

#[test]
fn a_wrong_name_says_what_the_shot_is() {
    let entries = [entry("a", 1, true, delivered())];
    assert_eq!(
        found(&entries, "a").unwrap_err(),
        "a: it is delivered, neither in doubt nor stalled"
    );
    assert_eq!(found(&entries, "b").unwrap_err(), "b: no such shot in the ledger");
    assert!(found(&entries, "a~r7").unwrap_err().contains("no such shot"));
    assert!(found(&entries, "a~2").unwrap_err().contains("beach~r1"));
    let several = [entry("a", 1, false, doubt()), entry("a", 2, false, doubt())];
    assert!(found(&several, "a").unwrap_err().contains("a~r1, a~r2"));
    let both = [entry("a", 1, false, abandoned()), entry("a", 2, false, abandoned())];
    assert!(found(&both, "a").unwrap_err().contains("a~r1, a~r2"));
}

#[test]
fn nothing_is_chosen_unless_everything_can_be() {
    let entries = [entry("a", 1, true, doubt()), entry("b", 2, true, delivered())];
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(choose(&entries, &names(&["a", "a"])).map(|chosen| chosen.len()), Ok(1));
    let wrong = choose(&entries, &names(&["a", "b", "c"])).unwrap_err();
    assert_eq!(wrong.len(), 2);
}

/// Trial 15: the first take has no number in its id.
#[test]
fn the_first_take_is_found_by_its_number_too() {
    let entries = [
        entry("beach", 1, true, doubt()),
        entry("beach-t2", 2, true, doubt()),
        entry("door", 3, true, doubt()),
    ];
    assert_eq!(found(&entries, "beach-t1"), Ok(1));
    assert!(found(&entries, "door-t1").is_err(), "it has one take");
    let other = [
        entry("beach", 1, true, doubt()),
        entry("beach-t2", 2, true, doubt()),
        entry("beach-t1", 3, true, doubt()),
    ];
    assert_eq!(found(&other, "beach-t1"), Ok(3));
}
