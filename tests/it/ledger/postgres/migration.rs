//! Databases that another version wrote.

use super::*;

/// The tables as the released version makes them, and a campaign in them.
fn released() -> PostgresServer {
    let server = PostgresServer::start();
    let sql = concat!(
        "CREATE SCHEMA rushes; SET search_path = rushes; CREATE TABLE about (\
         one boolean PRIMARY KEY DEFAULT true CHECK (one), schema int NOT NULL, \
         written_by text NOT NULL, functions text NOT NULL);",
        include_str!("../../../../src/ledger/postgres/schema/1.sql"),
        include_str!("../frozen/postgres-1.sql"),
    );
    server.psql("public", sql);
    server
}

fn four() -> Arc<[Shot]> {
    ["a", "b", "c", "d"].map(|id| shot(id, 1, Some(1_000_000))).into()
}

#[tokio::test]
async fn a_campaign_of_schema_1_goes_on_and_what_was_on_the_wire_stays_so() {
    let (server, folder) = (released(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    // It can be read before, and shows who works on it.
    let parsed: ServerAddress = address.parse().unwrap();
    let before = PostgresSnapshot::open(&parsed, "summer", true).unwrap();
    let summary = before.summary().unwrap();
    assert_eq!(summary.workers[0].who, "rushes run, process 7 on elsewhere");
    let mut states = Vec::new();
    before.rows(&mut |row| states.push(row.entry.status.state.name())).unwrap();
    assert_eq!(states, ["delivered", "rendering", "submitting", "queued"]);
    // It is not changed under a worker that needs it as it is.
    let error = join(&address, folder.path(), 1).err().unwrap();
    assert!(matches!(error, LedgerError::Server(ServerError::OlderAtWork { .. })), "{error}");
    assert!(error.to_string().contains("process 7 on elsewhere"), "{error}");
    assert_eq!(server.psql("rushes", "SELECT schema FROM about"), "1");

    lapse(&server, "rushes", 1);
    let worker = join(&address, folder.path(), 1).unwrap();
    assert_eq!(server.psql("rushes", "SELECT schema, functions_version FROM about"), "5|3");
    // Such an index would be taken for the latest attempt of each shot.
    let bare = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(sent_at)%'";
    assert_eq!(server.psql("rushes", bare), "0");
    assert_eq!(worker.balance().spent, usd(1_000_000));
    assert_eq!(worker.balance().reserved, usd(2_000_000));
    let begun = fleet(&worker).begin(Some(four()), None, at(0)).await.unwrap();
    let counts = begun.counts;
    assert_eq!(
        (counts.queued, counts.submitting, counts.rendering, counts.delivered),
        (1, 1, 1, 1)
    );
    assert_eq!(server.psql("rushes", "SELECT in_flight FROM accounts"), "2");
    let handed = fleet(&worker).assign(want(9)).await.unwrap();
    assert_eq!(shots_of(&handed), ["b", "d"]);
    assert_eq!(handed.subscriptions.len(), 1);
    // Its last word would come from a function that is not there any more.
    let old = server.try_psql("rushes", "SELECT batch(1, 4, '30 seconds', '[]')");
    assert!(old.is_err(), "{old:?}");
    let over =
        "UPDATE workers SET lease_until = clock_timestamp() - interval '11 minutes' WHERE id = 1";
    server.psql("rushes", over);
    let handed = fleet(&worker).assign(want(9)).await.unwrap();
    assert_eq!(shots_of(&handed), ["c"]);
    drop(worker);
    PostgresSnapshot::open(&parsed, "summer", true).unwrap().look_for_damage().unwrap();
}

/// For a day schema 2 had another name for a column.
#[test]
fn a_column_that_had_another_name_for_a_day_is_renamed() {
    let (server, folder) = (released(), tempfile::tempdir().unwrap());
    lapse(&server, "rushes", 1);
    let later = concat!(
        include_str!("../../../../src/ledger/postgres/schema/2.sql"),
        include_str!("../../../../src/ledger/postgres/schema/3.sql"),
    );
    let later = later.replace("max_in_flight", "most_in_flight");
    server.psql("rushes", &format!("{later} UPDATE about SET schema = 3"));
    server.psql("rushes", "UPDATE accounts SET most_in_flight = 7");
    let worker = join(&server.address("rushes"), folder.path(), 1).unwrap();
    assert_eq!(server.psql("rushes", "SELECT max_in_flight FROM accounts"), "7");
    assert_eq!(worker.balance().spent, usd(1_000_000));
}

/// A program leaves the functions of a later one with the same tables as they are.
#[test]
fn functions_are_replaced_by_later_ones_only() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let address = server.address("rushes");
    drop(join(&address, folder.path(), 1).unwrap());
    let changed = "CREATE OR REPLACE FUNCTION takes_place(state text, why text, is_late boolean) \
         RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT NULL::boolean'";
    let is_ours = || {
        server.psql("rushes", "SELECT takes_place('submitting', NULL, false) IS NOT NULL") == "t"
    };
    for (version, replaced) in [(4, false), (3, false), (2, true)] {
        server.psql("rushes", changed);
        server.psql("rushes", &format!("UPDATE about SET functions_version = {version}"));
        drop(join(&address, folder.path(), 1).unwrap());
        assert_eq!(is_ours(), replaced, "{version}");
    }
}
