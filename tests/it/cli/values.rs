//! Flags with values that are more than words or numbers.

use std::time::Duration;

use rushes::cli::{BudgetFlag, spans};

#[test]
fn a_budget_is_an_amount_or_none() {
    assert_eq!("25".parse(), Ok(BudgetFlag("25".parse().ok())));
    assert_eq!("$2.50".parse(), Ok(BudgetFlag("2.5".parse().ok())));
    assert_eq!("none".parse(), Ok(BudgetFlag(None)));
    for bad in ["", "-1", "lots", "1e3"] {
        let why = bad.parse::<BudgetFlag>().unwrap_err();
        assert!(why.contains("dollars"), "{why}");
    }
}

#[test]
fn a_range_of_durations_has_a_shorter_and_a_longer_end() {
    let millis = Duration::from_millis;
    assert_eq!(spans("50ms..200ms"), Ok(millis(50)..millis(200)));
    assert_eq!(spans("1s .. 4s"), Ok(millis(1_000)..millis(4_000)));
    for bad in ["", "1s", "..", "1s..", "4s..1s", "1s..1s", "1..4", "soon..late"] {
        assert!(spans(bad).is_err(), "{bad}");
    }
}
