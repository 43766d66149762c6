//! The ledger in a real database: answers that get lost, connections that break, servers that die or
//! forget, workers that are given up.

mod callbacks;
mod given_up;
mod joins;
mod lost;
mod migration;
mod several;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::ledger::postgres::PostgresSnapshot;
use rushes::ledger::{
    Assigned, Commit, Fleet, PostgresLedger, ServerAddress, ServerError, Snapshot as _, Want,
};
use rushes::policy::limits::Limits;

use super::fleet::work_within;
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

/// Joins as one of several workers, who renders the `text`th text.
fn join(address: &str, beside: &Path, text: u8) -> Result<PostgresLedger, LedgerError> {
    join_within(address, beside, text, Limits { in_flight: 1000, ..Limits::default() })
}

fn join_within(
    address: &str,
    beside: &Path,
    text: u8,
    limits: Limits,
) -> Result<PostgresLedger, LedgerError> {
    let address: ServerAddress = address.parse().unwrap();
    let work = Some(work_within(text, limits));
    let options = LedgerOptions { work, ..options("rushes run") };
    PostgresLedger::open(&address, &beside.join("postgres"), &options)
}

fn fleet(ledger: &impl Ledger) -> &dyn Fleet {
    ledger.fleet().unwrap()
}

/// So many queued ones, and whatever goes on.
fn want(queued: u32) -> Want {
    Want { queued, purchases: 1000, ..Want::default() }
}

fn shots_of(handed: &Assigned) -> Vec<String> {
    handed.entries.iter().map(|(entry, _)| entry.shot.to_string()).collect()
}

/// Begins with three shots at a dollar, which it is handed over.
async fn begun(ledger: &PostgresLedger) -> Vec<Entry> {
    let shots: Vec<Shot> = ["a", "b", "c"].iter().map(|id| shot(id, 1, Some(1_000_000))).collect();
    fleet(ledger).begin(Some(shots.into()), None, at(0)).await.unwrap();
    let handed = fleet(ledger).assign(want(9)).await.unwrap();
    handed.entries.into_iter().map(|(entry, _)| entry).collect()
}

async fn verdict(ledger: &PostgresLedger, commit: Commit) -> Verdict {
    ledger.one(commit).await.unwrap().0
}

/// As if nothing had been heard of a worker for its whole lease.
fn lapse(server: &PostgresServer, schema: &str, worker: i64) {
    let sql = format!(
        "UPDATE workers SET place = 'elsewhere', \
         lease_until = clock_timestamp() - interval '1 second' WHERE id = {worker}"
    );
    server.psql(schema, &sql);
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

/// A worker that another gives up, and whose answers come through a proxy.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_silent_is_given_up_and_joins_anew_and_its_claims_may_not_leave() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let proxy = DatabaseProxy::before(server.socket());
    let first = join(&proxy.address(), folder.path(), 1).unwrap();
    let entries = begun(&first).await;
    let Verdict::Claimed(attempt) = verdict(&first, claim(&entries[0])).await else { panic!() };
    assert!(fleet(&first).may_leave(attempt));
    proxy.hold(true);
    let second = join(&server.address("rushes"), folder.path(), 1).unwrap();
    lapse(&server, "rushes", 1);
    let handed = fleet(&second).assign(want(9)).await.unwrap();
    assert_eq!(shots_of(&handed), ["b", "c"], "what it sent may still be on the wire");
    proxy.hold(false);
    assert_eq!(verdict(&first, claim(&entries[1])).await, Verdict::Gone);
    assert!(!fleet(&first).may_leave(attempt));
    assert!(!first.has_failed());
    assert_eq!(attempts(&server), "1|1000000");
    let successors = "SELECT count(*) FROM workers WHERE succeeds = 1 AND ended IS NULL";
    assert_eq!(server.psql("rushes", successors), "1");
    // What it sent is its own again.
    assert_eq!(server.psql("rushes", "SELECT worker > 2 FROM revisions WHERE shot = 'a'"), "t");
}

#[tokio::test]
async fn a_worker_of_this_machine_that_is_gone_is_waited_for_by_none() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    let first = join(&address, folder.path(), 1).unwrap();
    let second = join(&address, folder.path(), 1).unwrap();
    let entries = begun(&first).await;
    first.commit(Arc::new(vec![claim(&entries[0])])).await.unwrap();
    // As if a process had died that had this one's number before it, some seconds ago.
    let dies = "UPDATE workers SET place = regexp_replace(place, '[0-9]+$', '1'), \
         lease_until = clock_timestamp() + interval '25 seconds' WHERE id = 1";
    let handed = handed_after(&server, &second, dies).await;
    assert_eq!(handed, ["a", "b", "c"]);
    let third = join(&address, folder.path(), 1).unwrap();
    assert!(!fleet(&third).begins_run());
}

/// Does `sql` until the worker that still renews its lease has not undone it, and answers what the other
/// is handed over then.
async fn handed_after(server: &PostgresServer, other: &PostgresLedger, sql: &str) -> Vec<String> {
    for _ in 0..50 {
        server.psql("rushes", sql);
        let handed = fleet(other).assign(want(9)).await.unwrap();
        if !handed.entries.is_empty() {
            return shots_of(&handed);
        }
    }
    panic!("nothing was handed over");
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
