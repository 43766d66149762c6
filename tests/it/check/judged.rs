//! What each answer, date and number means, and how findings are shown: plain calls.

use rushes::cli::check::finding::{Finding, is_ready, text};
use rushes::cli::check::judge::{self, Expected, ToBuy};
use rushes::disk::file_system::Trouble;
use rushes::domain::account::{Access, AccessVerdict, BalanceOutcome, Clocks, ModelsOutcome};
use rushes::domain::charge::Charge;
use rushes::domain::money::Usd;
use rushes::domain::time::Timestamp;
use rushes::policy::budget::{Balance, Budget};
use rushes::report::text::Screen;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn buys(shots: usize, total: &str) -> ToBuy {
    ToBuy { shots, total: usd(total), unknown: 0, fitting: shots }
}

fn holding(amount: &str, currency: &str) -> BalanceOutcome {
    BalanceOutcome::Known(Charge::new(amount, currency).unwrap())
}

fn capped(cap: &str) -> Budget {
    Budget { cap: Some(usd(cap)), strict: false }
}

/// Every finding that there can be.
fn all() -> Vec<Finding> {
    let none = Balance::default();
    let spent = Balance { spent: usd("1"), reserved: usd("2"), unconfirmed: Usd::ZERO };
    let access = |verdict| judge::gateway(&Access { verdict, clocks: None }, "https://gateway");
    let why = || "answered 500: oops".to_owned();
    let today = |text: &str| text.parse().ok();
    let clocks = |theirs: i64, ours: i64| {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        judge::clock(Some(Clocks { theirs: at(theirs), ours: at(ours) }))
    };
    let to_come = |shots, each, is_guess| Expected { shots, each, is_guess };
    let folder = |kind, trouble| judge::folder("renders/summer".as_ref(), kind, trouble);
    let listed = |ids: &[&str]| ModelsOutcome::Listed(ids.iter().map(|&id| id.into()).collect());
    vec![
        access(AccessVerdict::Accepted),
        access(AccessVerdict::BadKey { why: why() }),
        access(AccessVerdict::NotTheGateway { why: why() }),
        access(AccessVerdict::Unclear { why: why() }),
        access(AccessVerdict::Unreached { why: "timed out".into() }),
        judge::balance(&holding("25", "USD"), &buys(2, "0.3324"), &capped("9"), &none),
        judge::balance(&holding("25", "USD"), &buys(0, "0"), &capped("9"), &none),
        judge::balance(&holding("0.3", "USD"), &buys(2, "0.3324"), &Budget::default(), &none),
        judge::balance(&holding("5", "USD"), &buys(9, "50"), &capped("9"), &spent),
        judge::balance(&holding("6", "USD"), &buys(9, "50"), &capped("9"), &spent),
        judge::balance(&holding("500", "credits"), &buys(2, "0.3324"), &capped("9"), &none),
        judge::balance(&BalanceOutcome::Unknown { why: why() }, &buys(1, "1"), &capped("9"), &none),
        judge::cap(&buys(0, "0"), &capped("9"), &none),
        judge::cap(&buys(2, "0.3324"), &capped("9"), &spent),
        judge::cap(&buys(2, "0.3324"), &Budget::default(), &none),
        judge::cap(&ToBuy { fitting: 3, unknown: 1, ..buys(9, "50") }, &capped("9"), &spent),
        judge::prices("2026-11-22", today("2026-11-22")),
        judge::prices("2026-11-22", today("2026-11-23")),
        judge::prices("2026-11-22", today("2027-01-21")),
        judge::prices("2026-11-22", today("2027-01-22")),
        judge::prices("2026-11-22", today("2026-11-21")),
        judge::prices("2026-11-22", None),
        judge::models(&listed(&["kling-v3", "kling-v2-6"]), &["kling-v3"]),
        judge::models(&listed(&["kling-v2-6"]), &["kling-v3", "kling-v2-6"]),
        judge::models(&listed(&["kling-v2-6"]), &[]),
        judge::models(&ModelsOutcome::Unknown { why: why() }, &["kling-v3"]),
        clocks(1000, 1120),
        clocks(1000, 1121),
        clocks(9000, 1000),
        judge::clock(None),
        judge::disk(1 << 40, &to_come(0, judge::GUESSED_CLIP, true)),
        judge::disk(1 << 30, &to_come(2, judge::GUESSED_CLIP, true)),
        judge::disk(55 << 20, &to_come(2, judge::GUESSED_CLIP, true)),
        judge::disk(55 << 20, &to_come(2, 20 << 20, false)),
        judge::disk(9 << 20, &to_come(2, 1000, true)),
        folder(Some("ext4"), None),
        folder(None, None),
        folder(Some("nfs4"), Some(Trouble::Network)),
        folder(Some("exfat"), Some(Trouble::Fat)),
        folder(Some("tmpfs"), Some(Trouble::Memory)),
        folder(Some("ext4"), Some(Trouble::Synced("Dropbox"))),
    ]
}

fn screen(width: usize) -> Screen {
    Screen { width: Some(width), color: false }
}

#[test]
fn every_finding_reads_well_at_80_columns() {
    insta::assert_snapshot!(text(&all(), screen(80)));
}

#[test]
fn every_finding_can_be_read_at_50_columns_and_no_line_is_longer() {
    for columns in [50, 80, 120] {
        for line in text(&all(), screen(columns)).lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
    }
    let names = all();
    assert!(names.iter().all(|finding| finding.name.len() <= 8));
}

#[test]
fn only_a_failure_keeps_a_night_from_being_ready() {
    let ok = || Finding::ok("key", "there is one");
    let warned = || Finding::warning("cap", "none");
    let skipped = || Finding::not_checked("models", "no list");
    let failed = || Finding::failed("disk", "full");
    for (findings, ready, end) in [
        (vec![ok()], true, "ready"),
        (vec![ok(), warned(), skipped()], true, "ready; 1 warning, 1 not checked"),
        (vec![warned(), warned(), failed()], false, "not ready: 1 to mend; 2 warnings"),
    ] {
        assert_eq!(is_ready(&findings), ready);
        assert_eq!(text(&findings, screen(80)).lines().last(), Some(end));
    }
}
