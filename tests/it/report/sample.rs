//! Rows for tests.

use rushes::domain::clip_info::ClipInfo;
use rushes::domain::outcome::TaskId;
use rushes::domain::shot::{Fingerprint, ShotId};
use rushes::domain::state::{AttemptId, Failure, RevisionState, State};
use rushes::domain::time::Timestamp;
use rushes::ledger::{
    ClipFile, Entry, Home, KeptPrice, Kind, LedgerError, RevisionId, Row, RunNote, Snapshot,
    Spending, StoredRequest, Summary,
};
use rushes::policy::budget::{Balance, Budget};

/// A ledger that is none.
pub struct Sample {
    pub summary: Summary,
    pub rows: Vec<Row>,
    pub earlier: Vec<Row>,
    pub spending: Spending,
}

/// `seconds` after a fixed evening.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_383_000_000 + seconds * 1000)
}

/// A clip whose facts were not read.
pub fn clip_file(path: &str) -> ClipFile {
    ClipFile { path: path.into(), bytes: 12, sha256: [0; 32], clip_info: None, unread: None }
}

/// A clip of five seconds.
pub const FOOTAGE: ClipInfo = ClipInfo { millis: 5000, width: 1280, height: 720, sound: false };

pub fn row(id: &str, state: State) -> Row {
    Row {
        entry: Entry {
            revision: RevisionId(1),
            shot: ShotId::new(id).unwrap(),
            number: 1,
            fingerprint: Fingerprint::from_bytes([7; 16]),
            current: true,
            clip_name: id.into(),
            status: RevisionState { state, ..RevisionState::new() },
            price: None,
            charged_if_failed: false,
        },
        model: "kling-v3".to_owned(),
        request: "{}".to_owned(),
        tags: vec![],
        entry_id: Some(id.to_owned()),
        variant: vec![],
        task: None,
        former_tasks: Vec::new(),
        task_first_of: None,
        is_settled: false,
        price: "0.3165".parse().ok(),
        charge: None,
        answer: None,
        attempts: 1,
        urls: vec![],
        files: vec![],
        submitted_at: Some(at(0)),
        completed_at: None,
        delivered_at: None,
    }
}

impl Sample {
    /// A campaign with a row in every state but `submitting`.
    pub fn mixed() -> Self {
        let attempt = AttemptId(1);
        let task = || TaskId::new("task-1").unwrap();
        let url = "https://cdn.example/beach.mp4".to_owned();
        let mut beach = row("beach", State::Delivered { attempt });
        beach.task = Some(task());
        beach.urls = vec![url.clone()];
        beach.files = vec![clip_file("clips/beach.mp4")];
        beach.completed_at = Some(at(140));
        beach.delivered_at = Some(at(150));
        let rendering = |since, stalled: Option<&str>| State::Rendering {
            attempt,
            task: task(),
            since,
            silence: rushes::domain::state::Unanswered::default(),
            stalled: stalled.map(Into::into),
        };
        let rendered = State::Rendered {
            attempt,
            task: task(),
            urls: vec![url],
            completed_at: at(100),
            why: Some("the host answered 403".into()),
        };
        let failed = State::Failed {
            attempt: Some(attempt),
            failure: Failure::NotRendered,
            why: "=cmd|' /C calc'!A0 \u{1b}[31mContent\npolicy".into(),
        };
        let mut queued = row("forest", State::Queued { why: None });
        (queued.price, queued.submitted_at, queued.attempts) = (None, None, 0);
        let mut old = row("beach", State::InDoubt { attempt, why: "cut after 3 s".into() });
        (old.entry.current, old.entry.number) = (false, 2);
        let rows = vec![
            beach,
            row("alley", rendering(at(10), Some("not done 2h after it was submitted"))),
            row("cliff", rendering(at(20), None)),
            row("dunes", rendered),
            row("fog", failed),
            queued,
            old,
        ];
        let usd = |text: &str| text.parse().unwrap();
        let summary = Summary {
            campaign: "summer".to_owned(),
            kind: Kind::Gateway,
            budget: Budget { cap: Some(usd("25")), strict: false },
            balance: Balance {
                spent: usd("0.633"),
                reserved: usd("0.9495"),
                unconfirmed: usd("0"),
            },
            home: Home::default(),
            held_by: None,
            note: RunNote::default(),
            workers: Vec::new(),
        };
        Self { summary, rows, earlier: Vec::new(), spending: Spending::default() }
    }
}

impl Snapshot for Sample {
    fn summary(&self) -> Result<Summary, LedgerError> {
        Ok(self.summary.clone())
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.rows.iter().cloned().for_each(each);
        Ok(())
    }

    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.earlier.iter().cloned().for_each(each);
        Ok(())
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        Ok(self.spending.clone())
    }

    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError> {
        Ok(Vec::new())
    }

    fn lists(&self, path: &str) -> Result<bool, LedgerError> {
        Ok(self.rows.iter().flat_map(|row| &row.files).any(|file| file.path == path))
    }

    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError> {
        let of_it = self.rows.iter().filter(|row| row.entry.revision == revision);
        Ok(of_it.flat_map(|row| &row.files).map(|file| file.path.clone()).collect())
    }

    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError> {
        Ok(self.rows.iter().any(|row| row.entry.shot == *shot && row.attempts > 0))
    }

    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError> {
        Err(LedgerError::Missing(format!("no request of {revision:?}").into()))
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.rows.iter().map(|row| row.entry.clone()).collect())
    }
}
