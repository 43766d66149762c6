//! Calls that are cut short, wait, or are given up.

use rushes::ledger::Committed;

use super::*;

const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";

/// Makes a claim that waits for the money, which is held.
fn claim_soon(
    ledger: &Arc<PostgresLedger>,
    entry: &Entry,
) -> tokio::task::JoinHandle<Result<Committed, LedgerError>> {
    let (ledger, claim) = (Arc::clone(ledger), claim(entry));
    tokio::spawn(async move { ledger.commit(Arc::new(vec![claim])).await })
}

/// The connection breaks while the server still works on the batch: it comes a second time, on another
/// connection, while the first is not done.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_sent_again_while_the_first_still_works_is_written_once() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = Arc::new(open(&proxy.address(), folder.path()).unwrap());
    let entries = three(&ledger).await;
    let held = server.holding("rushes", "SELECT 1 FROM pots FOR UPDATE");
    let call = claim_soon(&ledger, &entries[0]);
    server.wait_until(WAITING, "1");
    proxy.cut();
    // The second waits for the first, which waits for the money.
    server.wait_until(WAITING, "2");
    drop(held);
    let committed = call.await.unwrap().unwrap();
    assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    assert_eq!(attempts(&server), "1|1000000");
    assert_eq!(ledger.balance().reserved, usd(1_000_000));
}

/// As an administrator does it, or a lock that was waited for too long.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_canceled_in_the_server_is_sent_again() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = Arc::new(open(&server.address("rushes"), folder.path()).unwrap());
    let entries = three(&ledger).await;
    for (entry, end) in entries.iter().zip(["cancel", "terminate"]) {
        let held = server.holding("rushes", "SELECT 1 FROM pots FOR UPDATE");
        let call = claim_soon(&ledger, entry);
        server.wait_until(WAITING, "1");
        let ended = format!(
            "SELECT pg_{end}_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        );
        assert_eq!(server.psql("public", &ended), "t");
        drop(held);
        let committed = call.await.unwrap().unwrap();
        assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    }
    assert_eq!(attempts(&server), "2|2000000");
    assert!(!ledger.has_failed());
}

/// One that takes connections and says nothing, as behind a firewall that went away.
#[tokio::test]
async fn a_closed_ledger_waits_for_no_server_that_is_silent() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = open(&proxy.address(), folder.path()).unwrap();
    proxy.hold(true);
    let began = Instant::now();
    drop(ledger);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_wants_to_leave_waits_for_no_server_and_what_is_not_answered_has_failed() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = open(&proxy.address(), folder.path()).unwrap();
    let entries = three(&ledger).await;
    ledger.hurry();
    ledger.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    proxy.hold(true);
    let began = Instant::now();
    let given_up = ledger.commit(Arc::new(vec![claim(&entries[1])])).await;
    assert!(
        matches!(given_up, Err(LedgerError::Server(ServerError::Unanswered(_)))),
        "{given_up:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(ledger.has_failed());
    proxy.hold(false);
    let after = ledger.commit(Arc::new(vec![claim(&entries[2])])).await;
    assert!(after.is_err(), "nothing is written after a failure: {after:?}");
}

#[tokio::test]
async fn record_may_be_lost_at_every_statement_and_makes_the_same_shots() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = open(&proxy.address(), folder.path()).unwrap();
    for nth in 1..=12 {
        let shots = ["a", "b", &format!("c{nth}")].map(|id| shot(id, 1, Some(1_000_000)));
        proxy.lose_answer(nth);
        let entries = ledger.record(shots.into(), at(0)).await.unwrap();
        assert_eq!(entries.iter().filter(|entry| entry.current).count(), 3);
    }
    assert!(proxy.lost() >= 8, "{}", proxy.lost());
    proxy.lose_answer(0);
    assert_eq!(server.psql("rushes", "SELECT count(*), max(number) FROM revisions"), "14|1");
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM revisions WHERE current"), "3");
    proxy.lose_answers(2);
    let cap = Budget { cap: Some(usd(2_000_000)), strict: false };
    ledger.set_budget(cap).await.unwrap();
    assert_eq!(ledger.budget(), cap);
    proxy.lose_answers(1);
    ledger.note(rushes::ledger::Note::Separate).await.unwrap();
    let entries = three(&ledger).await;
    let committed = ledger.commit(Arc::new(entries.iter().map(claim).collect())).await.unwrap();
    let verdicts = &committed.verdicts[..];
    assert!(
        matches!(verdicts, [Verdict::Claimed(_), Verdict::Claimed(_), Verdict::OverCap]),
        "{verdicts:?}"
    );
}

/// A revision that is claimed twice in one batch is claimed once.
#[tokio::test]
async fn a_batch_that_claims_a_shot_twice_claims_it_once() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = open(&server.address("rushes"), folder.path()).unwrap();
    let entries = three(&ledger).await;
    let twice = vec![claim(&entries[0]), claim(&entries[0])];
    let committed = ledger.commit(Arc::new(twice)).await.unwrap();
    let verdicts = &committed.verdicts[..];
    assert!(matches!(verdicts, [Verdict::Claimed(_), Verdict::Refused(_)]), "{verdicts:?}");
    assert_eq!(attempts(&server), "1|1000000");
}

/// Texts from outside are kept as they came, but for a NUL, which means nothing.
#[tokio::test]
async fn odd_texts_are_kept() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = open(&server.address("rushes"), folder.path()).unwrap();
    let mut shot = shot("a", 1, Some(1_000_000));
    let json = r#"{"prompt":"a literal \\u0000, a 'quote', \" and \\\\ $$; DROP TABLE money;--"}"#;
    shot.request = Request { json: json.into(), files: [].into() };
    let entries = ledger.record([shot].into(), at(0)).await.unwrap();
    let stored = ledger.request(entries[0].revision).await.unwrap();
    assert!(stored.request.contains(r"\\u0000"), "{}", stored.request);
    let status = ledger.claimed(&entries[0], spec(entries[0].price), at(1)).await;
    let task: String = "'\"\\$$ é🎬\\u0000".chars().cycle().take(2000).collect();
    let bought = ShotEvent::Answered(SubmitOutcome::Bought { task: TaskId::new(&task).unwrap() });
    ledger.apply(entries[0].revision, &status, bought, &RULES, at(2)).await;
    let told = ledger.attempts(entries[0].revision).await.unwrap();
    assert_eq!(told[0].task.as_ref().unwrap().as_str(), task);
}
