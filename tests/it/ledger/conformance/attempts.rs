//! What is kept of attempts, their tasks and their money.

use super::*;

pub async fn field_10_the_whole_answer_of_a_doubt_is_kept<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entry = queued(&*ledger, &[10]).await.remove(0);
    let status = ledger.claimed(&entry, spec(entry.price), at(1)).await;
    let answer: String = "{\"data\": [\"task-in-here\"]}".repeat(300);
    let doubt = SubmitOutcome::Doubtful { why: "odd".into(), answer: Some(answer.clone().into()) };
    let status =
        ledger.apply(entry.revision, &status, ShotEvent::Answered(doubt), &RULES, at(2)).await;
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let kept = || {
        let mut rows = Vec::new();
        ledger.snapshot().unwrap().rows(&mut |row| rows.push(row)).unwrap();
        rows.remove(0).answer
    };
    assert_eq!(kept().as_deref(), Some(&*answer));
    // The user's word does not take it away: it may have been the wrong one.
    let word = ShotEvent::Resolved(Resolution::NotBought { also: Vec::new() });
    let status = ledger.apply(entry.revision, &status, word, &RULES, at(3)).await;
    assert_eq!(status.state.name(), "queued");
    assert_eq!(kept().as_deref(), Some(&*answer));
}

pub async fn a_second_purchase_of_one_task_is_told_and_both_are_counted<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20, 30]).await;
    let task = TaskId::new("t").unwrap();
    assert!(!ledger.knows_task(&task).await.unwrap());
    let mut claimed = Vec::new();
    for entry in &entries {
        claimed.push(ledger.claimed(entry, spec(entry.price), at(1)).await);
    }
    let commits =
        entries.iter().zip(&claimed).map(|(entry, status)| moved(entry, status, bought("t")));
    let committed = commit(&*ledger, commits.collect()).await;
    let first = [None, Some("s0"), Some("s0")];
    let first = first.map(|shot| shot.map(|id| ShotId::new(id).unwrap()));
    assert_eq!(committed.verdicts, first.map(|task_first_of| Verdict::Written { task_first_of }));
    assert_eq!(committed.balance.reserved, usd(60));
    assert!(ledger.knows_task(&task).await.unwrap());
}

pub async fn reserved_attempts_are_told_with_their_prices_and_times_until_their_money_moves<
    M: Maker,
>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (mut entry, revision) = (entries[0].clone(), entries[0].revision);
    let mut attempts = Vec::new();
    for (price, millis) in [(Some(usd(10)), 1), (None, 500), (Some(usd(7)), 900)] {
        let (verdict, status) = ledger.claim(&entry, spec(price), &RESUBMIT, at(millis)).await;
        let status = status.unwrap_or_else(|| panic!("{verdict:?}"));
        attempts.push(status.state.attempt().unwrap());
        entry.status = ledger.apply(revision, &status, doubtful(), &RULES, at(millis)).await;
    }
    let of = |nth: usize, price, millis, task| {
        let (attempt, sent_at) = (attempts[nth], at(millis));
        ReservedAttempt { attempt, price, sent_at, task }
    };
    let expected =
        [of(0, Some(usd(10)), 1, None), of(1, None, 500, None), of(2, Some(usd(7)), 900, None)];
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), expected);
    let given = ShotEvent::Resolved(Resolution::Task(found("t")));
    let status = ledger.apply(revision, &entry.status, given, &RULES, at(1000)).await;
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let told = ledger.reserved_attempts(revision).await.unwrap();
    assert_eq!(told[2], of(2, Some(usd(7)), 900, TaskId::new("t")));
    ledger.apply(revision, &status, completed(), &RULES, at(2000)).await;
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), expected[..2]);
    assert_eq!(ledger.reserved_attempts(RevisionId(99)).await.unwrap(), []);
}

pub async fn the_users_word_frees_every_attempt_it_is_about<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let first = ledger.claimed(entry, spec(entry.price), at(1)).await;
    let first = ledger.apply(revision, &first, doubtful(), &RULES, at(2)).await;
    let now = Entry { status: first.clone(), ..entry.clone() };
    let (_, second) = ledger.claim(&now, spec(Some(usd(7))), &RESUBMIT, at(3)).await;
    let second = ledger.apply(revision, &second.unwrap(), doubtful(), &RULES, at(4)).await;
    assert_eq!(ledger.balance().reserved, usd(17));
    let word = |also| ShotEvent::Resolved(Resolution::NotBought { also });
    // Of another revision's attempts the word cannot be.
    let before = all(&*ledger).await;
    let committed = commit(&*ledger, vec![moved(entry, &second, word(vec![AttemptId(9)]))]).await;
    assert!(committed.verdicts.iter().all(is_defect), "{committed:?}");
    assert_eq!(all(&*ledger).await, before);
    let also = first.state.attempt().into_iter().collect();
    let queued = ledger.apply(revision, &second, word(also), &RULES, at(5)).await;
    assert_eq!(ledger.balance(), Balance::default());
    assert_eq!(ledger.reserved_attempts(revision).await.unwrap(), []);
    assert_eq!(ledger.entries().await.unwrap()[0].status, queued);
}

pub async fn a_charge_moves_no_money<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let status = ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let before = all(&*ledger).await;
    let (attempt, charge) = (status.state.attempt().unwrap(), Charge::new("0.32", "USD").unwrap());
    ledger.written(Commit { at: at(2), change: Change::Charge { attempt, charge } }).await;
    assert_eq!(all(&*ledger).await, before);
}

pub async fn the_provider_may_call_only_about_open_attempts_whose_key_it_was_told<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 10, 10, 10, 10]).await;
    let mut told = Vec::new();
    for (nth, entry) in (0_u8..).zip(&entries) {
        let (key, key_on_wire) = (Secret::from_bytes([nth; 16]), nth != 1);
        let spec = AttemptSpec { key, key_on_wire, ..spec(entry.price) };
        let sent_at = at(i64::from(nth));
        let mut status = ledger.claimed(entry, spec, sent_at).await;
        let attempt = status.state.attempt().unwrap();
        // Submitting, submitting without, rendering, in doubt, rendered.
        let events = match nth {
            0 | 1 => vec![],
            2 => vec![bought("t-2")],
            3 => vec![doubtful()],
            _ => vec![bought("t-4"), completed()],
        };
        for event in events {
            status = ledger.apply(entry.revision, &status, event, &RULES, at(9)).await;
        }
        if nth != 1 && nth != 4 {
            told.push(CallbackSubscription { attempt, key, sent_at });
        }
    }
    assert_eq!(ledger.subscriptions().await.unwrap(), told);
    // They outlive the process, and that their shots leave the manifest.
    record(&*ledger, &[]).await;
    drop(ledger);
    maker.reopen();
    assert_eq!(maker.ledger().subscriptions().await.unwrap(), told);
}

pub async fn whether_a_failed_task_is_charged_is_kept_with_the_attempt<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10, 20]).await;
    for (entry, charged_if_failed) in entries.iter().zip([true, false]) {
        let spec = AttemptSpec { charged_if_failed, ..spec(entry.price) };
        let status = ledger.claimed(entry, spec, at(1)).await;
        let task = bought(entry.shot.as_str());
        ledger.apply(entry.revision, &status, task, &RULES, at(2)).await;
    }
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let entries = ledger.entries().await.unwrap();
    let kept: Vec<bool> = entries.iter().map(|entry| entry.charged_if_failed).collect();
    assert_eq!(kept, [true, false]);
    for entry in entries {
        let rules = Rules { failed_tasks_charged: entry.charged_if_failed, ..RULES };
        let failed = ShotEvent::Polled(PollOutcome::failed("policy"));
        let step = entry.status.after(failed.clone(), at(3), &rules).unwrap();
        let account = if entry.charged_if_failed { Account::Spent } else { Account::Released };
        assert_eq!(step.change.map(|change| change.account), Some(account));
        ledger.apply(entry.revision, &entry.status, failed, &rules, at(3)).await;
    }
    assert_eq!(ledger.balance(), Balance { spent: usd(10), ..Balance::default() });
    let entries = ledger.entries().await.unwrap();
    assert!(entries.iter().all(|entry| !entry.charged_if_failed), "of open attempts alone");
}

pub async fn field_41_replaced_tasks_are_kept_and_the_price_is_reserved_anew<M: Maker>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let status = ledger.claimed(entry, spec(entry.price), at(1)).await;
    let mut status = ledger.apply(revision, &status, doubtful(), &RULES, at(2)).await;
    let given = ShotEvent::Resolved(Resolution::Task(found("t-1")));
    status = ledger.apply(revision, &status, given, &RULES, at(3)).await;
    for (nth, task) in (4..).zip(["t-2", "t-3"]) {
        status = ledger.apply(revision, &status, completed(), &RULES, at(nth)).await;
        assert_eq!(ledger.balance(), Balance { spent: usd(10), ..Balance::default() });
        let other = ShotEvent::Resolved(Resolution::OtherTask(TaskId::new(task).unwrap()));
        status = ledger.apply(revision, &status, other, &RULES, at(nth)).await;
        assert_eq!(ledger.balance(), Balance { reserved: usd(10), ..Balance::default() });
    }
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let attempts = ledger.attempts(revision).await.unwrap();
    let [attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert!(attempt.is_given);
    assert_eq!(attempt.task, TaskId::new("t-3"));
    assert_eq!(attempt.former_tasks, ["t-1", "t-2"].map(|task| TaskId::new(task).unwrap()));
    // A task that was replaced may be another shot's.
    let former = TaskId::new("t-1").unwrap();
    assert!(!ledger.knows_task(&former).await.unwrap());
}

pub async fn field_41_a_task_that_is_anothers_stays_as_a_former_one_and_its_price_reserved<
    M: Maker,
>() {
    let mut maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let (entry, revision) = (&entries[0], entries[0].revision);
    let status = ledger.claimed(entry, spec(entry.price), at(1)).await;
    let mut status = ledger.apply(revision, &status, doubtful(), &RULES, at(2)).await;
    let why = || "was rendered for another model".to_owned();
    let task = |name: &str| TaskId::new(name).unwrap();
    let given = || ShotEvent::Resolved(Resolution::Task(found("t-1")));
    let events = [
        given(),
        ShotEvent::Polled(PollOutcome::OtherContent { why: why() }),
        ShotEvent::Refuted { task: task("t-2"), why: why() },
        // The same again is kept once.
        given(),
        ShotEvent::Polled(PollOutcome::OtherContent { why: why() }),
    ];
    for (nth, event) in (3..).zip(events) {
        status = ledger.apply(revision, &status, event, &RULES, at(nth)).await;
        assert_eq!(ledger.balance(), Balance { reserved: usd(10), ..Balance::default() });
    }
    drop(ledger);
    maker.reopen();
    let ledger = maker.ledger();
    let [attempt] = ledger.attempts(revision).await.unwrap().try_into().unwrap();
    assert_eq!((&attempt.task, attempt.is_given), (&None, false));
    assert!(!attempt.is_insisted_on());
    assert_eq!(attempt.former_tasks, [task("t-2"), task("t-1")], "the latest that was refuted");
    assert!(!ledger.knows_task(&task("t-1")).await.unwrap(), "it may be another shot's");
    assert_eq!(ledger.entries().await.unwrap()[0].status, status);
    assert_eq!(status.state.name(), "in_doubt");
    // The right one ends the doubt.
    let right = ShotEvent::Resolved(Resolution::Task(found("t-3")));
    ledger.apply(revision, &status, right, &RULES, at(9)).await;
    let [attempt] = ledger.attempts(revision).await.unwrap().try_into().unwrap();
    assert_eq!((&attempt.task, attempt.is_given), (&Some(task("t-3")), true));
    assert_eq!(attempt.former_tasks, [task("t-2"), task("t-1")]);
    assert!(!attempt.is_insisted_on());
}

pub async fn field_41_only_what_is_given_right_after_it_was_refuted_is_insisted_on<M: Maker>() {
    let why = || "was rendered for another model".to_owned();
    let given = |name: &str| ShotEvent::Resolved(Resolution::Task(found(name)));
    let other = |name: &str| ShotEvent::Resolved(Resolution::OtherTask(TaskId::new(name).unwrap()));
    let refuted = || ShotEvent::Polled(PollOutcome::OtherContent { why: why() });
    let (x, y) = ("t-\"[x]", "t-y");
    for (events, is_insisted_on) in [
        (vec![given(x)], false),
        (vec![given(x), refuted(), given(x)], true),
        (vec![given(x), other(y), other(x)], false),
        (vec![given(x), other(y), refuted(), given(x)], false),
        (vec![given(x), other(y), other(x), refuted(), given(x)], true),
        (vec![given(x), refuted(), given(x), other(y), other(x)], false),
        (vec![given(x), refuted(), given(y), refuted(), given(x)], false),
    ] {
        let maker = M::make();
        let ledger = maker.ledger();
        let entries = queued(&*ledger, &[10]).await;
        let (entry, revision) = (&entries[0], entries[0].revision);
        let status = ledger.claimed(entry, spec(entry.price), at(1)).await;
        let mut status = ledger.apply(revision, &status, doubtful(), &RULES, at(2)).await;
        for event in events.clone() {
            status = ledger.apply(revision, &status, event, &RULES, at(3)).await;
        }
        let [attempt] = ledger.attempts(revision).await.unwrap().try_into().unwrap();
        assert_eq!(attempt.is_insisted_on(), is_insisted_on, "{events:?} {attempt:?}");
    }
}

pub async fn a_ledger_says_what_a_revision_asked_for<M: Maker>() {
    let maker = M::make();
    let ledger = maker.ledger();
    let entries = queued(&*ledger, &[10]).await;
    let told = ledger.request(entries[0].revision).await.unwrap();
    assert_eq!(told, ledger.snapshot().unwrap().request(entries[0].revision).unwrap());
    assert!(ledger.request(RevisionId(99)).await.is_err());
}
