//! Ledgers that were cut, emptied, deleted or hit by single flipped bits: opening ends in a clear
//! message or in a ledger that forgot nothing that may have been bought.

use std::fs;
use std::io::Write;
use std::path::Path;

use rushes::domain::shot::Shot;
use rushes::domain::state::ShotEvent;
use rushes::ledger::{Assign, Ledger, SqliteLedger};
use rushes::policy::budget::Budget;

use super::{PATIENCE, Run, campaign, each_once, holds, sells};
use crate::ledger::{at, bought, completed, doubtful, open_in, shot, usd};
use crate::sandbox::Sandbox;
use crate::support::commits::{Commits, RULES, spec};

const IDS: [&str; 3] = ["a", "b", "c"];
/// Every price, in micro-dollars, and the cap.
const PRICE: i64 = 316_500;
const CAP: i64 = 60 * PRICE;
/// So many of the shots were bought or may have been; the rest is queued.
const BOUGHT: usize = 40;

fn delivered() -> (Sandbox, std::path::PathBuf) {
    let sandbox = campaign(&IDS);
    let server = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    each_once(&[&server], &IDS);
    let ledger = sandbox.path("renders/night/ledger.sqlite");
    (sandbox, ledger)
}

/// Nothing is sent, by no command, and each says so.
fn refused(sandbox: &Sandbox, words: &str) {
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "shots.yaml", "--api-base", &url]).exits(2).warns(words);
    sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(2);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_ledger_cut_anywhere_is_refused_and_put_back_it_goes_on() {
    let (sandbox, ledger) = delivered();
    let whole = fs::read(&ledger).unwrap();
    for (length, words) in [
        (0, "knows 0 of the 3 requests"),
        (7, "is not a ledger of rushes"),
        (2048, "is damaged"),
        (4096, "is damaged"),
        (whole.len() / 2, "is damaged"),
        // Its last page is a free one: less than that is not missed.
        (whole.len() - 4097, "is damaged"),
    ] {
        fs::write(&ledger, &whole[..length]).unwrap();
        refused(&sandbox, words);
        assert_eq!(fs::read(&ledger).unwrap(), whole[..length], "it is left as it is");
    }
    fs::write(&ledger, &whole).unwrap();
    let server = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_deleted_ledger_is_not_made_anew_beside_what_it_bought() {
    let (sandbox, ledger) = delivered();
    fs::remove_file(&ledger).unwrap();
    refused(&sandbox, "knows 0 of the 3 requests");
    let server = sells();
    let words = ["run", "shots.yaml", "--api-base", &server.url()];
    // And when every file of it is gone, its clips still speak for it.
    for name in super::room::names(ledger.parent().unwrap()) {
        if name.starts_with("ledger.sqlite") {
            fs::remove_file(ledger.with_file_name(name)).unwrap();
        }
    }
    let clips = sandbox.path("renders/night/clips");
    sandbox.run(words).exits(2).warns("3 clips lie in").warns("mv renders/night/clips");
    assert_eq!((server.requests().len(), fs::read_dir(&clips).unwrap().count()), (0, 3));
    // A user who does want everything anew says so by moving them.
    fs::rename(&clips, clips.with_file_name("clips.old")).unwrap();
    sandbox.run(words).exits(2).warns("renders/night/ledger.id");
    fs::remove_file(clips.with_file_name("ledger.id")).unwrap();
    sandbox.run(words).exits(0);
    each_once(&[&server], &IDS);
}

#[test]
fn a_killed_runs_log_that_is_removed_or_left_without_its_ledger_is_missed() {
    let sandbox = campaign(&IDS);
    let (server, comes, _gate) = holds(1);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "1", "--api-base", &url];
    let begun = Run::start(sandbox.command(&words));
    comes.recv_timeout(PATIENCE).unwrap();
    drop(begun);
    let ledger = sandbox.path("renders/night/ledger.sqlite");
    let log = sandbox.path("renders/night/ledger.sqlite-wal");
    let (file, logged) = (fs::read(&ledger).unwrap(), fs::read(&log).unwrap());

    fs::remove_file(&log).unwrap();
    refused(&sandbox, "0 of the 1 requests");
    let _ = fs::remove_file(&log);
    fs::write(&ledger, "").unwrap();
    fs::write(&log, &logged).unwrap();
    refused(&sandbox, "0 of the 1 requests");
    fs::remove_file(sandbox.path("renders/night/ledger.sqlite.mark")).unwrap();
    refused(&sandbox, "ledger.sqlite-wal is not");
    assert_eq!(fs::read(&log).unwrap(), logged, "the log is not thrown away");

    fs::write(&ledger, &file).unwrap();
    let _ = fs::remove_file(sandbox.path("renders/night/ledger.sqlite-shm"));
    let rest = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &rest.url()]).exits(1).says("1 in doubt");
    each_once(&[&rest], &["b", "c"]);
}

#[test]
fn an_empty_file_of_a_run_that_was_killed_while_it_made_the_ledger_is_no_obstacle() {
    let sandbox = campaign(&IDS).file("renders/night/ledger.sqlite", "");
    let server = sells();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(0);
    each_once(&[&server], &IDS);
}

fn shots() -> Vec<Shot> {
    (0..60).map(|i| shot(&format!("scene-{i:02}"), 1, Some(PRICE))).collect()
}

/// A ledger of bought, rendering, doubtful and queued shots under a cap.
async fn victim(folder: &Path) -> SqliteLedger {
    let ledger = open_in(folder).unwrap();
    ledger.set_budget(Budget { cap: Some(usd(CAP)), strict: true }).await.unwrap();
    let entries = ledger.record(shots().into(), at(0)).await.unwrap();
    for (nth, entry) in entries[..BOUGHT].iter().enumerate() {
        let mut job = ledger.claimed(entry, spec(entry.price), at(1)).await;
        let task = bought(&format!("task-{nth}"));
        let events = match nth % 5 {
            0 => vec![],
            1 => vec![doubtful()],
            2 => vec![task],
            3 => vec![task, completed()],
            _ => vec![task, completed(), ShotEvent::Delivered],
        };
        for event in events {
            job = ledger.apply(entry.revision, &job, event, &RULES, at(2)).await;
        }
    }
    ledger
}

/// What a run would make of the ledger in `folder`; `false` when it would not begin, or stop with
/// an error. Panics if it would buy what may have been bought, or pass the cap.
async fn is_believed(folder: &Path, what: &str) -> bool {
    let Ok(ledger) = open_in(folder) else { return false };
    let Ok(entries) = ledger.record(shots().into(), at(9)).await else { return false };
    if ledger.assign(Assign::Leftovers).await.is_err() {
        return false;
    }
    for entry in &entries[..BOUGHT] {
        let state = entry.status.state.name();
        assert!(state != "queued", "{what}: {} would be bought again", entry.shot);
    }
    let (budget, balance) = (ledger.budget(), ledger.balance());
    assert!(budget.cap.is_some_and(|cap| cap <= usd(CAP)), "{what}: the cap is {budget:?}");
    let committed = usd(PRICE * i64::try_from(BOUGHT).unwrap());
    assert!(balance.spent + balance.reserved >= committed, "{what}: {balance:?}");
    true
}

/// Harms `file` so many times, each time in a fresh copy of all files; answers how often it was
/// noticed. `harm` says what it did.
async fn harmed(
    whole: &Path,
    file: &str,
    times: usize,
    mut harm: impl FnMut(usize, &mut Vec<u8>) -> String,
) -> usize {
    let names = super::room::names(whole);
    let before: Vec<_> =
        names.iter().map(|name| (name, fs::read(whole.join(name)).unwrap())).collect();
    // One folder for all, so that the reserve is made once.
    let folder = tempfile::tempdir().unwrap();
    let mut noticed = 0;
    for nth in 0..times {
        for name in super::room::names(folder.path()) {
            if !name.ends_with(".reserve") {
                fs::remove_file(folder.path().join(name)).unwrap();
            }
        }
        let mut what = String::new();
        for (name, bytes) in &before {
            let mut bytes = bytes.clone();
            if *name == file {
                what = harm(nth, &mut bytes);
            }
            fs::write(folder.path().join(name), &bytes).unwrap();
        }
        noticed += usize::from(!is_believed(folder.path(), &what).await);
    }
    noticed
}

/// Flips so many single bits of `file`, one at a time.
async fn flip(whole: &Path, file: &str, flips: usize, seed: u64) -> usize {
    let mut chance = fastrand::Rng::with_seed(seed);
    harmed(whole, file, flips, |nth, bytes| {
        let bit = chance.usize(..bytes.len() * 8);
        let (byte, bit) = (bit / 8, bit % 8);
        bytes[byte] ^= 1 << bit;
        format!("seed {seed}, flip {nth}: bit {bit} of byte {byte} of {file}")
    })
    .await
}

/// For people who read the output of a test that passes.
fn tell(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// How many flips are tried; more, and others, by hand: `FLIPS=20000 SEED=7 cargo nextest run flipped`.
fn flips(usual: usize) -> usize {
    std::env::var("FLIPS").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

fn seed(usual: u64) -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(usual)
}

/// The files as a killed run leaves them, without those that the next one makes anew.
fn without_reserve(folder: &Path, from: &Path) {
    for name in super::room::names(from) {
        let spared = [".reserve", "-shm", ".lock"].iter().any(|end| name.ends_with(end));
        if !spared {
            fs::copy(from.join(&name), folder.join(&name)).unwrap();
        }
    }
}

#[tokio::test]
async fn no_flipped_bit_of_a_ledger_has_anything_bought_blindly_or_the_cap_passed() {
    let desk = tempfile::tempdir().unwrap();
    drop(victim(desk.path()).await);
    let whole = tempfile::tempdir().unwrap();
    without_reserve(whole.path(), desk.path());
    assert!(is_believed(desk.path(), "unharmed").await);
    let flips = flips(500);
    let noticed = flip(whole.path(), "ledger.sqlite", flips, seed(4)).await;
    tell(&format!("{noticed} of {flips} flipped bits in the ledger were noticed"));
    assert!(noticed > flips / 8, "{noticed} of {flips}");
}

#[tokio::test]
async fn no_flipped_bit_of_a_killed_runs_log_has_anything_bought_blindly_or_the_cap_passed() {
    let desk = tempfile::tempdir().unwrap();
    let ledger = victim(desk.path()).await;
    let whole = tempfile::tempdir().unwrap();
    without_reserve(whole.path(), desk.path());
    drop(ledger);
    assert_eq!(flip(whole.path(), "none of them", 1, 5).await, 0, "a killed run's log is good");
    let flips = flips(200);
    let noticed = flip(whole.path(), "ledger.sqlite-wal", flips, seed(5)).await;
    tell(&format!("{noticed} of {flips} flipped bits in the log were noticed"));
    assert!(noticed > flips / 4, "{noticed} of {flips}");
}

#[tokio::test]
async fn a_killed_runs_log_cut_anywhere_has_nothing_bought_blindly_or_the_cap_passed() {
    let desk = tempfile::tempdir().unwrap();
    let ledger = victim(desk.path()).await;
    let whole = tempfile::tempdir().unwrap();
    without_reserve(whole.path(), desk.path());
    drop(ledger);
    let (cuts, mut chance) = (100, fastrand::Rng::with_seed(6));
    let noticed = harmed(whole.path(), "ledger.sqlite-wal", cuts, |nth, bytes| {
        // The last times only near its end, where what is missing is least.
        let least = if nth < cuts / 2 { 0 } else { bytes.len() - 10 * 4120 };
        let length = chance.usize(least..bytes.len());
        bytes.truncate(length);
        format!("cut {nth}: to {length} bytes")
    })
    .await;
    tell(&format!("{noticed} of {cuts} cuts of the log were noticed"));
    assert!(noticed > cuts / 2, "{noticed} of {cuts}");
}

#[tokio::test]
async fn the_bits_of_the_cap_and_of_every_fingerprint_are_vouched_for() {
    let desk = tempfile::tempdir().unwrap();
    drop(victim(desk.path()).await);
    let path = desk.path().join("ledger.sqlite");
    let whole = fs::read(&path).unwrap();
    let cap = CAP.to_be_bytes();
    let cap = &cap[cap.iter().position(|byte| *byte != 0).unwrap()..];
    let fingerprint = shots()[9].fingerprint;
    for (what, needle) in [("cap", cap), ("fingerprint", fingerprint.as_bytes().as_slice())] {
        let places: Vec<usize> = (0..whole.len() - needle.len())
            .filter(|place| &whole[*place..place + needle.len()] == needle)
            .collect();
        let mut noticed = 0;
        for place in places {
            for byte in 0..needle.len() {
                let mut bytes = whole.clone();
                bytes[place + byte] ^= 0x40;
                fs::write(&path, &bytes).unwrap();
                let at = format!("{what}, byte {byte} at {place}");
                noticed += usize::from(!is_believed(desk.path(), &at).await);
            }
        }
        // In its row and in an index; elsewhere lies only what was left of pages of before.
        assert!(noticed >= 2 * needle.len(), "{what}: {noticed} noticed");
    }
}

#[test]
fn a_damaged_ledger_is_named_with_the_way_to_save_what_can_be_read() {
    let (sandbox, ledger) = delivered();
    let mut bytes = fs::read(&ledger).unwrap();
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 200].iter_mut().for_each(|byte| *byte = !*byte);
    fs::write(&ledger, &bytes).unwrap();
    refused(&sandbox, ".recover");
}
