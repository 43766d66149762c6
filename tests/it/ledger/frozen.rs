//! Ledgers of every schema that was ever shipped, as the program of that day left them (`N.sqlite`:
//! every state and failure, older and removed revisions, doubts, a cap, all accounts), and what that
//! program said of them (`N.txt`). Each is read as it lies, and opens whole or not at all.

use std::fmt::Write as _;
use std::fs;

use rushes::domain::charge::Charge;
use rushes::domain::secret::Secret;
use rushes::domain::state::AttemptId;
use rushes::ledger::{CallbackSubscription, Change, Commit};
use rushes::report;

use super::*;

/// The schemas of before, each with a frozen ledger, and today's.
const BEFORE: [i64; 4] = [1, 2, 3, 4];
const TODAY: i64 = 5;

/// What only a schema from the second on can say.
const CHARGES: [&str; 2] = [
    "SELECT id, token, charge, charge_currency FROM attempts ORDER BY id",
    "SELECT shot, revision, charge, charge_currency FROM results",
];

/// What only a schema from the third on can say.
const FOOTAGE: [&str; 2] = [
    "SELECT revision, part, millis, width, height, sound, unread FROM files ORDER BY revision, part",
    "SELECT shot, revision, entry, variant, seconds, width, height, sound FROM results",
];

/// What only a schema from the fourth on can say.
const ORIGINS: [&str; 2] = [
    "SELECT id, key_on_wire, origin, wire FROM attempts ORDER BY id",
    "SELECT id, address, account FROM origins ORDER BY id",
];

/// What a reader, the scheduler and a person with `sqlite3` see, as one text.
fn told(ledger: &Path, had: i64) -> String {
    let reader = LedgerAddress::file(ledger).snapshot().unwrap();
    let mut json = Vec::new();
    report::json::write(&*reader, &mut json).unwrap();
    let mut told = String::from_utf8(json).unwrap();
    for entry in reader.entries().unwrap() {
        // As that day's program called it.
        let entry = format!("{entry:?}")
            .replace("status: RevisionState {", "job: Job {")
            .replace("silence: Unanswered {", "silence: Silence {")
            .replace(", word: None", "")
            .replace(", rerolls: 0, probed: false, is_waiting: false", "");
        writeln!(told, "{entry}").unwrap();
    }
    let conn = Connection::open(ledger).unwrap();
    let queries = [
        "SELECT account, dollars FROM spend",
        "SELECT attempt, account, at, micro FROM money ORDER BY id",
        "SELECT id, revision, number, price_micro, charged_if_failed, sent_at, answered_at, \
         outcome, why, task_id, account FROM attempts ORDER BY id",
        "SELECT revision, part, path, bytes, hex(sha256) FROM files ORDER BY revision, part",
        "SELECT shot, revision, current, state, failure, why, model, price, task_id, attempts, \
         clips, submitted_at, completed_at, delivered_at, urls, tags, request FROM results",
    ];
    let later = CHARGES.into_iter().filter(|_| had > 1);
    let later = later.chain(FOOTAGE.into_iter().filter(|_| had > 2));
    let later = later.chain(ORIGINS.into_iter().filter(|_| had > 3));
    for sql in queries.into_iter().chain(later) {
        writeln!(told, "\n{sql}").unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> = (0..columns)
                .map(|column| match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Null => "–".to_owned(),
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    rusqlite::types::ValueRef::Real(number) => number.to_string(),
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

/// A campaign folder with a copy of the ledger of a schema, which was not opened yet.
fn thawed(schema: i64) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.sqlite");
    fs::copy(frozen(&format!("{schema}.sqlite")), ledger).unwrap();
    Desk { folder, ledger: None }
}

fn schema(ledger: &Path) -> i64 {
    let conn = Connection::open(ledger).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn before(schema: i64) -> String {
    fs::read_to_string(frozen(&format!("{schema}.txt"))).unwrap()
}

#[tokio::test]
async fn a_ledger_of_before_opens_and_says_what_it_said_then() {
    for had in BEFORE {
        let mut desk = thawed(had);
        assert_eq!(schema(&desk.path()), had);
        desk.reopen();
        desk.close();
        assert_eq!(schema(&desk.path()), TODAY);
        assert_eq!(told(&desk.path(), had), before(had));
        let by = desk.text("SELECT created_by, written_by FROM campaign");
        let program = concat!("rushes ", env!("CARGO_PKG_VERSION"));
        assert_eq!(by[1].as_deref(), Some(program));
        desk.reopen();
        desk.close();
        assert_eq!(told(&desk.path(), had), before(had), "a second opening changes nothing");
    }
}

/// Its clips were not looked into, and where its shots come from was not written down.
fn says_nothing_of_today(rows: &[Row]) {
    assert!(rows.iter().any(|row| !row.files.is_empty()));
    for row in rows {
        assert!(row.files.iter().all(|file| file.clip_info.is_none() && file.unread.is_none()));
        assert!(row.entry_id.is_none() && row.variant.is_empty());
    }
}

#[tokio::test]
async fn what_a_ledger_of_before_could_not_know_is_written_down_when_it_goes_on() {
    for had in [1, 2] {
        let mut desk = thawed(had);
        says_nothing_of_today(&desk.rows());
        desk.reopen();
        says_nothing_of_today(&desk.rows());
        let mut queued = shot("queued", 1, Some(316_500));
        queued.variant = [("time".into(), "dawn".into()), ("take".into(), "2".into())].into();
        let entry = desk.record(&[queued]).await.remove(0);
        let view = "SELECT entry, variant, seconds, width, height, sound FROM results \
             WHERE shot = 'queued' AND current";
        let none = [None, None, None, None];
        let origin = ["queued", r#"{"time":"dawn","take":"2"}"#].map(|text| Some(text.to_owned()));
        assert_eq!(desk.text(view), origin.clone().into_iter().chain(none).collect::<Vec<_>>());
        let job = desk.buy(&entry, "t-new").await;
        let job = desk.tell(entry.revision, &job, completed()).await;
        let file = ClipFile {
            path: "clips/queued.mp4".to_owned(),
            bytes: 5,
            sha256: [7; 32],
            clip_info: Some(ClipInfo { millis: 5041, width: 1280, height: 720, sound: true }),
            unread: None,
        };
        desk.ledger().deliver(entry.revision, &job, vec![file.clone()], at(3000)).await;
        let row = desk.rows().remove(0);
        assert_eq!(row.files, [file]);
        assert_eq!(row.entry_id.as_deref(), Some("queued"));
        let cells = "SELECT entry, variant, CAST(seconds AS TEXT), CAST(width AS TEXT), \
             CAST(height AS TEXT), CAST(sound AS TEXT) FROM results WHERE shot = 'queued' \
             AND current";
        let facts = ["5.041", "1280", "720", "1"].map(|text| Some(text.to_owned()));
        assert_eq!(desk.text(cells), origin.into_iter().chain(facts).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_ledger_of_schema_3_goes_on_and_the_gateway_may_call_about_what_it_was_told_of() {
    let mut desk = thawed(3);
    let rows = desk.rows();
    let delivered = rows.iter().find(|row| row.entry.shot.as_str() == "delivered").unwrap();
    let clip_info = ClipInfo { millis: 5041, width: 1280, height: 720, sound: true };
    assert_eq!(delivered.files[0].clip_info, Some(clip_info));
    assert_eq!(delivered.files[1].unread.as_deref(), Some("it has no picture"));
    assert_eq!((delivered.entry_id.as_deref(), delivered.variant.len()), (Some("scenes"), 2));
    desk.reopen();
    let mut told = desk.ledger().subscriptions().await.unwrap();
    told.sort_by_key(|one| one.attempt);
    // Of the attempts that had a token then those whose purchase is open, also of removed shots.
    let expected: Vec<_> = [(3, 1003), (9, 1009), (11, 1011), (15, 1015)]
        .map(|(attempt, millis)| CallbackSubscription {
            attempt: AttemptId(attempt),
            key: Secret::parse(&format!("404040404040404040404040404040{attempt:02x}")).unwrap(),
            sent_at: at(millis),
        })
        .into();
    assert_eq!(told, expected);
    let entries = desk.ledger().entries().await.unwrap();
    let of = |id: &str| entries.iter().find(|entry| entry.shot.as_str() == id).unwrap().clone();
    // One that had no token then, as its key is not on the wire, adds none.
    let attempt = desk.ledger().claimed(&of("queued"), spec(of("queued").price), at(9)).await;
    assert_eq!(attempt.state.attempt(), Some(AttemptId(16)));
    let key = Secret::from_bytes([8; 16]);
    let called = AttemptSpec { key, key_on_wire: true, ..spec(of("refused").price) };
    let job = desk.ledger().claimed(&of("refused"), called, at(10)).await;
    let attempt = job.state.attempt().unwrap();
    desk.reopen();
    let mut told = desk.ledger().subscriptions().await.unwrap();
    told.sort_by_key(|one| one.attempt);
    assert_eq!(told.pop(), Some(CallbackSubscription { attempt, key, sent_at: at(10) }));
    assert_eq!(told, expected);
    let kept = desk.text(
        "SELECT address, origins.account, wire, CAST(count(DISTINCT attempts.origin) AS TEXT) \
         FROM attempts JOIN origins ON origins.id = attempts.origin",
    );
    let expected = ["https://gateway.test", "ab12", r#"{"model":"kling-v3"}"#, "1"];
    assert_eq!(kept, expected.map(|text| Some(text.to_owned())));
}

#[tokio::test]
async fn a_ledger_of_schema_1_goes_on_with_callbacks_and_charges() {
    let mut desk = thawed(1);
    desk.reopen();
    let entries = desk.ledger().entries().await.unwrap();
    let of = |id: &str| entries.iter().find(|entry| entry.shot.as_str() == id).unwrap().clone();
    let balance = desk.ledger().balance();
    assert_eq!(
        desk.ledger().subscriptions().await.unwrap(),
        [],
        "no gateway was given an address then"
    );

    let job = desk.tell(of("rendering").revision, &of("rendering").status, completed()).await;
    assert_eq!(job.state.name(), "rendered");
    let price = usd(616_503);
    assert_eq!(desk.ledger().balance().spent, balance.spent + price);
    assert_eq!(desk.ledger().balance().reserved, balance.reserved - price);

    let token = Secret::from_bytes([7; 16]);
    let called = AttemptSpec { key: token, key_on_wire: true, ..spec(of("queued").price) };
    let job = desk.ledger().claimed(&of("queued"), called, at(9)).await;
    let (attempt, charge) = (job.state.attempt().unwrap(), Charge::new("0.32", "USD").unwrap());
    desk.ledger().written(Commit { at: at(9), change: Change::Charge { attempt, charge } }).await;
    desk.reopen();
    let calls = desk.ledger().subscriptions().await.unwrap();
    assert_eq!((calls.len(), calls[0].attempt, calls[0].key), (1, attempt, token));
    let row = desk.rows().remove(0);
    assert_eq!((row.attempts, row.charge), (1, Charge::new("0.32", "USD")));
    let view =
        desk.text("SELECT price, charge, charge_currency FROM results WHERE shot = 'queued'");
    assert_eq!(view, ["0.3165", "0.32", "USD"].map(|text| Some(text.to_owned())));
}

#[tokio::test]
async fn who_only_looks_at_a_ledger_of_before_sees_all_of_it_and_leaves_it_as_it_is() {
    for (had, count) in BEFORE.into_iter().zip([21, 17, 17, 18]) {
        let desk = thawed(had);
        let reader = LedgerAddress::file(desk.path()).snapshot().unwrap();
        let mut json = Vec::new();
        report::json::write(&*reader, &mut json).unwrap();
        assert!(before(had).starts_with(std::str::from_utf8(&json).unwrap()));
        assert_eq!(reader.entries().unwrap().len(), count);
        drop(reader);
        assert_eq!(schema(&desk.path()), had);
    }
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
    assert_eq!(schema(&ledger), TODAY);
    sandbox.run(["report", "shots.yaml", "--ledger", ours]).exits(0).says("abandoned");
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_the_ledger_whole() {
    for had in BEFORE {
        let desk = thawed(had);
        let conn = Connection::open(desk.path()).unwrap();
        // Something stands in the way of its last step but a few.
        conn.execute_batch("ALTER TABLE attempts ADD COLUMN answer TEXT").unwrap();
        drop(conn);
        let error = open_in(desk.folder.path()).err().expect("it cannot be migrated");
        assert!(error.to_string().contains("answer"), "{error}");
        assert_eq!(schema(&desk.path()), had);
        assert_eq!(told(&desk.path(), had), before(had));
        let conn = Connection::open(desk.path()).unwrap();
        let columns = "SELECT count(*) FROM pragma_table_info('revisions') \
             WHERE name IN ('rerolls', 'probed')";
        let columns: i64 = conn.query_row(columns, [], |row| row.get(0)).unwrap();
        assert_eq!(columns, 0, "the steps before it were taken back");
        conn.execute_batch("ALTER TABLE attempts DROP COLUMN answer").unwrap();
        drop(conn);
        open_in(desk.folder.path()).unwrap();
        assert_eq!(told(&desk.path(), had), before(had));
    }
}

#[tokio::test]
async fn a_migration_that_is_killed_half_way_leaves_the_ledger_whole() {
    let schemas = [
        include_str!("../../../src/ledger/sqlite/schema/2.sql"),
        include_str!("../../../src/ledger/sqlite/schema/3.sql"),
        include_str!("../../../src/ledger/sqlite/schema/4.sql"),
        include_str!("../../../src/ledger/sqlite/schema/5.sql"),
    ];
    for (had, of) in BEFORE.into_iter().zip(0..) {
        let steps: Vec<&str> =
            schemas[of..].iter().flat_map(|schema| schema.split_inclusive(";\n")).collect();
        assert!(steps.len() > 4);
        for count in 1..=steps.len() {
            let desk = thawed(had);
            let conn = Connection::open(desk.path()).unwrap();
            // So that what is not committed reaches the disk as well.
            conn.pragma_update(None, "cache_size", 1).unwrap();
            conn.pragma_update(None, "cache_spill", 1).unwrap();
            conn.execute_batch("BEGIN IMMEDIATE").unwrap();
            for step in &steps[..count] {
                conn.execute_batch(step).unwrap();
            }
            let rest = "UPDATE attempts SET why = why || ''; PRAGMA user_version = 5";
            conn.execute_batch(rest).unwrap();
            // What the disk holds at this moment is what a killed process leaves behind.
            let mut killed = Desk { folder: tempfile::tempdir().unwrap(), ledger: None };
            for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
                fs::copy(desk.folder.path().join(name), killed.folder.path().join(name)).unwrap();
            }
            assert_eq!(schema(&killed.path()), had, "after {count} steps");
            assert_eq!(told(&killed.path(), had), before(had), "after {count} steps");
            killed.reopen();
            killed.close();
            assert_eq!((schema(&killed.path()), told(&killed.path(), had)), (TODAY, before(had)));
        }
    }
}

#[test]
fn a_ledger_of_a_schema_to_come_is_refused_by_all_and_left_as_it_is() {
    let desk = thawed(1);
    let conn = Connection::open(desk.path()).unwrap();
    conn.execute_batch("PRAGMA user_version = 6; UPDATE campaign SET written_by = 'rushes 9.9'")
        .unwrap();
    drop(conn);
    let error = open_in(desk.folder.path()).err().expect("it is newer");
    assert!(matches!(error, LedgerError::Newer { schema: 6, .. }), "{error}");
    assert!(error.to_string().contains("rushes 9.9"), "{error}");
    assert!(matches!(
        LedgerAddress::file(desk.path()).snapshot().err(),
        Some(LedgerError::Newer { .. })
    ));
    assert_eq!(schema(&desk.path()), 6);
}

#[test]
fn a_schema_that_was_shipped_is_never_edited() {
    use sha2::{Digest, Sha256};
    let shipped = [
        (
            include_str!("../../../src/ledger/sqlite/schema/1.sql"),
            "1647600901ff4a0232493160ed3887cf887643c061652cb8c5440c3bbf78dc9f",
        ),
        (
            include_str!("../../../src/ledger/sqlite/schema/2.sql"),
            "51e023e0d700a8f0c11e543b2ab5452c08df2a2c9d997022f0277b8e89b1437c",
        ),
        (
            include_str!("../../../src/ledger/sqlite/schema/3.sql"),
            "e1c3948e993b50ad625d099584061511e4270422dc663700ce2fb8c9489552a7",
        ),
        (
            include_str!("../../../src/ledger/sqlite/schema/4.sql"),
            "1d0bd9c288241cae99d00d32cbbafbbd39bbb71ac6931caf45cc51782065d9d6",
        ),
    ];
    for (schema, was) in shipped {
        let mut hash = String::new();
        for byte in Sha256::digest(schema) {
            write!(hash, "{byte:02x}").unwrap();
        }
        assert_eq!(hash, was);
    }
}
