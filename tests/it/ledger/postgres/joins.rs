//! Who is let in, and who is taken for whom.

use super::*;

/// Of two workers with different texts that join at the same moment one is let in, whatever moment of the
/// database a transaction would see if it were not said.
#[test]
fn of_two_texts_that_join_at_once_one_is_let_in_whatever_isolation_the_database_has() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    drop(open(&server.address("rushes"), folder.path()).unwrap());
    let set = "ALTER ROLE postgres SET default_transaction_isolation = 'repeatable read'";
    server.psql("rushes", set);
    let held = server.holding("rushes", "SELECT 1 FROM accounts FOR UPDATE");
    let joined: Vec<_> = std::thread::scope(|scope| {
        let join = |text| join(&server.address("rushes"), folder.path(), text);
        let joins = [scope.spawn(move || join(1)), scope.spawn(move || join(2))];
        server.wait_until(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
            "2",
        );
        drop(held);
        joins.map(|join| join.join().unwrap()).into_iter().collect()
    });
    assert_eq!(joined.iter().filter(|joined| joined.is_ok()).count(), 1);
    let error = joined.iter().find_map(|joined| joined.as_ref().err()).unwrap();
    let LedgerError::Server(ServerError::OtherText { holder, .. }) = error else {
        panic!("{error:?}")
    };
    assert!(holder.starts_with("rushes run, process ") && !holder.contains("since"), "{holder}");
    assert!(error.to_string().contains("works on another text of this manifest since 20"));
}

#[test]
fn many_workers_join_a_fresh_database_at_once_and_one_begins_the_run() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let joined: Vec<_> = std::thread::scope(|scope| {
        let join = || join(&server.address("rushes"), folder.path(), 1).unwrap();
        let joins: Vec<_> = (0..8).map(|_| scope.spawn(join)).collect();
        joins.into_iter().map(|join| join.join().unwrap()).collect()
    });
    assert_eq!(joined.iter().filter(|ledger| fleet(*ledger).begins_run()).count(), 1);
    assert_eq!(server.psql("rushes", "SELECT count(*), max(run) FROM campaigns"), "1|1");
    let summary = joined[0].snapshot().unwrap().summary().unwrap();
    assert_eq!(summary.workers.len(), 8);
    assert!(summary.held_by.unwrap().contains(", since "));
    assert!(!summary.note.paused);
}

/// Trial 10: that a campaign of several workers is paused is read from its database.
#[tokio::test]
async fn a_reader_hears_that_the_campaign_is_paused() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = join(&server.address("rushes"), folder.path(), 1).unwrap();
    let is_paused = || ledger.snapshot().unwrap().summary().unwrap().note.paused;
    fleet(&ledger).set_paused(true).await.unwrap();
    assert!(is_paused());
    fleet(&ledger).set_paused(false).await.unwrap();
    assert!(!is_paused());
}

/// A copy of the database that forgot a worker gives its id to the next one. The one that it forgot must
/// not be answered as if it were that one.
#[tokio::test]
async fn a_worker_that_was_forgotten_is_not_taken_for_the_one_that_has_its_id() {
    let (mut server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    drop(open(&address, folder.path()).unwrap());
    server.kill();
    let older = server.copy();
    server.begin();
    let first = open(&address, folder.path()).unwrap();
    let entries = three(&first).await;
    first.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    server.kill();
    server.restore(older);
    server.begin();
    let elsewhere = tempfile::tempdir().unwrap();
    let second = open(&address, elsewhere.path()).unwrap();
    let theirs = three(&second).await;
    second.commit(Arc::new(vec![claim(&theirs[0])])).await.unwrap();
    second.commit(Arc::new(vec![claim(&theirs[1])])).await.unwrap();
    // To the database this is the batch that it answered last.
    let late = first.commit(Arc::new(vec![claim(&entries[2])])).await;
    assert!(
        matches!(late, Err(LedgerError::Server(ServerError::Forgetful { .. }))),
        "one that was forgotten was answered: {late:?}"
    );
    drop(first);
    // Its goodbye was not taken for the other's.
    second.commit(Arc::new(vec![claim(&theirs[2])])).await.unwrap();
    assert_eq!(attempts(&server), "3|3000000");
}

/// How long another waits for what a silent worker may have on the wire.
#[tokio::test]
async fn a_post_that_may_last_longer_is_waited_for_longer() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let post_lasts = rushes::ledger::post_lasts(Duration::from_secs(3600));
    let options = LedgerOptions { post_lasts, ..options("rushes run") };
    let work = Some(work_within(1, Limits::default()));
    let first = LedgerOptions { work, ..options };
    let proxy = DatabaseProxy::before(server.socket());
    let through = proxy.address().parse().unwrap();
    let first = PostgresLedger::open(&through, &folder.path().join("postgres"), &first).unwrap();
    let entries = begun(&first).await;
    first.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    proxy.hold(true);
    lapse(&server, "rushes", 1);
    let second = join(&address, folder.path(), 1).unwrap();
    assert_eq!(shots_of(&fleet(&second).assign(want(9)).await.unwrap()), ["b", "c"]);
    let later = |minutes| {
        let sql = format!(
            "UPDATE workers SET lease_until = clock_timestamp() - interval '{minutes} minutes' WHERE id = 1"
        );
        server.psql("rushes", &sql);
    };
    later(119);
    assert_eq!(shots_of(&fleet(&second).assign(want(9)).await.unwrap()), Vec::<String>::new());
    later(121);
    assert_eq!(shots_of(&fleet(&second).assign(want(9)).await.unwrap()), ["a"]);
}

/// What a user's own settings in the database must not change.
#[tokio::test]
async fn a_database_with_time_limits_of_its_own_is_written_all_the_same() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    for setting in ["statement_timeout = '50ms'", "idle_session_timeout = '100ms'"] {
        server.psql("public", &format!("ALTER ROLE postgres SET {setting}"));
    }
    let ledger = Arc::new(open(&server.address("rushes"), folder.path()).unwrap());
    let entries = three(&ledger).await;
    server.psql("rushes", "ALTER ROLE postgres RESET ALL");
    let held = server.holding("rushes", "SELECT 1 FROM pots FOR UPDATE");
    let (waiting, first) = (Arc::clone(&ledger), claim(&entries[0]));
    let call = tokio::spawn(async move { waiting.commit(Arc::new(vec![first])).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(held);
    let committed = call.await.unwrap().unwrap();
    assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM workers"), "1");
}
