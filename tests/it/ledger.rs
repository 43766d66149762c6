//! The ledger from outside: what a run, a second run, and somebody with `sqlite3` see.

mod histories;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rushes::answer::{Polled, Submitted, TaskId, Unfetched};
use rushes::job::{AttemptId, Event, Failure, Job, OnDoubt, Resolution, Rules, State, Step};
use rushes::ledger::{
    Claim, ClipFile, Entry, Kind, Ledger, LedgerError, Opening, Reader, RevisionId, Row,
};
use rushes::money::Usd;
use rushes::policy::budget::{Balance, Budget};
use rushes::shot::{Fingerprint, LocalFile, Request, Shot, ShotId};
use rushes::time::Timestamp;
use rusqlite::Connection;

pub const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: Duration::from_secs(7200),
    failed_tasks_charged: false,
};

/// 2024-01-13T05:24:10Z and so many milliseconds.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_705_123_450_000 + millis)
}

pub fn usd(micros: i64) -> Usd {
    Usd::from_micros(micros)
}

pub fn shot(id: &str, text: u8, price: Option<i64>) -> Shot {
    let mut fingerprint = [text; 16];
    for (byte, letter) in fingerprint.iter_mut().zip(id.bytes()) {
        *byte ^= letter;
    }
    let json = format!(r#"{{"model":"kling-v3","prompt":"{id} {text}"}}"#);
    Shot {
        id: ShotId::new(id).unwrap(),
        fingerprint: Fingerprint::from_bytes(fingerprint),
        request: Request { json: json.into(), files: Box::default() },
        model: "kling-v3".into(),
        price: price.map(usd),
        priority: 0,
        tags: Box::default(),
        clip_name: id.into(),
    }
}

pub fn open_in(folder: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(&Opening {
        path: &folder.join("ledger.sqlite"),
        campaign: "summer",
        kind: Kind::Gateway,
        holder: "rushes run",
        at: at(0),
    })
}

/// A campaign folder and its ledger.
struct Desk {
    folder: tempfile::TempDir,
    ledger: Option<Ledger>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Some(open_in(folder.path()).unwrap());
        Self { folder, ledger }
    }

    async fn with(shots: &[Shot]) -> (Self, Vec<Entry>) {
        let desk = Self::new();
        let entries = desk.record(shots).await;
        (desk, entries)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    fn close(&mut self) {
        self.ledger = None;
    }

    fn reopen(&mut self) {
        self.close();
        self.ledger = Some(open_in(self.folder.path()).unwrap());
    }

    async fn record(&self, shots: &[Shot]) -> Vec<Entry> {
        self.ledger().record(shots.into(), at(0)).await.unwrap()
    }

    async fn claim(&self, entry: &Entry) -> Job {
        let claim = self.ledger().claim(entry.revision, entry.price, at(1000)).await.unwrap();
        let Claim::Granted { attempt, .. } = claim else { panic!("{claim:?}") };
        entry.job.after(Event::Claimed(attempt), at(1000), &RULES).unwrap().job
    }

    async fn tell(&self, revision: RevisionId, job: &Job, event: Event) -> Job {
        let step = job.after(event, at(2000), &RULES).unwrap();
        self.ledger().commit(revision, step.clone(), at(2000)).await.unwrap();
        step.job
    }

    async fn buy(&self, entry: &Entry, task: &str) -> Job {
        let job = self.claim(entry).await;
        self.tell(entry.revision, &job, bought(task)).await
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        Reader::open(&self.path()).unwrap().rows(&mut |row| rows.push(row)).unwrap();
        rows
    }

    fn text(&self, sql: &str) -> Vec<Option<String>> {
        let conn = Connection::open(self.path()).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        statement.query_row([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap()
    }
}

pub fn bought(task: &str) -> Event {
    Event::Answered(Submitted::Bought { task: TaskId::new(task).unwrap() })
}

pub fn doubtful() -> Event {
    Event::Answered(Submitted::Doubtful { why: "timed out".to_owned() })
}

pub fn completed() -> Event {
    let urls = vec!["https://x/1.mp4".to_owned(), "https://x/2.mp4".to_owned()];
    Event::Polled(Polled::Completed { urls, completed_at: Some(at(2000)) })
}

#[tokio::test]
async fn a_shot_goes_through_its_life_and_the_report_has_every_fact() {
    let (mut desk, entries) = Desk::with(&[shot("beach", 1, Some(316_500))]).await;
    let entry = &entries[0];
    let job = desk.buy(entry, "t-1").await;
    assert_eq!(desk.ledger().balance(), Balance { reserved: usd(316_500), ..Balance::default() });
    let job = desk.tell(entry.revision, &job, completed()).await;
    assert_eq!(desk.ledger().balance(), Balance { spent: usd(316_500), ..Balance::default() });
    let step = job.after(Event::Delivered, at(3000), &RULES).unwrap();
    let file = ClipFile { path: "clips/beach.mp4".to_owned(), bytes: 5, sha256: [7; 32] };
    let files = vec![file.clone(), ClipFile { path: "clips/beach~2.mp4".to_owned(), ..file }];
    let done = desk.ledger().deliver(entry.revision, step, files.clone(), at(3000)).await.unwrap();
    assert!(!done.reserve_used);

    let rows = desk.rows();
    let row = &rows[0];
    assert_eq!(rows.len(), 1);
    assert_eq!(row.entry.job.state.name(), "delivered");
    assert_eq!(row.task, TaskId::new("t-1"));
    assert_eq!((row.price, row.attempts), (Some(usd(316_500)), 1));
    assert_eq!((row.urls.len(), &row.files), (2, &files));
    assert_eq!(row.submitted_at, Some(at(1000)));
    assert_eq!(row.completed_at, Some(at(2000)));
    assert_eq!(row.delivered_at, Some(at(3000)));
    assert!(desk.ledger().knows_task(&TaskId::new("t-1").unwrap()).await.unwrap());
    assert!(!desk.ledger().knows_task(&TaskId::new("t-2").unwrap()).await.unwrap());

    desk.reopen();
    assert_eq!(desk.rows(), rows);
    let again = desk.record(&[shot("beach", 1, Some(1))]).await;
    assert_eq!(again[0].price, Some(usd(316_500)), "what was bought keeps its price");
}
