//! Calls of the gateway in a real database: whose they are, and what they cost.

use super::*;
use rushes::domain::callback::Callback;
use rushes::domain::secret::Secret;

fn key(byte: u8) -> Secret {
    Secret::from_bytes([byte; 16])
}

/// A worker of this campaign with a shot on the wire, about which the gateway can call with this key.
async fn sends(
    server: &PostgresServer,
    beside: &Path,
    name: &'static str,
    byte: u8,
) -> PostgresLedger {
    let address: ServerAddress = server.address("rushes").parse().unwrap();
    let work = Some(work_within(1, Limits::default()));
    let options = LedgerOptions { campaign: name, work, ..options("rushes run") };
    let worker = PostgresLedger::open(&address, &beside.join(name), &options).unwrap();
    let entry = begun(&worker).await.remove(0);
    let spec = AttemptSpec { key: key(byte), key_on_wire: true, ..spec(None) };
    worker.claimed(&entry, spec, at(1)).await;
    worker
}

fn calls(bytes: &[u8]) -> Want {
    let call = |byte: &u8| Callback { key: key(*byte), tasks: Vec::new() };
    Want { hears: true, callbacks: bytes.iter().map(call).collect(), ..Want::default() }
}

#[tokio::test]
async fn a_call_never_crosses_campaigns() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let summer = sends(&server, folder.path(), "summer", 10).await;
    let winter = sends(&server, folder.path(), "winter", 20).await;
    let told = fleet(&winter).assign(calls(&[10, 20, 30])).await.unwrap().callbacks;
    assert_eq!(told.iter().map(|call| call.key).collect::<Vec<_>>(), [key(20)]);
    assert_eq!(fleet(&summer).assign(calls(&[])).await.unwrap().callbacks, []);
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM callbacks"), "1");
    assert_eq!(fleet(&winter).assign(calls(&[])).await.unwrap().callbacks, []);
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM callbacks"), "0", "it was heard");
}

/// A flood of made-up keys is looked up by the index, and leaves nothing behind.
#[tokio::test]
async fn keys_are_looked_up_by_an_index_however_many_attempts_there_are() {
    let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
    let worker = sends(&server, folder.path(), "summer", 10).await;
    let more = "INSERT INTO attempts (campaign, revision, number, worker, batch, price_micro, \
           charged_if_failed, sent_at, token, key_on_wire, account) \
         SELECT campaign, revision, number + n, worker, batch, price_micro, charged_if_failed, sent_at, \
           md5(n::text), key_on_wire, account FROM attempts, generate_series(1, 20000) AS n; \
         ANALYZE attempts";
    server.psql("rushes", more);
    let flood: Vec<u8> = (100..164).collect();
    assert_eq!(fleet(&worker).assign(calls(&flood)).await.unwrap().callbacks, []);
    assert_eq!(server.psql("rushes", "SELECT count(*) FROM callbacks"), "0");
    server.wait_until(
        "SELECT idx_scan >= 64 FROM pg_stat_user_indexes WHERE indexrelname = 'by_key'",
        "t",
    );
}
