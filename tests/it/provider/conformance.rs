//! What every provider keeps. Each function takes an implementation; [`conforms`] makes tests of
//! them for one.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use rushes::catalog::is_http_url;
use rushes::domain::account::{AccessVerdict, BalanceOutcome, ModelsOutcome};
use rushes::domain::charge::{Charge, ChargeOutcome};
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId, UploadOutcome};
use rushes::domain::secret::Secret;
use rushes::provider::{FileUpload, FindOutcome, Provider, ResumePoint, Submission, TaskHandle};
use sha2::{Digest, Sha256};

use super::rigs::{Implementation, InProcess, Mood, OverHttp, Rig, Scripted};
use crate::support::calls::Calls;

/// Makes the suite's tests for an implementation.
macro_rules! conforms {
    ($name:ident, $implementation:expr $(, $paused:ident)?) => {
        mod $name {
            use super::*;
            conforms!(@ $implementation $(, $paused)? =>
                a_purchase_is_one_task_and_is_polled_to_its_clips,
                identical_requests_are_two_purchases,
                polls_are_answered_one_for_one_in_the_order_asked,
                a_task_that_is_not_done_is_working,
                no_answer_to_a_post_lies_about_money,
                an_empty_account_buys_nothing,
                a_download_goes_on_or_begins_anew,
                an_address_where_no_clip_lies_is_an_error,
                a_key_finds_its_own_task_or_nothing_is_claimed,
                a_charge_is_of_its_own_task,
                a_balance_is_an_amount_or_the_reason_why_none_is_known,
                models_are_listed_or_the_reason_why_they_are_not,
                a_file_gets_an_address_by_its_content_or_a_reason,
                capabilities_hold_still,
            );
        }
    };
    (@ $implementation:expr => $($test:ident,)*) => {
        $(#[tokio::test] async fn $test() { super::$test(&$implementation).await; })*
    };
    (@ $implementation:expr, paused => $($test:ident,)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $test() { super::$test(&$implementation).await; })*
    };
}

conforms!(in_process, InProcess, paused);
conforms!(over_http, OverHttp);
conforms!(scripted, Scripted, paused);

fn submission(prompt: &str) -> Submission {
    let params = format!(r#"{{"model":"kling-v3","prompt":"{prompt}","duration":"5"}}"#).into();
    Submission { key: Secret::from_bytes([7; 16]), params, files: Vec::new(), callback: None }
}

async fn buy(provider: &dyn Provider, prompt: &str) -> TaskId {
    match provider.submit(submission(prompt)).await {
        SubmitOutcome::Bought { task } => task,
        other => panic!("{other:?}"),
    }
}

/// The result URLs of a task, once it is done.
async fn rendered(provider: &dyn Provider, task: &TaskId) -> Vec<String> {
    loop {
        match provider.ask(task).await {
            PollOutcome::Working { .. } => tokio::time::sleep(Duration::from_millis(1)).await,
            PollOutcome::Completed { urls, .. } => return urls,
            other => panic!("{other:?}"),
        }
    }
}

async fn whole(
    provider: &dyn Provider,
    url: &str,
    resume: Option<&ResumePoint>,
) -> (u64, Option<u64>, Option<String>, Vec<u8>) {
    let download = provider.fetch(url, resume).await.unwrap();
    let pieces: Vec<_> = download.bytes.try_collect().await.unwrap();
    (download.starts_at, download.total, download.validator, pieces.concat())
}

async fn a_purchase_is_one_task_and_is_polled_to_its_clips(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let task = buy(rig.provider(), "one").await;
    assert_eq!(rig.purchases().await, [("one".to_owned(), task.to_string())]);
    let urls = rendered(rig.provider(), &task).await;
    assert!(!urls.is_empty());
    for url in &urls {
        let (starts_at, total, _, bytes) = whole(rig.provider(), url, None).await;
        assert_eq!(starts_at, 0);
        assert!(total.is_none_or(|total| total == bytes.len() as u64));
        assert_eq!(&bytes[4..8], b"ftyp");
    }
    assert_eq!(rig.purchases().await.len(), 1, "polls and downloads are free");
}

async fn identical_requests_are_two_purchases(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let (first, second) = (buy(rig.provider(), "twin").await, buy(rig.provider(), "twin").await);
    assert_ne!(first, second);
    assert_eq!(rig.purchases().await.len(), 2);
}

async fn polls_are_answered_one_for_one_in_the_order_asked(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let mut tasks = Vec::new();
    for prompt in ["a", "b", "c"] {
        tasks.push(buy(rig.provider(), prompt).await);
    }
    for task in &tasks {
        rendered(rig.provider(), task).await;
    }
    tasks.insert(1, TaskId::new("no-such-task").unwrap());
    let handles: Vec<_> = tasks.into_iter().map(TaskHandle::new).collect();
    let batch = rig.provider().capabilities().poll_batch;
    let mut done = Vec::new();
    for some in handles.chunks(batch) {
        let polled = rig.provider().poll(some).await;
        assert_eq!(polled.len(), some.len());
        done.extend(polled.iter().map(|polled| match polled {
            PollOutcome::Completed { .. } => true,
            PollOutcome::Missing { .. } => false,
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(done, [true, false, true, true]);
}

async fn a_task_that_is_not_done_is_working(of: &impl Implementation) {
    let rig = of.open(Mood::Endless).await;
    let task = buy(rig.provider(), "endless").await;
    for _ in 0..3 {
        let polled = rig.provider().ask(&task).await;
        assert!(matches!(polled, PollOutcome::Working { unknown: None, .. }), "{polled:?}");
    }
}

/// The promise that everything else stands on: what is said to be bought is, under that id; what
/// is said to be refused or never sent is not; only what is told as a doubt, or as an error of the
/// server, may be either; and no POST leaves twice.
async fn no_answer_to_a_post_lies_about_money(of: &impl Implementation) {
    let rig = of.open(Mood::Storm(11)).await;
    let mut kinds = HashSet::new();
    for number in 0..120 {
        let prompt = format!("shot {number}");
        let outcome = rig.provider().submit(submission(&prompt)).await;
        let mut sold: Vec<String> = rig
            .purchases()
            .await
            .into_iter()
            .filter_map(|(of, task)| (of == prompt).then_some(task))
            .collect();
        let times = sold.len();
        assert!(times <= 1, "{prompt} was bought {times} times");
        match &outcome {
            SubmitOutcome::Bought { task } => {
                assert_eq!(sold.pop().as_deref(), Some(task.as_str()));
            }
            SubmitOutcome::Doubtful { why, .. } => assert!(!why.is_empty()),
            SubmitOutcome::ServerError { status, .. } => assert!((500..600).contains(status)),
            refused => assert_eq!(sold, [""; 0], "{refused:?}"),
        }
        kinds.insert(std::mem::discriminant(&outcome));
    }
    assert!(kinds.len() >= 4, "the storm was one");
}

async fn an_empty_account_buys_nothing(of: &impl Implementation) {
    let rig = of.open(Mood::Broke).await;
    let outcome = rig.provider().submit(submission("dear")).await;
    let is_refused =
        matches!(outcome, SubmitOutcome::NoCredit { .. } | SubmitOutcome::Throttled { .. });
    assert!(is_refused, "{outcome:?}");
    assert_eq!(rig.purchases().await, []);
}

async fn a_download_goes_on_or_begins_anew(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let task = buy(rig.provider(), "long").await;
    let url = rendered(rig.provider(), &task).await.remove(0);
    let (_, _, validator, bytes) = whole(rig.provider(), &url, None).await;
    for (validator, may_go_on) in [(validator, true), (Some("\"another\"".to_owned()), false)] {
        let Some(validator) = validator else { continue };
        let resume = ResumePoint { at: 10, validator, total: Some(bytes.len() as u64) };
        let (starts_at, _, _, rest) = whole(rig.provider(), &url, Some(&resume)).await;
        assert!(starts_at == 0 || (may_go_on && starts_at == 10), "from {starts_at}");
        assert_eq!(rest, bytes[usize::try_from(starts_at).unwrap()..]);
    }
}

async fn an_address_where_no_clip_lies_is_an_error(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    for url in ["", "no address", "http://127.0.0.1:1/clip.mp4", "file:///etc/hostname"] {
        if let Err(error) = rig.provider().fetch(url, None).await {
            let (DownloadError::Gone { why } | DownloadError::Broken { why }) = error;
            assert!(!why.is_empty());
        } else {
            // The script has one clip, wherever it is asked for.
            assert!(rig.provider().capabilities().origin.address.is_empty(), "{url}");
        }
    }
}

async fn a_key_finds_its_own_task_or_nothing_is_claimed(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let key = Secret::from_bytes([9; 16]);
    let bought = rig.provider().submit(Submission { key, ..submission("mine") }).await;
    let SubmitOutcome::Bought { task } = bought else { panic!("{bought:?}") };
    let found = rig.provider().find(&key).await;
    assert!(found == FindOutcome::CannotTell || found == FindOutcome::Found(task), "{found:?}");
    let found = rig.provider().find(&Secret::from_bytes([1; 16])).await;
    assert!(matches!(found, FindOutcome::CannotTell | FindOutcome::NotThere), "{found:?}");
}

async fn a_charge_is_of_its_own_task(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let task = buy(rig.provider(), "charged").await;
    rendered(rig.provider(), &task).await;
    match rig.provider().billed(&task).await {
        ChargeOutcome::Settled(charge) => assert_eq!(charge.currency(), "USD"),
        ChargeOutcome::Unsettled => {}
        ChargeOutcome::Unknown { why } => assert!(!why.is_empty()),
    }
    let unknown = rig.provider().billed(&TaskId::new("no-such-task").unwrap()).await;
    assert!(!matches!(unknown, ChargeOutcome::Settled(_)), "{unknown:?}");
}

/// It does not grow by a purchase, and asking buys nothing.
async fn a_balance_is_an_amount_or_the_reason_why_none_is_known(of: &impl Implementation) {
    let rig = of.open(Mood::Endless).await;
    let before = rig.provider().balance().await;
    assert_eq!(rig.purchases().await, []);
    buy(rig.provider(), "held").await;
    match (before, rig.provider().balance().await) {
        (BalanceOutcome::Known(before), BalanceOutcome::Known(after)) => {
            assert_eq!(before.currency(), after.currency());
            let amount = |charge: &Charge| charge.amount().parse::<f64>().unwrap();
            assert!(amount(&after) < amount(&before), "{before} and {after}");
        }
        (BalanceOutcome::Unknown { why }, after) => {
            assert!(!why.is_empty());
            assert!(matches!(after, BalanceOutcome::Unknown { .. }), "{after:?}");
        }
        (before, after) => panic!("{before:?} and {after:?}"),
    }
    let access = rig.provider().access().await.verdict;
    assert!(!matches!(access, AccessVerdict::BadKey { .. } | AccessVerdict::Unreached { .. }));
    assert_eq!(rig.purchases().await.len(), 1);
}

async fn models_are_listed_or_the_reason_why_they_are_not(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    match rig.provider().models().await {
        ModelsOutcome::Listed(ids) => assert!(ids.iter().any(|id| id == "kling-v3"), "{ids:?}"),
        ModelsOutcome::Unknown { why } => assert!(!why.is_empty()),
    }
    assert_eq!(rig.purchases().await, []);
}

/// Nothing is bought by it, and a provider that says it takes files does.
async fn a_file_gets_an_address_by_its_content_or_a_reason(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let takes_files = rig.provider().capabilities().uploads.is_some();
    let mut urls = Vec::new();
    for text in ["one", "two", "one"] {
        let (sha256, bytes) = (Sha256::digest(text).into(), Bytes::from(text));
        match rig.provider().upload(FileUpload { sha256, bytes }).await {
            UploadOutcome::Stored { url } => urls.push(url),
            UploadOutcome::Refused { why } => assert!(!takes_files && !why.is_empty(), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(urls.len(), if takes_files { 3 } else { 0 });
    assert!(urls.iter().all(|url| is_http_url(url)), "{urls:?}");
    assert!(urls.is_empty() || (urls[0] == urls[2] && urls[0] != urls[1]), "{urls:?}");
    assert_eq!(rig.purchases().await, []);
}

async fn capabilities_hold_still(of: &impl Implementation) {
    let rig = of.open(Mood::Calm).await;
    let before = rig.provider().capabilities();
    assert!(before.poll_batch >= 1);
    assert!(before.result_lifetime > Duration::ZERO);
    buy(rig.provider(), "between").await;
    assert_eq!(rig.provider().capabilities(), before);
}
