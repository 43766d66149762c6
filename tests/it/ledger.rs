//! The ledger from outside: what a run, a second run, and a person with `sqlite3` see.

mod beside;
mod conformance;
mod doors;
mod doubts;
mod fleet;
mod frozen;
#[cfg(debug_assertions)]
mod full_disk;
mod histories;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod readers;
mod revision;
mod spending;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rushes::blocking::Threads;
use rushes::domain::clip_info::ClipInfo;
use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::shot::{FileKind, Fingerprint, LocalFile, Request, Shot, ShotId};
use rushes::domain::state::{Failure, RecoveredTask, Resolution, RevisionState, ShotEvent, State};
use rushes::domain::time::Timestamp;
use rushes::ledger::{
    AttemptSpec, ClipFile, Entry, Kind, Ledger, LedgerAddress, LedgerError, LedgerOptions,
    RevisionId, Row, SqliteLedger, Verdict,
};
use rushes::policy::budget::{Balance, Budget};
use rusqlite::Connection;

pub use crate::support::commits::{Commits, RULES, claiming, moving, spec};

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
        former: [].into(),
        request: Request { json: json.into(), files: [].into() },
        model: "kling-v3".into(),
        price: price.map(usd),
        priority: 0,
        tags: [].into(),
        clip_name: id.into(),
        entry: id.into(),
        variant: [].into(),
    }
}

pub fn open_in(folder: &Path) -> Result<SqliteLedger, LedgerError> {
    SqliteLedger::open(
        &folder.join("ledger.sqlite"),
        &LedgerOptions {
            campaign: "summer",
            kind: Kind::Gateway,
            holder: "rushes run",
            at: at(0),
            threads: Threads::Pool,
            identity: rushes::ledger::Identity::default(),
            post_lasts: std::time::Duration::ZERO,
            work: None,
        },
    )
}

/// A campaign folder and its ledger.
struct Desk {
    folder: tempfile::TempDir,
    ledger: Option<SqliteLedger>,
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

    fn ledger(&self) -> &SqliteLedger {
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

    async fn claim(&self, entry: &Entry) -> RevisionState {
        self.ledger().claimed(entry, spec(entry.price), at(1000)).await
    }

    async fn tell(
        &self,
        revision: RevisionId,
        job: &RevisionState,
        event: ShotEvent,
    ) -> RevisionState {
        self.ledger().apply(revision, job, event, &RULES, at(2000)).await
    }

    async fn buy(&self, entry: &Entry, task: &str) -> RevisionState {
        let job = self.claim(entry).await;
        self.tell(entry.revision, &job, bought(task)).await
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        LedgerAddress::file(self.path())
            .snapshot()
            .unwrap()
            .rows(&mut |row| rows.push(row))
            .unwrap();
        rows
    }

    fn text(&self, sql: &str) -> Vec<Option<String>> {
        let conn = Connection::open(self.path()).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        statement.query_row([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap()
    }
}

pub fn cut() -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::Doubtful { why: "cut".to_owned(), answer: None })
}

pub fn bought(task: &str) -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::Bought { task: TaskId::new(task).unwrap() })
}

pub fn found(task: &str) -> RecoveredTask {
    RecoveredTask { task: TaskId::new(task).unwrap(), sent_at: at(1) }
}

pub fn doubtful() -> ShotEvent {
    ShotEvent::Answered(SubmitOutcome::Doubtful { why: "timed out".to_owned(), answer: None })
}

pub fn completed() -> ShotEvent {
    let urls = vec!["https://x/1.mp4".to_owned(), "https://x/2.mp4".to_owned()];
    ShotEvent::Polled(PollOutcome::Completed { urls, completed_at: Some(at(2000)) })
}

/// Whether it was refused as what this program should never ask for.
pub fn is_defect(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(LedgerError::Defect { .. }))
}

#[tokio::test]
async fn a_shot_goes_through_its_life_and_the_report_has_every_fact() {
    let (mut desk, entries) = Desk::with(&[shot("beach", 1, Some(316_500))]).await;
    let entry = &entries[0];
    let job = desk.buy(entry, "t-1").await;
    assert_eq!(desk.ledger().balance(), Balance { reserved: usd(316_500), ..Balance::default() });
    let job = desk.tell(entry.revision, &job, completed()).await;
    assert_eq!(desk.ledger().balance(), Balance { spent: usd(316_500), ..Balance::default() });
    let file = ClipFile {
        path: "clips/beach.mp4".to_owned(),
        bytes: 5,
        sha256: [7; 32],
        clip_info: Some(ClipInfo { millis: 5041, width: 1280, height: 720, sound: true }),
        unread: None,
    };
    let unread = Some("it has no picture".into());
    let path = "clips/beach~2.mp4".to_owned();
    let files = vec![file.clone(), ClipFile { path, clip_info: None, unread, ..file }];
    desk.ledger().deliver(entry.revision, &job, files.clone(), at(3000)).await;

    let rows = desk.rows();
    let row = &rows[0];
    assert_eq!(rows.len(), 1);
    assert_eq!(row.entry.status.state.name(), "delivered");
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

#[tokio::test]
async fn nothing_is_claimed_beyond_the_cap_and_a_refused_claim_writes_nothing() {
    let shots = [shot("a", 1, Some(60)), shot("b", 1, Some(60)), shot("c", 1, None)];
    let (mut desk, entries) = Desk::with(&shots).await;
    desk.ledger().set_budget(Budget { cap: Some(usd(100)), strict: false }).await.unwrap();
    desk.claim(&entries[0]).await;
    for entry in &entries[1..] {
        let claim = claiming(entry, spec(entry.price), &RULES, at(5));
        let (verdict, committed) = desk.ledger().one(claim).await.unwrap();
        assert_eq!(verdict, Verdict::OverCap);
        assert_eq!(committed.balance, Balance { reserved: usd(60), ..Balance::default() });
    }
    desk.reopen();
    assert_eq!(desk.ledger().budget(), Budget { cap: Some(usd(100)), strict: false });
    assert_eq!(desk.ledger().balance().reserved, usd(60));
    let attempts: Vec<u32> = desk.rows().iter().map(|row| row.attempts).collect();
    assert_eq!(attempts, [1, 0, 0]);
}

#[tokio::test]
async fn what_is_not_queued_today_cannot_be_claimed() {
    let (desk, entries) = Desk::with(&[shot("a", 1, Some(60)), shot("b", 1, Some(60))]).await;
    desk.claim(&entries[0]).await;
    desk.record(&[shot("a", 1, Some(60))]).await;
    let before = desk.rows();
    for revision in [entries[0].revision, entries[1].revision, RevisionId(99)] {
        let entry = Entry { revision, ..entries[0].clone() };
        let (verdict, _) = desk.ledger().claim(&entry, spec(Some(usd(1))), &RULES, at(0)).await;
        assert!(is_defect(&verdict), "{verdict:?}");
    }
    assert_eq!(desk.rows(), before);
    desk.ledger().set_budget(Budget::default()).await.expect("a refusal harms no other");
}

#[tokio::test]
async fn a_change_of_another_revisions_attempt_is_refused_whole() {
    let (desk, entries) = Desk::with(&[shot("a", 1, Some(60)), shot("b", 1, Some(70))]).await;
    let job = desk.claim(&entries[0]).await;
    desk.claim(&entries[1]).await;
    let before = desk.rows();
    let step = job.after(bought("t"), at(0), &RULES).unwrap();
    let theirs = moving(entries[1].revision, step, Vec::new(), at(0));
    let (verdict, _) = desk.ledger().one(theirs).await.unwrap();
    assert!(is_defect(&verdict), "{verdict:?}");
    assert_eq!(desk.rows(), before);
}

#[tokio::test]
async fn every_state_is_the_same_after_reopening() {
    let shots: Vec<Shot> =
        (0..12).map(|i| shot(&format!("s{i:02}"), 1, Some(100 + i64::from(i)))).collect();
    let (mut desk, entries) = Desk::with(&shots).await;
    let overdue = RULES.render_timeout + Duration::from_secs(60);
    let mut jobs: Vec<RevisionState> = entries.iter().map(|entry| entry.status.clone()).collect();
    let not_fetched = || ShotEvent::NotFetched(DownloadError::Gone { why: "404".to_owned() });
    let refused = || SubmitOutcome::ServerError {
        status: 500,
        from_proxy: false,
        retry_after: None,
        why: "oh".into(),
    };
    let rejected = SubmitOutcome::Rejected { why: "no — \"never\" \0 🎬".to_owned() };
    let not_rendered = PollOutcome::failed("");
    let paths: [(u32, Vec<ShotEvent>); 12] = [
        (0, vec![]),
        (0, vec![ShotEvent::Answered(refused())]),
        (0, vec![bought("t-2"), completed(), not_fetched()]),
        (0, vec![bought("t-3")]),
        (
            1,
            vec![
                bought("t-4"),
                ShotEvent::Polled(PollOutcome::Working {
                    is_waiting: false,
                    unknown: Some("odd".into()),
                }),
            ],
        ),
        (0, vec![bought("t-5"), completed(), ShotEvent::Delivered]),
        (0, vec![ShotEvent::Answered(rejected)]),
        (0, vec![bought("t-7"), ShotEvent::Polled(not_rendered)]),
        (90, vec![bought("t-8"), completed(), not_fetched()]),
        (0, vec![doubtful()]),
        (0, vec![doubtful(), ShotEvent::Resolved(Resolution::Abandon)]),
        (0, vec![doubtful(), ShotEvent::Resolved(Resolution::Resubmit)]),
    ];
    for (((late, events), entry), job) in paths.into_iter().zip(&entries).zip(&mut jobs) {
        *job = desk.claim(entry).await;
        for (nth, event) in (0_u32..).zip(events) {
            let now = at(1000).plus(overdue * late * nth);
            *job = desk.ledger().apply(entry.revision, job, event, &RULES, now).await;
        }
    }
    let names: std::collections::BTreeSet<&str> = jobs.iter().map(|job| job.state.name()).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert!(matches!(&jobs[4].state, State::Rendering { stalled: Some(_), .. }));
    assert!(matches!(&jobs[8].state, State::Failed { failure: Failure::Expired, .. }));
    desk.reopen();
    let again = desk.ledger().entries().await.unwrap();
    for (entry, job) in again.iter().zip(&jobs) {
        assert_eq!(&entry.status, job, "{}", entry.shot);
    }
    assert_eq!(desk.record(&shots).await, again);
    assert_eq!(LedgerAddress::file(desk.path()).snapshot().unwrap().entries().unwrap(), again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_claims_at_once_never_pass_the_cap() {
    let shots: Vec<Shot> = (0..300).map(|i| shot(&format!("s{i}"), 1, Some(7))).collect();
    let (mut desk, entries) = Desk::with(&shots).await;
    let budget = Budget { cap: Some(usd(1000)), strict: false };
    desk.ledger().set_budget(budget).await.unwrap();
    let tasks: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            let ledger = desk.ledger().clone();
            tokio::spawn(async move {
                let claim = claiming(&entry, spec(entry.price), &RULES, at(0));
                let claimed = entry.status.after(ShotEvent::Claim, at(0), &RULES).unwrap().to;
                let (verdict, committed) = ledger.one(claim).await.unwrap();
                let balance = committed.balance;
                assert!(balance.reserved + balance.spent <= usd(1000));
                let Verdict::Claimed(attempt) = verdict else { return None };
                let (revision, job) = (entry.revision, claimed.with_attempt(attempt));
                let task = bought(&format!("t{}", attempt.0));
                let job = ledger.apply(revision, &job, task, &RULES, at(0)).await;
                ledger.apply(revision, &job, completed(), &RULES, at(0)).await;
                Some(attempt)
            })
        })
        .collect();
    let mut granted = Vec::new();
    for task in tasks {
        granted.extend(task.await.unwrap());
    }
    granted.sort_unstable();
    granted.dedup();
    assert_eq!(granted.len(), 142, "142 times 7 is the most that fits under 1000");
    desk.reopen();
    assert_eq!(desk.ledger().balance(), Balance { spent: usd(994), ..Balance::default() });
}

#[tokio::test]
async fn a_call_whose_caller_went_away_is_done_all_the_same() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(60)), shot("b", 1, Some(60))]).await;
    for entry in &entries {
        let claim = claiming(entry, spec(entry.price), &RULES, at(0));
        let mut claim = Box::pin(desk.ledger().one(claim));
        assert!(futures::poll!(&mut claim).is_pending());
    }
    // A later call is in a later batch, or behind them in the same.
    desk.ledger().set_budget(Budget::default()).await.unwrap();
    assert_eq!(desk.ledger().balance().reserved, usd(120));
    desk.reopen();
    assert_eq!(desk.ledger().balance().reserved, usd(120));
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_still_while_the_ledger_writes() {
    let began = tokio::time::Instant::now();
    let shots: Vec<Shot> = (0..50).map(|i| shot(&format!("s{i}"), 1, Some(7))).collect();
    let (desk, entries) = Desk::with(&shots).await;
    let timer = tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
    let claims = entries.iter().map(|entry| desk.claim(entry));
    futures::future::join_all(claims).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(!timer.is_finished());
}

#[tokio::test]
async fn an_edited_shot_is_a_new_revision_and_going_back_goes_back() {
    let (desk, first) = Desk::with(&[shot("a", 1, Some(10)), shot("b", 1, Some(10))]).await;
    let job = desk.buy(&first[0], "t-1").await;
    let second = desk.record(&[shot("a", 2, Some(20)), shot("b", 1, Some(10))]).await;
    assert_ne!(second[0].revision, first[0].revision);
    assert_eq!((second[0].number, second[0].price), (2, Some(usd(20))));
    assert_eq!(second[1], first[1]);
    let open = desk.ledger().entries().await.unwrap();
    assert_eq!(open.len(), 3, "the older one still renders");
    assert_eq!((open[2].revision, open[2].current), (first[0].revision, false));
    assert_eq!(open[2].status, job);
    assert_eq!(desk.rows().len(), 3);
    assert!(!desk.rows()[2].entry.current);

    desk.tell(first[0].revision, &job, completed()).await;
    let back = desk.record(&[shot("b", 1, Some(10)), shot("a", 1, Some(99))]).await;
    assert_eq!(back[1].revision, first[0].revision);
    assert_eq!((back[1].number, back[1].price), (1, Some(usd(10))));
    assert_eq!(back[1].status.state.name(), "rendered");
    assert_eq!(back[0].price, Some(usd(10)));
    let order: Vec<String> = desk.rows().iter().map(|row| row.entry.shot.to_string()).collect();
    assert_eq!(order, ["b", "a"], "manifest order; the queued older text is not shown");
    let third = desk.record(&[shot("a", 3, None), shot("A", 1, None)]).await;
    assert_eq!((third[0].number, third[1].number), (3, 1), "ids compare exactly");
}

#[tokio::test]
async fn what_the_manifest_says_about_an_unbought_shot_is_kept_up_to_date() {
    let (mut desk, _) = Desk::with(&[shot("a", 1, Some(10))]).await;
    let mut edited = shot("a", 1, None);
    edited.priority = -3;
    edited.tags = ["night".into(), "a \"b\"".into()].into();
    edited.clip_name = "day 1/opening".into();
    edited.request.json = r#"{"model":"kling-v3","prompt":"x"}"#.into();
    edited.request.files = [LocalFile {
        param: "image".into(),
        kind: FileKind::Picture,
        path: "/far/away/face.png".into(),
        written: "face.png".into(),
        sha256: [1; 32],
        bytes: 3,
    }]
    .into();
    for _ in 0..2 {
        let entries = desk.record(std::slice::from_ref(&edited)).await;
        assert_eq!(entries[0].price, None);
        assert_eq!(&*entries[0].clip_name, "day 1/opening");
        let rows = desk.rows();
        assert_eq!(rows[0].tags, ["night", "a \"b\""]);
        assert_eq!(rows[0].request, r#"{"model":"kling-v3","prompt":"x","image":"face.png"}"#);
        assert_eq!(rows[0].entry, entries[0]);
        desk.reopen();
    }
}

#[tokio::test]
async fn two_shots_never_write_to_one_clip() {
    let named = |id: &str, text, name: &str| {
        let mut shot = shot(id, text, Some(1));
        shot.clip_name = name.into();
        shot
    };
    let (desk, entries) = Desk::with(&[named("a", 1, "hero"), named("free", 1, "idle")]).await;
    desk.buy(&entries[0], "t-1").await;
    // What was bought keeps its clip's name; who wants it now gets another. A name that was only
    // ever waited for is free.
    let entries = desk
        .record(&[named("a", 1, "villain"), named("2", 1, "HERO"), named("b", 1, "Idle")])
        .await;
    let clips: Vec<&str> = entries.iter().map(|entry| &*entry.clip_name).collect();
    assert_eq!(clips, ["hero", "HERO~shot-2", "Idle"]);
    let again = desk
        .record(&[named("a", 1, "villain"), named("2", 1, "HERO"), named("b", 1, "Idle")])
        .await;
    assert_eq!(again, entries, "the name that was made stays");
    // The second revision of another shot has another path anyway.
    desk.record(&[named("c", 1, "cut")]).await;
    let second = desk.record(&[named("c", 2, "hero")]).await;
    assert_eq!((&*second[0].clip_name, second[0].number), ("hero", 2));
    // One that comes back finds its old name taken by then.
    desk.record(&[named("d", 1, "solo")]).await;
    let heir = desk.record(&[named("e", 1, "solo")]).await;
    assert_eq!(&*heir[0].clip_name, "solo");
    desk.buy(&heir[0], "t-3").await;
    let back = desk.record(&[named("d", 1, "solo"), named("free", 1, "hero2")]).await;
    assert_eq!((&*back[0].clip_name, &*back[1].clip_name), ("solo~d", "hero2"));
}
