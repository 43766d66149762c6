//! Which budget holds, and commands to type.

use std::path::Path;

use rushes::cli::{BudgetFlag, budget, quoted};
use rushes::manifest::WrittenBudget;
use rushes::policy::budget::Budget;

use rushes::domain::money::Usd;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

#[test]
fn a_flag_beats_the_manifest_and_the_manifest_beats_the_ledger() {
    let flag = Some(BudgetFlag(Some(usd("1"))));
    let written = Some(WrittenBudget { cap: Some(usd("2")), strict: true });
    let kept = Some(Budget { cap: Some(usd("3")), strict: false });
    let cap = |cap, strict| Budget { cap, strict };
    assert_eq!(budget(flag, written, kept), (cap(Some(usd("1")), true), true));
    assert_eq!(budget(None, written, kept), (cap(Some(usd("2")), true), true));
    assert_eq!(budget(None, None, kept), (cap(Some(usd("3")), false), false));
    assert_eq!(budget(None, None, None), (Budget::default(), false));
    assert_eq!(budget(Some(BudgetFlag(None)), written, kept), (cap(None, true), true));
    let strict_only = Some(WrittenBudget { cap: None, strict: true });
    assert_eq!(budget(None, strict_only, kept), (cap(Some(usd("3")), true), true));
}

#[test]
fn commands_to_type_survive_odd_paths() {
    assert_eq!(quoted(Path::new("a/shots.yaml")), "a/shots.yaml");
    assert_eq!(quoted(Path::new("it's mine.yaml")), r"'it'\''s mine.yaml'");
    assert_eq!(quoted(Path::new("$(reboot)")), "'$(reboot)'");
}
