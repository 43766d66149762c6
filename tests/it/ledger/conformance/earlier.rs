//! Tasks that their revision's state is no longer about.

use super::*;
use rushes::domain::outcome::FailedTask;
use rushes::domain::state::EarlierEnd;
use rushes::ledger::{EarlierTask, earlier_part};

fn clip_of(task: &EarlierTask, nth: usize) -> ClipFile {
    let path = format!("clips/s0~{}.mp4", earlier_part(task.attempt, nth));
    ClipFile { path, bytes: 9, sha256: [3; 32], clip_info: None, unread: None }
}

/// The commit of an earlier task's end.
fn ending(task: &EarlierTask, end: EarlierEnd, files: Vec<ClipFile>) -> Commit {
    let rules = Rules { failed_tasks_charged: task.entry.charged_if_failed, ..RULES };
    let event = ShotEvent::Earlier { attempt: task.attempt, end };
    let step = task.entry.status.after(event, at(9), &rules).unwrap();
    let (revision, change) = (task.entry.revision, step.change.unwrap());
    Commit { at: at(9), change: Change::Earlier { revision, change, files } }
}

/// A task that stalled: the user may say what he wants of it.
async fn stalled(
    ledger: &dyn Ledger,
    entry: &Entry,
    spec: AttemptSpec,
    task: &str,
) -> RevisionState {
    let status = ledger.claimed(entry, spec, at(1)).await;
    let status = ledger.apply(entry.revision, &status, bought(task), &RULES, at(2)).await;
    let impatient = Rules { render_timeout: Duration::ZERO, ..RULES };
    let works = ShotEvent::Polled(PollOutcome::Working { is_waiting: false, unknown: None });
    ledger.apply(entry.revision, &status, works, &impatient, at(3)).await
}

async fn say(
    ledger: &dyn Ledger,
    entry: &Entry,
    status: &RevisionState,
    word: Resolution,
) -> RevisionState {
    ledger.apply(entry.revision, status, ShotEvent::Resolved(word), &RULES, at(4)).await
}

pub async fn earlier_tasks_are_told_until_they_end_and_their_ends_change_no_state<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let charged = AttemptSpec { charged_if_failed: true, ..spec(Some(usd(10))) };
    let status = stalled(&*ledger, entry, charged, "t-1").await;
    assert_eq!(ledger.earlier_tasks().await.unwrap(), [], "the state is about it");
    let status = say(&*ledger, entry, &status, Resolution::Resubmit).await;
    let queued = Entry { status, ..entry.clone() };
    // Neither the one on the wire nor a doubt has a task.
    let (_, second) = ledger.claim(&queued, spec(Some(usd(7))), &RULES, at(5)).await;
    let doubt = ledger.apply(revision, &second.unwrap(), doubtful(), &RULES, at(6)).await;
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let told = ledger.earlier_tasks().await.unwrap();
    let [task] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((task.task.as_str(), task.sent_at), ("t-1", at(1)));
    assert_eq!((task.entry.price, task.entry.charged_if_failed), (Some(usd(10)), true));
    assert_eq!((&task.entry.status, task.entry.revision), (&doubt, revision));
    assert!(ledger.may_have_clip(revision).await.unwrap());
    // In one batch with a claim of the revision: neither undoes the other.
    let again = Entry { status: doubt.clone(), ..entry.clone() };
    let partly = ending(task, EarlierEnd::Partly, vec![clip_of(task, 0)]);
    let files = vec![clip_of(task, 0), clip_of(task, 1)];
    let done = ending(task, EarlierEnd::Delivered, files.clone());
    let claim = claiming(&again, spec(Some(usd(5))), &RESUBMIT, at(8));
    let committed = commit(&*ledger, vec![partly, claim, done]).await;
    assert!(matches!(committed.verdicts[1], Verdict::Claimed(_)), "{committed:?}");
    assert_eq!(
        committed.balance,
        Balance { spent: usd(10), reserved: usd(12), unconfirmed: usd(0) }
    );
    let now = ledger.entries().await.unwrap().remove(0);
    assert_eq!(now.status.state.name(), "submitting");
    assert_eq!(ledger.earlier_tasks().await.unwrap(), []);
    // The shot's own clips come first, and neither replaces the other.
    let status = ledger.apply(revision, &now.status, bought("t-3"), &RULES, at(10)).await;
    let status = ledger.apply(revision, &status, completed(), &RULES, at(11)).await;
    let own = ClipFile { path: "clips/s0.mp4".into(), ..clip_of(task, 0) };
    ledger.deliver(revision, &status, vec![own.clone()], at(12)).await;
    drop(ledger);
    maker.reopen();
    let mut rows = Vec::new();
    maker.ledger().snapshot().unwrap().rows(&mut |row| rows.push(row)).unwrap();
    let clips = [&[own], &files[..]].concat();
    assert_eq!(rows[0].files, clips);
    // When its shot leaves the manifest, it is shown apart from the shots that are in it.
    let ledger = maker.ledger();
    record(&*ledger, &[]).await;
    let (mut rows, mut earlier) = (Vec::new(), Vec::new());
    let snapshot = ledger.snapshot().unwrap();
    snapshot.rows(&mut |row| rows.push(row)).unwrap();
    snapshot.earlier_clips(&mut |row| earlier.push((row.entry.revision, row.files))).unwrap();
    assert_eq!((rows.len(), earlier), (0, vec![(revision, clips)]));
}

pub async fn what_was_given_up_or_is_unsettled_is_an_earlier_task_too<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30]).await;
    let given_up = stalled(&*ledger, &entries[0], spec(Some(usd(10))), "t-0").await;
    say(&*ledger, &entries[0], &given_up, Resolution::Abandon).await;
    let status = ledger.claimed(&entries[1], spec(Some(usd(20))), at(1)).await;
    let mut status = ledger.apply(entries[1].revision, &status, bought("t-1"), &RULES, at(2)).await;
    for second in [10_000, 30_000, 60_000] {
        let kind = Unresolved::CompletedWithReason;
        let said = ShotEvent::Polled(PollOutcome::Unresolved { kind, why: "moderation".into() });
        status = ledger.apply(entries[1].revision, &status, said, &RULES, at(second)).await;
    }
    // A doubt that was given up has no task.
    let doubt = ledger.claimed(&entries[2], spec(Some(usd(30))), at(1)).await;
    let doubt = ledger.apply(entries[2].revision, &doubt, doubtful(), &RULES, at(2)).await;
    say(&*ledger, &entries[2], &doubt, Resolution::Abandon).await;
    // They are told also after their shots left the manifest.
    record(&*ledger, &[]).await;
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let told = ledger.earlier_tasks().await.unwrap();
    let names: Vec<&str> = told.iter().map(|task| task.task.as_str()).collect();
    assert_eq!(names, ["t-0", "t-1"]);
    let failed = ending(
        &told[1],
        EarlierEnd::Failed { why: "moderated".into(), kind: FailedTask::default() },
        Vec::new(),
    );
    let done = ending(&told[0], EarlierEnd::Expired { why: "gone".into() }, Vec::new());
    commit(&*ledger, vec![failed, done]).await;
    let balance = Balance { spent: usd(10), reserved: usd(30), unconfirmed: usd(0) };
    assert_eq!(ledger.balance(), balance);
    assert_eq!(ledger.earlier_tasks().await.unwrap(), []);
    let kept = ledger.snapshot().unwrap().kept_prices().unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    // The end of another revision's task is refused.
    let wrong = EarlierTask { entry: entries[2].clone(), ..told[0].clone() };
    let committed = commit(&*ledger, vec![ending(&wrong, EarlierEnd::Delivered, Vec::new())]).await;
    assert!(committed.verdicts.iter().all(is_defect), "{committed:?}");
}
