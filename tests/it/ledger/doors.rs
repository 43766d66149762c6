//! Who gets in, and what is said to those who do not: locks, other people's files, damage.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use super::*;

fn opening(campaign: &str, kind: Kind) -> LedgerOptions<'_> {
    let (holder, at, threads) = ("rushes fetch", at(0), Threads::Pool);
    let identity = rushes::ledger::Identity::default();
    let post_lasts = std::time::Duration::ZERO;
    LedgerOptions { campaign, kind, holder, at, threads, identity, post_lasts, work: None }
}

/// Opens it as this test's campaign would, and gives the refusal.
fn refusal(path: &Path) -> LedgerError {
    let opened = SqliteLedger::open(path, &opening("summer", Kind::Gateway));
    opened.err().expect("it should not open")
}

#[tokio::test]
async fn a_second_run_is_refused_and_readers_see_who_is_first() {
    let (mut desk, _) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let error = refusal(&desk.path());
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    let text = error.to_string();
    let who = format!("rushes run, process {} on", std::process::id());
    assert!(text.contains(&who) && text.contains("since 2024-01-13T05:24:10.000Z"), "{text}");
    let reader = LedgerAddress::file(desk.path()).snapshot().unwrap();
    assert!(reader.summary().unwrap().held_by.unwrap().contains(&who));
    desk.close();
    assert_eq!(reader.summary().unwrap().held_by, None);
    drop(open_in(desk.folder.path()).unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_ledger_has_the_ledgers_lock() {
    let desk = Desk::new();
    let link = desk.folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(desk.path(), &link).unwrap();
    assert!(matches!(refusal(&link), LedgerError::Locked { .. }));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_what_lies_there() {
    use std::os::unix::fs::PermissionsExt;
    let (desk, _) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let files: Vec<_> = fs::read_dir(desk.folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 4, "ledger, log, lock, reserve: {files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.path());
    }
}

#[tokio::test]
async fn a_ledger_is_of_one_campaign_and_of_one_kind() {
    let mut desk = Desk::new();
    desk.close();
    let open =
        |campaign, kind| SqliteLedger::open(&desk.path(), &opening(campaign, kind)).err().unwrap();
    let other = open("winter", Kind::Gateway);
    assert!(matches!(&other, LedgerError::OtherCampaign { theirs, .. } if theirs == "summer"));
    let kind = open("summer", Kind::Simulator);
    assert!(matches!(&kind, LedgerError::OtherKind { theirs: Kind::Gateway, .. }), "{kind}");
    assert!(kind.to_string().contains("real purchases"), "{kind}");
    desk.reopen();
}

#[test]
fn without_a_ledger_a_reader_says_that_nothing_was_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    for _ in 0..2 {
        let error = LedgerAddress::file(&path).snapshot().err().unwrap();
        assert!(error.to_string().starts_with("nothing has been run yet"), "{error}");
        assert!(fs::read_dir(folder.path()).unwrap().all(|file| file.unwrap().path() == path));
        // What a run leaves that was killed while it made the ledger.
        fs::write(&path, "").unwrap();
    }
    drop(open_in(folder.path()).unwrap());
    assert!(LedgerAddress::file(&path).snapshot().is_ok());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&folder.path().join("no/ledger.sqlite"));
    assert!(matches!(error, LedgerError::Inaccessible { .. }), "{error}");
    assert!(error.to_string().contains("no/ledger.sqlite.lock"), "{error}");
    let error = refusal(folder.path());
    assert!(matches!(error, LedgerError::Inaccessible { .. }), "{error}");
}

#[test]
fn other_peoples_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let texts: [&[u8]; 3] = [b"beach,5\n", b"SQLite format 4\0 and more", b"S"];
    for text in texts {
        fs::write(&path, text).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, LedgerError::Foreign { .. }), "{error}");
        assert!(matches!(
            LedgerAddress::file(&path).snapshot().err(),
            Some(LedgerError::Foreign { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no lock, no reserve");
    }
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (name)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = refusal(&path);
    assert!(error.to_string().contains("another program's"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_ledger_from_the_future_says_which_version_made_it() {
    let mut desk = Desk::new();
    desk.close();
    let conn = Connection::open(desk.path()).unwrap();
    conn.execute_batch("UPDATE campaign SET written_by = 'rushes 9.1.0'; PRAGMA user_version = 9")
        .unwrap();
    drop(conn);
    let error = refusal(&desk.path());
    assert!(matches!(error, LedgerError::Newer { schema: 9, .. }), "{error}");
    assert!(error.to_string().contains("rushes 9.1.0"), "{error}");
    assert!(matches!(
        LedgerAddress::file(desk.path()).snapshot().err(),
        Some(LedgerError::Newer { .. })
    ));
}

#[tokio::test]
async fn a_balance_that_is_not_the_sum_of_its_movements_is_damage() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    desk.claim(&entries[0]).await;
    desk.close();
    let conn = Connection::open(desk.path()).unwrap();
    conn.execute_batch("UPDATE balance SET reserved = 9").unwrap();
    drop(conn);
    let error = refusal(&desk.path());
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("9 reserved") && text.contains(".recover"), "{text}");
}

#[tokio::test]
async fn no_attempt_and_no_movement_of_money_can_be_taken_back() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    desk.claim(&entries[0]).await;
    desk.close();
    let conn = Connection::open(desk.path()).unwrap();
    for sql in ["DELETE FROM attempts", "DELETE FROM money", "UPDATE money SET micro = 1"] {
        assert!(conn.execute(sql, []).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn damage_anywhere_is_an_error_and_never_a_panic_or_a_wrong_sum() {
    let shots: Vec<Shot> = (0..200).map(|i| shot(&format!("shot-{i:03}"), 1, Some(10))).collect();
    let (mut desk, entries) = Desk::with(&shots).await;
    for entry in &entries[..50] {
        desk.buy(entry, &format!("task-{}", entry.revision.0)).await;
    }
    let balance = desk.ledger().balance();
    desk.close();
    let whole = fs::read(desk.path()).unwrap();
    let mut damaged = 0;
    for page in 0..whole.len() / 4096 {
        for kind in ["zeroed", "scrambled", "cut"] {
            let mut bytes = whole.clone();
            match kind {
                "zeroed" => bytes[page * 4096..][..4096].fill(0),
                "scrambled" => {
                    bytes[page * 4096..][..4096].iter_mut().for_each(|byte| *byte = !*byte);
                }
                _ => bytes.truncate(page * 4096 + 100),
            }
            fs::write(desk.path(), &bytes).unwrap();
            if let Ok(reader) = LedgerAddress::file(desk.path()).snapshot() {
                drop(reader.entries());
                drop(reader.rows(&mut |_| ()));
                drop(reader.summary());
            }
            match open_in(desk.folder.path()) {
                Ok(ledger) => {
                    assert_eq!(ledger.balance(), balance, "page {page} {kind}");
                    if ledger.entries().await.is_err() {
                        damaged += 1;
                    }
                }
                Err(LedgerError::Damaged { .. } | LedgerError::Foreign { .. }) => damaged += 1,
                Err(error) => panic!("page {page} {kind}: {error}"),
            }
        }
    }
    assert!(damaged > whole.len() / 4096, "{damaged} of {} pages", whole.len() / 4096);
}

#[tokio::test]
async fn a_nonsense_value_in_a_row_is_damage() {
    for sql in [
        "UPDATE revisions SET shot = 'a/../b'",
        "UPDATE revisions SET state = 'rendering', attempt = 1, since = 5",
        "UPDATE revisions SET state = 'in_doubt', attempt = NULL",
        "UPDATE revisions SET state = 'failed', failure = NULL, why = 'x'",
    ] {
        let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
        desk.claim(&entries[0]).await;
        desk.close();
        let conn = Connection::open(desk.path()).unwrap();
        conn.execute_batch(sql).unwrap();
        drop(conn);
        let read = LedgerAddress::file(desk.path()).snapshot().unwrap().entries().unwrap_err();
        assert!(matches!(read, LedgerError::Damaged { .. }), "{sql}: {read}");
        desk.ledger = Some(open_in(desk.folder.path()).unwrap());
        let error = desk.ledger().entries().await.unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. }), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_killed_runs_log_is_taken_up_by_the_next() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(10))]).await;
    desk.buy(&entries[0], "t-1").await;
    // The files as a killed process leaves them.
    let killed = tempfile::tempdir().unwrap();
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite.lock"] {
        fs::copy(desk.folder.path().join(file), killed.path().join(file)).unwrap();
    }
    let rows = desk.rows();
    desk.close();
    let ledger = open_in(killed.path()).unwrap();
    assert_eq!(ledger.entries().await.unwrap()[0].status, rows[0].entry.status);
    drop(ledger);

    // And with its last page torn, only the last transaction is gone.
    let log = desk.folder.path().join("ledger.sqlite-wal");
    assert!(!log.exists());
    desk.reopen();
    desk.record(&[shot("a", 1, Some(10)), shot("b", 1, Some(10))]).await;
    for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
        fs::copy(desk.folder.path().join(file), killed.path().join(file)).unwrap();
    }
    let mut log =
        fs::OpenOptions::new().write(true).open(killed.path().join("ledger.sqlite-wal")).unwrap();
    log.seek(SeekFrom::End(-100)).unwrap();
    log.write_all(&[0xff; 100]).unwrap();
    drop(log);
    let ledger = open_in(killed.path()).unwrap();
    assert_eq!(ledger.entries().await.unwrap().len(), 1);
}
