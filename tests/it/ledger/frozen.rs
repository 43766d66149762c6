//! Ledgers of every schema that was ever shipped, as the program of that day left them (`N.sqlite`:
//! every state and failure, older and removed revisions, doubts, a cap, all accounts), and what that
//! program said of them (`N.txt`). Each is read as it lies, and opens whole or not at all.

use std::fmt::Write as _;
use std::fs;

use rushes::charge::Charge;
use rushes::report;
use rushes::token::Token;

use super::*;

/// What a reader, the scheduler and somebody with `sqlite3` see, as one text.
fn told(ledger: &Path) -> String {
    let reader = Reader::open(ledger).unwrap();
    let mut json = Vec::new();
    report::json::write(&reader, &mut json).unwrap();
    let mut told = String::from_utf8(json).unwrap();
    for entry in reader.entries().unwrap() {
        writeln!(told, "{entry:?}").unwrap();
    }
    let conn = Connection::open(ledger).unwrap();
    for sql in [
        "SELECT account, dollars FROM spend",
        "SELECT attempt, account, at, micro FROM money ORDER BY id",
        "SELECT id, revision, number, price_micro, charged_if_failed, sent_at, answered_at, \
         outcome, why, task_id, account FROM attempts ORDER BY id",
        "SELECT revision, part, path, bytes, hex(sha256) FROM files ORDER BY revision, part",
        "SELECT shot, revision, current, state, failure, why, model, price, task_id, attempts, \
         clips, submitted_at, completed_at, delivered_at, urls, tags, request FROM results",
    ] {
        writeln!(told, "\n{sql}").unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> = (0..columns)
                .map(|column| match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Null => "–".to_owned(),
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    other => other.as_str().unwrap().to_owned(),
                })
                .collect();
            writeln!(told, "{}", cells.join(" | ")).unwrap();
        }
    }
    told
}

fn frozen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/ledger/frozen").join(name)
}

/// A campaign folder with a copy of the ledger of schema 1, which nobody has opened yet.
fn thawed() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(frozen("1.sqlite"), folder.path().join("ledger.sqlite")).unwrap();
    Desk { folder, ledger: None }
}

fn schema(ledger: &Path) -> i64 {
    let conn = Connection::open(ledger).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn before() -> String {
    fs::read_to_string(frozen("1.txt")).unwrap()
}

#[tokio::test]
async fn a_ledger_of_schema_1_opens_and_says_what_it_said_then() {
    let mut desk = thawed();
    desk.reopen();
    desk.close();
    assert_eq!(schema(&desk.path()), 2);
    assert_eq!(told(&desk.path()), before());
    let by = desk.text("SELECT created_by, written_by FROM campaign");
    let program = concat!("rushes ", env!("CARGO_PKG_VERSION"));
    assert_eq!(by[1].as_deref(), Some(program));
    desk.reopen();
    desk.close();
    assert_eq!(told(&desk.path()), before(), "a second opening changes nothing");
}

#[tokio::test]
async fn a_ledger_of_schema_1_goes_on() {
    let mut desk = thawed();
    desk.reopen();
    let entries = desk.ledger().entries().await.unwrap();
    let of = |id: &str| entries.iter().find(|entry| entry.shot.as_str() == id).unwrap().clone();
    let balance = desk.ledger().balance();
    assert_eq!(desk.ledger().calls().await.unwrap(), [], "nobody was given an address then");

    let job = desk.tell(of("rendering").revision, &of("rendering").job, completed()).await;
    assert_eq!(job.state.name(), "rendered");
    let price = usd(616_503);
    assert_eq!(desk.ledger().balance().spent, balance.spent + price);
    assert_eq!(desk.ledger().balance().reserved, balance.reserved - price);

    let token = Token::from_bytes([7; 16]);
    let terms = Terms { token: Some(token), ..Terms::new(of("queued").price) };
    let claim = desk.ledger().claim(of("queued").revision, terms, at(9)).await.unwrap();
    let Claim::Granted { attempt, .. } = claim else { panic!("{claim:?}") };
    desk.ledger().charge(attempt, Charge::new("0.32", "USD").unwrap()).await.unwrap();
    desk.reopen();
    let calls = desk.ledger().calls().await.unwrap();
    assert_eq!((calls.len(), calls[0].attempt, calls[0].token), (1, attempt, token));
    let row = desk.rows().remove(0);
    assert_eq!((row.attempts, row.charge), (1, Charge::new("0.32", "USD")));
    let view =
        desk.text("SELECT price, charge, charge_currency FROM results WHERE shot = 'queued'");
    assert_eq!(view, ["0.3165", "0.32", "USD"].map(|text| Some(text.to_owned())));
}

#[tokio::test]
async fn who_only_looks_at_a_ledger_of_schema_1_sees_all_of_it_and_leaves_it_as_it_is() {
    let desk = thawed();
    let reader = Reader::open(&desk.path()).unwrap();
    let mut json = Vec::new();
    report::json::write(&reader, &mut json).unwrap();
    assert!(before().starts_with(std::str::from_utf8(&json).unwrap()));
    assert_eq!(reader.entries().unwrap().len(), 21);
    drop(reader);
    assert_eq!(schema(&desk.path()), 1);
}

#[test]
fn report_status_and_plan_work_on_a_ledger_that_was_not_migrated() {
    use crate::sandbox::Sandbox;
    let sandbox = Sandbox::new()
        .manifest("campaign: summer\nshots:\n  - {id: queued, model: kling-v3, prompt: A beach}\n");
    let ledger = sandbox.path("ledger.sqlite");
    fs::copy(frozen("1.sqlite"), &ledger).unwrap();
    let ours = "ledger.sqlite";
    sandbox
        .run(["report", "shots.yaml", "--ledger", ours])
        .exits(0)
        .says("20 shots")
        .says("$6.082545 spent");
    sandbox.run(["report", "shots.yaml", "--ledger", ours, "--format", "csv"]).exits(0);
    sandbox.run(["status", "shots.yaml", "--ledger", ours]).exits(0).says("20 shots");
    sandbox.run(["plan", "shots.yaml", "--ledger", ours]).exits(0);
    assert_eq!(schema(&ledger), 1);
    // `resolve` writes, so it brings the ledger up to date first.
    let resolved = ["resolve", "shots.yaml", "doubtful", "--abandon", "--ledger", ours];
    sandbox.run(resolved).exits(0);
    assert_eq!(schema(&ledger), 2);
    sandbox.run(["report", "shots.yaml", "--ledger", ours]).exits(0).says("abandoned");
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_schema_1_whole() {
    let desk = thawed();
    let conn = Connection::open(desk.path()).unwrap();
    // Something stands in the way of its last step but one.
    conn.execute_batch("CREATE TABLE by_token (x)").unwrap();
    drop(conn);
    let error = open_in(desk.folder.path()).err().expect("it cannot be migrated");
    assert!(error.to_string().contains("by_token"), "{error}");
    assert_eq!(schema(&desk.path()), 1);
    assert_eq!(told(&desk.path()), before());
    let conn = Connection::open(desk.path()).unwrap();
    let columns = "SELECT count(*) FROM pragma_table_info('attempts') WHERE name = 'token'";
    let columns: i64 = conn.query_row(columns, [], |row| row.get(0)).unwrap();
    assert_eq!(columns, 0, "the steps before it were taken back");
    conn.execute_batch("DROP TABLE by_token").unwrap();
    drop(conn);
    open_in(desk.folder.path()).unwrap();
    assert_eq!(told(&desk.path()), before());
}

#[tokio::test]
async fn a_migration_that_is_killed_half_way_leaves_schema_1_whole() {
    let steps = include_str!("../../../src/ledger/schema/2.sql");
    let steps: Vec<&str> = steps.split_inclusive(";\n").collect();
    assert!(steps.len() > 4);
    for count in 1..=steps.len() {
        let desk = thawed();
        let conn = Connection::open(desk.path()).unwrap();
        // So that what is not committed reaches the disk as well.
        conn.pragma_update(None, "cache_size", 1).unwrap();
        conn.pragma_update(None, "cache_spill", 1).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        for step in &steps[..count] {
            conn.execute_batch(step).unwrap();
        }
        conn.execute_batch("UPDATE attempts SET why = why || ''; PRAGMA user_version = 2").unwrap();
        // What the disk holds at this moment is what a killed process leaves behind.
        let mut killed = Desk { folder: tempfile::tempdir().unwrap(), ledger: None };
        for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
            fs::copy(desk.folder.path().join(name), killed.folder.path().join(name)).unwrap();
        }
        assert_eq!(schema(&killed.path()), 1, "after {count} steps");
        assert_eq!(told(&killed.path()), before(), "after {count} steps");
        killed.reopen();
        killed.close();
        assert_eq!((schema(&killed.path()), told(&killed.path())), (2, before()));
    }
}

#[test]
fn a_ledger_of_a_schema_to_come_is_refused_by_all_and_left_as_it_is() {
    let desk = thawed();
    let conn = Connection::open(desk.path()).unwrap();
    conn.execute_batch("PRAGMA user_version = 3; UPDATE campaign SET written_by = 'rushes 9.9'")
        .unwrap();
    drop(conn);
    let error = open_in(desk.folder.path()).err().expect("it is newer");
    assert!(matches!(error, LedgerError::Newer { schema: 3, .. }), "{error}");
    assert!(error.to_string().contains("rushes 9.9"), "{error}");
    assert!(matches!(Reader::open(&desk.path()).err(), Some(LedgerError::Newer { .. })));
    assert_eq!(schema(&desk.path()), 3);
}

#[test]
fn a_schema_that_was_shipped_is_never_edited() {
    use sha2::{Digest, Sha256};
    let schema = include_bytes!("../../../src/ledger/schema/1.sql");
    let mut hash = String::new();
    for byte in Sha256::digest(schema) {
        write!(hash, "{byte:02x}").unwrap();
    }
    assert_eq!(hash, "1647600901ff4a0232493160ed3887cf887643c061652cb8c5440c3bbf78dc9f");
}
