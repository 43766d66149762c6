//! Workers that are given up, and answers that are lost meanwhile.

use super::*;

/// Gives a worker and what came of it up, whatever it says meanwhile.
fn give_up(server: &PostgresServer) {
    server.psql("rushes", "SELECT end_worker(id, 'lapsed') FROM workers WHERE ended IS NULL");
}

/// Whichever answer is lost while it joins anew, its claim is made once.
#[tokio::test]
async fn a_claim_of_a_worker_that_joins_anew_is_made_once_whichever_answer_is_lost() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = join(&proxy.address(), folder.path(), 1).unwrap();
    let shots: Vec<_> = (0..7).map(|nth| shot(&format!("s{nth}"), 1, Some(1_000_000))).collect();
    fleet(&ledger).begin(Some(shots.into()), None, at(0)).await.unwrap();
    let handed = fleet(&ledger).assign(want(9)).await.unwrap().entries;
    for (nth, (entry, _)) in handed.iter().enumerate() {
        give_up(&server);
        proxy.lose_answer(nth);
        let Verdict::Claimed(attempt) = verdict(&ledger, claim(entry)).await else {
            panic!("{nth}")
        };
        assert_eq!(attempts(&server), format!("{}|{}", nth + 1, (nth + 1) * 1_000_000));
        assert!(fleet(&ledger).may_leave(attempt), "{nth}");
    }
    assert!(proxy.lost() >= 3, "{}", proxy.lost());
    let held = "SELECT count(DISTINCT worker), count(*) FROM revisions AS r JOIN workers AS w \
         ON w.id = r.worker WHERE w.ended IS NULL";
    assert_eq!(server.psql("rushes", held), "1|7");
}

/// It was claimed, and the answer was not heard before it was given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_was_answered_to_a_worker_that_was_given_up_counts_and_may_not_leave() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = Arc::new(join(&proxy.address(), folder.path(), 1).unwrap());
    let other = join(&server.address("rushes"), folder.path(), 1).unwrap();
    let entries = begun(&ledger).await;
    let lost = |entry: &Entry| {
        proxy.lose_answers(1000);
        let (ledger, claim) = (Arc::clone(&ledger), claim(entry));
        tokio::spawn(async move { ledger.one(claim).await.unwrap().0 })
    };
    let call = lost(&entries[0]);
    server.wait_until("SELECT count(*) FROM rushes.attempts", "1");
    // Before it can say another word.
    server.psql("rushes", "SELECT end_worker(1, 'lapsed')");
    assert_eq!(shots_of(&fleet(&other).assign(want(0)).await.unwrap()), Vec::<String>::new());
    proxy.lose_answers(0);
    let Verdict::Claimed(attempt) = call.await.unwrap() else { panic!() };
    assert!(!fleet(&*ledger).may_leave(attempt), "it was claimed in a lease that has ended");
    assert_eq!(attempts(&server), "1|1000000");
    let sent = ledger.snapshot().unwrap().entries().unwrap().remove(0);
    let not_sent = ShotEvent::Answered(SubmitOutcome::NotSent { why: "late".to_owned() });
    ledger.apply(sent.revision, &sent.status, not_sent, &RULES, at(2)).await;
    assert_eq!(ledger.balance().reserved, usd(0));

    // The same, and another has it in its hands before it is heard.
    let call = lost(&entries[1]);
    server.wait_until("SELECT count(*) FROM rushes.attempts", "2");
    let latest = server.psql("rushes", "SELECT worker FROM attempts ORDER BY id DESC LIMIT 1");
    let over = format!(
        "UPDATE workers SET lease_until = clock_timestamp() - interval '1 hour' WHERE id = {latest}"
    );
    server.psql("rushes", &over);
    let handed = shots_of(&fleet(&other).assign(want(0)).await.unwrap());
    assert!(handed.contains(&"b".to_owned()), "{handed:?}");
    proxy.lose_answers(0);
    assert_eq!(call.await.unwrap(), Verdict::Gone);
    assert_eq!(attempts(&server), "2|2000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_back_to_another_text_ends() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = join(&proxy.address(), folder.path(), 1).unwrap();
    let entries = begun(&ledger).await;
    proxy.hold(true);
    lapse(&server, "rushes", 1);
    let other = join(&server.address("rushes"), folder.path(), 2).unwrap();
    assert!(fleet(&other).begins_run());
    proxy.hold(false);
    let refused = ledger.commit(Arc::new(vec![claim(&entries[0])])).await;
    assert!(
        matches!(refused, Err(LedgerError::Server(ServerError::OtherText { .. }))),
        "{refused:?}"
    );
    assert!(ledger.has_failed());
    assert_eq!(attempts(&server), "0|0");
}

/// An answer that tells what is handed over is lost: the same revisions are told again.
#[tokio::test]
async fn what_is_handed_over_in_an_answer_that_is_lost_is_told_again() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = join(&proxy.address(), folder.path(), 1).unwrap();
    let shots: Vec<_> = (0..9).map(|nth| shot(&format!("s{nth}"), 1, Some(1_000_000))).collect();
    fleet(&ledger).begin(Some(shots.into()), None, at(0)).await.unwrap();
    for nth in 0..3 {
        proxy.lose_answer(nth + 1);
        let handed = fleet(&ledger).assign(want(3)).await.unwrap();
        let expected: Vec<_> = (nth * 3..nth * 3 + 3).map(|nth| format!("s{nth}")).collect();
        assert_eq!(shots_of(&handed), expected);
    }
    assert!(proxy.lost() >= 2, "{}", proxy.lost());
}

/// The same, and it is given up before it hears the answer: it has nothing in its hands of which it does
/// not know.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_before_it_was_given_up_is_told_when_it_comes_back() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = Arc::new(join(&proxy.address(), folder.path(), 1).unwrap());
    let other = join(&server.address("rushes"), folder.path(), 1).unwrap();
    let shots: Vec<_> = (0..9).map(|nth| shot(&format!("s{nth}"), 1, Some(1_000_000))).collect();
    fleet(&*ledger).begin(Some(shots.into()), None, at(0)).await.unwrap();
    proxy.lose_answers(1000);
    let call = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { fleet(&*ledger).assign(want(3)).await.unwrap() })
    };
    let held = "SELECT count(*) FROM rushes.revisions WHERE worker IS NOT NULL";
    server.wait_until(held, "3");
    // Before it can say another word.
    server.psql("rushes", "SELECT end_worker(1, 'lapsed')");
    fleet(&other).assign(Want::default()).await.unwrap();
    proxy.lose_answers(0);
    assert_eq!(shots_of(&call.await.unwrap()), ["s0", "s1", "s2"]);
    assert_eq!(server.psql("rushes", held), "3");
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM workers WHERE succeeds = 1"), "1");
}

/// A worker whose machine slept is the first to say so.
#[tokio::test]
async fn a_worker_that_comes_back_before_it_was_missed_does_not_give_itself_up() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = join(&server.address("rushes"), folder.path(), 1).unwrap();
    begun(&ledger).await;
    drop(ledger);
    let want = r#"{"queued": 9, "left": 9000000, "purchases": 9, "doubts": true, "failed": true,
        "returned": [], "gone": [], "idle": false, "failures": 0, "late": 0}"#;
    let sql = format!(
        "UPDATE workers SET ended = NULL, is_settled = false, lease_until = now() - interval '1 hour'; \
         DO $$ BEGIN PERFORM assign(1, '30 s', 77, '{want}'); END $$; \
         SELECT count(*), count(ended) FROM workers"
    );
    assert!(server.psql("rushes", &sql).ends_with("1|0"));
}
