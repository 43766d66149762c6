//! The public API: a run from Rust code keeps to the same rules as the program.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use rushes::blocking::Threads;
use rushes::domain::account::BalanceOutcome;
use rushes::domain::outcome::FailedTask;
use rushes::domain::time::Timestamp;
use rushes::ledger::{FolderLock, Identity, Kind, LedgerOptions, Owner, SqliteLedger};
use rushes::{
    Campaign, Download, DownloadError, Ledger, PollOutcome, Provider, ResumePoint, Run, RunOutcome,
    Submission, SubmitOutcome, TaskHandle, TaskId,
};
use serde_json::json;

/// Sells everything, renders nothing, and notes what it is asked.
#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

impl Notes {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn posts(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|what| **what == "submit").count()
    }
}

impl Provider for Notes {
    fn submit(&self, _: Submission) -> BoxFuture<'_, SubmitOutcome> {
        self.note("submit");
        ready(SubmitOutcome::Bought { task: TaskId::new("t").unwrap() }).boxed()
    }

    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
        let failed =
            |_| PollOutcome::Failed { why: "no hands".into(), kind: FailedTask::default() };
        ready(tasks.iter().map(failed).collect()).boxed()
    }

    fn balance(&self) -> BoxFuture<'_, BalanceOutcome> {
        self.note("balance");
        ready(BalanceOutcome::Unknown { why: "not told".into() }).boxed()
    }

    fn fetch<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>> {
        ready(Err(DownloadError::Broken { why: "nothing is rendered".into() })).boxed()
    }
}

fn run(folder: &Path, provider: &Arc<Notes>) -> Run {
    let shots = [("beach", json!({"model": "m", "prompt": "a beach"}), "1".parse().ok())];
    let campaign = Campaign::of("summer", shots).unwrap();
    Run::builder(campaign, folder)
        .provider(Arc::clone(provider) as Arc<dyn Provider>)
        .options(|options| options.limits.poll_every = Duration::from_millis(20))
}

fn another_ledger(path: &Path) -> Arc<dyn Ledger> {
    let options = LedgerOptions {
        campaign: "summer",
        kind: Kind::Gateway,
        holder: "a test",
        at: Timestamp::from_millis(0),
        threads: Threads::Pool,
        identity: Identity::default(),
        post_lasts: std::time::Duration::ZERO,
        work: None,
    };
    Arc::new(SqliteLedger::open(path, &options).unwrap())
}

#[tokio::test]
async fn field_32_a_run_from_code_names_its_ledger_and_refuses_another_ones_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("night");
    let provider = Arc::<Notes>::default();
    assert_eq!(run(&folder, &provider).start().await.unwrap(), RunOutcome::Done);
    let owner = Owner::of(&folder).unwrap().expect("the folder names its ledger");
    assert_eq!(owner.place, folder.join("ledger.sqlite"));
    assert_eq!(provider.posts(), 1);
    let other = another_ledger(&dir.path().join("other.sqlite"));
    let refused = run(&folder, &provider).ledger(other).start().await.unwrap_err().to_string();
    assert!(refused.contains("is the folder of the ledger"), "{refused}");
    for name in ["ledger.sqlite", "ledger.sqlite.mark"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    std::fs::remove_file(folder.join("ledger.sqlite.lock")).ok();
    let refused = run(&folder, &provider).start().await.unwrap_err().to_string();
    assert!(refused.contains("That ledger is gone"), "{refused}");
    assert_eq!(provider.posts(), 1, "nothing is bought again");
}

#[tokio::test]
async fn field_32_a_folder_in_use_is_refused_whatever_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let provider = Arc::<Notes>::default();
    let lock = FolderLock::take(dir.path(), false).unwrap();
    let refused = run(dir.path(), &provider).start().await.unwrap_err().to_string();
    assert!(refused.contains("is in use by a run with another ledger"), "{refused}");
    let other = another_ledger(&dir.path().join("other.sqlite"));
    let refused = run(dir.path(), &provider).ledger(other).start().await.unwrap_err().to_string();
    assert!(refused.contains("is in use by another run"), "{refused}");
    assert_eq!(provider.posts(), 0);
    drop(lock);
    assert_eq!(run(dir.path(), &provider).start().await.unwrap(), RunOutcome::Done);
}

#[tokio::test]
async fn a_run_from_code_asks_the_balance_once_before_its_first_purchase() {
    let dir = tempfile::tempdir().unwrap();
    let provider = Arc::<Notes>::default();
    run(dir.path(), &provider).start().await.unwrap();
    assert_eq!(*provider.0.lock().unwrap(), ["balance", "submit"]);
    // Nothing is to be bought, so nothing is asked.
    run(dir.path(), &provider).start().await.unwrap();
    assert_eq!(provider.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn field_35_a_run_from_code_buys_no_row_again_that_is_spelled_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, table) = (dir.path().join("night"), dir.path().join("spots.csv"));
    let provider = Arc::<Notes>::default();
    let text = "model,prompt,aspect_ratio\nkling-v3,\"A b\u{e9}ach\nat dawn\",09:16\n";
    let run = || {
        Run::builder(Campaign::load(&table).unwrap(), &folder)
            .provider(Arc::clone(&provider) as Arc<dyn Provider>)
            .options(|options| options.limits.poll_every = Duration::from_millis(20))
    };
    for text in [text.to_owned(), text.replace("\nat", "\r\nat"), text.replace("09:", "9:")] {
        std::fs::write(&table, text).unwrap();
        assert_eq!(run().start().await.unwrap(), RunOutcome::Done);
        assert_eq!(provider.posts(), 1);
    }
    // How its rows were spelled when they were bought is not to be seen in another text.
    let loaded = run();
    std::fs::write(&table, text.replace("dawn", "dusk")).unwrap();
    let refused = loaded.start().await.unwrap_err().to_string();
    assert!(refused.contains("was changed after it was loaded; nothing was sent"), "{refused}");
    assert_eq!(provider.posts(), 1);
}
