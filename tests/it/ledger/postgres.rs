//! The ledger in a real database: answers that get lost, connections that break, servers that die or
//! forget, workers that are given up.

mod joins;
mod lost;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::ledger::postgres::PostgresSnapshot;
use rushes::ledger::{Commit, PostgresLedger, ServerAddress, ServerError, Snapshot as _};

use super::*;
use crate::support::database_proxy::DatabaseProxy;
use crate::support::postgres::PostgresServer;

fn options(holder: &'static str) -> LedgerOptions<'static> {
    LedgerOptions {
        campaign: "summer",
        kind: Kind::Gateway,
        holder,
        at: at(0),
        threads: Threads::Pool,
        identity: rushes::ledger::Identity::default(),
        post_lasts: rushes::ledger::post_lasts(Duration::ZERO),
        work: None,
    }
}

fn open(address: &str, beside: &Path) -> Result<PostgresLedger, LedgerError> {
    let address: ServerAddress = address.parse().unwrap();
    PostgresLedger::open(&address, &beside.join("postgres"), &options("rushes run"))
}

fn claim(entry: &Entry) -> Commit {
    claiming(entry, spec(entry.price), &RULES, at(1))
}

/// Three shots at a dollar.
async fn three(ledger: &PostgresLedger) -> Vec<Entry> {
    let shots: Vec<Shot> = ["a", "b", "c"].iter().map(|id| shot(id, 1, Some(1_000_000))).collect();
    ledger.record(shots.into(), at(0)).await.unwrap()
}

fn attempts(server: &PostgresServer) -> String {
    server.psql("rushes", "SELECT count(*), coalesce(sum(price_micro), 0) FROM attempts")
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_written_once_and_answered_as_it_was() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let ledger = open(&proxy.address(), folder.path()).unwrap();
    let entries = three(&ledger).await;
    for (entry, losses) in entries.iter().zip([0, 1, 3]) {
        let before = proxy.lost();
        proxy.lose_answers(losses);
        let committed = ledger.commit(Arc::new(vec![claim(entry)])).await.unwrap();
        assert_eq!(proxy.lost() - before, losses);
        assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    }
    assert_eq!(attempts(&server), "3|3000000");
    assert_eq!(ledger.balance().reserved, usd(3_000_000));
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_has_what_it_confirmed_and_the_run_goes_on() {
    let (mut server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = Arc::new(open(&server.address("rushes"), folder.path()).unwrap());
    let entries = three(&ledger).await;
    ledger.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    server.kill();
    let (waiting, second) = (Arc::clone(&ledger), claim(&entries[1]));
    let call = tokio::spawn(async move { waiting.commit(Arc::new(vec![second])).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!call.is_finished());
    server.begin();
    let committed = call.await.unwrap().unwrap();
    assert!(matches!(committed.verdicts[..], [Verdict::Claimed(_)]), "{committed:?}");
    assert_eq!(attempts(&server), "2|2000000");
    assert!(!ledger.has_failed());
}

#[tokio::test]
async fn a_closed_ledger_waits_for_no_server() {
    let (mut server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let ledger = open(&server.address("rushes"), folder.path()).unwrap();
    server.kill();
    let began = Instant::now();
    drop(ledger);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn one_worker_at_a_time_and_one_that_was_silent_is_given_up_whatever_it_still_says() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let proxy = DatabaseProxy::before(server.socket());
    let first = open(&proxy.address(), folder.path()).unwrap();
    let entries = three(&first).await;
    first.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    match open(&address, folder.path()).err() {
        Some(LedgerError::Server(ServerError::InUse { holder, .. })) => {
            assert!(holder.starts_with("rushes run, process "), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    // It is cut off, and its lease runs out; its POST may still be on the wire.
    proxy.hold(true);
    let lapse = "UPDATE workers SET place = 'elsewhere', \
         lease_until = clock_timestamp() - interval '1 second'";
    server.psql("rushes", lapse);
    match open(&address, folder.path()).err() {
        Some(LedgerError::Server(ServerError::OnTheWire(left))) => assert!(left > 500, "{left}"),
        other => panic!("{other:?}"),
    }
    server.psql("rushes", "UPDATE workers SET post_lasts = interval '0'");
    let second = open(&address, folder.path()).unwrap();
    assert_eq!(second.balance().reserved, usd(1_000_000));
    proxy.hold(false);
    let late = first.commit(Arc::new(vec![claim(&entries[1])])).await;
    assert!(matches!(late, Err(LedgerError::Server(ServerError::GivenUp(_)))), "{late:?}");
    assert!(first.has_failed());
    assert_eq!(attempts(&server), "1|1000000");
}

#[tokio::test]
async fn a_worker_of_this_machine_that_is_gone_is_waited_for_by_none() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let first = open(&address, folder.path()).unwrap();
    let entries = three(&first).await;
    first.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    // As if a process had died that had this one's number before it.
    server.psql("rushes", "UPDATE workers SET place = regexp_replace(place, '[0-9]+$', '1')");
    assert!(open(&address, folder.path()).is_ok());
}

#[tokio::test]
async fn a_database_that_forgot_is_refused_by_the_run_and_by_the_next() {
    let (mut server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let ledger = open(&address, folder.path()).unwrap();
    let entries = three(&ledger).await;
    ledger.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    server.kill();
    let older = server.copy();
    server.begin();
    ledger.commit(Arc::new(vec![claim(&entries[1])])).await.unwrap();
    server.kill();
    server.restore(older);
    server.begin();
    let refused = ledger.commit(Arc::new(vec![claim(&entries[2])])).await;
    let is_forgetful =
        |error: &LedgerError| matches!(error, LedgerError::Server(ServerError::Forgetful { .. }));
    assert!(refused.as_ref().is_err_and(is_forgetful), "{refused:?}");
    assert!(ledger.has_failed());
    drop(ledger);
    server.psql("rushes", "UPDATE workers SET ended = 'left'");
    let error = open(&address, folder.path()).err().unwrap();
    assert!(is_forgetful(&error), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("it knows 1 of the 2 requests"), "{said}");
    assert!(said.contains("postgres.mark"), "{said}");
}

#[test]
fn a_server_that_may_forget_at_a_power_cut_is_refused() {
    let (mut server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    for setting in ["fsync", "full_page_writes"] {
        server.kill();
        server.begin_with(&[&format!("{setting}=off")]);
        let error = open(&server.address("rushes"), folder.path()).err().unwrap().to_string();
        assert!(error.contains(&format!("{setting} = off")), "{error}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_with_its_place_and_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    // A port of our own on which nothing listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("postgres://ann:s3cr3t@127.0.0.1:{port}/films?schema=x");
    let error = open(&address, folder.path()).err().unwrap().to_string();
    assert!(error.contains(&format!("postgres://ann@127.0.0.1:{port}/films?schema=x")), "{error}");
    assert!(!error.contains("s3cr3t"), "{error}");
}

#[test]
fn a_campaign_that_never_ran_is_missing_and_reading_makes_nothing() {
    let server = PostgresServer::start();
    let address: ServerAddress = server.address("rushes").parse().unwrap();
    let error = PostgresSnapshot::open(&address, "summer", true).err().unwrap();
    assert!(error.is_missing(), "{error:?}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'rushes'";
    assert_eq!(server.psql("public", schemas), "0");
}

#[tokio::test]
async fn damage_is_found_where_money_is_written_twice() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let ledger = open(&address, folder.path()).unwrap();
    let entries = three(&ledger).await;
    ledger.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    let look = || {
        let address = address.parse().unwrap();
        PostgresSnapshot::open(&address, "summer", true).unwrap().look_for_damage()
    };
    look().unwrap();
    server.psql("rushes", "UPDATE pots SET reserved = 0");
    assert!(look().unwrap_err().to_string().contains("its money"), "{:?}", look());
}

#[test]
fn what_must_stay_stays_against_psql_too() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    drop(open(&server.address("rushes"), folder.path()).unwrap());
    for sql in ["TRUNCATE money", "TRUNCATE attempts CASCADE"] {
        let refused = server.try_psql("rushes", sql).unwrap_err();
        assert!(refused.contains("only added to"), "{refused}");
    }
}

#[test]
fn addresses_are_read_with_encryption_elsewhere_and_without_a_password_in_what_is_shown() {
    let address = |text: &str| text.parse::<ServerAddress>();
    for (text, shown) in [
        ("postgres://a:b@db.example/rushes", "postgres://a@db.example/rushes"),
        ("postgresql://db.example:6000/r?password=b", "postgresql://db.example:6000/r"),
        ("postgres://a@/r?host=/run/pg&schema=x", "postgres://a@/r?host=/run/pg&schema=x"),
        ("postgres://a@h/r?sslmode=disable", "postgres://a@h/r?sslmode=disable"),
        ("postgres://a@h/r?sslmode=verify-full", "postgres://a@h/r?sslmode=verify-full"),
    ] {
        let read = address(text).unwrap();
        assert_eq!(read.to_string(), shown);
        assert_eq!(format!("{read:?}"), shown);
    }
    for text in [
        "postgres://a@h/r?sslmode=prefer",
        "postgres://a@h",
        "postgres://a@h/r?schema=No Such",
        "postgres://a@h/r?schema=1x",
        "postgres://a@h:port/r",
        "postgres://a@h/r?nonsense=1",
    ] {
        assert!(address(text).is_err(), "{text}");
    }
}

#[test]
fn of_a_password_no_part_is_shown_however_it_is_typed() {
    use rushes::ledger::LedgerPlace;
    let ask = "is written %2F, %3F, %40 or %23";
    for (text, shown, said) in [
        ("postgres://a:s3/cr3t@h/r", "postgres://…", ask),
        ("postgres://a:s3?cr3t@h/r", "postgres://…", ask),
        ("postgres://a:s3#cr3t@h/r", "postgres://…", ask),
        ("postgres://a:s3@cr3t@h/r", "postgres://…", ask),
        ("postgres://h/r?user=a@s3cr3t", "postgres://…", ask),
        ("POSTGRES://a:s3cr3t@h/r", "postgres://a@h/r", ""),
        ("Postgres://a:s3cr3t@h/r?x=1", "postgres://…", "`x`"),
        ("postgres://a@h/r?pass%77ord=s3cr3t", "postgres://a@h/r", ""),
        ("postgresql+asyncpg://a:s3cr3t@h/r", "postgres://…", "a database at postgres://"),
        ("mysql://a:s3cr3t@h/r", "postgres://…", "a database at postgres://"),
    ] {
        let place = LedgerPlace::from(std::ffi::OsString::from(text));
        assert_eq!(place.to_string(), shown, "{text}");
        let debug = format!("{place:?}");
        assert!(!debug.contains("cr3t") && !debug.contains("s3"), "{debug}");
        if let LedgerPlace::Unusable(error) = &place {
            assert!(error.to_string().contains(said), "{text}: {error}");
        } else {
            assert_eq!(said, "", "{text}");
        }
    }
}
